"""The console's routes on the books: statements, closed days, the ledger as CSV, and corrections."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from energy_swap_hub import ledger
from energy_swap_hub.changes import Changes
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import Day, Leg
from energy_swap_hub.membership.households import by_id
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.settlement.corrections import Transfer, book_correction
from energy_swap_hub.settlement.statements import Statement
from energy_swap_hub.storage import Database

from . import ledger_view, statement_view
from .answers import AccountMove, AccountMoves, ClosedDay, ClosedDays, Corrected
from .doors import Call, Doors
from .paging import Page, asked_page, paged
from .route import Route
from .spreadsheet import CONTENT_TYPE, Cell, as_file, csv_bytes
from .statement_view import DAYS
from .tokens import Scope

_ENTRIES_AT_ONCE: Final = 500
_COLUMNS: Final = (
    "entry", "at", "booked_at", "source", "external_id", "text", "corrects", "account", "currency", "amount",
)  # fmt: skip

_MOVE_COLUMNS: Final = (
    "entry", "at", "booked_at", "source", "external_id", "text", "currency", "amount", "balance",
)  # fmt: skip


class CorrectionWish(msgspec.Struct, forbid_unknown_fields=True):
    """What an admin wants booked, in cents. The same ``id`` again books nothing."""

    id: UUID
    account_from: Annotated[str, msgspec.Meta(max_length=80)]
    account_to: Annotated[str, msgspec.Meta(max_length=80)]
    amount: Annotated[int, msgspec.Meta(ge=1, le=100_000_000)]
    currency: Literal["KES"]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    corrects: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | None = None


class LedgerApi:
    """The routes below ``base`` that show the books or correct them."""

    def __init__(
        self,
        base: str,
        doors: Doors,
        database: Database,
        community: CommunityConfig,
        clock: Callable[[], datetime],
        changes: Changes,
    ) -> None:
        self._base = base
        self._doors = doors
        self._database = database
        self._community = community
        self._clock = clock
        self._changes = changes

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, read = self._base, self._doors.auditor
        statement = f"{base}/households/{{id}}/statement"
        return [
            read(statement, self._statement, says="A household's statement.", query=DAYS, scope=Scope.LEDGER),
            read(
                f"{statement}.csv",
                self._statement_csv,
                says="A household's statement as CSV.",
                query=DAYS,
                scope=Scope.LEDGER,
            ),
            read(f"{base}/ledger/days", self._days, says="The closed days and their hashes.", scope=Scope.LEDGER),
            read(
                f"{base}/ledger/entries.csv",
                self._entries_csv,
                says="The whole ledger as CSV, streamed.",
                scope=Scope.LEDGER,
            ),
            read(
                f"{base}/ledger/accounts/{{account}}/statement",
                self._account,
                says="What moved an account, newest first, with its balance after each.",
                query=paged(100),
                scope=Scope.LEDGER,
            ),
            read(
                f"{base}/ledger/accounts/{{account}}/statement.csv",
                self._account_csv,
                says="All that ever moved an account as CSV, streamed.",
                scope=Scope.LEDGER,
            ),
            self._doors.admin(f"{base}/ledger/corrections", self._correct, says="Book a correction."),
        ]

    async def _statement(self, call: Call[Session, None]) -> dict[str, Any]:
        return statement_view.body(await self._statement_of(call.request))

    async def _statement_csv(self, call: Call[Session, None]) -> web.Response:
        return statement_view.csv_response(await self._statement_of(call.request))

    async def _statement_of(self, request: web.Request) -> Statement:
        household_id = request.match_info["id"]
        days = statement_view.asked_days(request, self._clock())

        def query(connection: Connection) -> Statement:
            household = by_id(connection, self._community.id, household_id)
            return statement_view.read(connection, self._community.id, household, days)

        return await self._database.read(query)

    async def _days(self, _call: Call[Session, None]) -> ClosedDays:
        def query(connection: Connection) -> tuple[list[Day], list[str]]:
            community_id = self._community.id
            return ledger.closed_days(connection, community_id), ledger.verify_days(connection, community_id)

        days, lies = await self._database.read(query)
        return {"days": [_day(day) for day in reversed(days)], "lies": lies}

    async def _entries_csv(self, call: Call[Session, None]) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type, response.charset = CONTENT_TYPE, "utf-8"
        as_file(response, f"{self._community.id}-ledger.csv")
        await response.prepare(call.request)
        # Entries are only ever added: what comes between two parts is at the end.
        with contextlib.suppress(ConnectionResetError):  # whoever asked has gone
            await response.write(csv_bytes([_COLUMNS]))
            after = 0
            while found := await self._legs(after):
                after = found[-1].entry_id
                await response.write(csv_bytes(map(_row, found)))
            await response.write_eof()
        return response

    async def _account(self, call: Call[Session, None]) -> AccountMoves:
        account, page = call.request.match_info["account"], asked_page(call.request, 100)
        return await self._moves(account, page)

    async def _account_csv(self, call: Call[Session, None]) -> web.StreamResponse:
        account, page = call.request.match_info["account"], Page(_ENTRIES_AT_ONCE)
        found = await self._moves(account, page)
        response = web.StreamResponse()
        response.content_type, response.charset = CONTENT_TYPE, "utf-8"
        as_file(response, f"{self._community.id}-{account.replace(':', '-')}.csv")
        await response.prepare(call.request)
        with contextlib.suppress(ConnectionResetError):  # whoever asked has gone
            await response.write(csv_bytes([_MOVE_COLUMNS]))
            while found["moves"]:
                await response.write(csv_bytes(_move_row(one, found["currency"]) for one in found["moves"]))
                found = await self._moves(account, replace(page, before=found["moves"][-1]["id"]))
            await response.write_eof()
        return response

    async def _moves(self, account: str, page: Page) -> AccountMoves:
        return await self._database.read(lambda c: ledger_view.account_moves(c, self._community.id, account, page))

    async def _legs(self, after: int) -> list[Leg]:
        def query(connection: Connection) -> list[Leg]:
            return list(ledger.legs(connection, self._community.id, after=after, entries=_ENTRIES_AT_ONCE))

        return await self._database.read(query)

    async def _correct(self, call: Call[Session, CorrectionWish]) -> Corrected:
        wish, who = call.body, call.who.user
        transfer = Transfer(
            str(wish.id), wish.account_from, wish.account_to, wish.amount, wish.reason, wish.corrects
        )
        now = self._clock()

        def change(connection: Connection) -> bool:
            return book_correction(connection, self._community.id, transfer, who=who, now=now)

        is_new = await self._database.write(change)
        self._changes.mark()
        return {"id": transfer.id, "is_new": is_new}


def _day(day: Day) -> ClosedDay:
    return {
        "day": day.day,
        "entries": day.entries,
        "first_entry": day.first_entry_id,
        "last_entry": day.last_entry_id,
        "hash": day.hash,
    }


def _move_row(move: AccountMove, currency: str) -> list[Cell]:
    digits = -2 if currency == "KES" else -3
    return [
        move["id"],
        *(datetime.fromtimestamp(move[name], UTC).isoformat() for name in ("at", "booked_at")),
        move["source"],
        move["external_id"],
        move["text"],
        currency,
        *(Decimal(move[name]).scaleb(digits) for name in ("amount", "balance")),
    ]


def _row(leg: Leg) -> list[Cell]:
    currency = None if leg.account is None else ledger.currency_of(leg.account)
    amount = None if leg.amount is None else Decimal(leg.amount).scaleb(-2 if currency == "KES" else -3)
    return [
        leg.entry_id,
        leg.at.isoformat(),
        leg.booked_at.isoformat(),
        leg.source,
        leg.external_id,
        leg.text,
        leg.corrects,
        leg.account,
        currency,
        amount,
    ]
