"""Errors as problem+json (RFC 9457): one middleware turns what went wrong for the caller into an answer."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
from aiohttp import web
from energy_swap_protocol.message import MessageError
from energy_swap_protocol.request import RequestError
from energy_swap_protocol.transaction import TransactionError

from energy_swap_hub.chain.client import NodeUnavailableError
from energy_swap_hub.chain.directory import NoChainError
from energy_swap_hub.chain.intent import IntentConflictError
from energy_swap_hub.chain.proposal_store import ApprovalError
from energy_swap_hub.explained import Explained
from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.market.auction import BidError
from energy_swap_hub.membership.devices import NotPaired, PinLocked, PinRefused
from energy_swap_hub.membership.files import EvidenceRefused
from energy_swap_hub.membership.households import NotAdmitted
from energy_swap_hub.membership.pairing import CodeRefused, TooManyCodes
from energy_swap_hub.membership.passkeys import PasskeyRefused
from energy_swap_hub.membership.second_factor import CodeNeeded, CodeWrong
from energy_swap_hub.membership.sign_in import SignInLocked, SignInRefused
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.push.services import UnknownPushService
from energy_swap_hub.settlement.departures import LeavingRefused
from energy_swap_hub.settlement.device_scope import NotForPhones
from energy_swap_hub.settlement.relays import SwitchRefused
from energy_swap_hub.settlement.settings import SettingsRefused
from energy_swap_hub.settlement.spot import OrderRefused

from .limits import TooManyRequests
from .tokens import TokenRefused

_LOG = logging.getLogger(__name__)


class RestartedError(Exception):
    """A request was signed before this hub came up, so nobody can say whether it was received before."""


type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# What callers can do wrong, the status it gets and the code that programs can rely on.
PROBLEMS: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (msgspec.ValidationError, 422, "invalid_field"),
    (msgspec.DecodeError, 400, "not_json"),
    (MessageError, 400, "bad_message"),
    (TransactionError, 422, "bad_transaction"),
    (RequestError, 401, "bad_signature"),
    (TokenRefused, 401, "bad_token"),
    (SignInLocked, 429, "too_many_tries"),
    (SignInRefused, 401, "sign_in_refused"),
    (PinLocked, 429, "too_many_tries"),
    (PinRefused, 401, "pin_wrong"),
    (NotPaired, 401, "not_paired"),
    (CodeRefused, 401, "pairing_code_wrong"),
    (PasskeyRefused, 401, "passkey_refused"),
    (CodeNeeded, 401, "code_needed"),
    (CodeWrong, 401, "code_wrong"),
    (RestartedError, 425, "restarted"),
    (NotAdmitted, 403, "not_admitted"),
    (Overdrawn, 409, "not_enough"),
    (OrderRefused, 409, "order_refused"),
    (NotForPhones, 403, "not_for_phones"),
    (BidError, 409, "bid_refused"),
    (PaymentRefused, 409, "payment_refused"),
    (LeavingRefused, 409, "leaving_refused"),
    (SwitchRefused, 422, "switch_refused"),
    (EvidenceRefused, 409, "evidence_refused"),
    (SettingsRefused, 422, "setting_refused"),
    (UnknownPushService, 422, "unknown_push_service"),
    (ApprovalError, 409, "approval_refused"),
    (IntentConflictError, 409, "conflict"),
    (NoChainError, 404, "not_on_chain"),
)
_HTTP_CODES: Final = {
    400: "bad_request",
    401: "not_signed_in",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
}
MAX_BODY: Final = 256 * 1024
# Raised by our own rules as they are; their subclasses (KeyError and the like) are our mistakes, not the caller's.
_PLAIN: dict[type[Exception], tuple[int, str]] = {
    LookupError: (404, "not_found"),
    PermissionError: (403, "forbidden"),
    ValueError: (422, "invalid"),
}


def problem(
    status: int, code: str, detail: str, key: str = "", numbers: Mapping[str, int] | None = None
) -> web.Response:
    """Return a problem+json answer; ``key`` and ``numbers`` say the detail to programs, as `Explained` does."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
        "code": code,
    }
    if key:
        body |= {"key": key, "numbers": numbers or {}}
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/problem+json")


def is_refusal(error: Exception) -> bool:
    """Whether ``error`` is one of our rules' refusals, after which nothing was done."""
    if isinstance(error, web.HTTPException):
        return 400 <= error.status < 500
    return _status_of(error) is not None


def _status_of(error: Exception) -> tuple[int, str] | None:
    for kind, status, code in PROBLEMS:
        if isinstance(error, kind):
            return status, code
    return _PLAIN.get(type(error))


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer expected errors in the caller's terms; log an unexpected one once and say only that it happened."""
    # Not every database can even look for a text with a NUL.
    if any("\0" in text for text in request.query.values()):
        return problem(400, "bad_request", "a query value holds a NUL; leave it out")
    if any("\0" in text for text in request.match_info.values()) and request.path.startswith("/api/"):
        return problem(404, "not_found", "nothing has a NUL in its name")
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _refused_by_http(error)
    except UnicodeDecodeError:
        return problem(400, "not_utf8", "the request is not UTF-8 text; send JSON in UTF-8")
    except (TooManyRequests, TooManyCodes) as error:
        refused = problem(429, "too_many_requests", str(error))
        refused.headers["Retry-After"] = str(error.seconds)
        return refused
    except NodeUnavailableError as error:
        _LOG.warning("%s %s: the chain cannot be asked: %s", request.method, request.path, error)
        return problem(503, "chain_unavailable", "the chain cannot be asked now; try again in a minute")
    except Exception as error:  # noqa: BLE001 - the process's edge towards the network
        if known := _status_of(error):
            if isinstance(error, Explained | Overdrawn):
                return problem(*known, str(error), error.key, error.numbers)
            return problem(*known, str(error))
        _LOG.exception("%s %s failed", request.method, request.path)
        return problem(500, "internal", "the hub failed on this request and has logged why; try again later")


def _refused_by_http(error: web.HTTPException) -> web.Response:
    detail = error.reason
    if error.status == 413:
        detail = f"a request has at most {MAX_BODY // 1024} KiB; send less at once"
    response = problem(error.status, _HTTP_CODES.get(error.status, "http_error"), detail)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def json_response(value: object) -> web.Response:
    """Return ``value`` as JSON."""
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
