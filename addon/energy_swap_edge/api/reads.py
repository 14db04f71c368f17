"""What a paired client may read by plain HTTP: curves, statements, history, the market."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

import msgspec
from aiohttp import web

from energy_swap_edge.history.periods import History
from energy_swap_edge.household import calendar_of
from energy_swap_edge.hub_client import HubClient, HubRefused, HubUnavailable
from energy_swap_edge.live_power import LivePower
from energy_swap_edge.state import Clock, LiveState, unix

_LAST_SECOND: Final = 4_102_444_800  # the year 2100
_MOST_SECONDS: Final = 400 * 86_400
_MARKET_SECONDS: Final = 5.0
_LANGUAGES: Final = ("en", "sw")

type Document = Callable[[], Mapping[str, Any] | None]


class BadRequest(ValueError):  # noqa: N818 - reads as the answer it is
    """A client asks for something that cannot be; the text says what can."""


class Curves(Protocol):
    """What the planning part tells of the days to come; each None while there is nothing to tell."""

    def forecast(self) -> Mapping[str, Any] | None:
        """Return the forecast by period."""

    def advice(self) -> Mapping[str, Any] | None:
        """Return the advice with all its numbers."""

    def expected_prices(self) -> Mapping[str, Any]:
        """Return the price expectation by period, with its own error figures."""


class Reads:
    """The routes that answer a question once."""

    def __init__(
        self,
        *,
        hub: HubClient,
        history: History,
        state: LiveState,
        clock: Clock,
        curves: Curves,
        power: LivePower,
        decisions: Callable[[], Awaitable[list[dict[str, Any]]]],
    ) -> None:
        self._hub = hub
        self._history = history
        self._state = state
        self._clock = clock
        self._curves = curves
        self._power = power
        self._decisions = decisions
        self._market: tuple[float, dict[str, Any]] | None = None
        self._market_lock = asyncio.Lock()

    def routes(self) -> dict[str, Callable[[web.Request], Awaitable[web.Response]]]:
        """Return the handlers by path, all for ``GET`` and for paired clients only."""
        return {
            "/api/v1/forecast": self._forecast,
            "/api/v1/advice": self._advice,
            "/api/v1/prices": self._prices,
            "/api/v1/history": self._periods,
            "/api/v1/power": self._live_power,
            "/api/v1/statement": self._statement,
            "/api/v1/statement.csv": self._statement_csv,
            "/api/v1/invoices": self._invoices,
            "/api/v1/invoices/{number}.pdf": self._invoice_pdf,
            "/api/v1/market": self._market_now,
            "/api/v1/decisions": self._newest_decisions,
        }

    async def _forecast(self, _request: web.Request) -> web.Response:
        forecast = self._curves.forecast()
        told = None if forecast is None else {"now": unix(self._clock), **forecast}
        return _document(told, "there is no forecast yet; it comes with the first readings")

    async def _advice(self, _request: web.Request) -> web.Response:
        return _document(self._curves.advice(), "there is no advice yet; it needs the hub once, and a forecast")

    async def _prices(self, request: web.Request) -> web.Response:
        since, until = self._span(request)
        past = [
            {
                "start": one.start,
                "minutes": one.minutes,
                "cents_per_kwh": one.cents_per_kwh,
                "traded_wh": one.traded_wh,
                "supply_wh": one.supply_wh,
                "demand_wh": one.demand_wh,
            }
            for one in await self._history.prices(since, until)
        ]
        return answer(200, {"now": unix(self._clock), "past": past, **self._curves.expected_prices()})

    async def _periods(self, request: web.Request) -> web.Response:
        since, until = self._span(request)
        changed_after = _second(request, "changed_after", 0)
        calendar = calendar_of(self._state["tariffs"])
        rows = await self._history.periods(since, until, calendar=calendar, changed_after=changed_after)
        return answer(200, {"period_minutes": calendar.at(self._clock()).minutes, "periods": rows})

    async def _live_power(self, _request: web.Request) -> web.Response:
        return answer(200, {"power": self._power.samples()})

    async def _statement(self, request: web.Request) -> web.Response:
        return await self._statement_of(request, is_csv=False)

    async def _statement_csv(self, request: web.Request) -> web.Response:
        return await self._statement_of(request, is_csv=True)

    async def _statement_of(self, request: web.Request, *, is_csv: bool) -> web.Response:
        days = {name: request.query[name] for name in ("from", "to") if name in request.query}
        body = await self._hub.statement(days, is_csv=is_csv)
        if not is_csv:
            return web.Response(body=body, content_type="application/json")
        headers = {"Content-Disposition": 'attachment; filename="energy-swap-statement.csv"'}
        return web.Response(body=body, content_type="text/csv", charset="utf-8", headers=headers)

    async def _invoices(self, _request: web.Request) -> web.Response:
        return answer(200, {"invoices": await self._hub.invoices()})

    async def _invoice_pdf(self, request: web.Request) -> web.Response:
        number, language = request.match_info["number"], request.query.get("language", "en")
        if not (number.isascii() and number.isdecimal() and len(number) < 12):
            raise BadRequest(f"an invoice's number is a whole number, like 12, not {number[:40]!r}")
        if language not in _LANGUAGES:
            raise BadRequest(f"language is one of {', '.join(_LANGUAGES)}, not {language[:40]!r}")
        body = await self._hub.invoice_pdf(int(number), language)
        headers = {"Content-Disposition": f'attachment; filename="energy-swap-invoice-{int(number)}.pdf"'}
        return web.Response(body=body, content_type="application/pdf", headers=headers)

    async def _newest_decisions(self, _request: web.Request) -> web.Response:
        return answer(200, {"decisions": await self._decisions()})

    async def _market_now(self, _request: web.Request) -> web.Response:
        async with self._market_lock:  # many clients, one question
            if self._market is None or time.monotonic() - self._market[0] > _MARKET_SECONDS:
                self._market = time.monotonic(), await self._hub.market()
            return answer(200, self._market[1])

    def _span(self, request: web.Request) -> tuple[int, int]:
        now = unix(self._clock)
        until = _second(request, "to", now + 1)
        since = _second(request, "from", until - 86_400)
        if not since < until <= since + _MOST_SECONDS:
            raise BadRequest("from comes before to, at most 400 days; both are Unix seconds")
        return since, until


def answer(status: int, body: Mapping[str, Any], headers: dict[str, str] | None = None) -> web.Response:
    """Return a JSON answer."""
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json", headers=headers
    )


def failure(error: Exception) -> web.Response | None:
    """Return what a client is told of an expected failure; None for any other."""
    match error:
        case BadRequest():
            return answer(400, {"code": "invalid_request", "message": str(error)})
        case HubRefused():
            body = _said(error.code, error.detail)
            if error.key:
                body |= {"key": error.key, "numbers": error.numbers}
            return answer(502 if error.status == 404 else error.status, body)
        case HubUnavailable():
            return answer(503, _said("hub_unreachable", f"the hub cannot be reached: {error}"))
    return None


def _said(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message}


def _document(document: Mapping[str, Any] | None, otherwise: str) -> web.Response:
    if document is None:
        return answer(404, _said("not_yet", otherwise))
    return answer(200, document)


def _second(request: web.Request, name: str, otherwise: int) -> int:
    text = request.query.get(name)
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and int(text) <= _LAST_SECOND):
        raise BadRequest(f"{name} is a time in whole Unix seconds, like 1795165200, not {text[:40]!r}")
    return int(text)
