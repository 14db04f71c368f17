"""Money that came in: each receipt counts once, whichever way its news came and whoever it is for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

from energy_swap_protocol.units import CENTS_PER_KES
from sqlalchemy import Connection, insert, select, update

from . import intents
from .events import Payer, PayerOf, PaymentEvents
from .intents import Intent
from .tables import FAILED, PAID, TOP_UP, payment_intent, payment_receipt, payment_reversal
from .wire import Payment, PulledPayment, PushResult, masked

CREDITED: Final = "credited"
CREDITED_BEFORE: Final = "credited before"


class Asked(Enum):
    """What M-Pesa answered when it was asked whether the success in a callback is true: nobody signs callbacks."""

    SAYS_SO = "says_so"
    SAYS_OTHERWISE = "says_otherwise"  # or it could not be asked: its list of payments must tell
    NO_ANSWER = "no_answer"  # not decided, or no answer just now: the query plan goes on


@dataclass(frozen=True, slots=True)
class Receipt:
    """A payment that was received; without a household it waits in suspense."""

    receipt: str
    community_id: str
    household_id: str | None
    reference: str
    kes: int


def find(connection: Connection, receipt: str) -> Receipt | None:
    """Return what came by a receipt."""
    row = (
        connection.execute(select(payment_receipt).where(payment_receipt.c.receipt == receipt)).mappings().first()
    )
    return None if row is None else Receipt(**{name: row[name] for name in Receipt.__slots__})


def latest(connection: Connection, community_id: str, limit: int) -> list[dict[str, Any]]:
    """Return the payments that were received, the newest first, with what became of a reversal."""
    row, back = payment_receipt.c, payment_reversal.c
    found = connection.execute(
        select(
            *(row.receipt, row.household_id, row.reference, row.kes, row.channel, row.paid_at, row.recorded_at),
            back.state.label("reversal"),
        )
        .join_from(payment_receipt, payment_reversal, back.receipt == row.receipt, isouter=True)
        .where(row.community_id == community_id)
        .order_by(row.recorded_at.desc(), row.receipt)
        .limit(limit)
    )
    return [dict(one) for one in found.mappings()]


def credit(
    connection: Connection, events: PaymentEvents, intent: Intent, payment: Payment, channel: str, now: datetime
) -> str:
    """Credit a receipt of an asked payment once, whatever state that was in: money that came is real."""
    if find(connection, payment.receipt) is not None:
        return CREDITED_BEFORE
    current = connection.execute(
        select(payment_intent.c.state, payment_intent.c.given_up_at).where(
            payment_intent.c.intent_id == intent.intent_id
        )
    ).one()
    # What was paid for once is not paid for again, and what was given up cannot be had any more.
    purpose = TOP_UP if current.state == PAID else intent.purpose
    is_late = purpose != TOP_UP and (current.state == FAILED or current.given_up_at is not None)
    payer = Payer(intent.community_id, intent.household_id)
    _record(connection, payer, payment, intent.account_reference, channel, now, intent_id=intent.intent_id)
    connection.execute(
        update(payment_intent)
        .where(payment_intent.c.intent_id == intent.intent_id)
        .values(state=PAID, reason=None, due_at=None, expires_at=None, ended_at=now)
    )
    events.received(
        connection,
        community_id=intent.community_id,
        household_id=intent.household_id,
        cents=payment.kes * CENTS_PER_KES,
        receipt=payment.receipt,
        at=payment.at or now,
        purpose=purpose,
        is_late=is_late,
        reference=intent.account_reference,
    )
    return CREDITED


def record_push_result(
    connection: Connection,
    events: PaymentEvents,
    intent: Intent,
    result: PushResult,
    received_at: datetime,
    *,
    confirm_above_kes: int,
    asked: Asked,
) -> str:
    """Record an STK callback and return what it meant. A success counts if M-Pesa says so when it is ``asked``."""
    if result.code != "0":
        return intents.record_code(connection, events, intent, result.code, received_at)
    payment = result.payment
    if payment is not None and find(connection, payment.receipt) is not None:
        return CREDITED_BEFORE
    if payment is None or payment.kes != intent.kes:
        # Without receipt or with another amount it proves nothing: the list of payments does.
        intents.doubt(connection, events, intent, payment.kes if payment else None, received_at)
        return "success that does not fit the request"
    if asked is Asked.NO_ANSWER:
        return "success that M-Pesa does not know of yet"
    if asked is Asked.SAYS_OTHERWISE or payment.kes > confirm_above_kes:
        intents.confirm(connection, intent, received_at)
        return "success that waits for the list of payments"
    return credit(connection, events, intent, payment, "callback", received_at)


def receive(
    connection: Connection,
    events: PaymentEvents,
    payer_of: PayerOf | None,
    told: PulledPayment,
    channel: str,
    now: datetime,
) -> str:
    """Credit a payment by the account its payer named: one of our requests, a household's own, or nobody's.

    Without ``payer_of`` only our requests are known, and what else came is left alone.
    """
    if find(connection, told.payment.receipt) is not None:
        return CREDITED_BEFORE
    intent = intents.find_by_reference(connection, told.reference)
    if intent is not None:
        return credit(connection, events, intent, told.payment, channel, now)
    if payer_of is None:
        return "not one of ours"
    payer = payer_of(connection, told.reference)
    _record(connection, payer, told.payment, told.reference, channel, now, intent_id=None)
    events.received(
        connection,
        community_id=payer.community_id,
        household_id=payer.household_id,
        cents=told.payment.kes * CENTS_PER_KES,
        receipt=told.payment.receipt,
        at=told.payment.at or now,
        reference=masked(told.reference),
    )
    return CREDITED if payer.household_id is not None else "nobody's: in suspense"


def receive_all(
    connection: Connection,
    events: PaymentEvents,
    payer_of: PayerOf | None,
    rows: Iterable[PulledPayment],
    channel: str,
    now: datetime,
) -> int:
    """Credit every listed payment that was not credited before; return how many were new."""
    credited = 0
    for row in rows:
        before = find(connection, row.payment.receipt)
        if before is None:
            receive(connection, events, payer_of, row, channel, now)
            credited += find(connection, row.payment.receipt) is not None
    return credited


def assign(connection: Connection, receipt: str, household_id: str) -> None:
    """Note whose a payment in suspense is; raises `LookupError` when it is not there or somebody's already."""
    row = payment_receipt.c
    changed = connection.execute(
        update(payment_receipt)
        .where(row.receipt == receipt, row.household_id.is_(None))
        .values(household_id=household_id)
    )
    if changed.rowcount != 1:
        raise LookupError(f"no payment {receipt} waits for an owner")


def _record(
    connection: Connection,
    payer: Payer,
    payment: Payment,
    reference: str,
    channel: str,
    now: datetime,
    *,
    intent_id: str | None,
) -> None:
    connection.execute(
        insert(payment_receipt).values(
            receipt=payment.receipt,
            community_id=payer.community_id,
            intent_id=intent_id,
            household_id=payer.household_id,
            reference=masked(reference),
            kes=payment.kes,
            channel=channel,
            paid_at=payment.at or now,
            recorded_at=now,
        )
    )
