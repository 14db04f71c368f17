"""Sessions of people at the console: short, kept as hashes of their tokens, listed and ended by their owners."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from energy_swap_hub.config import Role, UserConfig
from energy_swap_hub.storage import Lookup

from .tables import session

LONGEST: Final = timedelta(hours=8)
IDLE: Final = timedelta(hours=1)  # a session that nobody used for so long has ended
_NOTED_EVERY: Final = timedelta(minutes=1)
_BY_TOKEN: Final = Lookup(
    select(session.c.user, session.c.csrf, session.c.id, session.c.used_at, session.c.by_passkey).where(
        session.c.token_hash == bindparam("token_hash"),
        session.c.expires_at > bindparam("now"),
        session.c.used_at > bindparam("idle_since"),
    )
)


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in, and the token that every change must carry beside the cookie."""

    user: str
    role: Role
    csrf: str
    id: str
    used_at: datetime
    by_passkey: bool = False

    def is_to_be_noted(self, now: datetime) -> bool:
        """Whether it is time to write down that the session is in use."""
        return now - self.used_at >= _NOTED_EVERY


@dataclass(frozen=True, slots=True)
class Signed:
    """A session as the person who it belongs to sees it in a list."""

    id: str
    started_at: datetime
    used_at: datetime
    address: str


def open_session(
    connection: Connection, user: UserConfig, now: datetime, *, address: str, by_passkey: bool = False
) -> tuple[str, Session]:
    """Start a session; return the secret token for its cookie, and the session."""
    token = secrets.token_urlsafe(32)
    made = Session(user.user, user.role, secrets.token_urlsafe(24), secrets.token_hex(8), now, by_passkey)
    connection.execute(delete(session).where((session.c.expires_at <= now) | (session.c.used_at <= now - IDLE)))
    connection.execute(
        insert(session).values(
            token_hash=_hash(token),
            user=user.user,
            csrf=made.csrf,
            expires_at=now + LONGEST,
            id=made.id,
            started_at=now,
            used_at=now,
            address=address,
            by_passkey=by_passkey,
        )
    )
    return token, made


def find_session(
    connection: Connection, users: dict[str, UserConfig], token: str, now: datetime
) -> Session | None:
    """Return the session of a cookie's ``token`` while it lasts."""
    found = _BY_TOKEN.first(connection, token_hash=_hash(token), now=now, idle_since=now - IDLE)
    known = None if found is None else users.get(found[0])
    return None if found is None or known is None else Session(known.user, known.role, *found[1:])


def note_use(connection: Connection, session_id: str, now: datetime) -> None:
    """Write down that a session is in use."""
    connection.execute(update(session).where(session.c.id == session_id).values(used_at=now))


def sessions_of(connection: Connection, user: str, now: datetime) -> list[Signed]:
    """Return the sessions of ``user`` that last, the newest first."""
    row = session.c
    query = (
        select(row.id, row.started_at, row.used_at, row.address)
        .where(row.user == user, row.expires_at > now, row.used_at > now - IDLE)
        .order_by(row.started_at.desc(), row.id)
    )
    return [Signed(*found) for found in connection.execute(query)]


def end_session(connection: Connection, user: str, session_id: str) -> None:
    """End a session of ``user``; raises `LookupError` when there is none."""
    gone = connection.execute(delete(session).where(session.c.user == user, session.c.id == session_id))
    if gone.rowcount == 0:
        raise LookupError(f"{user} has no session {session_id}; it may have ended by itself")


def end_sessions_of(connection: Connection, user: str) -> None:
    """End all sessions of ``user``."""
    connection.execute(delete(session).where(session.c.user == user))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
