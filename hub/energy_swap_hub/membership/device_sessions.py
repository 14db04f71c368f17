"""Sessions of paired phones: opened by key and PIN, short, and gone when nobody uses them for a while."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from .device_tables import device, device_session
from .pairing import HAS_PHONE
from .tables import household

LONGEST: Final = timedelta(hours=8)
IDLE: Final = timedelta(minutes=10)  # after so long without a request the phone asks for the PIN again
_NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DeviceSession:
    """A phone at work: its key and id, whose it is, and the token that every change carries beside the cookie."""

    key: bytes
    device_id: str
    household_id: str
    csrf: str
    used_at: datetime

    def is_to_be_noted(self, now: datetime) -> bool:
        """Whether it is time to write down that the session is in use."""
        return now - self.used_at >= _NOTED_EVERY


def open_device_session(connection: Connection, key: bytes, now: datetime) -> tuple[str, str]:
    """Start the one session of a phone; return the secret token for its cookie, and the token for changes."""
    token, csrf, row = secrets.token_urlsafe(32), secrets.token_urlsafe(24), device_session.c
    connection.execute(delete(device_session).where((row.key == key) | (row.expires_at <= now)))
    connection.execute(
        insert(device_session).values(
            token_hash=_hash(token), key=key, csrf=csrf, expires_at=now + LONGEST, used_at=now
        )
    )
    return token, csrf


def find_device_session(
    connection: Connection, community_id: str, token: str, now: datetime
) -> DeviceSession | None:
    """Return the session of a cookie's ``token`` while it lasts, the phone is paired, its household a member."""
    row = device_session.c
    query = (
        select(row.key, device.c.id, device.c.household_id, row.csrf, row.used_at)
        .join(device, device.c.key == row.key)
        .join(
            household,
            (household.c.community_id == device.c.community_id) & (household.c.id == device.c.household_id),
        )
        .where(
            row.token_hash == _hash(token),
            row.expires_at > now,
            row.used_at > now - IDLE,
            device.c.community_id == community_id,
            device.c.revoked_at.is_(None),
            household.c.status.in_(HAS_PHONE),
        )
    )
    found = connection.execute(query).first()
    return None if found is None else DeviceSession(bytes(found[0]), *found[1:])


def note_device_use(connection: Connection, key: bytes, now: datetime) -> None:
    """Write down that a phone's session is in use."""
    connection.execute(update(device_session).where(device_session.c.key == key).values(used_at=now))
    connection.execute(update(device).where(device.c.key == key).values(used_at=now))


def end_device_session(connection: Connection, key: bytes) -> None:
    """End a phone's session: it asks for the PIN again."""
    connection.execute(delete(device_session).where(device_session.c.key == key))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
