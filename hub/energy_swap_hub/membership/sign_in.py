"""Sign-in of admins and auditors: argon2 passwords, short sessions kept as hashes, lock-out after wrong tries."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, insert, select

from energy_swap_hub.config import Role, UserConfig

from .tables import session

SESSION_LENGTH: Final = timedelta(hours=8)
_TRIES: Final = 5
_LOCK: Final = timedelta(minutes=5)


class SignInRefused(PermissionError):  # noqa: N818 - reads as the answer it is
    """User or password is wrong, or there were too many tries; the text is safe to show."""


class SignInLocked(SignInRefused):
    """There were too many wrong passwords for this user; the text says how long to wait."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in, and the token that every change must carry beside the cookie."""

    user: str
    role: Role
    csrf: str


@dataclass(slots=True)
class SignIn:
    """The people who may sign in. ``clock`` times sessions and lock-outs are real time, never simulated."""

    users: dict[str, UserConfig]
    _wrong: dict[str, list[datetime]] = field(default_factory=dict)
    # Checked when the user is unknown, so that the answer takes as long as for a known one.
    _nobody: str = field(default_factory=lambda: hash_password(secrets.token_hex(16)))

    def check(self, user: str, password: str, now: datetime) -> UserConfig:
        """Return the user when the password is right; raises `SignInRefused`."""
        tries = [at for at in self._wrong.get(user, []) if now - at < _LOCK]
        if len(tries) >= _TRIES:
            raise SignInLocked("too many wrong passwords; try again in five minutes")
        known = self.users.get(user)
        try:
            PasswordHasher().verify(known.password_hash if known else self._nobody, password)
        except VerificationError, InvalidHashError:
            known = None
        if known is None:
            # Names that nobody tried lately are forgotten: invented ones must not fill the memory.
            self._wrong = {name: at for name, at in self._wrong.items() if now - at[-1] < _LOCK}
            self._wrong[user] = [*tries, now]
            raise SignInRefused("user or password is wrong")
        self._wrong.pop(user, None)
        return known

    def session(self, connection: Connection, token: str, now: datetime) -> Session | None:
        """Return the session of a cookie's ``token`` while it lasts."""
        query = select(session.c.user, session.c.csrf).where(
            session.c.token_hash == _hash(token), session.c.expires_at > now
        )
        row = connection.execute(query).first()
        known = None if row is None else self.users.get(row[0])
        return None if row is None or known is None else Session(known.user, known.role, row[1])


def open_session(connection: Connection, user: str, now: datetime) -> tuple[str, str]:
    """Start a session and return its secret token (for the cookie) and its CSRF token."""
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    connection.execute(delete(session).where(session.c.expires_at <= now))
    connection.execute(
        insert(session).values(token_hash=_hash(token), user=user, csrf=csrf, expires_at=now + SESSION_LENGTH)
    )
    return token, csrf


def close_session(connection: Connection, token: str) -> None:
    """End the session of this cookie."""
    connection.execute(delete(session).where(session.c.token_hash == _hash(token)))


def hash_password(password: str) -> str:
    """Return the argon2 hash to put into the configuration."""
    return PasswordHasher().hash(password)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
