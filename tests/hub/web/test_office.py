"""The audit and the hub's own health, as the console reads them."""

from datetime import timedelta

from energy_swap_hub.settlement.machine import schedule
from energy_swap_hub.web.office_api import work_of

from tests.hub.tables import empty_tables
from tests.hub.village import OPENED, VILLAGE

from .conftest import Hub


async def test_the_audit_tells_who_did_what_page_by_page(hub: Hub) -> None:
    admin, auditor = await hub.admin(), hub.person()
    await auditor.sign_in("regulator")
    assert (await admin.post("/reviews/1/resolve", {"note": "the node was down"})).status == 200
    acts = (await (await auditor.get("/audit")).json())["acts"]
    resolved, second, first = acts[:3]
    assert (first["who"], first["what"]) == ("office", "signed in")
    assert (second["who"], second["what"]) == ("regulator", "signed in")
    assert resolved["who"] == "office"
    assert "the node was down" in resolved["what"]
    page = await (await auditor.get("/audit?limit=1")).json()
    assert page == {"acts": [resolved], "next": resolved["id"], "total": None}
    page = await (await auditor.get(f"/audit?limit=1&before={resolved['id']}&skip=1&count=1")).json()
    assert page == {"acts": [first], "next": first["id"], "total": len(acts) - 1}
    assert (await (await auditor.get(f"/audit?limit=2&before={resolved['id']}")).json())["acts"] == [second, first]


async def test_health_tells_since_when_the_hub_is_up_and_that_nothing_is_late(hub: Hub) -> None:
    auditor = hub.person()
    await auditor.sign_in("regulator")
    health = await (await auditor.get("/health")).json()
    assert health["up_since"] <= hub.now
    assert health["work"]
    assert all(row["retried"] == 0 for row in health["work"])


def test_work_is_counted_by_kind_and_the_oldest_that_is_due_named() -> None:
    with empty_tables() as connection:
        for minutes, subject in ((-3, "a"), (-1, "b"), (1, "c")):
            schedule(connection, VILLAGE, "period", subject, OPENED + timedelta(minutes=minutes))
        schedule(connection, VILLAGE, "gate", "d", OPENED + timedelta(minutes=5))
        schedule(connection, "elsewhere", "gate", "e", OPENED)
        oldest = int((OPENED - timedelta(minutes=3)).timestamp())
        assert work_of(connection, VILLAGE, OPENED) == [
            {"kind": "gate", "waiting": 1, "due": 0, "retried": 0, "oldest_due_at": None},
            {"kind": "period", "waiting": 1, "due": 2, "retried": 0, "oldest_due_at": oldest},
        ]
