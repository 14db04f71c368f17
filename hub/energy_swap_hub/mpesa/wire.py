"""Daraja's bodies, read tolerantly into strict types: items by name, numbers or strings, one object or a list."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from .nairobi import parse

_RECEIPT: Final = re.compile(r"[A-Z0-9]{8,20}")
_MOST_KES: Final = 10_000_000


class Unreadable(ValueError):  # noqa: N818 - it says what the body is
    """A body that is not what it should be."""


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that moved: M-Pesa's receipt, whole KES, and when (``None``: it did not say)."""

    receipt: str
    kes: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class PushResult:
    """The end of an STK push; ``payment`` is there only if the success came complete."""

    code: str
    payment: Payment | None


@dataclass(frozen=True, slots=True)
class PayoutResult:
    """The end of a B2C payment; ``fee_cents`` is there only if M-Pesa told it."""

    code: str
    originator_conversation_id: str
    payment: Payment | None
    fee_cents: int | None


@dataclass(frozen=True, slots=True)
class PulledPayment:
    """A payment in, with the account that its payer named: a row of the Pull API or a C2B confirmation."""

    reference: str
    payment: Payment


@dataclass(frozen=True, slots=True)
class TransactionStatus:
    """What a status query found; ``status`` is a word of M-Pesa's, lower case, empty if nothing was found."""

    code: str
    status: str
    payment: Payment | None
    fee_cents: int | None


@dataclass(frozen=True, slots=True)
class ReversalResult:
    """The end of a reversal; ``receipt`` is the reversal's own, empty if it failed."""

    code: str
    receipt: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountBalances:
    """What the short code's accounts hold in cents, and since when."""

    utility_cents: int
    working_cents: int
    charges_cents: int
    at: datetime | None


def json_object(body: bytes) -> Mapping[str, Any]:
    """Return a JSON object; anything else raises `Unreadable`."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("no JSON object") from error


def text(value: Any) -> str:
    """Return a code or id as text, whether it came as number or string; empty if it is neither."""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def whole_kes(value: Any) -> int | None:
    """Return an amount like 1, 1.0 or "1.00" as whole KES; ``None`` if it is no such amount."""
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    is_whole = amount.is_finite() and 0 < amount <= _MOST_KES and amount == int(amount)
    return int(amount) if is_whole else None


def read_push_result(body: bytes) -> PushResult:
    """Read an STK callback; raises `Unreadable` without a result code."""
    callback = _object(_object(json_object(body), "Body"), "stkCallback")
    items = dict(_pairs(callback.get("CallbackMetadata"), "Item", "Name"))
    code = _code(callback)
    paid = _payment(items.get("MpesaReceiptNumber"), items.get("Amount"), items.get("TransactionDate"))
    return PushResult(code, paid if code == "0" else None)


def read_payout_result(body: bytes) -> PayoutResult:
    """Read a B2C result; raises `Unreadable` without a result code."""
    result, items, code = _result(body)
    receipt = items.get("TransactionReceipt") or result.get("TransactionID")
    paid = _payment(receipt, items.get("TransactionAmount"), items.get("TransactionCompletedDateTime"))
    return PayoutResult(
        code,
        text(result.get("OriginatorConversationID")),
        paid if code == "0" else None,
        _fee_cents(items.get("DebitPartyCharges")),
    )


def read_status(body: bytes) -> TransactionStatus:
    """Read the result of a status query; raises `Unreadable` without a result code."""
    _, items, code = _result(body)
    paid = _payment(items.get("ReceiptNo"), items.get("Amount"), items.get("FinalisedTime"))
    status = text(items.get("TransactionStatus")).lower()
    return TransactionStatus(code, status if code == "0" else "", paid, _fee_cents(items.get("DebitPartyCharges")))


def read_reversal(body: bytes) -> ReversalResult:
    """Read the result of a reversal; raises `Unreadable` without a result code."""
    result, items, code = _result(body)
    receipt = text(result.get("TransactionID"))
    is_done = code == "0" and _RECEIPT.fullmatch(receipt) is not None
    return ReversalResult(code, receipt if is_done else "", parse(items.get("TransCompletedTime")))


def read_balances(body: bytes) -> AccountBalances | None:
    """Read the result of a balance query: None for a failure; raises `Unreadable` without a result code."""
    _, items, code = _result(body)
    told = items.get("AccountBalance")
    if code != "0" or not isinstance(told, str):
        return None
    cents = {}
    for account in told.split("&"):
        # name|KES|available|...: the first two amounts are equal wherever they were seen.
        parts = [part.strip() for part in account.split("|")]
        if len(parts) >= 3 and (amount := _cents(parts[2])) is not None:
            cents[parts[0].lower()] = amount
    if "utility account" not in cents:
        return None
    return AccountBalances(
        utility_cents=cents["utility account"],
        working_cents=cents.get("working account", 0),
        charges_cents=cents.get("charges paid account", 0),
        at=parse(items.get("BOCompletedTime")),
    )


def read_confirmation(body: bytes) -> PulledPayment:
    """Read a C2B confirmation or validation request; raises `Unreadable` if it is no complete payment.

    Name and (masked) phone of the payer are not read.
    """
    told = json_object(body)
    payment = _payment(told.get("TransID"), told.get("TransAmount"), told.get("TransTime"))
    if payment is None:
        raise Unreadable("TransID or TransAmount is none")
    return PulledPayment(as_reference(told.get("BillRefNumber")), payment)


def as_reference(value: Any) -> str:
    """Return an account as a person may have typed it, in one spelling: capital letters and digits, at most 20."""
    return "".join(sign for sign in text(value).upper() if sign.isascii() and sign.isalnum())[:20]


def masked(reference: str) -> str:
    """Return a reference fit to be kept: a phone number that somebody typed as account is not."""
    return f"{reference[:4]}X{reference[-3:]}" if reference.isdecimal() and len(reference) >= 9 else reference


def read_pulled(reply: Mapping[str, Any]) -> tuple[int, tuple[PulledPayment, ...]]:
    """Return how many rows a Pull answer has, and its payments; rows that are no complete payment are left out."""
    rows = tuple(_flat(reply.get("Response")))
    found: list[PulledPayment] = []
    for row in rows:
        payment = _payment(row.get("transactionId"), row.get("amount"), row.get("trxDate"))
        if payment is not None:
            found.append(PulledPayment(as_reference(row.get("billreference")), payment))
    return len(rows), tuple(found)


def _result(body: bytes) -> tuple[Mapping[str, Any], dict[str, Any], str]:
    """Return the parts of an asynchronous result: itself, its parameters by key, its code."""
    result = _object(json_object(body), "Result")
    items: dict[str, Any] = {}
    for key, value in _pairs(result.get("ResultParameters"), "ResultParameter", "Key"):
        items.setdefault(key, value)
    return result, items, _code(result)


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = body.get(name)
    if not isinstance(inner, dict):
        raise Unreadable(f"{name} is missing")
    return inner


def _code(body: Mapping[str, Any]) -> str:
    code = text(body.get("ResultCode"))
    if not code:
        raise Unreadable("ResultCode is missing")
    return code


def _pairs(holder: Any, list_name: str, key_name: str) -> Iterator[tuple[str, Any]]:
    items = holder.get(list_name) if isinstance(holder, dict) else None
    for item in [items] if isinstance(items, dict) else items if isinstance(items, list) else []:
        if isinstance(item, dict):
            yield text(item.get(key_name)), item.get("Value")


def _flat(rows: Any) -> Iterator[Mapping[str, Any]]:
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict):
            yield row
        elif isinstance(row, list):
            yield from (inner for inner in row if isinstance(inner, dict))


def _payment(receipt: Any, amount: Any, at: Any) -> Payment | None:
    number, kes = text(receipt), whole_kes(amount)
    return None if kes is None or not _RECEIPT.fullmatch(number) else Payment(number, kes, parse(at))


def _fee_cents(told: Any) -> int | None:
    """Read ``Fee For B2C Payment|KES|22.40``."""
    parts = text(told).split("|")
    if len(parts) < 3 or parts[-2].strip() != "KES":
        return None
    cents = _cents(parts[-1])
    return cents if cents is not None and cents >= 0 else None


def _cents(amount: str) -> int | None:
    try:
        cents = Decimal(amount.strip().replace(",", "")) * 100
    except InvalidOperation:
        return None
    return int(cents) if cents.is_finite() and abs(cents) < 10**15 and cents == int(cents) else None
