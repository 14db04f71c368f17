"""A Daraja client that knows what an answer proves: accepted, refused, never sent, or unknown."""

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
)
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .config import MPesaConfig
from .nairobi import compact, spaced
from .wire import PulledPayment, Unreadable, json_object, read_pulled, text

type Clock = Callable[[], datetime]

_PATIENCE: Final = ClientTimeout(total=20, sock_connect=5)
_RENEW_EARLY: Final = timedelta(seconds=60)
_TOKEN_REFUSED: Final = ("404.001.03", "401.002.01", "401.003.01", "400.003.01")
_PULL_PAGES: Final = 100
_DUPLICATE: Final = "500.002.1001"


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
class _Reply:
    status: int
    body: Mapping[str, Any]

    def text(self, name: str) -> str:
        return text(self.body.get(name))

    @property
    def refuses_token(self) -> bool:
        return 400 <= self.status < 500 and self.text("errorCode") in _TOKEN_REFUSED

    @property
    def says_gateway_is_full(self) -> bool:
        # "System is busy" has the code of a spike arrest, too, and may come from behind the gateway.
        code = self.text("errorCode")
        return code == "500.003.03" or (code == "500.003.02" and "spike" in self.text("errorMessage").lower())


class DarajaUnavailable(Exception):  # noqa: N818 - it says how Daraja is
    """A question could not be answered now; ask again later."""


def security_credential(password: str, certificate_pem: bytes) -> str:
    """Return the initiator password sealed with Daraja's certificate: RSA PKCS#1 v1.5, base64."""
    key = x509.load_pem_x509_certificate(certificate_pem).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("Daraja's certificate must hold an RSA key")
    return base64.b64encode(key.encrypt(password.encode(), padding.PKCS1v15())).decode()


class DarajaClient:
    """Daraja's endpoints over one session. ``clock`` dates tokens and requests.

    The session must not reuse connections (``TCPConnector(force_close=True)``): an old one that dies under a
    payment request leaves its outcome unknown.
    """

    def __init__(self, session: ClientSession, config: MPesaConfig, clock: Clock) -> None:
        self._session = session
        self._config = config
        self._clock = clock
        self._token: tuple[str, datetime] | None = None
        self._renewing = asyncio.Lock()

    async def push(self, *, phone: str, kes: int, account_reference: str, callback_url: str) -> Answer:
        """Ask a phone for ``kes``. It is sent at most once; ``Accepted.reference`` is the CheckoutRequestID."""
        reply = await self._post(
            "/mpesa/stkpush/v1/processrequest",
            {
                **self._signed_now(),
                "TransactionType": "CustomerPayBillOnline",
                "Amount": kes,
                "PartyA": int(phone),
                "PartyB": self._config.short_code,
                "PhoneNumber": int(phone),
                "CallBackURL": callback_url,
                "AccountReference": account_reference,
                "TransactionDesc": "Energy Swap",
            },
        )
        if not isinstance(reply, _Reply):
            return reply
        if reply.text("ResponseCode") == "0" and (checkout := reply.text("CheckoutRequestID")):
            return Accepted(checkout)
        # This code has many meanings; only these words mean that there will be no prompt.
        if "lock subscriber" in reply.text("errorMessage").lower():
            return Refused("1001", "The phone is busy with another M-Pesa request. Try again in a minute.")
        return _refusal(reply)

    async def query_push(self, checkout_request_id: str) -> str | None:
        """Return the result code of a push, ``None`` while there is no answer."""
        reply = await self._post(
            "/mpesa/stkpushquery/v1/query", {**self._signed_now(), "CheckoutRequestID": checkout_request_id}
        )
        code = reply.text("ResultCode") if isinstance(reply, _Reply) else ""
        return None if code in ("", "4999") else code

    async def pay(
        self, *, originator_conversation_id: str, phone: str, kes: int, result_url: str, timeout_url: str
    ) -> Answer:
        """Pay ``kes`` to a phone. With the same id it may be sent again: M-Pesa carries each id out once."""
        if self._config.certificate_pem is None:
            return NotSent("There is no Daraja certificate in the configuration.")
        sealed = security_credential(self._config.initiator_password, self._config.certificate_pem)
        reply = await self._post(
            "/mpesa/b2c/v3/paymentrequest",
            {
                "OriginatorConversationID": originator_conversation_id,
                "InitiatorName": self._config.initiator,
                "SecurityCredential": sealed,
                "CommandID": "BusinessPayment",
                "Amount": kes,
                "PartyA": self._config.short_code,
                "PartyB": int(phone),
                "Remarks": "Energy Swap payout",
                "QueueTimeOutURL": timeout_url,
                "ResultURL": result_url,
            },
        )
        if not isinstance(reply, _Reply):
            return reply
        if reply.text("ResponseCode") == "0":
            return Accepted(reply.text("ConversationID"))
        is_duplicate = "duplicate" in reply.text("ResponseDescription").lower()
        if reply.text("errorCode") == _DUPLICATE or (reply.text("ResponseCode") == "1" and is_duplicate):
            return Accepted("")
        return _refusal(reply)

    async def pull(self, start: datetime, end: datetime) -> tuple[PulledPayment, ...]:
        """Return the payments in between two times, at most 48 hours back. Raises `DarajaUnavailable`."""
        found: list[PulledPayment] = []
        offset = 0
        for _ in range(_PULL_PAGES):
            reply = await self._post(
                "/pulltransactions/v1/query",
                {
                    "ShortCode": self._config.short_code,
                    "StartDate": spaced(start),
                    "EndDate": spaced(end),
                    "OffSetValue": str(offset),
                },
            )
            if not isinstance(reply, _Reply):
                raise DarajaUnavailable(reply.reason)
            code = reply.text("ResponseCode")
            if code not in ("1000", "1001"):
                raise DarajaUnavailable(f"Pull answered {code or reply.text('errorCode') or 'nothing'}")
            page = read_pulled(reply.body)
            found += page
            if code == "1001" or not page:
                return tuple(found)
            offset += len(page)
        raise DarajaUnavailable("Pull does not come to an end")

    def _signed_now(self) -> dict[str, Any]:
        """Return the fields that sign an STK request; one instant for both."""
        timestamp = compact(self._clock())
        secret = f"{self._config.short_code}{self._config.passkey}{timestamp}"
        return {
            "BusinessShortCode": self._config.short_code,
            "Password": base64.b64encode(secret.encode()).decode(),
            "Timestamp": timestamp,
        }

    async def _post(self, path: str, body: Mapping[str, Any]) -> _Reply | NotSent | Unknown:
        """Post once; only a refused token, which no product ever saw, makes it once more."""
        for _ in range(2):
            try:
                token = await self._access_token()
            except DarajaUnavailable as error:
                return NotSent(str(error))
            reply = await self._post_with(token, path, body)
            if isinstance(reply, _Reply):
                if reply.refuses_token:
                    self._forget(token)
                    continue
                if reply.says_gateway_is_full:
                    return NotSent("Daraja limits our requests.")
            return reply
        return NotSent("Daraja refuses our access token.")

    async def _post_with(self, token: str, path: str, body: Mapping[str, Any]) -> _Reply | NotSent | Unknown:
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
            return _Reply(status, json_object(raw))
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


def _refusal(reply: _Reply) -> Refused | Unknown:
    """Return what an answer without acceptance proves: the gateway's own 4xx refuses, all others prove nothing."""
    code = reply.text("errorCode")
    if 400 <= reply.status < 500 and code.startswith(("400.", "401.", "404.", "405.")):
        return Refused(code, f"M-Pesa refused the request ({code}).")
    return Unknown(f"M-Pesa answered {code or reply.text('ResponseCode') or 'without a code'}.")
