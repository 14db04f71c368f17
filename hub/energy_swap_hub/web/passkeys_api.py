"""The console's routes on passkeys: one's own, making one, removing one, and signing in with one."""

from typing import Annotated, Any, TypedDict

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from energy_swap_hub.config import UserConfig, utc_now
from energy_swap_hub.membership.passkeys import PasskeyRefused, Passkeys, passkeys_of, remove_passkey
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.storage import Database

from .doors import Call, Doors
from .route import Route
from .session_api import SessionApi

type Credential = dict[str, Any]  # as the browser's PublicKeyCredential.toJSON() says it (WebAuthn level 3)


class NewPasskey(msgspec.Struct, forbid_unknown_fields=True):
    """A passkey that the browser made, and its owner's name for it."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"^[^\x00]*$")]
    credential: Credential


class UsedPasskey(msgspec.Struct, forbid_unknown_fields=True):
    """What a passkey signed."""

    credential: Credential


class PasskeyRow(TypedDict):
    """A passkey of whoever asks; times are Unix seconds, ``used_at`` is null before the first time."""

    id: str
    name: str
    made_at: int
    used_at: int | None


class PasskeyRows(TypedDict):
    """The passkeys of whoever asks, the oldest first; ``can_make``: the hub knows its public address."""

    passkeys: list[PasskeyRow]
    can_make: bool


class PasskeysApi:
    """The routes below ``base`` on passkeys."""

    def __init__(
        self,
        base: str,
        doors: Doors,
        database: Database,
        passkeys: Passkeys,
        sessions: SessionApi,
        users: dict[str, UserConfig],
    ) -> None:
        self._base = base
        self._doors = doors
        self._database = database
        self._passkeys = passkeys
        self._sessions = sessions
        self._users = users

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, doors = f"{self._base}/passkeys", self._doors
        sign_in = f"{self._base}/sign-in/passkey"
        return [
            doors.session("GET", base, self._list, says="One's own passkeys."),
            doors.session("POST", f"{base}/begin", self._begin, says="What a browser needs to make a passkey."),
            doors.session("POST", base, self._keep, says="Keep the passkey that the browser made."),
            doors.session("POST", f"{base}/{{id}}/remove", self._remove, says="Remove one of one's own passkeys."),
            doors.public(
                "POST", f"{sign_in}/begin", self._begin_sign_in, says="What a browser needs to offer them."
            ),
            doors.public("POST", sign_in, self._sign_in, says="Sign in with a passkey; sets the cookie."),
        ]

    async def _list(self, call: Call[Session, None]) -> PasskeyRows:
        found = await self._database.read(lambda c: passkeys_of(c, call.who.user))
        return {
            "can_make": self._passkeys.public_url is not None,
            "passkeys": [
                {
                    "id": one.id,
                    "name": one.name,
                    "made_at": int(one.made_at.timestamp()),
                    "used_at": None if one.used_at is None else int(one.used_at.timestamp()),
                }
                for one in found
            ],
        }

    async def _begin(self, call: Call[Session, None]) -> dict[str, Any]:
        return await self._database.read(lambda c: self._passkeys.begin_new(c, call.who.user, utc_now()))

    async def _keep(self, call: Call[Session, NewPasskey]) -> dict[str, str]:
        user, asked = call.who.user, call.body

        def keep(connection: Connection) -> None:
            self._passkeys.finish_new(connection, user, asked.name, asked.credential, utc_now())
            self._sessions.audit(connection, user, f"made the passkey {asked.name}")

        await self._database.write(keep)
        return {}

    async def _remove(self, call: Call[Session, None]) -> dict[str, str]:
        user, passkey_id = call.who.user, call.request.match_info["id"]

        def remove(connection: Connection) -> None:
            remove_passkey(connection, user, passkey_id)
            self._sessions.audit(connection, user, "removed a passkey")

        await self._database.write(remove)
        return {}

    async def _begin_sign_in(self, _call: Call[None, None]) -> dict[str, Any]:
        return self._passkeys.begin_sign_in(utc_now())

    async def _sign_in(self, call: Call[None, UsedPasskey]) -> web.Response:
        def check(connection: Connection) -> UserConfig:
            name = self._passkeys.finish_sign_in(connection, call.body.credential, utc_now())
            user = self._users.get(name)
            if user is None:
                raise PasskeyRefused(f"{name} is no user of this hub any more")
            return user

        return await self._sessions.open(call.request, check, by_passkey=True)
