"""What edges call: messages, readings, the household's state, and the chain's public facts."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from aiohttp import web
from energy_swap_protocol.message import Envelope
from energy_swap_protocol.reading import FrameError, frame_from_text
from energy_swap_protocol.request import HEADER, MAX_SKEW_SECONDS, RequestError, verify_request
from sqlalchemy import Connection

from energy_swap_hub import metering
from energy_swap_hub.changes import Changes
from energy_swap_hub.membership import households
from energy_swap_hub.membership.households import Household, NotAdmitted
from energy_swap_hub.metering.plausibility import Site
from energy_swap_hub.settlement import messages, spot
from energy_swap_hub.settlement.messages import Desk
from energy_swap_hub.settlement.notifications import notifications_after
from energy_swap_hub.settlement.statements import Statement
from energy_swap_hub.storage import Database

from . import statement_view
from .guidance_view import RememberedAdvice
from .household_view import household_state
from .message_queue import MessageQueue
from .problem import json_response
from .sockets import pushing

_LOCK_WAIT_SECONDS: Final = 5.0
_PUSH_SECONDS: Final = 0.2
_REFRESH_SECONDS: Final = 5.0


class Readings(msgspec.Struct, forbid_unknown_fields=True):
    """A batch of frames, oldest first."""

    frames: Annotated[list[Annotated[str, msgspec.Meta(max_length=400)]], msgspec.Meta(max_length=500)]


@dataclass(slots=True)
class SeenNonces:
    """The request nonces of the last minutes, so that a captured request cannot be sent again."""

    _seen: dict[tuple[bytes, str], float] = field(default_factory=dict)

    def claim(self, signer: bytes, nonce: str, now: float) -> None:
        """Remember a nonce; raises `RequestError` when it was used before."""
        if len(self._seen) > 100_000:
            self._seen = {key: at for key, at in self._seen.items() if now - at < 2 * MAX_SKEW_SECONDS}
        if now - self._seen.get((signer, nonce), float("-inf")) < 2 * MAX_SKEW_SECONDS:
            raise RequestError("this request was received before; sign a new one with a new nonce")
        self._seen[signer, nonce] = now


@dataclass(slots=True)
class SignedRequests:
    """Finds out who signed a request."""

    clock: Callable[[], datetime]
    nonces: SeenNonces = field(default_factory=SeenNonces)

    async def signer(self, request: web.Request) -> bytes:
        """Return the public key that signed ``request``; raises `RequestError`."""
        now = int(self.clock().timestamp())
        header = request.headers.get(HEADER, "")
        if not header.isascii():
            raise RequestError(f"the {HEADER} header is plain ASCII")
        signer, nonce = verify_request(header, request.method, request.path_qs, await request.read(), now=now)
        self.nonces.claim(signer, nonce, now)
        return signer


class EdgeApi:
    """The routes below ``/api/v1/communities/{community}`` that a household's edge uses."""

    def __init__(
        self,
        database: Database,
        desk: Desk,
        clock: Callable[[], datetime],
        changes: Changes,
        signed: SignedRequests,
        *,
        chain_info: Callable[[], Awaitable[dict[str, Any]]],
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock
        self._changes = changes
        self._signed = signed
        self._chain_info = chain_info
        self._wake = wake
        self._advise = RememberedAdvice()
        self._messages_waiting = MessageQueue(database, desk, clock, self._messages_done)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        base = f"/api/v1/communities/{self._desk.community.id}"
        return [
            web.get(f"{base}/chain", self._chain),
            web.post(f"{base}/messages", self._messages),
            web.post(f"{base}/readings", self._readings),
            web.get(f"{base}/household", self._household),
            web.get(f"{base}/household/events", self._events),
            web.get(f"{base}/household/notifications", self._notifications),
            web.get(f"{base}/household/statement", self._statement),
            web.get(f"{base}/household/statement.csv", self._statement_csv),
        ]

    async def _chain(self, _request: web.Request) -> web.Response:
        return json_response(await self._chain_info())

    async def _messages(self, request: web.Request) -> web.Response:
        envelope = msgspec.json.decode(await request.read(), type=Envelope)
        answer = await self._messages_waiting.receive(envelope)
        if answer["status"] == "pending_lock":
            answer |= await self._after_lock(answer)
        return json_response(answer)

    def _messages_done(self) -> None:
        self._changes.mark()
        self._wake()

    async def _after_lock(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Wait a moment for the chain, so that a seller usually sees at once what the sale became."""
        community_id = self._desk.community.id

        def look(connection: Connection) -> dict[str, Any]:
            if "order" in answer:
                return spot.order_answer(connection, community_id, answer["order"])
            return messages.auction_answer(connection, community_id, answer["auction"])

        loop = asyncio.get_running_loop()
        deadline, count, seen = loop.time() + _LOCK_WAIT_SECONDS, self._changes.count, answer
        while seen["status"] == "pending_lock" and loop.time() < deadline:
            count = await self._changes.after(count, 0.2)
            seen = await self._database.read(look)
        return seen

    async def _readings(self, request: web.Request) -> web.Response:
        signer = await self._signed.signer(request)
        batch = msgspec.json.decode(await request.read(), type=Readings)
        now, community_id = self._clock(), self._desk.community.id
        frames = [_frame_bytes(text) for text in batch.frames]

        def take(connection: Connection) -> list[metering.IntakeResult]:
            household = _known(households.by_key(connection, signer))
            return metering.accept_frames(
                connection,
                community_id,
                household.id,
                meter=household.meter,
                site=Site(household.rated_pv_w, household.main_breaker_w),
                received=frames,
                now=now,
            )

        results = await self._database.write(take)
        self._wake()
        return json_response({"results": results})

    async def _household(self, request: web.Request) -> web.Response:
        return json_response(await self._state(await self._signed.signer(request)))

    async def _notifications(self, request: web.Request) -> web.Response:
        signer = await self._signed.signer(request)
        text = request.query.get("after", "0")
        if not (text.isdecimal() and len(text) < 19):
            raise ValueError(f"after is the number of the last notification you have, 0 for all, not {text!r}")
        after = int(text)

        def look(connection: Connection) -> list[dict[str, Any]]:
            household = _known(households.by_key(connection, signer))
            return notifications_after(connection, self._desk.community.id, household.id, after)

        return json_response({"notifications": await self._database.read(look)})

    async def _events(self, request: web.Request) -> web.WebSocketResponse:
        signer = await self._signed.signer(request)
        state = await self._state(signer)
        socket = web.WebSocketResponse(heartbeat=20)
        sent: bytes | None = None
        async with pushing(request, socket) as push:
            while push.is_open:
                count = self._changes.count
                body = msgspec.json.encode(state)
                if body != sent:
                    await push.send(body.decode())
                    sent = body
                await push.wait(_PUSH_SECONDS)
                await push.wait_for(self._changes.after(count, _REFRESH_SECONDS))
                state = await self._state(signer)
        return socket

    async def _statement(self, request: web.Request) -> web.Response:
        return json_response(statement_view.body(await self._own_statement(request)))

    async def _statement_csv(self, request: web.Request) -> web.Response:
        return statement_view.csv_response(await self._own_statement(request))

    async def _own_statement(self, request: web.Request) -> Statement:
        signer = await self._signed.signer(request)
        days = statement_view.asked_days(request, self._clock())

        def query(connection: Connection) -> Statement:
            household = _known(households.by_key(connection, signer))
            return statement_view.read(connection, self._desk.community.id, household, days)

        return await self._database.read(query)

    async def _state(self, signer: bytes) -> dict[str, Any]:
        now = self._clock()

        def query(connection: Connection) -> dict[str, Any]:
            household = _known(households.by_key(connection, signer))
            return household_state(connection, self._desk.community, household, now, self._advise)

        return await self._database.read(query)


def _known(household: Household | None) -> Household:
    if household is None:
        raise NotAdmitted("this key belongs to no household here; apply first")
    return household


def _frame_bytes(text: str) -> bytes:
    """Return the frame's bytes; text that is none travels on as it is, to be quarantined as evidence."""
    try:
        return frame_from_text(text)
    except FrameError:
        return text.encode()
