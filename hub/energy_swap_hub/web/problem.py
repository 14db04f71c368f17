"""Errors as problem+json (RFC 9457): one middleware turns what went wrong for the caller into an answer."""

import logging
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web
from energy_swap_protocol.message import MessageError
from energy_swap_protocol.request import RequestError
from energy_swap_protocol.transaction import TransactionError

from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.market.auction import BidError
from energy_swap_hub.membership.households import NotAdmitted
from energy_swap_hub.membership.sign_in import SignInLocked, SignInRefused
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.settlement.spot import OrderRefused

_LOG = logging.getLogger(__name__)

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# What callers can do wrong, the status it gets and the code that programs can rely on.
_PROBLEMS: tuple[tuple[type[Exception], int, str], ...] = (
    (msgspec.ValidationError, 422, "invalid_field"),
    (msgspec.DecodeError, 400, "not_json"),
    (MessageError, 400, "bad_message"),
    (TransactionError, 422, "bad_transaction"),
    (RequestError, 401, "bad_signature"),
    (SignInLocked, 429, "too_many_tries"),
    (SignInRefused, 401, "sign_in_refused"),
    (NotAdmitted, 403, "not_admitted"),
    (Overdrawn, 409, "not_enough"),
    (OrderRefused, 409, "order_refused"),
    (BidError, 409, "bid_refused"),
    (PaymentRefused, 409, "payment_refused"),
)
# Raised by our own rules as they are; their subclasses (KeyError and the like) are our mistakes, not the caller's.
_PLAIN: dict[type[Exception], tuple[int, str]] = {
    LookupError: (404, "not_found"),
    PermissionError: (403, "forbidden"),
    ValueError: (422, "invalid"),
}


def problem(status: int, code: str, detail: str) -> web.Response:
    """Return a problem+json answer."""
    body = {
        "type": "about:blank",
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
        "code": code,
    }
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/problem+json")


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer expected errors in the caller's terms; log an unexpected one once and say only that it happened."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return problem(error.status, "http_error", error.reason)
    except Exception as error:  # noqa: BLE001 - the process's edge towards the network
        for kind, status, code in _PROBLEMS:
            if isinstance(error, kind):
                return problem(status, code, str(error))
        if type(error) in _PLAIN:
            status, code = _PLAIN[type(error)]
            return problem(status, code, str(error))
        _LOG.exception("%s %s failed", request.method, request.path)
        return problem(500, "internal", "the hub failed on this request; nothing was done")


def json_response(value: object) -> web.Response:
    """Return ``value`` as JSON."""
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
