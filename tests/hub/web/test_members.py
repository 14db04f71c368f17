"""Members' files, leaving and settings at the console: who may do what, and what they then see."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from energy_swap_hub.membership import consent
from energy_swap_hub.membership.tables import member_file
from energy_swap_hub.storage import Database
from sqlalchemy import select

from .conftest import Hub, Person, problem_of


async def file_of(person: Person, household: str = "h-001") -> dict[str, Any]:
    answer = await person.get(f"/members/{household}")
    assert answer.status == 200
    found: dict[str, Any] = await answer.json()
    return found


async def test_a_file_is_filled_part_by_part_by_whom_it_is_for(hub: Hub) -> None:
    office, fitter = await hub.admin(), hub.person()
    await fitter.sign_in("fitter")
    assert (await file_of(office))["missing"] == ["phone", "document", "site", "consent"]
    site = {"transformer": "TX-7", "feeder": "North 2"}
    assert (await fitter.post("/members/h-001/site", site)).status == 200
    refused = await fitter.post("/members/h-001/document", {"kind": "national_id", "number": "1234 5678"})
    assert (await problem_of(refused))["detail"] == "only an admin may do this, and fitter is an installer"
    assert (
        await office.post("/members/h-001/document", {"kind": "national_id", "number": "1234 5678"})
    ).status == 200
    assert (await office.post("/members/h-001/phone", {"how": "operator"})).status == 200
    assert (await office.post("/members/h-001/consent", {"version": consent.VERSION})).status == 200
    found = await file_of(fitter)
    assert found["missing"] == []
    assert (found["parts"]["site"]["says"], found["parts"]["site"]["by"]) == ("TX-7 · North 2", "fitter")
    again = await office.post("/members/h-002/document", {"kind": "national_id", "number": "12345678"})
    assert (await problem_of(again))["detail"] == "number: the same document is in the file of h-001"
    old = await office.post("/members/h-001/consent", {"version": "2019"})
    assert (await problem_of(old))["code"] == "evidence_refused"
    database = Database.open(hub.config.data / "hub.sqlite")
    kept = await database.read(lambda c: repr(c.execute(select(member_file)).all()))
    await database.close()
    assert "12345678" not in kept


@pytest.mark.parametrize("user", ["regulator", "checker", "fitter"])
async def test_only_an_admin_lets_a_household_leave_or_takes_its_data_out(hub: Hub, user: str) -> None:
    person = hub.person()
    await person.sign_in(user)
    for path in ("leave", "personal-data"):
        answer = await person.post(f"/members/h-001/{path}", {"reason": "because"})
        assert (await problem_of(answer))["detail"].startswith("only an admin may do this")


async def test_an_admin_notes_a_net_metering_contract_and_its_end(hub: Hub) -> None:
    office, fitter = await hub.admin(), hub.person()
    await fitter.sign_in("fitter")
    begun = {"is_on": True, "contract": "KPLC 12/77"}
    answer = await fitter.post("/members/h-001/net-metering", begun)
    assert (await problem_of(answer))["detail"].startswith("only an admin may do this")
    assert (await file_of(office))["net_metered_from"] is None
    assert (await office.post("/members/h-001/net-metering", begun)).status == 200
    found = await file_of(fitter)
    assert found["has_panels"]
    assert found["net_metered_from"] is not None
    assert found["net_metered_until"] is None
    twice = await office.post("/members/h-001/net-metering", begun)
    assert (await problem_of(twice))["detail"] == "is_on: h-001 is noted as net-metered already"
    ended = {"is_on": False, "contract": "KPLC ended it"}
    assert (await office.post("/members/h-001/net-metering", ended)).status == 200
    assert (await file_of(office))["net_metered_until"] is not None
    acts = (await (await office.get("/audit")).json())["acts"]
    assert [act["what"] for act in acts[:2]] == ["net metering off: KPLC ended it", "net metering on: KPLC 12/77"]


async def test_personal_data_goes_to_its_owner_as_json_and_as_csv(hub: Hub) -> None:
    home, office = hub.homes[0], await hub.admin()
    told = await (await hub.signed(home.key, "GET", "/household/personal-data")).json()
    assert {"kind": "member", "name": "phone", "value": home.phone}.items() <= next(
        fact for fact in told["facts"] if fact["name"] == "phone"
    ).items()
    answer = await office.post("/members/h-001/personal-data", {"reason": "she asked", "format": "csv"})
    assert "h-001-personal-data.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(await answer.text())))
    assert [row["value"] for row in rows if row["name"] == "name"] == ["Amina"]
    acts = (await (await office.get("/audit")).json())["acts"]
    assert acts[0]["what"] == "took out the personal data: she asked"


async def test_a_household_that_leaves_is_shown_with_its_steps(hub: Hub) -> None:
    office = await hub.admin()
    assert (await office.post("/members/h-002/leave", {"reason": "moves away"})).status == 200
    found = await file_of(office, "h-002")
    assert (found["status"], found["departure"]["reason"]) == ("leaving", "moves away")
    twice = await office.post("/members/h-002/leave", {"reason": "moves away"})
    assert (await problem_of(twice))["code"] == "leaving_refused"


async def test_settings_are_changed_with_a_reason_and_shown_with_their_history(hub: Hub) -> None:
    office = await hub.admin()
    before = await (await office.get("/settings")).json()
    assert [row["state"] for row in before["history"]] == ["founding"]
    hour = timedelta(hours=1).seconds
    soon = before["now"] // hour * hour + hour
    prices = dict(before["valid"]["tariff"], retail_cents_per_kwh=2_700)
    wish = {"valid_from": soon, "reason": "the utility's new price", "change": {"tariff": prices}}
    added = (await (await office.post("/settings", wish)).json())["id"]
    after = await (await office.get("/settings")).json()
    assert [(row["state"], row["who"]) for row in after["history"]] == [
        ("coming", "office"),
        ("founding", "hub.json"),
    ]
    assert after["valid"] == before["valid"], "it does not count yet"
    assert (await office.post(f"/settings/{added}/withdraw", {"reason": "too soon"})).status == 200
    history = (await (await office.get("/settings")).json())["history"]
    assert history[0]["state"] == "withdrawn"
    past = await office.post("/settings", wish | {"valid_from": soon - 2 * hour})
    assert (await problem_of(past))["code"] == "setting_refused"
    unknown = await office.post("/settings", wish | {"change": {"period_minutes": 20}})
    assert (await problem_of(unknown))["code"] == "invalid_field"
