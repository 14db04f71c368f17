"""C2B, transaction status, reversal, Pull registration, QR and B2C version 1 on the wire."""

import base64
from hashlib import sha256
from typing import Any

import pytest

from tests.daraja_simulator.desk import BUSINESS, PHONE, Desk

SIMULATE = "/mpesa/c2b/v2/simulate"
STATUS = "/mpesa/transactionstatus/v1/query"
REVERSAL = "/mpesa/reversal/v1/request"


def values(told: dict[str, Any]) -> dict[str, Any]:
    return {i["Key"]: i.get("Value") for i in told["Result"]["ResultParameters"]["ResultParameter"]}


async def paid(desk: Desk, **changes: Any) -> str:
    """Let the subscriber pay by STK and return the receipt."""
    await desk.push(**changes)
    told = (await desk.callback())["Body"]["stkCallback"]
    items = {item["Name"]: item.get("Value") for item in told["CallbackMetadata"]["Item"]}
    return str(items["MpesaReceiptNumber"])


async def reverse(desk: Desk, receipt: str, amount: int = 100, **changes: Any) -> Any:
    party = {"ReceiverParty": BUSINESS.short_code, "RecieverIdentifierType": "11"}
    body = {"TransactionID": receipt, "Amount": amount, **party, **changes}
    assert (await desk.ask(REVERSAL, "TransactionReversal", **body))[1]["ResponseCode"] == "0"
    return await desk.callback()


async def test_c2b_addresses_are_registered_once(desk: Desk) -> None:
    status, told = await desk.register()
    assert (status, set(told)) == (200, {"OriginatorCoversationID", "ResponseCode", "ResponseDescription"})
    status, told = await desk.register()
    assert (status, told["errorCode"]) == (500, "500.003.1001")
    await desk.control("DELETE", "urls")
    assert (await desk.register())[0] == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"ResponseType": "completed"},
        {"ShortCode": "600000"},
        {"ConfirmationURL": "http://hub.example/confirm"},
        {"ValidationURL": "https://hub.example/mpesa/validate"},
        {"ValidationURL": "https://Hub.example/validate"},
        {"ValidationURL": "https://hub.example:99999/validate"},
    ],
)
async def test_wrong_c2b_addresses_are_refused(desk: Desk, changes: dict[str, Any]) -> None:
    status, told = await desk.register(**changes)
    assert (status, told["errorCode"]) == (400, "400.002.02")
    assert (await desk.control("GET", "urls"))["registered"] is None


async def test_a_menu_payment_is_confirmed_with_a_masked_payer(desk: Desk) -> None:
    await desk.register()
    paid = await desk.control("POST", f"subscribers/{PHONE}/pay", {"kes": 5, "account": "HOUSE-7"})
    assert paid["code"] == "0"
    told = await desk.callback()
    assert told == {
        "TransactionType": "Pay Bill",
        "TransID": paid["receipt"],
        "TransTime": "20261120143000",
        "TransAmount": "5.00",
        "BusinessShortCode": BUSINESS.short_code,
        "BillRefNumber": "HOUSE-7",
        "InvoiceNumber": "",
        "OrgAccountBalance": "5.00",
        "ThirdPartyTransID": "",
        "MSISDN": "2547 ***** 678",
        "FirstName": "AMINA",
        "MiddleName": "",
        "LastName": "WANJIRU",
    }
    assert desk.of("/confirmation") == [told]
    assert await desk.pass_time(3_600) == 0


async def test_version_1_tells_a_hash_of_the_payer(desk: Desk) -> None:
    await desk.register(version=1)
    body = {"ShortCode": BUSINESS.short_code, "CommandID": "CustomerPayBillOnline", "Amount": 7, "Msisdn": PHONE}
    assert (await desk.call("POST", SIMULATE, body))[1]["ResponseCode"] == "0"
    told = await desk.callback()
    assert (told["MSISDN"], told["BillRefNumber"]) == (sha256(PHONE.encode()).hexdigest(), "")


async def test_an_stk_payment_is_confirmed_too(desk: Desk) -> None:
    await desk.register()
    _, taken = await desk.push()
    await desk.pass_time(60)
    [confirmation] = desk.of("/confirmation")
    [stk] = desk.of("/here")
    items = {item["Name"]: item.get("Value") for item in stk["Body"]["stkCallback"]["CallbackMetadata"]["Item"]}
    assert stk["Body"]["stkCallback"]["CheckoutRequestID"] == taken["CheckoutRequestID"]
    assert (confirmation["TransID"], confirmation["BillRefNumber"]) == (
        items["MpesaReceiptNumber"],
        "ES2345678ABC",
    )


@pytest.mark.parametrize(
    ("verdict", "response_type", "code"),
    [
        ({"ResultCode": "0", "ResultDesc": "Accepted", "ThirdPartyTransID": "T-1"}, "Cancelled", "0"),
        ({"ResultCode": 0, "ResultDesc": "Accepted"}, "Cancelled", "0"),
        ({"ResultCode": "C2B00012", "ResultDesc": "Rejected"}, "Completed", "C2B00012"),
        (None, "Completed", "0"),
        (None, "Cancelled", "C2B00016"),
        ({"ResultCode": "whatever"}, "Cancelled", "C2B00016"),
    ],
)
async def test_validation_decides_and_silence_means_the_default(
    desk: Desk, verdict: Any, response_type: str, code: str
) -> None:
    await desk.register(ResponseType=response_type)
    await desk.control("PATCH", "rules", {"is_validation_on": True})
    desk.validation = verdict
    asked = await desk.control("POST", f"subscribers/{PHONE}/pay", {"kes": 5, "account": "HOUSE-7"})
    assert asked["code"] is None
    await desk.pass_time(10)
    [question] = desk.of("/validation")
    assert (question["TransID"], question["OrgAccountBalance"]) == (asked["receipt"], "")
    told = desk.of("/confirmation")
    assert [one["ThirdPartyTransID"] for one in told] == (
        [(verdict or {}).get("ThirdPartyTransID", "")] if code == "0" else []
    )
    accounts = (await desk.books())["accounts"]
    assert accounts.get("utility", 0) == (500 if code == "0" else 0)


async def test_a_slow_validation_is_not_waited_for(desk: Desk) -> None:
    await desk.register(ValidationURL=f"{desk.callback_url}/slow")
    await desk.control("PATCH", "rules", {"is_validation_on": True, "validation_patience_seconds": 0.05})
    await desk.control("POST", f"subscribers/{PHONE}/pay", {"kes": 5, "account": "HOUSE-7"})
    await desk.pass_time(10)
    assert len(desk.of("/confirmation")) == 1


async def test_the_status_of_a_payment_in_and_of_its_reversal(desk: Desk) -> None:
    receipt = await paid(desk)
    status, told = await desk.ask(STATUS, "TransactionStatusQuery", TransactionID=receipt)
    assert (status, told["ResponseCode"]) == (200, "0")
    told = await desk.callback()
    found = values(told)
    assert (found["ReceiptNo"], found["TransactionStatus"], found["Amount"]) == (receipt, "Completed", 100)
    names = [
        item["Value"]
        for item in told["Result"]["ResultParameters"]["ResultParameter"]
        if item["Key"] == "DebitPartyName"
    ]
    assert names == [f"{PHONE} - Amina Wanjiru", f"{BUSINESS.short_code} - {BUSINESS.name}"]
    told = await reverse(desk, receipt)
    assert (told["Result"]["ResultCode"], values(told)["OriginalTransactionID"]) == (0, receipt)
    await desk.ask(STATUS, "TransactionStatusQuery", TransactionID=receipt)
    assert values(await desk.callback())["TransactionStatus"] == "Reversed"
    books = await desk.books()
    assert (books["accounts"]["utility"], books["accounts"][f"subscriber:{PHONE}"]) == (0, 50_000)


async def test_the_status_of_a_payout_by_its_originator_id_tells_the_fee(desk: Desk) -> None:
    await paid(desk, Amount=400)
    await desk.pay("es1", Amount=200)
    asked = {"OriginalConversationID": "es1", "Occasion": "check"}
    await desk.ask(STATUS, "TransactionStatusQuery", **asked)
    await desk.pass_time(60)
    states = [values(body) for body in desk.of("/here")[1:]]
    told = next(state for state in states if "TransactionStatus" in state)
    assert told["TransactionStatus"] in ("Initiated", "Completed")
    await desk.ask(STATUS, "TransactionStatusQuery", **asked)
    body = await desk.callback()
    told = values(body)
    assert told["TransactionStatus"] == "Completed"
    assert (told["DebitPartyCharges"], told["OriginatorConversationID"]) == ("Fee For B2C Payment|KES|5.00", "es1")
    assert {"Key": "Occasion", "Value": "check"} in body["Result"]["ReferenceData"]["ReferenceItem"]


async def test_the_status_of_a_payout_that_failed_is_declined(desk: Desk) -> None:
    await desk.pay("es1", Amount=200)
    await desk.callback()
    await desk.ask(STATUS, "TransactionStatusQuery", OriginalConversationID="es1")
    told = await desk.callback()
    assert (values(told)["TransactionStatus"], values(told)["ReceiptNo"]) == ("Declined", None)
    await desk.ask(STATUS, "TransactionStatusQuery", TransactionID="UKT0000000")
    assert (await desk.callback())["Result"]["ResultCode"] == "R000002"


async def test_a_reversal_is_made_once_and_never_of_more_than_there_is(desk: Desk) -> None:
    receipt = await paid(desk)
    assert (await reverse(desk, receipt, 99))["Result"]["ResultCode"] == 25
    await desk.pay("es1", Amount=50)
    await desk.callback()
    assert (await reverse(desk, receipt))["Result"]["ResultCode"] == 1
    await desk.control("POST", "transfers", {"kes": 50})
    assert (await reverse(desk, receipt))["Result"]["ResultCode"] == 0
    told = (await reverse(desk, receipt))["Result"]
    assert (told["ResultCode"], "ResultParameters" in told) == ("R000001", False)
    assert (await reverse(desk, "UKT0000000"))["Result"]["ResultCode"] == "R000002"
    status, told = await desk.ask(REVERSAL, "TransactionReversal", TransactionID=receipt, Amount=100)
    assert (status, told["errorMessage"]) == (400, "Bad Request - Invalid ReceiverParty")


async def test_pull_is_registered_once_and_may_be_needed(desk: Desk) -> None:
    await desk.control("PATCH", "rules", {"is_pull_registration_needed": True})
    times = {"StartDate": "2026-11-20 00:00:00", "EndDate": "2026-11-20 20:00:00"}
    question = {"ShortCode": BUSINESS.short_code, **times, "OffSetValue": "0"}
    assert (await desk.call("POST", "/pulltransactions/v1/query", question))[0] == 400
    body = {
        "ShortCode": BUSINESS.short_code,
        "RequestType": "Pull",
        "NominatedNumber": PHONE,
        "CallBackURL": desk.callback_url,
    }
    codes = [(await desk.call("POST", "/pulltransactions/v1/register", body))[1]["ResponseStatus"] for _ in "12"]
    assert codes == ["1000", "1001"]
    assert (await desk.call("POST", "/pulltransactions/v1/query", question))[1]["ResponseCode"] == "1001"


async def test_version_1_of_b2c_gives_its_own_id(desk: Desk) -> None:
    await paid(desk, Amount=400)
    body = {
        "InitiatorName": BUSINESS.initiator,
        "SecurityCredential": await desk.sealed(BUSINESS.initiator_password),
        "CommandID": "BusinessPayment",
        "Amount": 200,
        "PartyA": BUSINESS.short_code,
        "PartyB": PHONE,
        "Remarks": "Test",
        "QueueTimeOutURL": desk.callback_url,
        "ResultURL": desk.callback_url,
        "Occassion": "June",
    }
    _, taken = await desk.call("POST", "/mpesa/b2c/v1/paymentrequest", body)
    told = (await desk.callback())["Result"]
    assert (told["ResultCode"], told["OriginatorConversationID"]) == (0, taken["OriginatorConversationID"])


@pytest.mark.parametrize(("shape", "status"), [("error", 500), ("response", 200)])
async def test_a_known_payout_id_is_refused_in_either_shape(desk: Desk, shape: str, status: int) -> None:
    await desk.control("PATCH", "rules", {"duplicate_shape": shape})
    await desk.pay("es1")
    got, told = await desk.pay("es1")
    assert (got, told.get("errorCode"), told.get("ResponseCode")) == (
        (500, "500.002.1001", None) if status == 500 else (200, None, "1")
    )
    assert "Duplicate" in (told.get("errorMessage") or told["ResponseDescription"])


async def test_a_qr_code_comes_as_a_picture(desk: Desk) -> None:
    body = {
        "MerchantName": "ENERGY SWAP",
        "RefNo": "HOUSE-7",
        "Amount": 250,
        "TrxCode": "PB",
        "CPI": BUSINESS.short_code,
        "Size": "300",
    }
    _, told = await desk.call("POST", "/mpesa/qrcode/v1/generate", body)
    picture = base64.b64decode(told["QRCode"])
    assert (told["ResponseCode"], picture[:8]) == ("00", b"\x89PNG\r\n\x1a\n")
    assert (await desk.call("POST", "/mpesa/qrcode/v1/generate", body | {"TrxCode": "XX"}))[0] == 400


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/mpesa/stkpush/v1/processrequest", 404, "404.001.03"),
        ("/mpesa/stkpushquery/v1/query", 404, "404.001.03"),
        ("/mpesa/b2c/v3/paymentrequest", 401, "401.002.01"),
        ("/mpesa/accountbalance/v1/query", 401, "401.002.01"),
        ("/mpesa/c2b/v2/registerurl", 401, "401.003.01"),
        ("/mpesa/transactionstatus/v1/query", 400, "400.003.01"),
        ("/mpesa/reversal/v1/request", 404, "404.001.03"),
        ("/pulltransactions/v1/query", 404, "404.001.03"),
        ("/mpesa/qrcode/v1/generate", 404, "404.001.03"),
    ],
)
async def test_each_product_refuses_a_token_in_its_own_way(desk: Desk, path: str, status: int, code: str) -> None:
    got, told = await desk.call("POST", path, {}, token="old")
    assert (got, told["errorCode"], told["errorMessage"]) == (status, code, "Invalid Access Token")


@pytest.mark.parametrize(
    ("bouquet", "customer", "business"),
    [("none", 0, 0), ("mgao", 10, 5), ("customer", 15, 0), ("business", 0, 15)],
)
async def test_the_bouquet_says_who_pays_for_payments_in(
    desk: Desk, bouquet: str, customer: int, business: int
) -> None:
    await desk.control("PATCH", f"subscribers/{PHONE}", {"balance_kes": 2_000})
    await desk.control("PATCH", "rules", {"bouquet": bouquet})
    await paid(desk, Amount=1_500)
    books = await desk.books()
    assert books["accounts"][f"subscriber:{PHONE}"] == (500 - customer) * 100
    assert (books["accounts"].get("charges", 0), books["sum_cents"]) == (-business * 100, 0)


async def test_rules_of_m_pesa_bite(desk: Desk) -> None:
    await desk.control("PATCH", "rules", {"same_amount_window_seconds": 120, "daily_limit_kes": 250})
    await paid(desk)
    codes = []
    for amount, wait in ((100, 0), (100, 130), (60, 0)):
        await desk.pass_time(wait)
        await desk.push(Amount=amount)
        codes.append((await desk.callback())["Body"]["stkCallback"]["ResultCode"])
    assert codes == [17, 0, 4]
    await desk.control("PATCH", "rules", {"requests_per_second": 2})
    told = [await desk.query("ws_CO_1") for _ in range(3)]
    assert [body["errorCode"] for _, body in told] == ["500.001.1001", "500.001.1001", "500.003.02"]
    await desk.pass_time(1)
    assert (await desk.query("ws_CO_1"))[1]["errorCode"] == "500.001.1001"


async def test_wrong_credentials_lock_the_initiator_until_it_is_unlocked(desk: Desk) -> None:
    await paid(desk, Amount=400)
    codes = []
    for number, password in enumerate(["bad", "bad", "bad", BUSINESS.initiator_password]):
        await desk.pay(f"es{number}", password)
        codes.append((await desk.callback())["Result"]["ResultCode"])
    assert codes == [2001, 2001, 2001, 8006]
    await desk.control("POST", "initiator", {"password": "Other#2027"})
    await desk.pay("es8", "Other#2027")
    assert (await desk.callback())["Result"]["ResultCode"] == 0


async def test_an_initiator_password_grows_old(desk: Desk) -> None:
    await desk.control("PATCH", "rules", {"initiator_password_days": 90})
    await paid(desk, Amount=400)
    await desk.pass_time(91 * 86_400)
    await desk.sign_in()
    await desk.pay("es1")
    assert (await desk.callback())["Result"]["ResultCode"] == 2001


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/mpesa/stkpush/v9/processrequest", 404, "404.001.01"),
        ("GET", "/mpesa/stkpush/v1/processrequest", 405, "405.001"),
    ],
)
async def test_a_wrong_path_or_method_has_an_error_body(
    desk: Desk, method: str, path: str, status: int, code: str
) -> None:
    got, told = await desk.call(method, path, {})
    assert (got, set(told), told["errorCode"]) == (status, {"requestId", "errorCode", "errorMessage"}, code)


async def test_a_request_without_a_bearer_token_is_refused(desk: Desk) -> None:
    async with desk.session.post(desk.server.make_url("/mpesa/b2c/v3/paymentrequest"), json={}) as response:
        assert (response.status, (await response.json())["errorCode"]) == (404, "404.001.04")


async def test_the_path_of_a_callback_arrives_as_it_was_given(desk: Desk) -> None:
    path = "/a%7eb/%2f//c;d=1?e=%41&f"
    await desk.push(CallBackURL=desk.callback_url + path.lower())
    await desk.callback()
    assert desk.raw_paths == ["/here" + path.lower()]


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"a": "\xff"}'])
async def test_a_body_that_is_no_json_object_is_refused(desk: Desk, raw: bytes) -> None:
    url, headers = desk.server.make_url("/mpesa/b2c/v3/paymentrequest"), {"Authorization": f"Bearer {desk.token}"}
    async with desk.session.post(url, data=raw, headers=headers) as response:
        assert (response.status, (await response.json())["errorCode"]) == (400, "400.002.05")
