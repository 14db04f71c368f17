"""Signing in with a passkey: only with one that was made here, for a challenge of now, at the hub's address."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse, ClientSession
from energy_swap_hub.config import HubConfig
from energy_swap_hub.hub import running_hub

from .authenticator import Authenticator
from .conftest import CONSOLE, Hub, Person, clock, problem_of


@pytest.fixture
async def hub(config: HubConfig) -> AsyncIterator[Hub]:
    """A hub that browsers reach as localhost, and where a password alone is not enough."""
    url = f"http://localhost:{config.port}"
    config = msgspec.structs.replace(config, public_url=url, second_factor="required")
    async with running_hub(config, clock), ClientSession(url) as session:
        made = Hub(url, config, session)
        yield made
        await made.close()


async def begun(person: Person, path: str) -> dict[str, Any]:
    answer = await person.post(f"{path}/begin", None)
    assert answer.status == 200, await answer.text()
    options: dict[str, Any] = await answer.json()
    return options


async def with_passkey(hub: Hub, key: Authenticator) -> Person:
    admin = await hub.admin()
    credential = key.make(await begun(admin, "/passkeys"))
    answer = await admin.post("/passkeys", {"name": "My phone", "credential": credential})
    assert answer.status == 200, await answer.text()
    return admin


async def sign_in(person: Person, key: Authenticator) -> ClientResponse:
    credential = key.sign(await begun(person, "/sign-in/passkey"))
    answer = await person.post("/sign-in/passkey", {"credential": credential})
    if answer.status == 200:
        person.csrf = (await answer.json())["csrf"]
    return answer


async def test_a_passkey_opens_the_hub_without_password_and_is_both_factors(hub: Hub) -> None:
    key = Authenticator(hub.url)
    admin = await with_passkey(hub, key)
    assert (await admin.get("/overview")).status == 403  # the password was one factor
    again = hub.person()
    assert (await (await sign_in(again, key)).json())["user"] == "office"
    assert (await again.get("/overview")).status == 200
    [listed] = (await (await again.get("/passkeys")).json())["passkeys"]
    assert (listed["name"], listed["used_at"] >= listed["made_at"]) == ("My phone", True)
    acts = (await (await again.get("/audit")).json())["acts"]
    assert [act["what"] for act in acts[:2]] == ["signed in with a passkey", "made the passkey My phone"]


async def test_a_removed_passkey_opens_nothing(hub: Hub) -> None:
    key = Authenticator(hub.url)
    admin = await with_passkey(hub, key)
    [listed] = (await (await admin.get("/passkeys")).json())["passkeys"]
    auditor = hub.person()
    await auditor.sign_in("regulator")
    assert (await auditor.post(f"/passkeys/{listed['id']}/remove", None)).status == 404  # it is another's
    assert (await admin.post(f"/passkeys/{listed['id']}/remove", None)).status == 200
    await refused(await sign_in(hub.person(), key), "does not know this passkey")


async def test_what_another_page_asked_for_opens_nothing(hub: Hub) -> None:
    key = Authenticator(hub.url)
    await with_passkey(hub, key)
    await refused(await sign_in(hub.person(), replace(key, origin="https://energy-swap.example")), "origin")


async def test_a_device_that_asked_for_no_finger_opens_nothing(hub: Hub) -> None:
    key = Authenticator(hub.url)
    await with_passkey(hub, key)
    await refused(await sign_in(hub.person(), replace(key, is_verified=False)), "verif")


async def test_what_another_key_signed_opens_nothing(hub: Hub) -> None:
    key = Authenticator(hub.url)
    await with_passkey(hub, key)
    await refused(await sign_in(hub.person(), Authenticator(hub.url, id=key.id)), "signature")


async def test_an_answer_is_taken_once(hub: Hub) -> None:
    key, person = Authenticator(hub.url), hub.person()
    await with_passkey(hub, key)
    credential = key.sign(await begun(person, "/sign-in/passkey"))
    assert (await person.post("/sign-in/passkey", {"credential": credential})).status == 200
    await refused(await hub.person().post("/sign-in/passkey", {"credential": credential}), "begin again")


async def test_a_copied_device_is_noticed(hub: Hub) -> None:
    key = Authenticator(hub.url, counter=5)
    await with_passkey(hub, key)
    assert (await sign_in(hub.person(), replace(key, counter=6))).status == 200
    await refused(await sign_in(hub.person(), replace(key, counter=6)), "copied")


async def test_a_passkey_is_made_for_whom_it_was_asked(hub: Hub) -> None:
    admin, auditor, key = await hub.admin(), hub.person(), Authenticator(hub.url)
    await auditor.sign_in("regulator")
    credential = key.make(await begun(admin, "/passkeys"))
    await refused(await auditor.post("/passkeys", {"name": "Mine", "credential": credential}), "begin again")


@pytest.mark.parametrize("credential", [{}, {"id": "a", "rawId": "b"}, {"id": 1, "rawId": 1, "response": []}])
async def test_what_is_no_passkey_is_refused(hub: Hub, credential: dict[str, Any]) -> None:
    await refused(await hub.person().post("/sign-in/passkey", {"credential": credential}), "passkey")


async def refused(answer: ClientResponse, words: str) -> None:
    problem = await problem_of(answer)
    assert (answer.status, problem["code"]) == (401, "passkey_refused")
    assert words in problem["detail"], problem


async def test_without_a_public_address_there_are_none(config: HubConfig) -> None:
    url = f"http://127.0.0.1:{config.port}"
    async with running_hub(config, clock), ClientSession(url) as session:
        hub = Hub(url, config, session)
        admin = await hub.admin()
        assert not (await (await admin.get("/passkeys")).json())["can_make"]
        answer = await admin.post("/passkeys/begin", None)
        assert (answer.status, "public_url" in (await problem_of(answer))["detail"]) == (422, True)
        assert (await session.post(f"{CONSOLE}/sign-in/passkey/begin")).status == 422
        await hub.close()
