"""The addresses that Daraja calls, a secret one per payment; what comes is stored before it is answered."""

import hashlib
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from aiohttp import web
from sqlalchemy import Connection, insert, select, update

from energy_swap_hub.storage import Database

from . import intents, payouts
from .client import Clock
from .config import MPesaConfig
from .tables import payment_callback

_LOGGER: Final = logging.getLogger(__name__)
_LARGEST_BODY: Final = 64 * 1024

type Channel = Literal["k", "p", "t"]
PUSH: Final = "k"  # the result of an STK push; subject: intent id
PAYOUT: Final = "p"  # the result of a payout; subject: its OriginatorConversationID
TIME_OUT: Final = "t"  # a payout waited too long in Daraja's queue: proves nothing


@dataclass(frozen=True, slots=True)
class Callback:
    """A stored callback."""

    number: int
    channel: str
    community_id: str
    subject: str
    body: bytes
    received_at: datetime


def callback_url(config: MPesaConfig, channel: Channel, subject: str) -> str:
    """Return the address at which Daraja tells what became of ``subject``."""
    return f"{config.callback_base_url.rstrip('/')}/hooks/{channel}/{subject}/{_secret(config, channel, subject)}"


def routes(
    config: MPesaConfig, database: Database, clock: Clock, arrived: Callable[[], None]
) -> list[web.RouteDef]:
    """Return the routes of the callbacks; ``arrived`` is called after each stored one."""

    async def take(request: web.Request) -> web.Response:
        channel, subject = request.match_info["channel"], request.match_info["subject"]
        if not hmac.compare_digest(_secret(config, channel, subject), request.match_info["secret"]):
            _LOGGER.warning("A callback with a wrong secret came from %s", request.remote)
            raise web.HTTPNotFound
        body = b""
        while len(body) <= _LARGEST_BODY and (more := await request.content.read(_LARGEST_BODY)):
            body += more
        # Cut, not refused: it will not come again, and even its beginning is evidence.
        now = clock()
        if not await database.write(lambda c: _store(c, channel, subject, body[:_LARGEST_BODY], now)):
            raise web.HTTPNotFound
        arrived()
        return web.json_response({"ResultCode": 0, "ResultDesc": "Accepted"})

    return [web.post(r"/hooks/{channel:[kpt]}/{subject:[a-z0-9]{1,64}}/{secret:[a-z0-9]{1,64}}", take)]


def unprocessed(connection: Connection, limit: int) -> list[Callback]:
    """Return the oldest callbacks that nobody has understood yet."""
    rows = connection.execute(
        select(payment_callback)
        .where(payment_callback.c.processed_at.is_(None))
        .order_by(payment_callback.c.number)
        .limit(limit)
    )
    return [Callback(**{name: row[name] for name in Callback.__slots__}) for row in rows.mappings()]


def finish(connection: Connection, callback: Callback, outcome: str, now: datetime, *, keep_body: bool) -> None:
    """Note what a callback meant and, unless it could not be read, forget its body with the phone in it."""
    body = callback.body if keep_body else b""
    connection.execute(
        update(payment_callback)
        .where(payment_callback.c.number == callback.number)
        .values(processed_at=now, outcome=outcome, body=body)
    )


def _secret(config: MPesaConfig, channel: str, subject: str) -> str:
    return hmac.new(config.hmac_secret, f"{channel}/{subject}".encode(), hashlib.sha256).hexdigest()[:32]


def _store(connection: Connection, channel: str, subject: str, body: bytes, now: datetime) -> bool:
    owner = (
        intents.find(connection, subject) if channel == PUSH else payouts.find_by_conversation(connection, subject)
    )
    if owner is None:
        return False
    connection.execute(
        insert(payment_callback).values(
            channel=channel, community_id=owner.community_id, subject=subject, body=body, received_at=now
        )
    )
    return True
