"""The first products on the wire: OAuth, STK push and query, B2C, Pull, balance; and what outlives a restart."""

from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tests.daraja_simulator.desk import BUSINESS, PHONE, Desk


async def test_a_payment_has_the_documented_callback(desk: Desk) -> None:
    status, taken = await desk.push()
    assert status == 200
    assert set(taken) == {
        "MerchantRequestID",
        "CheckoutRequestID",
        "ResponseCode",
        "ResponseDescription",
        "CustomerMessage",
    }
    told = (await desk.callback())["Body"]["stkCallback"]
    items = {item["Name"]: item.get("Value") for item in told["CallbackMetadata"]["Item"]}
    assert (told["ResultCode"], told["CheckoutRequestID"]) == (0, taken["CheckoutRequestID"])
    assert (items["Amount"], items["PhoneNumber"]) == (100.0, int(PHONE))
    assert str(items["TransactionDate"]).startswith("202611201430")
    headers, _ = desk.callbacks[0]
    assert headers["Businessshortcode"] == BUSINESS.short_code
    assert headers["Content-Type"] == "application/json;charset=UTF-8"
    accounts = (await desk.books())["accounts"]
    assert (accounts[f"subscriber:{PHONE}"], accounts["utility"]) == (40_000, 10_000)


async def test_a_callback_is_never_tried_again(desk: Desk) -> None:
    await desk.push()
    await desk.callback()
    assert await desk.pass_time(3_600) == 0
    assert len(desk.callbacks) == 1


@pytest.mark.parametrize(
    ("behaviour", "code"), [("cancels", 1032), ("ignores", 1037), ("manual", 1037), ("pays", 1)]
)
async def test_failures_have_their_codes_and_no_metadata(desk: Desk, behaviour: str, code: int) -> None:
    await desk.call("PATCH", f"/_simulator/subscribers/{PHONE}", {"behaviour": behaviour})
    await desk.push(Amount=501)
    told = (await desk.callback())["Body"]["stkCallback"]
    assert told["ResultCode"] == code
    assert "CallbackMetadata" not in told


@pytest.mark.parametrize(("decision", "code"), [({"pin": "1234"}, 0), ({"pin": "9999"}, 2001), ({}, 1032)])
async def test_a_person_decides_on_the_phone_page(desk: Desk, decision: dict[str, str], code: int) -> None:
    await desk.call("PATCH", f"/_simulator/subscribers/{PHONE}", {"behaviour": "manual"})
    await desk.push()
    _, state = await desk.call("GET", f"/_simulator/phone/{PHONE}/state")
    assert (state["prompt"]["kes"], state["prompt"]["reference"]) == (100, "ES2345678ABC")
    await desk.call("POST", f"/_simulator/prompts/{state['prompt']['checkout']}/answer", decision)
    assert (await desk.callback())["Body"]["stkCallback"]["ResultCode"] == code
    _, state = await desk.call("GET", f"/_simulator/phone/{PHONE}/state")
    assert state["prompt"] is None
    assert any("Confirmed. Ksh100.00 sent to" in sms["text"] for sms in state["messages"]) == (code == 0)


async def test_a_subscriber_has_one_prompt_at_a_time(desk: Desk) -> None:
    await desk.push()
    status, error = await desk.push()
    assert (status, error["errorCode"]) == (500, "500.001.1001")
    assert error["errorMessage"].startswith("Unable to lock subscriber")
    await desk.callback()
    assert (await desk.push())[0] == 200


async def test_a_query_in_flight_never_gives_a_result(desk: Desk) -> None:
    _, taken = await desk.push()
    question = {**desk.signed(), "CheckoutRequestID": taken["CheckoutRequestID"]}
    faces = set()
    for _ in range(30):
        _, told = await desk.call("POST", "/mpesa/stkpushquery/v1/query", question)
        faces.add(told.get("ResultCode") or told["errorCode"])
    assert faces == {"4999", "500.001.1001"}
    await desk.callback()
    codes = [(await desk.call("POST", "/mpesa/stkpushquery/v1/query", question))[1] for _ in range(20)]
    assert {told["ResultCode"] for told in codes if "ResultCode" in told} == {"0"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Password": "d3Jvbmc="}, "500.001.1001"),
        ({"Timestamp": "20261120143001"}, "500.001.1001"),
        ({"Amount": "1.5"}, "400.002.02"),
        ({"PhoneNumber": "0712345678"}, "400.002.02"),
        ({"AccountReference": "more than 12 signs"}, "400.002.02"),
        ({"CallBackURL": "http://127.0.0.1/mpesa/callback"}, "400.002.02"),
        ({"CallBackURL": "http://hub.example/here"}, "400.002.02"),
    ],
)
async def test_a_wrong_push_is_refused(desk: Desk, changes: dict[str, str], code: str) -> None:
    _, error = await desk.push(**changes)
    assert (set(error), error["errorCode"]) == ({"requestId", "errorCode", "errorMessage"}, code)
    assert (await desk.books())["open_prompts"] == 0


async def test_a_time_stamp_in_utc_is_refused(desk: Desk) -> None:
    _, error = await desk.push(**desk.signed("20261120113000"))
    assert error["errorMessage"] == "Bad Request - Invalid Timestamp"


async def test_a_newer_token_kills_the_older(desk: Desk) -> None:
    old = await desk.sign_in()
    await desk.sign_in()
    status, error = await desk.call("POST", "/mpesa/stkpush/v1/processrequest", {}, token=old)
    assert (status, error["errorCode"]) == (404, "404.001.03")
    status, error = await desk.call("POST", "/mpesa/b2c/v3/paymentrequest", {}, token=old)
    assert (status, error["errorCode"]) == (401, "401.002.01")


async def test_a_payout_is_made_once_per_id_and_charged_apart(desk: Desk) -> None:
    await desk.push(Amount=400)
    await desk.callback()
    assert (await desk.pay("es1", Amount=200))[1]["ResponseCode"] == "0"
    told = (await desk.callback())["Result"]
    values = {item["Key"]: item["Value"] for item in told["ResultParameters"]["ResultParameter"]}
    assert (told["ResultCode"], values["TransactionAmount"]) == (0, 200)
    assert values["TransactionReceipt"] == told["TransactionID"]
    assert values["TransactionCompletedDateTime"].startswith("20.11.2026 14:3")
    assert values["ReceiverPartyPublicName"] == f"{PHONE} - Amina Wanjiru"
    status, error = await desk.pay("es1", Amount=200)
    assert (status, error["errorCode"]) == (500, "500.002.1001")
    books = await desk.books()
    assert (books["accounts"]["utility"], books["accounts"]["charges"], books["sum_cents"]) == (20_000, -500, 0)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Amount": 9}, 2),
        ({"password": "wrong"}, 2001),
        ({"PartyB": "254700000000"}, 2040),
        ({"Amount": 60}, 1),
    ],
)
async def test_a_payout_that_cannot_be_made_says_why(desk: Desk, changes: dict[str, Any], code: int) -> None:
    assert (await desk.pay("es1", **changes))[1]["ResponseCode"] == "0"
    told = (await desk.callback())["Result"]
    assert told["ResultCode"] == code
    assert "ResultParameters" not in told
    assert told["TransactionID"].endswith("0000000")


async def test_pull_lists_payments_of_the_last_48_hours(desk: Desk) -> None:
    await desk.push()
    await desk.callback()
    question = {
        "ShortCode": BUSINESS.short_code,
        "StartDate": "2026-11-20 00:00:00",
        "EndDate": "2026-11-30 00:00:00",
        "OffSetValue": "0",
    }
    _, told = await desk.call("GET", "/pulltransactions/v1/query", question)
    [[row]] = told["Response"]
    assert (told["ResponseCode"], row["billreference"], row["amount"]) == ("1000", "ES2345678ABC", "100.00")
    assert row["trxDate"].startswith("2026-11-20T14:30:")
    await desk.pass_time(48 * 3600 + 60)
    await desk.sign_in()
    _, told = await desk.call("POST", "/pulltransactions/v1/query", question)
    assert (told["ResponseCode"], told["Response"]) == ("1001", [[]])


@pytest.mark.parametrize(("password", "code"), [(BUSINESS.initiator_password, 0), ("wrong", 2001)])
async def test_the_balance_comes_as_a_result(desk: Desk, password: str, code: int) -> None:
    await desk.push(Amount=400)
    await desk.callback()
    await desk.pay("es1", Amount=200)
    await desk.callback()
    body = {
        "Initiator": BUSINESS.initiator,
        "SecurityCredential": await desk.sealed(password),
        "CommandID": "AccountBalance",
        "PartyA": BUSINESS.short_code,
        "IdentifierType": "4",
        "Remarks": "Test",
        "QueueTimeOutURL": desk.callback_url,
        "ResultURL": desk.callback_url,
    }
    assert (await desk.call("POST", "/mpesa/accountbalance/v1/query", body))[1]["ResponseCode"] == "0"
    told = (await desk.callback())["Result"]
    assert told["ResultCode"] == code
    if code == 0:
        values = {item["Key"]: item["Value"] for item in told["ResultParameters"]["ResultParameter"]}
        assert values["AccountBalance"] == (
            "Working Account|KES|0.00|0.00|0.00|0.00&Utility Account|KES|200.00|200.00|0.00|0.00"
            "&Charges Paid Account|KES|-5.00|-5.00|0.00|0.00"
        )


async def test_the_simulator_makes_and_keeps_its_own_key(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "daraja.sqlite", None)
    await desk.start()
    first = desk.simulator.certificate_pem
    await desk.stop()
    await desk.start()
    keys = [x509.load_pem_x509_certificate(pem).public_key() for pem in (first, desk.simulator.certificate_pem)]
    await desk.stop()
    assert keys[0] == keys[1]


async def test_a_restart_forgets_nothing(kept_desk: Desk) -> None:
    await kept_desk.push()
    before = await kept_desk.books()
    await kept_desk.stop()
    await kept_desk.start()
    assert await kept_desk.books() == before
    assert (await kept_desk.call("POST", "/mpesa/stkpush/v1/processrequest", {}))[0] == 404
    assert (await kept_desk.callback())["Body"]["stkCallback"]["ResultCode"] == 0
    books = await kept_desk.books()
    assert (books["accounts"]["utility"], books["sum_cents"]) == (10_000, 0)


async def test_a_subscriber_made_again_keeps_the_balance(desk: Desk) -> None:
    person = {"phone": PHONE, "name": "Amina", "balance_kes": 9_000}
    assert (await desk.call("POST", "/_simulator/subscribers", person))[0] == 200
    _, told = await desk.call("GET", "/_simulator/subscribers")
    assert [(one["name"], one["balance_cents"]) for one in told["subscribers"]] == [("Amina", 50_000)]


async def test_the_phone_page_is_there_for_subscribers_only(desk: Desk) -> None:
    async with desk.session.get(desk.server.make_url(f"/_simulator/phone/{PHONE}")) as response:
        assert (response.status, response.content_type) == (200, "text/html")
    async with desk.session.get(desk.server.make_url("/_simulator/phone/254700000000")) as response:
        assert response.status == 404
