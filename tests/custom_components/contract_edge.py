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
        "tier": "history",
        "made_at": 1795160000,
    },
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
        self.is_mute = False
        self.command_came = asyncio.Event()
        self.port = 0
        self._sockets: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        app = web.Application()
        app.router.add_get("/api/v1/info", self._info)
        app.router.add_post("/api/v1/pair", self._pair)
        app.router.add_get("/api/v1/ws", self._ws)
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

    def mute(self) -> None:
        """Take commands from now on, and never answer."""
        self.is_mute = True

    def _who(self) -> Json:
        return {
            "api_version": self.api_version,
            "edge_version": self.edge_version,
            "edge_id": self.edge_id,
            "name": self.name,
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
                    await self._command(socket, message.json())
        finally:
            self._sockets.discard(socket)
        return socket

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
        await socket.send_json({**answer, "ok": True, "result": result})
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
    return {"status": "accepted"}
