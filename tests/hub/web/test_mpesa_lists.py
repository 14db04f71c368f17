"""The console's lists of payments that phones were asked for and of payouts."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession
from energy_swap_hub.config import HubConfig
from energy_swap_hub.hub import running_hub
from energy_swap_hub.storage import Database

from .conftest import Hub, Person, clock, problem_of
from .payments import MANY, Known, fill


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
async def hub(config: HubConfig, known: Known) -> AsyncIterator[Hub]:
    database = Database.open(config.data / "hub.sqlite")
    await database.write(lambda c: fill(c, known))
    await database.close()
    async with running_hub(config, clock), ClientSession(f"http://127.0.0.1:{config.port}") as session:
        made = Hub(f"http://127.0.0.1:{config.port}", config, session)
        yield made
        await made.close()


async def read(person: Person, path: str) -> tuple[list[dict[str, Any]], int | None]:
    answer = await person.get(f"/mpesa/{path}")
    assert answer.status == 200, await answer.text()
    body = await answer.json()
    return body[path.partition("?")[0]], body["total"]


async def test_payments_asked_for_are_listed_with_how_each_stands(hub: Hub, known: Known) -> None:
    auditor = hub.person()
    await auditor.sign_in("regulator")
    rows, total = await read(auditor, "intents?limit=3&count=1")
    assert (len(rows), total) == (3, MANY + 3)
    lost, failed, paid = rows
    assert [one["id"] for one in rows] == [known.lost, known.failed, known.paid]
    assert (lost["state"], lost["household"], lost["kes"], lost["purpose"]) == ("review", "h-001", 500, "top_up")
    assert lost["reference"].startswith("ES")
    assert isinstance(lost["review"], int)
    assert (failed["state"], failed["reason"]) == ("failed", "The request was cancelled on the phone.")
    assert (paid["state"], paid["receipt"], paid["review"]) == ("paid", "SKJ4H7T2QX", None)
    assert paid["ended_at"] >= paid["created_at"]

    waiting, count = await read(auditor, "intents?state=waits&count=1")
    assert ([one["id"] for one in waiting], count) == ([known.lost], 1)
    assert await read(auditor, "intents?state=open&count=1") == ([], 0)
    _, ended = await read(auditor, "intents?state=ended&limit=1&count=1")
    assert ended == MANY + 2


async def test_a_long_list_is_read_from_anywhere_below_a_row(hub: Hub, known: Known) -> None:
    admin = await hub.admin()
    everything, _ = await read(admin, "intents?limit=500")
    ids = [one["id"] for one in everything]
    assert len(set(ids)) == MANY + 3
    assert [one["kes"] for one in everything[3:]] == list(range(MANY, 0, -1))
    part, total = await read(admin, f"intents?limit=50&before={known.lost}&skip=99&count=1")
    assert ([one["id"] for one in part], total) == (ids[100:150], MANY + 2)
    known_already = await admin.session.get(
        "/api/v1/console/mpesa/intents?limit=50",
        headers={"If-None-Match": (await admin.get("/mpesa/intents?limit=50")).headers["ETag"]},
    )
    assert known_already.status == 304
    for path, status in (("intents?before=none", 404), ("payouts?before=none", 404), ("intents?state=sent", 400)):
        answer = await admin.get(f"/mpesa/{path}")
        assert answer.status == status, await answer.text()
        await problem_of(answer)


async def test_payouts_are_listed_with_fee_receipt_and_reason(hub: Hub, known: Known) -> None:
    admin = await hub.admin()
    rows, total = await read(admin, "payouts?count=1")
    assert ([one["id"] for one in rows], total) == (known.payouts[::-1], 3)
    queued, failed, paid = rows
    assert (queued["state"], queued["fee_cents"], queued["receipt"]) == ("queued", 500, None)
    assert (failed["fee_cents"], failed["reason"]) == (None, "The phone is not registered with M-Pesa.")
    assert (paid["state"], paid["fee_cents"], paid["receipt"], paid["household"]) == (
        *("paid", 450, "SKJ4H7T2QZ"),
        "h-001",
    )
    assert [one["id"] for one in (await read(admin, "payouts?state=open"))[0]] == [known.payouts[2]]
    assert [one["id"] for one in (await read(admin, "payouts?state=ended"))[0]] == [*known.payouts[1::-1]]
    assert await read(admin, "payouts?state=waits&count=1") == ([], 0)


async def test_no_phone_number_is_listed(hub: Hub) -> None:
    admin = await hub.admin()
    for path in ("intents?limit=500", "payouts"):
        text = json.dumps(await (await admin.get(f"/mpesa/{path}")).json())
        assert not [home.phone for home in hub.homes if home.phone in text or home.phone[3:] in text]
        assert "phone_key" not in text
