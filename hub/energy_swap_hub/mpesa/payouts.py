"""The life of a payout, as changes of its row; M-Pesa carries out its one id once, however often it is sent."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from energy_swap_protocol.units import CENTS_PER_KES
from sqlalchemy import Connection, bindparam, delete, insert, or_, select

from energy_swap_hub.storage import insert_rows

from . import rows
from .charges import Charges
from .codes import STATUS_FAILED, STATUS_PAID, Meaning, payout_meaning
from .events import PaymentEvents, PaymentRefused
from .gateway import Accepted, Answer, NotSent, Refused, Unknown
from .tables import ACCEPTED, FAILED, OPEN_PAYOUT, PAID, QUEUED, REVIEW, SENDING, UNKNOWN, payout, payout_stop
from .wire import PayoutResult, TransactionStatus

LEAST_KES: Final = 10
MOST_KES: Final = 250_000
_FIRST_PAUSE: Final = timedelta(seconds=15)
_LONGEST_PAUSE: Final = timedelta(minutes=10)
# When M-Pesa is asked what became of a payout that it accepted; a person is told at the hour.
_QUESTIONS: Final = (
    *(timedelta(minutes=minutes) for minutes in (2, 5, 15, 30, 60)),
    *(timedelta(hours=hours) for hours in (2, 4, 8, 16, 24, 48)),
)
_RESULT_PATIENCE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout as far as its next step needs it."""

    community_id: str
    payout_id: str
    household_id: str
    kes: int
    originator_conversation_id: str
    state: str
    attempts: int
    is_overdue: bool
    created_at: datetime
    accepted_at: datetime | None


_DUE: Final = (
    select(*rows.columns(Payout, payout))
    .where(
        payout.c.due_at <= bindparam("now"),
        # Where payouts are stopped, none begins.
        or_(payout.c.state != QUEUED, payout.c.community_id.not_in(select(payout_stop.c.community_id))),
    )
    .order_by(payout.c.due_at, payout.c.payout_id)
    .limit(bindparam("most"))
)


def create(
    connection: Connection, *, community_id: str, household_id: str, payout_id: str, kes: int, now: datetime
) -> None:
    """Write a new payout down; one that is known already is left alone. Raises `PaymentRefused`."""
    if isinstance(kes, bool) or not isinstance(kes, int) or not LEAST_KES <= kes <= MOST_KES:
        text = f"A payout is between {LEAST_KES} and {MOST_KES:,} whole KES; this was {kes}."
        raise PaymentRefused(text, "payout_out_of_range", least_kes=LEAST_KES, most_kes=MOST_KES)
    if find(connection, community_id, payout_id) is not None:
        return
    new = {
        "community_id": community_id,
        "payout_id": payout_id,
        "household_id": household_id,
        "kes": kes,
        "originator_conversation_id": _conversation_id(community_id, payout_id),
        "state": QUEUED,
        "attempts": 0,
        "is_overdue": False,
        "created_at": now,
        "due_at": now,
    }
    insert_rows(connection, payout, tuple(new), [tuple(new.values())])


def _conversation_id(community_id: str, payout_id: str) -> str:
    """Return M-Pesa's id of a payout, at most 20 characters: it follows from ours.

    A hub restored from an older backup that orders the same payout again is refused, not paid twice.
    """
    return "es" + hashlib.sha256(f"{community_id}\n{payout_id}".encode()).hexdigest()[:18]


def due(connection: Connection, now: datetime, limit: int) -> list[Payout]:
    """Return the payouts whose next step is due; where payouts are stopped, none begins."""
    return [Payout(*row) for row in connection.execute(_DUE, {"now": now, "most": limit})]


def stop(connection: Connection, community_id: str, reason: str, now: datetime) -> None:
    """Let no payout of a community begin until `let_go`; the first reason stays."""
    if stopped(connection, community_id) is None:
        connection.execute(insert(payout_stop).values(community_id=community_id, reason=reason, since=now))


def stopped(connection: Connection, community_id: str) -> str | None:
    """Return why a community's payouts are stopped; None when they are not."""
    row = payout_stop.c
    return connection.execute(select(row.reason).where(row.community_id == community_id)).scalar()


def let_go(connection: Connection, community_id: str) -> None:
    """Let a community's payouts go again."""
    connection.execute(delete(payout_stop).where(payout_stop.c.community_id == community_id))


def find(connection: Connection, community_id: str, payout_id: str) -> Payout | None:
    """Return a payout."""
    return rows.find(connection, Payout, payout, community_id=community_id, payout_id=payout_id)


def find_by_conversation(connection: Connection, originator_conversation_id: str) -> Payout | None:
    """Return a payout by the id that M-Pesa knows it by."""
    return rows.find(connection, Payout, payout, originator_conversation_id=originator_conversation_id)


def begin_sending(connection: Connection, item: Payout, now: datetime) -> Payout | None:
    """Record that it leaves now, and return it as it is then; None if it was not waiting to be sent any more."""
    begun = replace(item, state=SENDING, attempts=item.attempts + 1)
    changed = _change(connection, item, (QUEUED, UNKNOWN), state=begun.state, attempts=begun.attempts, due_at=now)
    return begun if changed else None


def record_lost(connection: Connection, item: Payout, now: datetime) -> None:
    """Record that it may have left; it will be sent again with the same id."""
    _change(connection, item, (SENDING,), state=UNKNOWN, due_at=now + _pause(item.attempts))


def record_answer(
    connection: Connection, events: PaymentEvents, item: Payout, answer: Answer, now: datetime
) -> None:
    """Record what sending gave. A result may have been faster, then this changes nothing."""
    match answer:
        case Accepted():
            _change(connection, item, (SENDING,), state=ACCEPTED, accepted_at=now, due_at=now + _QUESTIONS[0])
        case Refused() if item.attempts <= 1:
            fail(connection, events, item, answer.reason, now)
        case Refused():
            # An earlier try may have been accepted, so a refusal of this one does not prove that nothing was paid.
            _review(connection, events, item, "payout_refused_later", {"code": answer.code})
        case NotSent() if item.attempts <= 1:
            due_at = now + _FIRST_PAUSE
            _change(connection, item, (SENDING,), state=QUEUED, attempts=0, due_at=due_at)
        case NotSent() | Unknown():
            record_lost(connection, item, now)
        case _:
            assert_never(answer)


def record_result(
    connection: Connection,
    events: PaymentEvents,
    charges: Charges,
    item: Payout,
    result: PayoutResult,
    received_at: datetime,
    *,
    confirm_above_kes: int,
) -> str:
    """Record a result callback about a payout, as this transaction read it, and return what it meant.

    Nobody signs it: above ``confirm_above_kes`` M-Pesa is asked first, and its answer counts.
    """
    if result.originator_conversation_id not in ("", item.originator_conversation_id):
        _review(connection, events, item, "payout_result_of_another", {})
        return "result of another request"
    meaning, reason = payout_meaning(result.code)
    is_open = item.state in (*OPEN_PAYOUT, REVIEW)
    outcome = f"result {result.code}"
    if is_open and item.kes > confirm_above_kes and meaning is not Meaning.OPEN:
        at_once = {"due_at": received_at, "accepted_at": item.accepted_at or received_at}
        _change(connection, item, (*OPEN_PAYOUT, REVIEW), state=ACCEPTED, reason=None, **at_once)
        outcome += ", M-Pesa is asked whether it is so"
    elif meaning is Meaning.PAID and result.payment is not None and result.payment.kes == item.kes:
        return pay(connection, events, charges, item, result, received_at)
    elif meaning in (Meaning.PAID, Meaning.OPEN):
        _review(connection, events, item, "payout_result_unclear", {"code": result.code})
    else:
        fail(connection, events, item, reason, received_at)
    if is_open and meaning is Meaning.OURS_TO_MEND:
        # The next one would fare no better, and a password tried too often gets locked.
        stop(connection, item.community_id, reason, received_at)
        evidence = {"code": result.code, "reason": reason}
        _tell_review(connection, events, item, "payout_set_up", evidence)
    return outcome


def record_status(
    connection: Connection,
    events: PaymentEvents,
    charges: Charges,
    item: Payout,
    told: TransactionStatus,
    received_at: datetime,
) -> str:
    """Record the answer to a status query and return what it meant; only an end of the payout changes anything."""
    word = f"status {told.status or told.code}"
    _change(connection, item, (*OPEN_PAYOUT, REVIEW), told=word)
    if told.status == STATUS_PAID and told.payment is not None and told.payment.kes == item.kes:
        result = PayoutResult("0", item.originator_conversation_id, told.payment, told.fee_cents)
        return pay(connection, events, charges, item, result, received_at)
    if told.status in STATUS_FAILED:
        fail(connection, events, item, f"M-Pesa says that the payout was {told.status}.", received_at)
    return word


def ask_now(connection: Connection, item: Payout, now: datetime) -> None:
    """Have M-Pesa asked at once what became of a payout that it has, also where a person looks at it by now."""
    _change(connection, item, (ACCEPTED, REVIEW), due_at=now)


def send_again(connection: Connection, item: Payout, now: datetime) -> None:
    """Send a payout that a person looks at once more, with the id that M-Pesa carries out once."""
    _change(connection, item, (REVIEW,), state=UNKNOWN, reason=None, is_overdue=False, due_at=now)


def record_asked(connection: Connection, events: PaymentEvents, item: Payout, now: datetime) -> None:
    """Set the next question about an accepted payout; after an hour a person is told, once, and it goes on.

    One in review is asked about once, when a person wants it.
    """
    since = item.accepted_at or item.created_at
    next_at = next((since + after for after in _QUESTIONS if since + after > now), None)
    _change(connection, item, (ACCEPTED,), due_at=next_at, asked_at=now)
    _change(connection, item, (REVIEW,), due_at=None, asked_at=now)
    if now - since >= _RESULT_PATIENCE:
        record_overdue(connection, events, item)


def record_overdue(connection: Connection, events: PaymentEvents, item: Payout) -> None:
    """Put a payout whose result does not come in front of a person, once; it goes on waiting."""
    # ``item`` may have been read before another step told it already.
    current = find(connection, item.community_id, item.payout_id)
    if current is None or current.is_overdue:
        return
    if _change(connection, item, (ACCEPTED,), is_overdue=True):
        _tell_review(connection, events, item, "payout_result_missing", {})


def pay(
    connection: Connection,
    events: PaymentEvents,
    charges: Charges,
    item: Payout,
    result: PayoutResult,
    received_at: datetime,
) -> str:
    """Record that it arrived, by the receipt in ``result``, and return what that meant."""
    if result.payment is None:
        raise ValueError("a paid payout has a payment")
    receipt, at = result.payment.receipt, result.payment.at or received_at
    if not _change(
        connection,
        item,
        (*OPEN_PAYOUT, REVIEW),
        state=PAID,
        reason=None,
        receipt=receipt,
        due_at=None,
        ended_at=received_at,
    ):
        row = payout.c
        is_known = select(row.receipt).where(
            row.community_id == item.community_id, row.payout_id == item.payout_id, row.receipt == receipt
        )
        if connection.execute(is_known).first() is not None:
            return "recorded before"
        _tell_review(connection, events, item, "payout_paid_after_end", {"receipt": receipt})
        return "paid after its end"
    fee_cents = charges.payout_cents(item.kes, at) if result.fee_cents is None else result.fee_cents
    events.paid_out(
        connection,
        community_id=item.community_id,
        household_id=item.household_id,
        payout_id=item.payout_id,
        cents=item.kes * CENTS_PER_KES,
        fee_cents=fee_cents,
        receipt=receipt,
        at=at,
    )
    _answered(connection, events, item, f"it was paid by {receipt}")
    return "paid"


def fail(connection: Connection, events: PaymentEvents, item: Payout, reason: str, now: datetime) -> bool:
    """End a payout without money; false if it has ended already."""
    if not _change(
        connection, item, (*OPEN_PAYOUT, REVIEW), state=FAILED, reason=reason, due_at=None, ended_at=now
    ):
        return False
    events.pay_out_failed(
        connection,
        community_id=item.community_id,
        household_id=item.household_id,
        payout_id=item.payout_id,
        reason=reason,
    )
    _answered(connection, events, item, reason)
    return True


def _answered(connection: Connection, events: PaymentEvents, item: Payout, word: str) -> None:
    if item.is_overdue or item.state == REVIEW:
        events.answered(connection, community_id=item.community_id, subject=item.payout_id, word=word)


def _review(
    connection: Connection, events: PaymentEvents, item: Payout, kind: str, evidence: dict[str, Any]
) -> None:
    """Stop an open payout in front of a person."""
    if _change(connection, item, OPEN_PAYOUT, state=REVIEW, reason=kind, due_at=None):
        _tell_review(connection, events, item, kind, evidence)


def _tell_review(
    connection: Connection, events: PaymentEvents, item: Payout, kind: str, evidence: dict[str, Any]
) -> None:
    events.needs_review(
        connection,
        community_id=item.community_id,
        kind=kind,
        subject=item.payout_id,
        evidence={
            "kes": item.kes,
            "originator_conversation_id": item.originator_conversation_id,
            "attempts": item.attempts,
            **evidence,
        },
    )


def _pause(attempts: int) -> timedelta:
    return min(_FIRST_PAUSE * (1 << min(attempts, 10)), _LONGEST_PAUSE)


def _change(connection: Connection, item: Payout, states: Sequence[str], **values: Any) -> bool:
    """Change the row if it is in one of ``states``."""
    key = {"community_id": item.community_id, "payout_id": item.payout_id}
    return rows.change(connection, payout, key, states, **values)
