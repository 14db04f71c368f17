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
    """A row of the Pull API: a payment in, with the account reference that its payer used."""

    reference: str
    payment: Payment


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
    result = _object(json_object(body), "Result")
    items = dict(_pairs(result.get("ResultParameters"), "ResultParameter", "Key"))
    code = _code(result)
    receipt = items.get("TransactionReceipt") or result.get("TransactionID")
    paid = _payment(receipt, items.get("TransactionAmount"), items.get("TransactionCompletedDateTime"))
    return PayoutResult(
        code,
        text(result.get("OriginatorConversationID")),
        paid if code == "0" else None,
        _fee_cents(items.get("DebitPartyCharges")),
    )


def read_pulled(reply: Mapping[str, Any]) -> tuple[PulledPayment, ...]:
    """Return the rows of a Pull answer; rows that are no complete payment are left out."""
    found: list[PulledPayment] = []
    for row in _flat(reply.get("Response")):
        payment = _payment(row.get("transactionId"), row.get("amount"), row.get("trxDate"))
        if payment is not None:
            found.append(PulledPayment(text(row.get("billreference")).upper(), payment))
    return tuple(found)


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
    try:
        cents = Decimal(parts[-1].strip()) * 100
    except InvalidOperation:
        return None
    return int(cents) if cents.is_finite() and 0 <= cents == int(cents) else None
