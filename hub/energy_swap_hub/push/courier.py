"""Carrying one message to a push service, and understanding what it answers."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Literal

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec

from .encryption import SALT_BYTES, seal_message
from .services import PublicAddresses, PushServices, UnknownPushService
from .vapid import Vapid

PADDED: Final = 256  # bytes; every message has as many, so its length tells nothing
_PATIENCE: Final = aiohttp.ClientTimeout(total=15, connect=8)
_CONNECTIONS: Final = 20
_HEADER_BYTES: Final = 8_190

type Urgency = Literal["low", "normal", "high"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a browser is reached, and what its messages are sealed with, as it told on subscribing."""

    endpoint: str
    receiver: bytes
    auth: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A message to be carried. ``topic`` takes the place of one before that has not arrived."""

    text: bytes
    topic: str
    lasts: timedelta
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message.

    ``gone``: the browser is subscribed no more. ``refused``: this message will never be taken. ``later``: try
    again, not before ``wait`` where the service says so.
    """

    outcome: Literal["taken", "gone", "refused", "later"]
    wait: timedelta | None = None
    why: str = ""


class Courier:
    """Posts messages; never follows where an answer leads, and reads no answer's body."""

    def __init__(
        self, session: aiohttp.ClientSession, vapid: Vapid, services: PushServices, now: Callable[[], datetime]
    ) -> None:
        self._session = session
        self._vapid = vapid
        self._services = services
        self._now = now

    async def carry(self, address: Address, parcel: Parcel) -> Delivery:
        """Seal ``parcel`` for ``address`` and post it."""
        try:
            # Again: what was allowed when the browser subscribed may not be any more.
            endpoint, now = self._services.check(address.endpoint), self._now()
        except UnknownPushService as error:
            return Delivery("gone", why=str(error))
        sealed = seal_message(
            parcel.text,
            address.receiver,
            address.auth,
            sender=ec.generate_private_key(ec.SECP256R1()),
            salt=os.urandom(SALT_BYTES),
            padded_to=PADDED,
        )
        headers = {
            "Authorization": self._vapid.authorization(endpoint, now),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(max(int(parcel.lasts.total_seconds()), 0)),
            "Topic": parcel.topic,
            "Urgency": parcel.urgency,
        }
        try:
            async with self._session.post(
                endpoint, data=sealed, headers=headers, timeout=_PATIENCE, allow_redirects=False
            ) as answer:
                status, wait = answer.status, waiting_time(answer.headers.get("Retry-After", ""), now)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Delivery("later", why=type(error).__name__)
        return _understood(status, wait)


def push_session(services: PushServices) -> aiohttp.ClientSession:
    """Return the session of a `Courier`: no cookies, no proxies, few connections, public addresses only."""
    connector = aiohttp.TCPConnector(resolver=PublicAddresses(services), limit=_CONNECTIONS)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=_HEADER_BYTES,
        max_field_size=_HEADER_BYTES,
    )


def waiting_time(text: str, now: datetime) -> timedelta | None:
    """Return how long ``Retry-After`` asks to wait: seconds, or a date; None where it says nothing of use."""
    if text.isdecimal() and len(text) < 10:
        return timedelta(seconds=int(text))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(at - now, timedelta()) if at.tzinfo is not None else None


def _understood(status: int, wait: timedelta | None) -> Delivery:
    why = f"it answered {status}"
    if 200 <= status < 300:
        return Delivery("taken")
    if status in {404, 410}:
        return Delivery("gone", why=why)
    if status in {400, 413}:
        return Delivery("refused", why=why)
    # 401 and 403 too: the hub's key or clock is not as it was, which its operator can mend.
    return Delivery("later", wait, why)
