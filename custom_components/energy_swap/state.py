"""Values of the edge's state, and how far each part of it can be trusted right now."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from .api.model import State as State  # noqa: PLC0414 - it is at home here, too


def value(part: str, field: str) -> Callable[[State], Any]:
    """Return a function that reads one field of a part; None where either is not known or not sent."""

    def read(state: State) -> Any:
        known: Mapping[str, Any] | None = cast("Mapping[str, Any]", state).get(part)
        return None if known is None else known.get(field)

    return read


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


def is_trader_known(state: State) -> bool:
    """An older edge has no trader, so there is nothing to switch."""
    return state.get("trader") is not None


def is_connection_known(state: State) -> bool:
    """An older edge cannot have the connection switched."""
    return is_relay_known(state) and value("relay", "asked_off")(state) is not None


def is_confirmed(state: State) -> bool | None:
    """Tell whether the meter has done what the community wants of its relay; None while that is not known."""
    wanted = value("relay", "wanted")(state)
    return None if wanted is None else (wanted == "none") is value("relay", "is_closed")(state)


def is_relay_known(state: State) -> bool:
    """Many meters have no relay, and while the meter is silent nobody knows how it stands."""
    return state.get("relay") is not None and is_meter_heard(state) is True
