"""Paired phones of households: their keys, their PINs with lock-out, and taking them away again."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, func, insert, select, update

from .device_tables import device, device_session
from .households import Household, by_id
from .push_subscriptions import unsubscribe
from .tables import household

MOST_DEVICES: Final = 5
_LOCK: Final = timedelta(minutes=15)
_TRIES_BEFORE_LOCK: Final = 5
_TRIES_BEFORE_REVOKED: Final = 10
_SHORTEST_PIN, _LONGEST_PIN = 4, 8
_ROW: Final = "01234567890 09876543210"  # a PIN that stands in here is guessed first


class PinRefused(PermissionError):  # noqa: N818 - reads as the answer it is
    """The PIN is wrong, or may not be tried now; the text is safe to show."""


class PinLocked(PinRefused):
    """The PIN was wrong too often; the text says how long to wait."""


class NotPaired(PermissionError):  # noqa: N818 - reads as the answer it is
    """The key is not that of a paired phone (any more); the text says what to do."""

    def __init__(self) -> None:
        super().__init__("this phone is not paired with a household, or was removed; pair it again")


@dataclass(frozen=True, slots=True)
class Device:
    """A paired phone as its household and the office see it in a list."""

    id: str
    household: str
    name: str
    key: bytes
    paired_at: datetime
    used_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None


_LISTED = tuple(
    device.c[name]
    for name in ("id", "household_id", "name", "key", "paired_at", "used_at", "revoked_at", "revoked_by")
)


def check_pin(pin: str) -> None:
    """Raise `ValueError` for a PIN that is no PIN, or that thieves try first."""
    if not (pin.isascii() and pin.isdecimal() and _SHORTEST_PIN <= len(pin) <= _LONGEST_PIN):
        raise ValueError(f"pin: {_SHORTEST_PIN} to {_LONGEST_PIN} digits")
    halves = {pin[: len(pin) // 2], pin[len(pin) // 2 :]}
    if len(set(pin)) == 1 or pin in _ROW or (len(pin) % 2 == 0 and len(halves) == 1):
        raise ValueError("pin: too easy to guess, like 1111, 1234 or 1212; choose another one")


def hash_pin(pin: str) -> str:
    """Return the argon2id hash of a PIN; slow on purpose."""
    return PasswordHasher().hash(pin)


def is_pin(pin_hash: str, pin: str) -> bool:
    """Whether ``pin`` is that of the hash; slow on purpose."""
    try:
        return PasswordHasher().verify(pin_hash, pin)
    except VerificationError, InvalidHashError:
        return False


def add_device(
    connection: Connection,
    community_id: str,
    household_id: str,
    *,
    key: bytes,
    name: str,
    pin_hash: str,
    now: datetime,
) -> str:
    """Pair a phone with a household and return its id; raises `ValueError` when it cannot be."""
    if connection.execute(select(device.c.key).where(device.c.key == key)).first() is not None:
        raise ValueError("key: this phone was paired before; let it make a new key")
    if connection.execute(select(household.c.key).where(household.c.key == key)).first() is not None:
        raise ValueError("key: this is a household's own key; let the phone make one of its own")
    row = device.c
    query = select(func.count()).where(
        row.community_id == community_id, row.household_id == household_id, row.revoked_at.is_(None)
    )
    if connection.execute(query).scalar_one() >= MOST_DEVICES:
        raise ValueError(f"a household has at most {MOST_DEVICES} phones; remove one first")
    device_id = secrets.token_hex(8)
    connection.execute(
        insert(device).values(
            key=key,
            id=device_id,
            community_id=community_id,
            household_id=household_id,
            name=name,
            pin_hash=pin_hash,
            tries=0,
            paired_at=now,
            used_at=now,
        )
    )
    return device_id


def take_pin_try(connection: Connection, key: bytes, now: datetime) -> str:
    """Use up a try of a phone's PIN and return the PIN's hash; raises `PinLocked` or `NotPaired`.

    The try is counted before the PIN is looked at, so that many at once are no more than one after another.
    """
    row = device.c
    query = select(row.pin_hash, row.tries, row.locked_until).where(row.key == key, row.revoked_at.is_(None))
    found = connection.execute(query).first()
    if found is None:
        raise NotPaired
    if found.locked_until is not None and found.locked_until > now:
        minutes = int((found.locked_until - now).total_seconds()) // 60 + 1
        raise PinLocked(f"too many wrong PINs; try again in {minutes} min")
    tries = found.tries + 1
    locked_until = now + _LOCK if tries % _TRIES_BEFORE_LOCK == 0 else None
    connection.execute(update(device).where(row.key == key).values(tries=tries, locked_until=locked_until))
    return str(found.pin_hash)


def note_right_pin(connection: Connection, key: bytes, now: datetime) -> None:
    """Forget the tries of a phone whose PIN was right; raises `NotPaired` when it was taken away meanwhile."""
    row = device.c
    changed = connection.execute(
        update(device)
        .where(row.key == key, row.revoked_at.is_(None))
        .values(tries=0, locked_until=None, used_at=now)
    )
    if not changed.rowcount:
        raise NotPaired


def note_wrong_pin(connection: Connection, key: bytes, now: datetime) -> int:
    """Return how many tries are left before the phone must be paired again; at 0 it is revoked."""
    tries = connection.execute(select(device.c.tries).where(device.c.key == key)).scalar_one()
    left = max(_TRIES_BEFORE_REVOKED - int(tries), 0)
    if left == 0:
        _revoke(connection, key, "too many wrong PINs", now)
    return left


def set_pin(connection: Connection, key: bytes, pin_hash: str) -> None:
    """Change a phone's PIN."""
    connection.execute(update(device).where(device.c.key == key).values(pin_hash=pin_hash))


def revoke_device(
    connection: Connection,
    community_id: str,
    device_id: str,
    *,
    who: str,
    now: datetime,
    household_id: str | None = None,
) -> str:
    """Take a phone away, of one household or of any, and return whose it was; raises `LookupError`."""
    row = device.c
    query = select(row.key, row.household_id).where(
        row.community_id == community_id, row.id == device_id, row.revoked_at.is_(None)
    )
    if household_id is not None:
        query = query.where(row.household_id == household_id)
    found = connection.execute(query).first()
    if found is None:
        raise LookupError(f"there is no paired phone {device_id}")
    _revoke(connection, bytes(found.key), who, now)
    return str(found.household_id)


def devices(
    connection: Connection, community_id: str, household_id: str | None = None, *, with_revoked: bool = False
) -> list[Device]:
    """Return the paired phones of a household, or of all, the newest first."""
    row = device.c
    query = select(*_LISTED).where(row.community_id == community_id).order_by(row.paired_at.desc(), row.id)
    if household_id is not None:
        query = query.where(row.household_id == household_id)
    if not with_revoked:
        query = query.where(row.revoked_at.is_(None))
    return [Device(*found) for found in connection.execute(query)]


def by_device_keys(connection: Connection, keys: Collection[bytes]) -> dict[bytes, Household]:
    """Return the households of the paired phones that have these keys, by key."""
    if not keys:
        return {}
    row = device.c
    query = select(row.key, row.community_id, row.household_id).where(row.key.in_(keys), row.revoked_at.is_(None))
    return {
        bytes(key): by_id(connection, community_id, household_id)
        for key, community_id, household_id in connection.execute(query).all()
    }


def _revoke(connection: Connection, key: bytes, who: str, now: datetime) -> None:
    connection.execute(update(device).where(device.c.key == key).values(revoked_at=now, revoked_by=who))
    connection.execute(delete(device_session).where(device_session.c.key == key))
    unsubscribe(connection, key)
