"""Relays over HTTP: an edge reports and gets its meter's command; an admin protects or ends a connection."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from energy_swap_protocol.relay import RelayError, from_text, to_text
from nacl.signing import SigningKey
from sqlalchemy import Connection

from energy_swap_hub.changes import Changes
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership.households import NotAdmitted, by_id, by_key
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.settlement.relays import mark, take_report, wanted_of
from energy_swap_hub.storage import Database

from .answers import RelayState
from .doors import Call, Doors
from .relays_view import Relays, relay_order, relays_page, shown_relay
from .route import Route
from .tokens import Scope


class Reported(msgspec.Struct, forbid_unknown_fields=True):
    """What a meter said last of its relay (text as it sends it); null only asks for the authority."""

    report: Annotated[str, msgspec.Meta(max_length=400)] | None = None


class Marks(msgspec.Struct, forbid_unknown_fields=True):
    """What an admin marks a household with, and why; null leaves it as it is."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    is_protected: bool | None = None
    is_ended: bool | None = None


class RelaysApi:
    """The routes of edges below ``own`` and of people below ``console`` that deal with relays."""

    def __init__(
        self,
        own: str,
        console: str,
        doors: Doors,
        database: Database,
        community: CommunityConfig,
        clock: Callable[[], datetime],
        changes: Changes,
        authority: SigningKey,
        phones: PhoneBook,
    ) -> None:
        self._own = own
        self._console = console
        self._doors = doors
        self._database = database
        self._community = community
        self._clock = clock
        self._changes = changes
        self._authority = authority
        self._phones = phones

    def routes(self) -> list[Route]:
        """Return the routes."""
        doors = self._doors
        return [
            doors.household("POST", self._own, self._report, says="What its relay does; the command for it."),
            doors.meters(
                self._console,
                self._relays,
                says="Households' relays, those that somebody should look at first.",
                query=relay_order().queries(),
                scope=Scope.METERS,
            ),
            doors.admin(
                f"{self._console}/{{household}}", self._mark, says="Protect a household or end its connection."
            ),
        ]

    async def _report(self, call: Call[bytes, Reported]) -> dict[str, Any]:
        answer: dict[str, Any] = {"authority": bytes(self._authority.verify_key).hex(), "command": None}
        if call.body.report is None:
            return answer
        try:
            report = from_text(call.body.report)
        except RelayError as error:
            raise ValueError(f"report: {error}") from None
        now = self._clock()

        def change(connection: Connection) -> bytes | None:
            household = by_key(connection, call.who)
            if household is None:
                raise NotAdmitted("this key has not applied yet", "not_admitted_unknown")
            return take_report(connection, self._community, household, report, self._authority, now)

        command = await self._database.write(change)
        return answer if command is None else answer | {"command": to_text(command)}

    async def _relays(self, call: Call[Session, None]) -> Relays:
        return await self._database.read(
            lambda c: relays_page(c, self._community, call.request, call.who, self._phones, self._authority)
        )

    async def _mark(self, call: Call[Session, Marks]) -> RelayState:
        household_id, wish, now = call.request.match_info["household"], call.body, self._clock()

        def change(connection: Connection) -> RelayState:
            marked = mark(
                connection,
                self._community.id,
                household_id,
                is_protected=wish.is_protected,
                is_ended=wish.is_ended,
                who=call.who.user,
                reason=wish.reason,
                now=now,
            )
            household = by_id(connection, self._community.id, household_id)
            reason = wanted_of(connection, self._community, marked)
            return shown_relay(household, marked, reason, self._authority)

        shown = await self._database.write(change)
        self._changes.mark()  # edges are told, and ask for the command that follows
        return shown
