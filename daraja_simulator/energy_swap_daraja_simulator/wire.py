"""What every endpoint shares: access tokens, request fields read tolerantly, Daraja's error bodies."""

import base64
import re
import string
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from .business import Business
from .clock import Clock

_TOKEN_LIFE: Final = timedelta(seconds=3599)
_LETTERS_AND_DIGITS: Final = string.ascii_letters + string.digits
_FORBIDDEN_IN_PATH: Final = ("m-pesa", "mpesa", "safaricom", "exe", "cmd", "sql", "query")
_AT_HOME: Final = ("127.0.0.1", "localhost", "::1")


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


def error_middleware(random: Random) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return the middleware that turns a `WireError` into an error body."""

    @web.middleware
    async def turn_errors(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except WireError as error:
            number = f"{random.randrange(10**5)}-{random.randrange(10**8)}-1"
            return answer(
                {"requestId": number, "errorCode": error.code, "errorMessage": error.message}, error.status
            )

    return turn_errors


class Gate:
    """OAuth: the newest token is the only one that opens."""

    def __init__(self, business: Business, clock: Clock, random: Random) -> None:
        self._business = business
        self._clock = clock
        self._random = random
        self._token: tuple[str, datetime] | None = None

    async def generate(self, request: web.Request) -> web.Response:
        """``GET /oauth/v1/generate``: a new token; the one before it is void from now on."""
        if request.query.get("grant_type") != "client_credentials":
            raise WireError(400, "400.008.02", "Invalid grant type passed")
        expected = base64.b64encode(
            f"{self._business.consumer_key}:{self._business.consumer_secret}".encode()
        ).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            raise WireError(400, "400.008.01", "Invalid Authentication passed")
        token = "".join(self._random.choices(_LETTERS_AND_DIGITS, k=28))
        self._token = (token, self._clock() + _TOKEN_LIFE)
        # The documentation shows a number, other people met a string.
        seconds = int(_TOKEN_LIFE.total_seconds())
        return answer({"access_token": token, "expires_in": self._random.choice([seconds, str(seconds)])})

    def check(self, request: web.Request, status: int, code: str) -> None:
        """Let the request pass or refuse it with this product's own code."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._token is None or token != self._token[0] or self._clock() >= self._token[1]:
            raise WireError(status, code, "Invalid Access Token")


async def read_body(request: web.Request) -> dict[str, Any]:
    """Return the request's JSON object."""
    try:
        return msgspec.json.decode(await request.read(), type=dict[str, Any])
    except msgspec.DecodeError as error:
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
    url = urlsplit(text)
    path = url.path.lower()
    is_allowed = url.scheme == "https" or url.hostname in _AT_HOME
    if not is_allowed or text != text.lower() or any(word in path for word in _FORBIDDEN_IN_PATH):
        raise WireError(400, "400.002.02", f"Bad Request - Invalid {name}")
    return text
