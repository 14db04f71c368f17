"""What a paired phone does besides trading: complaints with pictures, its name among neighbours, its PIN."""

import base64
from typing import Any

import pytest
from energy_swap_hub.settlement.tables import trade
from energy_swap_hub.storage import Database
from sqlalchemy import insert

from tests.hub.village import OPENED, VILLAGE

from .conftest import Hub, problem_of
from .phones import PIN, Gateway

CHEBET = 2  # of the village's homes: no panels
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0 and so on").decode()


async def test_a_complaint_is_answered_by_the_office(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    phone, office = new_phone(), await app_hub.admin()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    said = "<script>alert(1)</script> my meter is open"
    assert (await phone.post("/complaints", {"about": "reading", "text": said, "photo": JPEG})).status == 200
    reviews = (await (await office.get("/reviews")).json())["reviews"]
    (review,) = (found for found in reviews if found["kind"] == "complaint")
    assert (review["evidence"]["household"], review["evidence"]["text"]) == ("h-003", said)
    picture = await office.session.get(review["evidence"]["photo"])
    assert (picture.status, picture.content_type) == (200, "image/jpeg")
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert (
        await office.post(f"/reviews/{review['id']}/resolve", {"note": "The installer comes today."})
    ).status == 200
    (answered,) = (await (await phone.get("/complaints")).json())["complaints"]
    assert (answered["is_open"], answered["answer"]) == (False, "The installer comes today.")


@pytest.mark.parametrize(
    ("photo", "why"),
    [
        (base64.b64encode(b"<html><script>alert(1)</script>").decode(), "a JPEG or a PNG"),
        (base64.b64encode(b"\xff\xd8\xff" + bytes(150_000)).decode(), "at most 150 kB"),
        ("no base64!", "base64"),
    ],
)
async def test_only_pictures_come_with_a_complaint(
    photo: str, why: str, app_hub: Hub, gateway: Gateway, new_phone: Any
) -> None:
    phone = new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    answer = await phone.post("/complaints", {"about": "other", "text": "look", "photo": photo})
    assert answer.status == 422
    assert why in (await problem_of(answer))["detail"]


async def test_five_complaints_wait_and_no_more(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    phone = new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    answers = [await phone.post("/complaints", {"about": "other", "text": f"number {n}"}) for n in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [422]


async def test_who_wants_no_name_among_those_who_share_has_none(
    app_hub: Hub, gateway: Gateway, new_phone: Any
) -> None:
    phone, other = new_phone(), new_phone()
    await phone.pair(app_hub.homes[0].phone, gateway)
    await other.pair(app_hub.homes[CHEBET].phone, gateway)
    database = Database.open(app_hub.config.data / "hub.sqlite")
    sold = {"community_id": VILLAGE, "market": "spot", "reference": "x", "seller": "h-001", "buyer": "h-003"}
    await database.write(
        lambda c: c.execute(insert(trade).values(**sold, wh=1_500, cents_per_kwh=1_000, cents=1_500, at=OPENED))
    )
    await database.close()
    seen = await (await other.get("/neighbours")).json()
    assert [(place["name"], place["shared_wh"]) for place in seen["places"]] == [("Amina", 1_500)]
    assert (seen["shared_wh"], seen["saved_cents"]) == (1_500, 3_000)  # 25 less 3 and 2 of fees, per kWh
    assert (await phone.post("/neighbours/naming", {"is_named": False})).status == 200
    seen = await (await other.get("/neighbours")).json()
    assert [(place["name"], place["shared_wh"]) for place in seen["places"]] == [(None, 1_500)]
    assert not (await (await phone.get("/neighbours")).json())["is_named"]
    assert (await phone.post("/neighbours/naming", {"is_named": True})).status == 200
    assert (await (await other.get("/neighbours")).json())["places"][0]["name"] == "Amina"


async def test_a_new_pin_takes_the_old_one(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    phone = new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    assert (await phone.post("/pin", {"pin": "555123", "new_pin": "807142"})).status == 401
    assert (await phone.post("/pin", {"pin": PIN, "new_pin": "1111"})).status == 422
    assert (await phone.post("/pin", {"pin": PIN, "new_pin": "807142"})).status == 200
    assert (await phone.unlock()).status == 401
    assert (await phone.unlock("807142")).status == 200
