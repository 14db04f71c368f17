"""Daraja's products as functions: what we ask, and what an answer proves."""

import base64
from datetime import datetime
from typing import Any, Final

from aiohttp import ClientSession
from cryptography.hazmat.primitives.asymmetric import padding

from . import gateway
from .certificate import rsa_key
from .config import MPesaConfig
from .gateway import (
    Accepted,
    Answer,
    Clock,
    DarajaUnavailable,
    Endpoint,
    Gateway,
    NotSent,
    Refused,
    Reply,
    Unknown,
    refusal,
)
from .nairobi import compact, spaced
from .wire import PulledPayment, read_pulled

__all__ = [
    "UNDECIDED",
    "Accepted",
    "Answer",
    "Clock",
    "DarajaClient",
    "DarajaUnavailable",
    "NotSent",
    "Refused",
    "Unknown",
]

UNDECIDED: Final = "4999"
_PULL_PAGES: Final = 100
_DUPLICATE: Final = "500.002.1001"
_PAYBILL: Final = "4"  # the identifier type of a short code ...
_PAYBILL_OF_REVERSAL: Final = "11"  # ... which the reversal calls otherwise


def security_credential(password: str, certificate_pem: bytes) -> str:
    """Return the initiator password sealed with Daraja's certificate: RSA PKCS#1 v1.5, base64."""
    key = rsa_key(certificate_pem)
    return base64.b64encode(key.encrypt(password.encode(), padding.PKCS1v15())).decode()


class DarajaClient:
    """Daraja's endpoints over one session (see `Gateway`). ``clock`` dates tokens and requests."""

    def __init__(self, session: ClientSession, config: MPesaConfig, clock: Clock) -> None:
        self._gateway = Gateway(session, config, clock)
        self._config = config
        self._clock = clock
        self._credential: str | None = None

    async def push(self, *, phone: str, kes: int, account_reference: str, callback_url: str) -> Answer:
        """Ask a phone for ``kes``. It is sent at most once; ``Accepted.reference`` is the CheckoutRequestID."""
        reply = await self._gateway.post(
            gateway.PUSH,
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
        if not isinstance(reply, Reply):
            return reply
        if reply.text("ResponseCode") == "0" and (checkout := reply.text("CheckoutRequestID")):
            return Accepted(checkout)
        # This code has many meanings; only these words mean that there will be no prompt.
        if "lock subscriber" in reply.text("errorMessage").lower():
            return Refused("1001", "The phone is busy with another M-Pesa request. Try again in a minute.")
        return refusal(reply)

    async def query_push(self, checkout_request_id: str) -> str | None:
        """Return the result code of a push (`UNDECIDED` while it is open), ``None`` where there is no answer."""
        reply = await self._gateway.post(
            gateway.PUSH_QUERY, {**self._signed_now(), "CheckoutRequestID": checkout_request_id}
        )
        return (reply.text("ResultCode") or None) if isinstance(reply, Reply) else None

    async def pay(
        self, *, originator_conversation_id: str, phone: str, kes: int, result_url: str, timeout_url: str
    ) -> Answer:
        """Pay ``kes`` to a phone. With the same id it may be sent again: M-Pesa carries each id out once."""
        reply = await self._command(
            gateway.PAYOUT,
            "BusinessPayment",
            result_url,
            timeout_url,
            {
                "OriginatorConversationID": originator_conversation_id,
                "InitiatorName": self._config.initiator,
                "Amount": kes,
                "PartyA": self._config.short_code,
                "PartyB": int(phone),
                "Remarks": "Energy Swap payout",
            },
        )
        if not isinstance(reply, Reply):
            return reply
        is_duplicate = "duplicate" in reply.text("ResponseDescription").lower()
        if reply.text("errorCode") == _DUPLICATE or (reply.text("ResponseCode") == "1" and is_duplicate):
            return Accepted("")
        return _acknowledged(reply)

    async def reverse(self, *, receipt: str, kes: int, result_url: str, timeout_url: str) -> Answer:
        """Give a received payment back whole. It is sent at most once; the end comes to ``result_url``."""
        reply = await self._command(
            gateway.REVERSAL,
            "TransactionReversal",
            result_url,
            timeout_url,
            {
                "Initiator": self._config.initiator,
                "TransactionID": receipt,
                "Amount": kes,
                "ReceiverParty": self._config.short_code,
                "RecieverIdentifierType": _PAYBILL_OF_REVERSAL,  # Daraja's spelling
                "Remarks": "Energy Swap reversal",
                "Occasion": "",
            },
        )
        return _acknowledged(reply) if isinstance(reply, Reply) else reply

    async def ask_status(self, *, originator_conversation_id: str, result_url: str, timeout_url: str) -> Answer:
        """Ask what became of a payout; the answer comes to ``result_url``."""
        reply = await self._command(
            gateway.STATUS,
            "TransactionStatusQuery",
            result_url,
            timeout_url,
            {
                "Initiator": self._config.initiator,
                "OriginalConversationID": originator_conversation_id,
                "PartyA": self._config.short_code,
                "IdentifierType": _PAYBILL,
                "Remarks": "Energy Swap status",
                "Occasion": "",
            },
        )
        return _acknowledged(reply) if isinstance(reply, Reply) else reply

    async def ask_balance(self, *, result_url: str, timeout_url: str) -> Answer:
        """Ask what the short code's accounts hold; the answer comes to ``result_url``."""
        reply = await self._command(
            gateway.BALANCE,
            "AccountBalance",
            result_url,
            timeout_url,
            {
                "Initiator": self._config.initiator,
                "PartyA": self._config.short_code,
                "IdentifierType": _PAYBILL,
                "Remarks": "Energy Swap balance",
            },
        )
        return _acknowledged(reply) if isinstance(reply, Reply) else reply

    async def register_urls(self, *, confirmation_url: str, validation_url: str) -> Answer:
        """Tell where payments by hand are announced. In production this counts once, for good."""
        reply = await self._gateway.post(
            gateway.C2B_REGISTER,
            {
                "ShortCode": self._config.short_code,
                # Should our validation not answer, the payment goes through: what came can be put right later.
                "ResponseType": "Completed",
                "ConfirmationURL": confirmation_url,
                "ValidationURL": validation_url,
            },
        )
        if not isinstance(reply, Reply):
            return reply
        if "already registered" in reply.text("errorMessage").lower():
            return Refused(
                reply.text("errorCode"),
                "Addresses are registered already; only two operators can change them, in the M-Pesa portal.",
            )
        return _acknowledged(reply)

    async def register_pull(self, *, phone: str, callback_url: str) -> Answer:
        """Allow the list of payments (Pull) for the short code; ``phone`` is its nominated number."""
        reply = await self._gateway.post(
            gateway.PULL_REGISTER,
            {
                "ShortCode": self._config.short_code,
                "RequestType": "Pull",
                "NominatedNumber": int(phone),
                "CallBackURL": callback_url,
            },
        )
        if not isinstance(reply, Reply):
            return reply
        is_done = (reply.text("ResponseCode") or reply.text("ResponseStatus")) in ("0", "1000", "1001")
        return Accepted(reply.text("ResponseRefID")) if is_done else refusal(reply)

    async def pull(self, start: datetime, end: datetime) -> tuple[PulledPayment, ...]:
        """Return the payments in between two times, at most 48 hours back. Raises `DarajaUnavailable`."""
        found: list[PulledPayment] = []
        offset = 0
        for _ in range(_PULL_PAGES):
            reply = await self._gateway.post(
                gateway.PULL,
                {
                    "ShortCode": self._config.short_code,
                    "StartDate": spaced(start),
                    "EndDate": spaced(end),
                    "OffSetValue": str(offset),
                },
            )
            if not isinstance(reply, Reply):
                raise DarajaUnavailable(reply.reason)
            code = reply.text("ResponseCode")
            if code not in ("1000", "1001"):
                raise DarajaUnavailable(f"Pull answered {code or reply.text('errorCode') or 'nothing'}")
            rows, page = read_pulled(reply.body)
            found += page
            if code == "1001" or not rows:
                return tuple(found)
            offset += rows
        raise DarajaUnavailable("Pull does not come to an end")

    async def qr_code(self, *, merchant: str, account: str, kes: int, size: int = 300) -> bytes:
        """Return the PNG that a phone scans to pay ``kes`` to ``account``. Raises `DarajaUnavailable`."""
        reply = await self._gateway.post(
            gateway.QR_CODE,
            {
                "MerchantName": merchant,
                "RefNo": account,
                "Amount": kes,
                "TrxCode": "PB",
                "CPI": str(self._config.short_code),
                "Size": str(size),
            },
        )
        if not isinstance(reply, Reply):
            raise DarajaUnavailable(reply.reason)
        try:
            image = base64.b64decode(reply.text("QRCode"), validate=True)
        except ValueError as error:
            raise DarajaUnavailable("The QR code cannot be read.") from error
        if not image:
            raise DarajaUnavailable(f"No QR code came ({reply.text('errorCode') or 'no reason'}).")
        return image

    async def _command(
        self, endpoint: Endpoint, command: str, result_url: str, timeout_url: str, body: dict[str, Any]
    ) -> Reply | NotSent | Unknown:
        """Post what only the initiator may do."""
        if self._config.certificate_pem is None:
            return NotSent("There is no Daraja certificate in the configuration.")
        if self._credential is None:  # it may be used again, and sealing takes long
            password, certificate = self._config.initiator_password, self._config.certificate_pem
            self._credential = security_credential(password, certificate)
        return await self._gateway.post(
            endpoint,
            body
            | {
                "CommandID": command,
                "SecurityCredential": self._credential,
                "ResultURL": result_url,
                "QueueTimeOutURL": timeout_url,
            },
        )

    def _signed_now(self) -> dict[str, Any]:
        """Return the fields that sign an STK request; one instant for both."""
        timestamp = compact(self._clock())
        secret = f"{self._config.short_code}{self._config.passkey}{timestamp}"
        return {
            "BusinessShortCode": self._config.short_code,
            "Password": base64.b64encode(secret.encode()).decode(),
            "Timestamp": timestamp,
        }


def _acknowledged(reply: Reply) -> Answer:
    if reply.text("ResponseCode") == "0":
        return Accepted(reply.text("ConversationID"))
    return refusal(reply)
