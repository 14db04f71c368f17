"""The trader's offers on the spot market: written down, signed, sent until answered, and never made twice."""

import logging
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID, uuid7

import msgspec
from energy_swap_protocol.message import CancelOrder, SellOrder, sign_message
from energy_swap_protocol.transaction import lock_message, sign_as_household

from energy_swap_edge.hub_client import HubClient, HubRefused, HubUnavailable
from energy_swap_edge.keys import HouseholdKey
from energy_swap_edge.state import Clock, LiveState, unix

from .journal import Entry, Journal, OpenOffer
from .strategies import Decision

_LOGGER = logging.getLogger(__name__)
_VALID_PERIODS: Final = 4
_LATE_SECONDS: Final = 120  # so long before its end an offer is no longer worth sending


class Offers:
    """The offers of one household's trader."""

    def __init__(
        self,
        hub: HubClient,
        key: HouseholdKey,
        community: str,
        journal: Journal,
        *,
        state: LiveState,
        clock: Clock,
        new_id: Callable[[], UUID] = uuid7,
    ) -> None:
        self._hub = hub
        self._key = key
        self._community = community
        self._journal = journal
        self._state = state
        self._clock = clock
        self._new_id = new_id

    async def is_open(self) -> bool:
        """Whether an own offer waits, is on its way, or its end is not known."""
        made = await self._journal.offers()
        return bool(await self._journal.open_offers()) or any(
            order.get("id") in made for order in self._state["orders"]
        )

    async def make(self, start: int, now: int, strategy: str, decision: Decision, seconds: int) -> None:
        """Write the offer of a decision down, if it has one; `deliver` sends it."""
        if (offer := decision.offer) is None:
            return
        numbers = {"wh": offer.wh, "at_least": offer.at_least, "valid_until": start + _VALID_PERIODS * seconds}
        entry = Entry(
            f"offer:{start}",
            now,
            strategy,
            "offer",
            decision.reason,
            numbers,
            decision.because,
            message=self._new_id(),
        )
        await self._journal.decide(entry)

    async def deliver(self) -> None:
        """Send what was written down and has no answer; what was sent before goes again as the same bytes."""
        for offer in await self._journal.open_offers():
            try:
                await self._deliver(offer)
            except HubUnavailable as error:
                _LOGGER.debug("an offer waits for the hub: %s", error)
                return
            except HubRefused as refusal:
                _LOGGER.warning("the hub refuses an offer of the trader: %s", refusal)
                await self._journal.ended(offer.subject, "refused", str(refusal))

    async def withdraw(self) -> None:
        """Take open offers back; one that was never sent is not sent any more."""
        for offer in await self._journal.open_offers():
            if offer.envelope is None:
                await self._journal.ended(offer.subject, "expired", "switched off before it was sent")
        made = await self._journal.offers()
        for order in self._state["orders"]:
            if order.get("id") in made:
                await self._cancel(order)

    async def _deliver(self, offer: OpenOffer) -> None:
        envelope = offer.envelope
        if envelope is None:
            if unix(self._clock) > offer.numbers["valid_until"] - _LATE_SECONDS:
                await self._journal.ended(offer.subject, "expired", "its time passed before the hub was reached")
                return
            envelope = await self._seal(offer)
            await self._journal.sealed(offer.subject, envelope)
        answer = await self._hub.post_message(envelope)
        await self._journal.ended(offer.subject, "done", str(answer.get("status")))

    async def _seal(self, offer: OpenOffer) -> bytes:
        wh = offer.numbers["wh"]
        transaction = lock_message(await self._hub.chain_info(), self._key.wallet, wh, offer.message)
        order = SellOrder(
            id=offer.message,
            community=self._community,
            sent_at=unix(self._clock),
            wh=wh,
            at_least=offer.numbers["at_least"],
            valid_until=offer.numbers["valid_until"],
            lock=sign_as_household(transaction, self._key.seed),
        )
        return msgspec.json.encode(sign_message(order, self._key.signing_key))

    async def _cancel(self, order: dict[str, Any]) -> None:
        cancel = CancelOrder(
            id=self._new_id(), community=self._community, sent_at=unix(self._clock), order=UUID(order["id"])
        )
        try:
            await self._hub.post_message(msgspec.json.encode(sign_message(cancel, self._key.signing_key)))
        except (HubUnavailable, HubRefused) as error:
            # It ends by itself when its time has passed.
            _LOGGER.warning("an offer of the trader could not be taken back: %s", error)
