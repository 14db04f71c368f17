"""Two communities side by side: what opens a door of one opens none of the other."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import unused_port
from energy_swap_hub.config import HubConfig
from energy_swap_protocol.message import StandingOrder, sign_message
from yarl import URL

from tests.hub.village import community, no_daraja

from .conftest import API, CONSOLE, Hub, Person, hub_with, problem_of
from .phones import Gateway, Phone
from .test_signed_requests import approver

OTHER = "kisumu"
OTHER_API = f"/api/v1/communities/{OTHER}"


@pytest.fixture
async def other(config: HubConfig, tmp_path: Path) -> AsyncIterator[Hub]:
    """Another community's hub: the same people sign in, and the same approvers decide, but nobody lives there."""
    (tmp_path / "other").mkdir(mode=0o700)
    port = unused_port()
    there = msgspec.structs.replace(
        config,
        data=tmp_path / "other",
        community=community(id=OTHER, name="Kisumu"),
        port=port,
        daraja=no_daraja(port, tmp_path / "daraja.pem"),
    )
    async with hub_with(there) as made:
        yield made


async def test_keys_and_what_they_signed_for_one_are_worth_nothing_in_the_other(hub: Hub, other: Hub) -> None:
    amina = hub.homes[0].key
    for path in ("/household", "/household/notifications", "/household/statement", "/household/invoices"):
        assert (await hub.signed(amina, "GET", path)).status == 200, path
        target = f"{OTHER_API}{path}"
        true = await other.session.get(target, headers=hub.header(amina, "GET", target))
        assert (true.status, (await problem_of(true))["code"]) == (403, "not_admitted"), path
        # A signature that was made for one community says nothing in the other.
        captured = hub.header(amina, "GET", f"{API}{path}")
        moved = await other.session.get(target, headers=captured)
        assert (moved.status, (await problem_of(moved))["code"]) == (401, "bad_signature"), path
        nowhere = await other.session.get(f"{API}{path}", headers=captured)
        assert (nowhere.status, (await problem_of(nowhere))["code"]) == (404, "not_found"), path

    envelope = msgspec.json.encode(sign_message(StandingOrder(**hub.head(), sell_at_least=901), amina))
    refused = await other.session.post(f"{OTHER_API}/messages", data=envelope)
    assert refused.status in {400, 403, 409}, await refused.text()
    await problem_of(refused)
    assert (await hub.session.post(f"{API}/messages", data=envelope)).status == 200, "it was a true one"

    headers = hub.header(approver(0), "GET", f"{API}/proposals")
    assert (await other.session.get(f"{OTHER_API}/proposals", headers=headers)).status == 401
    assert (await hub.session.get(f"{API}/proposals", headers=headers)).status == 200
    assert hub.config.community.approvers == other.config.community.approvers, "who decides in both signs for each"


async def test_sessions_tokens_and_phones_of_one_open_nothing_in_the_other(
    app_hub: Hub, other: Hub, gateway: Gateway
) -> None:
    office = await app_hub.admin()
    wish = {"name": "Utility's report", "scopes": ["market"], "days": 30}
    token = (await (await office.post("/tokens", wish)).json())["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await app_hub.session.get(f"{CONSOLE}/market", headers=bearer)).status == 200
    refused = await other.session.get(f"{CONSOLE}/market", headers=bearer)
    assert (refused.status, (await problem_of(refused))["code"]) == (401, "bad_token")

    thief = with_cookies_of(office, other)
    assert (await thief.get("/overview")).status == 401
    assert (await thief.post("/chain/pause", {"reason": "mischief"})).status == 401
    there = await other.admin()
    assert (await there.post("/sign-out", {}, csrf=office.csrf)).status == 403
    assert (await there.get("/households/h-001")).status == 404, "it lives in the other"
    assert (await office.get("/households/h-001")).status == 200

    phone = Phone.new(app_hub.url, app_hub.now)
    try:
        await phone.pair(app_hub.homes[0].phone, gateway)
        other_thief = with_cookies_of(Person(phone.session, phone.csrf), other)
        for path in ("/home", "/statement", "/orders"):
            assert (await phone.get(path)).status == 200, path
            assert (await other_thief.session.get(f"/api/v1/app{path}")).status == 401, path
    finally:
        await phone.session.close()


def with_cookies_of(person: Person, hub: Hub) -> Person:
    """Return somebody at ``hub`` who has the cookies that ``person`` was given elsewhere."""
    thief = hub.person()
    thief.session.cookie_jar.update_cookies(
        {one.key: one.value for one in person.session.cookie_jar}, URL(hub.url)
    )
    thief.csrf = person.csrf
    return thief
