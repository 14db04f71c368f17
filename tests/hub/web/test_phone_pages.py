"""What a paired phone does besides trading: complaints with pictures, its name among neighbours, its PIN."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from energy_swap_hub.settlement.tables import auction, trade
from energy_swap_hub.storage import Database
from energy_swap_protocol.message import ChoosePartners
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


async def test_partners_are_named_when_both_have_chosen(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    amina, chebet = new_phone(), new_phone()
    await amina.pair(app_hub.homes[0].phone, gateway)
    await chebet.pair(app_hub.homes[CHEBET].phone, gateway)
    assert (await chebet.send(ChoosePartners(**chebet.head(), partners=("h-001",)))).status == 200
    seen = await (await chebet.get("/partners")).json()
    assert (seen["own"], seen["counts"], seen["neighbours"]) == ("h-003", True, [])
    assert seen["chosen"] == [{"id": "h-001", "name": None, "is_mutual": False}]
    assert (await (await amina.get("/partners")).json())["chosen"] == []
    assert (await amina.send(ChoosePartners(**amina.head(), partners=("h-003", "h-002")))).status == 200
    assert (await (await chebet.get("/partners")).json())["chosen"][0] == {
        "id": "h-001", "name": "Amina", "is_mutual": True,
    }  # fmt: skip
    assert (await amina.post("/neighbours/naming", {"is_named": False})).status == 200
    assert (await (await chebet.get("/partners")).json())["chosen"][0]["name"] is None
    refused = await chebet.send(ChoosePartners(**chebet.head(), partners=("h-099",)))
    assert (refused.status, (await problem_of(refused))["code"]) == (409, "order_refused")


async def test_own_auctions_and_those_led_are_listed_when_they_ended(
    app_hub: Hub, gateway: Gateway, new_phone: Any
) -> None:
    phone = new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    row = {"community_id": VILLAGE, "wh": 500, "start_price": 900, "ends_at": OPENED}
    rows = [
        row | {"id": "won", "seller": "h-001", "leader": "h-003", "best_bid": 1_100, "status": "sold"},
        row | {"id": "unsold", "seller": "h-003", "status": "unsold"},
        row | {"id": "others", "seller": "h-001", "leader": "h-002", "best_bid": 1_000, "status": "sold"},
        row | {"id": "open", "seller": "h-003", "status": "open", "ends_at": OPENED + timedelta(days=1)},
    ]
    database = Database.open(app_hub.config.data / "hub.sqlite")
    await database.write(lambda c: [c.execute(insert(auction).values(**one)) for one in rows])
    await database.close()
    seen = (await (await phone.get("/orders")).json())["auctions"]
    assert [(one["id"], one["mine"], one["cents_per_kwh"]) for one in seen] == [
        ("unsold", True, None),
        ("won", False, 1_100),
    ]


async def test_a_new_pin_takes_the_old_one(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    phone = new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    assert (await phone.post("/pin", {"pin": "555123", "new_pin": "807142"})).status == 401
    assert (await phone.post("/pin", {"pin": PIN, "new_pin": "1111"})).status == 422
    assert (await phone.post("/pin", {"pin": PIN, "new_pin": "807142"})).status == 200
    assert (await phone.unlock()).status == 401
    assert (await phone.unlock("807142")).status == 200
