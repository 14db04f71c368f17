"""The client against written-out bytes, so that it and the simulator cannot be wrong together.

Answers and callbacks are Daraja's published samples (or ones that integrators recorded); what we send is compared
field by field with the published requests.
"""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import ClientSession, TCPConnector, web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from energy_swap_daraja_simulator.credential import certificate
from energy_swap_hub.mpesa.client import Accepted, Answer, DarajaClient, NotSent, Refused, Unknown
from energy_swap_hub.mpesa.config import MPesaConfig
from energy_swap_hub.mpesa.wire import Payment, Unreadable, read_payout_result, read_push_result

NOON_IN_NAIROBI = datetime(2026, 11, 20, 9, 0, 0, tzinfo=UTC)

TOKEN = b'{"access_token":"c9SQxWWhmdVRlyh0zh8gZDTkubVF","expires_in":"3599"}'
PUSH_TAKEN = (
    b'{"MerchantRequestID":"29115-34620561-1","CheckoutRequestID":"ws_CO_191220191020363925",'
    b'"ResponseCode":"0","ResponseDescription":"Success. Request accepted for processing",'
    b'"CustomerMessage":"Success. Request accepted for processing"}'
)
PAY_TAKEN = (
    b'{"ConversationID":"AG_20240706_20106e9209f64bebd05b",'
    b'"OriginatorConversationID":"600997_Test_32et3241ed8yu","ResponseCode":"0",'
    b'"ResponseDescription":"Accept the service request successfully."}'
)


class Recorder:
    """A Daraja of fixed answers, which keeps what it was asked."""

    client: DarajaClient

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.tokens = 0

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/oauth/v1/generate":
            self.tokens += 1
            assert request.query_string == "grant_type=client_credentials"
            assert request.headers["Authorization"] == "Basic a2V5OnNlY3JldA=="
            return web.Response(body=TOKEN, content_type="application/json")
        self.asked.append((request.method, request.path, dict(request.headers), await request.read()))
        status, body = self.answers.pop(0)
        return web.Response(status=status, body=body, content_type="application/json")


@pytest.fixture
async def recorder(private_key_pem: bytes) -> AsyncIterator[Recorder]:
    recorder = Recorder()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", recorder.answer)
    server = TestServer(application)
    await server.start_server()
    config = MPesaConfig(
        base_url=str(server.make_url("")).rstrip("/"),
        callback_base_url="https://hub.example",
        short_code=174379,
        passkey="bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919",
        consumer_key="key",
        consumer_secret="secret",
        initiator="testapi",
        initiator_password="Safaricom123!",
        certificate_pem=certificate(private_key_pem),
        hmac_secret=b"0123456789abcdef",
    )
    async with ClientSession(connector=TCPConnector(force_close=True)) as session:
        recorder.client = DarajaClient(session, config, lambda: NOON_IN_NAIROBI)
        yield recorder
    await server.close()


async def push(recorder: Recorder, *answers: tuple[int, bytes]) -> Answer:
    recorder.answers += answers
    return await recorder.client.push(
        phone="254708374149",
        kes=1,
        account_reference="ES2345678ABC",
        callback_url="https://hub.example/hooks/k/1/2",
    )


async def pay(recorder: Recorder, *answers: tuple[int, bytes]) -> Answer:
    recorder.answers += answers
    return await recorder.client.pay(
        originator_conversation_id="es0123456789abcdef01",
        phone="254705912645",
        kes=10,
        result_url="https://hub.example/hooks/p/1/2",
        timeout_url="https://hub.example/hooks/t/1/2",
    )


async def test_a_push_has_the_published_fields_in_nairobi_time(recorder: Recorder) -> None:
    assert await push(recorder, (200, PUSH_TAKEN)) == Accepted("ws_CO_191220191020363925")
    [(method, path, headers, body)] = recorder.asked
    assert (method, path) == ("POST", "/mpesa/stkpush/v1/processrequest")
    assert headers["Authorization"] == "Bearer c9SQxWWhmdVRlyh0zh8gZDTkubVF"
    assert headers["Content-Type"] == "application/json"
    password = base64.b64encode(
        b"174379bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c91920261120120000"
    ).decode()
    assert json.loads(body) == {
        "BusinessShortCode": 174379,
        "Password": password,
        "Timestamp": "20261120120000",
        "TransactionType": "CustomerPayBillOnline",
        "Amount": 1,
        "PartyA": 254708374149,
        "PartyB": 174379,
        "PhoneNumber": 254708374149,
        "CallBackURL": "https://hub.example/hooks/k/1/2",
        "AccountReference": "ES2345678ABC",
        "TransactionDesc": "Energy Swap",
    }


async def test_a_payout_has_the_published_fields_and_a_sealed_password(
    recorder: Recorder, private_key_pem: bytes
) -> None:
    assert await pay(recorder, (200, PAY_TAKEN)) == Accepted("AG_20240706_20106e9209f64bebd05b")
    [(method, path, _, body)] = recorder.asked
    assert (method, path) == ("POST", "/mpesa/b2c/v3/paymentrequest")
    sent = json.loads(body)
    key = serialization.load_pem_private_key(private_key_pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.decrypt(base64.b64decode(sent.pop("SecurityCredential")), padding.PKCS1v15()) == b"Safaricom123!"
    assert sent == {
        "OriginatorConversationID": "es0123456789abcdef01",
        "InitiatorName": "testapi",
        "CommandID": "BusinessPayment",
        "Amount": 10,
        "PartyA": 174379,
        "PartyB": 254705912645,
        "Remarks": "Energy Swap payout",
        "QueueTimeOutURL": "https://hub.example/hooks/t/1/2",
        "ResultURL": "https://hub.example/hooks/p/1/2",
    }


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            400,
            b'{"requestId":"1","errorCode":"400.002.02","errorMessage":"Bad Request - Invalid Amount"}',
            Refused,
        ),
        (
            500,
            b'{"requestId":"1","errorCode":"500.001.1001","errorMessage":"Unable to lock subscriber, ..."}',
            Refused,
        ),
        (500, b'{"requestId":"1","errorCode":"500.001.1001","errorMessage":""}', Unknown),
        (500, b'{"requestId":"1","errorCode":"500.003.02","errorMessage":"System is busy"}', Unknown),
        (
            500,
            b'{"requestId":"1","errorCode":"500.003.02","errorMessage":"Error Occurred: Spike Arrest"}',
            NotSent,
        ),
        (200, b'{"requestId":"1","errorCode":"400.002.02","errorMessage":"inside a 200"}', Unknown),
        (502, b"<html>Bad gateway</html>", Unknown),
        (200, b"", Unknown),
    ],
)
async def test_what_an_answer_to_a_push_proves(recorder: Recorder, status: int, body: bytes, kind: type) -> None:
    assert isinstance(await push(recorder, (status, body)), kind)
    assert len(recorder.asked) == 1


async def test_a_refused_token_is_renewed_once_and_the_request_made_again(recorder: Recorder) -> None:
    refused = (404, b'{"requestId":"1","errorCode":"404.001.03","errorMessage":"Invalid Access Token"}')
    assert isinstance(await push(recorder, refused, (200, PUSH_TAKEN)), Accepted)
    assert recorder.tokens == 2
    assert isinstance(await push(recorder, refused, refused), NotSent)
    assert len(recorder.asked) == 4


@pytest.mark.parametrize(
    "answer",
    [
        (
            500,
            b'{"requestId":"1","errorCode":"500.002.1001","errorMessage":"Duplicate OriginatorConversationID."}',
        ),
        (200, b'{"ResponseCode":"1","ResponseDescription":"Duplicate OriginatorConversationID."}'),
    ],
)
async def test_both_faces_of_a_duplicate_payout_mean_accepted(
    recorder: Recorder, answer: tuple[int, bytes]
) -> None:
    assert await pay(recorder, answer) == Accepted("")


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b'{"ResponseCode":"0","ResultCode":"1032","ResultDesc":"Request canceled by user"}', "1032"),
        (200, b'{"ResponseCode":"0","ResultCode":0,"ResultDesc":""}', "0"),
        (200, b'{"ResponseCode":"0","ResultCode":"4999","ResultDesc":"still under processing"}', "4999"),
        (200, b'{"requestId":"1","errorCode":"500.001.1001","errorMessage":""}', None),
        (500, b'{"requestId":"1","errorCode":"500.001.1001","errorMessage":""}', None),
    ],
)
async def test_only_a_result_code_answers_a_query(
    recorder: Recorder, status: int, body: bytes, code: str | None
) -> None:
    recorder.answers.append((status, body))
    assert await recorder.client.query_push("ws_CO_191220191020363925") == code
    sent = json.loads(recorder.asked[0][3])
    assert set(sent) == {"BusinessShortCode", "Password", "Timestamp", "CheckoutRequestID"}


async def test_pull_reads_pages_until_there_is_no_more(recorder: Recorder) -> None:
    row = (
        b'{"transactionId":"NLJ7RT61SV","trxDate":"2020-08-05T10:13:00Z","msisdn":722000000,"sender":"UAT2",'
        b'"transactiontype":"c2b-pay-bill-debit","billreference":"es2345678abc","amount":"168.00",'
        b'"organizationname":"Daraja Pull API Test"}'
    )
    page = b'{"ResponseRefID":"1","ResponseCode":"1000","ResponseMessage":"Success","Response":[[' + row + b"]]}"
    recorder.answers += [(200, page), (200, b'{"ResponseCode":"1001","ResponseMessage":"none","Response":[[]]}')]
    [found] = await recorder.client.pull(NOON_IN_NAIROBI, NOON_IN_NAIROBI)
    assert found.reference == "ES2345678ABC"
    assert found.payment == Payment("NLJ7RT61SV", 168, datetime(2020, 8, 5, 7, 13, tzinfo=UTC))
    sent = [json.loads(body) for _, _, _, body in recorder.asked]
    assert sent[0] == {
        "ShortCode": 174379,
        "StartDate": "2026-11-20 12:00:00",
        "EndDate": "2026-11-20 12:00:00",
        "OffSetValue": "0",
    }
    assert sent[1]["OffSetValue"] == "1"


def test_the_published_success_callback_is_read() -> None:
    body = (
        b'{"Body":{"stkCallback":{"MerchantRequestID":"29115-34620561-1",'
        b'"CheckoutRequestID":"ws_CO_191220191020363925","ResultCode":0,'
        b'"ResultDesc":"The service request is processed successfully.","CallbackMetadata":{"Item":['
        b'{"Name":"Amount","Value":1.00},{"Name":"MpesaReceiptNumber","Value":"NLJ7RT61SV"},{"Name":"Balance"},'
        b'{"Name":"TransactionDate","Value":20191219102115},{"Name":"PhoneNumber","Value":254708374149}]}}}}'
    )
    result = read_push_result(body)
    assert result.code == "0"
    assert result.payment == Payment("NLJ7RT61SV", 1, datetime(2019, 12, 19, 7, 21, 15, tzinfo=UTC))


def test_the_published_failure_callback_is_read() -> None:
    body = (
        b'{"Body":{"stkCallback":{"MerchantRequestID":"29115-34620561-1",'
        b'"CheckoutRequestID":"ws_CO_191220191020363925","ResultCode":1032,"ResultDesc":"Request canceled"}}}'
    )
    result = read_push_result(body)
    assert (result.code, result.payment) == ("1032", None)


def test_a_recorded_payout_result_is_read() -> None:
    body = (
        b'{"Result":{"ResultType":0,"ResultCode":0,"ResultDesc":"The service request is processed successfully.",'
        b'"OriginatorConversationID":"es0123456789abcdef01","ConversationID":"AG_20240923_205073ddd7a33320056f",'
        b'"TransactionID":"SIN5LJDZ7Z","ResultParameters":{"ResultParameter":['
        b'{"Key":"TransactionAmount","Value":100},{"Key":"TransactionReceipt","Value":"SIN5LJDZ7Z"},'
        b'{"Key":"ReceiverPartyPublicName","Value":"0700000000 - A B"},'
        b'{"Key":"TransactionCompletedDateTime","Value":"23.09.2024 17:08:40"},'
        b'{"Key":"B2CUtilityAccountAvailableFunds","Value":5225.0},'
        b'{"Key":"B2CWorkingAccountAvailableFunds","Value":0.0},'
        b'{"Key":"B2CRecipientIsRegisteredCustomer","Value":"Y"},'
        b'{"Key":"B2CChargesPaidAccountAvailableFunds","Value":0.0}]},"ReferenceData":{"ReferenceItem":'
        b'{"Key":"QueueTimeoutURL","Value":"http://internalapi.safaricom.co.ke/mpesa/b2cresults/v1/submit"}}}}'
    )
    result = read_payout_result(body)
    assert (result.code, result.originator_conversation_id, result.fee_cents) == (
        "0",
        "es0123456789abcdef01",
        None,
    )
    assert result.payment == Payment("SIN5LJDZ7Z", 100, datetime(2024, 9, 23, 14, 8, 40, tzinfo=UTC))


def test_one_parameter_alone_and_a_told_fee_are_read() -> None:
    body = (
        b'{"Result":{"ResultCode":"0","TransactionID":"SKE52PAWR9","ResultParameters":{"ResultParameter":'
        b'{"Key":"DebitPartyCharges","Value":"Fee For B2C Payment|KES|22.40"}}}}'
    )
    assert read_payout_result(body).fee_cents == 2_240


@pytest.mark.parametrize("body", [b"", b"[]", b'{"Body":null}', b'{"Body":{"stkCallback":{}}}', b"\xff\xfe{}"])
def test_a_body_that_is_none_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_push_result(body)
