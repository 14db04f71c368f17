"""Every fault of the catalogue, on the wire, by its number."""

import asyncio
import contextlib
from typing import Any

import pytest
from aiohttp import ClientError
from energy_swap_daraja_simulator.catalogue import FAULTS, SCENARIOS

from tests.daraja_simulator.desk import BUSINESS, PHONE, Desk
from tests.daraja_simulator.test_wire import STATUS, paid, values

BALANCE = "/mpesa/accountbalance/v1/query"


def stk(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = told["Body"]["stkCallback"]
    return found


def codes(desk: Desk) -> list[int | str]:
    return [stk(body)["ResultCode"] for body in desk.of("/here") if "Body" in body]


async def utility(desk: Desk) -> int:
    cents: int = (await desk.books())["accounts"].get("utility", 0)
    return cents


async def fund(desk: Desk, kes: int = 1_000) -> None:
    await desk.control("POST", "transfers", {"kes": kes})


def test_the_catalogue_is_complete() -> None:
    assert list(FAULTS) == [f"F{n:02d}" for n in range(1, 35)]
    assert len({fault.name for fault in FAULTS.values()}) == 34
    assert all(set(parts) <= set(FAULTS) for parts in SCENARIOS.values())


@pytest.mark.parametrize("variant", ["reset", "hang"])
async def test_f01_the_answer_is_lost_and_the_money_comes(desk: Desk, variant: str) -> None:
    await desk.arm("F01", variant=variant)
    with pytest.raises((ClientError, TimeoutError)):
        await asyncio.wait_for(desk.push(), 0.3)
    await desk.callback()
    assert await utility(desk) == 10_000


async def test_f01_unavailable_is_an_html_page(desk: Desk) -> None:
    await desk.arm("stk-answer-lost", variant="unavailable")
    status, page = await desk.push()
    assert (status, "<html>" in page) == (503, True)
    await desk.callback()
    assert await utility(desk) == 10_000


async def test_f02_the_callback_never_comes(desk: Desk) -> None:
    await desk.arm("F02")
    await desk.push()
    assert await desk.pass_time(7_200) == 0
    assert await utility(desk) == 10_000


async def test_f03_a_callback_is_cut_off_and_does_not_come_again(desk: Desk) -> None:
    await desk.arm("F03")
    await desk.push()
    assert await desk.pass_time(7_200) == 1
    assert (desk.callbacks, await utility(desk)) == ([], 10_000)


async def test_f04_the_same_callback_comes_twice(desk: Desk) -> None:
    await desk.arm("F04", seconds=40)
    await desk.push()
    await desk.callback()
    await desk.pass_time(39)
    assert len(desk.callbacks) == 1
    await desk.pass_time(2)
    first, second = desk.of("/here")
    assert first == second


async def test_f05_the_callback_comes_before_the_answer(desk: Desk) -> None:
    await desk.arm("F05")
    _, taken = await desk.push()
    assert stk(desk.callbacks[0][1])["CheckoutRequestID"] == taken["CheckoutRequestID"]


@pytest.mark.parametrize(("variant", "status"), [("4999", 200), ("empty-200", 200), ("empty-500", 500)])
async def test_f06_a_query_in_flight_has_this_face(desk: Desk, variant: str, status: int) -> None:
    _, taken = await desk.push()
    await desk.arm("F06", times=5, variant=variant)
    for _ in range(5):
        got, told = await desk.query(taken["CheckoutRequestID"])
        assert got == status
        assert (told.get("ResultCode"), told.get("errorMessage")) == (
            ("4999", None) if variant == "4999" else (None, "")
        )


@pytest.mark.parametrize(("variant", "code"), [("error", None), ("success", "0"), ("timeout", "1037")])
async def test_f07_a_query_flaps_afterwards(desk: Desk, variant: str, code: str | None) -> None:
    await desk.control("PATCH", f"subscribers/{PHONE}", {"behaviour": "cancels"})
    _, taken = await desk.push()
    await desk.callback()
    await desk.arm("F07", variant=variant)
    _, told = await desk.query(taken["CheckoutRequestID"])
    assert told.get("ResultCode") == code
    later = [(await desk.query(taken["CheckoutRequestID"]))[1].get("ResultCode") for _ in range(20)]
    assert set(later) <= {"1032", None}
    assert "1032" in later


async def test_f08_the_prose_is_another(desk: Desk) -> None:
    await desk.arm("F08")
    await desk.push()
    told = stk(await desk.callback())
    assert (told["ResultCode"], "Mambo" in told["ResultDesc"]) == (0, True)


async def test_f09_types_wander(desk: Desk) -> None:
    await desk.arm("F09")
    await desk.push()
    told = stk(await desk.callback())
    items = {item["Name"]: item.get("Value") for item in told["CallbackMetadata"]["Item"]}
    assert (told["ResultCode"], items["Amount"], items["PhoneNumber"]) == ("0", "100.00", PHONE)
    await desk.arm("F09")
    await desk.pay("es1", Amount=50)
    told = await desk.callback()
    assert (told["Result"]["ResultCode"], values(told)["TransactionAmount"]) == ("0", "50.00")


@pytest.mark.parametrize("behaviour", ["pays", "cancels"])
async def test_f10_items_are_odd(desk: Desk, behaviour: str) -> None:
    await desk.control("PATCH", f"subscribers/{PHONE}", {"behaviour": behaviour})
    await desk.arm("F10")
    await desk.push()
    items = stk(await desk.callback())["CallbackMetadata"]["Item"]
    if behaviour == "cancels":
        assert items == {"Name": "Balance"}
    else:
        assert {"Name": "Balance"} in items
        assert {"Name": "Unheard", "Value": {"Of": [None]}} in items


async def test_f10_of_a_result_without_parameters_is_one_object(desk: Desk) -> None:
    await desk.arm("F10")
    await desk.pay("es1")
    told = (await desk.callback())["Result"]
    assert told["ResultParameters"]["ResultParameter"] == {"Key": "BOCompletedTime"}
    assert isinstance(told["ReferenceData"]["ReferenceItem"], list)


@pytest.mark.parametrize(("variant", "told"), [("callback", [1037, 0]), ("silent", [1037])])
async def test_f11_success_comes_after_failure(desk: Desk, variant: str, told: list[int]) -> None:
    await desk.register()
    await desk.arm("F11", variant=variant)
    await desk.push()
    await desk.callback()
    assert await utility(desk) == 0
    await desk.pass_time(120)
    assert (codes(desk), len(desk.of("/confirmation")), await utility(desk)) == (told, 1, 10_000)


async def test_faults_befall_what_a_person_answers_by_hand(desk: Desk) -> None:
    await desk.control("PATCH", f"subscribers/{PHONE}", {"behaviour": "manual"})
    await desk.arm("F13", variant="1019")
    await desk.arm("F11")
    for _ in "12":
        _, taken = await desk.push()
        await desk.control("POST", f"prompts/{taken['CheckoutRequestID']}/answer", {"pin": "1234"})
        await desk.pass_time(120)
    assert codes(desk) == [1019, 1037, 0]


@pytest.mark.parametrize("variant", ["1001", "17"])
async def test_f12_a_double_tap_ends_with_a_code(desk: Desk, variant: str) -> None:
    await desk.arm("F12", variant=variant)
    await desk.push()
    assert stk(await desk.callback())["ResultCode"] == int(variant)


async def test_f12_the_lock_refuses_or_fails(desk: Desk) -> None:
    await desk.arm("F12")
    status, told = await desk.push()
    assert (status, told["errorMessage"][:25]) == (500, "Unable to lock subscriber")
    await desk.arm("F12", variant="both", times=2)
    taken = [(await desk.push())[1]["CheckoutRequestID"] for _ in "12"]
    await desk.pass_time(60)
    assert len(set(taken)) == 2
    assert (codes(desk), await utility(desk)) == ([0, 0], 20_000)


@pytest.mark.parametrize("variant", list(FAULTS["F13"].variants))
async def test_f13_a_prompt_ends_with_any_code(desk: Desk, variant: str) -> None:
    await desk.arm("F13", variant=variant)
    _, taken = await desk.push()
    told = stk(await desk.callback())
    assert (str(told["ResultCode"]), "CallbackMetadata" in told) == (variant.replace("-", "_"), False)
    assert await utility(desk) == 0
    later = [(await desk.query(taken["CheckoutRequestID"]))[1].get("ResultCode") for _ in range(10)]
    assert set(later) <= {variant.replace("-", "_"), None}


async def test_f14_another_worker_kills_the_token(desk: Desk) -> None:
    await desk.arm("F14")
    assert (await desk.push())[1]["errorCode"] == "404.001.03"
    assert (await desk.push())[0] == 404
    await desk.sign_in()
    await desk.arm("F14", variant="no-product")
    status, told = await desk.pay("es1")
    assert (status, told["errorCode"], "no apiproduct match found" in told["errorMessage"]) == (
        401,
        "401.002.01",
        True,
    )
    assert (await desk.push())[0] == 200


@pytest.mark.parametrize("variant", ["html", "empty", "envelope"])
async def test_f15_the_answer_cannot_be_read_but_the_request_was_taken(desk: Desk, variant: str) -> None:
    await desk.arm("F15", product="stk", variant=variant)
    status, told = await desk.push()
    assert status == 200
    match variant:
        case "html":
            assert told.startswith("<html>")
        case "empty":
            assert told is None
        case _:
            assert told["errorCode"] == "500.001.1001"
    await desk.callback()
    assert await utility(desk) == 10_000


@pytest.mark.parametrize(
    ("variant", "status", "code", "words", "prompts"),
    [
        ("spike", 500, "500.003.02", "Spike arrest", 0),
        ("429", 429, "500.003.02", "Spike arrest", 0),
        ("quota", 500, "500.003.03", "Quota", 0),
        ("busy", 500, "500.003.02", "System is busy", 0),
        ("busy-taken", 500, "500.003.02", "System is busy", 1),
    ],
)
async def test_f16_the_gateway_is_full(
    desk: Desk, variant: str, status: int, code: str, words: str, prompts: int
) -> None:
    await desk.arm("F16", variant=variant)
    got, told = await desk.push()
    assert (got, told["errorCode"], words in told["errorMessage"]) == (status, code, True)
    assert (await desk.books())["open_prompts"] == prompts


async def test_f17_a_payout_is_accepted_but_the_answer_lost(desk: Desk) -> None:
    await fund(desk)
    await desk.arm("F17")
    with pytest.raises(ClientError):
        await desk.pay("es1")
    assert (await desk.pay("es1"))[1]["errorCode"] == "500.002.1001"
    await desk.pass_time(60)
    assert (len(desk.callbacks), await utility(desk)) == (1, 94_000)


async def test_f18_a_payout_result_never_comes(desk: Desk) -> None:
    await fund(desk)
    await desk.arm("F18")
    await desk.pay("es1")
    assert await desk.pass_time(7_200) == 0
    assert await utility(desk) == 94_000
    await desk.sign_in()
    await desk.ask(STATUS, "TransactionStatusQuery", OriginalConversationID="es1")
    assert values(await desk.callback())["TransactionStatus"] == "Completed"


@pytest.mark.parametrize(
    ("variant", "results", "paid_cents"), [("then-result", 1, 6_000), ("silent", 0, 6_000), ("never", 0, 0)]
)
async def test_f19_the_queue_times_out(desk: Desk, variant: str, results: int, paid_cents: int) -> None:
    await fund(desk)
    await desk.arm("F19", variant=variant)
    await desk.pay("es1", QueueTimeOutURL=f"{desk.callback_url}/late")
    await desk.pass_time(120)
    [late] = desk.of("/late")
    assert late["Result"]["OriginatorConversationID"] == "es1"
    assert (len(desk.of("/here")), await utility(desk)) == (results, 100_000 - paid_cents)


async def test_f19_happens_to_questions_too(desk: Desk) -> None:
    await desk.arm("F19", product="balance", variant="never")
    await desk.ask(BALANCE, "AccountBalance")
    await desk.pass_time(120)
    assert (len(desk.of("/late")), desk.of("/here")) == (1, [])


async def test_f20_utility_is_empty(desk: Desk) -> None:
    await desk.pay("es1")
    assert (await desk.callback())["Result"]["ResultCode"] == 1
    await fund(desk)
    await desk.arm("F20")
    await desk.pay("es2")
    assert (await desk.callback())["Result"]["ResultCode"] == 1
    assert await utility(desk) == 100_000


@pytest.mark.parametrize(("variant", "afterwards"), [("2001", 0), ("21", 0), ("8006", 8006)])
async def test_f21_the_initiator_is_refused(desk: Desk, variant: str, afterwards: int) -> None:
    await fund(desk)
    await desk.arm("F21", variant=variant)
    for number, code in (("es1", int(variant)), ("es2", afterwards)):
        await desk.pay(number)
        assert (await desk.callback())["Result"]["ResultCode"] == code
    assert (await desk.control("GET", "initiator"))["is_locked"] == (variant == "8006")


@pytest.mark.parametrize("variant", list(FAULTS["F22"].variants))
async def test_f22_the_recipient_refuses(desk: Desk, variant: str) -> None:
    await fund(desk)
    await desk.arm("F22", variant=variant)
    await desk.pay("es1")
    told = (await desk.callback())["Result"]
    assert (str(told["ResultCode"]), await utility(desk)) == (variant.replace("-", "_"), 100_000)


async def test_f23_the_confirmation_overtakes_the_callback(desk: Desk) -> None:
    await desk.register()
    await desk.arm("F23")
    await desk.push()
    await desk.pass_time(60)
    (first, confirmation), (second, callback) = desk.arrived
    assert (first, second) == ("/here/confirmation", "/here")
    items = {item["Name"]: item.get("Value") for item in stk(callback)["CallbackMetadata"]["Item"]}
    assert confirmation["TransID"] == items["MpesaReceiptNumber"]


@pytest.mark.parametrize(
    ("variant", "amount", "account"),
    [
        ("wrong", "40.00", "HOUSE7-"),
        ("missing", "40.00", ""),
        ("partial", "20.00", "HOUSE-7"),
        ("over", "80.00", "HOUSE-7"),
    ],
)
async def test_f24_a_payment_is_mistyped(desk: Desk, variant: str, amount: str, account: str) -> None:
    await desk.register()
    await desk.arm("F24", variant=variant)
    await desk.control("POST", f"subscribers/{PHONE}/pay", {"kes": 40, "account": "HOUSE-7"})
    told = await desk.callback()
    assert (told["TransAmount"], told["BillRefNumber"]) == (amount, account)


async def test_f25_a_forged_success_arrives_first(desk: Desk) -> None:
    await desk.control("PATCH", f"subscribers/{PHONE}", {"behaviour": "cancels"})
    await desk.arm("F25")
    await desk.push()
    await desk.pass_time(60)
    assert (codes(desk), await utility(desk)) == ([0, 1032], 0)
    forged = {item["Name"]: item.get("Value") for item in stk(desk.of("/here")[0])["CallbackMetadata"]["Item"]}
    await desk.ask(STATUS, "TransactionStatusQuery", TransactionID=forged["MpesaReceiptNumber"])
    assert (await desk.callback())["Result"]["ResultCode"] == "R000002"


@pytest.mark.parametrize(("variant", "first"), [("forged", "196.201.214.200"), ("garbage", "unknown")])
async def test_f26_the_source_is_hidden(desk: Desk, variant: str, first: str) -> None:
    await desk.push()
    await desk.callback()
    await desk.arm("F26", variant=variant)
    await desk.push()
    await desk.callback()
    plain, hidden = (headers.get("X-Forwarded-For", "") for headers, _ in desk.callbacks)
    assert (plain, hidden.split(",")[0]) == ("", first)


async def test_f27_the_clocks_disagree(desk: Desk) -> None:
    await desk.arm("F27")
    status, told = await desk.push()
    assert (status, told["errorCode"], told["errorMessage"]) == (500, "500.001.1001", "Wrong credentials")
    assert (await desk.push())[0] == 200


async def test_what_has_happened_is_counted(desk: Desk) -> None:
    await desk.arm("F27", times=2)
    for _ in range(3):
        await desk.push()
    assert (await desk.control("GET", "faults"))["happened"] == {"F27": {"skew": 2}}


async def test_f28_a_payment_is_taken_back_unasked(desk: Desk) -> None:
    await desk.arm("F28", seconds=60)
    receipt = await paid(desk)
    assert await utility(desk) == 10_000
    assert (await desk.pass_time(120), await utility(desk)) == (0, 0)
    await desk.ask(STATUS, "TransactionStatusQuery", TransactionID=receipt)
    assert values(await desk.callback())["TransactionStatus"] == "Reversed"


@pytest.mark.parametrize(("variant", "cents"), [("before", 0), ("after", 10_000)])
async def test_f29_the_connection_is_cut_in_the_middle(desk: Desk, variant: str, cents: int) -> None:
    await desk.arm("F29", variant=variant)
    with pytest.raises(ClientError):
        await desk.push()
    await desk.pass_time(60)
    assert await utility(desk) == cents


@pytest.mark.parametrize(("variant", "rows"), [("missing", 2), ("double", 4), ("short", 1)])
async def test_f30_pull_has_gaps_and_doubles(desk: Desk, variant: str, rows: int) -> None:
    for _ in range(3):
        await paid(desk)
    question = {
        "ShortCode": BUSINESS.short_code,
        "StartDate": "2026-11-20 00:00:00",
        "EndDate": "2026-11-30 00:00:00",
        "OffSetValue": "0",
    }
    await desk.arm("F30", variant=variant)
    counts = [
        len((await desk.call("POST", "/pulltransactions/v1/query", question))[1]["Response"][0]) for _ in "12"
    ]
    assert counts == [rows, 3]


async def test_f31_the_balance_told_is_not_the_truth(desk: Desk) -> None:
    await fund(desk)
    await desk.arm("F31")
    told = []
    for _ in "12":
        await desk.ask(BALANCE, "AccountBalance")
        told.append(values(await desk.callback())["AccountBalance"])
    assert ("Utility Account|KES|900.00" in told[0], "Utility Account|KES|1000.00" in told[1]) == (True, True)


@pytest.mark.parametrize("variant", ["markup", "huge", "deep", "charset"])
async def test_f32_a_callback_means_harm(desk: Desk, variant: str) -> None:
    await desk.arm("F32", variant=variant)
    await desk.push()
    await desk.pass_time(60)
    [raw] = desk.raw
    match variant:
        case "markup":
            assert "<script>" in stk(desk.callbacks[0][1])["ResultDesc"]
        case "huge":
            assert len(raw) > 1_000_000
        case "deep":
            assert raw.count(b"[") > 4_999
        case _:
            with pytest.raises(UnicodeDecodeError):
                raw.decode()


async def test_f33_the_registration_is_gone(desk: Desk) -> None:
    await desk.register()
    await desk.arm("F33", variant="urls")
    await paid(desk)
    await desk.pass_time(60)
    assert desk.of("/confirmation") == []


async def test_f33_the_certificate_is_another(desk: Desk) -> None:
    await fund(desk)
    old = await desk.sealed(BUSINESS.initiator_password)
    await desk.arm("F33", variant="certificate")
    for number, sealed, code in (("es1", old, 2001), ("es2", await desk.sealed(BUSINESS.initiator_password), 0)):
        await desk.pay(number, SecurityCredential=sealed)
        assert (await desk.callback())["Result"]["ResultCode"] == code


async def test_f34_an_outage_ends_in_a_flood(desk: Desk) -> None:
    await desk.push()
    await desk.arm("F34", seconds=7_200)
    assert (await desk.push())[0] == 503
    assert await desk.pass_time(7_100) == 0
    assert (await desk.query("ws_CO_1"))[0] == 503
    assert await desk.pass_time(200) == 1
    assert codes(desk) == [0]
    await desk.sign_in()
    assert (await desk.push())[0] == 200


async def test_a_request_asks_for_its_own_faults(desk: Desk) -> None:
    await desk.push(fault="user-outcome/1019, F04")
    await desk.pass_time(60)
    assert codes(desk) == [1019, 1019]
    await desk.push()
    assert stk(await desk.callback())["ResultCode"] == 0
    for fault, told in (("F99", "there is no fault F99"), ("F34", "F34 happens to everyone at once")):
        status, words = await desk.push(fault=fault)
        assert (status, words.startswith(f"X-Simulator-Fault: {told}")) == (400, True)


@pytest.mark.parametrize("fault", ["F02", "F03", "F04"])
async def test_callbacks_of_one_product_alone_go_wrong(desk: Desk, fault: str) -> None:
    await desk.register()
    await desk.arm(fault, product="c2b")
    await desk.push()
    await desk.pass_time(60)
    assert (len(desk.of("/here")), len(desk.of("/confirmation"))) == (1, 2 if fault == "F04" else 0)


async def test_a_fault_may_be_for_one_phone_and_by_probability(desk: Desk) -> None:
    await desk.arm("F13", phone="254700000001", variant="1")
    await desk.push()
    assert stk(await desk.callback())["ResultCode"] == 0
    await desk.control("DELETE", "faults")
    await desk.arm("F13", probability=0.5, variant="1032")
    for _ in range(12):
        await desk.push(Amount=1)
        await desk.callback()
    assert set(codes(desk)) == {0, 1032}


async def test_the_books_stay_whole_in_a_storm(desk: Desk) -> None:
    await desk.control("POST", "faults", {"scenario": "storm"})
    await desk.register()
    for n in range(25):
        for asking in (desk.push(Amount=n + 1), desk.pay(f"es{n}", Amount=10 + n)):
            with contextlib.suppress(ClientError, TimeoutError):
                await asyncio.wait_for(asking, 1)
        with contextlib.suppress(ClientError, ValueError, TypeError):
            await desk.sign_in()
        await desk.pass_time(90)
    await desk.control("DELETE", "faults")
    await desk.pass_time(1_800)
    await desk.sign_in()
    books = await desk.books()
    assert (books["sum_cents"], books["open_prompts"], books["open_payouts"]) == (0, 0, 0)
    await desk.control("PATCH", f"subscribers/{PHONE}", {"balance_kes": 1_000})
    await desk.push(Amount=3)
    await desk.pass_time(60)
    assert await utility(desk) == books["accounts"]["utility"] + 300


@pytest.mark.parametrize(
    ("arming", "words"),
    [
        ({"fault": "F99"}, "there is no fault F99; known: F01 stk-answer-lost"),
        ({"fault": "F13", "variant": "7"}, "variant must be one of 1032, 1037"),
        ({"fault": "F13", "probability": 2}, "probability must be above 0 and at most 1"),
        ({"fault": "F13", "product": "loans"}, "product must be one of any, stk"),
        ({"scenario": "mayhem"}, "scenario must be one of calm, usual, storm"),
        ({"fault": 1}, "Expected `str`, got `int` - at `$.fault`"),
    ],
)
async def test_a_wrong_arming_says_what_would_do(desk: Desk, arming: dict[str, Any], words: str) -> None:
    status, told = await desk.call("POST", "/_simulator/faults", arming)
    assert (status, told.startswith(words)) == (400, True), told
