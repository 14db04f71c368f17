"""Second factors and lasting sessions, as a person at a browser meets them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pyotp
import pytest
from aiohttp import ClientSession
from energy_swap_hub.config import HubConfig
from energy_swap_hub.hub import running_hub
from energy_swap_hub.people_command import forget_second_factor
from energy_swap_hub.web.doors import COOKIE
from yarl import URL

from .conftest import CONSOLE, PASSWORD, Hub, Person, clock, problem_of


async def sign_in(person: Person, code: str | None = None) -> tuple[int, str]:
    """Sign in as the office; return the status and the problem's code."""
    body = {"user": "office", "password": PASSWORD} | ({} if code is None else {"code": code})
    answer = await person.session.post(f"{CONSOLE}/sign-in", json=body)
    if answer.status == 200:
        person.csrf = (await answer.json())["csrf"]
        return 200, ""
    return answer.status, (await problem_of(answer))["code"]


def app_of(secret: str) -> pyotp.TOTP:
    return pyotp.TOTP(secret)


class Now:
    """The time at which people sign in: near the real one, and standing still."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC).replace(second=15, microsecond=0)

    def __call__(self) -> datetime:
        return self.at

    def code(self, app: pyotp.TOTP, steps: int = 0) -> str:
        """Return the app's code of now, or of some steps of 30 seconds later."""
        return app.at(self.at + steps * timedelta(seconds=30))


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    now = Now()
    monkeypatch.setattr("energy_swap_hub.web.session_api.utc_now", now)
    return now


async def test_with_a_second_factor_the_password_alone_opens_nothing(hub: Hub, now: Now) -> None:
    admin = await hub.admin()
    assert not (await (await admin.get("/session")).json())["second_factor"]
    begun = await (await admin.post("/second-factor", {})).json()
    app = app_of(begun["secret"])
    assert (await admin.post("/second-factor/confirm", {"code": "12345"})).status == 422
    assert (await admin.post("/second-factor/confirm", {"code": now.code(app, -1)})).status == 200
    assert (await (await admin.get("/session")).json())["second_factor"]

    person = hub.person()
    assert await sign_in(person) == (401, "code_needed")
    assert (await person.get("/overview")).status == 401
    assert await sign_in(person, now.code(app, -9)) == (401, "code_wrong")
    code = now.code(app)
    assert await sign_in(person, code) == (200, "")
    assert await sign_in(hub.person(), code) == (401, "code_wrong")

    assert (await person.post("/second-factor/remove", {"code": code})).status == 401
    assert (await person.post("/second-factor/remove", {"code": now.code(app, 1)})).status == 200
    assert await sign_in(hub.person()) == (200, "")


async def test_wrong_codes_lock_out_like_wrong_passwords(hub: Hub, now: Now) -> None:
    admin = await hub.admin()
    app = app_of((await (await admin.post("/second-factor", {})).json())["secret"])
    assert (await admin.post("/second-factor/confirm", {"code": now.code(app)})).status == 200
    person = hub.person()
    for _ in range(5):
        assert await sign_in(person, now.code(app, -9)) == (401, "code_wrong")
    assert await sign_in(person, now.code(app, 1)) == (429, "too_many_tries")


async def test_a_person_sees_the_own_sessions_and_ends_one(hub: Hub) -> None:
    first, second, auditor = await hub.admin(), await hub.admin(), hub.person()
    await auditor.sign_in("regulator")
    listed = (await (await second.get("/sessions")).json())["sessions"]
    assert len(listed) == 2
    (other,) = (session["id"] for session in listed if not session["is_this"])
    assert (await auditor.post(f"/sessions/{other}/end", {})).status == 404
    assert (await second.post(f"/sessions/{other}/end", {})).status == 200
    assert (await first.get("/overview")).status == 401
    assert (await second.get("/overview")).status == 200


@pytest.fixture
async def strict(config: HubConfig) -> AsyncIterator[Hub]:
    """A hub that asks everybody for a second factor."""
    url = f"http://127.0.0.1:{config.port}"
    asked = msgspec.structs.replace(config, second_factor="required")
    async with running_hub(asked, clock), ClientSession(url) as session:
        made = Hub(url, asked, session)
        yield made
        await made.close()


async def test_where_it_is_required_nothing_is_seen_without_a_second_factor(strict: Hub, now: Now) -> None:
    admin = await strict.admin()
    for answer in (await admin.get("/overview"), await admin.post("/reviews/1/resolve", {"note": "x"})):
        assert answer.status == 403
        assert "second factor" in (await problem_of(answer))["detail"]
    app = app_of((await (await admin.post("/second-factor", {})).json())["secret"])
    assert (await admin.post("/second-factor/confirm", {"code": now.code(app)})).status == 200
    assert (await admin.get("/overview")).status == 200


def test_an_operator_lets_a_person_in_who_lost_the_phone(config: HubConfig, now: Now) -> None:
    async def set_up() -> None:
        async with running_hub(config, clock), ClientSession(f"http://127.0.0.1:{config.port}") as session:
            made = Hub(f"http://127.0.0.1:{config.port}", config, session)
            admin = await made.admin()
            app = app_of((await (await admin.post("/second-factor", {})).json())["secret"])
            assert (await admin.post("/second-factor/confirm", {"code": now.code(app)})).status == 200
            await made.close()

    async def signs_in() -> tuple[int, str]:
        async with running_hub(config, clock), ClientSession(f"http://127.0.0.1:{config.port}") as session:
            made = Hub(f"http://127.0.0.1:{config.port}", config, session)
            answer = await sign_in(made.person())
            await made.close()
            return answer

    asyncio.run(set_up())
    assert asyncio.run(signs_in()) == (401, "code_needed")
    with pytest.raises(LookupError, match="no user 'offfice'"):
        forget_second_factor(config, "offfice", clock)
    assert forget_second_factor(config, "office", clock)
    assert not forget_second_factor(config, "office", clock)
    assert asyncio.run(signs_in()) == (200, "")


async def test_a_session_that_was_planted_before_the_sign_in_is_never_the_one_after_it(hub: Hub) -> None:
    attacker = await hub.admin()
    ended = next(one.value for one in attacker.session.cookie_jar if one.key == COOKIE)
    await attacker.post("/sign-out", {})
    for planted in (ended, "chosen-by-the-attacker", "A" * 43):
        victim = hub.person()
        victim.session.cookie_jar.update_cookies({COOKIE: planted}, URL(hub.url))
        assert (await victim.get("/overview")).status == 401
        assert (await victim.sign_in("office")).status == 200
        given = next(one.value for one in victim.session.cookie_jar if one.key == COOKIE)
        assert given != planted
        assert (await victim.get("/overview")).status == 200
        thief = hub.person()
        thief.session.cookie_jar.update_cookies({COOKIE: planted}, URL(hub.url))
        assert (await thief.get("/overview")).status == 401


async def test_signing_in_again_gives_another_session_than_the_one_that_was_there(hub: Hub) -> None:
    person = await hub.admin()
    before = next(one.value for one in person.session.cookie_jar if one.key == COOKIE)
    assert (await person.sign_in("regulator")).status == 200
    after = next(one.value for one in person.session.cookie_jar if one.key == COOKIE)
    assert after != before
