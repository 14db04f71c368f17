"""Programs read with tokens: only what their scopes name, only while they last, and never change anything."""

from typing import Any

import jwt
import pytest
from aiohttp import ClientResponse

from .conftest import CONSOLE, NOT_AN_ADMIN, Hub, Person, problem_of

ASKED = {"name": "Utility's report", "scopes": ["market", "ledger"], "days": 30}


async def made(admin: Person, **wish: Any) -> dict[str, str]:
    answer = await admin.post("/tokens", ASKED | wish)
    assert answer.status == 200, await answer.text()
    token: dict[str, str] = await answer.json()
    return token


async def read(hub: Hub, token: str, path: str) -> ClientResponse:
    return await hub.session.get(f"{CONSOLE}{path}", headers={"Authorization": f"Bearer {token}"})


async def test_a_program_reads_what_its_scopes_name_and_nothing_else(hub: Hub) -> None:
    token = (await made(await hub.admin()))["token"]
    assert (await read(hub, token, "/market")).status == 200
    assert (await read(hub, token, "/ledger/trial-balance")).status == 200
    refused = await read(hub, token, "/households")
    assert refused.status == 403
    assert (await problem_of(refused))["detail"] == "this token is for ledger market, and this needs households"
    # Tokens themselves, and every change, are for people.
    assert (await read(hub, token, "/tokens")).status == 401
    change = await hub.session.post(
        f"{CONSOLE}/chain/pause", json={"reason": "why"}, headers={"Authorization": f"Bearer {token}"}
    )
    assert change.status == 401


async def test_a_revoked_token_counts_no_more(hub: Hub) -> None:
    admin = await hub.admin()
    token = await made(admin)
    assert (await admin.post(f"/tokens/{token['id']}/revoke", None)).status == 200
    refused = await read(hub, token["token"], "/market")
    assert (refused.status, (await problem_of(refused))["code"]) == (401, "bad_token")
    assert (await admin.post(f"/tokens/{token['id']}/revoke", None)).status == 404
    [listed] = (await (await admin.get("/tokens")).json())["tokens"]
    assert listed["revoked_at"] >= listed["made_at"]
    acts = (await (await admin.get("/audit")).json())["acts"]
    assert [act["what"] for act in acts if act["subject"] == token["id"]] == [
        "revoked a token",
        "made a token for Utility's report to read ledger, market",
    ]


@pytest.mark.parametrize("header", ["Bearer ", "Bearer x.y.z", "Basic abc", "Bearer \u00e9"])
async def test_what_is_no_token_is_refused(hub: Hub, header: str) -> None:
    answer = await hub.session.get(f"{CONSOLE}/market", headers={"Authorization": header})
    assert (answer.status, (await problem_of(answer))["code"]) == (401, "bad_token")


async def test_a_forged_or_altered_token_is_refused(hub: Hub) -> None:
    token = (await made(await hub.admin()))["token"]
    claims = jwt.decode(token, options={"verify_signature": False}) | {"scope": "households"}
    for forged in (
        jwt.encode(claims, "another key of thirty-two bytes.", algorithm="HS256"),
        jwt.encode(claims, "", algorithm="none"),
    ):
        assert (await read(hub, forged, "/households")).status == 401
    # What it may read is what the hub wrote down, so even a true signature over other claims opens nothing more.
    assert (await read(hub, token, "/households")).status == 403


async def test_only_an_admin_makes_tokens(hub: Hub) -> None:
    auditor = hub.person()
    await auditor.sign_in("regulator")
    assert (await problem_of(await auditor.post("/tokens", ASKED)))["detail"] == NOT_AN_ADMIN
    assert (await (await auditor.get("/tokens")).json()) == {"tokens": []}


@pytest.mark.parametrize(
    "wish", [{"scopes": []}, {"scopes": ["everything"]}, {"days": 0}, {"days": 367}, {"name": ""}]
)
async def test_a_token_that_makes_no_sense_is_refused(hub: Hub, wish: dict[str, Any]) -> None:
    answer = await (await hub.admin()).post("/tokens", ASKED | wish)
    problem = await problem_of(answer)
    assert (answer.status, next(iter(wish)) in problem["detail"]) == (422, True), problem
