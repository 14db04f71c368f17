"""A small server that keeps to the contract of the edge's local API, with its state in the test's hands."""

import asyncio
import copy
import secrets
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

type Json = dict[str, Any]

ORDER = "e4f1df85-60a3-4f28-8fc5-5a2f4a8a6b10"
AUCTION = "53685aac-0f0f-4c57-9e0b-0f3d6b2f1c77"

SUNNY_NOON: Json = {
    "power": {"net_w": -1850, "surplus_w": 1850, "generation_w": 2600, "at": 1795168800},
    "meter": {
        "key": "5a" * 32,
        "status": "live",
        "export_wh": 412_345,
        "import_wh": 198_760,
        "generation_wh": 655_020,
        "measured_at": 1795168800,
    },
    "hub": {"status": "connected", "since": 1795160000, "queue": 0},
    "membership": "admitted",
    "wallet": {"kes_cents": 123_450, "kes_held_cents": 5_000, "ekwh_wh": 7_250, "ekwh_held_wh": 500},
    "energy": {"sold_wh": 310_400, "bought_wh": 12_075},
    "market": {
        "clearing_cents_per_kwh": 1_735,
        "period": "2026-11-20T11:30Z",
        "sell_at_least": 1_400,
        "buy_at_most": 2_250,
        "best_sell": None,
        "best_buy": {"cents_per_kwh": 1_100, "wh": 900},
    },
    "orders": [{"id": ORDER, "side": "sell", "wh": 800, "remaining_wh": 500, "limit": 1_200, "status": "open"}],
    "auctions": [
        {
            "id": AUCTION,
            "wh": 500,
            "start_price": 900,
            "best_bid": None,
            "ends_at": 1795175000,
            "mine": False,
            "leading": False,
        }
    ],
    "last_settlement": {
        "period": "2026-11-20T11:30Z",
        "net_wh": 820,
        "sold_wh": 820,
        "bought_wh": 0,
        "paid_cents": 0,
        "earned_cents": 1_423,
    },
    "guidance": {
        "suggested_sell": 1_520,
        "suggested_buy": 1_905,
        "week_average": 2_015,
        "now_against_week_percent": -15,
        "sentence": "Prices are 15 % below the week's average.",
        "key": "below_week",
        "numbers": {"percent": 15},
    },
    "forecast": {
        "surplus_today_wh": 9_400,
        "surplus_remaining_wh": 4_100,
        "surplus_tomorrow_wh": 8_300,
        "surplus_next_hour_wh": 1_250,
        "production_today_wh": 14_200,
        "production_tomorrow_wh": 12_900,
        "consumption_today_wh": 7_700,
        "confidence_percent": 82,
        "seed_confidence_percent": 74,
        "tier": "live",
        "made_at": 1795160000,
    },
    "advice": {
        "action": "sell",
        "wh": 1_200,
        "cents_per_kwh": 1_520,
        "from": 1795168800,
        "until": 1795176000,
        "gain_cents": 640,
        "sentence": "Sell 1.2 kWh now: the evening's price is expected to be lower.",
        "key": "sell_tokens",
        "numbers": {"gain_cents": 640},
        "made_at": 1795168800,
    },
    "earnings": {
        "earned_today_cents": 4_210,
        "saved_today_cents": 380,
        "earned_month_cents": 61_050,
        "saved_month_cents": 9_900,
    },
    "trader": {
        "auto_sell": True,
        "strategy": "forecast_limits",
        "strategies": ["standing_limits", "forecast_limits", "never_below_average"],
        "reserve_wh": 1_500,
        "daily_cap_cents": 20_000,
        "spent_today_cents": 1_250,
        "last": {
            "at": 1795168200,
            "sentence": "Your own limits, as they are.",
            "because": [{"key": "own_limits", "numbers": {}}],
        },
    },
    "reputation": {
        "percent": 97.5,
        "reason": "In the last 90 days: cancelled 1 of 30 orders and auctions.",
        "facts": {
            "contracts": 0,
            "promised_wh": 0,
            "delivered_wh": 0,
            "top_ups": 0,
            "paid": 0,
            "ended": 30,
            "cancelled": 1,
            "days": 90,
        },
    },
    "alerts": [],
    "relay": {
        "is_closed": True,
        "reason": "none",
        "protected": False,
        "wanted": "none",
        "asked_off": False,
    },
    "enrolment": {"status": "claimed"},
}


class ContractEdge:
    """The edge as Home Assistant sees it."""

    def __init__(self) -> None:
        self.state = copy.deepcopy(SUNNY_NOON)
        self.edge_id = secrets.token_hex(8)
        self.name = "Amina's house"
        self.api_version = 1
        self.edge_version = "0.1.0"
        self.code = "482913"
        self.wrong_codes = 0
        self.tokens: set[str] = set()
        self.commands: list[Json] = []
        self.refusal: Json | None = None
        self.stays_off: str | None = None  # why the connection stays open when it is asked to be closed
        self.is_mute = False
        self.command_came = asyncio.Event()
        self.port = 0
        self.events: list[Json] = []
        self.asked_for_events: list[int] = []
        self.records: dict[str, Any] = {}  # what GET /api/v1/<key> answers; what is not here is not kept
        self.questions: list[tuple[str, dict[str, str]]] = []
        self._sockets: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        app = web.Application()
        app.router.add_get("/api/v1/info", self._info)
        app.router.add_post("/api/v1/pair", self._pair)
        app.router.add_get("/api/v1/ws", self._ws)
        app.router.add_get("/api/v1/{record:.+}", self._record)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        if site._server is not None:
            self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def stop(self) -> None:
        """Go away, as at a restart."""
        await self.drop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def drop(self) -> None:
        """Close every WebSocket."""
        for socket in list(self._sockets):
            await socket.close()

    async def change(self, **parts: Any) -> None:
        """Change top-level parts of the state and push them."""
        self.state.update(parts)
        for socket in self._sockets:
            await socket.send_json({"type": "change", "state": parts})

    async def happen(self, kind: str, at: int = 1795168900, **data: Any) -> None:
        """Let something happen, and tell everybody who is connected."""
        event = {"id": len(self.events) + 1, "kind": kind, "at": at, "data": data}
        self.events.append(event)
        for socket in self._sockets:
            await socket.send_json({"type": "event", "event": event})

    def mute(self) -> None:
        """Take commands from now on, and never answer."""
        self.is_mute = True

    def _who(self) -> Json:
        return {
            "api_version": self.api_version,
            "edge_version": self.edge_version,
            "edge_id": self.edge_id,
            "name": self.name,
            "time_zone": "Africa/Nairobi",
        }

    async def _info(self, _request: web.Request) -> web.Response:
        return web.json_response(self._who())

    async def _pair(self, request: web.Request) -> web.Response:
        if self.wrong_codes >= 5:
            return web.json_response({"code": "too_many_attempts"}, status=429)
        body = msgspec.json.decode(await request.read())
        if body["code"] != self.code:
            self.wrong_codes += 1
            return web.json_response({"code": "wrong_code"}, status=403)
        token = secrets.token_urlsafe()
        self.tokens.add(token)
        return web.json_response({"token": token, "edge_id": self.edge_id, "name": self.name})

    async def _ws(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", **self._who()})
        await socket.send_json({"type": "snapshot", "state": self.state, "a_field_of_the_future": 1})
        self._sockets.add(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._take(socket, message.json())
        finally:
            self._sockets.discard(socket)
        return socket

    async def _record(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return web.json_response({"code": "not_paired", "message": "pair first"}, status=401)
        name = request.match_info["record"]
        self.questions.append((name, dict(request.query)))
        if (record := self.records.get(name)) is None:
            return web.json_response({"code": "not_found", "message": "no such thing"}, status=404)
        if isinstance(record, web.Response):
            return web.Response(body=record.body, status=record.status, content_type=record.content_type)
        if isinstance(record, str):
            return web.Response(text=record, content_type="text/csv")
        return web.json_response(record)

    async def _take(self, socket: web.WebSocketResponse, message: Json) -> None:
        if message["type"] == "events_after":
            self.asked_for_events.append(message["id"])
            for event in self.events:
                if event["id"] > message["id"]:
                    await socket.send_json({"type": "event", "event": event})
            return
        await self._command(socket, message)

    async def _command(self, socket: web.WebSocketResponse, message: Json) -> None:
        self.commands.append({"command": message["command"], **message["data"]})
        self.command_came.set()
        if self.is_mute:
            return
        answer: Json = {"type": "result", "id": message["id"]}
        if self.refusal is not None:
            await socket.send_json({**answer, "ok": False, "error": self.refusal})
            return
        result = _result(message["command"], message["data"])
        if message["command"] == "switch_connection":
            reason = self.stays_off or ("none" if message["data"]["on"] else "asked_by_household")
            result |= {"on": reason == "none", "reason": reason}
        await socket.send_json({**answer, "ok": True, "result": result})
        if (trader := _trader_after(message["command"], message["data"])) is not None:
            await asyncio.sleep(0.05)
            await self.change(trader={**self.state["trader"], **trader})
        if message["command"] == "set_limits":
            # The edge hears of it from the hub, so its state follows only after the answer.
            await asyncio.sleep(0.1)
            await self.change(market={**self.state["market"], **message["data"]})


def _result(command: str, data: Json) -> Json:
    match command:
        case "sell" | "buy":
            return {"order": ORDER, "filled_wh": 0, "remaining_wh": data["wh"], "trades": [], "status": "open"}
        case "cancel_order":
            return {"order": data["order"], "status": "cancelled"}
        case "start_auction":
            return {"auction": AUCTION, "status": "open"}
        case "bid":
            return {"status": "accepted", "leading": True}
        case "top_up":
            return {"intent": "fe7eedf8", "status": "queued"}
        case "pay_out":
            return {"payout": "836e4f85", "status": "accepted", "kes": data.get("kes", 1_234)}
        case "simulate_strategy":
            return {
                "earned_cents": 4_000,
                "baseline_cents": 3_400,
                "gain_cents": 600,
                "days": data["days"],
                "sentence": "KES 6.00 more than plain limits.",
            }
    return {"status": "accepted"}


def _trader_after(command: str, data: Json) -> Json | None:
    match command:
        case "set_auto_sell":
            return {"auto_sell": data["on"]}
        case "set_strategy":
            return {"strategy": data["strategy"]}
        case "set_reserve":
            return {"reserve_wh": data["wh"]}
        case "set_daily_cap":
            return {"daily_cap_cents": data["kes"] * 100}
    return None
