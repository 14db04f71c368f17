"""What the edge tells us, and how far each part of it can be trusted right now."""

from typing import Any, Literal, NotRequired, TypedDict


class Power(TypedDict):
    """Live power in W; net is positive while importing. ``at`` is Unix seconds."""

    net_w: int
    surplus_w: int
    generation_w: int
    at: int


class Meter(TypedDict):
    """The meter's cumulative registers in Wh, and whether it is heard."""

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
    """Energy traded in the household's lifetime, in Wh."""

    sold_wh: int
    bought_wh: int


class Offer(TypedDict):
    """The best limit of one side of the spot market, and how much is offered at it."""

    cents_per_kwh: int
    wh: int


class Market(TypedDict):
    """The latest settled period's price and the household's own limits, in cents per kWh; the best spot offers."""

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
    """Surplus the edge expects today, in Wh."""

    surplus_today_wh: int
    surplus_remaining_wh: int
    tier: Literal["history", "prior"]
    made_at: int


class State(TypedDict):
    """Everything the edge shows to Home Assistant; a part is None until it is known."""

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
    guidance: NotRequired[Guidance | None]  # an older edge has none
    forecast: Forecast | None


# When is a value honest? Not "is the newest copy still lying about", but "is it still true".


def always(_: State) -> bool:
    """The edge knows this itself, or it is a dated fact that a silent hub or meter does not make untrue.

    So what was sold, bought and settled stays on view while the hub is away, and the registers, which only grow,
    stay on view while the meter is silent.
    """
    return True


def is_meter_heard(state: State) -> bool | None:
    """Tell whether the meter is heard, None if nobody knows yet.

    A new meter is heard by its live power before its first signed reading gives us registers.
    """
    if (meter := state["meter"]) is not None and meter["status"] != "unknown":
        return meter["status"] == "live"
    return True if state["power"] is not None else None


def is_power_live(state: State) -> bool:
    """Power is only true while the meter is heard."""
    return state["power"] is not None and is_meter_heard(state) is True


def is_hub_connected(state: State) -> bool:
    """Balances and prices may change at the hub without us while it is away."""
    return state["hub"]["status"] == "connected"
