"""Relays over HTTP: an edge reports and gets its meter's command; an admin protects or ends a connection."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from energy_swap_protocol.relay import Reason, RelayError, from_text, to_text
from nacl.signing import SigningKey
from sqlalchemy import Connection

from energy_swap_hub.changes import Changes
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership.households import Household, NotAdmitted, by_id, by_key, households
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.settlement.relays import Relay, command_of, mark, relay_of, relays, take_report, wanted_of
from energy_swap_hub.storage import Database

from .answers import RelayCommanded, RelayReported, Relays, RelayState
from .doors import Call, Doors
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
    ) -> None:
        self._own = own
        self._console = console
        self._doors = doors
        self._database = database
        self._community = community
        self._clock = clock
        self._changes = changes
        self._authority = authority

    def routes(self) -> list[Route]:
        """Return the routes."""
        doors = self._doors
        return [
            doors.household("POST", self._own, self._report, says="What its relay does; the command for it."),
            doors.meters(
                self._console,
                self._relays,
                says="Every household's relay, as far as it is known.",
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

    async def _relays(self, _call: Call[Session, None]) -> Relays:
        def query(connection: Connection) -> list[RelayState]:
            known = {one.household: one for one in relays(connection, self._community.id)}
            return [
                self._shown(connection, household, known.get(household.id))
                for household in households(connection, self._community.id)
                if household.status != "applied" or household.id in known
            ]

        return {"relays": await self._database.read(query)}

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
            return self._shown(connection, by_id(connection, self._community.id, household_id), marked)

        shown = await self._database.write(change)
        self._changes.mark()  # edges are told, and ask for the command that follows
        return shown

    def _shown(self, connection: Connection, household: Household, known: Relay | None) -> RelayState:
        one = relay_of(connection, self._community.id, household.id) if known is None else known
        reason = wanted_of(connection, self._community, one)
        shown: RelayState = {
            "household": household.id,
            "name": household.name,
            "is_protected": one.is_protected,
            "is_ended": one.is_ended,
            "is_asked_off": one.is_asked_off,
            "wanted": (reason or Reason.NONE).name.lower(),
            "command": _commanded(one, self._authority),
            "meter": _reported(one),
        }
        return shown


def _commanded(one: Relay, authority: SigningKey) -> RelayCommanded | None:
    command = command_of(one, authority)
    if command is None:
        return None
    return {
        "sequence": command.sequence,
        "action": command.action.name.lower(),
        "reason": command.reason.name.lower(),
        "issued_at": command.issued_at,
        "expires_at": command.expires_at,
        "open_until": command.open_until or None,
    }


def _reported(one: Relay) -> RelayReported | None:
    report = one.last_report
    if report is None or one.reported_at is None:
        return None
    return {
        "is_open": report.is_open,
        "is_protected": report.is_protected,
        "sequence": report.sequence,
        "outcome": report.outcome.name.lower(),
        "reason": report.reason.name.lower(),
        "open_until": report.open_until or None,
        "reported_at": int(one.reported_at.timestamp()),
    }
