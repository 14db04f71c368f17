"""Pairs what households sold with what households bought, so that nobody trades with itself."""

from collections import deque
from collections.abc import Iterator, Mapping

from energy_swap_hub.market.trade import Trade


def pair(sold: Mapping[str, int], bought: Mapping[str, int]) -> tuple[Trade, ...]:
    """Return trades that give every seller exactly its ``sold`` and every buyer exactly its ``bought`` Wh.

    At most one trade fewer than there are sellers and buyers. Raise ValueError if both sides do not sum up to the
    same, or if one household holds so much of both sides that it would have to trade with itself (its sold +
    bought > total).

    How: sellers and buyers stand in line as they are given, and the first seller serves the first buyer who is
    somebody else, until one of the two is done. That can only fail when a household on both sides is left with
    nobody but itself. The line stops just before: as soon as a household's own sold + bought is all that is left
    to trade, everybody else trades with that household only, which always comes out even.
    """
    sellers = deque((household, wh) for household, wh in sold.items() if wh)
    buyers = deque((household, wh) for household, wh in bought.items() if wh)
    left = sum(wh for _, wh in sellers)
    if left != sum(wh for _, wh in buyers):
        raise ValueError("what is sold is not what is bought")
    selling, buying = dict(sellers), dict(buyers)
    two_sided = sorted(selling.keys() & buying.keys())
    if not two_sided:
        return tuple(_in_line(sellers, buyers))
    # What the largest two-sided household still has on both sides; only ever too high, because it only falls.
    largest = max((selling[name] + buying[name] for name in two_sided), default=0)
    if largest > left:
        raise ValueError("one household sold and bought so much that it would trade with itself")

    trades: list[Trade] = []
    while left:
        seller_place, buyer_place = _first_strangers(sellers, buyers)
        seller, buyer = sellers[seller_place][0], buyers[buyer_place][0]
        wh = min(selling[seller], buying[buyer])
        if left - wh < largest:
            two_sided = [name for name in two_sided if selling[name] and buying[name]]
            others = ((selling[n] + buying[n], n) for n in two_sided if n not in {seller, buyer})
            limit, name = max(others, default=(0, ""))
            if left - wh < limit:
                # Trade only down to the point where `name` is one party of all that is left.
                if left > limit:
                    trades.append(Trade(seller, buyer, left - limit))
                    selling[seller] -= left - limit
                    buying[buyer] -= left - limit
                return (*trades, *_all_with(name, selling, buying))
            largest = max((selling[n] + buying[n] for n in two_sided), default=0)
        trades.append(Trade(seller, buyer, wh))
        left -= wh
        selling[seller] -= wh
        buying[buyer] -= wh
        if not selling[seller]:
            del sellers[seller_place]
        if not buying[buyer]:
            del buyers[buyer_place]
    return tuple(trades)


def _in_line(sellers: deque[tuple[str, int]], buyers: deque[tuple[str, int]]) -> Iterator[Trade]:
    """Yield the trades of sellers and buyers who are all different households."""
    offered = needed = 0
    seller = buyer = ""
    while sellers or offered:
        if not offered:
            seller, offered = sellers.popleft()
        if not needed:
            buyer, needed = buyers.popleft()
        wh = min(offered, needed)
        yield Trade(seller, buyer, wh)
        offered -= wh
        needed -= wh


def _first_strangers(sellers: deque[tuple[str, int]], buyers: deque[tuple[str, int]]) -> tuple[int, int]:
    """Return the places in line of the first seller and the first buyer that are not the same household."""
    if sellers[0][0] != buyers[0][0]:
        return 0, 0
    return (0, 1) if len(buyers) > 1 else (1, 0)


def _all_with(name: str, selling: Mapping[str, int], buying: Mapping[str, int]) -> list[Trade]:
    """Return the trades of everybody else with ``name``, whose sold + bought is all that is left."""
    to_buyers = [Trade(name, buyer, wh) for buyer, wh in sorted(buying.items()) if wh and buyer != name]
    from_sellers = [Trade(seller, name, wh) for seller, wh in sorted(selling.items()) if wh and seller != name]
    return to_buyers + from_sellers
