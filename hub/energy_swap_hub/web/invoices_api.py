"""Routes on invoices and monthly reports: the office's below the console, and a household's own."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypedDict

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership.households import by_id, by_key, stranger
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.settlement import invoices
from energy_swap_hub.settlement.invoice_rules import Month
from energy_swap_hub.settlement.invoices import Invoice
from energy_swap_hub.settlement.regulator import report
from energy_swap_hub.settlement.settings import settings_at
from energy_swap_hub.storage import Database

from .doors import Call, Doors
from .invoice_pdf import invoice_pdf, number_of
from .paging import number_in
from .paper import LANGUAGE, Language, day
from .route import Query, Route
from .spreadsheet import CONTENT_TYPE, Cell, as_file, csv_bytes

_FORMAT: Final = Query("format", "csv; without it, JSON")
_COLUMNS: Final = (
    "number", "kind", "corrects", "issued_on", "month", "booked_in", "seller", "seller_pin", "member", "name",
    "item", "kwh", "kes_with_vat", "vat_percent", "vat_kes", "kes_without_vat",
)  # fmt: skip


class Listed(TypedDict):
    """An invoice as lists show it; cents with tax, Unix seconds. A draft of the running month has no number."""

    number: int | None
    shown_as: str
    kind: str
    household: str
    name: str
    month: str
    corrects: int | None
    issued_at: int
    total_cents: int
    vat_cents: int
    closing_cents: int


class InvoicesApi:
    """The routes on invoices and reports; ``base`` is the console's."""

    def __init__(
        self,
        base: str,
        doors: Doors,
        database: Database,
        community: CommunityConfig,
        clock: Callable[[], datetime],
    ) -> None:
        self._base = base
        self._doors = doors
        self._database = database
        self._community = community
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, read = self._base, self._doors.auditor
        own, household = f"/api/v1/communities/{self._community.id}/household/invoices", self._doors.household
        month = f"{base}/months/{{month}}"
        return [
            read(f"{base}/members/{{household}}/invoices", self._of_member, says="A member's invoices."),
            read(
                f"{base}/members/{{household}}/invoices/draft.pdf",
                self._draft,
                says="The running month as a PDF.",
                query=(LANGUAGE,),
            ),
            read(f"{base}/invoices/{{id}}.pdf", self._pdf, says="An invoice as a PDF.", query=(LANGUAGE,)),
            read(f"{base}/months", self._months, says="The months that have begun, the newest first."),
            read(f"{month}/invoices", self._export, says="All invoices of a month, by line.", query=(_FORMAT,)),
            read(f"{month}/report", self._report, says="A month for the regulator.", query=(_FORMAT,)),
            household("GET", own, self._own, says="Its invoices, the newest first."),
            household("GET", f"{own}/{{id}}.pdf", self._own_pdf, says="One of its invoices.", query=(LANGUAGE,)),
        ]

    async def _of_member(self, call: Call[Session, None]) -> list[Listed]:
        household, now = call.request.match_info["household"], self._clock()
        return await self._database.read(lambda c: self._listed(c, household, now))

    async def _own(self, call: Call[bytes, None]) -> list[Listed]:
        now = self._clock()
        return await self._database.read(lambda c: self._listed(c, _household_of(c, call.who), now))

    async def _pdf(self, call: Call[Session, None]) -> web.Response:
        return await self._database.read(lambda c: self._pdf_of(c, call.request, None))

    async def _own_pdf(self, call: Call[bytes, None]) -> web.Response:
        return await self._database.read(lambda c: self._pdf_of(c, call.request, _household_of(c, call.who)))

    async def _draft(self, call: Call[Session, None]) -> web.Response:
        now = self._clock()

        def look(connection: Connection) -> web.Response:
            household = by_id(connection, self._community.id, call.request.match_info["household"])
            made = invoices.draft(connection, self._community, household, now)
            if made is None:
                raise LookupError(f"{household.id} has bought and sold nothing this month")
            return self._made(connection, made, call.request)

        return await self._database.read(look)

    async def _months(self, _call: Call[Session, None]) -> list[str]:
        month, last, names = Month.of(self._community.opened_at), Month.of(self._clock()), list[str]()
        while (month.year, month.month) <= (last.year, last.month):
            names.insert(0, month.name)
            month = month.next
        return names

    async def _export(self, call: Call[Session, None]) -> web.Response:
        month = Month.named(call.request.match_info["month"])

        def look(connection: Connection) -> list[list[Cell]]:
            found = invoices.invoices(connection, self._community.id, month=month.name)
            return [row for one in found for row in self._rows(one)]

        rows = await self._database.read(look)
        return _table(call.request, _COLUMNS, rows, f"{self._community.id}-invoices-{month.name}")

    async def _report(self, call: Call[Session, None]) -> web.Response:
        month, now = Month.named(call.request.match_info["month"]), self._clock()
        if month.begins > now:
            raise LookupError(f"{month.name} has not begun")
        figures = await self._database.read(lambda c: report(c, self._community, month, now))
        rows: list[list[Cell]] = [[one.name, one.value, one.unit] for one in figures]
        return _table(call.request, ("figure", "value", "unit"), rows, f"{self._community.id}-report-{month.name}")

    def _listed(self, connection: Connection, household_id: str, now: datetime) -> list[Listed]:
        household = by_id(connection, self._community.id, household_id)
        found = invoices.invoices(connection, self._community.id, household=household.id)
        draft = invoices.draft(connection, self._community, household, now)
        return [self._row(one) for one in (*([] if draft is None else [draft]), *reversed(found))]

    def _row(self, made: Invoice) -> Listed:
        return {
            "number": made.number,
            "shown_as": number_of(made, self._community),
            "kind": made.kind,
            "household": made.household,
            "name": made.name,
            "month": made.month,
            "corrects": made.corrects,
            "issued_at": int(made.issued_at.timestamp()),
            "total_cents": made.total_cents,
            "vat_cents": made.vat_cents,
            "closing_cents": made.closing_cents,
        }

    def _rows(self, made: Invoice) -> list[list[Cell]]:
        return [
            [
                number_of(made, self._community),
                made.kind,
                made.corrects,
                day(made.issued_at),
                made.month,
                made.booked_in,
                self._community.name,
                self._community.tax_number,
                made.household,
                made.name,
                line.item,
                Decimal(line.wh).scaleb(-3),
                Decimal(line.cents).scaleb(-2),
                line.vat_percent,
                Decimal(line.vat_cents).scaleb(-2),
                Decimal(line.cents - line.vat_cents).scaleb(-2),
            ]
            for line in made.lines
        ]

    def _pdf_of(self, connection: Connection, request: web.Request, household: str | None) -> web.Response:
        number = number_in(request.match_info["id"])
        if number is None:
            raise LookupError("an invoice's number is a number")
        made = invoices.get(connection, self._community.id, number)
        if household is not None and made.household != household:
            raise LookupError(f"there is no invoice {number}")  # the same as for one that nobody has
        return self._made(connection, made, request)

    def _made(self, connection: Connection, made: Invoice, request: web.Request) -> web.Response:
        rules = settings_at(connection, self._community, made.issued_at)
        language: Language = "sw" if request.query.get("language") == "sw" else "en"
        response = web.Response(body=invoice_pdf(made, rules, language), content_type="application/pdf")
        name = "draft" if made.number is None else number_of(made, rules)
        as_file(response, f"{name}-{made.household}-{made.month}.pdf")
        return response


def _household_of(connection: Connection, key: bytes) -> str:
    household = by_key(connection, key)
    if household is None:
        raise stranger()
    return household.id


def _table(request: web.Request, columns: tuple[str, ...], rows: list[list[Cell]], name: str) -> web.Response:
    if request.query.get("format") == "csv":
        response = web.Response(body=csv_bytes([columns, *rows]), content_type=CONTENT_TYPE, charset="utf-8")
        as_file(response, f"{name}.csv")
        return response
    body: list[dict[str, Any]] = [dict(zip(columns, row, strict=True)) for row in rows]
    response = web.Response(body=msgspec.json.encode(body), content_type="application/json")
    as_file(response, f"{name}.json")
    return response
