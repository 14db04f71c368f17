"""Money that came in: each payment counts once, whichever way its news came and whoever it is for.

Nobody signs a callback, so its receipt number is hearsay until M-Pesa's own list shows it. A payment that a phone
was asked for is therefore booked under its account reference, once; another number for it is believed from the
list only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from energy_swap_protocol.units import CENTS_PER_KES
from sqlalchemy import Connection, bindparam, exists, func, select, tuple_, update

from energy_swap_hub.storage import insert_rows, is_among

from . import intents, reports, rows
from .events import Payer, PayerOf, PaymentEvents
from .intents import Intent
from .tables import FAILED, PAID, TOP_UP, payment_intent, payment_receipt, payment_reversal, statement_line
from .wire import Payment, PulledPayment, masked

CREDITED: Final = "credited"
CREDITED_BEFORE: Final = "credited before"
IN_SUSPENSE: Final = "nobody's: in suspense"
_NEW: Final = (CREDITED, IN_SUSPENSE)

CALLBACK: Final = "callback"  # of a push
BY_HAND: Final = "c2b"  # an announcement, which comes for a push, too
_UNSIGNED: Final = (CALLBACK, BY_HAND)
_AT_ONCE: Final = 500  # receipts in one question to the database
_UNPROVEN_FOR: Final = timedelta(hours=48)  # M-Pesa's list reaches no further back
_PAID_NOW: Final = (
    update(payment_intent)
    .where(payment_intent.c.intent_id == bindparam("key_intent_id"))
    .values(state=PAID, reason=None, due_at=None, expires_at=None, ended_at=bindparam("now"))
)


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
    intent_id: str | None  # none: paid by hand
    reference: str
    kes: int
    channel: str


def find(connection: Connection, receipt: str) -> Receipt | None:
    """Return what came by a receipt."""
    return rows.find(connection, Receipt, payment_receipt, receipt=receipt)


def latest(
    connection: Connection, community_id: str, limit: int, *, after: str | None = None, skip: int = 0
) -> list[dict[str, Any]]:
    """Return payments that were received, the newest first, with what became of a reversal.

    ``after`` is a receipt whose followers are wanted; raises `LookupError` if there is none such.
    """
    row, back = payment_receipt.c, payment_reversal.c
    query = (
        select(
            *(row.receipt, row.household_id, row.reference, row.kes, row.channel, row.paid_at, row.recorded_at),
            back.state.label("reversal"),
        )
        .join_from(payment_receipt, payment_reversal, back.receipt == row.receipt, isouter=True)
        .where(row.community_id == community_id)
    )
    if after is not None:
        recorded_at = connection.execute(
            select(row.recorded_at).where(row.community_id == community_id, row.receipt == after)
        ).scalar()
        if recorded_at is None:
            raise LookupError(f"there is no receipt {after}")
        query = query.where(tuple_(row.recorded_at, row.receipt) < (recorded_at, after))
    ordered = query.order_by(row.recorded_at.desc(), row.receipt.desc()).limit(limit).offset(skip)
    return [dict(one) for one in connection.execute(ordered).mappings()]


def count(connection: Connection, community_id: str) -> int:
    """Return how many payments were ever received."""
    query = select(func.count()).select_from(payment_receipt).where(payment_receipt.c.community_id == community_id)
    return connection.execute(query).scalar_one()


def credit(
    connection: Connection, events: PaymentEvents, intent: Intent, payment: Payment, channel: str, now: datetime
) -> str:
    """Credit an asked payment, as this transaction read it, once, whatever its state: money that came is real.

    What is told of one that is paid counts from M-Pesa's list only: it is the true number of the receipt that was
    credited, or a second payment to the same account reference.
    """
    known = find(connection, payment.receipt)
    if known is not None and (channel in _UNSIGNED or not _take_back(connection, known, intent.account_reference)):
        return CREDITED_BEFORE
    if intent.state != PAID:
        # What was given up cannot be had any more.
        is_late = intent.purpose != TOP_UP and (intent.state == FAILED or intent.given_up_at is not None)
        _book(
            *(connection, events, intent, payment, channel, now),
            name=intent.account_reference,
            purpose=intent.purpose,
            is_late=is_late,
        )
        connection.execute(_PAID_NOW, {"key_intent_id": intent.intent_id, "now": now})
        intents.answered(connection, events, intent, f"it was paid by {payment.receipt}")
        return CREDITED
    if channel in _UNSIGNED:
        return "another receipt for what is paid: M-Pesa's list decides"
    if (hearsay := _hearsay(connection, intent, payment.kes)) is not None:
        _rename(connection, hearsay, payment.receipt, channel)
        return f"the true receipt of what was credited as {hearsay}"
    # What was paid for once is not paid for again.
    _book(connection, events, intent, payment, channel, now, name=payment.receipt, purpose=TOP_UP, is_late=False)
    return CREDITED


def _book(
    connection: Connection,
    events: PaymentEvents,
    intent: Intent,
    payment: Payment,
    channel: str,
    now: datetime,
    *,
    name: str,
    purpose: str,
    is_late: bool,
) -> None:
    payer = Payer(intent.community_id, intent.household_id)
    _record(connection, payer, payment, intent.account_reference, channel, now, intent_id=intent.intent_id)
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
        name=name,
    )


def _hearsay(connection: Connection, intent: Intent, kes: int) -> str | None:
    """Return the receipt of a paid payment that M-Pesa's list does not show for it; None: all are listed."""
    row = payment_receipt.c
    credited = select(row.receipt).where(row.intent_id == intent.intent_id, row.kes == kes).order_by(row.receipt)
    for receipt in connection.execute(credited).scalars():
        line = reports.line_of(connection, receipt, "in")
        if line is None or line.reference != intent.account_reference:
            return str(receipt)
    return None


def _take_back(connection: Connection, known: Receipt, listed_reference: str) -> bool:
    """Take a receipt number from a payment that an unsigned callback gave it to; false if it has it by right."""
    if known.channel not in _UNSIGNED or known.reference == masked(listed_reference):
        return False
    _rename(connection, known.receipt, f"{known.receipt}?{known.reference}", known.channel)
    return True


def _rename(connection: Connection, old: str, new: str, channel: str) -> None:
    row = payment_receipt.c
    connection.execute(update(payment_receipt).where(row.receipt == old).values(receipt=new, channel=channel))


def unproven_kes(connection: Connection, community_id: str, now: datetime) -> int:
    """Return how many KES are credited by announcement only: M-Pesa's list did not show them yet."""
    row, line = payment_receipt.c, statement_line.c
    is_listed = exists().where(line.receipt == row.receipt, line.kind == "in")
    query = select(func.coalesce(func.sum(row.kes), 0)).where(
        row.community_id == community_id,
        row.recorded_at >= now - _UNPROVEN_FOR,
        row.channel == BY_HAND,
        row.intent_id.is_(None),
        ~is_listed,
    )
    return int(connection.execute(query).scalar_one())


def record_success(
    connection: Connection,
    events: PaymentEvents,
    intent: Intent,
    payment: Payment | None,
    channel: str,
    received_at: datetime,
    *,
    confirm_above_kes: int,
    asked: Asked,
) -> str:
    """Record a success that a callback tells of, and return what it meant. It counts if M-Pesa says so, too."""
    if payment is not None and find(connection, payment.receipt) is not None:
        return CREDITED_BEFORE
    if intent.state == PAID and payment is not None:
        return credit(connection, events, intent, payment, channel, received_at)
    if payment is None or payment.kes != intent.kes:
        # Without receipt or with another amount it proves nothing: the list of payments does.
        intents.doubt(connection, events, intent, payment.kes if payment else None, received_at)
        return "success that does not fit the request"
    if asked is Asked.NO_ANSWER:
        return "success that M-Pesa does not know of yet"
    if asked is Asked.SAYS_OTHERWISE or payment.kes > confirm_above_kes:
        intents.confirm(connection, intent, received_at)
        return "success that waits for the list of payments"
    return credit(connection, events, intent, payment, channel, received_at)


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
    intent = intents.find_by_reference(connection, told.reference)
    if intent is not None:
        return credit(connection, events, intent, told.payment, channel, now)
    known = find(connection, told.payment.receipt)
    if known is not None and (channel in _UNSIGNED or known.intent_id is None):
        return CREDITED_BEFORE
    if known is not None and not _take_back(connection, known, told.reference):
        return CREDITED_BEFORE
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
    if channel not in _UNSIGNED:
        word = "M-Pesa's list shows it"
        events.answered(connection, community_id=payer.community_id, subject=told.payment.receipt, word=word)
    return CREDITED if payer.household_id is not None else IN_SUSPENSE


def receive_all(
    connection: Connection,
    events: PaymentEvents,
    payer_of: PayerOf | None,
    told: Iterable[PulledPayment],
    channel: str,
    now: datetime,
) -> int:
    """Credit every listed payment that was not credited before; return how many were new."""
    told = list(told)
    booked = _booked(connection, [one.payment.receipt for one in told])
    return sum(
        receive(connection, events, payer_of, one, channel, now) in _NEW
        for one in told
        if booked.get(one.payment.receipt) != masked(one.reference)
    )


def _booked(connection: Connection, receipts: Sequence[str]) -> dict[str, str]:
    """Return under which reference each of these payments was credited; those that were not are left out."""
    row, found = payment_receipt.c, dict[str, str]()
    for start in range(0, len(receipts), _AT_ONCE):
        some = receipts[start : start + _AT_ONCE]
        query = select(row.receipt, row.reference).where(is_among(connection, row.receipt, some))
        found.update(connection.execute(query).tuples().all())
    return found


def waits_for_owner(connection: Connection, receipt: str) -> bool:
    """Return whether a payment is nobody's and still ours to give: one on its way back to its payer is not."""
    row, back = payment_receipt.c, payment_reversal.c
    is_going_back = exists().where(back.receipt == row.receipt, back.state != FAILED)
    waiting = select(row.receipt).where(
        row.receipt == receipt, row.household_id.is_(None), row.kes > 0, ~is_going_back
    )
    return connection.execute(waiting).first() is not None


def set_amount(connection: Connection, receipt: str, kes: int) -> None:
    """Put the amount of a payment right, as M-Pesa's statement has it; 0: M-Pesa never had it."""
    connection.execute(update(payment_receipt).where(payment_receipt.c.receipt == receipt).values(kes=kes))


def assign(connection: Connection, receipt: str, household_id: str) -> None:
    """Note whose a payment in suspense is; raises `LookupError` unless it waits for an owner."""
    if not waits_for_owner(connection, receipt):
        raise LookupError(f"no payment {receipt} waits for an owner")
    connection.execute(
        update(payment_receipt).where(payment_receipt.c.receipt == receipt).values(household_id=household_id)
    )


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
    new = {
        "receipt": payment.receipt,
        "community_id": payer.community_id,
        "intent_id": intent_id,
        "household_id": payer.household_id,
        "reference": masked(reference),
        "kes": payment.kes,
        "channel": channel,
        "paid_at": payment.at or now,
        "recorded_at": now,
    }
    insert_rows(connection, payment_receipt, tuple(new), [tuple(new.values())])
