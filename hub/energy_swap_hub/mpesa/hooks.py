"""The addresses that Daraja calls, with a secret path; what comes is stored before it is answered."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any, Final

from aiohttp import ClientError, web
from sqlalchemy import Connection, bindparam, insert, select, update

from energy_swap_hub.caller import address_of
from energy_swap_hub.storage import Database

from . import intents, payouts, reversals, rows
from .config import MPesaConfig
from .events import PayerOf, PaymentEvents
from .gateway import Clock
from .intents import MOST_KES
from .tables import payment_callback
from .wire import Unreadable, read_confirmation

_LOGGER: Final = logging.getLogger(__name__)
_BODY_SECONDS: Final = 30.0
_LARGEST_BODY: Final = 64 * 1024
KEPT: Final = timedelta(days=90)  # how long the body of a callback that nobody understood is kept

PUSH: Final = "k"  # the result of an STK push; subject: intent id
PAYOUT: Final = "p"  # the result of a payout; subject: its OriginatorConversationID
STATUS: Final = "s"  # the answer to a status query; subject: the payout's OriginatorConversationID
REVERSAL: Final = "r"  # the result of a reversal; subject: the receipt, lower case
BALANCE: Final = "b"  # the answer to a balance query; subject: the question's number
TIME_OUT: Final = "t"  # something waited too long in Daraja's queue: proves nothing
CONFIRMATION: Final = "c"  # a payment by hand; subject: the short code
VALIDATION: Final = "v"  # the question whether to let a payment by hand through; subject: the short code

_ACCEPTED: Final = {"ResultCode": 0, "ResultDesc": "Accepted"}
_BAD_ACCOUNT: Final = "C2B00012"
_BAD_AMOUNT: Final = "C2B00013"


@dataclass(frozen=True, slots=True)
class Callback:
    """A stored callback."""

    number: int
    channel: str
    community_id: str
    subject: str
    body: bytes
    received_at: datetime


_STORE: Final = insert(payment_callback).returning(payment_callback.c.number)
_FINISH: Final = update(payment_callback).where(payment_callback.c.number == bindparam("key_number"))
_UNPROCESSED: Final = (
    select(*rows.columns(Callback, payment_callback))
    .where(payment_callback.c.processed_at.is_(None), payment_callback.c.is_held.is_(False))
    .order_by(payment_callback.c.number)
    .limit(bindparam("most"))
)


def callback_url(config: MPesaConfig, channel: str, subject: str) -> str:
    """Return the address at which Daraja tells what became of ``subject``."""
    return f"{config.callback_base_url.rstrip('/')}/hooks/{channel}/{subject}/{_secret(config, channel, subject)}"


class Hooks:
    """The routes of the callbacks; ``arrived`` is called after each stored one.

    Without ``payer_of`` payments by hand are not taken.
    """

    def __init__(
        self,
        *,
        config: MPesaConfig,
        database: Database,
        events: PaymentEvents,
        payer_of: PayerOf | None,
        clock: Clock,
        arrived: Callable[[], None],
    ) -> None:
        self._config = config
        self._database = database
        self._events = events
        self._payer_of = payer_of
        self._clock = clock
        self._arrived = arrived
        self._known = tuple(ip_network(source) for source in config.known_sources)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        path = r"/{subject:[a-z0-9]{1,64}}/{secret:[a-z0-9]{1,64}}"
        routes = [web.post(r"/hooks/{channel:[kpsrbt]}" + path, self._take)]
        if self._payer_of is not None:
            routes.append(web.post(r"/hooks/{channel:c}" + path, self._take))
            routes.append(web.post(r"/hooks/{channel:v}" + path, self._validate))
        return routes

    async def _take(self, request: web.Request) -> web.Response:
        channel, subject = self._subject(request)
        source = self._source(request)
        is_held = not self._is_known(source)
        body = await _body(request)
        now = self._clock()

        def store(connection: Connection) -> bool:
            community_id = self._owner(connection, channel, subject)
            if community_id is None:
                return False
            new = {
                "channel": channel,
                "community_id": community_id,
                "subject": subject,
                "source": source,
                "is_held": is_held,
                "body": body,
                "received_at": now,
            }
            number = connection.execute(_STORE, new).scalar_one()
            if is_held and community_id:
                self._events.needs_review(
                    connection,
                    community_id=community_id,
                    kind="callback_held",
                    subject=str(number),
                    evidence={"source": source, "channel": channel, "about": subject},
                )
            return True

        if not await self._database.write(store):
            raise web.HTTPNotFound
        if is_held:
            _LOGGER.warning("A callback with the right path came from %s, which is not listed; it is held", source)
        self._arrived()
        return web.json_response(_ACCEPTED)

    async def _validate(self, request: web.Request) -> web.Response:
        """Say whether a payment by hand may go through; when in doubt it may: money that came can be put right."""
        self._subject(request)
        body = await _body(request)

        def judge(connection: Connection) -> str | None:
            assert self._payer_of is not None, "without it there is no such route"
            told = read_confirmation(body)
            if told.payment.kes > MOST_KES:
                return _BAD_AMOUNT
            is_ours = intents.find_by_reference(connection, told.reference) is not None
            is_known = is_ours or self._payer_of(connection, told.reference).household_id is not None
            return None if is_known else _BAD_ACCOUNT

        try:
            refusal = await self._database.read(judge)
        except Unreadable as error:
            _LOGGER.warning("A validation request could not be read: %s", error)
            refusal = None
        if refusal is None:
            return web.json_response({"ResultCode": "0", "ResultDesc": "Accepted"})
        return web.json_response({"ResultCode": refusal, "ResultDesc": "Rejected"})

    def _subject(self, request: web.Request) -> tuple[str, str]:
        channel, subject = request.match_info["channel"], request.match_info["subject"]
        if not hmac.compare_digest(_secret(self._config, channel, subject), request.match_info["secret"]):
            _LOGGER.warning("A callback with a wrong secret came from %s", self._source(request))
            raise web.HTTPNotFound
        return channel, subject

    def _source(self, request: web.Request) -> str:
        return address_of(request, self._config.trusted_proxies)

    def _is_known(self, source: str) -> bool:
        if not self._known:
            return True
        try:
            address = ip_address(source)
        except ValueError:
            return False
        return any(address in network for network in self._known)

    def _owner(self, connection: Connection, channel: str, subject: str) -> str | None:
        """Return the community that a callback belongs to, "" for the short code's own; None for nobody's."""
        owner: intents.Intent | payouts.Payout | reversals.Reversal | None
        match channel:
            case "k":
                owner = intents.find(connection, subject)
            case "p" | "s":
                owner = payouts.find_by_conversation(connection, subject)
            case "r":
                owner = reversals.find(connection, subject.upper())
            case "c":
                return self._payer_of(connection, "").community_id if self._payer_of is not None else None
            case _:
                return ""
        return None if owner is None else owner.community_id


async def _body(request: web.Request) -> bytes:
    body = b""
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while len(body) <= _LARGEST_BODY and (more := await request.content.read(_LARGEST_BODY)):
                body += more
    except ClientError, OSError:
        # Half of it proves nothing, and whoever sends gets no answer: the query and the list will tell.
        _LOGGER.warning("A callback was cut off on its way; it is lost")
        raise web.HTTPBadRequest from None
    # Cut, not refused: it will not come again, and even its beginning is evidence.
    return body[:_LARGEST_BODY]


def unprocessed(connection: Connection, limit: int) -> list[Callback]:
    """Return the oldest callbacks that nobody has understood yet and that are not held."""
    return [Callback(*row) for row in connection.execute(_UNPROCESSED, {"most": limit})]


def finish(connection: Connection, callback: Callback, outcome: str, now: datetime, *, keep_body: bool) -> None:
    """Note what a callback meant and, unless it could not be read, forget its body with the phone in it."""
    body = callback.body if keep_body else b""
    done = {"key_number": callback.number, "processed_at": now, "outcome": outcome, "body": body}
    connection.execute(_FINISH, done)


def is_held(connection: Connection, number: int) -> bool:
    """Return whether a callback waits for a person to let it in."""
    row = payment_callback.c
    held = select(row.number).where(row.number == number, row.is_held.is_(True), row.processed_at.is_(None))
    return connection.execute(held).first() is not None


def let_in(connection: Connection, number: int) -> None:
    """Let a held callback count."""
    _change(connection, number, is_held=False)


def turn_away(connection: Connection, number: int, now: datetime) -> None:
    """End a held callback that does not count, and forget its body."""
    _change(connection, number, is_held=False, processed_at=now, outcome="turned away by a person", body=b"")


def forget_old_bodies(connection: Connection, now: datetime) -> None:
    """Empty the bodies that were kept for a person long enough."""
    row = payment_callback.c
    connection.execute(
        update(payment_callback).where(row.processed_at < now - KEPT, row.body != b"").values(body=b"")
    )


def _change(connection: Connection, number: int, **values: Any) -> None:
    connection.execute(update(payment_callback).where(payment_callback.c.number == number).values(**values))


def _secret(config: MPesaConfig, channel: str, subject: str) -> str:
    return hmac.new(config.hmac_secret, f"{channel}/{subject}".encode(), hashlib.sha256).hexdigest()[:32]
