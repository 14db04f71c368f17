"""Trades energy of a future period: orders until the gate closes, then one call auction that makes contracts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from energy_swap_protocol.period import Period, PeriodCalendar

from energy_swap_hub.market.period import Clearing, PeriodOrder, Side, clear_period
from energy_swap_hub.market.sharing import draw


class BothSidesError(ValueError):
    """A household would sell and buy for one period; its one meter could not show which it had kept."""


@dataclass(frozen=True, slots=True)
class Contract:
    """``seller`` delivers ``wh`` (> 0) to ``buyer`` in ``period`` at ``cents_per_kwh``, fees not in it.

    ``number`` counts the contracts of a period as they were concluded: delivered energy fills them in this order.
    """

    number: int
    period: Period
    seller: str
    buyer: str
    wh: int
    cents_per_kwh: int

    def __post_init__(self) -> None:
        if self.seller == self.buyer or self.wh <= 0:
            raise ValueError(f"a contract is about at least 1 Wh between two households: {self}")


def gate_closes_at(period: Period, calendar: PeriodCalendar, periods_before: int = 1) -> datetime:
    """Return the first instant at which no order for ``period`` is taken: whole periods before its start.

    Across a change of their length they are the periods there are, so a later period's gate never closes earlier.
    """
    if periods_before < 0:
        raise ValueError(f"the gate of a period closes by its start, not {-periods_before} periods after it")
    return calendar.before(period, periods_before).start


def close_gate(
    orders: Sequence[PeriodOrder], period: Period, concluded: Iterable[Contract] = ()
) -> tuple[Clearing, tuple[Contract, ...]]:
    """Clear all ``orders`` for ``period`` at one price (`clear_period`) and return the clearing and its contracts.

    ``concluded`` are the contracts of the period from earlier gates; the new ones are numbered after them. Among
    contracts of one gate the numbers are drawn by lot, so that no name is served first for ever. A household is on
    one side for a period, in ``orders`` and ``concluded`` together, else `BothSidesError` is raised.
    """
    concluded = tuple(concluded)
    check_sides(
        [o.household for o in orders if o.side == Side.SELL and o.wh] + [c.seller for c in concluded],
        [o.household for o in orders if o.side == Side.BUY and o.wh] + [c.buyer for c in concluded],
    )
    lot = f"{period.id}|ahead"
    clearing = clear_period(orders, lot)
    price = clearing.cents_per_kwh
    if price is None:
        return clearing, ()
    drawn = sorted(clearing.trades, key=lambda trade: draw(lot, f"{trade.seller}|{trade.buyer}"))
    first = max((contract.number for contract in concluded), default=0) + 1
    return clearing, tuple(
        Contract(number, period, trade.seller, trade.buyer, trade.wh, price)
        for number, trade in enumerate(drawn, start=first)
    )


def check_sides(sellers: Iterable[str], buyers: Iterable[str]) -> None:
    """Raise `BothSidesError` if a household is among the sellers and the buyers of one period."""
    if both := sorted(set(sellers) & set(buyers)):
        raise BothSidesError(f"for one period a household either sells or buys, not both: {', '.join(both)}")
