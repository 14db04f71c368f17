"""The console's routes on signing in and out."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypedDict

import msgspec
from aiohttp import web

from energy_swap_hub.config import CommunityConfig, Role, utc_now
from energy_swap_hub.membership.households import record_audit
from energy_swap_hub.membership.sign_in import SESSION_LENGTH, Session, SignIn, close_session, open_session
from energy_swap_hub.storage import Database

from .doors import COOKIE, Call, Doors
from .problem import json_response
from .route import Route


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """What a person types to sign in."""

    user: Annotated[str, msgspec.Meta(max_length=80)]
    password: Annotated[str, msgspec.Meta(max_length=200)]


class CommunityName(TypedDict):
    """Which community this hub serves."""

    id: str
    name: str


class SessionBody(TypedDict):
    """Who is signed in; ``csrf`` is the token that every change carries in ``X-CSRF-Token``."""

    user: str
    role: Role
    community: CommunityName
    csrf: str


class SessionApi:
    """The routes below ``base`` with which people come and go.

    ``is_https``: people reach the console by TLS (usually a reverse proxy's), so the cookie may say so.
    """

    def __init__(
        self,
        base: str,
        doors: Doors,
        database: Database,
        community: CommunityConfig,
        clock: Callable[[], datetime],
        sign_in: SignIn,
        *,
        is_https: bool,
    ) -> None:
        self._base = base
        self._doors = doors
        self._database = database
        self._community = community
        self._clock = clock
        self._sign_in = sign_in
        self._is_https = is_https

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, doors = self._base, self._doors
        return [
            doors.public("POST", f"{base}/sign-in", self._post_sign_in, says="Sign in; sets the cookie."),
            doors.session("POST", f"{base}/sign-out", self._post_sign_out, says="End this session."),
            doors.session("GET", f"{base}/session", self._get_session, says="Who is signed in."),
        ]

    async def _post_sign_in(self, call: Call[None, Credentials]) -> web.Response:
        now = utc_now()
        user = await asyncio.to_thread(self._sign_in.check, call.body.user, call.body.password, now)
        token, csrf = await self._database.write(lambda c: open_session(c, user.user, now))
        await self._audit(user.user, "signed in")
        response = json_response(self._body(Session(user.user, user.role, csrf)))
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(SESSION_LENGTH.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=self._is_https,
        )
        return response

    async def _post_sign_out(self, call: Call[Session, None]) -> web.Response:
        await self._database.write(lambda c: close_session(c, call.request.cookies[COOKIE]))
        await self._audit(call.who.user, "signed out")
        response = json_response({})
        response.del_cookie(COOKIE)
        return response

    async def _get_session(self, call: Call[Session, None]) -> SessionBody:
        return self._body(call.who)

    def _body(self, session: Session) -> SessionBody:
        return {
            "user": session.user,
            "role": session.role,
            "community": {"id": self._community.id, "name": self._community.name},
            "csrf": session.csrf,
        }

    async def _audit(self, who: str, what: str) -> None:
        now = self._clock()
        await self._database.write(
            lambda c: record_audit(c, self._community.id, who=who, what=what, subject=who, now=now)
        )
