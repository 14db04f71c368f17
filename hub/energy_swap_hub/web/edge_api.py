"""What edges call: messages, readings, the household's state, and the chain's public facts."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, cast

import msgspec
from aiohttp import web
from energy_swap_protocol.message import Envelope
from energy_swap_protocol.reading import FrameError, frame_from_text
from sqlalchemy import Connection

from energy_swap_hub import metering
from energy_swap_hub.changes import Changes
from energy_swap_hub.metering.plausibility import Site
from energy_swap_hub.settlement import spot
from energy_swap_hub.settlement.answers import auction_answer
from energy_swap_hub.settlement.desk import Desk
from energy_swap_hub.settlement.statements import Statement
from energy_swap_hub.storage import Database

from . import statement_view
from .doors import Call, Doors
from .edge_views import NewsAsked, ReadingEdgeViews, StateAsked, known
from .message_queue import MessageQueue
from .route import Query, Route
from .sockets import pushing
from .statement_view import DAYS

_CHAIN_AGE: Final = timedelta(seconds=1)  # of what is told; a blockhash is good for a minute
_LOCK_WAIT_SECONDS: Final = 5.0
_PUSH_SECONDS: Final = 0.2
_REFRESH_SECONDS: Final = 5.0


class Readings(msgspec.Struct, forbid_unknown_fields=True):
    """A batch of frames, oldest first."""

    frames: Annotated[list[Annotated[str, msgspec.Meta(max_length=400)]], msgspec.Meta(max_length=500)]


class EdgeApi:
    """The routes below ``/api/v1/communities/{community}`` that a household's edge uses."""

    def __init__(
        self,
        doors: Doors,
        database: Database,
        desk: Desk,
        clock: Callable[[], datetime],
        changes: Changes,
        *,
        messages: MessageQueue,
        views: ReadingEdgeViews,
        chain_info: Callable[[], Awaitable[dict[str, Any]]],
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock
        self._changes = changes
        self._doors = doors
        self._chain_info = chain_info
        self._chain_told: tuple[datetime, dict[str, Any]] | None = None
        self._wake = wake
        self._views = views
        self._messages_waiting = messages

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, household = f"/api/v1/communities/{self._desk.community.id}", self._doors.household
        own = f"{base}/household"
        after = Query("after", "the number of the last notification you have; without it, all", int)
        return [
            self._doors.public("GET", f"{base}/chain", self._chain, says="The chain's public facts."),
            self._doors.envelope(f"{base}/messages", self._messages, says="A signed message of a household."),
            household("POST", f"{base}/readings", self._readings, says="Signed frames of the household's meter."),
            household("GET", own, self._household, says="The household's state."),
            household("GET", f"{own}/events", self._events, says="The state by WebSocket, after each change."),
            household(
                "GET", f"{own}/notifications", self._notifications, says="What happened to it.", query=(after,)
            ),
            household("GET", f"{own}/statement", self._statement, says="Its statement.", query=DAYS),
            household("GET", f"{own}/statement.csv", self._statement_csv, says="The same as CSV.", query=DAYS),
        ]

    async def _chain(self, _call: Call[None, None]) -> dict[str, Any]:
        now, told = self._clock(), self._chain_told
        # Anybody may ask, and each look asks the chain's node.
        if told is None or not now - _CHAIN_AGE < told[0] <= now:
            self._chain_told = told = now, await self._chain_info()
        return {**told[1], "time": int(now.timestamp())}

    async def _messages(self, call: Call[None, Envelope]) -> dict[str, Any]:
        answer = await self._messages_waiting.receive(call.body)
        if answer["status"] == "pending_lock":
            answer |= await self._after_lock(answer)
        return answer

    async def _after_lock(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Wait a moment for the chain, so that a seller usually sees at once what the sale became."""
        community_id = self._desk.community.id

        def look(connection: Connection) -> dict[str, Any]:
            if "order" in answer:
                return spot.order_answer(connection, community_id, answer["order"])
            return auction_answer(connection, community_id, answer["auction"])

        loop = asyncio.get_running_loop()
        deadline, count, seen = loop.time() + _LOCK_WAIT_SECONDS, self._changes.count, answer
        while seen["status"] == "pending_lock" and loop.time() < deadline:
            count = await self._changes.after(count, 0.2)
            seen = await self._database.read(look)
        return seen

    async def _readings(self, call: Call[bytes, Readings]) -> dict[str, Any]:
        now, community_id = self._clock(), self._desk.community.id
        frames = [_frame_bytes(text) for text in call.body.frames]

        def take(connection: Connection) -> list[metering.IntakeResult]:
            household = known(connection, call.who)
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
        return {"results": results}

    async def _household(self, call: Call[bytes, None]) -> dict[str, Any]:
        return cast("dict[str, Any]", msgspec.Raw(await self._state(call.who)))  # in JSON already

    async def _notifications(self, call: Call[bytes, None]) -> dict[str, Any]:
        text = call.request.query.get("after", "0")
        if not (text.isdecimal() and len(text) < 19):
            raise ValueError(f"after is the number of the last notification you have, 0 for all, not {text!r}")
        after = int(text)

        told = await self._views.read(NewsAsked(call.who, after))
        return {"notifications": msgspec.Raw(told)}

    async def _events(self, call: Call[bytes, None]) -> web.WebSocketResponse:
        state = await self._state(call.who)
        socket = web.WebSocketResponse(heartbeat=20)
        sent: bytes | None = None
        async with pushing(call.request, socket) as push:
            while push.is_open:
                count = self._changes.count
                if state != sent:
                    await push.send(state.decode())
                    sent = state
                await push.wait(_PUSH_SECONDS)
                await push.wait_for(self._changes.after(count, _REFRESH_SECONDS))
                state = await self._state(call.who)
        return socket

    async def _statement(self, call: Call[bytes, None]) -> dict[str, Any]:
        return statement_view.body(await self._own_statement(call))

    async def _statement_csv(self, call: Call[bytes, None]) -> web.Response:
        return statement_view.csv_response(await self._own_statement(call))

    async def _own_statement(self, call: Call[bytes, None]) -> Statement:
        days = statement_view.asked_days(call.request, self._clock())

        def query(connection: Connection) -> Statement:
            household = known(connection, call.who)
            return statement_view.read(connection, self._desk.community.id, household, days)

        return await self._database.read(query)

    async def _state(self, signer: bytes) -> bytes:
        return await self._views.read(StateAsked(signer, self._clock()))


def _frame_bytes(text: str) -> bytes:
    """Return the frame's bytes; text that is none travels on as it is, to be quarantined as evidence."""
    try:
        return frame_from_text(text)
    except FrameError:
        return text.encode()
