"""The weather between a caller and M-Pesa: lost, cut, unreadable and refused answers, errors, outages."""

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .chance import Chance
from .clock import Clock
from .faults import Faults, parse_bound
from .wire import BOUND, WireError, answer

PRODUCT_OF: Final = {
    "/oauth/v1/generate": "oauth",
    "/mpesa/stkpush/v1/processrequest": "stk",
    "/mpesa/stkpushquery/v1/query": "query",
    "/mpesa/b2c/v1/paymentrequest": "b2c",
    "/mpesa/b2c/v3/paymentrequest": "b2c",
    "/mpesa/c2b/v1/registerurl": "c2b",
    "/mpesa/c2b/v2/registerurl": "c2b",
    "/mpesa/c2b/v1/simulate": "c2b",
    "/mpesa/c2b/v2/simulate": "c2b",
    "/mpesa/transactionstatus/v1/query": "status",
    "/mpesa/accountbalance/v1/query": "balance",
    "/mpesa/reversal/v1/request": "reversal",
    "/pulltransactions/v1/register": "pull",
    "/pulltransactions/v1/query": "pull",
    "/mpesa/qrcode/v1/generate": "qr",
}
_ANSWER_LOST: Final = {"stk": "F01", "b2c": "F17"}
_HANG_SECONDS: Final = 120
_PAGE: Final = (
    "<html><head><title>503 Service Unavailable</title></head><body><h1>Service Unavailable</h1></body></html>"
)
_NO_SUCH: Final = {404: ("404.001.01", "Resource not found"), 405: ("405.001", "Method Not Allowed")}
_REFUSALS: Final = {
    "spike": (500, "500.003.02", "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=5}"),
    "429": (429, "500.003.02", "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=5}"),
    "quota": (500, "500.003.03", "Quota Violation"),
    "busy": (500, "500.003.02", "System is busy. Please try again in few minutes."),
    "busy-taken": (500, "500.003.02", "System is busy. Please try again in few minutes."),
}


class Weather:
    """The middleware of Daraja's own paths; ``advance`` lets everything happen that is due before a request."""

    def __init__(self, faults: Faults, chance: Chance, clock: Clock, advance: Callable[[], None]) -> None:
        self._faults = faults
        self._chance = chance
        self._clock = clock
        self._advance = advance

    def middleware(self) -> Middleware:
        """Return it."""

        @web.middleware
        async def pass_through(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                product = PRODUCT_OF.get(request.path)
                if product is not None:
                    self._advance()
                    return await self._serve(request, handler, product)
                return await handler(request)
            except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
                if request.path.startswith("/_simulator"):
                    raise
                code, words = _NO_SUCH[error.status]
                return answer(
                    {"requestId": self._chance.request_id(), "errorCode": code, "errorMessage": words},
                    error.status,
                )
            except WireError as error:
                body = {
                    "requestId": self._chance.request_id(),
                    "errorCode": error.code,
                    "errorMessage": error.message,
                }
                return answer(body, error.status)

        return pass_through

    async def _serve(self, request: web.Request, handler: Handler, product: str) -> web.StreamResponse:
        until = self._faults.outage_until
        if until is not None and self._clock() < until:
            return _unavailable()
        bound = request.headers.get(BOUND, "")
        try:
            parse_bound(bound)
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"{BOUND}: {error}") from error

        def happens(number: str) -> str | None:
            happening = self._faults.happens(number, product, bound=bound)
            return None if happening is None else happening.variant

        busy = None if product == "oauth" else happens("F16")
        if busy is not None and busy != "busy-taken":
            raise WireError(*_REFUSALS[busy])
        cut = happens("F29")
        if cut == "before":
            _reset(request)
            return _unavailable()
        response = await handler(request)
        if cut:
            _reset(request)
        elif busy:
            raise WireError(*_REFUSALS[busy])
        elif product in _ANSWER_LOST and (lost := happens(_ANSWER_LOST[product])):
            await _lose(request, lost)
            return _unavailable()
        elif unreadable := happens("F15"):
            return self._unreadable(unreadable)
        return response

    def _unreadable(self, variant: str) -> web.Response:
        if variant == "empty":
            return web.Response(body=b"", content_type="application/json")
        if variant == "html":
            return web.Response(text="<html><body>Incident ID: 7041337</body></html>", content_type="text/html")
        number = self._chance.request_id()
        return answer({"requestId": number, "errorCode": "500.001.1001", "errorMessage": "Internal Server Error"})


def _unavailable() -> web.Response:
    return web.Response(status=503, text=_PAGE, content_type="text/html")


def _reset(request: web.Request) -> None:
    """Cut the connection: the caller never learns what became of its request."""
    if request.transport is not None:
        request.transport.abort()


async def _lose(request: web.Request, variant: str) -> None:
    if variant == "reset":
        _reset(request)
    elif variant == "hang":
        for _ in range(_HANG_SECONDS * 20):
            if request.transport is None or request.transport.is_closing():
                return
            await asyncio.sleep(0.05)
        _reset(request)
