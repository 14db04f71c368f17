"""The life of a top-up, as changes of its row; every outcome is told in the transaction that records it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from energy_swap_protocol.units import CENTS_PER_KES
from sqlalchemy import Connection, RowMapping, insert, select, update

from .client import Accepted, Answer, NotSent, Refused, Unknown
from .codes import Meaning, push_meaning
from .events import PaymentEvents, PaymentRefused
from .tables import (
    CONFIRMED,
    FAILED,
    OPEN_INTENT,
    PAID,
    PROMPTED,
    QUEUED,
    REVIEW,
    SENDING,
    UNKNOWN,
    payment_intent,
    payment_receipt,
)
from .wire import Payment, PulledPayment, PushResult

MOST_KES: Final = 250_000
_REFERENCE_SIGNS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_UNSENT_PATIENCE: Final = timedelta(minutes=5)
_UNSENT_PAUSE: Final = timedelta(seconds=15)

# When the outcome is asked for, after sending; then Pull decides, and after that a person.
_QUESTIONS: Final = (
    *(timedelta(seconds=seconds) for seconds in (15, 30, 45, 60, 90, 120)),
    *(timedelta(minutes=2 + 5 * n) for n in range(1, 10)),
)
_PULL_AFTER: Final = timedelta(minutes=32)
_PULL_WITHOUT_CHECKOUT_AFTER: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Intent:
    """A top-up as far as its next step needs it."""

    community_id: str
    intent_id: str
    household_id: str
    kes: int
    account_reference: str
    state: str
    checkout_request_id: str | None
    created_at: datetime
    sent_at: datetime | None

    def wants_pull(self, now: datetime) -> bool:
        """Return whether the query cannot settle it (any more) and the list of payments must be read."""
        waited = now - (self.sent_at or self.created_at)
        return (
            self.state not in (PROMPTED, UNKNOWN)
            or waited >= _PULL_AFTER
            or (self.checkout_request_id is None and waited >= _PULL_WITHOUT_CHECKOUT_AFTER)
        )


def _intent(row: RowMapping) -> Intent:
    return Intent(**{name: row[name] for name in Intent.__slots__})


def new_account_reference() -> str:
    """Return 12 characters that the payer's SMS will show: 50 random bits, nothing personal."""
    return "ES" + "".join(secrets.choice(_REFERENCE_SIGNS) for _ in range(10))


def create(connection: Connection, *, community_id: str, household_id: str, kes: int, now: datetime) -> str:
    """Write a new top-up down and return its id. Raises `PaymentRefused`."""
    if not 1 <= kes <= MOST_KES:
        raise PaymentRefused(f"A top-up is between 1 and {MOST_KES:,} KES.")
    if connection.execute(
        select(payment_intent.c.intent_id).where(
            payment_intent.c.community_id == community_id,
            payment_intent.c.household_id == household_id,
            payment_intent.c.state.in_(OPEN_INTENT),
        )
    ).first():
        raise PaymentRefused("A top-up is already under way: answer it on the phone, or wait until it has ended.")
    intent_id = secrets.token_hex(16)
    connection.execute(
        insert(payment_intent).values(
            community_id=community_id,
            intent_id=intent_id,
            household_id=household_id,
            kes=kes,
            account_reference=new_account_reference(),
            state=QUEUED,
            created_at=now,
            due_at=now,
        )
    )
    return intent_id


def due(connection: Connection, now: datetime, limit: int) -> list[Intent]:
    """Return the top-ups whose next step is due."""
    rows = connection.execute(
        select(payment_intent)
        .where(payment_intent.c.due_at <= now)
        .order_by(payment_intent.c.due_at, payment_intent.c.intent_id)
        .limit(limit)
    )
    return [_intent(row) for row in rows.mappings()]


def find(connection: Connection, intent_id: str) -> Intent | None:
    """Return a top-up by its id, which is unique in the hub."""
    row = (
        connection.execute(select(payment_intent).where(payment_intent.c.intent_id == intent_id))
        .mappings()
        .first()
    )
    return None if row is None else _intent(row)


def begin_sending(connection: Connection, intent: Intent, now: datetime) -> bool:
    """Record that it leaves now. False if it was not waiting to be sent any more."""
    return _change(connection, intent, (QUEUED,), state=SENDING, sent_at=now, due_at=now)


def record_lost(connection: Connection, intent: Intent, now: datetime) -> None:
    """Record that it may have left and nobody heard the answer. From here on it is only asked about."""
    _change(connection, intent, (SENDING,), state=UNKNOWN, due_at=_next_question(intent, now) or now)


def record_answer(
    connection: Connection, events: PaymentEvents, intent: Intent, answer: Answer, sent_at: datetime, now: datetime
) -> None:
    """Record what sending gave. A callback may have been faster, then this changes nothing."""
    match answer:
        case Accepted():
            due_at = max(sent_at + _QUESTIONS[0], now)
            _change(
                connection,
                intent,
                (SENDING, UNKNOWN),
                state=PROMPTED,
                checkout_request_id=answer.reference,
                due_at=due_at,
            )
        case Refused():
            fail(connection, events, intent, answer.reason, now, states=(SENDING,))
        case NotSent() if now - intent.created_at >= _UNSENT_PATIENCE:
            fail(connection, events, intent, "M-Pesa cannot be reached. Try again later.", now, states=(SENDING,))
        case NotSent():
            _change(connection, intent, (SENDING,), state=QUEUED, sent_at=None, due_at=now + _UNSENT_PAUSE)
        case Unknown():
            record_lost(connection, intent, now)
        case _:
            assert_never(answer)


def record_result(
    connection: Connection, events: PaymentEvents, intent: Intent, result: PushResult, received_at: datetime
) -> str:
    """Record a callback and return what it meant."""
    if result.payment is not None and result.payment.kes == intent.kes:
        return credit(connection, events, intent, result.payment, "callback", received_at)
    if result.payment is not None and _is_credited(connection, result.payment.receipt):
        return "credited before"
    if result.code == "0":
        # Without receipt or with another amount it proves nothing: the list of payments does.
        evidence = {"asked_kes": intent.kes, "told_kes": result.payment.kes if result.payment else None}
        _confirm(connection, intent, received_at)
        _review(connection, events, intent, "callback_differs", evidence)
        return "success that does not fit the request"
    return record_code(connection, events, intent, result.code, received_at)


def record_code(connection: Connection, events: PaymentEvents, intent: Intent, code: str, now: datetime) -> str:
    """Record a bare result code, from the query or a failed callback, and return what it meant."""
    meaning, reason = push_meaning(code)
    match meaning:
        case Meaning.PAID:
            _confirm(connection, intent, now)
        case Meaning.FAILED:
            fail(connection, events, intent, reason, now)
        case Meaning.OURS_TO_MEND:
            if fail(connection, events, intent, reason, now):
                _review(connection, events, intent, "top_up_set_up", {"code": code, "reason": reason})
        case Meaning.OPEN:
            pass
    return f"result {code}"


def record_pulled(
    connection: Connection, events: PaymentEvents, rows: Sequence[PulledPayment], now: datetime
) -> int:
    """Credit every listed payment that carries one of our references and was not credited; return how many."""
    credited = 0
    for row in rows:
        found = (
            connection.execute(select(payment_intent).where(payment_intent.c.account_reference == row.reference))
            .mappings()
            .first()
        )
        if found is not None:
            credited += credit(connection, events, _intent(found), row.payment, "pull", now) == "credited"
    return credited


def credit(
    connection: Connection, events: PaymentEvents, intent: Intent, payment: Payment, channel: str, now: datetime
) -> str:
    """Credit a receipt once, whatever state the top-up was in: money that came is real."""
    if _is_credited(connection, payment.receipt):
        return "credited before"
    paid_at = payment.at or now
    connection.execute(
        insert(payment_receipt).values(
            receipt=payment.receipt,
            community_id=intent.community_id,
            intent_id=intent.intent_id,
            kes=payment.kes,
            channel=channel,
            paid_at=paid_at,
            recorded_at=now,
        )
    )
    connection.execute(
        update(payment_intent).where(*_is(intent)).values(state=PAID, reason=None, due_at=None, ended_at=now)
    )
    events.received(
        connection,
        community_id=intent.community_id,
        household_id=intent.household_id,
        cents=payment.kes * CENTS_PER_KES,
        receipt=payment.receipt,
        at=paid_at,
    )
    return "credited"


def fail(
    connection: Connection,
    events: PaymentEvents,
    intent: Intent,
    reason: str,
    now: datetime,
    *,
    states: Sequence[str] = (*OPEN_INTENT, REVIEW),
) -> bool:
    """End a top-up without money; false if it has ended already. A receipt overrules it, a bare code does not."""
    if not _change(connection, intent, states, state=FAILED, reason=reason, due_at=None, ended_at=now):
        return False
    events.receive_failed(
        connection,
        community_id=intent.community_id,
        household_id=intent.household_id,
        intent_id=intent.intent_id,
        reason=reason,
    )
    return True


def schedule(
    connection: Connection, events: PaymentEvents, intent: Intent, *, was_pulled: bool, now: datetime
) -> None:
    """Set the next question after one that settled nothing; after the last, a person looks at it."""
    next_at = _next_question(intent, now) if intent.state in OPEN_INTENT else None
    if next_at is None and not was_pulled:
        next_at = now + timedelta(minutes=5)  # no verdict without having read the list of payments
    if next_at is not None:
        _change(connection, intent, (*OPEN_INTENT, FAILED, REVIEW), due_at=next_at)
    elif _change(connection, intent, (FAILED, REVIEW), due_at=None):
        pass
    elif _change(connection, intent, OPEN_INTENT, state=REVIEW, reason="M-Pesa did not say.", due_at=None):
        _review(connection, events, intent, "top_up_unresolved", {"last_state": intent.state, "kes": intent.kes})


def _next_question(intent: Intent, now: datetime) -> datetime | None:
    sent_at = intent.sent_at or intent.created_at
    return next((sent_at + after for after in _QUESTIONS if sent_at + after > now), None)


def _confirm(connection: Connection, intent: Intent, now: datetime) -> None:
    """Look for the receipt of a success now, even where a failure was told before."""
    _change(connection, intent, (SENDING, PROMPTED, UNKNOWN), state=CONFIRMED, due_at=now)
    _change(connection, intent, (FAILED, REVIEW), due_at=now)


def _is_credited(connection: Connection, receipt: str) -> bool:
    known = select(payment_receipt.c.receipt).where(payment_receipt.c.receipt == receipt)
    return connection.execute(known).first() is not None


def _is(intent: Intent) -> tuple[Any, Any]:
    return (
        payment_intent.c.community_id == intent.community_id,
        payment_intent.c.intent_id == intent.intent_id,
    )


def _change(connection: Connection, intent: Intent, states: Sequence[str], **values: Any) -> bool:
    """Change the row if it is in one of ``states``."""
    changed = connection.execute(
        update(payment_intent).where(*_is(intent), payment_intent.c.state.in_(states)).values(**values)
    )
    return changed.rowcount == 1


def _review(
    connection: Connection, events: PaymentEvents, intent: Intent, kind: str, evidence: dict[str, Any]
) -> None:
    events.needs_review(
        connection,
        community_id=intent.community_id,
        kind=kind,
        subject=intent.intent_id,
        evidence={"reference": intent.account_reference, **evidence},
    )
