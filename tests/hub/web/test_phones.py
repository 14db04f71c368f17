"""Phones of households: pairing by SMS, the PIN, what their keys may sign, and those who should not get in."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from energy_swap_hub.ledger import Entry, Posting, post
from energy_swap_hub.membership.households import set_status
from energy_swap_hub.storage import Database
from energy_swap_protocol.message import (
    Application,
    BuyOrder,
    GrantAllowance,
    PayOut,
    SellOrder,
    StandingOrder,
    TopUp,
    sign_message,
)

from tests.hub.village import OPENED, VILLAGE

from .conftest import Hub, problem_of
from .phones import APP, PIN, Gateway

CHEBET = 2  # of the village's homes: no panels


class Later:
    """Real time as the doors and routes of phones see it, moved by a test."""

    def __init__(self) -> None:
        self.by = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.by


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    moved = Later()
    for module in ("phone_session_api", "phones_api", "doors"):
        monkeypatch.setattr(f"energy_swap_hub.web.{module}.utc_now", moved)
    return moved


async def give(hub: Hub, household: str, cents: int) -> None:
    """Put money into a household's wallet, as a top-up does."""
    database = Database.open(hub.config.data / "hub.sqlite")
    postings = (Posting("trust_cash", -cents), Posting(f"{household}:kes", cents))
    await database.write(lambda c: post(c, VILLAGE, Entry("test", uuid4().hex, OPENED, "given", postings)))
    await database.close()


async def test_a_member_pairs_a_phone_by_sms_and_sees_its_household(
    app_hub: Hub, gateway: Gateway, new_phone: Any
) -> None:
    phone, home = new_phone(), app_hub.homes[CHEBET]
    assert (await phone.get("/home")).status == 401
    await phone.pair(home.phone, gateway)
    assert gateway.sent[0]["to"] == f"+{home.phone}"
    assert "Kisima" in gateway.sent[0]["message"]
    session = await (await phone.get("/session")).json()
    assert (session["household"], session["name"]) == ("h-003", "Chebet")
    assert home.phone not in str(session)
    seen = await (await phone.get("/home")).json()
    assert seen["state"]["household"] == "h-003"
    assert not seen["has_panels"]
    assert seen["today"]["bought_wh"] == 0
    for path in ("/orders", "/payments", "/statement", "/statement.csv", "/market", "/neighbours", "/complaints"):
        assert (await phone.get(path)).status == 200, path
    pages = await phone.get("/statement.pdf?language=sw")
    assert (pages.status, pages.content_type) == (200, "application/pdf")
    assert (await pages.read()).startswith(b"%PDF-")
    assert "attachment" in pages.headers["Content-Disposition"]
    assert (await phone.get(f"/periods?from={app_hub.now - 60}&to={app_hub.now}")).status == 200
    (listed,) = (await (await phone.get("/phones")).json())["phones"]
    assert (listed["name"], listed["is_this"]) == ("Chebet's phone", True)


async def test_nobody_learns_which_numbers_are_members(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    phone, stranger = new_phone(), new_phone()
    known = await phone.begin(app_hub.homes[CHEBET].phone)
    unknown = await stranger.begin("254700000001")
    first, second = await known.json(), await unknown.json()
    assert known.status == unknown.status == 200
    assert {**first, "pairing": len(first["pairing"])} == {**second, "pairing": len(second["pairing"])}
    await gateway.code()
    refusals = [
        await (
            await phone.finish(first["pairing"], "000000" if await gateway.code() != "000000" else "1" * 6)
        ).json(),
        await (await stranger.finish(second["pairing"], "000000")).json(),
        await (await stranger.finish("no pairing at all", "000000")).json(),
    ]
    assert refusals[0] == refusals[1] == refusals[2]
    assert refusals[0]["code"] == "pairing_code_wrong"
    assert len(gateway.sent) == 1
    # Asking too often is answered the same, too.
    tries = [[(await p.begin(n)).status for _ in range(3)] for p, n in (
        (phone, app_hub.homes[CHEBET].phone), (stranger, "254700000001"))]  # fmt: skip
    assert tries[0] == tries[1] == [200, 200, 429]


async def test_one_address_cannot_ask_for_many_numbers(app_hub: Hub, new_phone: Any) -> None:
    phone = new_phone()
    answers = [await phone.begin(f"2547000001{n:02}") for n in range(21)]
    assert [answer.status for answer in answers] == [200] * 20 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 60


async def test_a_code_is_guessed_five_times_and_no_more(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    phone = new_phone()
    pairing = (await (await phone.begin(app_hub.homes[CHEBET].phone)).json())["pairing"]
    code = await gateway.code()
    wrong = [f"{(int(code) + n) % 1_000_000:06}" for n in range(1, 6)]
    # At once, as a program would.
    answers = await asyncio.gather(*(phone.finish(pairing, guess) for guess in wrong))
    assert {answer.status for answer in answers} == {401}
    assert (await phone.finish(pairing, code)).status == 401
    assert (await phone.get("/session")).status == 401


async def test_a_code_counts_once_and_for_ten_minutes(
    app_hub: Hub, gateway: Gateway, new_phone: Any, later: Later
) -> None:
    phone, thief = new_phone(), new_phone()
    number = app_hub.homes[CHEBET].phone
    pairing = (await (await phone.begin(number)).json())["pairing"]
    assert (await phone.finish(pairing, await gateway.code())).status == 200
    assert (await thief.finish(pairing, await gateway.code())).status == 401
    late = (await (await phone.begin(number)).json())["pairing"]
    code = await gateway.code(2)
    later.by = timedelta(minutes=10, seconds=1)
    assert (await thief.finish(late, code)).status == 401


async def test_a_code_is_of_no_use_without_the_pairing_it_was_sent_for(
    app_hub: Hub, gateway: Gateway, new_phone: Any
) -> None:
    phone, thief = new_phone(), new_phone()
    number = app_hub.homes[CHEBET].phone
    await phone.begin(number)
    thiefs = (await (await thief.begin("254700000009")).json())["pairing"]
    assert (await thief.finish(thiefs, await gateway.code())).status == 401


@pytest.mark.parametrize("pin", ["1111", "1234", "987654", "1212", "12a4", "123", "123456789"])
async def test_a_pin_that_thieves_try_first_is_refused(pin: str, app_hub: Hub, new_phone: Any) -> None:
    problem = await problem_of(await new_phone().finish("any", "000000", pin=pin))
    assert problem["status"] == 422
    assert "pin" in problem["detail"]


async def test_the_pin_is_asked_again_after_ten_minutes_and_opens(
    app_hub: Hub, gateway: Gateway, new_phone: Any, later: Later
) -> None:
    phone = new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    later.by = timedelta(minutes=11)
    assert (await phone.get("/home")).status == 401
    assert (await phone.unlock("555123")).status == 401
    assert (await phone.unlock()).status == 200
    assert (await phone.get("/home")).status == 200
    assert (await phone.post("/lock")).status == 200
    assert (await phone.get("/home")).status == 401


async def test_wrong_pins_lock_the_phone_and_then_take_it_away(
    app_hub: Hub, gateway: Gateway, new_phone: Any, later: Later
) -> None:
    phone = new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    answers = await asyncio.gather(*(phone.unlock(f"77{n}314") for n in range(8)))
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [401] * 5 + [429] * 3
    assert (await phone.unlock()).status == 429  # the right one, too
    later.by = timedelta(minutes=16)
    for n in range(5):
        assert (await phone.unlock(f"88{n}314")).status == 401
    later.by = timedelta(minutes=40)
    assert (await problem_of(await phone.unlock()))["code"] == "not_paired"
    office = await app_hub.admin()
    (listed,) = (await (await office.get("/phones")).json())["phones"]
    assert listed["revoked_by"] == "too many wrong PINs"


async def test_a_right_pin_forgets_the_wrong_ones(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    phone = new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    for _ in range(3):
        for n in range(4):
            assert (await phone.unlock(f"77{n}314")).status == 401
        assert (await phone.unlock()).status == 200


async def test_a_stolen_pin_is_of_no_use_without_the_phones_key(
    app_hub: Hub, gateway: Gateway, new_phone: Any
) -> None:
    phone, thief = new_phone(), new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    assert (await problem_of(await thief.unlock()))["code"] == "not_paired"
    assert (await thief.unlock(PIN)).status == 401


async def test_a_captured_unlock_cannot_be_sent_again(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    phone, thief = new_phone(), new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    body = msgspec.json.encode({"pin": PIN})
    headers = phone.header(f"{APP}/unlock", body)
    assert (await phone.session.post(f"{APP}/unlock", data=body, headers=headers)).status == 200
    again = await thief.session.post(f"{APP}/unlock", data=body, headers=headers)
    assert (again.status, (await problem_of(again))["code"]) == (401, "bad_signature")


async def test_a_phone_sets_prices_and_buys_by_its_own_key(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    phone = new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    await give(app_hub, "h-003", 50_000)
    order = StandingOrder(**phone.head(), buy_at_most=1_500)
    assert (await phone.send(order)).status == 200
    buy = BuyOrder(**phone.head(), wh=1_000, at_most=1_000)
    placed = await phone.send(buy)
    assert placed.status == 200, await placed.text()
    assert (await placed.json())["status"] == "open"
    assert (await phone.send(buy)).status == 200  # the same again is answered, and nothing more
    state = (await (await phone.get("/home")).json())["state"]
    assert state["standing_order"] == {"sell_at_least": None, "buy_at_most": 1_500}
    assert [found["id"] for found in state["orders"]] == [str(buy.id)]
    (listed,) = (await (await phone.get("/orders")).json())["orders"]
    assert (listed["id"], listed["status"], listed["filled_wh"]) == (str(buy.id), "open", 0)


async def test_what_a_phone_moves_in_a_day_is_capped(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    phone, home = new_phone(), app_hub.homes[CHEBET]
    await phone.pair(home.phone, gateway)
    await give(app_hub, "h-003", 50_000)
    assert (await phone.send(TopUp(**phone.head(), kes=70))).status == 200
    over = await phone.send(BuyOrder(**phone.head(), wh=3_000, at_most=1_000))  # 3 kWh at 10 and 2 of fees: KES 36
    assert (over.status, (await problem_of(over))["code"]) == (409, "payment_refused")
    assert (await phone.send(BuyOrder(**phone.head(), wh=2_000, at_most=1_000))).status == 200
    assert (await phone.send(PayOut(**phone.head(), kes=20))).status == 409
    assert (await phone.send(PayOut(**phone.head()))).status == 409  # all of it is more than the rest
    seen = await (await phone.get("/home")).json()
    assert (seen["phone_spent_cents"], seen["phone_daily_cents"]) == (9_400, 10_000)
    assert seen["state"]["wallet"]["kes_cents"] == 50_000 - 2_400
    # The household's own key is not capped.
    assert (await app_hub.send(home.key, PayOut(**app_hub.head(), kes=200))).status == 200


async def test_a_phones_key_moves_no_tokens_and_joins_nobody(
    app_hub: Hub, gateway: Gateway, new_phone: Any
) -> None:
    phone, home = new_phone(), app_hub.homes[CHEBET]
    await phone.pair(home.phone, gateway)
    applied = home.application(OPENED)
    for message in (
        SellOrder(**phone.head(), wh=1_000, at_least=100, lock="AAAA"),
        GrantAllowance(**phone.head(), wh=1_000, approval="AAAA"),
        msgspec.structs.replace(applied, id=uuid4(), sent_at=phone.now),
    ):
        assert isinstance(message, SellOrder | GrantAllowance | Application)
        answer = await phone.send(message)
        assert (answer.status, (await problem_of(answer))["code"]) == (403, "not_for_phones"), message


async def test_a_phones_key_opens_no_other_door(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    phone, other = new_phone(), new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    await other.pair(app_hub.homes[0].phone, gateway)
    wish = StandingOrder(**phone.head(), buy_at_most=1_500)
    # Without the session of its PIN, as an edge would send it.
    assert (await problem_of(await app_hub.send(phone.key, wish)))["code"] == "not_admitted"
    assert (await problem_of(await app_hub.signed(phone.key, "GET", "/household")))["code"] == "not_admitted"
    # In the session of another phone, or signed by a household's key.
    for key in (phone.key, app_hub.homes[0].key):
        envelope = msgspec.to_builtins(sign_message(wish, key))
        assert (await other.post("/messages", envelope)).status == 403
    # Without the token of the session, as another page would.
    assert (await phone.post("/lock", csrf="")).status == 403
    assert (await phone.post("/lock", csrf=other.csrf)).status == 403
    # A phone is nobody at the console.
    assert (await phone.session.get("/api/v1/console/overview")).status == 401


async def test_no_household_sees_or_removes_anothers(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    phone, other = new_phone(), new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    await other.pair(app_hub.homes[0].phone, gateway)
    (theirs,) = (await (await other.get("/phones")).json())["phones"]
    assert (await phone.post(f"/phones/{theirs['id']}/revoke")).status == 404
    await other.post("/complaints", {"about": "trade", "text": "too dear", "photo": "/9j/4AAQ"})
    (complaint,) = (await (await other.get("/complaints")).json())["complaints"]
    assert (await other.get(f"/complaints/{complaint['id']}/photo")).status == 200
    assert (await phone.get(f"/complaints/{complaint['id']}/photo")).status == 404
    assert (await (await phone.get("/complaints")).json())["complaints"] == []
    buy = BuyOrder(**other.head(), wh=100, at_most=1_000)
    await give(app_hub, "h-001", 50_000)
    assert (await other.send(buy)).status == 200
    assert (await (await phone.get("/orders")).json())["orders"] == []


async def test_a_phone_that_was_removed_is_out_at_once(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    lost, kept, third = new_phone(), new_phone(), new_phone()
    for phone in (lost, kept, third):
        await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    listed = (await (await lost.get("/phones")).json())["phones"]
    lost_id = next(one["id"] for one in listed if one["is_this"])
    assert (await kept.post(f"/phones/{lost_id}/revoke")).status == 200
    assert (await lost.get("/home")).status == 401
    assert (await lost.send(StandingOrder(**lost.head()))).status == 401
    assert (await problem_of(await lost.unlock()))["code"] == "not_paired"
    # The office can, too; an auditor sees and changes nothing.
    office, auditor = await app_hub.admin(), app_hub.person()
    await auditor.sign_in("regulator")
    phones = (await (await auditor.get("/phones")).json())["phones"]
    third_id = phones[0]["id"]
    why = {"reason": "lost on the bus"}
    assert (await auditor.post(f"/phones/{third_id}/revoke", why)).status == 403
    assert (await office.post(f"/phones/{third_id}/revoke", {"reason": " "})).status == 422
    assert (await office.post(f"/phones/{third_id}/revoke", why)).status == 200
    assert (await third.get("/home")).status == 401
    assert (await kept.get("/home")).status == 200


async def test_a_suspended_household_reads_and_does_nothing(
    app_hub: Hub, gateway: Gateway, new_phone: Any
) -> None:
    phone = new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    database = Database.open(app_hub.config.data / "hub.sqlite")
    await database.write(lambda c: set_status(c, VILLAGE, "h-003", "suspended", now=OPENED))
    await database.close()
    assert (await phone.get("/home")).status == 200
    answer = await phone.send(StandingOrder(**phone.head(), buy_at_most=1_500))
    assert (answer.status, (await problem_of(answer))["code"]) == (403, "not_admitted")


async def test_a_gateway_that_fails_changes_no_answer(app_hub: Hub, gateway: Gateway, new_phone: Any) -> None:
    gateway.status = 503
    assert (await new_phone().begin(app_hub.homes[CHEBET].phone)).status == 200
