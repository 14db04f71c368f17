"""The doors of the hub: each kind of caller has one, and no route is reached but through its own."""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, get_args, get_type_hints

import msgspec
from aiohttp import web
from energy_swap_protocol.message import Envelope
from energy_swap_protocol.request import HEADER, MAX_SKEW_SECONDS, RequestError, verify_request
from solders.pubkey import Pubkey
from sqlalchemy import Connection

from energy_swap_hub.caller import address_of
from energy_swap_hub.config import LimitsConfig, UserConfig, utc_now
from energy_swap_hub.membership.device_sessions import DeviceSession, find_device_session, note_device_use
from energy_swap_hub.membership.second_factor import is_confirmed
from energy_swap_hub.membership.sessions import Session, find_session, note_use
from energy_swap_hub.storage import Database

from .idempotency import Idempotency
from .limits import Limit
from .problem import RestartedError, json_response
from .route import Access, Query, Route
from .tokens import ApiTokens, Scope, TokenRefused

COOKIE: Final = "energy_swap_session"
PHONE_COOKIE: Final = "energy_swap_phone"
_BURST_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Call[Who, Body]:
    """A request that came through its door: who sent it, and its body, both checked."""

    request: web.Request
    who: Who
    body: Body


type _Answering[Who, Body] = Callable[[Call[Who, Body]], Awaitable[object]]


@dataclass(slots=True)
class SeenNonces:
    """The request nonces of the last minutes, so that a captured request cannot be sent again."""

    _seen: dict[tuple[bytes, str], float] = field(default_factory=dict)

    def claim(self, signer: bytes, nonce: str, now: float) -> None:
        """Remember a nonce; raises `RequestError` when it was used before."""
        if len(self._seen) > 100_000:
            self._seen = {key: at for key, at in self._seen.items() if now - at < 2 * MAX_SKEW_SECONDS}
        if now - self._seen.get((signer, nonce), float("-inf")) < 2 * MAX_SKEW_SECONDS:
            raise RequestError("this request was received before; sign a new one with a new nonce")
        self._seen[signer, nonce] = now


def _no_approvers(_connection: Connection) -> Collection[Pubkey]:
    return ()


class Doors:
    """Makes routes: the method's name says whom a route lets in.

    What a route takes and answers is read from the annotations of its handler: ``Call[Who, Body]``, and the return
    type. A handler returns a value, which is sent as JSON, or a response of its own.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        *,
        community_id: str = "",
        approvers: Callable[[Connection], Collection[Pubkey]] = _no_approvers,
        users: dict[str, UserConfig] | None = None,
        limits: LimitsConfig | None = None,
        trusted_proxies: int = 0,
        needs_second_factor: bool = False,
        idempotency: Idempotency | None = None,
        tokens: ApiTokens | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._community_id = community_id
        self._approvers = approvers
        self._users = users or {}
        self._trusted_proxies = trusted_proxies
        self._needs_second_factor = needs_second_factor
        self._idempotency = idempotency
        self._tokens = tokens
        self._nonces = SeenNonces()
        self._up_since = int(clock().timestamp())
        limits = limits or LimitsConfig()
        self._addresses = Limit[str](limits.address_per_second, limits.address_per_second * _BURST_SECONDS)
        self._keys = Limit[bytes](limits.key_per_second, limits.key_per_second * _BURST_SECONDS)
        self._patience_seconds = limits.patience_seconds

    def public[B](
        self, method: str, path: str, handler: _Answering[None, B], *, says: str, query: tuple[Query, ...] = ()
    ) -> Route:
        """Anybody."""
        return self._route(method, path, handler, Access.PUBLIC, _nobody, says, query)

    def envelope(self, path: str, handler: _Answering[None, Envelope], *, says: str) -> Route:
        """Anybody, with a message that is signed by whom it speaks for; the handler looks at the signature."""
        return self._route("POST", path, handler, Access.ENVELOPE, _nobody, says, ())

    def household[B](
        self, method: str, path: str, handler: _Answering[bytes, B], *, says: str, query: tuple[Query, ...] = ()
    ) -> Route:
        """Whoever signed the request; the handler is told the public key and finds its household."""
        return self._route(method, path, handler, Access.HOUSEHOLD, self._signer, says, query)

    def device[B](self, method: str, path: str, handler: _Answering[bytes, B], *, says: str) -> Route:
        """Whoever signed the request with a phone's key; the handler is told the key and finds the phone."""
        return self._route(method, path, handler, Access.DEVICE, self._signer, says, ())

    def phone[B](
        self,
        method: str,
        path: str,
        handler: _Answering[DeviceSession, B],
        *,
        says: str,
        query: tuple[Query, ...] = (),
    ) -> Route:
        """A paired phone whose PIN was typed; the session says whose it is, and the handler asks nobody else."""
        who = self._phone if method == "GET" else self._phone_with_token
        return self._route(method, path, handler, Access.PHONE, who, says, query)

    def approver[B](self, method: str, path: str, handler: _Answering[Pubkey, B], *, says: str) -> Route:
        """An approver of the community who signed the request."""
        return self._route(method, path, handler, Access.APPROVER, self._approver, says, ())

    def auditor[B](
        self,
        path: str,
        handler: _Answering[Session, B],
        *,
        says: str,
        query: tuple[Query, ...] = (),
        scope: Scope | None = None,
    ) -> Route:
        """An auditor, a verifier or an admin who is signed in, to read; with a ``scope`` a program, too."""
        return self._route(
            "GET", path, handler, Access.AUDITOR, self._or_program(self._reader, scope), says, query, scope
        )

    def meters[B](
        self,
        path: str,
        handler: _Answering[Session, B],
        *,
        says: str,
        query: tuple[Query, ...] = (),
        scope: Scope | None = None,
    ) -> Route:
        """Whoever is signed in, to read what an installer needs; with a ``scope`` as `auditor`."""
        return self._route(
            "GET", path, handler, Access.METERS, self._or_program(self._member, scope), says, query, scope
        )

    def installer[B](self, path: str, handler: _Answering[Session, B], *, says: str) -> Route:
        """An installer or an admin who is signed in, to enrol a meter."""
        return self._route("POST", path, handler, Access.INSTALLER, self._installer, says, ())

    def admin[B](self, path: str, handler: _Answering[Session, B], *, says: str) -> Route:
        """An admin who is signed in, to change something."""
        return self._route("POST", path, handler, Access.ADMIN, self._admin, says, ())

    def session[B](self, method: str, path: str, handler: _Answering[Session, B], *, says: str) -> Route:
        """Whoever is signed in, about the session itself."""
        who = self._session if method == "GET" else self._session_with_token
        return self._route(method, path, handler, Access.SESSION, who, says, ())

    def visitor[B](self, path: str, handler: _Answering[Session | None, B], *, says: str) -> Route:
        """Anybody, to read; the handler is told who is signed in, or None."""
        return self._route("GET", path, handler, Access.PUBLIC, self._session_if_any, says, ())

    async def is_signed_in(self, request: web.Request) -> bool:
        """Whether the session of a request still lasts: a WebSocket outlives the look at its door."""
        return await self._current(request) is not None

    def address(self, request: web.Request) -> str:
        """Return where a request comes from."""
        return address_of(request, self._trusted_proxies)

    def _route(
        self,
        method: str,
        path: str,
        handler: Callable[[Call[Any, Any]], Awaitable[object]],
        access: Access,
        who: Callable[[web.Request], Awaitable[Any]],
        says: str,
        query: tuple[Query, ...],
        scope: Scope | None = None,
    ) -> Route:
        hints = get_type_hints(handler)
        answer = hints.pop("return")
        (call,) = hints.values()
        _, body = get_args(call)
        body = None if body is type(None) else body
        is_stream = isinstance(answer, type) and issubclass(answer, web.StreamResponse)

        async def serve(request: web.Request) -> web.StreamResponse:
            self._addresses.take(self.address(request))
            await self._arrived(request)
            caller = await who(request)

            async def answer() -> web.StreamResponse:
                taken = await _taken(request, body)
                answered = await handler(Call(request, caller, taken))
                if isinstance(answered, web.StreamResponse):
                    return answered
                return json_response(answered) if method != "GET" else _unless_known(request, answered)

            name = _name_of(caller)
            if method == "GET" or name is None or self._idempotency is None:
                return await answer()
            return await self._idempotency.answer(request, name, answer)

        return Route(
            method=method,
            path=path,
            handler=serve,
            access=access,
            says=says,
            body=body,
            answer=None if is_stream else answer,
            query=query,
            scope=scope,
        )

    async def _arrived(self, request: web.Request) -> None:
        """Wait until all of a request's body is here, which everything after this reads at once."""
        if request.body_exists:
            try:
                async with asyncio.timeout(self._patience_seconds):
                    await request.read()
            except TimeoutError:
                reason = f"the body did not come within {self._patience_seconds} s"
                raise web.HTTPRequestTimeout(reason=reason) from None

    async def _signer(self, request: web.Request) -> bytes:
        now = int(self._clock().timestamp())
        header = request.headers.get(HEADER, "")
        if not header.isascii():
            raise RequestError(f"the {HEADER} header is plain ASCII")
        signed = verify_request(header, request.method, request.path_qs, await request.read(), now=now)
        if signed.at < self._up_since:
            raise RestartedError("the hub started after this request was signed; sign it anew")
        self._nonces.claim(signed.signer, signed.nonce, now)
        self._keys.take(signed.signer)
        return signed.signer

    async def _phone(self, request: web.Request) -> DeviceSession:
        token, now = request.cookies.get(PHONE_COOKIE, ""), utc_now()
        found = None
        if token.isascii():
            found = await self._database.read(lambda c: find_device_session(c, self._community_id, token, now))
        if found is None:
            raise web.HTTPUnauthorized(reason="type your PIN first")
        self._keys.take(found.key)
        if found.is_to_be_noted(now):
            await self._database.write(lambda c: note_device_use(c, found.key, now))
        return found

    async def _phone_with_token(self, request: web.Request) -> DeviceSession:
        session = await self._phone(request)
        _check_token(request, session.csrf)
        return session

    async def _approver(self, request: web.Request) -> Pubkey:
        key = Pubkey.from_bytes(await self._signer(request))
        if key not in await self._database.read(self._approvers):
            raise PermissionError("this key is no approver of the community")
        return key

    async def _session(self, request: web.Request) -> Session:
        session = await self._session_if_any(request)
        if session is None:
            raise web.HTTPUnauthorized(reason="sign in first")
        return session

    async def _session_if_any(self, request: web.Request) -> Session | None:
        session = await self._current(request)
        if session is not None and session.is_to_be_noted(now := utc_now()):
            await self._database.write(lambda c: note_use(c, session.id, now))
        return session

    async def _member(self, request: web.Request) -> Session:
        return await self._with_both_factors(await self._session(request))

    def _or_program(
        self, person: Callable[[web.Request], Awaitable[Session]], scope: Scope | None
    ) -> Callable[[web.Request], Awaitable[Session]]:
        async def who(request: web.Request) -> Session:
            if scope is not None and self._tokens is not None and "Authorization" in request.headers:
                return await self._program(request, self._tokens, scope)
            return await person(request)

        return who

    async def _reader(self, request: web.Request) -> Session:
        session = await self._session(request)
        if session.role == "installer":
            raise web.HTTPForbidden(reason=f"an installer enrols meters only, and {session.user} is one")
        return await self._with_both_factors(session)

    async def _installer(self, request: web.Request) -> Session:
        session = await self._session_with_token(request)
        if session.role not in {"admin", "installer"}:
            raise web.HTTPForbidden(
                reason=f"only an installer or an admin may do this, and {session.user} is {_a(session.role)}"
            )
        return await self._with_both_factors(session)

    async def _with_both_factors(self, session: Session) -> Session:
        if (
            self._needs_second_factor
            and not session.by_passkey
            and not await self._database.read(lambda c: is_confirmed(c, session.user))
        ):
            raise web.HTTPForbidden(reason="this hub asks for a second factor; set yours up first")
        return session

    async def _program(self, request: web.Request, tokens: ApiTokens, scope: Scope) -> Session:
        kind, _, token = request.headers["Authorization"].partition(" ")
        if kind.lower() != "bearer":
            raise TokenRefused("the Authorization header is 'Bearer' and a token of this hub")
        token_id, now = tokens.claimed(token.strip()), utc_now()
        return await self._database.read(lambda c: tokens.find(c, token_id, scope, now))

    async def _session_with_token(self, request: web.Request) -> Session:
        session = await self._session(request)
        _check_token(request, session.csrf)
        return session

    async def _admin(self, request: web.Request) -> Session:
        session = await self._session_with_token(request)
        if session.role != "admin":
            raise web.HTTPForbidden(reason=f"only an admin may do this, and {session.user} is {_a(session.role)}")
        return await self._with_both_factors(session)

    async def _current(self, request: web.Request) -> Session | None:
        token, now = request.cookies.get(COOKIE, ""), utc_now()
        if not token.isascii():
            return None
        return await self._database.read(lambda c: find_session(c, self._users, token, now))


def _check_token(request: web.Request, expected: str) -> None:
    csrf = request.headers.get("X-CSRF-Token", "")
    if not (csrf.isascii() and hmac.compare_digest(csrf, expected)):
        raise web.HTTPForbidden(reason="the X-CSRF-Token header is not this session's")


async def _taken(request: web.Request, body: Any) -> Any:
    """Return what a request brings: nothing, the bytes of a file, or what its JSON says."""
    if body is None:
        return None
    sent = await request.read()
    return sent if body is bytes else msgspec.json.decode(sent, type=body)


def _a(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"


async def _nobody(_request: web.Request) -> None:
    return None


def _name_of(caller: object) -> str | None:
    """Return under which name the answers to a caller's changes are kept; None for who has no name."""
    match caller:
        case Session():
            return f"user {caller.user}"
        case DeviceSession():
            return f"phone {caller.device_id}"
        case bytes():
            return f"key {caller.hex()}"
        case Pubkey():
            return f"approver {caller}"
        case _:
            return None


def _unless_known(request: web.Request, value: object) -> web.Response:
    """Return ``value`` as JSON with its entity tag (RFC 9110), or 304 to who has it already."""
    response = json_response(value)
    assert isinstance(response.body, bytes)
    tag = hashlib.sha256(response.body).hexdigest()[:32]
    response.etag = tag
    response.headers["Cache-Control"] = "private, no-cache"
    known = request.if_none_match or ()
    if any(one.value in {tag, "*"} for one in known):
        return web.Response(
            status=304, headers={"ETag": response.headers["ETag"], "Cache-Control": "private, no-cache"}
        )
    return response
