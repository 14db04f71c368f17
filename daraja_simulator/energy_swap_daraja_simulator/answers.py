"""The bodies of M-Pesa's news: acknowledgements and results, with the words that go with each result code."""

from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Any, Final

from .clock import EAT

type Pairs = Sequence[tuple[str, Any]]

_STK_WORDS: Final = {
    "0": ("The service request is processed successfully.",),
    "1": ("The balance is insufficient for the transaction.",),
    "17": ("Rule limited.",),
    "1001": ("Unable to lock subscriber, a transaction is already in process for the current subscriber",),
    "1019": ("Transaction expired. No MO has been received", "Transaction has expired."),
    "1025": ("An error occurred while sending a push request",),
    "1032": ("Request cancelled by user.", "Request canceled by user"),
    "1037": ("DS timeout user cannot be reached.", "No response from user."),
    "2001": ("The initiator information is invalid.",),
    "9999": ("An error occurred while sending a push request",),
}
_WORDS: Final = {
    "0": ("The service request is processed successfully.",),
    "1": ("The balance is insufficient for the transaction.",),
    "2": ("Declined due to limit rule: less than the minimum transaction amount.",),
    "3": ("Declined due to limit rule: greater than the maximum transaction amount.",),
    "4": ("Declined due to limit rule: would exceed daily transfer limit.",),
    "8": ("Declined due to limit rule: would exceed the maximum balance.",),
    "21": ("The initiator is not allowed to initiate this request",),
    "25": ("Invalid parameter.",),
    "26": ("System busy. The service request is rejected.",),
    "2001": ("The initiator information is invalid.",),
    "2028": ("The request is not permitted according to product assignment.",),
    "2040": (
        "Credit Party customer type (Unregistered or Registered Customer) can't be supported by the service .",
    ),
    "8006": ("The security credential is locked.",),
    "SFC_IC0003": ("The operator does not exist.",),
    "R000001": ("The transaction has already been reversed.",),
    "R000002": ("The OriginalTransactionID is invalid.",),
}


def stk_words(code: str, random: Random) -> str:
    """Return the prose for an STK result; it differs by channel and day."""
    return random.choice(_STK_WORDS.get(code) or words_of(code))


def words_of(code: str) -> tuple[str, ...]:
    """Return the known prose for a result code."""
    return _WORDS.get(code, ("The request could not be processed.",))


def as_code(code: str) -> int | str:
    """Return a result code as M-Pesa writes it: a number where it is one."""
    return int(code) if code.isdecimal() else code


def conversation_id(random: Random, now: datetime) -> str:
    """Return a new ``AG_...`` id."""
    return f"AG_{now.astimezone(EAT):%Y%m%d}_{random.getrandbits(80):020x}"


def acknowledge(originator: str, conversation: str) -> dict[str, str]:
    """Return the body that says a request was taken in."""
    return {
        "ConversationID": conversation,
        "OriginatorConversationID": originator,
        "ResponseCode": "0",
        "ResponseDescription": "Accept the service request successfully.",
    }


def result(
    code: str, *, originator: str, conversation: str, transaction: str, parameters: Pairs = (), occasion: str = ""
) -> dict[str, Any]:
    """Return the body of a result callback; failures carry no parameters. A value of ``None`` is left out."""
    body: dict[str, Any] = {
        "ResultType": 0,
        "ResultCode": as_code(code),
        "ResultDesc": words_of(code)[0],
        "OriginatorConversationID": originator,
        "ConversationID": conversation,
        "TransactionID": transaction,
    }
    if parameters:
        body["ResultParameters"] = {"ResultParameter": [_item("Key", key, value) for key, value in parameters]}
    timeout = _item("Key", "QueueTimeoutURL", "https://internalapi.safaricom.co.ke/mpesa/results/v1/submit")
    items = [timeout, _item("Key", "Occasion", occasion)] if occasion else timeout
    body["ReferenceData"] = {"ReferenceItem": items}
    return {"Result": body}


def queue_timeout(originator: str, conversation: str) -> dict[str, Any]:
    """Return what goes to QueueTimeOutURL. Its body is documented nowhere; only the address has a meaning."""
    return {
        "Result": {
            "ResultType": 1,
            "ResultDesc": "The request timed out in the queue.",
            "OriginatorConversationID": originator,
            "ConversationID": conversation,
        }
    }


def stk_callback(
    merchant: str, checkout: str, code: str, description: str, metadata: Pairs = ()
) -> dict[str, Any]:
    """Return the body of an STK callback; only a success has metadata."""
    told: dict[str, Any] = {
        "MerchantRequestID": merchant,
        "CheckoutRequestID": checkout,
        "ResultCode": as_code(code),
        "ResultDesc": description,
    }
    if metadata:
        told["CallbackMetadata"] = {"Item": [_item("Name", name, value) for name, value in metadata]}
    return {"Body": {"stkCallback": told}}


def _item(label: str, name: str, value: Any) -> dict[str, Any]:
    return {label: name} if value is None else {label: name, "Value": value}
