"""What a person should do something about, as issues that Home Assistant shows under Repairs.

Only what somebody can act on: an outage that mends itself is no issue until it has lasted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later

from . import api
from .api.model import Alert
from .const import DOMAIN
from .sentences import alert_text
from .state import State, is_hub_connected, value

HOUR = 3600.0
EDGE_AWAY_SECONDS = HOUR
HUB_AWAY_SECONDS = 24 * HOUR
METER_SILENT_SECONDS = HOUR / 4

# Issues that last as long as a state of affairs, and after how many seconds of it they are raised.
LASTING = {"edge_away": EDGE_AWAY_SECONDS, "hub_away": HUB_AWAY_SECONDS, "meter_silent": METER_SILENT_SECONDS}
FIXABLE = {"edge_away", "unsupported_version", "no_limits", "meter_unclaimed"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to be shown: the key of its text, and what the text names."""

    key: str
    placeholders: dict[str, str] = field(default_factory=dict)
    is_severe: bool = False
    about: str = ""  # tells several of the same kind apart


def problems_of(state: State, say: Callable[[Alert], str]) -> Iterator[Problem]:
    """Return what the state says is wrong at once; what has to last first is not among it."""
    if state["hub"]["status"] == "refused":
        yield Problem("hub_refuses", is_severe=True)
    if state["membership"] == "suspended":
        yield Problem("suspended", is_severe=True)
    match value("enrolment", "status")(state):
        case "unclaimed" if is_hub_connected(state):
            yield Problem("meter_unclaimed")
        case "claimed_elsewhere":
            yield Problem("meter_claimed_elsewhere")
    market = state["market"]
    if (
        market is not None
        and state["membership"] == "admitted"
        and is_hub_connected(state)
        and market["sell_at_least"] is None
        and market["buy_at_most"] is None
        and (sell := value("guidance", "suggested_sell")(state)) is not None
        and (buy := value("guidance", "suggested_buy")(state)) is not None
    ):
        yield Problem("no_limits", {"sell": f"{sell / 100:.2f}", "buy": f"{buy / 100:.2f}"})
    for alert in state.get("alerts") or []:
        if alert["key"] in LASTING:
            continue  # told by its own issue
        yield Problem("equipment", {"alert": say(alert)}, about=alert["key"])


class Problems:
    """The issues of one household."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._timers: dict[str, CALLBACK_TYPE] = {}
        self._shown: dict[str, Problem] = {}

    @callback
    def look(self, state: State) -> None:
        """Raise and withdraw issues by a new state."""
        wanted = {
            self._issue_id(problem): problem for problem in problems_of(state, partial(alert_text, self._hass))
        }
        for issue_id in [shown for shown in self._shown if shown not in wanted]:
            self._withdraw(issue_id)
        for issue_id, problem in wanted.items():
            if self._shown.get(issue_id) != problem:
                self._raise(issue_id, problem)
                self._shown[issue_id] = problem
        self._lasting("hub_away", is_so=state["hub"]["status"] == "unreachable")
        self._lasting("meter_silent", is_so=value("meter", "status")(state) == "silent")

    @callback
    def edge_lost(self) -> None:
        """The edge does not answer any more; what its hub and meter do is not known either."""
        self._lasting("edge_away", is_so=True)

    @callback
    def edge_answers(self) -> None:
        """The edge answers, and speaks our version."""
        self._lasting("edge_away", is_so=False)
        self._withdraw(self._issue_id(Problem("unsupported_version")))

    @callback
    def version_differs(self, edge_version: int) -> None:
        """The edge speaks another version of the local API."""
        versions = {"edge": str(edge_version), "integration": str(api.API_VERSION)}
        problem = Problem("unsupported_version", versions, is_severe=True)
        self._raise(self._issue_id(problem), problem)

    @callback
    def withdraw_all(self) -> None:
        """Forget everything, as at the end of the entry; a version that differs stays until it is mended."""
        for stop in self._timers.values():
            stop()
        self._timers.clear()
        for issue_id in [*self._shown, *(self._issue_id(Problem(key)) for key in LASTING)]:
            self._withdraw(issue_id)

    @callback
    def _lasting(self, key: str, *, is_so: bool) -> None:
        if not is_so:
            if (stop := self._timers.pop(key, None)) is not None:
                stop()
                self._withdraw(self._issue_id(Problem(key)))
        elif key not in self._timers:
            self._timers[key] = async_call_later(self._hass, LASTING[key], partial(self._has_lasted, key))

    @callback
    def _has_lasted(self, key: str, _now: datetime) -> None:
        self._timers[key] = _nothing
        problem = Problem(key)
        self._raise(self._issue_id(problem), problem)

    @callback
    def _raise(self, issue_id: str, problem: Problem) -> None:
        data: dict[str, Any] = {"entry_id": self._entry.entry_id}
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            data=data,
            is_fixable=problem.key in FIXABLE,
            severity=ir.IssueSeverity.ERROR if problem.is_severe else ir.IssueSeverity.WARNING,
            translation_key=problem.key,
            translation_placeholders={"name": self._entry.title, **problem.placeholders},
        )

    @callback
    def _withdraw(self, issue_id: str) -> None:
        self._shown.pop(issue_id, None)
        ir.async_delete_issue(self._hass, DOMAIN, issue_id)

    def _issue_id(self, problem: Problem) -> str:
        about = f"_{problem.about}" if problem.about else ""
        return f"{problem.key}{about}_{self._entry.entry_id}"


def _nothing() -> None:
    """Stand in for a timer that has run off."""
