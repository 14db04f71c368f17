from pathlib import Path

from aiohttp import ClientSession
from energy_swap_hub.config import HubConfig
from energy_swap_hub.hub import running_hub
from energy_swap_hub.mpesa.codes import push_meaning
from energy_swap_hub.mpesa.tables import TOP_UP, payment_intent
from energy_swap_hub.storage import Database
from sqlalchemy import insert

from tests.hub.village import OPENED, VILLAGE

from .conftest import Hub, clock


async def test_the_office_sees_each_households_reputation_and_why(config: HubConfig) -> None:
    database = Database.open(Path(config.data) / "hub.sqlite")
    refused = {
        "community_id": VILLAGE,
        "intent_id": "a top-up",
        "household_id": "h-003",
        "kes": 100,
        "purpose": TOP_UP,
        "phone_key": "a phone",
        "account_reference": "ABCDEFGHJKLM",
        "state": "failed",
        "reason": push_meaning("1032")[1],
        "created_at": OPENED,
    }
    await database.write(lambda c: c.execute(insert(payment_intent).values(refused)))
    await database.close()
    url = f"http://127.0.0.1:{config.port}"
    async with running_hub(config, clock), ClientSession(url) as session:
        hub = Hub(url, config, session)
        body = await (await (await hub.admin()).get("/households")).json()
        await hub.close()
    rows = {row["household"]: row for row in body["households"]}
    assert {household: row["reputation"] for household, row in rows.items()} == {
        "h-001": 8_000,
        "h-002": 8_000,
        "h-003": 6_667,
        "h-004": 8_000,
    }
    assert rows["h-001"]["reputation_reason"] == "Nothing is known yet, and everybody starts at 80 %."
    assert rows["h-003"]["reputation_reason"] == "In the last 90 days: paid 0 of 1 requests by M-Pesa."
    facts = rows["h-003"]["reputation_facts"]
    assert {name: number for name, number in facts.items() if number} == {"top_ups": 1}
    assert set(facts) == {"contracts", "promised_wh", "delivered_wh", "top_ups", "paid", "ended", "cancelled"}
