"""Become and stay a member: apply, follow the hub's view, grant the allowance, place the first standing order."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID, uuid7

import msgspec
from energy_swap_protocol.message import AnyMessage, Application, GrantAllowance, StandingOrder, sign_message
from energy_swap_protocol.reading import decode_frame, frame_to_text
from energy_swap_protocol.transaction import allowance_message, sign_as_household

from .backoff import Backoff
from .config import EdgeConfig
from .household import HouseholdState, show
from .hub_client import HubClient, HubRefused, HubUnavailable
from .keys import HouseholdKey
from .state import Clock, HubLink, LiveState, unix
from .store import Store

_LOGGER = logging.getLogger(__name__)
_CHANNEL: Final = "events"
# After a message was refused, or an allowance granted that the hub does not show yet: no sooner than this again.
_AGAIN_SECONDS: Final = 30.0
# How often a hub that refuses this household is asked whether it still does: at first, and in the end.
_REFUSED_SECONDS: Final = (1.0, 30.0)
_APPLICATION: Final = "application"
_STANDING_ORDER: Final = "first standing order"
_ALLOWANCE: Final = "allowance"


class Membership:
    """What the household is to the hub, and what is still to do about it.

    ``changed`` is called with whether the household is admitted, ``taken`` with each view of the hub;
    ``outbox_changed`` after what waits for the hub has changed.
    """

    def __init__(
        self,
        config: EdgeConfig,
        key: HouseholdKey,
        *,
        store: Store,
        hub: HubClient,
        state: LiveState,
        link: HubLink,
        clock: Clock,
        changed: Callable[[bool], None],
        taken: Callable[[HouseholdState], None] = lambda _household: None,
        outbox_changed: Sequence[Callable[[], None]],
        new_id: Callable[[], UUID] = uuid7,
        again_seconds: float = _AGAIN_SECONDS,
    ) -> None:
        self._config = config
        self._key = key
        self._store = store
        self._hub = hub
        self._state = state
        self._link = link
        self._clock = clock
        self._changed = changed
        self._taken = taken
        self._outbox_changed = outbox_changed
        self._new_id = new_id
        self._again_seconds = again_seconds
        self._not_before: dict[str, float] = {}
        self._latest: HouseholdState | None = None
        self._wants_frame = False
        self._hurry = asyncio.Event()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Follow the hub's view of the household and act on it, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._act())

    def reconsider(self) -> None:
        """Look again at what is to do: the hub has answered a message."""
        self._hurry.set()
        self._wake.set()

    def frames_stored(self) -> None:
        """Say that there are new readings, one of which an application may be waiting for."""
        if self._wants_frame:
            self._hurry.set()

    async def _follow(self) -> None:
        backoff, refused_backoff = Backoff(), Backoff(*_REFUSED_SECONDS)
        while True:
            pause = backoff
            try:
                self._take(await self._hub.household())
                async for household in self._hub.household_events():
                    self._take(household)
                    backoff.reset()
                    refused_backoff.reset()
                _LOGGER.debug("the hub closed the event stream")
            except HubUnavailable as error:
                self._link.report(_CHANNEL, "unreachable", str(error))
            except HubRefused as refusal:
                try:
                    if not await self._apply_if_stranger(refusal):
                        self._link.report(_CHANNEL, "refused", str(refusal))
                        pause = refused_backoff
                except sqlite3.Error as error:
                    _LOGGER.warning("the application cannot be kept: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause.seconds()):
                    await self._hurry.wait()
            self._hurry.clear()

    def _take(self, household: HouseholdState) -> None:
        self._link.report(_CHANNEL, "connected")
        before = self._latest
        self._latest = household
        if before is None or before.status != household.status:
            _LOGGER.info("this household is %s, %s", household.household, household.status)
        show(household, self._state)
        self._changed(household.status == "admitted")
        self._taken(household)
        self._wake.set()

    async def _apply_if_stranger(self, refusal: HubRefused) -> bool:
        """Apply if the hub refuses because it does not know this household, and return whether that is so."""
        is_stranger = refusal.status in {403, 404} and self._latest is None
        if not is_stranger or await self._store.message_outcome(_APPLICATION) == "done":
            return False
        await self._apply(refusal)
        return True

    async def _act(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            household = self._latest
            if household is None or household.status != "admitted":
                continue
            try:
                await self._place_first_standing_order()
                await self._replenish_allowance(household)
            except HubUnavailable as error:
                _LOGGER.debug("the allowance waits for the hub: %s", error)
                await self._look_again_after(Backoff().seconds())
            except sqlite3.Error as error:
                _LOGGER.warning("a message to the hub cannot be kept: %s", error)
                await self._look_again_after(self._again_seconds)
            except HubRefused as refusal:
                _LOGGER.error("the hub gives no chain facts: %s", refusal)  # noqa: TRY400
                self._postpone(_ALLOWANCE)

    async def _apply(self, refusal: HubRefused) -> None:
        outcome = await self._store.message_outcome(_APPLICATION)
        if outcome == "refused":
            self._link.report(_CHANNEL, "refused", f"the application was refused; {refusal}")
        else:
            self._link.report(_CHANNEL, "connected")
        if outcome == "waiting" or self._is_postponed(_APPLICATION):
            return
        latest = await self._store.latest_frame()
        self._wants_frame = latest is None
        if latest is None:
            return
        _, frame = latest
        application = Application(
            id=self._new_id(),
            community=self._config.community,
            sent_at=unix(self._clock),
            name=self._config.name,
            phone=self._config.phone,
            meter=self._config.meter,
            frame=frame_to_text(frame),
            rated_pv_w=self._config.rated_pv_w,
            main_breaker_w=self._config.main_breaker_w,
        )
        await self._store.add_application(
            application.id, _APPLICATION, self._sealed(application), first=decode_frame(frame)
        )
        self._postpone(_APPLICATION)
        self._tell_outbox_changed()

    async def _place_first_standing_order(self) -> None:
        sell_at_least, buy_at_most = self._config.sell_at_least, self._config.buy_at_most
        if sell_at_least is None and buy_at_most is None:
            return
        if await self._store.message_outcome(_STANDING_ORDER) is not None:
            return
        order = StandingOrder(
            id=self._new_id(),
            community=self._config.community,
            sent_at=unix(self._clock),
            sell_at_least=sell_at_least,
            buy_at_most=buy_at_most,
        )
        if await self._store.add_message(order.id, _STANDING_ORDER, self._sealed(order), unless_known=True):
            self._tell_outbox_changed()

    async def _replenish_allowance(self, household: HouseholdState) -> None:
        if household.allowance_wh >= self._config.allowance_low_wh:
            return
        if self._is_postponed(_ALLOWANCE) or await self._store.message_outcome(_ALLOWANCE) == "waiting":
            return
        chain = await self._hub.chain_info()
        message = self._new_id()
        transaction = allowance_message(chain, self._key.wallet, self._config.allowance_wh, message)
        grant = GrantAllowance(
            id=message,
            community=self._config.community,
            sent_at=unix(self._clock),
            wh=self._config.allowance_wh,
            approval=sign_as_household(transaction, self._key.seed),
        )
        # The blockhash lives about a minute. After a lost answer the same message is posted again; if it has
        # expired by then, the hub refuses it and a new one follows: safe, as an approval sets and does not add.
        await self._store.add_message(message, _ALLOWANCE, self._sealed(grant), unless_known=False)
        self._postpone(_ALLOWANCE)
        self._tell_outbox_changed()

    def _tell_outbox_changed(self) -> None:
        for tell in self._outbox_changed:
            tell()

    def _sealed(self, message: AnyMessage) -> bytes:
        return msgspec.json.encode(sign_message(message, self._key.signing_key))

    def _postpone(self, purpose: str) -> None:
        self._not_before[purpose] = time.monotonic() + self._again_seconds
        asyncio.get_running_loop().call_later(self._again_seconds + 0.01, self._wake.set)

    def _is_postponed(self, purpose: str) -> bool:
        return time.monotonic() < self._not_before.get(purpose, 0.0)

    async def _look_again_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._wake.set()
