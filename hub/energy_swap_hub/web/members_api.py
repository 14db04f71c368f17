"""Routes on members' files, leaving and personal data: the office's below the console, and a household's own."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict

import msgspec
from aiohttp import web
from sqlalchemy import Connection, select

from energy_swap_hub.changes import Changes
from energy_swap_hub.membership import consent, files
from energy_swap_hub.membership.files import Evidence, evidence_of
from energy_swap_hub.membership.households import (
    Household,
    by_id,
    by_key,
    record_audit,
    sealed_phone,
    set_net_metering,
    stranger,
)
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.settlement import machine_tables, office_tables
from energy_swap_hub.settlement.departures import SAGA, begin_leaving
from energy_swap_hub.settlement.desk import Desk
from energy_swap_hub.settlement.payments import ask_phone_proof
from energy_swap_hub.settlement.personal_data import Fact, as_json, personal_data
from energy_swap_hub.storage import Database

from .doors import Call, Doors
from .route import Query, Route
from .spreadsheet import CONTENT_TYPE, Cell, as_file, csv_bytes

type Words = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
type Short = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]

_FORMAT = Query("format", "csv; without it, JSON")


class Document(msgspec.Struct, forbid_unknown_fields=True):
    """An identity document that the caller has seen; its number is hashed and not kept."""

    kind: Literal["national_id", "passport", "alien_id"]
    number: Annotated[str, msgspec.Meta(min_length=4, max_length=40)]


class Site(msgspec.Struct, forbid_unknown_fields=True):
    """Where a household is connected."""

    transformer: Short
    feeder: Short


class NetMetering(msgspec.Struct, forbid_unknown_fields=True):
    """Whether a net-metering contract counts from now on; ``contract`` names it, or says why it ended."""

    is_on: bool
    contract: Words


class Agreed(msgspec.Struct, forbid_unknown_fields=True):
    """The version of the text that the household has agreed to."""

    version: Short


class Phone(msgspec.Struct, forbid_unknown_fields=True):
    """How the phone is confirmed: by a payment of KES 1 that is asked for now, or by the caller's own word."""

    how: Literal["payment", "operator"]


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """Why."""

    reason: Words


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """Why personal data leaves the hub, and in which form."""

    reason: Words
    format: Literal["json", "csv"] = "json"


class Part(TypedDict):
    """A part of a file: what it says, who put it there, and when (Unix seconds)."""

    says: str
    by: str
    at: int


class Departure(TypedDict):
    """How far a household's leaving is; ``state`` is the step that is next, times in Unix seconds."""

    state: str
    asked_by: str
    reason: str
    asked_at: int
    burned_wh: int
    tokens_cents: int
    paid_kes: int
    remainder_cents: int
    left_at: int | None
    erase_at: int | None
    erased_at: int | None


class File(TypedDict):
    """A member's file; ``parts`` by name, ``missing`` the names that are not there."""

    household: str
    status: str
    needs_all: bool
    parts: dict[str, Part]
    missing: list[str]
    consent: dict[str, str]
    has_panels: bool
    net_metered_from: int | None
    net_metered_until: int | None
    departure: Departure | None


class MembersApi:
    """The routes below ``base``, and a household's own personal data and leaving."""

    def __init__(
        self,
        base: str,
        doors: Doors,
        database: Database,
        desk: Desk,
        clock: Callable[[], datetime],
        changes: Changes,
    ) -> None:
        self._base = f"{base}/members/{{household}}"
        self._doors = doors
        self._database = database
        self._desk = desk
        self._community_id = desk.community.id
        self._clock = clock
        self._changes = changes

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, admin = self._base, self._doors.admin
        own = f"/api/v1/communities/{self._community_id}/household/personal-data"
        return [
            self._doors.meters(base, self._show, says="What a member's file holds, and how far its leaving is."),
            admin(f"{base}/document", self._document, says="Note that a document was seen, not its number."),
            self._doors.installer(f"{base}/site", self._site, says="Note where a household is connected."),
            admin(
                f"{base}/net-metering",
                self._net_metering,
                says="Note that the utility credits what a household exports, or that this has ended.",
            ),
            admin(f"{base}/consent", self._consent, says="Note a household's consent to keep its personal data."),
            admin(f"{base}/phone", self._phone, says="Confirm a phone by a payment of KES 1, or by one's word."),
            admin(f"{base}/leave", self._leave, says="Let a household leave, or turn an applicant away."),
            admin(f"{base}/personal-data", self._export, says="All that is kept about a person, for that person."),
            self._doors.household("GET", own, self._own, says="All that is kept about it.", query=(_FORMAT,)),
        ]

    async def _show(self, call: Call[Session, None]) -> File:
        return await self._database.read(lambda c: self._file(c, _named(call.request)))

    async def _document(self, call: Call[Session, Document]) -> dict[str, str]:
        body, phones = call.body, self._desk.phones

        def put(connection: Connection, household: str, said: dict[str, Any]) -> None:
            files.record_document(
                connection, self._community_id, household, body.kind, body.number, phones=phones, **said
            )

        return await self._put(call, put)

    async def _site(self, call: Call[Session, Site]) -> dict[str, str]:
        body = call.body
        return await self._put(
            call,
            lambda c, h, said: files.record_site(c, self._community_id, h, body.transformer, body.feeder, **said),
        )

    async def _net_metering(self, call: Call[Session, NetMetering]) -> dict[str, str]:
        body = call.body
        return await self._put(
            call,
            lambda c, h, said: set_net_metering(
                c, self._community_id, h, is_on=body.is_on, contract=body.contract, **said
            ),
        )

    async def _consent(self, call: Call[Session, Agreed]) -> dict[str, str]:
        version = call.body.version
        return await self._put(
            call, lambda c, h, said: files.record_consent(c, self._community_id, h, version, **said)
        )

    async def _phone(self, call: Call[Session, Phone]) -> dict[str, str]:
        how, desk = call.body.how, self._desk

        def put(connection: Connection, household: str, said: dict[str, Any]) -> None:
            who, now = said["who"], said["now"]
            by_id(connection, self._community_id, household)
            if how == "operator":
                files.confirm_phone(connection, self._community_id, household, by=who, now=now)
                return
            phone = desk.phones.open(sealed_phone(connection, self._community_id, household))
            ask_phone_proof(connection, desk.mpesa, phone, self._community_id, household, now)
            what = "asked the phone for KES 1"
            record_audit(connection, self._community_id, who=who, what=what, subject=household, now=now)

        return await self._put(call, put)

    async def _leave(self, call: Call[Session, Reason]) -> dict[str, str]:
        reason = call.body.reason
        return await self._put(
            call, lambda c, h, said: begin_leaving(c, self._community_id, h, reason=reason, **said)
        )

    async def _export(self, call: Call[Session, Wanted]) -> web.Response:
        wanted, who, now = call.body, call.who.user, self._clock()

        def take(connection: Connection) -> tuple[Household, list[Fact]]:
            household = by_id(connection, self._community_id, _named(call.request))
            what = f"took out the personal data: {wanted.reason}"
            record_audit(connection, self._community_id, who=who, what=what, subject=household.id, now=now)
            return household, personal_data(connection, self._community_id, household, self._desk.phones, now)

        household, facts = await self._database.write(take)
        return _file_of(household, facts, is_csv=wanted.format == "csv")

    async def _own(self, call: Call[bytes, None]) -> web.Response:
        now = self._clock()

        def look(connection: Connection) -> tuple[Household, list[Fact]]:
            household = by_key(connection, call.who)
            if household is None:
                raise stranger()
            return household, personal_data(connection, self._community_id, household, self._desk.phones, now)

        household, facts = await self._database.read(look)
        return _file_of(household, facts, is_csv=call.request.query.get("format") == "csv")

    async def _put(
        self, call: Call[Session, Any], put: Callable[[Connection, str, dict[str, Any]], None]
    ) -> dict[str, str]:
        household, said = _named(call.request), {"who": call.who.user, "now": self._clock()}
        await self._database.write(lambda c: put(c, household, said))
        self._changes.mark()
        return {}

    def _file(self, connection: Connection, household_id: str) -> File:
        household = by_id(connection, self._community_id, household_id)
        evidence = evidence_of(connection, self._community_id, household_id)
        return {
            "household": household.id,
            "status": household.status,
            "needs_all": self._desk.community.evidence == "required",
            "parts": _parts(evidence),
            "missing": list(evidence.missing),
            "consent": {"version": consent.VERSION, **consent.TEXTS},
            "has_panels": household.rated_pv_w > 0,
            "net_metered_from": _unix(household.net_metered_from),
            "net_metered_until": _unix(household.net_metered_until),
            "departure": _departure(connection, self._community_id, household_id),
        }


def _named(request: web.Request) -> str:
    return request.match_info["household"]


def _parts(evidence: Evidence) -> dict[str, Part]:
    found: dict[str, Part] = {}
    site = f"{evidence.transformer} · {evidence.feeder}"
    for name, says, who, at in (
        ("phone", "", evidence.phone_by, evidence.phone_at),
        ("document", evidence.document_kind, evidence.document_by, evidence.document_at),
        ("site", site, evidence.site_by, evidence.site_at),
        ("consent", evidence.consent_version, evidence.consent_by, evidence.consent_at),
    ):
        if at is not None:
            found[name] = {"says": says or "", "by": who or "", "at": int(at.timestamp())}
    return found


def _departure(connection: Connection, community_id: str, household_id: str) -> Departure | None:
    row, work = office_tables.departure.c, machine_tables.saga.c
    found = connection.execute(
        select(office_tables.departure).where(row.community_id == community_id, row.household_id == household_id)
    ).first()
    if found is None:
        return None
    state = connection.execute(
        select(work.state).where(
            work.community_id == community_id, work.kind == SAGA, work.subject == household_id
        )
    ).scalar_one()
    return {
        "state": state,
        "asked_by": found.asked_by,
        "reason": found.reason,
        "asked_at": int(found.asked_at.timestamp()),
        "burned_wh": found.burned_wh,
        "tokens_cents": found.tokens_cents,
        "paid_kes": found.paid_kes,
        "remainder_cents": found.remainder_cents,
        "left_at": _unix(found.left_at),
        "erase_at": _unix(found.erase_at),
        "erased_at": _unix(found.erased_at),
    }


def _unix(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _file_of(household: Household, facts: list[Fact], *, is_csv: bool) -> web.Response:
    if is_csv:
        rows: list[list[Cell]] = [["kind", "name", "value", "at"]]
        rows += [[one.kind, one.name, one.value, None if one.at is None else one.at.isoformat()] for one in facts]
        response = web.Response(body=csv_bytes(rows), content_type=CONTENT_TYPE, charset="utf-8")
    else:
        body = {"household": household.id, "facts": as_json(facts)}
        response = web.Response(body=msgspec.json.encode(body), content_type="application/json")
    as_file(response, f"{household.id}-personal-data.{'csv' if is_csv else 'json'}")
    return response
