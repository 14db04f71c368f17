"""Daraja's gateway: one access token at a time, and for each request what its answer proves."""

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
)

from .config import MPesaConfig
from .wire import Unreadable, json_object, text

type Clock = Callable[[], datetime]

_PATIENCE: Final = ClientTimeout(total=20, sock_connect=5)
_RENEW_EARLY: Final = timedelta(seconds=60)
_TOKEN_REFUSED: Final = ("404.001.03", "401.002.01", "401.003.01", "400.003.01")
_ASK_AGAIN_AFTER_SECONDS: Final = 0.3


class Retry(Enum):
    """Whether a request whose answer was lost may be made again."""

    NEVER = "never"  # it moves money and has no id of ours: a lost answer is unknown for good
    SAME_ID = "same_id"  # M-Pesa carries each id out once: its room sends it again, later, with the same id
    FREELY = "freely"  # a question, or something that happens once however often it is asked for


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path of Daraja's and its retry class."""

    path: str
    retry: Retry


PUSH: Final = Endpoint("/mpesa/stkpush/v1/processrequest", Retry.NEVER)
PUSH_QUERY: Final = Endpoint("/mpesa/stkpushquery/v1/query", Retry.FREELY)
PAYOUT: Final = Endpoint("/mpesa/b2c/v3/paymentrequest", Retry.SAME_ID)
REVERSAL: Final = Endpoint("/mpesa/reversal/v1/request", Retry.NEVER)
STATUS: Final = Endpoint("/mpesa/transactionstatus/v1/query", Retry.FREELY)
BALANCE: Final = Endpoint("/mpesa/accountbalance/v1/query", Retry.FREELY)
PULL: Final = Endpoint("/pulltransactions/v1/query", Retry.FREELY)
PULL_REGISTER: Final = Endpoint("/pulltransactions/v1/register", Retry.FREELY)
C2B_REGISTER: Final = Endpoint("/mpesa/c2b/v2/registerurl", Retry.FREELY)
QR_CODE: Final = Endpoint("/mpesa/qrcode/v1/generate", Retry.FREELY)


@dataclass(frozen=True, slots=True)
class Accepted:
    """M-Pesa has it; ``reference`` is its id for the request ("" if it did not say)."""

    reference: str


@dataclass(frozen=True, slots=True)
class Refused:
    """M-Pesa will do nothing about this request."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request never came past the gateway; it may be made again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have been accepted; only later news can tell."""

    reason: str


type Answer = Accepted | Refused | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class Reply:
    """A JSON object that Daraja answered."""

    status: int
    body: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Return a code or id by name; empty if there is none."""
        return text(self.body.get(name))

    @property
    def refuses_token(self) -> bool:
        """Whether the gateway turned the request away for its token: no product saw it."""
        return 400 <= self.status < 500 and self.text("errorCode") in _TOKEN_REFUSED

    @property
    def says_gateway_is_full(self) -> bool:
        """Whether the gateway turned the request away for our rate."""
        # "System is busy" has the code of a spike arrest, too, and may come from behind the gateway.
        code = self.text("errorCode")
        return code == "500.003.03" or (code == "500.003.02" and "spike" in self.text("errorMessage").lower())


class DarajaUnavailable(Exception):  # noqa: N818 - it says how Daraja is
    """A question could not be answered now; ask again later."""


def refusal(reply: Reply) -> Refused | Unknown:
    """Return what an answer without acceptance proves: the gateway's own 4xx refuses, all others prove nothing."""
    code = reply.text("errorCode")
    if 400 <= reply.status < 500 and code.startswith(("400.", "401.", "404.", "405.")):
        return Refused(code, f"M-Pesa refused the request ({code}).")
    return Unknown(f"M-Pesa answered {code or reply.text('ResponseCode') or 'without a code'}.")


class Gateway:
    """Posts to Daraja's endpoints with a living token.

    The session must not reuse connections (``TCPConnector(force_close=True)``): an old one that dies under a
    payment request leaves its outcome unknown.
    """

    def __init__(self, session: ClientSession, config: MPesaConfig, clock: Clock) -> None:
        self._session = session
        self._config = config
        self._clock = clock
        self._token: tuple[str, datetime] | None = None
        self._renewing = asyncio.Lock()

    async def post(self, endpoint: Endpoint, body: Mapping[str, Any]) -> Reply | NotSent | Unknown:
        """Post, once more only where the endpoint's retry class or a refused token allows it."""
        reply = await self._post(endpoint, body)
        if endpoint.retry is Retry.FREELY and isinstance(reply, Unknown):
            await asyncio.sleep(_ASK_AGAIN_AFTER_SECONDS)
            reply = await self._post(endpoint, body)
        return reply

    async def _post(self, endpoint: Endpoint, body: Mapping[str, Any]) -> Reply | NotSent | Unknown:
        """Post once; only a refused token, which no product ever saw, makes it once more."""
        for _ in range(2):
            try:
                token = await self._access_token()
            except DarajaUnavailable as error:
                return NotSent(str(error))
            reply = await self._post_with(token, endpoint.path, body)
            if isinstance(reply, Reply):
                if reply.refuses_token:
                    self._forget(token)
                    continue
                if reply.says_gateway_is_full:
                    return NotSent("Daraja limits our requests.")
            return reply
        return NotSent("Daraja refuses our access token.")

    async def _post_with(self, token: str, path: str, body: Mapping[str, Any]) -> Reply | NotSent | Unknown:
        try:
            async with self._session.post(
                self._config.base_url + path,
                json=body,
                headers={"Authorization": f"Bearer {token}"},
                timeout=_PATIENCE,
                allow_redirects=False,
            ) as response:
                status, raw = response.status, await response.read()
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            return NotSent(f"Daraja cannot be reached ({type(error).__name__}).")
        except (ClientError, TimeoutError) as error:
            return Unknown(f"Daraja's answer was lost ({type(error).__name__}).")
        try:
            return Reply(status, json_object(raw))
        except Unreadable:
            return Unknown(f"Daraja's answer cannot be read (HTTP {status}).")

    async def _access_token(self) -> str:
        """Return a living token; one renewal at a time, because each new token kills the one before."""
        async with self._renewing:
            if self._token is None or self._clock() >= self._token[1]:
                self._token = await self._new_token()
            return self._token[0]

    async def _new_token(self) -> tuple[str, datetime]:
        asked_at = self._clock()
        pair = f"{self._config.consumer_key}:{self._config.consumer_secret}"
        try:
            async with self._session.get(
                f"{self._config.base_url}/oauth/v1/generate",
                params={"grant_type": "client_credentials"},
                headers={"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"},
                timeout=_PATIENCE,
            ) as response:
                reply = json_object(await response.read())
        except (ClientError, TimeoutError, Unreadable) as error:
            raise DarajaUnavailable(f"Daraja gives no access token ({type(error).__name__}).") from error
        token, seconds = text(reply.get("access_token")), text(reply.get("expires_in"))
        if not token or not seconds.isdecimal():
            raise DarajaUnavailable(
                f"Daraja gives no access token ({text(reply.get('errorCode')) or 'no reason'})."
            )
        return token, asked_at + timedelta(seconds=int(seconds)) - _RENEW_EARLY

    def _forget(self, token: str) -> None:
        if self._token is not None and self._token[0] == token:
            self._token = None
