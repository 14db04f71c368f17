"""What a period's positions and orders come to: trades, bills and tokens per household, without any storage."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from energy_swap_protocol.period import Period
from energy_swap_protocol.units import cost_cents

from energy_swap_hub.market.delivery import AheadLine
from energy_swap_hub.market.fees import Line, Tariff, bill_priced
from energy_swap_hub.market.period import Clearing, PeriodOrder, Side, clear_period
from energy_swap_hub.market.stages import clear_stages
from energy_swap_hub.market.trade import PricedTrade
from energy_swap_hub.membership.households import Household

from .netting import Position

type MarketTrade = tuple[str, PricedTrade]  # "period" or "partner", and the trade


@dataclass(frozen=True, slots=True)
class Stand:
    """One household in a period: what it counted, which order that became, what its own tokens covered.

    ``ahead`` is what its contracts for the period came to (None: it has none). ``order`` and ``own_wh`` are made
    from what `without_contracts` leaves of ``position``. What a net-metered household exports is the utility's.
    """

    household: Household
    position: Position
    order: PeriodOrder | None
    own_wh: int
    ahead: AheadLine | None = None
    is_net_metered: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A stand with what the clearing made of it.

    ``grid_wh`` went to the utility (above zero) or came from it, which pays or charges ``grid_cents`` itself: they
    are for the statement and in no ledger. Nothing goes to it where what nobody bought becomes tokens.
    """

    stand: Stand
    line: Line
    grid_wh: int = 0
    grid_cents: int = 0

    @property
    def sold_wh(self) -> int:
        """What the household sold, in the period's markets and ahead."""
        return self.line.sold_wh + (self.stand.ahead.sold_wh if self.stand.ahead else 0)

    @property
    def bought_wh(self) -> int:
        """What the household bought, in the period's markets and ahead."""
        return self.line.bought_wh + (self.stand.ahead.bought_wh if self.stand.ahead else 0)

    @property
    def minted_wh(self) -> int:
        """New tokens: all that was exported, less what the utility bought."""
        return self.stand.position.net_export_wh - max(self.grid_wh, 0)

    @property
    def received_wh(self) -> int:
        """Tokens that reach the household's wallet: what it did not sell, or what it bought."""
        return self.minted_wh - self.sold_wh + self.bought_wh

    @property
    def burned_wh(self) -> int:
        """Tokens that its consumption uses up."""
        return self.bought_wh + self.stand.own_wh


@dataclass(frozen=True, slots=True)
class Cleared:
    """A period's result: an outcome per household, its trades with the market each was made in, and the cents.

    ``cents_per_kwh`` is the community's clearing price, None when nothing was traded there. Supply, demand and
    what was traded are those of partners and community together, without contracts. What buyers pay is what
    sellers, both fees and ``rounding_cents`` receive.
    """

    outcomes: tuple[Outcome, ...]
    trades: tuple[MarketTrade, ...]
    cents_per_kwh: int | None
    supply_wh: int
    demand_wh: int
    traded_wh: int
    community_fee_cents: int
    grid_fee_cents: int
    rounding_cents: int


def without_contracts(position: Position, ahead: AheadLine | None) -> Position:
    """Return what of ``position`` still goes to the period's markets.

    What was delivered is paid, and what the grid took or gave because the other side deviated is made good.
    """
    if ahead is None:
        return position
    spare_wh, backfill_wh = max(ahead.grid_wh, 0), max(-ahead.grid_wh, 0)
    return replace(
        position,
        export_wh=max(position.net_export_wh - ahead.sold_wh - spare_wh, 0),
        import_wh=max(position.net_import_wh - ahead.bought_wh - backfill_wh, 0),
    )


def clear(
    stands: Sequence[Stand],
    period: Period,
    tariff: Tariff,
    *,
    stages: Collection[str] = ("community",),
    partners: Mapping[str, Collection[str]] | None = None,
) -> Cleared:
    """Clear ``period`` for the households in ``stands``, in the community's ``stages``.

    ``partners`` are the households that each has chosen; they count if "partners" is a stage. What nobody gave
    came from the utility; with "grid" as the last stage it also takes what nobody bought, which else is tokens.
    """
    orders = [s.order for s in stands if s.order is not None]
    community, trades = _trades(orders, partners if partners and "partners" in stages else {}, period.id)
    bills = bill_priced([priced for _, priced in trades], tariff)
    lines = {line.household: line for line in bills.lines}
    outcomes = (Outcome(s, lines.get(s.household.id, Line(s.household.id, 0, 0, 0, 0))) for s in stands)
    return Cleared(
        outcomes=tuple(_with_grid(outcome, tariff, takes="grid" in stages) for outcome in outcomes),
        trades=trades,
        cents_per_kwh=community.cents_per_kwh,
        supply_wh=sum(order.wh for order in orders if order.side == Side.SELL),
        demand_wh=sum(order.wh for order in orders if order.side == Side.BUY),
        traded_wh=sum(priced.trade.wh for _, priced in trades),
        community_fee_cents=bills.community_fee_cents,
        grid_fee_cents=bills.grid_fee_cents,
        rounding_cents=bills.rounding_cents,
    )


def _trades(
    orders: Sequence[PeriodOrder], partners: Mapping[str, Collection[str]], lot: str
) -> tuple[Clearing, tuple[MarketTrade, ...]]:
    """Return the community's clearing and the trades of partners and community."""
    between_partners: tuple[PricedTrade, ...] = ()
    if partners:
        staged = clear_stages(orders, partners, lot)
        between_partners, community = staged.partners, staged.community
    else:
        community = clear_period(orders, lot)
    price = community.cents_per_kwh or 0
    return community, (
        *(("partner", priced) for priced in between_partners),
        *(("period", PricedTrade(trade, price)) for trade in community.trades),
    )


def _with_grid(outcome: Outcome, tariff: Tariff, *, takes: bool) -> Outcome:
    """Let the utility give what the household still needed, and where it ``takes``, take what it has left."""
    position, is_net_metered = outcome.stand.position, outcome.stand.is_net_metered
    to_grid = position.net_export_wh - outcome.sold_wh if takes or is_net_metered else 0
    if to_grid > 0:
        if is_net_metered:  # credited by a contract that the hub does not know
            return replace(outcome, grid_wh=to_grid)
        return replace(outcome, grid_wh=to_grid, grid_cents=cost_cents(to_grid, tariff.feed_in_cents_per_kwh))
    from_grid = position.net_import_wh - outcome.burned_wh
    return replace(outcome, grid_wh=-from_grid, grid_cents=-cost_cents(from_grid, tariff.retail_cents_per_kwh))
