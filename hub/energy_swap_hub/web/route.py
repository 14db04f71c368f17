"""What a route is: who may call it, what it takes and answers; aiohttp and OpenAPI are both made from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aiohttp import web

from .problem import Handler
from .tokens import Scope


class Access(StrEnum):
    """Who may call a route."""

    PUBLIC = "public"  # anybody
    ENVELOPE = "envelope"  # anybody; the body is signed by whom it speaks for
    HOUSEHOLD = "household"  # a request signed with a household's key
    DEVICE = "device"  # a request signed with a phone's own key, paired or about to be
    PHONE = "phone"  # a paired phone whose PIN was typed; what changes something needs the session's token too
    APPROVER = "approver"  # a request signed with an approver's key
    SESSION = "session"  # whoever is signed in; what changes only the session needs its token too
    AUDITOR = "auditor"  # an auditor, a verifier or an admin who is signed in; such a route changes nothing
    METERS = "meters"  # whoever is signed in, an installer too; such a route changes nothing
    INSTALLER = "installer"  # an installer or an admin who is signed in, with the session's token
    ADMIN = "admin"  # an admin who is signed in, with the session's token


@dataclass(frozen=True, slots=True)
class Query:
    """A value that a route takes from the query of its address."""

    name: str
    says: str
    type: type = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route; ``handler`` has its door in front, and ``says`` is one sentence for people.

    ``body`` and ``answer`` are types that msgspec knows; ``body`` is None without one, and ``answer`` is None when
    the route answers with a stream or a file. ``scope`` is what a program's token needs to come in too.
    """

    method: str
    path: str
    handler: Handler
    access: Access
    says: str
    body: Any = None
    answer: Any = None
    query: tuple[Query, ...] = ()
    scope: Scope | None = None


def route_definitions(routes: Iterable[Route]) -> list[web.RouteDef]:
    """Return the routes as aiohttp takes them."""
    return [web.route(route.method, route.path, route.handler) for route in routes]
