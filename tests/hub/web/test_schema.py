"""Schemathesis calls every route that the hub describes, with what the description allows and what it does not."""

import asyncio
import contextlib
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import requests
import schemathesis
from energy_swap_hub.config import HubConfig, LimitsConfig
from energy_swap_protocol.request import HEADER, sign_request
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from nacl.signing import SigningKey
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.hub.village import APPROVERS

from .conftest import CONSOLE, PASSWORD, Hub

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 8
# They would end the session that this test calls with, or ask everybody after it for a code.
LEFT_OUT = ("/sign-out", "/second-factor", "/second-factor/confirm", "/second-factor/remove", "/sessions/{id}/end")


@pytest.fixture
async def config(config: HubConfig) -> HubConfig:
    """A hub that takes as many calls as come."""
    return msgspec.structs.replace(config, limits=LimitsConfig(address_per_second=0, key_per_second=0))


class Signed(AuthBase):
    """Signs a request as a household or an approver does."""

    def __init__(self, key: SigningKey, at: int) -> None:
        self._key = key
        self._at = at

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        body = request.body or b""
        sent = body.encode() if isinstance(body, str) else body
        assert request.method is not None
        assert isinstance(sent, bytes), "a stream cannot be signed before it is sent"
        signature = sign_request(
            request.method, request.path_url, sent, key=self._key, nonce=uuid4().hex, at=self._at
        )
        request.headers[HEADER] = signature
        return request


def call_all(hub: Hub, mode: GenerationMode) -> int:
    """Call every route as whom it is for; return how many there were. Runs beside the hub's event loop."""
    admin = requests.Session()
    signed_in = admin.post(
        f"{hub.url}{CONSOLE}/sign-in", json={"user": "office", "password": PASSWORD}, timeout=10
    )
    admin.headers["X-CSRF-Token"] = signed_in.json()["csrf"]
    keys = {"household": hub.homes[0].key, "approver": SigningKey(APPROVERS[0].secret())}
    schema = schemathesis.openapi.from_url(f"{hub.url}/api/v1/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    wanted = [one for one in operations if not one.path.endswith((*LEFT_OUT, "/live", "/events"))]
    called = 0
    for operation in wanted:
        (access,) = operation.definition.raw["tags"]
        auth = Signed(keys[access], hub.now) if access in keys else None
        # A route that takes nothing cannot be called wrongly.
        with contextlib.suppress(Unsatisfiable):
            call_one(operation, mode, admin, auth)
            called += 1
    return called


def call_one(operation: Any, mode: GenerationMode, session: requests.Session, auth: AuthBase | None) -> None:
    """Call one route with some bodies and values."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        case.call_and_validate(session=session, auth=auth, checks=CHECKS, timeout=10)

    call()


@pytest.mark.parametrize(("mode", "at_least"), [(GenerationMode.POSITIVE, 35), (GenerationMode.NEGATIVE, 20)])
async def test_no_route_fails_or_answers_otherwise_than_described(
    hub: Hub, mode: GenerationMode, at_least: int
) -> None:
    assert await asyncio.to_thread(call_all, hub, mode) >= at_least
