"""Clears a period in stages: chosen partners first, then the community's call auction, then the grid."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import replace
from dataclasses import dataclass

from energy_swap_hub.market.period import Clearing, PeriodOrder, clear_period, middle
from energy_swap_hub.market.sharing import share_equally
from energy_swap_hub.market.trade import PricedTrade, Side, Trade

type _Orders = Mapping[str, PeriodOrder]  # household -> its order
type _Met = dict[tuple[str, str], int]  # seller, buyer -> Wh


@dataclass(frozen=True, slots=True)
class GridShare:
    """``wh`` (> 0) that ``household`` gives to (sells) or takes from (buys) the main grid."""

    household: str
    side: Side
    wh: int


@dataclass(frozen=True, slots=True)
class StagedClearing:
    """The result of a period in stages; each Wh of each order is in exactly one of the three.

    ``partners`` are the trades between partners, by seller and buyer. ``community`` is the clearing of what they
    left over; its supply and demand are without what partners traded, and what it ``kept`` is used, not on its way
    to the grid. ``grid`` is the rest, by household: sold at the feed-in tariff, bought at the retail tariff.
    """

    partners: tuple[PricedTrade, ...]
    community: Clearing
    grid: tuple[GridShare, ...]

    @property
    def trades(self) -> tuple[PricedTrade, ...]:
        """The trades of both markets, each with its price."""
        price = self.community.cents_per_kwh
        if price is None:
            return self.partners
        return (*self.partners, *(PricedTrade(trade, price) for trade in self.community.trades))


def clear_stages(
    orders: Sequence[PeriodOrder], partners: Mapping[str, Collection[str]], lot: str
) -> StagedClearing:
    """Clear ``orders`` of one period in stages; ``partners`` are the households that each household has chosen.

    1. **Partners.** Two households are partners if each has chosen the other: nobody is drawn into a trade outside
       the community's price by somebody else's choice. They trade if the seller's limit is at most the buyer's. In
       each round a buyer asks all its partners who have something left for the same (`share_equally`), and a
       seller that is asked for more than it has shares that among the askers in the same way, until no two
       partners can trade any more. Limits decide who can trade, never who comes first.
    2. **Community.** `clear_period` with the same ``lot`` on what is left. Without partners that is all there is.
    3. **Grid.** What is left then.

    **The partners' price** is the community's clearing price of this period if it is within both limits: then
    choosing a partner says who, not how much, and is no way to trade past the market. Else one of the two could
    not have traded in the community, so there is no common price to take, and they share what they gain: the
    middle of their limits, half a cent to the even cent, as the auction does for the last buyer and seller.

    Partners first can cost welfare: a partner with a worse limit is served where the auction would have served a
    stranger with a better one. That is what the household chose.

    The order of ``orders`` and of the chosen partners changes nothing. Raise ValueError if a household has more
    than one order on one side: shares are per household, and one limit says whom it can trade with.
    """
    sells, buys = _by_household(orders, Side.SELL), _by_household(orders, Side.BUY)
    met = _meet(sells, buys, partners, f"{lot}|partners")
    between_partners = [Trade(seller, buyer, wh) for (seller, buyer), wh in sorted(met.items())]
    left = _without(orders, between_partners)
    community = clear_period(left, lot)
    partner_trades = tuple(
        PricedTrade(
            trade, _partner_price(sells[trade.seller].limit, buys[trade.buyer].limit, community.cents_per_kwh)
        )
        for trade in between_partners
    )
    return StagedClearing(partner_trades, community, _grid(left, community))


def _by_household(orders: Sequence[PeriodOrder], side: Side) -> _Orders:
    of_side = {order.household: order for order in orders if order.side == side}
    if len(of_side) != sum(order.side == side for order in orders):
        raise ValueError(f"in a period with partners a household has one order to {side}, not several")
    return of_side


def _meet(sells: _Orders, buys: _Orders, partners: Mapping[str, Collection[str]], lot: str) -> _Met:
    """Return what partners trade with each other.

    Each round empties a seller or is the last: if no seller was asked for all it had, every buyer has all it asked
    for.
    """
    sellers_of = {
        buyer: [
            seller
            for seller in set(partners.get(buyer, ()))
            if seller in sells
            and seller != buyer
            and buyer in partners.get(seller, ())
            and sells[seller].limit <= order.limit
        ]
        for buyer, order in buys.items()
    }
    offered = {seller: order.wh for seller, order in sells.items()}
    needed = {buyer: order.wh for buyer, order in buys.items() if sellers_of[buyer]}
    met: _Met = {}
    while True:
        asked: dict[str, dict[str, int]] = {}
        for buyer, wh in needed.items():
            open_to_it = {seller: offered[seller] for seller in sellers_of[buyer]}
            for seller, part in share_equally(wh, open_to_it, lot).items():
                asked.setdefault(seller, {})[buyer] = part
        if not asked:
            return met
        for seller, askers in asked.items():
            for buyer, wh in share_equally(offered[seller], askers, lot).items():
                met[seller, buyer] = met.get((seller, buyer), 0) + wh
                offered[seller] -= wh
                needed[buyer] -= wh


def _partner_price(ask: int, bid: int, community: int | None) -> int:
    return community if community is not None and ask <= community <= bid else middle(ask, bid)


def _without(orders: Sequence[PeriodOrder], trades: Iterable[Trade]) -> list[PeriodOrder]:
    """Return the orders with what is left of them after ``trades``."""
    traded = _traded(trades)
    return [
        replace(order, wh=order.wh - wh) if (wh := traded[order.side].get(order.household)) else order
        for order in orders
    ]


def _traded(trades: Iterable[Trade]) -> dict[Side, dict[str, int]]:
    """Return the Wh that each household sold and bought."""
    sold: dict[str, int] = {}
    bought: dict[str, int] = {}
    for trade in trades:
        sold[trade.seller] = sold.get(trade.seller, 0) + trade.wh
        bought[trade.buyer] = bought.get(trade.buyer, 0) + trade.wh
    return {Side.SELL: sold, Side.BUY: bought}


def _grid(orders: Sequence[PeriodOrder], community: Clearing) -> tuple[GridShare, ...]:
    used = _traded(community.trades)
    if kept := community.kept:
        for wh_of in used.values():
            wh_of[kept.household] = wh_of.get(kept.household, 0) + kept.wh
    shares = [
        GridShare(order.household, order.side, wh)
        for order in orders
        if (wh := order.wh - used[order.side].get(order.household, 0))
    ]
    return tuple(sorted(shares, key=lambda share: (share.household, share.side)))
