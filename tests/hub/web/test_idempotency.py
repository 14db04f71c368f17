"""A change that is sent again with its key is done once; what is read again unchanged is not sent again."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from energy_swap_hub.membership.seal import Seal
from energy_swap_hub.storage import Database
from energy_swap_hub.web.idempotency import Idempotency
from energy_swap_hub.web.problem import problems

from tests.hub.village import OPENED

from .conftest import CONSOLE, Hub, Person, problem_of
from .test_access import filled

TOKEN = {"name": "Utility's report", "scopes": ["market"], "days": 30}


async def post(person: Person, path: str, body: Any, key: str) -> ClientResponse:
    headers = {"X-CSRF-Token": person.csrf, "Idempotency-Key": key}
    return await person.session.post(f"{CONSOLE}{path}", json=body, headers=headers)


async def tokens(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await (await person.get("/tokens")).json())["tokens"]
    return found


async def test_a_change_sent_again_with_its_key_is_done_once_and_answered_alike(hub: Hub) -> None:
    admin, key = await hub.admin(), str(uuid4())
    first = await post(admin, "/tokens", TOKEN, key)
    again = await post(admin, "/tokens", TOKEN, key)
    assert (await first.json()) == (await again.json())
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert len(await tokens(admin)) == 1
    assert (await post(admin, "/tokens", TOKEN, str(uuid4()))).status == 200
    assert len(await tokens(admin)) == 2


async def test_two_at_once_are_one(hub: Hub) -> None:
    admin, key = await hub.admin(), str(uuid4())
    answers = await asyncio.gather(*(post(admin, "/tokens", TOKEN, key) for _ in range(5)))
    assert {answer.status for answer in answers} <= {200, 409}
    assert len(await tokens(admin)) == 1


async def test_a_key_stands_for_one_request_of_one_person(hub: Hub) -> None:
    admin, key = await hub.admin(), str(uuid4())
    assert (await post(admin, "/tokens", TOKEN, key)).status == 200
    other = await post(admin, "/tokens", TOKEN | {"days": 31}, key)
    assert (other.status, (await problem_of(other))["code"]) == (409, "conflict")
    auditor = hub.person()
    await auditor.sign_in("regulator")
    assert (await post(auditor, "/second-factor", None, key)).status == 200  # the auditor's own key


async def test_a_refusal_did_nothing_and_leaves_the_key_free(hub: Hub) -> None:
    admin, key = await hub.admin(), str(uuid4())
    assert (await post(admin, "/tokens", TOKEN | {"days": 0}, key)).status == 422
    assert (await post(admin, "/tokens", TOKEN, key)).status == 200


async def test_what_broke_off_is_not_done_again() -> None:
    database, done = Database.open(None), list[str]()
    idempotency = Idempotency(database, lambda: OPENED, Seal(b"s" * 32, b"kept-answer"))

    async def change() -> web.StreamResponse:
        done.append("half")
        raise RuntimeError("the disk is gone")

    async def serve(request: web.Request) -> web.StreamResponse:
        return await idempotency.answer(request, "user office", change)

    app = web.Application(middlewares=[problems])
    app.router.add_post("/", serve)
    async with TestClient(TestServer(app)) as client:
        statuses = [(await client.post("/", headers={"Idempotency-Key": "one"})).status for _ in range(3)]
    await database.close()
    assert statuses == [500, 409, 409]
    assert done == ["half"]


async def test_a_file_is_answered_again_as_the_file_it_was() -> None:
    database = Database.open(None)
    idempotency = Idempotency(database, lambda: OPENED, Seal(b"s" * 32, b"kept-answer"))

    async def change() -> web.StreamResponse:
        return web.Response(body=b"a;b\n\xff", content_type="text/csv")

    async def serve(request: web.Request) -> web.StreamResponse:
        return await idempotency.answer(request, "user office", change)

    app = web.Application(middlewares=[problems])
    app.router.add_post("/", serve)
    async with TestClient(TestServer(app)) as client:
        answers = [await client.post("/", headers={"Idempotency-Key": "one"}) for _ in range(2)]
        assert {(answer.content_type, await answer.read()) for answer in answers} == {("text/csv", b"a;b\n\xff")}
        assert answers[1].headers["Idempotency-Replayed"] == "true"
    await database.close()


@pytest.mark.parametrize("key", ["", "x" * 201, "caf\u00e9"])
async def test_what_is_no_key_is_refused(hub: Hub, key: str) -> None:
    refused = await post(await hub.admin(), "/tokens", TOKEN, key)
    assert (refused.status, "Idempotency-Key" in (await problem_of(refused))["detail"]) == (422, True)


async def test_what_did_not_change_is_not_sent_again(hub: Hub) -> None:
    admin = await hub.admin()
    first = await admin.get("/households")
    tag = first.headers["ETag"]
    again = await admin.session.get(f"{CONSOLE}/households", headers={"If-None-Match": tag})
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["ETag"] == tag
    other = await admin.session.get(f"{CONSOLE}/households", headers={"If-None-Match": '"old"'})
    assert other.status == 200


async def test_every_answer_in_json_has_a_tag_that_spares_sending_it_again(hub: Hub) -> None:
    admin = await hub.admin()
    paths = (await (await hub.session.get("/api/v1/openapi.json")).json())["paths"]
    tags: dict[str, str | None] = {}
    for path, operations in paths.items():
        if not path.startswith(CONSOLE) or "get" not in operations or path.endswith("/live"):
            continue
        first = await admin.get(filled(path).removeprefix(CONSOLE))
        is_file = "Content-Disposition" in first.headers  # to be saved, and made anew each time
        if first.status != 200 or first.content_type != "application/json" or is_file:
            continue
        tags[path] = first.headers.get("ETag")
    assert [path for path, tag in tags.items() if tag is None] == []
    assert len(tags) > 20


async def test_a_change_has_a_tag_of_its_own(hub: Hub) -> None:
    admin = await hub.admin()
    tag = (await admin.get("/tokens")).headers["ETag"]
    assert (await admin.post("/tokens", TOKEN)).status == 200
    after = await admin.session.get(f"{CONSOLE}/tokens", headers={"If-None-Match": tag})
    assert (after.status, after.headers["ETag"] != tag) == (200, True)
    assert len((await after.json())["tokens"]) == 1
