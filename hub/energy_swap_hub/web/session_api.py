"""The console's routes on signing in and out, second factors, and the sessions that last."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypedDict

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from energy_swap_hub.config import CommunityConfig, Role, UserConfig, utc_now
from energy_swap_hub.membership import second_factor
from energy_swap_hub.membership.households import record_audit
from energy_swap_hub.membership.seal import Seal
from energy_swap_hub.membership.second_factor import CodeWrong
from energy_swap_hub.membership.sessions import LONGEST, Session, end_session, open_session, sessions_of
from energy_swap_hub.membership.sign_in import SignIn
from energy_swap_hub.storage import Database

from .doors import COOKIE, Call, Doors
from .problem import json_response
from .route import Route

type Code = Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$")]


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """What a person types to sign in; ``code`` is that of the authenticator app, for who has set one up."""

    user: Annotated[str, msgspec.Meta(max_length=80)]
    password: Annotated[str, msgspec.Meta(max_length=200)]
    code: Code | None = None


class CodeOfNow(msgspec.Struct, forbid_unknown_fields=True):
    """The six digits that the authenticator app shows."""

    code: Code


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
    second_factor: bool


class NewFactor(TypedDict):
    """The secret of a second factor, and the address that an authenticator app reads from a QR code."""

    secret: str
    uri: str


class LastingSession(TypedDict):
    """A session that lasts; times are Unix seconds."""

    id: str
    started_at: int
    used_at: int
    address: str
    is_this: bool


class LastingSessions(TypedDict):
    """The sessions of whoever asks, the newest first."""

    sessions: list[LastingSession]


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
        seal: Seal,
        *,
        is_https: bool,
    ) -> None:
        self._base = base
        self._doors = doors
        self._database = database
        self._community = community
        self._clock = clock
        self._sign_in = sign_in
        self._seal = seal
        self._is_https = is_https

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, doors = self._base, self._doors
        factor, sessions = f"{base}/second-factor", f"{base}/sessions"
        return [
            doors.public("POST", f"{base}/sign-in", self._post_sign_in, says="Sign in; sets the cookie."),
            doors.session("POST", f"{base}/sign-out", self._post_sign_out, says="End this session."),
            doors.visitor(f"{base}/session", self._get_session, says="Who is signed in; null for nobody."),
            doors.session("GET", sessions, self._get_sessions, says="One's own sessions that last."),
            doors.session("POST", f"{sessions}/{{id}}/end", self._end, says="End one of one's own sessions."),
            doors.session("POST", factor, self._begin_factor, says="Begin a second factor."),
            doors.session("POST", f"{factor}/confirm", self._confirm_factor, says="Make it count from now on."),
            doors.session("POST", f"{factor}/remove", self._remove_factor, says="Do without it again."),
        ]

    async def _post_sign_in(self, call: Call[None, Credentials]) -> web.Response:
        now, address = utc_now(), self._doors.address(call.request)
        name, code = call.body.user, call.body.code or ""
        user = await asyncio.to_thread(self._sign_in.check, name, call.body.password, now, address=address)

        def check(connection: Connection) -> UserConfig:
            second_factor.check(connection, self._seal, name, code, now)
            return user

        try:
            response = await self.open(call.request, check, by_passkey=False)
        except CodeWrong:
            self._sign_in.note_wrong(name, now, address=address)
            raise
        self._sign_in.note_right(name, address=address)
        return response

    async def open(
        self, request: web.Request, check: Callable[[Connection], UserConfig], *, by_passkey: bool
    ) -> web.Response:
        """Sign in whom ``check`` returns; the answer sets the cookie."""
        now, address = utc_now(), self._doors.address(request)

        def open_it(connection: Connection) -> tuple[str, SessionBody]:
            user = check(connection)
            token, session = open_session(connection, user, now, address=address, by_passkey=by_passkey)
            self.audit(connection, user.user, "signed in with a passkey" if by_passkey else "signed in")
            return token, self._body(connection, session)

        token, body = await self._database.write(open_it)
        response = json_response(body)
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(LONGEST.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=self._is_https,
        )
        return response

    async def _post_sign_out(self, call: Call[Session, None]) -> web.Response:
        def end(connection: Connection) -> None:
            end_session(connection, call.who.user, call.who.id)
            self.audit(connection, call.who.user, "signed out")

        await self._database.write(end)
        response = json_response({})
        response.del_cookie(COOKIE)
        return response

    async def _get_session(self, call: Call[Session | None, None]) -> SessionBody | None:
        """A browser asks this first; that nobody is signed in yet is no error."""
        session = call.who
        return None if session is None else await self._database.read(lambda c: self._body(c, session))

    async def _get_sessions(self, call: Call[Session, None]) -> LastingSessions:
        found = await self._database.read(lambda c: sessions_of(c, call.who.user, utc_now()))
        return {
            "sessions": [
                {
                    "id": session.id,
                    "started_at": int(session.started_at.timestamp()),
                    "used_at": int(session.used_at.timestamp()),
                    "address": session.address,
                    "is_this": session.id == call.who.id,
                }
                for session in found
            ]
        }

    async def _end(self, call: Call[Session, None]) -> dict[str, str]:
        session_id, user = call.request.match_info["id"], call.who.user

        def end(connection: Connection) -> None:
            end_session(connection, user, session_id)
            self.audit(connection, user, "ended a session")

        await self._database.write(end)
        return {}

    async def _begin_factor(self, call: Call[Session, None]) -> NewFactor:
        user, issuer = call.who.user, f"Energy Swap {self._community.name}"
        secret, uri = await self._database.write(lambda c: second_factor.begin(c, self._seal, user, issuer))
        return {"secret": secret, "uri": uri}

    async def _confirm_factor(self, call: Call[Session, CodeOfNow]) -> dict[str, str]:
        user, code = call.who.user, call.body.code

        def confirm(connection: Connection) -> None:
            second_factor.confirm(connection, self._seal, user, code, utc_now())
            self.audit(connection, user, "set up a second factor")

        await self._database.write(confirm)
        return {}

    async def _remove_factor(self, call: Call[Session, CodeOfNow]) -> dict[str, str]:
        user, code = call.who.user, call.body.code

        def remove(connection: Connection) -> None:
            second_factor.check(connection, self._seal, user, code, utc_now())
            second_factor.remove(connection, user)
            self.audit(connection, user, "removed the second factor")

        await self._database.write(remove)
        return {}

    def _body(self, connection: Connection, session: Session) -> SessionBody:
        return {
            "user": session.user,
            "role": session.role,
            "community": {"id": self._community.id, "name": self._community.name},
            "csrf": session.csrf,
            "second_factor": second_factor.is_confirmed(connection, session.user),
        }

    def audit(self, connection: Connection, who: str, what: str) -> None:
        """Write down what somebody did about their own signing in."""
        record_audit(connection, self._community.id, who=who, what=what, subject=who, now=self._clock())
