"""Every route of the API, called by every kind of caller: only those it is for come in."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import ClientResponse
from energy_swap_hub.membership.device_sessions import open_device_session
from energy_swap_hub.membership.devices import add_device, hash_pin
from energy_swap_hub.storage import Database
from nacl.signing import SigningKey
from sqlalchemy import Connection
from yarl import URL

from tests.hub.village import APPROVERS, VILLAGE

from .conftest import Hub, Person

CALLERS = (
    "nobody",
    "stranger",
    "household",
    "approver",
    "phone",
    "phone without token",
    "auditor",
    "auditor without token",
    "verifier",
    "installer",
    "installer without token",
    "admin",
    "admin without token",
)
SIGNED_IN = set(CALLERS[6:])
# Whom each kind of route lets in. A caller who is let in may still hear that the request makes no sense.
LET_IN = {
    "public": set(CALLERS),
    "envelope": set(CALLERS),
    "household": {"stranger", "household", "approver"},  # a true signature; the handler then asks whose key it is
    "device": {"stranger", "household", "approver"},  # likewise: the handler asks whether the key is a phone's
    "phone": {"phone", "phone without token"},  # the latter only where nothing changes
    "approver": {"approver"},
    "session": {"auditor", "verifier", "installer", "admin"},
    "auditor": {"auditor", "auditor without token", "verifier", "admin", "admin without token"},
    "meters": SIGNED_IN,
    "installer": {"installer", "admin"},
    "admin": {"admin"},
}
PATHS = {
    "account": "h-001:kes",
    "proposal": "admit:h-001:1",
    "household": "h-001",
    "id": "1",
    "month": "2026-11",
    "period": "2026-11-20T03:00Z",
    "receipt": "TKL0000001",
    "signature": "1" * 64,
}


async def description(hub: Hub) -> dict[str, Any]:
    answer = await hub.session.get("/api/v1/openapi.json")
    assert answer.status == 200
    found: dict[str, Any] = await answer.json()
    return found


def filled(path: str) -> str:
    for name, value in PATHS.items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, f"say in PATHS what to put into {path}"
    return path


async def call(hub: Hub, who: str, people: dict[str, Person], method: str, path: str) -> ClientResponse:
    """Send ``method`` with a body that no handler takes, so that who is let in still changes nothing."""
    body = b"" if method == "GET" else b"[]"
    keys: dict[str, SigningKey] = {
        "stranger": SigningKey(b"s" * 32),
        "household": hub.homes[0].key,
        "approver": SigningKey(APPROVERS[0].secret()),
    }
    if who in keys:
        headers = hub.header(keys[who], method, path, body)
        return await hub.session.request(method, path, data=body or None, headers=headers)
    person = people[who]
    token = {} if who == "nobody" or who.endswith("without token") else {"X-CSRF-Token": person.csrf}
    return await person.session.request(method, path, data=body or None, headers=token)


async def pair_phones(hub: Hub, people: dict[str, Person]) -> None:
    """Open sessions of phones of the first household, as pairing by SMS does (test_phones)."""
    database, now = Database.open(hub.config.data / "hub.sqlite"), datetime.now(UTC)

    def pair(connection: Connection, key: bytes) -> tuple[str, str]:
        pin = hash_pin("240718")
        add_device(connection, VILLAGE, "h-001", key=key, name="a phone", pin_hash=pin, now=now)
        return open_device_session(connection, key, now)

    for number, who in enumerate(("phone", "phone without token")):
        token, people[who].csrf = await database.write(partial(pair, key=bytes([number]) * 32))
        people[who].session.cookie_jar.update_cookies({"energy_swap_phone": token}, URL(hub.url))
    await database.close()


async def test_every_route_lets_in_whom_it_is_for_and_nobody_else(hub: Hub) -> None:
    people = {who: hub.person() for who in CALLERS}
    users = {"auditor": "regulator", "verifier": "checker", "installer": "fitter", "admin": "office"}
    for who in SIGNED_IN:
        assert (await people[who].sign_in(users[who.partition(" ")[0]])).status == 200
    await pair_phones(hub, people)
    walked = 0
    for path, operations in (await description(hub))["paths"].items():
        for method, operation in operations.items():
            (access,) = operation["tags"]
            if path.endswith(("/sign-out", "/app/lock")):
                continue  # it would end a session that this test walks with; test_console and test_phones do that
            for who in CALLERS:
                answer = await call(hub, who, people, method.upper(), filled(path))
                is_in = answer.status not in {401, 403}
                code = (await answer.json())["code"] if not is_in else ""
                if (access, code) in {("household", "not_admitted"), ("device", "not_paired")}:
                    is_in = True  # the signature was true; a stranger's or an approver's key is no household's
                if access == "phone" and method == "post":
                    expected = who == "phone"
                else:
                    expected = who in (SIGNED_IN if (access, method) == ("session", "get") else LET_IN[access])
                assert is_in == expected, (method, path, access, who, answer.status, code)
                assert answer.status < 500, (method, path, who)
                walked += 1
    assert walked > 250


async def test_every_route_but_daraja_and_the_pages_is_described(hub: Hub) -> None:
    paths = (await description(hub))["paths"]
    assert {"/api/v1/console/sign-in", "/api/v1/console/overview", "/api/v1/openapi.json"} <= set(paths)
    summaries = [operation["summary"] for operations in paths.values() for operation in operations.values()]
    assert all(summary.endswith(".") for summary in summaries)
    ids = [operation["operationId"] for operations in paths.values() for operation in operations.values()]
    assert len(ids) == len(set(ids))
