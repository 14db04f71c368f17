"""The household's state as Home Assistant sees it: a few JSON values, and which of them changed."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Literal

type Clock = Callable[[], datetime]
type HubStatus = Literal["connected", "unreachable", "refused"]

_LOGGER = logging.getLogger(__name__)


def unix(clock: Clock) -> int:
    """Return the clock's time in whole Unix seconds."""
    return int(clock().timestamp())


class LiveState:
    """The top-level keys of the local API's State. Setting an equal value is no change."""

    def __init__(self, now: int) -> None:
        self._values: Final[dict[str, Any]] = {
            "power": None,
            "meter": None,
            "hub": {"status": "unreachable", "since": now, "queue": 0},
            "membership": "unknown",
            "wallet": None,
            "energy": None,
            "market": None,
            "orders": [],
            "auctions": [],
            "ahead_orders": [],
            "contracts": [],
            "partners": [],
            "last_settlement": None,
            "guidance": None,
            "forecast": None,
            "tariffs": None,
            "earnings": None,
            "reputation": None,
            "advice": None,
            "tips": [],
            "alerts": [],
            "trader": None,
            "relay": None,
            "enrolment": None,
        }
        self._changed: set[str] = set()
        self._wake = asyncio.Event()

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def set(self, key: str, value: Any) -> None:
        """Replace the value of a key; ``value`` is JSON and is not altered afterwards."""
        if self._values[key] != value:
            self._values[key] = value
            self._changed.add(key)
            self._wake.set()

    def snapshot(self) -> dict[str, Any]:
        """Return all keys."""
        return dict(self._values)

    async def next_change(self) -> dict[str, Any]:
        """Wait for a change and return the changed keys since the last call. One caller only."""
        await self._wake.wait()
        self._wake.clear()
        changed, self._changed = self._changed, set()
        return {key: self._values[key] for key in self._values if key in changed}


class HubLink:
    """How the hub answers, put together from the channels that talk to it; the worst one is shown."""

    def __init__(self, state: LiveState, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._channels: dict[str, HubStatus] = {}

    @property
    def status(self) -> HubStatus:
        """What is shown now."""
        status: HubStatus = self._state["hub"]["status"]
        return status

    def report(self, channel: str, status: HubStatus, reason: str = "") -> None:
        """Say how the hub answered on a channel; a change of the whole is logged once."""
        self._channels[channel] = status
        shown: HubStatus = "connected"
        for worse in ("unreachable", "refused"):
            if worse in self._channels.values():
                shown = worse
        before = self._state["hub"]
        if shown == before["status"]:
            return
        self._state.set("hub", {**before, "status": shown, "since": unix(self._clock)})
        if shown == "connected":
            _LOGGER.info("the hub answers")
        elif shown == "unreachable":
            _LOGGER.warning("the hub cannot be reached (%s); readings are kept until it can", reason)
        else:
            _LOGGER.error("the hub refuses this household: %s", reason)

    def set_queue(self, frames: int) -> None:
        """Say how many frames the hub does not have yet."""
        self._state.set("hub", {**self._state["hub"], "queue": frames})
