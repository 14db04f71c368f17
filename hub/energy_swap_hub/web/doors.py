"""The doors of the hub: each kind of caller has one, and no route is reached but through its own."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, get_args, get_type_hints

import msgspec
from aiohttp import web
from energy_swap_protocol.message import Envelope
from energy_swap_protocol.request import HEADER, MAX_SKEW_SECONDS, RequestError, verify_request
from solders.pubkey import Pubkey

from energy_swap_hub.config import CommunityConfig, utc_now
from energy_swap_hub.membership.sign_in import Session, SignIn
from energy_swap_hub.storage import Database

from .problem import json_response
from .route import Access, Query, Route

COOKIE: Final = "energy_swap_session"


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


class Doors:
    """Makes routes: the method's name says whom a route lets in.

    What a route takes and answers is read from the annotations of its handler: ``Call[Who, Body]``, and the return
    type. A handler returns a value, which is sent as JSON, or a response of its own.
    """

    def __init__(
        self, database: Database, community: CommunityConfig, clock: Callable[[], datetime], sign_in: SignIn
    ) -> None:
        self._database = database
        self._community = community
        self._clock = clock
        self._sign_in = sign_in
        self._nonces = SeenNonces()

    def public[B](
        self, method: str, path: str, handler: _Answering[None, B], *, says: str, query: tuple[Query, ...] = ()
    ) -> Route:
        """Anybody."""
        return _route(method, path, handler, Access.PUBLIC, _nobody, says, query)

    def envelope(self, path: str, handler: _Answering[None, Envelope], *, says: str) -> Route:
        """Anybody, with a message that is signed by whom it speaks for; the handler looks at the signature."""
        return _route("POST", path, handler, Access.ENVELOPE, _nobody, says, ())

    def household[B](
        self, method: str, path: str, handler: _Answering[bytes, B], *, says: str, query: tuple[Query, ...] = ()
    ) -> Route:
        """Whoever signed the request; the handler is told the public key and finds its household."""
        return _route(method, path, handler, Access.HOUSEHOLD, self._signer, says, query)

    def approver[B](self, method: str, path: str, handler: _Answering[Pubkey, B], *, says: str) -> Route:
        """An approver of the community who signed the request."""
        return _route(method, path, handler, Access.APPROVER, self._approver, says, ())

    def auditor[B](
        self, path: str, handler: _Answering[Session, B], *, says: str, query: tuple[Query, ...] = ()
    ) -> Route:
        """An auditor or an admin who is signed in, to read."""
        return _route("GET", path, handler, Access.AUDITOR, self._session, says, query)

    def admin[B](self, path: str, handler: _Answering[Session, B], *, says: str) -> Route:
        """An admin who is signed in, to change something."""
        return _route("POST", path, handler, Access.ADMIN, self._admin, says, ())

    def session[B](self, method: str, path: str, handler: _Answering[Session, B], *, says: str) -> Route:
        """Whoever is signed in, about the session itself."""
        who = self._session if method == "GET" else self._session_with_token
        return _route(method, path, handler, Access.SESSION, who, says, ())

    async def is_signed_in(self, request: web.Request) -> bool:
        """Whether the session of a request still lasts: a WebSocket outlives the look at its door."""
        return await self._current(request) is not None

    async def _signer(self, request: web.Request) -> bytes:
        now = int(self._clock().timestamp())
        header = request.headers.get(HEADER, "")
        if not header.isascii():
            raise RequestError(f"the {HEADER} header is plain ASCII")
        signer, nonce = verify_request(header, request.method, request.path_qs, await request.read(), now=now)
        self._nonces.claim(signer, nonce, now)
        return signer

    async def _approver(self, request: web.Request) -> Pubkey:
        key = Pubkey.from_bytes(await self._signer(request))
        if str(key) not in self._community.approvers:
            raise PermissionError("this key is no approver of the community")
        return key

    async def _session(self, request: web.Request) -> Session:
        session = await self._current(request)
        if session is None:
            raise web.HTTPUnauthorized(reason="sign in first")
        return session

    async def _session_with_token(self, request: web.Request) -> Session:
        session = await self._session(request)
        csrf = request.headers.get("X-CSRF-Token", "")
        if not (csrf.isascii() and hmac.compare_digest(csrf, session.csrf)):
            raise web.HTTPForbidden(reason="the X-CSRF-Token header is not this session's")
        return session

    async def _admin(self, request: web.Request) -> Session:
        session = await self._session_with_token(request)
        if session.role != "admin":
            raise web.HTTPForbidden(reason=f"only an admin may do this, and {session.user} is an {session.role}")
        return session

    async def _current(self, request: web.Request) -> Session | None:
        token, now = request.cookies.get(COOKIE, ""), utc_now()
        if not token.isascii():
            return None
        return await self._database.read(lambda c: self._sign_in.session(c, token, now))


def _route(
    method: str,
    path: str,
    handler: Callable[[Call[Any, Any]], Awaitable[object]],
    access: Access,
    who: Callable[[web.Request], Awaitable[Any]],
    says: str,
    query: tuple[Query, ...],
) -> Route:
    hints = get_type_hints(handler)
    answer = hints.pop("return")
    (call,) = hints.values()
    _, body = get_args(call)
    body = None if body is type(None) else body
    is_stream = isinstance(answer, type) and issubclass(answer, web.StreamResponse)

    async def serve(request: web.Request) -> web.StreamResponse:
        caller = await who(request)
        taken = await _taken(request, body)
        answered = await handler(Call(request, caller, taken))
        return answered if isinstance(answered, web.StreamResponse) else json_response(answered)

    return Route(
        method=method,
        path=path,
        handler=serve,
        access=access,
        says=says,
        body=body,
        answer=None if is_stream else answer,
        query=query,
    )


async def _taken(request: web.Request, body: Any) -> Any:
    """Return what a request brings: nothing, the bytes of a file, or what its JSON says."""
    if body is None:
        return None
    sent = await request.read()
    return sent if body is bytes else msgspec.json.decode(sent, type=body)


async def _nobody(_request: web.Request) -> None:
    return None
