"""The console's routes on meters: how they are, what is in quarantine, and asking for a new register epoch."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec
from energy_swap_protocol.reading import FrameError, frame_from_text
from sqlalchemy import Connection

from energy_swap_hub.changes import Changes
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.settlement.proposals import ask_meter
from energy_swap_hub.storage import Database

from .answers import Asked
from .doors import Call, Doors
from .household_lists import asked_households
from .meters_view import (
    Meters,
    QuarantinedFrames,
    WaitingMeters,
    meters,
    order,
    quarantined_frames,
    waiting_meters,
)
from .paging import asked_page, paged
from .route import Query, Route
from .tokens import Scope


class EpochWish(msgspec.Struct, forbid_unknown_fields=True):
    """The first reading that shall count from now on (text as edges send it), and why."""

    frame: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class MetersApi:
    """The routes below ``base`` that show meters and ask the approvers for register epochs."""

    def __init__(
        self,
        base: str,
        doors: Doors,
        database: Database,
        community_id: str,
        clock: Callable[[], datetime],
        changes: Changes,
        phones: PhoneBook,
    ) -> None:
        self._base = base
        self._doors = doors
        self._database = database
        self._community_id = community_id
        self._clock = clock
        self._changes = changes
        self._phones = phones

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, doors = f"{self._base}/meters", self._doors
        return [
            doors.meters(
                base,
                self._meters,
                says="Every household's meter, in the order asked for.",
                query=order(self._clock()).queries(),
                scope=Scope.METERS,
            ),
            doors.meters(
                f"{base}/waiting",
                self._waiting,
                says="Meters that wait to be let in, and how far the approvers are.",
                scope=Scope.METERS,
            ),
            doors.meters(
                f"{base}/quarantine",
                self._quarantine,
                says="Frames that were not accepted, newest first.",
                query=(Query("household", "only those of this household"), *paged(100)),
            ),
            doors.installer(
                f"{base}/{{household}}/epoch",
                self._ask,
                says="Ask the approvers to let a meter begin a register epoch.",
            ),
        ]

    async def _meters(self, call: Call[Session, None]) -> Meters:
        now = self._clock()
        wanted = asked_households(call.request, call.who, order(now))
        return await self._database.read(lambda c: meters(c, self._community_id, wanted, self._phones, now))

    async def _waiting(self, _call: Call[Session, None]) -> WaitingMeters:
        now = self._clock()
        return await self._database.read(lambda c: waiting_meters(c, self._community_id, now))

    async def _quarantine(self, call: Call[Session, None]) -> QuarantinedFrames:
        household_id = call.request.query.get("household")
        page = asked_page(call.request, 100)
        return await self._database.read(lambda c: quarantined_frames(c, self._community_id, household_id, page))

    async def _ask(self, call: Call[Session, EpochWish]) -> Asked:
        household_id, wish, who = call.request.match_info["household"], call.body, call.who.user
        try:
            frame = frame_from_text(wish.frame)
        except FrameError as error:
            raise ValueError(f"frame: {error}") from None
        now = self._clock()

        def change(connection: Connection) -> str:
            return ask_meter(
                connection, self._community_id, household_id, frame, who=who, reason=wish.reason, now=now
            ).id

        proposal = await self._database.write(change)
        self._changes.mark()
        return {"proposal": proposal}
