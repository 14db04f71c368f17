"""What the hub says about its household (HouseholdState), and what of it Home Assistant is shown."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from energy_swap_protocol.period import PeriodCalendar

from .state import LiveState

type PeriodMinutes = Literal[15, 30, 60]
type CentsPerKwh = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]


class Wallet(msgspec.Struct, frozen=True):
    """Balances at the hub: KES in cents, eKWh in Wh; held amounts are reserved by orders."""

    kes_cents: int
    kes_held_cents: int
    ekwh_wh: int
    ekwh_held_wh: int


class Limits(msgspec.Struct, frozen=True):
    """The standing order at the hub, cents per kWh."""

    sell_at_least: int | None = None
    buy_at_most: int | None = None


class Clearing(msgspec.Struct, frozen=True):
    """The community's latest settled period and its clearing price."""

    period: str
    cents_per_kwh: int | None = None


class Book(msgspec.Struct, frozen=True):
    """The best offers on the spot market."""

    best_sell: dict[str, Any] | None = None
    best_buy: dict[str, Any] | None = None


class Reputation(msgspec.Struct, frozen=True):
    """How far the household keeps its word, and why the hub says so."""

    basis_points: int
    reason: str = ""
    facts: dict[str, int] = msgspec.field(default_factory=dict)  # what the reason is made of


class OwnRelay(msgspec.Struct, frozen=True):
    """What the hub wants of the connection: ``wanted`` is why it is to be open, ``none``: it is to be closed."""

    is_asked_off: bool = False
    is_protected: bool = False
    wanted: str = "none"


class PeriodChange(msgspec.Struct, frozen=True):
    """From the Unix time ``since`` on, a midnight UTC, periods last ``minutes``."""

    since: Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800, multiple_of=86_400)] = msgspec.field(name="from")
    minutes: PeriodMinutes


class HouseholdState(msgspec.Struct, frozen=True):
    """The hub's view of the household. Fields that this edge does not know are ignored."""

    household: str
    status: str  # applied, admitted, suspended, leaving, left
    wallet: Wallet
    is_net_metered: bool = False  # what it exports is the utility's by contract
    standing_order: Limits = msgspec.field(default_factory=Limits)
    exported_wh: int = 0
    imported_wh: int = 0
    generated_wh: int = 0
    sold_wh: int = 0
    bought_wh: int = 0
    earned_cents: int = 0
    spent_cents: int = 0
    clearing: Clearing | None = None
    last_settlement: dict[str, Any] | None = None
    orders: list[dict[str, Any]] = msgspec.field(default_factory=list)
    auctions: list[dict[str, Any]] = msgspec.field(default_factory=list)
    ahead_orders: list[dict[str, Any]] = msgspec.field(default_factory=list)
    contracts: list[dict[str, Any]] = msgspec.field(default_factory=list)
    partners: list[str] = msgspec.field(default_factory=list)
    book: Book = msgspec.field(default_factory=Book)
    accepted_sequence: int = 0
    allowance_wh: int = 0
    period_minutes: PeriodMinutes = 30
    period_change: PeriodChange | None = None
    retail_tariff: CentsPerKwh = 0  # as the next two
    feed_in_tariff: CentsPerKwh = 0
    fees: CentsPerKwh = 0
    reputation: Reputation | None = None
    relay: OwnRelay | None = None  # of a household whose meter has told of one
    last_notification: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    guidance: dict[str, Any] | None = None  # advice on limits; a hub that gives none has no word on it


def show(household: HouseholdState, state: LiveState) -> None:
    """Put the hub's view into the state that Home Assistant sees."""
    clearing = household.clearing
    state.set("membership", household.status)
    state.set("wallet", msgspec.to_builtins(household.wallet))
    counted = ("exported_wh", "imported_wh", "generated_wh", "sold_wh", "bought_wh")
    state.set("energy", {name: getattr(household, name) for name in counted})
    tariffs = ("retail_tariff", "feed_in_tariff", "fees", "period_minutes")
    change = {"period_change": msgspec.to_builtins(household.period_change)}
    state.set("tariffs", {name: getattr(household, name) for name in tariffs} | change)
    standing = household.reputation
    state.set(
        "reputation",
        None
        if standing is None
        else {"percent": standing.basis_points / 100, "reason": standing.reason, "facts": standing.facts},
    )
    state.set(
        "market",
        {
            "clearing_cents_per_kwh": None if clearing is None else clearing.cents_per_kwh,
            "period": None if clearing is None else clearing.period,
            "sell_at_least": household.standing_order.sell_at_least,
            "buy_at_most": household.standing_order.buy_at_most,
            "best_sell": household.book.best_sell,
            "best_buy": household.book.best_buy,
            "is_net_metered": household.is_net_metered,
        },
    )
    state.set("orders", household.orders)
    state.set("auctions", household.auctions)
    state.set("ahead_orders", household.ahead_orders)
    state.set("contracts", household.contracts)
    state.set("partners", household.partners)
    state.set("last_settlement", household.last_settlement)
    state.set("guidance", household.guidance)


def calendar_of(tariffs: Mapping[str, Any] | None) -> PeriodCalendar:
    """Return the periods as the hub told of them last (`show`): those of then, and a change that is announced."""
    if tariffs is None:
        return PeriodCalendar(timedelta(minutes=30))
    change, first = tariffs["period_change"], timedelta(minutes=tariffs["period_minutes"])
    if change is None:
        return PeriodCalendar(first)
    since = datetime.fromtimestamp(change["from"], UTC)
    return PeriodCalendar(first, ((since, timedelta(minutes=change["minutes"])),))
