"""Store and forward: every frame reaches the hub, in order, however long the hub is away."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from .backoff import Backoff
from .hub_client import HubClient, HubRefused, HubUnavailable
from .state import HubLink
from .store import Store, WaitingFrame, WaitingMessage

_LOGGER = logging.getLogger(__name__)
_CHANNEL: Final = "readings"
_MAX_BATCH: Final = 500
_REFUSED_SECONDS: Final = 30.0


class FrameForwarder:
    """Brings waiting frames to the hub once the household is admitted; before, they wait."""

    def __init__(
        self, store: Store, hub: HubClient, link: HubLink, *, refused_seconds: float | None = None
    ) -> None:
        self._store = store
        self._hub = hub
        self._link = link
        self._refused_seconds = _REFUSED_SECONDS if refused_seconds is None else refused_seconds
        self._wake = asyncio.Event()
        self._view_changed = asyncio.Event()
        self._is_admitted = False

    def waiting_changed(self) -> None:
        """Say that there are new frames, or fewer to wait for."""
        self._wake.set()

    def set_admitted(self, is_admitted: bool) -> None:
        """Say whether the hub takes this household's frames."""
        if is_admitted != self._is_admitted:
            self._is_admitted = is_admitted
            self._view_changed.set()
            self._wake.set()

    async def run(self) -> None:
        """Forward for ever."""
        backoff = Backoff()
        batch_limit = _MAX_BATCH
        while True:
            self._wake.clear()
            self._view_changed.clear()
            try:
                waiting = await self._store.waiting_frames(batch_limit) if self._is_admitted else []
                if not waiting:
                    self._link.set_queue(await self._store.count_waiting_frames())
                    await self._wake.wait()
                    continue
                self._link.set_queue(await self._forward(waiting))
                self._link.report(_CHANNEL, "connected")
                backoff.reset()
            except HubUnavailable as error:
                self._link.report(_CHANNEL, "unreachable", str(error))
                self._link.set_queue(await self._store.count_waiting_frames())
                await asyncio.sleep(backoff.seconds())
            except HubRefused as refusal:
                if refusal.status == 413 and batch_limit > 1:
                    batch_limit //= 2
                    continue
                self._link.report(_CHANNEL, "refused", str(refusal))
                self._link.set_queue(await self._store.count_waiting_frames())
                await self._wait_out_refusal()
            except sqlite3.Error as error:
                # The hub has them; what it said could not be noted, so they are sent again and counted once.
                _LOGGER.warning("what the hub said of readings cannot be kept: %s", error)
                await asyncio.sleep(backoff.seconds())

    async def _forward(self, waiting: list[WaitingFrame]) -> int:
        results = await self._hub.post_frames([frame.frame for frame in waiting])
        doubted = [result for result in results if result.status == "quarantined"]
        if doubted:
            _LOGGER.warning("the hub set %d readings aside; the first: %s", len(doubted), doubted[0].reason)
        return await self._store.settle_frames(
            [(frame.id, result.status, result.reason) for frame, result in zip(waiting, results, strict=True)]
        )

    async def _wait_out_refusal(self) -> None:
        """Wait long, but no longer than until the hub's view of the household changes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._refused_seconds):
                await self._view_changed.wait()


class MessageCourier:
    """Brings signed messages that must not be lost to the hub: each is posted, unaltered, until it is answered.

    ``answered`` is called after each answer.
    """

    def __init__(self, store: Store, hub: HubClient, link: HubLink) -> None:
        self._store = store
        self._hub = hub
        self._link = link
        self.answered: Callable[[], None] = lambda: None
        self._wake = asyncio.Event()

    def message_added(self) -> None:
        """Say that a message waits."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver for ever."""
        backoff = Backoff()
        while True:
            self._wake.clear()
            try:
                waiting = await self._store.waiting_messages()
                if not waiting:
                    await self._wake.wait()
                    continue
                for message in waiting:
                    await self._deliver(message)
                    backoff.reset()
            except HubUnavailable as error:
                self._link.report("messages", "unreachable", str(error))
                await asyncio.sleep(backoff.seconds())
            except sqlite3.Error as error:
                _LOGGER.warning("what the hub answered cannot be kept: %s", error)
                await asyncio.sleep(backoff.seconds())

    async def _deliver(self, message: WaitingMessage) -> None:
        try:
            answer = await self._hub.post_message(message.envelope)
        except HubRefused as refusal:
            _LOGGER.error("the hub refuses the message %r: %s", message.purpose, refusal)  # noqa: TRY400
            await self._store.answer_message(message.id, "refused", str(refusal))
        else:
            _LOGGER.info("the hub took the message %r: %s", message.purpose, answer.get("status"))
            await self._store.answer_message(message.id, "done", str(answer.get("status")))
        self._link.report("messages", "connected")
        self.answered()
