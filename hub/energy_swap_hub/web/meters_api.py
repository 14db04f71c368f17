"""The console's routes on meters: which frames wait for an admin's word, and the word itself."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from aiohttp import web
from energy_swap_protocol.reading import FrameError, frame_from_text, frame_to_text
from sqlalchemy import Connection

from energy_swap_hub.changes import Changes
from energy_swap_hub.metering.epochs import Candidate, candidates, start_epoch
from energy_swap_hub.metering.registers import Epoch
from energy_swap_hub.storage import Database

from .ledger_api import Sessions
from .problem import json_response


class EpochWish(msgspec.Struct, forbid_unknown_fields=True):
    """The first reading that shall count from now on (text as edges send it), and why."""

    frame: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class MetersApi:
    """The routes below ``base`` that show waiting meters and start register epochs."""

    def __init__(
        self,
        base: str,
        database: Database,
        community_id: str,
        clock: Callable[[], datetime],
        changes: Changes,
        session: Sessions,
    ) -> None:
        self._base = base
        self._database = database
        self._community_id = community_id
        self._clock = clock
        self._changes = changes
        self._session = session

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get(f"{self._base}/meters", self._waiting),
            web.post(f"{self._base}/meters/{{household}}/epoch", self._start),
        ]

    async def _waiting(self, request: web.Request) -> web.Response:
        await self._session(request)
        now = self._clock()
        found = await self._database.read(lambda c: candidates(c, self._community_id, now))
        return json_response({"waiting": [_waiting(candidate) for candidate in found]})

    async def _start(self, request: web.Request) -> web.Response:
        session = await self._session(request, change=True)
        if session.role != "admin":
            raise web.HTTPForbidden(reason="only an admin starts a register epoch")
        household_id = request.match_info["household"]
        wish = msgspec.json.decode(await request.read(), type=EpochWish)
        try:
            frame = frame_from_text(wish.frame)
        except FrameError as error:
            raise ValueError(f"frame: {error}") from None
        now = self._clock()

        def change(connection: Connection) -> Epoch:
            return start_epoch(
                connection,
                self._community_id,
                household_id,
                frame,
                who=session.user,
                reason=wish.reason,
                now=now,
            )

        epoch = await self._database.write(change)
        self._changes.mark()
        return json_response(
            {
                "household": epoch.household,
                "number": epoch.number,
                "meter": epoch.meter.hex(),
                "since": epoch.since,
            }
        )


def _waiting(candidate: Candidate) -> dict[str, Any]:
    first = candidate.first
    return {
        "household": candidate.household,
        "meter": first.meter.hex(),
        "sequence": first.sequence,
        "measured_at": first.measured_at,
        "export_wh": first.export_wh,
        "import_wh": first.import_wh,
        "generation_wh": first.generation_wh,
        "reason": candidate.reason,
        "received_at": int(candidate.received_at.timestamp()),
        "frames": candidate.frames,
        "frame": frame_to_text(candidate.frame),
    }
