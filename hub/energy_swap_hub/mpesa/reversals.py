"""The life of a reversal: a received payment given back whole, asked for once; a lost answer is for a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from energy_swap_protocol.units import CENTS_PER_KES
from sqlalchemy import Connection, insert

from . import rows
from .codes import Meaning, reversal_meaning
from .events import PaymentEvents, PaymentRefused
from .gateway import Accepted, Answer, NotSent, Refused, Unknown
from .receipts import Receipt
from .tables import ACCEPTED, FAILED, OPEN_REVERSAL, QUEUED, REVERSED, REVIEW, SENDING, payment_reversal
from .wire import ReversalResult

_UNSENT_PATIENCE: Final = timedelta(minutes=5)
_UNSENT_PAUSE: Final = timedelta(seconds=15)
_RESULT_PATIENCE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reversal:
    """A reversal as far as its next step needs it."""

    receipt: str
    community_id: str
    household_id: str | None
    kes: int
    state: str
    created_at: datetime


def create(connection: Connection, received: Receipt, now: datetime) -> None:
    """Write a new reversal down. Raises `PaymentRefused` when there is one already, whatever became of it."""
    if find(connection, received.receipt) is not None:
        raise PaymentRefused(
            f"The reversal of {received.receipt} was asked for before; it is never asked for twice."
        )
    connection.execute(
        insert(payment_reversal).values(
            receipt=received.receipt,
            community_id=received.community_id,
            household_id=received.household_id,
            kes=received.kes,
            state=QUEUED,
            created_at=now,
            due_at=now,
        )
    )


def find(connection: Connection, receipt: str) -> Reversal | None:
    """Return the reversal of a receipt."""
    return rows.find(connection, Reversal, payment_reversal, receipt=receipt)


def due(connection: Connection, now: datetime, limit: int) -> list[Reversal]:
    """Return the reversals whose next step is due."""
    return rows.due(connection, Reversal, payment_reversal, "due_at", now, limit)


def begin_sending(connection: Connection, item: Reversal, now: datetime) -> bool:
    """Record that it leaves now. False if it was not waiting to be sent any more."""
    return _change(connection, item, (QUEUED,), state=SENDING, due_at=now)


def record_lost(connection: Connection, events: PaymentEvents, item: Reversal, state: str) -> None:
    """Record that in ``state`` it may have left, or that nothing came of it: only news or a person can tell now.

    What has gone on from there meanwhile is left alone.
    """
    if _change(connection, item, (state,), state=REVIEW, reason="M-Pesa did not say.", due_at=None):
        _review(connection, events, item, "reversal_unresolved", {"last_state": state})


def record_answer(
    connection: Connection, events: PaymentEvents, item: Reversal, answer: Answer, now: datetime
) -> None:
    """Record what sending gave. A result may have been faster, then this changes nothing."""
    match answer:
        case Accepted():
            _change(connection, item, (SENDING,), state=ACCEPTED, due_at=now + _RESULT_PATIENCE)
        case Refused():
            fail(connection, events, item, answer.reason, now, states=(SENDING,))
        case NotSent() if now - item.created_at >= _UNSENT_PATIENCE:
            fail(connection, events, item, "M-Pesa cannot be reached.", now, states=(SENDING,))
        case NotSent():
            _change(connection, item, (SENDING,), state=QUEUED, due_at=now + _UNSENT_PAUSE)
        case Unknown():
            record_lost(connection, events, item, SENDING)
        case _:
            assert_never(answer)


def record_result(
    connection: Connection, events: PaymentEvents, item: Reversal, result: ReversalResult, now: datetime
) -> str:
    """Record a result callback and return what it meant."""
    meaning, reason = reversal_meaning(result.code)
    if meaning is Meaning.PAID and result.receipt:
        finish(connection, events, item, result.receipt, result.at or now, now)
    elif meaning is Meaning.FAILED:
        fail(connection, events, item, reason, now)
    elif _change(connection, item, OPEN_REVERSAL, state=REVIEW, reason=f"result {result.code}", due_at=None):
        _review(connection, events, item, "reversal_unresolved", {"code": result.code})
    return f"result {result.code}"


def finish(
    connection: Connection, events: PaymentEvents, item: Reversal, receipt: str, at: datetime, now: datetime
) -> bool:
    """Record that the money was given back by ``receipt``; false if it has ended already."""
    ended = {"state": REVERSED, "reason": None, "reversal_receipt": receipt, "due_at": None, "ended_at": now}
    if not _change(connection, item, (*OPEN_REVERSAL, REVIEW), **ended):
        return False
    events.reversed_(
        connection,
        community_id=item.community_id,
        household_id=item.household_id,
        receipt=item.receipt,
        cents=item.kes * CENTS_PER_KES,
        reversal_receipt=receipt,
        at=at,
    )
    if item.state == REVIEW:
        word = f"it was given back by {receipt}"
        events.answered(connection, community_id=item.community_id, subject=item.receipt, word=word)
    return True


def record_unasked(
    connection: Connection, received: Receipt, reversal_receipt: str, cents: int, now: datetime
) -> None:
    """Record that M-Pesa itself took a payment back while we asked for nothing: it is not ours to give any more.

    A part that was taken (``cents``) leaves the payment standing.
    """
    if cents != received.kes * CENTS_PER_KES:
        return
    if find(connection, received.receipt) is None:
        create(connection, received, now)
    ended = {"state": REVERSED, "reason": None, "reversal_receipt": reversal_receipt, "due_at": None}
    rows.change(
        connection, payment_reversal, {"receipt": received.receipt}, (QUEUED, FAILED), **ended, ended_at=now
    )


def is_under_way(connection: Connection, receipt: str) -> bool:
    """Return whether a reversal of a receipt was asked for and has not ended."""
    item = find(connection, receipt)
    return item is not None and item.state in (*OPEN_REVERSAL, REVIEW)


def fail(
    connection: Connection,
    events: PaymentEvents,
    item: Reversal,
    reason: str,
    now: datetime,
    *,
    states: Sequence[str] = (*OPEN_REVERSAL, REVIEW),
) -> bool:
    """End a reversal that did not happen: the money is still with us; false if it has ended already."""
    if not _change(connection, item, states, state=FAILED, reason=reason, due_at=None, ended_at=now):
        return False
    events.reverse_failed(
        connection,
        community_id=item.community_id,
        household_id=item.household_id,
        receipt=item.receipt,
        cents=item.kes * CENTS_PER_KES,
        reason=reason,
    )
    _review(connection, events, item, "reversal_failed", {"reason": reason})
    return True


def _review(
    connection: Connection, events: PaymentEvents, item: Reversal, kind: str, evidence: dict[str, Any]
) -> None:
    events.needs_review(
        connection,
        community_id=item.community_id,
        kind=kind,
        subject=item.receipt,
        evidence={"kes": item.kes, "household": item.household_id, **evidence},
    )


def _change(connection: Connection, item: Reversal, states: Sequence[str], **values: Any) -> bool:
    """Change the row if it is in one of ``states``."""
    return rows.change(connection, payment_reversal, {"receipt": item.receipt}, states, **values)
