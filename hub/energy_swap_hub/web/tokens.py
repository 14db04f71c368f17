"""Tokens with which programs read: JSON Web Tokens (RFC 7519), each for a few scopes, until a day, revocable.

A token says what it is for; that it still counts is looked up at each use, so revoking it works at once.
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import jwt
from sqlalchemy import Connection, insert, select, update

from energy_swap_hub.membership.sessions import Session

from .tables import api_token

LONGEST: Final = timedelta(days=366)
_ALGORITHM: Final = "HS256"


class Scope(StrEnum):
    """What a program's token may read."""

    MARKET = "market"
    HOUSEHOLDS = "households"
    LEDGER = "ledger"
    MONEY = "money"
    CHAIN = "chain"
    METERS = "meters"
    OFFICE = "office"


class TokenRefused(Exception):  # noqa: N818 - reads as the answer it is
    """A token is none of this hub's, has ended or was revoked."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as the office sees it: whose it is and what it may read."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    made_by: str
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class ApiTokens:
    """Makes and checks the tokens of one community; ``secret`` is the hub's."""

    def __init__(self, community_id: str, secret: bytes) -> None:
        self._community_id = community_id
        self._key = hashlib.sha256(b"api-token" + secret).digest()

    def make(
        self,
        connection: Connection,
        *,
        name: str,
        scopes: Collection[Scope],
        made_by: str,
        now: datetime,
        expires_at: datetime,
    ) -> tuple[str, str]:
        """Make a token; return its id, and the token itself, which is kept nowhere."""
        if not now < expires_at <= now + LONGEST:
            raise ValueError(f"days: a token lasts 1 to {LONGEST.days} days")
        token_id, sorted_scopes = secrets.token_hex(8), " ".join(sorted(set(scopes)))
        if not sorted_scopes:
            raise ValueError(f"scopes: at least one of {', '.join(Scope)}")
        connection.execute(
            insert(api_token).values(
                id=token_id,
                community_id=self._community_id,
                name=name,
                scopes=sorted_scopes,
                made_by=made_by,
                made_at=now,
                expires_at=expires_at,
            )
        )
        claims = {
            "iss": self._community_id,
            "jti": token_id,
            "sub": name,
            "scope": sorted_scopes,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        return token_id, jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def claimed(self, token: str) -> str:
        """Return the id of a token that this hub made, which may have ended; raises `TokenRefused`."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=self._community_id,
                options={"require": ["jti", "exp"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError as error:
            raise TokenRefused("this is no token of this hub") from error
        return str(claims["jti"])

    def find(self, connection: Connection, token_id: str, scope: Scope, now: datetime) -> Session:
        """Return whom a token speaks for: a program that reads like an auditor, within its scopes.

        Raises `TokenRefused` when it does not last, and `PermissionError` when it is not for ``scope``.
        """
        row = connection.execute(
            select(api_token).where(api_token.c.id == token_id, api_token.c.community_id == self._community_id)
        ).first()
        if row is None or row.revoked_at is not None:
            raise TokenRefused("this token was revoked; ask an admin for another")
        if row.expires_at <= now:
            raise TokenRefused(
                f"this token ended at {row.expires_at:%Y-%m-%d %H:%M} UTC; ask an admin for another"
            )
        if scope not in row.scopes.split():
            raise PermissionError(f"this token is for {row.scopes}, and this needs {scope}")
        return Session(f"program {row.name}", "auditor", "", row.id, now)

    def all(self, connection: Connection) -> list[ApiToken]:
        """Return every token that was made, the newest first."""
        row = api_token.c
        query = (
            select(api_token).where(row.community_id == self._community_id).order_by(row.made_at.desc(), row.id)
        )
        return [
            ApiToken(
                found.id,
                found.name,
                tuple(map(Scope, found.scopes.split())),
                found.made_by,
                found.made_at,
                found.expires_at,
                found.revoked_at,
            )
            for found in connection.execute(query)
        ]

    def revoke(self, connection: Connection, token_id: str, now: datetime) -> None:
        """Let a token count no more; raises `LookupError` when there is none that does."""
        row = api_token.c
        changed = connection.execute(
            update(api_token)
            .where(row.community_id == self._community_id, row.id == token_id, row.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        if not changed.rowcount:
            raise LookupError(f"there is no token {token_id} to revoke")
