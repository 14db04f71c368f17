"""Where paired phones want to be told what happens, how far each has been told, and when to try again."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from .device_tables import push_subscription
from .seal import Seal

PURPOSE: Final = b"push-subscription"  # of the seal


class Browser(msgspec.Struct, frozen=True):
    """A browser as it told on subscribing: its address at its push service, its public key, its secret."""

    endpoint: str
    p256dh: bytes
    auth: bytes


@dataclass(frozen=True, slots=True)
class Subscription:
    """A phone that is told: of which topics, and the number of the last notification that is done with."""

    key: bytes
    household: str
    browser: Browser
    topics: frozenset[str]
    told: int
    tries: int


READ: Final = tuple(
    push_subscription.c[name] for name in ("key", "household_id", "sealed", "topics", "told", "tries")
)


def subscribe(
    connection: Connection,
    community_id: str,
    household_id: str,
    key: bytes,
    seal: Seal,
    browser: Browser,
    topics: Collection[str],
    *,
    told: int,
    now: datetime,
) -> None:
    """Tell a phone from now on, or of other topics; ``told`` counts for one that was not told before.

    An address belongs to the phone that gave it last: a browser that is paired anew has another key.
    """
    row, hashed = push_subscription.c, _hash(browser.endpoint)
    connection.execute(delete(push_subscription).where(row.endpoint_hash == hashed, row.key != key))
    values = {
        "endpoint_hash": hashed,
        "sealed": seal.close(msgspec.json.encode(browser).decode()),
        "topics": sorted(topics),
        "tries": 0,
        "due_at": now,
    }
    if connection.execute(update(push_subscription).where(row.key == key).values(values)).rowcount:
        return
    connection.execute(
        insert(push_subscription).values(
            key=key, community_id=community_id, household_id=household_id, told=told, made_at=now, **values
        )
    )


def unsubscribe(connection: Connection, key: bytes) -> None:
    """Tell a phone nothing more."""
    connection.execute(delete(push_subscription).where(push_subscription.c.key == key))


def unsubscribe_household(connection: Connection, community_id: str, household_id: str) -> None:
    """Tell the phones of a household nothing more."""
    row = push_subscription.c
    connection.execute(
        delete(push_subscription).where(row.community_id == community_id, row.household_id == household_id)
    )


def subscription_of(connection: Connection, key: bytes, seal: Seal) -> Subscription | None:
    """Return where a phone is told, if it is."""
    found = connection.execute(select(*READ).where(push_subscription.c.key == key)).first()
    return None if found is None else read_subscription(tuple(found), seal)


def note_told(
    connection: Connection, key: bytes, browser: Browser, *, told: int, tries: int, due_at: datetime
) -> None:
    """Write down how far a phone has been told; of a browser that it has replaced meanwhile, nothing."""
    row = push_subscription.c
    connection.execute(
        update(push_subscription)
        .where(row.key == key, row.endpoint_hash == _hash(browser.endpoint))
        .values(told=told, tries=tries, due_at=due_at)
    )


def forget_browser(connection: Connection, key: bytes, browser: Browser) -> None:
    """Remove a subscription that its push service knows no more, unless the phone has made a new one."""
    row = push_subscription.c
    connection.execute(
        delete(push_subscription).where(row.key == key, row.endpoint_hash == _hash(browser.endpoint))
    )


def read_subscription(found: tuple[bytes, str, bytes, list[str], int, int], seal: Seal) -> Subscription:
    """Return the subscription of a row of the columns `READ`."""
    key, household, sealed, topics, told, tries = found
    browser = msgspec.json.decode(seal.open(bytes(sealed)), type=Browser)
    return Subscription(bytes(key), household, browser, frozenset(topics), told, tries)


def _hash(endpoint: str) -> bytes:
    return hashlib.sha256(endpoint.encode()).digest()
