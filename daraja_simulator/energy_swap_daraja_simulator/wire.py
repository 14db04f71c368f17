"""What every endpoint shares: access tokens, request fields read tolerantly, Daraja's error bodies."""

import base64
import re
import string
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from .business import Business
from .chance import Chance
from .clock import Clock
from .faults import Faults
from .rules import RuleBook

BOUND: Final = "X-Simulator-Fault"  # the header with which a request asks for its own faults

_TOKEN_LIFE: Final = timedelta(seconds=3599)
_LETTERS_AND_DIGITS: Final = string.ascii_letters + string.digits
_FORBIDDEN_IN_PATH: Final = ("m-pesa", "mpesa", "safaricom", "exe", "cmd", "sql", "query")
_AT_HOME: Final = ("127.0.0.1", "localhost", "::1")
# How each product refuses a token: they differ.
_INVALID_TOKEN: Final[Mapping[str, tuple[int, str]]] = {
    "stk": (404, "404.001.03"),
    "query": (404, "404.001.03"),
    "b2c": (401, "401.002.01"),
    "balance": (401, "401.002.01"),
    "c2b": (401, "401.003.01"),
    "status": (400, "400.003.01"),
    "reversal": (404, "404.001.03"),
    "pull": (404, "404.001.03"),
    "qr": (404, "404.001.03"),
}


class WireError(Exception):
    """A request that the gateway refuses, in Daraja's words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def answer(body: Mapping[str, Any], status: int = 200) -> web.Response:
    """Return a JSON response."""
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")


class Gate:
    """OAuth and the spike arrest: the newest token is the only one that opens."""

    def __init__(self, business: Business, rules: RuleBook, faults: Faults, chance: Chance, clock: Clock) -> None:
        self._business = business
        self._rules = rules
        self._faults = faults
        self._chance = chance
        self._clock = clock
        self._token: tuple[str, datetime] | None = None
        self._recent: deque[datetime] = deque()

    async def generate(self, request: web.Request) -> web.Response:
        """``GET /oauth/v1/generate``: a new token; the one before it is void from now on."""
        if request.query.get("grant_type") != "client_credentials":
            raise WireError(400, "400.008.02", "Invalid grant type passed")
        expected = base64.b64encode(
            f"{self._business.consumer_key}:{self._business.consumer_secret}".encode()
        ).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            raise WireError(400, "400.008.01", "Invalid Authentication passed")
        stream = self._chance.of("token")
        token = "".join(stream.choices(_LETTERS_AND_DIGITS, k=28))
        self._token = (token, self._clock() + _TOKEN_LIFE)
        # The documentation shows a number, other people met a string.
        seconds = int(_TOKEN_LIFE.total_seconds())
        return answer({"access_token": token, "expires_in": stream.choice([seconds, str(seconds)])})

    def kill_token(self) -> None:
        """Void the token, as a second worker's fetching of another one does."""
        self._token = None

    def check(self, request: web.Request, product: str) -> None:
        """Let the request pass or refuse it with this product's own code."""
        self._count()
        status, code = _INVALID_TOKEN[product]
        bound = request.headers.get(BOUND, "")
        if happening := self._faults.happens("F14", product, bound=bound):
            if happening.variant == "no-product":
                raise WireError(status, code, "Invalid Access Token - no apiproduct match found")
            self.kill_token()
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            raise WireError(404, "404.001.04", "Invalid Authentication Header")
        if self._token is None or token != self._token[0] or self._clock() >= self._token[1]:
            raise WireError(status, code, "Invalid Access Token")

    def _count(self) -> None:
        most, now = self._rules.now.requests_per_second, self._clock()
        while self._recent and now - self._recent[0] >= timedelta(seconds=1):
            self._recent.popleft()
        if most and len(self._recent) >= most:
            raise WireError(500, "500.003.02", f"Spike arrest violation. Allowed rate : {most}ps")
        self._recent.append(now)


async def read_body(request: web.Request) -> dict[str, Any]:
    """Return the request's JSON object."""
    try:
        return msgspec.json.decode(await request.read(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(400, "400.002.05", "Invalid Request Payload") from error


def field(body: Mapping[str, Any], name: str, pattern: str) -> str:
    """Return a field as text, given as string or number; it must match ``pattern``."""
    value = body.get(name)
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not re.fullmatch(pattern, text):
        raise WireError(400, "400.002.02", f"Bad Request - Invalid {name}")
    return text


def url_field(body: Mapping[str, Any], name: str) -> str:
    """Return a callback address by Daraja's rules: HTTPS (HTTP to this machine), lower case, no banned word."""
    text = field(body, name, r"https?://\S{1,2000}")
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError as error:
        raise WireError(400, "400.002.02", f"Bad Request - Invalid {name}") from error
    path = url.path.lower()
    is_allowed = url.hostname and (url.scheme == "https" or url.hostname in _AT_HOME)
    if not is_allowed or text != text.lower() or any(word in path for word in _FORBIDDEN_IN_PATH):
        raise WireError(400, "400.002.02", f"Bad Request - Invalid {name}")
    return text
