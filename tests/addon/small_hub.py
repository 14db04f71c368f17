"""A small hub for tests: it obeys the contract of the edge API, keeps all in memory, and misbehaves on demand."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import WSCloseCode, web
from energy_swap_demo.broker import free_port
from energy_swap_protocol.message import (
    AnyMessage,
    Application,
    Envelope,
    MessageError,
    StandingOrder,
    open_envelope,
)
from energy_swap_protocol.reading import decode_frame, frame_from_text
from energy_swap_protocol.request import HEADER, RequestError, verify_request
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey

COMMUNITY = "umoja"
BASE = f"/api/v1/communities/{COMMUNITY}"


class SmallHub:
    """One community with at most one household, which ``admit`` makes a member."""

    def __init__(self) -> None:
        self.port = free_port()
        self.payer = Keypair.from_seed(bytes([9] * 32))
        self.status: str | None = None  # of the household
        self.household_key: bytes | None = None
        self.allowance_wh = 0
        self.guidance: dict[str, Any] | None = {
            "suggested_sell": 800, "suggested_buy": 957, "week_average": 1147, "now_against_week_percent": -25,
            "sentence": "Prices are 25 % below the week's average.", "key": "below_week",
            "numbers": {"percent": 25},
        }  # fmt: skip
        self.ahead_orders: list[dict[str, Any]] = [{
            "id": "a", "period": "2026-11-21T12:30Z", "side": "sell", "wh": 900, "limit": 1100,
            "gate_closes_at": 1_795_140_000,
        }]  # fmt: skip
        self.contracts: list[dict[str, Any]] = [{
            "period": "2026-11-21T12:00Z", "number": 1, "side": "sell", "with": "h-002", "wh": 900,
            "cents_per_kwh": 1200, "delivered_wh": None, "backfill_wh": None, "spare_wh": None,
        }]  # fmt: skip
        self.accepted: list[int] = []  # sequences, in the order of acceptance
        self.batches: list[int] = []
        self.relay_authority = "ab" * 32
        self.relay_command: str | None = None
        self.relay: dict[str, Any] | None = None  # of the household's state
        self.relay_reports: list[str] = []
        self.messages: list[AnyMessage] = []  # each once
        self.posts = 0
        self.answers_to_lose = 0
        self.refusals: dict[str, tuple[int, str, str]] = {}  # path or message kind -> status, code, detail
        self.results: dict[str, dict[str, Any]] = {}  # message kind -> answer
        self.notifications: list[dict[str, Any]] = []
        self.periods: list[dict[str, Any]] = []
        self.trades: list[dict[str, Any]] = []
        self.prices: list[dict[str, Any]] = []
        self.earned_cents = 1
        self.clock: Callable[[], float] = time.time
        self.clock_offset = 0
        self.period_change: dict[str, int] | None = None
        self.limits: tuple[int | None, int | None] = (1500, None)
        self.ekwh_wh = 2500
        self.orders: list[dict[str, Any]] = []
        self._answers: dict[str, dict[str, Any]] = {}
        self._nonces: set[tuple[bytes, str]] = set()
        self._sockets: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = web.Application(client_max_size=2**20)
        app.router.add_get(f"{BASE}/chain", self._chain)
        app.router.add_post(f"{BASE}/messages", self._message)
        app.router.add_post(f"{BASE}/readings", self._readings)
        app.router.add_get(f"{BASE}/household", self._household)
        app.router.add_post(f"{BASE}/household/relay", self._relay)
        app.router.add_get(f"{BASE}/household/events", self._events)
        app.router.add_get(f"{BASE}/household/notifications", self._notifications)
        app.router.add_get(f"{BASE}/household/periods", self._own_periods)
        app.router.add_get(f"{BASE}/household/{{file:statement(?:.csv)?}}", self._statement)
        app.router.add_get(f"{BASE}/household/invoices", self._invoices)
        app.router.add_get(f"{BASE}/household/invoices/{{number}}.pdf", self._invoice_pdf)
        app.router.add_get(f"{BASE}/prices", self._prices)
        app.router.add_get(f"{BASE}/market", self._market)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def admit(self) -> None:
        self.status = "admitted"
        await self.push()

    async def push(self) -> None:
        for socket in list(self._sockets):
            await socket.send_str(self._state_text())

    def state(self) -> dict[str, Any]:
        return {
            "household": "h-001", "community": COMMUNITY, "name": "Amina's house", "status": self.status,
            "wallet": {"kes_cents": 12_345, "kes_held_cents": 0, "ekwh_wh": self.ekwh_wh, "ekwh_held_wh": 500},
            "standing_order": {"sell_at_least": self.limits[0], "buy_at_most": self.limits[1]},
            "sold_wh": 700, "bought_wh": 300, "earned_cents": self.earned_cents, "spent_cents": 2,
            "exported_wh": 900, "imported_wh": 400, "generated_wh": 1200,
            "reputation": {"basis_points": 9_650, "reason": "kept 96.5 % of what it promised"},
            "last_notification": max((n["number"] for n in self.notifications), default=0),
            "clearing": {"period": "2026-11-20T11:30Z", "cents_per_kwh": 1875}, "last_settlement": None,
            "ahead_orders": self.ahead_orders, "contracts": self.contracts, "partners": ["h-002"],
            "orders": self.orders, "auctions": [], "book": {"best_sell": None, "best_buy": None},
            "accepted_sequence": max(self.accepted, default=0), "allowance_wh": self.allowance_wh,
            "period_minutes": 30, "period_change": self.period_change,
            "retail_tariff": 2500, "feed_in_tariff": 800, "fees": 200,
            "guidance": self.guidance, "relay": self.relay, "of_a_newer_hub": {"x": 1},
        }  # fmt: skip

    def kinds(self) -> list[str]:
        return [type(message).__struct_config__.tag for message in self.messages]  # type: ignore[misc]

    def _state_text(self) -> str:
        return msgspec.json.encode(self.state()).decode()

    async def _signer(self, request: web.Request) -> bytes:
        body = await request.read()
        try:
            signer, nonce, _ = verify_request(
                request.headers.get(HEADER, ""), request.method, request.raw_path, body, now=int(self.clock())
            )
        except RequestError as error:
            raise _refusal(401, "bad_signature", str(error)) from None
        if (signer, nonce) in self._nonces:
            raise _refusal(401, "replayed", "this nonce was used")
        self._nonces.add((signer, nonce))
        return signer

    async def _member(self, request: web.Request) -> None:
        if await self._signer(request) != self.household_key or self.status is None:
            raise _refusal(403, "not_admitted", "this key belongs to no household here; apply first")

    async def _relay(self, request: web.Request) -> web.Response:
        await self._member(request)
        report = (await request.json())["report"]
        if report is not None:
            self.relay_reports.append(report)
        command = None if report is None else self.relay_command
        return web.json_response({"authority": self.relay_authority, "command": command})

    async def _chain(self, request: web.Request) -> web.Response:
        return web.json_response({
            "cluster": "localnet", "mint": str(Pubkey([3] * 32)), "escrow": str(Pubkey([4] * 32)),
            "hub": str(self.payer.pubkey()), "decimals": 3, "blockhash": str(Hash(bytes([5] * 32))),
            "last_valid_block_height": 1, "time": int(self.clock()) + self.clock_offset,
        })  # fmt: skip

    async def _message(self, request: web.Request) -> web.Response:
        self.posts += 1
        try:
            signer, message = open_envelope(msgspec.json.decode(await request.read(), type=Envelope))
        except (MessageError, msgspec.DecodeError) as error:
            raise _refusal(400, "bad_message", str(error)) from None
        kind = str(type(message).__struct_config__.tag)
        if kind in self.refusals:
            raise _refusal(*self.refusals[kind])
        if str(message.id) not in self._answers:
            self._answers[str(message.id)] = self._act(signer, message, kind)
        self._maybe_lose(request)
        return web.json_response(self._answers[str(message.id)])

    def _act(self, signer: bytes, message: AnyMessage, kind: str) -> dict[str, Any]:
        answer: dict[str, Any] = {"id": str(message.id), "status": "accepted"}
        if isinstance(message, Application):
            self.household_key, self.status = signer, "applied"
            self.accepted.append(decode_frame(frame_from_text(message.frame)).sequence)
            answer |= {"status": "applied", "household": "h-001"}
        elif signer != self.household_key or self.status != "admitted":
            raise _refusal(403, "not_admitted", "only members may do that")
        self.messages.append(message)
        if isinstance(message, StandingOrder):
            self.limits = message.sell_at_least, message.buy_at_most
        return answer | self.results.get(kind, {})

    async def _readings(self, request: web.Request) -> web.Response:
        await self._member(request)
        if "readings" in self.refusals:
            raise _refusal(*self.refusals["readings"])
        frames = [decode_frame(frame_from_text(text)) for text in (await request.json())["frames"]]
        self.batches.append(len(frames))
        results = []
        for reading in frames:
            is_new = reading.sequence not in self.accepted
            if is_new:
                self.accepted.append(reading.sequence)
            results.append({
                "sequence": reading.sequence, "status": "accepted" if is_new else "duplicate", "reason": None
            })  # fmt: skip
        self._maybe_lose(request)
        return web.json_response({"results": results})

    async def _household(self, request: web.Request) -> web.Response:
        await self._member(request)
        return web.json_response(self.state())

    async def _notifications(self, request: web.Request) -> web.Response:
        await self._member(request)
        after = int(request.query["after"])
        told = [one for one in self.notifications if one["number"] > after][:100]
        return web.json_response({"notifications": told})

    async def _own_periods(self, request: web.Request) -> web.Response:
        await self._member(request)
        periods = _within(request, self.periods, "start")
        trades = _within(request, self.trades, "at")
        return web.json_response({"period_minutes": 30, "periods": periods, "trades": trades})

    async def _prices(self, request: web.Request) -> web.Response:
        await self._member(request)
        return web.json_response({"period_minutes": 30, "periods": _within(request, self.prices, "start")})

    async def _market(self, request: web.Request) -> web.Response:
        await self._member(request)
        return web.json_response({"book": {"buys": [], "sells": [{"cents_per_kwh": 900, "wh": 5}]}, "trades": []})

    async def _statement(self, request: web.Request) -> web.Response:
        await self._member(request)
        if "from" in request.query and request.query["from"] > request.query.get("to", "9"):
            raise _refusal(400, "bad_request", "from comes before to")
        if request.match_info["file"] == "statement.csv":
            return web.Response(text="booked_at,kes\n", content_type="text/csv")
        return web.json_response({"household": "h-001", "asked": dict(request.query)})

    async def _invoices(self, request: web.Request) -> web.Response:
        await self._member(request)
        return web.json_response([{"number": 7, "month": "2026-10", "total_cents": 41_250}])

    async def _invoice_pdf(self, request: web.Request) -> web.Response:
        await self._member(request)
        if request.match_info["number"] != "7":
            raise _refusal(404, "not_found", f"there is no invoice {request.match_info['number']}")
        return web.Response(body=f"%PDF in {request.query['language']}".encode(), content_type="application/pdf")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        await self._member(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(self._state_text())
        self._sockets.add(socket)
        try:
            async for _ in socket:
                pass
        finally:
            self._sockets.discard(socket)
        return socket

    def _maybe_lose(self, request: web.Request) -> None:
        """Having acted, vanish without an answer."""
        if self.answers_to_lose > 0:
            self.answers_to_lose -= 1
            assert request.transport is not None
            request.transport.abort()


def _within(request: web.Request, rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    since, until = int(request.query["from"]), int(request.query["to"])
    assert until <= since + 32 * 86_400
    return [row for row in rows if since <= row[name] < until]


def _refusal(status: int, code: str, detail: str) -> web.HTTPException:
    body = {"type": "about:blank", "title": "no", "status": status, "detail": detail, "code": code}
    kinds: dict[int, type[web.HTTPException]] = {
        400: web.HTTPBadRequest, 401: web.HTTPUnauthorized, 403: web.HTTPForbidden,
        404: web.HTTPNotFound, 409: web.HTTPConflict,
        422: web.HTTPUnprocessableEntity, 503: web.HTTPServiceUnavailable,
    }  # fmt: skip
    return kinds[status](text=msgspec.json.encode(body).decode(), content_type="application/problem+json")


async def until(condition: Any, seconds: float = 60) -> None:
    """Wait until ``condition()`` is true; a test that waits in vain fails."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for here has no event
            await asyncio.sleep(0.01)
