"""The state that the edge sends, part by part.

Units are in the names; ``at``, ``since`` and the like are Unix seconds. A part is None until it is known. What an
older edge does not send is NotRequired.
"""

from typing import Any, Literal, NotRequired, TypedDict


class Power(TypedDict):
    """Live power; net is positive while importing."""

    net_w: int
    surplus_w: int
    generation_w: int
    at: int


class Meter(TypedDict):
    """The meter's cumulative registers, and whether it is heard."""

    key: str
    status: Literal["live", "silent", "unknown"]
    export_wh: int
    import_wh: int
    generation_wh: int
    measured_at: int


class Hub(TypedDict):
    """The edge's link to the community hub; ``queue`` counts readings not yet there."""

    status: Literal["connected", "unreachable", "refused"]
    since: int
    queue: int


class Wallet(TypedDict):
    """Balances at the hub: what is free and what a hold reserves."""

    kes_cents: int
    kes_held_cents: int
    ekwh_wh: int
    ekwh_held_wh: int


class Energy(TypedDict):
    """Energy traded in the household's lifetime."""

    sold_wh: int
    bought_wh: int


class Offer(TypedDict):
    """The best limit of one side of the spot market, and how much is offered at it."""

    cents_per_kwh: int
    wh: int


class Market(TypedDict):
    """The latest settled period's price and the household's own limits; the best spot offers."""

    clearing_cents_per_kwh: int | None
    period: str | None
    sell_at_least: int | None
    buy_at_most: int | None
    best_sell: Offer | None
    best_buy: Offer | None


class Settlement(TypedDict):
    """The household's part in the latest settled period."""

    period: str
    net_wh: int
    sold_wh: int
    bought_wh: int
    paid_cents: int
    earned_cents: int


class Guidance(TypedDict):
    """Advice on limits in cents per kWh, and how much dearer now is than the week, in percent. None: not known."""

    suggested_sell: int | None
    suggested_buy: int | None
    week_average: int | None
    now_against_week_percent: int | None


class Forecast(TypedDict):
    """What the edge expects, and how sure it is."""

    surplus_today_wh: int
    surplus_remaining_wh: int
    tier: str
    made_at: int
    surplus_tomorrow_wh: NotRequired[int | None]
    surplus_next_hour_wh: NotRequired[int | None]
    production_today_wh: NotRequired[int | None]
    production_tomorrow_wh: NotRequired[int | None]
    consumption_today_wh: NotRequired[int | None]
    confidence_percent: NotRequired[float | None]
    seed_confidence_percent: NotRequired[float | None]


# "from" is no name in Python's class syntax.
Advice = TypedDict(
    "Advice",
    {
        "action": Literal["hold", "sell", "buy"],
        "wh": int | None,
        "cents_per_kwh": int | None,
        "from": int | None,
        "until": int | None,
        "gain_cents": int | None,
        "sentence": str,
        "key": str,
        "numbers": dict[str, Any],
        "made_at": int,
    },
)


class Earnings(TypedDict):
    """Earned by selling, and saved by buying from neighbours instead of the grid."""

    earned_today_cents: int
    saved_today_cents: int
    earned_month_cents: int
    saved_month_cents: int


class Because(TypedDict):
    """A reason, and its figures with their units in their names."""

    key: str
    numbers: dict[str, Any]


class Decision(TypedDict):
    """What the edge's trader did last, in sentences; ``because`` says the same for other languages."""

    at: int
    sentence: str
    because: NotRequired[list[Because]]


class Trader(TypedDict):
    """The edge's trader: whether it may sell by itself, how, and what it leaves alone."""

    auto_sell: bool
    strategy: str
    strategies: list[str]
    reserve_wh: int | None
    daily_cap_cents: int | None
    spent_today_cents: int | None
    last: Decision | None


class Reputation(TypedDict):
    """How far the household keeps its word, and why it is thought so; ``facts`` are what the reason tells."""

    percent: float
    reason: str
    facts: NotRequired[dict[str, int]]


class Alert(TypedDict):
    """Something about the equipment that a person should look at."""

    key: str
    sentence: str
    since: int
    numbers: NotRequired[dict[str, Any]]


class Relay(TypedDict):
    """The meter's relay; ``protected`` says that it may not be opened.

    ``wanted`` is why the community's hub wants it open, or ``none``: closed. None: not known.
    """

    is_closed: bool
    reason: str
    protected: bool
    wanted: NotRequired[str | None]
    asked_off: NotRequired[bool | None]


class Enrolment(TypedDict):
    """Whose commands the meter obeys: nobody's, our community's, or another's."""

    status: Literal["unclaimed", "claimed", "claimed_elsewhere"]


class State(TypedDict):
    """Everything the edge shows to Home Assistant."""

    power: Power | None
    meter: Meter | None
    hub: Hub
    membership: Literal["unknown", "applied", "admitted", "suspended"]
    wallet: Wallet | None
    energy: Energy | None
    market: Market | None
    orders: list[dict[str, Any]]
    auctions: list[dict[str, Any]]
    last_settlement: Settlement | None
    guidance: NotRequired[Guidance | None]
    forecast: Forecast | None
    advice: NotRequired[Advice | None]
    earnings: NotRequired[Earnings | None]
    trader: NotRequired[Trader | None]
    reputation: NotRequired[Reputation | None]
    alerts: NotRequired[list[Alert]]
    relay: NotRequired[Relay | None]
    enrolment: NotRequired[Enrolment | None]
