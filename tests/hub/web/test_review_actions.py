"""An admin decides a review over HTTP: what is offered, carried out, written down, and not carried out twice."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import ClientSession
from energy_swap_hub.config import HubConfig
from energy_swap_hub.hub import running_hub
from energy_swap_hub.membership.tables import audit
from energy_swap_hub.mpesa import intents
from energy_swap_hub.settlement.payments import PaymentBook
from energy_swap_hub.storage import Database
from sqlalchemy import Connection, select

from tests.hub.village import OPENED, VILLAGE

from .conftest import Hub, clock, problem_of

WISH = {"note": "found in the portal", "action": "credit", "receipt": "SKJ4H7T2QX", "kes": 500}


def lose_top_up(connection: Connection) -> None:
    """Leave a top-up of h-001 behind that M-Pesa said nothing about."""
    events, sent_at = PaymentBook(clock, lambda _household: None), OPENED - timedelta(hours=1)
    intent_id = intents.create(
        connection, community_id=VILLAGE, household_id="h-001", kes=500, phone_key="amina", now=sent_at
    )
    for step in (intents.begin_sending, intents.record_lost):
        intent = intents.find(connection, intent_id)
        assert intent is not None
        step(connection, intent, sent_at)
    intent = intents.find(connection, intent_id)
    assert intent is not None
    intents.schedule(connection, events, intent, was_pulled=True, now=OPENED)


@pytest.fixture
async def hub(config: HubConfig) -> AsyncIterator[Hub]:
    database = Database.open(config.data / "hub.sqlite")
    await database.write(lose_top_up)
    await database.close()
    url = f"http://127.0.0.1:{config.port}"
    async with running_hub(config, clock), ClientSession(url) as session:
        made = Hub(url, config, session)
        yield made
        await made.close()


async def test_an_admin_credits_a_lost_top_up_once(hub: Hub) -> None:
    admin = await hub.admin()

    async def reviews() -> dict[str, dict[str, object]]:
        body = await (await admin.get("/reviews")).json()
        return {review["kind"]: review for review in body["reviews"]}

    review = (await reviews())["top_up_unresolved"]
    assert review["actions"] == ["credit", "close_unpaid", "ask_again"]
    path = f"/reviews/{review['id']}/resolve"
    incomplete = await admin.post(path, WISH | {"receipt": None})
    assert (incomplete.status, (await problem_of(incomplete))["code"]) == (422, "invalid")
    odd = await admin.post(path, WISH | {"receipt": "no receipt"})
    assert (odd.status, (await problem_of(odd))["code"]) == (409, "payment_refused")

    answers = await asyncio.gather(*(admin.post(path, WISH) for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [200, 404, 404]
    decided = (await reviews())["top_up_unresolved"]
    assert (decided["state"], decided["actions"]) == ("resolved", [])
    assert decided["resolution"] == "credited KES 500 by receipt SKJ4H7T2QX: found in the portal"
    households = (await (await admin.get("/households")).json())["households"]
    assert households[0]["wallet"]["kes_cents"] == 50_000


async def test_a_decision_stands_in_the_audit(config: HubConfig, hub: Hub) -> None:
    admin = await hub.admin()
    body = await (await admin.get("/reviews")).json()
    [number] = [review["id"] for review in body["reviews"] if review["kind"] == "top_up_unresolved"]
    wish = {"note": "not in the portal", "action": "close_unpaid"}
    assert (await admin.post(f"/reviews/{number}/resolve", wish)).status == 200
    database = Database.open(config.data / "hub.sqlite")
    try:
        query = select(audit.c.who, audit.c.what, audit.c.subject).where(audit.c.what.contains("review"))
        rows = await database.read(lambda c: [tuple(row) for row in c.execute(query)])
    finally:
        await database.close()
    assert rows == [("office", "resolved a review: closed as not paid: not in the portal", str(number))]
