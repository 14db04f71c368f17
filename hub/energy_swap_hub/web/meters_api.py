"""The console's routes on meters: which frames wait for an admin's word, and the word itself."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from energy_swap_protocol.reading import FrameError, frame_from_text, frame_to_text
from sqlalchemy import Connection

from energy_swap_hub.changes import Changes
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.metering.epochs import Candidate, candidates, start_epoch
from energy_swap_hub.metering.registers import Epoch
from energy_swap_hub.storage import Database

from .doors import Call, Doors
from .route import Route


class EpochWish(msgspec.Struct, forbid_unknown_fields=True):
    """The first reading that shall count from now on (text as edges send it), and why."""

    frame: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class MetersApi:
    """The routes below ``base`` that show waiting meters and start register epochs."""

    def __init__(
        self,
        base: str,
        doors: Doors,
        database: Database,
        community_id: str,
        clock: Callable[[], datetime],
        changes: Changes,
    ) -> None:
        self._base = base
        self._doors = doors
        self._database = database
        self._community_id = community_id
        self._clock = clock
        self._changes = changes

    def routes(self) -> list[Route]:
        """Return the routes."""
        meters, doors = f"{self._base}/meters", self._doors
        return [
            doors.auditor(meters, self._waiting, says="Meters whose frames wait for an admin's word."),
            doors.admin(f"{meters}/{{household}}/epoch", self._start, says="Begin a register epoch of a meter."),
        ]

    async def _waiting(self, _call: Call[Session, None]) -> dict[str, Any]:
        now = self._clock()
        found = await self._database.read(lambda c: candidates(c, self._community_id, now))
        return {"waiting": [_waiting(candidate) for candidate in found]}

    async def _start(self, call: Call[Session, EpochWish]) -> dict[str, Any]:
        household_id, wish, who = call.request.match_info["household"], call.body, call.who.user
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
                who=who,
                reason=wish.reason,
                now=now,
            )

        epoch = await self._database.write(change)
        self._changes.mark()
        return {
            "household": epoch.household,
            "number": epoch.number,
            "meter": epoch.meter.hex(),
            "since": epoch.since,
        }


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
