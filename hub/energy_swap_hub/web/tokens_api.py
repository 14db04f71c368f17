"""The console's routes on tokens of programs: which there are, making one, revoking one."""

from datetime import timedelta
from typing import Annotated, TypedDict

import msgspec
from sqlalchemy import Connection

from energy_swap_hub.config import utc_now
from energy_swap_hub.membership.households import record_audit
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.storage import Database

from .doors import Call, Doors
from .route import Route
from .tokens import LONGEST, ApiToken, ApiTokens, Scope


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """What a token is to be: the program's name, what it may read, and for how many days."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"^[^\x00]*$")]
    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=len(Scope))]
    days: Annotated[int, msgspec.Meta(ge=1, le=LONGEST.days)]


class MadeToken(TypedDict):
    """A new token; it is shown this once."""

    id: str
    token: str


class TokenRow(TypedDict):
    """A token that was made; times are Unix seconds, ``revoked_at`` is null while it counts."""

    id: str
    name: str
    scopes: list[Scope]
    made_by: str
    made_at: int
    expires_at: int
    revoked_at: int | None


class TokenRows(TypedDict):
    """All tokens, the newest first."""

    tokens: list[TokenRow]


class TokensApi:
    """The routes below ``base`` on tokens."""

    def __init__(
        self,
        base: str,
        doors: Doors,
        database: Database,
        community_id: str,
        tokens: ApiTokens,
    ) -> None:
        self._base = base
        self._doors = doors
        self._database = database
        self._community_id = community_id
        self._tokens = tokens

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, doors = f"{self._base}/tokens", self._doors
        return [
            doors.auditor(base, self._list, says="Which programs have tokens."),
            doors.admin(base, self._make, says="Make a token for a program."),
            doors.admin(f"{base}/{{id}}/revoke", self._revoke, says="Let a token count no more."),
        ]

    async def _list(self, _call: Call[Session, None]) -> TokenRows:
        return {"tokens": [_row(token) for token in await self._database.read(self._tokens.all)]}

    async def _make(self, call: Call[Session, NewToken]) -> MadeToken:
        asked, user = call.body, call.who.user

        def make(connection: Connection) -> MadeToken:
            now = utc_now()
            token_id, token = self._tokens.make(
                connection,
                name=asked.name,
                scopes=asked.scopes,
                made_by=user,
                now=now,
                expires_at=now + timedelta(days=asked.days),
            )
            scopes = ", ".join(sorted(set(asked.scopes)))
            self._audit(connection, user, f"made a token for {asked.name} to read {scopes}", token_id)
            return {"id": token_id, "token": token}

        return await self._database.write(make)

    async def _revoke(self, call: Call[Session, None]) -> dict[str, str]:
        token_id, user = call.request.match_info["id"], call.who.user

        def revoke(connection: Connection) -> None:
            self._tokens.revoke(connection, token_id, utc_now())
            self._audit(connection, user, "revoked a token", token_id)

        await self._database.write(revoke)
        return {}

    def _audit(self, connection: Connection, who: str, what: str, token_id: str) -> None:
        record_audit(connection, self._community_id, who=who, what=what, subject=token_id, now=utc_now())


def _row(token: ApiToken) -> TokenRow:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": list(token.scopes),
        "made_by": token.made_by,
        "made_at": int(token.made_at.timestamp()),
        "expires_at": int(token.expires_at.timestamp()),
        "revoked_at": None if token.revoked_at is None else int(token.revoked_at.timestamp()),
    }
