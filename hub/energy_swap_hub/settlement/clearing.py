"""What a period's positions and orders come to: trades, bills and tokens per household, without any storage."""

from collections.abc import Sequence
from dataclasses import dataclass

from energy_swap_protocol.period import Period

from energy_swap_hub.market.fees import Line, Tariff, bill
from energy_swap_hub.market.period import PeriodOrder, clear_period
from energy_swap_hub.market.trade import PricedTrade
from energy_swap_hub.membership.households import Household

from .netting import Position


@dataclass(frozen=True, slots=True)
class Stand:
    """One household in a period: what it counted, which order that became, what its own tokens covered."""

    household: Household
    position: Position
    order: PeriodOrder | None
    own_wh: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A stand with what the clearing made of it."""

    stand: Stand
    line: Line

    @property
    def minted_wh(self) -> int:
        """New tokens: all that was exported, sold or not."""
        return self.stand.position.net_export_wh

    @property
    def received_wh(self) -> int:
        """Tokens that reach the household's wallet: what it did not sell, or what it bought."""
        return self.minted_wh - self.line.sold_wh + self.line.bought_wh

    @property
    def burned_wh(self) -> int:
        """Tokens that its consumption uses up."""
        return self.line.bought_wh + self.stand.own_wh


@dataclass(frozen=True, slots=True)
class Cleared:
    """A period's result: an outcome per household, its trades with the market each was made in, and the cents.

    ``cents_per_kwh`` is the community's clearing price, None when nothing was traded there. What buyers pay is
    what sellers, both fees and ``rounding_cents`` receive.
    """

    outcomes: tuple[Outcome, ...]
    trades: tuple[tuple[str, PricedTrade], ...]
    cents_per_kwh: int | None
    supply_wh: int
    demand_wh: int
    traded_wh: int
    community_fee_cents: int
    grid_fee_cents: int
    rounding_cents: int


def clear(stands: Sequence[Stand], period: Period, tariff: Tariff) -> Cleared:
    """Clear ``period`` for the households in ``stands``."""
    clearing = clear_period([s.order for s in stands if s.order is not None], lot=period.id)
    price = clearing.cents_per_kwh or 0
    bills = bill(clearing.trades, price, tariff)
    lines = {line.household: line for line in bills.lines}
    return Cleared(
        outcomes=tuple(Outcome(s, lines.get(s.household.id, Line(s.household.id, 0, 0, 0, 0))) for s in stands),
        trades=tuple(("period", PricedTrade(trade, price)) for trade in clearing.trades),
        cents_per_kwh=clearing.cents_per_kwh,
        supply_wh=clearing.supply_wh,
        demand_wh=clearing.demand_wh,
        traded_wh=clearing.traded_wh,
        community_fee_cents=bills.community_fee_cents,
        grid_fee_cents=bills.grid_fee_cents,
        rounding_cents=bills.rounding_cents,
    )
