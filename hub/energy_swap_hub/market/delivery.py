"""Settles contracts after their period: pays what both meters show, refunds the rest, charges who deviated."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from energy_swap_protocol.units import cost_cents

from energy_swap_hub.market.ahead import Contract, check_sides
from energy_swap_hub.market.fees import Tariff


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one contract, in Wh.

    ``delivered_wh`` was delivered and taken; it is paid at the contract's price, and all else of the contract is
    refunded. ``backfill_wh`` of that the buyer took, but from the grid, because the seller had too little;
    ``spare_wh`` the seller delivered, but to the grid, because the buyer took too little. At most one of these two
    is above 0; what the seller did not have and the buyer did not need is in neither.
    """

    contract: Contract
    delivered_wh: int
    backfill_wh: int
    spare_wh: int

    @property
    def refunded_wh(self) -> int:
        """What the buyer pays nothing for, and the seller earns nothing for."""
        return self.contract.wh - self.delivered_wh


@dataclass(frozen=True, slots=True)
class AheadLine:
    """The cents of one household for its contracts of one period.

    A buyer has promised ``paid_cents + refunded_cents``, with fees; a seller has earned ``earned_cents``, without.
    ``grid_cents`` are what backfill costs at the retail tariff (negative) or spare energy brings at the feed-in
    tariff. ``difference_cents`` is what who deviated pays (negative) to who did not. All of these together are
    what the contract promised, to the rounding of each, for a household that did not deviate.
    """

    household: str
    bought_wh: int
    paid_cents: int
    refunded_cents: int
    sold_wh: int
    earned_cents: int
    grid_wh: int
    grid_cents: int
    difference_cents: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """The result of the contracts of one period.

    ``settled`` is by the contracts' numbers, ``lines`` by household. What buyers pay, and the differences, are
    what sellers and fees receive and what whole cents leave over (``rounding_cents``); the grid's cents are apart.
    ``left_wh`` is what no contract explains, net export positive, net import negative: it goes on to the period
    market.
    """

    settled: tuple[Settled, ...]
    lines: tuple[AheadLine, ...]
    community_fee_cents: int
    grid_fee_cents: int
    rounding_cents: int
    left_wh: Mapping[str, int]


def settle_contracts(
    contracts: Iterable[Contract], net_export_wh: Mapping[str, int | None], tariff: Tariff
) -> Delivery:
    """Settle all contracts of one period from both parties' meters.

    ``net_export_wh`` has every household of the contracts: what its meter counted, net import negative, None if
    the meter has been silent. A silent meter shows nothing delivered and nothing taken. Else silence would be a
    way out of a contract that one cannot keep; energy that it counted arrives in a later period, as always.

    1. **Delivered.** Contract by contract, in order of number: the least of the contract, of what the seller's
       meter shows and no earlier contract has used, and of what the buyer's shows and no earlier one has used.
    2. **Who deviated.** What a seller still has was there for its buyers who took too little (``spare_wh``); what
       a buyer still took was missing from its sellers who had too little (``backfill_wh``). That too in order of
       number. Where both had less than the contract, neither has harmed the other by the smaller of the two gaps.
    3. **The difference.** Who deviated pays the other what the grid is worse than the contract, per kWh: the
       seller, retail - (price + fees) for backfill; the buyer, price - feed-in for spare energy; never below 0. So
       the other has what it was promised, and a deviation costs what it costs, no more.

    Raise ValueError if contracts are of several periods or share a number, or if a household has no meter value;
    `BothSidesError` if a household is on both sides.
    """
    in_order = sorted(contracts, key=lambda contract: contract.number)
    _check(in_order, net_export_wh)
    to_give = {c.seller: max(0, net_export_wh[c.seller] or 0) for c in in_order}
    to_take = {c.buyer: max(0, -(net_export_wh[c.buyer] or 0)) for c in in_order}
    delivered: list[int] = []
    for contract in in_order:
        wh = min(contract.wh, to_give[contract.seller], to_take[contract.buyer])
        to_give[contract.seller] -= wh
        to_take[contract.buyer] -= wh
        delivered.append(wh)
    settled: list[Settled] = []
    for contract, wh in zip(in_order, delivered, strict=True):
        # One of the two is 0: delivery stopped short of the contract because one of them had nothing left.
        spare = min(contract.wh - wh, to_give[contract.seller])
        backfill = min(contract.wh - wh, to_take[contract.buyer])
        to_give[contract.seller] -= spare
        to_take[contract.buyer] -= backfill
        settled.append(Settled(contract, wh, backfill, spare))
    left = {name: wh for name, wh in to_give.items() if wh} | {name: -wh for name, wh in to_take.items() if wh}
    # Who exported against a purchase, or imported against a sale, has all of that left.
    for contract in in_order:
        if (net := net_export_wh[contract.seller] or 0) < 0:
            left[contract.seller] = net
        if (net := net_export_wh[contract.buyer] or 0) > 0:
            left[contract.buyer] = net
    return _bill(settled, tariff, left)


def _check(contracts: Sequence[Contract], net_export_wh: Mapping[str, int | None]) -> None:
    sellers, buyers = {c.seller for c in contracts}, {c.buyer for c in contracts}
    check_sides(sellers, buyers)
    if len({c.period for c in contracts}) > 1:
        raise ValueError("contracts are settled one period at a time")
    if len({c.number for c in contracts}) < len(contracts):
        raise ValueError("two contracts of one period have the same number")
    if unknown := sorted((sellers | buyers) - net_export_wh.keys()):
        raise ValueError(f"no meter value for {', '.join(unknown)}: give None for a silent meter")


def _bill(settled: Sequence[Settled], tariff: Tariff, left: Mapping[str, int]) -> Delivery:
    """Turn Wh into cents: one rounding per household and amount, as in the period market."""
    fees, retail, feed_in = tariff.fees_cents_per_kwh, tariff.retail_cents_per_kwh, tariff.feed_in_cents_per_kwh
    sums: dict[str, Counter[str]] = {}  # amounts in Wh x cents per kWh: thousandths of a cent
    for part in settled:
        contract = part.contract
        seller = sums.setdefault(contract.seller, Counter())
        buyer = sums.setdefault(contract.buyer, Counter())
        price = contract.cents_per_kwh
        difference = part.spare_wh * max(0, price - feed_in) - part.backfill_wh * max(0, retail - price - fees)
        seller.update(
            sold_wh=part.delivered_wh,
            earned=part.delivered_wh * price,
            grid_wh=part.spare_wh,
            grid=part.spare_wh * feed_in,
            difference=difference,
        )
        buyer.update(
            bought_wh=part.delivered_wh,
            promised=contract.wh * (price + fees),
            paid=part.delivered_wh * (price + fees),
            grid_wh=-part.backfill_wh,
            grid=-part.backfill_wh * retail,
            difference=-difference,
        )
    lines = tuple(_line(household, sums[household]) for household in sorted(sums))
    wh = sum(line.bought_wh for line in lines)
    community_fee = cost_cents(wh, tariff.community_fee_cents_per_kwh)
    grid_fee = cost_cents(wh, tariff.grid_fee_cents_per_kwh)
    rounding = (
        sum(line.paid_cents - line.earned_cents - line.difference_cents for line in lines)
        - community_fee
        - grid_fee
    )
    return Delivery(tuple(settled), lines, community_fee, grid_fee, rounding, left)


def _line(household: str, sums: Mapping[str, int]) -> AheadLine:
    paid = cost_cents(sums["paid"], 1)
    return AheadLine(
        household,
        bought_wh=sums["bought_wh"],
        paid_cents=paid,
        refunded_cents=cost_cents(sums["promised"], 1) - paid,
        sold_wh=sums["sold_wh"],
        earned_cents=cost_cents(sums["earned"], 1),
        grid_wh=sums["grid_wh"],
        grid_cents=cost_cents(sums["grid"], 1),
        difference_cents=cost_cents(sums["difference"], 1),
    )
