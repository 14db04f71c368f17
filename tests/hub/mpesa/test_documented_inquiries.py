"""The rest of Daraja against written-out bytes: status, balance, reversal, C2B, registrations, QR, tokens."""

import asyncio
import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from energy_swap_hub.mpesa import gateway
from energy_swap_hub.mpesa.client import Accepted, DarajaUnavailable, NotSent, Refused, Unknown
from energy_swap_hub.mpesa.gateway import Endpoint, Retry
from energy_swap_hub.mpesa.wire import (
    AccountBalances,
    Payment,
    PulledPayment,
    ReversalResult,
    TransactionStatus,
    Unreadable,
    read_balances,
    read_confirmation,
    read_reversal,
    read_status,
)

from tests.hub.mpesa.test_documented_wire import Recorder, pay, push, recorder

__all__ = ["recorder"]

TAKEN = (
    b'{"OriginatorConversationID":"71840-27539181-07","ConversationID":"AG_20210709_12346c8e6f8858d7b70a",'
    b'"ResponseCode":"0","ResponseDescription":"Accept the service request successfully."}'
)
URLS = {"result_url": "https://hub.example/hooks/s/1/2", "timeout_url": "https://hub.example/hooks/t/1/2"}


def sent(recorder: Recorder, path: str, private_key_pem: bytes | None = None) -> dict[str, Any]:
    """Return the last request's body, which went to ``path``; with a key, its password must be sealed with it."""
    method, asked, headers, body = recorder.asked[-1]
    assert (method, asked, headers["Content-Type"]) == ("POST", path, "application/json")
    fields: dict[str, Any] = json.loads(body)
    if private_key_pem is not None:
        key = serialization.load_pem_private_key(private_key_pem, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        sealed = base64.b64decode(fields.pop("SecurityCredential"))
        assert key.decrypt(sealed, padding.PKCS1v15()) == b"Safaricom123!"
    return fields


async def test_a_status_query_has_the_published_fields(recorder: Recorder, private_key_pem: bytes) -> None:
    recorder.answers.append((200, TAKEN))
    answer = await recorder.client.ask_status(originator_conversation_id="es0123456789abcdef01", **URLS)
    assert answer == Accepted("AG_20210709_12346c8e6f8858d7b70a")
    assert sent(recorder, "/mpesa/transactionstatus/v1/query", private_key_pem) == {
        "Initiator": "testapi",
        "CommandID": "TransactionStatusQuery",
        "OriginalConversationID": "es0123456789abcdef01",
        "PartyA": 174379,
        "IdentifierType": "4",
        "Remarks": "Energy Swap status",
        "Occasion": "",
        "ResultURL": URLS["result_url"],
        "QueueTimeOutURL": URLS["timeout_url"],
    }


async def test_a_balance_query_has_the_published_fields(recorder: Recorder, private_key_pem: bytes) -> None:
    recorder.answers.append((200, TAKEN))
    assert isinstance(await recorder.client.ask_balance(**URLS), Accepted)
    assert sent(recorder, "/mpesa/accountbalance/v1/query", private_key_pem) == {
        "Initiator": "testapi",
        "CommandID": "AccountBalance",
        "PartyA": 174379,
        "IdentifierType": "4",
        "Remarks": "Energy Swap balance",
        "ResultURL": URLS["result_url"],
        "QueueTimeOutURL": URLS["timeout_url"],
    }


async def test_a_reversal_has_the_published_fields(recorder: Recorder, private_key_pem: bytes) -> None:
    recorder.answers.append((200, TAKEN))
    assert isinstance(await recorder.client.reverse(receipt="OEI2AK4Q16", kes=100, **URLS), Accepted)
    assert sent(recorder, "/mpesa/reversal/v1/request", private_key_pem) == {
        "Initiator": "testapi",
        "CommandID": "TransactionReversal",
        "TransactionID": "OEI2AK4Q16",
        "Amount": 100,
        "ReceiverParty": 174379,
        "RecieverIdentifierType": "11",
        "Remarks": "Energy Swap reversal",
        "Occasion": "",
        "ResultURL": URLS["result_url"],
        "QueueTimeOutURL": URLS["timeout_url"],
    }


async def test_addresses_are_registered_for_payments_by_hand(recorder: Recorder) -> None:
    done = (
        b'{"OriginatorCoversationID":"6e86-45dd-91ac-fd5d4178ab523408729","ResponseCode":"0",'
        b'"ResponseDescription":"Success"}'
    )
    again = b'{"requestId":"1","errorCode":"500.003.1001","errorMessage":"URLs are already registered"}'
    recorder.answers += [(200, done), (500, again)]
    urls = {
        "confirmation_url": "https://hub.example/hooks/c/1/2",
        "validation_url": "https://hub.example/hooks/v/1/2",
    }
    assert await recorder.client.register_urls(**urls) == Accepted("")
    assert sent(recorder, "/mpesa/c2b/v2/registerurl") == {
        "ShortCode": 174379,
        "ResponseType": "Completed",
        "ConfirmationURL": urls["confirmation_url"],
        "ValidationURL": urls["validation_url"],
    }
    refused = await recorder.client.register_urls(**urls)
    assert isinstance(refused, Refused)
    assert (refused.code, "only two operators can change them" in refused.reason) == ("500.003.1001", True)


@pytest.mark.parametrize("code", ["1000", "1001"])
async def test_the_list_of_payments_is_registered_or_was_so_before(recorder: Recorder, code: str) -> None:
    body = {
        "ResponseRefID": "18633-7271215-1",
        "ResponseCode": code,
        "ResponseMessage": "ShortCode already Registered",
    }
    recorder.answers.append((200, json.dumps(body).encode()))
    registered = await recorder.client.register_pull(
        phone="254722000000", callback_url="https://hub.example/hooks/t/1/2"
    )
    assert registered == Accepted("18633-7271215-1")
    assert sent(recorder, "/pulltransactions/v1/register") == {
        "ShortCode": 174379,
        "RequestType": "Pull",
        "NominatedNumber": 254722000000,
        "CallBackURL": "https://hub.example/hooks/t/1/2",
    }


async def test_a_qr_code_is_an_image_for_an_account(recorder: Recorder) -> None:
    image = base64.b64encode(b"\x89PNG").decode()
    body = {"ResponseCode": "AG_20191219_000043fdf61864fe9ff5", "RequestID": "16738-1", "QRCode": image}
    recorder.answers += [
        (200, json.dumps(body).encode()),
        (200, b'{"ResponseCode":"00","QRCode":"%%%"}'),
        (404, b"{}"),
    ]
    assert await recorder.client.qr_code(merchant="Kisima", account="000195", kes=500) == b"\x89PNG"
    assert sent(recorder, "/mpesa/qrcode/v1/generate") == {
        "MerchantName": "Kisima",
        "RefNo": "000195",
        "Amount": 500,
        "TrxCode": "PB",
        "CPI": "174379",
        "Size": "300",
    }
    for _ in range(2):
        with pytest.raises(DarajaUnavailable):
            await recorder.client.qr_code(merchant="Kisima", account="000195", kes=500)


def test_the_published_status_result_is_read() -> None:
    body = (
        b'{"Result":{"ConversationID":"AG_20180223_0000493344ae97d86f75","OriginatorConversationID":"3213-416199-2",'
        b'"ReferenceData":{"ReferenceItem":{"Key":"Occasion"}},"ResultCode":"0","ResultDesc":"The service",'
        b'"ResultParameters":{"ResultParameter":[{"Key":"DebitPartyName","Value":"600310 - Safaricom333"},'
        b'{"Key":"DebitPartyName","Value":"254708374149 - John"},{"Key":"InitiatedTime","Value":20180223054112},'
        b'{"Key":"DebitPartyCharges","Value":"Fee For B2C Payment|KES|22.40"},{"Key":"TransactionReason"},'
        b'{"Key":"TransactionStatus","Value":"Completed"},{"Key":"FinalisedTime","Value":20180223054112},'
        b'{"Key":"Amount","Value":300},{"Key":"ReceiptNo","Value":"MBN31H462N"}]},"ResultType":0,'
        b'"TransactionID":"MBN0000000"}}'
    )
    at = datetime(2018, 2, 23, 2, 41, 12, tzinfo=UTC)
    assert read_status(body) == TransactionStatus("0", "completed", Payment("MBN31H462N", 300, at), 2_240)
    unknown = b'{"Result":{"ResultCode":2032,"ResultDesc":"no such","TransactionID":"MBN0000000"}}'
    assert read_status(unknown) == TransactionStatus("2032", "", None, None)


def test_the_published_balance_is_read_to_the_cent() -> None:
    told = (
        "Working Account|KES|700000.00|700000.00|0.00|0.00&Float Account|KES|0.00|0.00|0.00|0.00&"
        "Utility Account|KES|228037.25|228037.25|0.00|0.00&Charges Paid Account|KES|-1540.00|-1540.00|0.00|0.00&"
        "Organization Settlement Account|KES|0.00|0.00|0.00|0.00"
    )
    items = [{"Key": "AccountBalance", "Value": told}, {"Key": "BOCompletedTime", "Value": 20200109125710}]

    def body(code: int | str, parameters: object) -> bytes:
        result = {"ResultCode": code, "ResultParameters": {"ResultParameter": parameters}}
        return json.dumps({"Result": result}).encode()

    at = datetime(2020, 1, 9, 9, 57, 10, tzinfo=UTC)
    assert read_balances(body(0, items)) == AccountBalances(22_803_725, 70_000_000, -154_000, at)
    assert read_balances(body("0", items[0])) == AccountBalances(22_803_725, 70_000_000, -154_000, None)
    assert read_balances(body(21, items)) is None
    assert read_balances(body(0, [{"Key": "AccountBalance", "Value": "Utility Account|KES"}])) is None


def test_the_published_reversal_result_is_read() -> None:
    body = (
        b'{"Result":{"ResultType":0,"ResultCode":"0","ResultDesc":"The service request is processed.",'
        b'"OriginatorConversationID":"dad6-4c34-8787-c8cb963a496d1268232","ConversationID":"AG_20211114_201018edbbf",'
        b'"TransactionID":"SKE52PAWR9","ResultParameters":{"ResultParameter":[{"Key":"Amount","Value":1.00},'
        b'{"Key":"TransCompletedTime","Value":20211114132711},{"Key":"OriginalTransactionID","Value":"SKC82PACB8"}]}}}'
    )
    at = datetime(2021, 11, 14, 10, 27, 11, tzinfo=UTC)
    assert read_reversal(body) == ReversalResult("0", "SKE52PAWR9", at)
    failed = b'{"Result":{"ResultCode":"R000002","ResultDesc":"invalid","TransactionID":"SKE0000000"}}'
    assert read_reversal(failed) == ReversalResult("R000002", "", None)


def test_the_published_confirmation_is_read_without_name_and_phone() -> None:
    body = (
        b'{"TransactionType":"Pay Bill","TransID":"RKL51ZDR4F","TransTime":"20231121121325","TransAmount":"5.00",'
        b'"BusinessShortCode":"600966","BillRefNumber":" es 2345678-abc ","InvoiceNumber":"",'
        b'"OrgAccountBalance":"25.00",'
        b'"ThirdPartyTransID":"","MSISDN":"2547 ***** 126","FirstName":"NICHOLAS","MiddleName":"","LastName":""}'
    )
    at = datetime(2023, 11, 21, 9, 13, 25, tzinfo=UTC)
    assert read_confirmation(body) == PulledPayment("ES2345678ABC", Payment("RKL51ZDR4F", 5, at))
    for bad in (b"{}", b'{"TransID":"RKL51ZDR4F","TransAmount":"5.50"}', b"[1]", b"\xff"):
        with pytest.raises(Unreadable):
            read_confirmation(bad)


def test_every_endpoint_says_whether_it_may_be_asked_again() -> None:
    endpoints = {value.path: value.retry for value in vars(gateway).values() if isinstance(value, Endpoint)}
    assert {path for path, retry in endpoints.items() if retry is Retry.NEVER} == {
        "/mpesa/stkpush/v1/processrequest",
        "/mpesa/reversal/v1/request",
    }
    assert [path for path, retry in endpoints.items() if retry is Retry.SAME_ID] == [
        "/mpesa/b2c/v3/paymentrequest"
    ]
    assert len(endpoints) == 10


@pytest.mark.parametrize("page", [(200, b""), (503, b"<html>")])
async def test_what_moves_money_is_sent_once_and_a_question_twice(
    recorder: Recorder, page: tuple[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "_ASK_AGAIN_AFTER_SECONDS", 0)
    recorder.answers += [page] * 9
    assert isinstance(await push(recorder), Unknown)
    assert isinstance(await pay(recorder), Unknown)
    assert isinstance(await recorder.client.reverse(receipt="OEI2AK4Q16", kes=1, **URLS), Unknown)
    assert len(recorder.asked) == 3
    assert isinstance(await recorder.client.ask_balance(**URLS), Unknown)
    assert await recorder.client.query_push("ws_CO_1") is None
    assert len(recorder.asked) == 7


async def test_many_at_once_share_one_token(recorder: Recorder) -> None:
    recorder.answers += [(200, TAKEN)] * 12
    asked = (recorder.client.ask_balance(**URLS) for _ in range(12))
    assert all(isinstance(answer, Accepted) for answer in await asyncio.gather(*asked))
    assert recorder.tokens == 1


async def test_many_whose_token_was_killed_fetch_one_new_one(recorder: Recorder) -> None:
    refused = (401, b'{"requestId":"1","errorCode":"401.002.01","errorMessage":"Invalid Access Token"}')
    recorder.answers += [refused] * 6 + [(200, TAKEN)] * 6
    answers = await asyncio.gather(*(recorder.client.ask_balance(**URLS) for _ in range(6)))
    assert [type(answer) for answer in answers] == [Accepted] * 6
    assert recorder.tokens == 2


async def test_without_a_certificate_nothing_is_sent_that_needs_one(recorder: Recorder) -> None:
    object.__setattr__(recorder.client._config, "certificate_pem", None)
    assert isinstance(await recorder.client.reverse(receipt="OEI2AK4Q16", kes=1, **URLS), NotSent)
    assert recorder.asked == []
