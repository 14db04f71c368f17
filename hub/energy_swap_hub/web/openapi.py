"""The OpenAPI 3.1 description of the API, made from the routes themselves."""

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

import msgspec

from .route import Access, Query, Route

_REFERENCE: Final = "#/components/schemas/{name}"
_PROBLEM: Final = "application/problem+json"
_SIGNED: Final[list[dict[str, list[str]]]] = [{"signedRequest": []}]
_SECURITY: Final[dict[Access, list[dict[str, list[str]]]]] = {
    Access.PUBLIC: [],
    Access.ENVELOPE: [],
    Access.HOUSEHOLD: _SIGNED,
    Access.DEVICE: _SIGNED,
    Access.PHONE: [{"phone": []}],
    Access.APPROVER: _SIGNED,
    Access.AUDITOR: [{"session": []}],
    Access.METERS: [{"session": []}],
    Access.INSTALLER: [{"session": [], "csrf": []}],
    Access.SESSION: [{"session": []}],
    Access.ADMIN: [{"session": [], "csrf": []}],
}
_IDEMPOTENT: Final = (Access.HOUSEHOLD, Access.APPROVER, Access.SESSION, Access.ADMIN)
_SCHEMES: Final = {
    "signedRequest": {
        "type": "apiKey",
        "in": "header",
        "name": "Energy-Swap-Signature",
        "description": "key, time, nonce and Ed25519 signature of the request; docs/api.md says how it is made",
    },
    "session": {"type": "apiKey", "in": "cookie", "name": "energy_swap_session"},
    "phone": {"type": "apiKey", "in": "cookie", "name": "energy_swap_phone"},
    "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}


_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "the same key and request again within a day is not done again but answered as the first time",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
}


class Problem(msgspec.Struct, frozen=True):
    """What went wrong, as RFC 9457 says it; ``code`` is for programs, ``detail`` for people.

    ``key`` and ``numbers``, where they are, say the same as ``detail`` to programs that speak another language.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    key: str = ""
    numbers: dict[str, int] = {}


def openapi(routes: Sequence[Route], title: str) -> dict[str, Any]:
    """Return the description of ``routes``."""
    typed = [kind for route in routes for kind in (route.body, route.answer) if kind not in (None, bytes)]
    schemas, components = msgspec.json.schema_components([Problem, *typed], ref_template=_REFERENCE)
    problem, *found = schemas
    schema_of = dict(zip(map(id, typed), found, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operations = paths.setdefault(route.path, {})
        operations[route.method.lower()] = _operation(route, schema_of, problem)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version("energy-swap-hub")},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }


def _operation(route: Route, schema_of: dict[int, dict[str, Any]], problem: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "the answer"}
    if route.answer is not None:
        answer["content"] = {"application/json": {"schema": schema_of[id(route.answer)]}}
    operation: dict[str, Any] = {
        "summary": route.says,
        "operationId": f"{route.method.lower()}{re.sub(r'[^A-Za-z0-9]+', '_', route.path)}",
        "tags": [route.access.value],
        "security": _SECURITY[route.access] + ([] if route.scope is None else [{"token": [route.scope.value]}]),
        "parameters": [_in_path(name) for name in re.findall(r"{(\w+)}", route.path)]
        + [_in_query(query) for query in route.query]
        + ([_IDEMPOTENCY_KEY] if route.method != "GET" and route.access in _IDEMPOTENT else []),
        "responses": {"200": answer, "default": _refusal(problem)},
    }
    if route.body is not None:
        media, schema = (
            ("text/csv", {"type": "string"})
            if route.body is bytes
            else ("application/json", schema_of[id(route.body)])
        )
        operation["requestBody"] = {"required": True, "content": {media: {"schema": schema}}}
    return operation


def _refusal(problem: dict[str, Any]) -> dict[str, Any]:
    return {"description": "what is wrong and what to do", "content": {_PROBLEM: {"schema": problem}}}


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _in_query(query: Query) -> dict[str, Any]:
    kind = "integer" if query.type is int else "string"
    return {"name": query.name, "in": "query", "description": query.says, "schema": {"type": kind}}
