"""The console's routes: sign-in, what admins and auditors read, and the one thing an admin may change here."""

import asyncio
import contextlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from energy_swap_hub.chain.client import NodeUnavailableError
from energy_swap_hub.changes import Changes
from energy_swap_hub.config import utc_now
from energy_swap_hub.membership.households import households, record_audit
from energy_swap_hub.membership.sign_in import SESSION_LENGTH, Session, SignIn, close_session, open_session
from energy_swap_hub.settlement.decisions import Action, Decision, decide
from energy_swap_hub.settlement.messages import Desk
from energy_swap_hub.storage import Database

from . import console_view, guidance_view, ledger_view, market_view
from .chain_view import ChainView
from .ledger_api import LedgerApi
from .meters_api import MetersApi
from .mpesa_api import MPesaApi
from .problem import json_response
from .sockets import pushing

_COOKIE: Final = "energy_swap_session"
_BASE: Final = "/api/v1/console"
_PUSH_SECONDS: Final = 1.0


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """What a person types to sign in."""

    user: Annotated[str, msgspec.Meta(max_length=80)]
    password: Annotated[str, msgspec.Meta(max_length=200)]


class Resolution(msgspec.Struct, forbid_unknown_fields=True):
    """What was decided about a review, and what shall be done; ``kes`` is whole KES."""

    note: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    action: Action | None = None
    receipt: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    kes: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    household: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class ConsoleApi:
    """The routes below ``/api/v1/console``: all but sign-in need a session, changes an admin and its token."""

    def __init__(
        self,
        database: Database,
        desk: Desk,
        clock: Callable[[], datetime],
        changes: Changes,
        sign_in: SignIn,
        chain: ChainView,
        *,
        payments_open: Callable[[Connection], int],
        is_https: bool,
    ) -> None:
        """``is_https``: people reach the console by TLS (usually a reverse proxy's), so the cookie may say so."""
        self._database = database
        self._desk = desk
        self._community = desk.community
        self._clock = clock
        self._changes = changes
        self._sign_in = sign_in
        self._phones = desk.phones
        self._chain = chain
        self._payments_open = payments_open
        self._is_https = is_https
        self._ledger = LedgerApi(_BASE, database, desk.community, clock, changes, self._session)
        self._meters = MetersApi(_BASE, database, desk.community.id, clock, changes, self._session)
        self._mpesa = MPesaApi(_BASE, database, desk, clock, changes, self._session)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.post(f"{_BASE}/sign-in", self._post_sign_in),
            web.post(f"{_BASE}/sign-out", self._post_sign_out),
            web.get(f"{_BASE}/session", self._get_session),
            web.get(f"{_BASE}/overview", self._read(self._overview)),
            web.get(f"{_BASE}/live", self._live),
            web.get(f"{_BASE}/households", self._read(self._households)),
            web.get(f"{_BASE}/periods", self._read(self._periods)),
            web.get(f"{_BASE}/periods/{{period}}", self._read(self._period)),
            web.get(f"{_BASE}/trades", self._read(self._trades)),
            web.get(f"{_BASE}/market", self._read(self._market)),
            web.get(f"{_BASE}/advice", self._read(self._advice)),
            web.get(f"{_BASE}/ledger/fund", self._read(self._fund)),
            web.get(f"{_BASE}/ledger/entries", self._read(self._entries)),
            web.get(f"{_BASE}/ledger/trial-balance", self._read(self._trial_balance)),
            web.get(f"{_BASE}/chain", self._read(self._chain_page)),
            web.get(f"{_BASE}/reviews", self._read(self._reviews)),
            web.post(f"{_BASE}/reviews/{{id}}/resolve", self._resolve),
            *self._ledger.routes(),
            *self._meters.routes(),
            *self._mpesa.routes(),
        ]

    # Sessions

    async def _post_sign_in(self, request: web.Request) -> web.Response:
        credentials = msgspec.json.decode(await request.read(), type=Credentials)
        now = utc_now()
        user = await asyncio.to_thread(self._sign_in.check, credentials.user, credentials.password, now)
        token, csrf = await self._database.write(lambda c: open_session(c, user.user, now))
        await self._audit(user.user, "signed in", user.user)
        response = json_response(self._session_body(Session(user.user, user.role, csrf)))
        response.set_cookie(
            _COOKIE,
            token,
            max_age=int(SESSION_LENGTH.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=self._is_https,
        )
        return response

    async def _post_sign_out(self, request: web.Request) -> web.Response:
        session = await self._session(request, change=True)
        await self._database.write(lambda c: close_session(c, request.cookies[_COOKIE]))
        await self._audit(session.user, "signed out", session.user)
        response = json_response({})
        response.del_cookie(_COOKIE)
        return response

    async def _get_session(self, request: web.Request) -> web.Response:
        return json_response(self._session_body(await self._session(request)))

    def _session_body(self, session: Session) -> dict[str, Any]:
        community = {"id": self._community.id, "name": self._community.name}
        return {"user": session.user, "role": session.role, "community": community, "csrf": session.csrf}

    async def _session(self, request: web.Request, *, change: bool = False) -> Session:
        session = await self._current(request)
        if session is None:
            raise web.HTTPUnauthorized(reason="sign in first")
        csrf = request.headers.get("X-CSRF-Token", "")
        if change and not (csrf.isascii() and hmac.compare_digest(csrf, session.csrf)):
            raise web.HTTPForbidden(reason="the X-CSRF-Token header is not this session's")
        return session

    async def _current(self, request: web.Request) -> Session | None:
        token, now = request.cookies.get(_COOKIE, ""), utc_now()
        if not token.isascii():
            return None
        return await self._database.read(lambda c: self._sign_in.session(c, token, now))

    # Reading

    def _read(
        self, page: Callable[[web.Request], Awaitable[Any]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            await self._session(request)
            return json_response(await page(request))

        return handler

    async def _overview(self, _request: web.Request) -> dict[str, Any]:
        now = self._clock()

        def query(connection: Connection) -> dict[str, Any]:
            body = console_view.overview(connection, self._community, now)
            pending = self._chain.pending(connection)
            return body | {"payments_open": self._payments_open(connection), "pending": pending}

        body = await self._database.read(query)
        return body | {"chain": {**await self._chain.summary(), "pending": body.pop("pending")}}

    async def _live(self, request: web.Request) -> web.WebSocketResponse:
        await self._session(request)
        # A page of another origin may open a WebSocket with our cookie: only our own pages get an answer.
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(reason="this page is not the hub's")
        socket = web.WebSocketResponse(heartbeat=20)
        async with pushing(request, socket) as push:
            while push.is_open and await self._current(request) is not None:
                with contextlib.suppress(NodeUnavailableError):  # the next look may find the chain again
                    await push.send(msgspec.json.encode(await self._overview(request)).decode())
                await push.wait(_PUSH_SECONDS)
        return socket

    async def _households(self, _request: web.Request) -> dict[str, Any]:
        now = self._clock()

        def query(connection: Connection) -> list[dict[str, Any]]:
            accounts = {h.key: self._chain.account(h.key) for h in households(connection, self._community.id)}
            return console_view.household_rows(connection, self._community, self._phones, accounts, now)

        return {"households": await self._database.read(query)}

    async def _periods(self, request: web.Request) -> dict[str, Any]:
        limit = _limit(request, 96)
        return {"periods": await self._database.read(lambda c: market_view.period_rows(c, self._community, limit))}

    async def _period(self, request: web.Request) -> dict[str, Any]:
        period_id = request.match_info["period"]
        return await self._database.read(lambda c: market_view.period_detail(c, self._community, period_id))

    async def _trades(self, request: web.Request) -> dict[str, Any]:
        limit, before = _limit(request, 200), _before(request)
        rows = await self._database.read(
            lambda c: market_view.trade_rows(c, self._community.id, limit=limit, before=before)
        )
        return {"trades": rows, "next": rows[-1]["id"] if len(rows) == limit else None}

    async def _market(self, _request: web.Request) -> dict[str, Any]:
        return await self._database.read(lambda c: market_view.market(c, self._community, self._clock()))

    async def _advice(self, _request: web.Request) -> dict[str, Any]:
        now = self._clock()
        return await self._database.read(lambda c: guidance_view.advice(c, self._community, now))

    async def _fund(self, _request: web.Request) -> dict[str, Any]:
        return await self._database.read(lambda c: ledger_view.fund(c, self._community))

    async def _entries(self, request: web.Request) -> dict[str, Any]:
        limit, before = _limit(request, 100), _before(request)
        rows = await self._database.read(
            lambda c: ledger_view.entry_rows(c, self._community.id, limit=limit, before=before)
        )
        return {"entries": rows, "next": rows[-1]["id"] if len(rows) == limit else None}

    async def _trial_balance(self, _request: web.Request) -> dict[str, Any]:
        return await self._database.read(lambda c: ledger_view.trial_balance(c, self._community.id))

    async def _chain_page(self, _request: web.Request) -> dict[str, Any]:
        return await self._chain.page()

    async def _reviews(self, _request: web.Request) -> dict[str, Any]:
        rows = await self._database.read(lambda c: console_view.review_rows(c, self._community.id))
        return {"reviews": rows}

    # Changing

    async def _resolve(self, request: web.Request) -> web.Response:
        session = await self._session(request, change=True)
        if session.role != "admin":
            raise web.HTTPForbidden(reason="only an admin resolves reviews")
        review_id = _number(request.match_info["id"])
        if review_id is None:
            raise web.HTTPNotFound(reason="a review's id is a number")
        body = msgspec.json.decode(await request.read(), type=Resolution)
        decision = Decision(body.note, body.action, body.receipt, body.kes, body.household)
        now = self._clock()
        await self._database.write(lambda c: decide(c, self._desk, review_id, decision, who=session.user, now=now))
        self._changes.mark()
        return json_response({})

    async def _audit(self, who: str, what: str, subject: str) -> None:
        now = self._clock()
        await self._database.write(
            lambda c: record_audit(c, self._community.id, who=who, what=what, subject=subject, now=now)
        )


def _limit(request: web.Request, default: int) -> int:
    limit = _number(request.query.get("limit", str(default)))
    if limit is None or not 1 <= limit <= 500:
        raise web.HTTPBadRequest(reason="limit is a number from 1 to 500")
    return limit


def _before(request: web.Request) -> int | None:
    if "before" not in request.query:
        return None
    before = _number(request.query["before"])
    if before is None:
        raise web.HTTPBadRequest(reason="before is an id of the page before")
    return before


def _number(text: str) -> int | None:
    """Return the number in ``text`` if it can be one of a row."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
