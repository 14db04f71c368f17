"""The console's routes: sign-in, what admins and auditors read, and what an admin decides about a review."""

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, cast

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from energy_swap_hub.chain.client import NodeUnavailableError
from energy_swap_hub.changes import Changes
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.settlement.decisions import Action, Decision, decide
from energy_swap_hub.settlement.desk import Desk
from energy_swap_hub.settlement.settings import rules
from energy_swap_hub.storage import Database

from . import console_view, guidance_view, ledger_view, market_view
from .answers import Entries, Fund, MarketPage, PeriodDetail, Periods, Reviews, Trades, TrialBalance
from .chain_view import ChainTransaction, ChainView, Intents
from .doors import Call, Doors
from .household_lists import asked_households
from .households_view import ORDER, HouseholdRow, Households, households, one_household
from .paging import COUNT, SKIP, Page, asked_limit, asked_page, asked_skip, limit_to, number_in, paged
from .route import Query, Route
from .shared_look import SharedLook
from .sockets import pushing
from .tokens import Scope

_PUSH_SECONDS: Final = 1.0


class Resolution(msgspec.Struct, forbid_unknown_fields=True):
    """What was decided about a review, and what shall be done; ``kes`` is whole KES.

    Each decision needs a ``note``, but asking M-Pesa again (``ask_again``), which leaves the review open.
    """

    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    action: Action | None = None
    receipt: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    kes: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    household: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class ConsoleApi:
    """The routes below ``base`` on the community as a whole, its market, chain and reviews."""

    def __init__(
        self,
        base: str,
        doors: Doors,
        database: Database,
        desk: Desk,
        clock: Callable[[], datetime],
        changes: Changes,
        chain: ChainView,
        *,
        payments_open: Callable[[Connection], int],
    ) -> None:
        self._base = base
        self._doors = doors
        self._database = database
        self._desk = desk
        self._community = desk.community
        self._clock = clock
        self._changes = changes
        self._phones = desk.phones
        self._chain = chain
        self._payments_open = payments_open
        self._market_look = SharedLook(lambda: database.read(self._market_json))

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, read = self._base, self._doors.auditor
        return [
            read(
                f"{base}/overview",
                self._overview,
                says="The community now: energy, money, chain, what waits.",
                scope=Scope.MARKET,
            ),
            read(f"{base}/live", self._live, says="The overview by WebSocket, again each second."),
            read(
                f"{base}/households",
                self._households,
                says="Households, phones masked, in the order asked for.",
                query=ORDER.queries(),
                scope=Scope.HOUSEHOLDS,
            ),
            read(
                f"{base}/households/{{household}}",
                self._household,
                says="One household.",
                scope=Scope.HOUSEHOLDS,
            ),
            read(
                f"{base}/periods",
                self._periods,
                says="The newest periods first.",
                query=(limit_to(96), Query("before", "only periods before this one"), SKIP, COUNT),
                scope=Scope.MARKET,
            ),
            read(
                f"{base}/periods/{{period}}",
                self._period,
                says="One period with its orders and trades.",
                scope=Scope.MARKET,
            ),
            read(
                f"{base}/trades",
                self._trades,
                says="Trades, newest first.",
                query=paged(200),
                scope=Scope.MARKET,
            ),
            read(
                f"{base}/market",
                self._market,
                says="The open book, auctions, and orders for periods to come.",
                scope=Scope.MARKET,
            ),
            read(f"{base}/advice", self._advice, says="Guidance on prices and on hours.", scope=Scope.MARKET),
            read(
                f"{base}/ledger/fund",
                self._fund,
                says="The community's fund and what it paid.",
                scope=Scope.LEDGER,
            ),
            read(
                f"{base}/ledger/entries",
                self._entries,
                says="Entries with their postings, newest first.",
                query=paged(100),
                scope=Scope.LEDGER,
            ),
            read(
                f"{base}/ledger/trial-balance",
                self._trial_balance,
                says="Every account, summed from postings.",
                scope=Scope.LEDGER,
            ),
            read(
                f"{base}/chain",
                self._chain_page,
                says="Supply beside the ledger, custody, the newest intents.",
                scope=Scope.CHAIN,
            ),
            read(
                f"{base}/chain/intents",
                self._intents,
                says="What the hub intended on the chain, newest first.",
                query=(Query("kind", "only those of this kind, like mint_period"), *paged(100)),
                scope=Scope.CHAIN,
            ),
            read(
                f"{base}/chain/transactions/{{signature}}",
                self._transaction,
                says="One of the community's transactions, as the chain has it.",
                scope=Scope.CHAIN,
            ),
            read(
                f"{base}/reviews",
                self._reviews,
                says="What waits for a person, and what was decided.",
                scope=Scope.OFFICE,
            ),
            self._doors.admin(f"{base}/reviews/{{id}}/resolve", self._resolve, says="Decide about a review."),
        ]

    # Reading

    async def _overview(self, _call: Call[Session, None]) -> dict[str, Any]:
        now = self._clock()

        def query(connection: Connection) -> dict[str, Any]:
            body = console_view.overview(connection, self._community, now)
            pending = self._chain.pending(connection)
            return body | {"payments_open": self._payments_open(connection), "pending": pending}

        body = await self._database.read(query)
        return body | {"chain": {**await self._chain.summary(), "pending": body.pop("pending")}}

    async def _live(self, call: Call[Session, None]) -> web.WebSocketResponse:
        request = call.request
        # A page of another origin may open a WebSocket with our cookie: only our own pages get an answer.
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(reason="this page is not the hub's")
        socket = web.WebSocketResponse(heartbeat=20)
        async with pushing(request, socket) as push:
            while push.is_open and await self._doors.is_signed_in(request):
                with contextlib.suppress(NodeUnavailableError):  # the next look may find the chain again
                    await push.send(msgspec.json.encode(await self._overview(call)).decode())
                await push.wait(_PUSH_SECONDS)
        return socket

    async def _households(self, call: Call[Session, None]) -> Households:
        now, wanted = self._clock(), asked_households(call.request, call.who, ORDER)
        return await self._database.read(
            lambda c: households(c, self._community, wanted, self._phones, self._chain.account, now)
        )

    async def _household(self, call: Call[Session, None]) -> HouseholdRow:
        now, household_id = self._clock(), call.request.match_info["household"]
        return await self._database.read(
            lambda c: one_household(c, self._community, household_id, self._phones, self._chain.account, now)
        )

    async def _periods(self, call: Call[Session, None]) -> Periods:
        request, before = call.request, call.request.query.get("before")
        skip, is_counted = asked_skip(request)
        page = Page(asked_limit(request, 96), skip=skip, is_counted=is_counted)
        return await self._database.read(lambda c: market_view.periods(c, self._community, page, before))

    async def _period(self, call: Call[Session, None]) -> PeriodDetail:
        period_id = call.request.match_info["period"]
        return await self._database.read(lambda c: market_view.period_detail(c, self._community, period_id))

    async def _trades(self, call: Call[Session, None]) -> Trades:
        page = asked_page(call.request, 200)
        return await self._database.read(lambda c: market_view.trades(c, self._community.id, page))

    async def _market(self, _call: Call[Session, None]) -> MarketPage:
        return cast("MarketPage", msgspec.Raw(await self._market_look.take()))

    def _market_json(self, connection: Connection) -> bytes:
        return msgspec.json.encode(market_view.market(connection, self._community, self._clock()))

    async def _advice(self, _call: Call[Session, None]) -> dict[str, Any]:
        now = self._clock()

        def query(connection: Connection) -> dict[str, Any]:
            return guidance_view.advice(connection, rules(connection, self._community), now)

        return await self._database.read(query)

    async def _fund(self, _call: Call[Session, None]) -> Fund:
        return await self._database.read(lambda c: ledger_view.fund(c, self._community))

    async def _entries(self, call: Call[Session, None]) -> Entries:
        page = asked_page(call.request, 100)
        return await self._database.read(lambda c: ledger_view.entries(c, self._community.id, page))

    async def _trial_balance(self, _call: Call[Session, None]) -> TrialBalance:
        return await self._database.read(lambda c: ledger_view.trial_balance(c, self._community.id))

    async def _chain_page(self, _call: Call[Session, None]) -> dict[str, Any]:
        return await self._chain.page()

    async def _intents(self, call: Call[Session, None]) -> Intents:
        page, kind = asked_page(call.request, 100), call.request.query.get("kind")
        return await self._database.read(lambda c: self._chain.intents(c, kind, page))

    async def _transaction(self, call: Call[Session, None]) -> ChainTransaction:
        return {"transaction": await self._chain.transaction(call.request.match_info["signature"])}

    async def _reviews(self, _call: Call[Session, None]) -> Reviews:
        rows = await self._database.read(lambda c: console_view.review_rows(c, self._community.id))
        return {"reviews": rows}

    # Changing

    async def _resolve(self, call: Call[Session, Resolution]) -> dict[str, str]:
        review_id = number_in(call.request.match_info["id"])
        if review_id is None:
            raise web.HTTPNotFound(reason="a review's id is a number")
        body, who = call.body, call.who.user
        decision = Decision(body.note, body.action, body.receipt, body.kes, body.household)
        now = self._clock()
        await self._database.write(lambda c: decide(c, self._desk, review_id, decision, who=who, now=now))
        if body.action is Action.ASK_AGAIN:
            self._desk.mpesa.look_now()
        self._changes.mark()
        return {}
