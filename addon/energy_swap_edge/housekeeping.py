"""What is done by itself: roll up history, forget old frames, watch clocks, meter and hub, and say so."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from .events import EventLog, News
from .history.periods import History
from .hub_client import HubClient, HubRefused, HubUnavailable
from .state import Clock, LiveState, unix
from .store import Store

_LOGGER = logging.getLogger(__name__)
_CADENCE_SECONDS: Final = 5.0
_ROLL_UP_SECONDS: Final = 60  # by the clock
_FORGET_SECONDS: Final = 6 * 3600
_SILENT_SECONDS: Final = 900
_UNREACHABLE_SECONDS: Final = 86_400
_TIME_CADENCE_SECONDS: Final = 600.0
_CLOCK_NOT_SYNCHRONISED: Final = 1  # a flag of readings
CLOCK_TOLERANCE_SECONDS: Final = 60

type Alert = dict[str, Any]


class Housekeeping:
    """One household's background work."""

    def __init__(
        self,
        store: Store,
        history: History,
        events: EventLog,
        hub: HubClient,
        *,
        state: LiveState,
        clock: Clock,
        rolled_up: Callable[[], None],
    ) -> None:
        self._store = store
        self._history = history
        self._events = events
        self._hub = hub
        self._state = state
        self._clock = clock
        self._hub_offset: float | None = None  # the hub's time less the own
        self._rolled_up = rolled_up
        self._alerts: dict[str, dict[str, Alert]] = {}
        self._silent_since: int | None = None
        self._told_silent: int | None = None

    @property
    def has_told_of_meter(self) -> bool:
        """Whether the meter is silent now and the owner has been told."""
        return self._told_silent is not None

    def show(self, source: str, alerts: list[Alert]) -> None:
        """Replace the alerts of one source; one that stays keeps its ``since``."""
        before = self._alerts.get(source, {})
        now = unix(self._clock)
        self._alerts[source] = {
            one["key"]: {**one, "since": before.get(one["key"], {}).get("since", one.get("since") or now)}
            for one in alerts
        }
        shown = [alert for by_key in self._alerts.values() for alert in by_key.values()]
        self._state.set("alerts", sorted(shown, key=lambda alert: (alert["since"], alert["key"])))

    async def run(self) -> None:
        """Work for ever."""
        rolled_up_at = forgot_at = 0
        is_troubled = False
        while True:
            now = unix(self._clock)
            try:
                if not 0 <= now - rolled_up_at < _ROLL_UP_SECONDS:
                    rolled_up_at = now
                    if await self._history.roll_up(now):
                        self._rolled_up()
                if not 0 <= now - forgot_at < _FORGET_SECONDS:
                    forgot_at = now
                    if forgotten := await self._history.forget_frames(now):
                        _LOGGER.info("%d old readings that the hub has are deleted; their periods stay", forgotten)
                await self._watch(now)
                if is_troubled:
                    await self._store.has_room()
            except sqlite3.Error as error:
                if not is_troubled:
                    _LOGGER.error("nothing can be kept (%s); is the disk full?", error)  # noqa: TRY400
            is_troubled = self._store.trouble is not None
            self.show("storage", [_storage_alert(self._store.trouble)] if self._store.trouble else [])
            await asyncio.sleep(_CADENCE_SECONDS)

    async def _watch(self, now: int) -> None:
        flags = await self._history.latest_flags()
        alerts = [
            alert
            for alert in (self._clock_alert(now, flags), self._meter_alert(now), self._hub_alert(now))
            if alert
        ]
        self.show("watch", alerts)
        meter = next((alert for alert in alerts if alert["key"] == "meter_silent"), None)
        if meter is None:
            self._told_silent = None
        elif self._told_silent is None:
            self._told_silent = since = meter["since"]
            await self._events.add([News(f"edge:meter_silent:{since}", "meter_silent", now, {"since": since})])

    async def watch_time(self) -> None:
        """Compare the own clock with the hub's, for ever."""
        while True:
            asked = self._clock().timestamp()
            try:
                told = await self._hub.time()
            except HubUnavailable, HubRefused:
                told = None
            if told is not None:
                self._hub_offset = told - (asked + self._clock().timestamp()) / 2
            await asyncio.sleep(_TIME_CADENCE_SECONDS if told is not None else _CADENCE_SECONDS * 6)

    def _clock_alert(self, now: int, flags: int) -> Alert | None:
        hub, meter = self._hub_offset, self._state["meter"]
        if hub is not None and abs(hub) > CLOCK_TOLERANCE_SECONDS:
            sentence = (
                f"The clock of this edge is {abs(hub):.0f} s {'behind' if hub > 0 else 'ahead of'} the hub's. "
                "Orders are refused when it is 5 minutes off: set this machine's time by the network (NTP)."
            )
            return {"key": "clock_off", "sentence": sentence, "numbers": {"hub_offset_seconds": round(hub)}}
        if flags & _CLOCK_NOT_SYNCHRONISED:
            sentence = (
                "The meter does not know the time, so its readings do not count. Give it a way to a time server."
            )
            return {"key": "clock_off", "sentence": sentence, "numbers": {}}
        ahead = 0 if meter is None else meter["measured_at"] - now
        if ahead > CLOCK_TOLERANCE_SECONDS:
            sentence = (
                f"The meter's clock is {ahead} s ahead of this edge's: the hub refuses readings from the future. "
                "Set the meter's time by the network (NTP)."
            )
            return {"key": "clock_off", "sentence": sentence, "numbers": {"meter_offset_seconds": ahead}}
        return None

    def _meter_alert(self, now: int) -> Alert | None:
        meter = self._state["meter"]
        is_silent = meter is not None and meter["status"] == "silent"
        if not is_silent:
            self._silent_since = None
            return None
        if self._silent_since is None or self._silent_since > now:
            self._silent_since = min(meter["measured_at"], now)
        if now - self._silent_since < _SILENT_SECONDS:
            return None
        sentence = "The meter is not heard: look at its power and its WiFi."
        since = self._silent_since
        return {"key": "meter_silent", "sentence": sentence, "since": since, "numbers": {"since": since}}

    def _hub_alert(self, now: int) -> Alert | None:
        hub = self._state["hub"]
        if hub["status"] == "connected" or now - hub["since"] < _UNREACHABLE_SECONDS:
            return None
        what = "refuses this household" if hub["status"] == "refused" else "is out of reach"
        sentence = f"The hub {what}; {hub['queue']} readings wait here and none is lost."
        numbers = {"queue": hub["queue"]}
        return {"key": "hub_away", "sentence": sentence, "since": hub["since"], "numbers": numbers}


def _storage_alert(trouble: str) -> Alert:
    sentence = f"New readings cannot be kept on this edge's disk ({trouble}); they wait at the broker meanwhile."
    return {"key": "storage", "sentence": sentence, "numbers": {}}
