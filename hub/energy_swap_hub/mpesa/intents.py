"""The life of a payment that a phone is asked for; every outcome is told in the transaction that records it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from sqlalchemy import Connection, bindparam, select, update

from energy_swap_hub.storage import insert_rows

from . import rows
from .codes import Meaning, push_meaning
from .events import PaymentEvents, PaymentRefused
from .gateway import Accepted, Answer, NotSent, Refused, Unknown
from .tables import (
    CONFIRMED,
    FAILED,
    OPEN_INTENT,
    PAID,
    PROMPTED,
    QUEUED,
    REVIEW,
    SENDING,
    TOP_UP,
    UNKNOWN,
    payment_intent,
)

MOST_KES: Final = 250_000
_REFERENCE_SIGNS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_UNSENT_PATIENCE: Final = timedelta(minutes=5)
_UNSENT_PAUSE: Final = timedelta(seconds=15)
_TOO_LATE: Final = "It was not paid in time."


def out_of_range(kes: int) -> PaymentRefused:
    """Return the refusal to ask a phone for so much, or so little."""
    text = f"A payment is between 1 and {MOST_KES:,} whole KES; this was {kes}."
    return PaymentRefused(text, "payment_out_of_range", least_kes=1, most_kes=MOST_KES)


# When the outcome is asked for, after sending; then Pull decides, and after that a person.
_QUESTIONS: Final = (
    *(timedelta(seconds=seconds) for seconds in (15, 30, 45, 60, 90, 120)),
    *(timedelta(minutes=2 + 5 * n) for n in range(1, 10)),
)
_PULL_AFTER: Final = timedelta(minutes=32)
_PULL_WITHOUT_CHECKOUT_AFTER: Final = timedelta(seconds=60)
_OPEN_OF_PHONE: Final = select(payment_intent.c.intent_id).where(
    payment_intent.c.phone_key == bindparam("phone_key"), rows.is_in(OPEN_INTENT)
)


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment asked for, as far as its next step needs it."""

    community_id: str
    intent_id: str
    household_id: str
    kes: int
    purpose: str
    phone_key: str
    account_reference: str
    state: str
    checkout_request_id: str | None
    created_at: datetime
    sent_at: datetime | None
    given_up_at: datetime | None

    def wants_pull(self, now: datetime) -> bool:
        """Return whether the query cannot settle it (any more) and the list of payments must be read."""
        waited = now - (self.sent_at or self.created_at)
        return (
            self.state not in (PROMPTED, UNKNOWN)
            or waited >= _PULL_AFTER
            or (self.checkout_request_id is None and waited >= _PULL_WITHOUT_CHECKOUT_AFTER)
        )


def new_account_reference() -> str:
    """Return 12 characters that the payer's SMS will show: 50 random bits, nothing personal."""
    return "ES" + "".join(secrets.choice(_REFERENCE_SIGNS) for _ in range(10))


def create(
    connection: Connection,
    *,
    community_id: str,
    household_id: str,
    kes: int,
    phone_key: str,
    now: datetime,
    purpose: str = TOP_UP,
    expires_at: datetime | None = None,
) -> str:
    """Write a new payment down, unless one for its purpose is open, and return its id. Raises `PaymentRefused`."""
    if isinstance(kes, bool) or not isinstance(kes, int) or not 1 <= kes <= MOST_KES:
        raise out_of_range(kes)
    row = payment_intent.c
    if purpose != TOP_UP:
        known = connection.execute(
            select(row.intent_id, row.state).where(
                row.community_id == community_id,
                row.purpose == purpose,
                row.state.in_((*OPEN_INTENT, PAID)),
                row.given_up_at.is_(None),
            )
        ).first()
        if known is not None and known.state == PAID:
            raise PaymentRefused("It is paid already.", "paid_already")
        if known is not None:
            return str(known.intent_id)
    if connection.execute(_OPEN_OF_PHONE, {"phone_key": phone_key}).first():
        text = "A payment is already under way: answer it on the phone, or wait until it has ended."
        raise PaymentRefused(text, "payment_under_way")
    intent_id = secrets.token_hex(16)
    new = {
        "community_id": community_id,
        "intent_id": intent_id,
        "household_id": household_id,
        "kes": kes,
        "purpose": purpose,
        "phone_key": phone_key,
        "account_reference": new_account_reference(),
        "state": QUEUED,
        "created_at": now,
        "expires_at": expires_at,
        "due_at": now,
    }
    insert_rows(connection, payment_intent, tuple(new), [tuple(new.values())])
    return intent_id


def due(connection: Connection, now: datetime, limit: int) -> list[Intent]:
    """Return the payments whose next step is due."""
    return rows.due(connection, Intent, payment_intent, "due_at", now, limit)


def expired(connection: Connection, now: datetime, limit: int) -> list[Intent]:
    """Return the payments whose purpose is to be given up."""
    return rows.due(connection, Intent, payment_intent, "expires_at", now, limit)


def find(connection: Connection, intent_id: str) -> Intent | None:
    """Return a payment by its id, which is unique in the hub."""
    return rows.find(connection, Intent, payment_intent, intent_id=intent_id)


def find_by_reference(connection: Connection, reference: str) -> Intent | None:
    """Return a payment by the account reference that its payer saw."""
    return rows.find(connection, Intent, payment_intent, account_reference=reference)


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


def doubt(
    connection: Connection, events: PaymentEvents, intent: Intent, told_kes: int | None, now: datetime
) -> None:
    """Record a success that does not fit the request: the list of payments decides, and a person knows."""
    confirm(connection, intent, now)
    _review(connection, events, intent, "callback_differs", {"asked_kes": intent.kes, "told_kes": told_kes})


def record_code(connection: Connection, events: PaymentEvents, intent: Intent, code: str, now: datetime) -> str:
    """Record a bare result code, from the query or a failed callback, and return what it meant."""
    meaning, reason = push_meaning(code)
    match meaning:
        case Meaning.PAID:
            confirm(connection, intent, now)
        case Meaning.FAILED:
            fail(connection, events, intent, reason, now)
        case Meaning.OURS_TO_MEND:
            if fail(connection, events, intent, reason, now):
                _review(connection, events, intent, "top_up_set_up", {"code": code, "reason": reason})
        case Meaning.OPEN:
            pass
    return f"result {code}"


def fail(
    connection: Connection,
    events: PaymentEvents,
    intent: Intent,
    reason: str,
    now: datetime,
    *,
    states: Sequence[str] = (*OPEN_INTENT, REVIEW),
) -> bool:
    """End a payment without money; false if it has ended already. A receipt overrules it, a bare code does not."""
    ended = {"state": FAILED, "reason": reason, "due_at": None, "expires_at": None, "ended_at": now}
    if not _change(connection, intent, states, **ended):
        return False
    _give_up(connection, events, intent, reason, now)
    answered(connection, events, intent, reason)
    return True


def answered(connection: Connection, events: PaymentEvents, intent: Intent, word: str) -> None:
    """Tell that a payment has ended that a person may be looking at."""
    if intent.state in (CONFIRMED, FAILED, REVIEW):
        events.answered(connection, community_id=intent.community_id, subject=intent.intent_id, word=word)


def give_up(
    connection: Connection, events: PaymentEvents, intent: Intent, now: datetime, reason: str = _TOO_LATE
) -> None:
    """Give up what a payment was for; what was sent is still asked about, and money that comes is the wallet's."""
    if not fail(connection, events, intent, reason, now, states=(QUEUED,)):
        _give_up(connection, events, intent, reason, now)


def _give_up(connection: Connection, events: PaymentEvents, intent: Intent, reason: str, now: datetime) -> None:
    row = payment_intent.c
    given_up = connection.execute(
        update(payment_intent)
        .where(
            row.community_id == intent.community_id,
            row.intent_id == intent.intent_id,
            row.given_up_at.is_(None),
            row.state != PAID,
        )
        .values(given_up_at=now, expires_at=None)
    )
    if given_up.rowcount:
        events.receive_failed(
            connection,
            community_id=intent.community_id,
            household_id=intent.household_id,
            intent_id=intent.intent_id,
            reason=reason,
            purpose=intent.purpose,
        )


def ask_now(connection: Connection, intent: Intent, now: datetime) -> None:
    """Have M-Pesa asked at once what became of a payment, also where a person looks at it by now."""
    _change(connection, intent, (PROMPTED, UNKNOWN, CONFIRMED, FAILED, REVIEW), due_at=now)


def note_told(connection: Connection, intent: Intent, told: str, asked_at: datetime) -> None:
    """Keep what M-Pesa said when it was asked, for whoever has to decide."""
    _change(connection, intent, (*OPEN_INTENT, FAILED, REVIEW), told=told, asked_at=asked_at)


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


def confirm(connection: Connection, intent: Intent, now: datetime) -> None:
    """Look for the receipt of a success now, even where a failure was told before."""
    _change(connection, intent, (SENDING, PROMPTED, UNKNOWN), state=CONFIRMED, due_at=now)
    _change(connection, intent, (FAILED, REVIEW), due_at=now)


def _change(connection: Connection, intent: Intent, states: Sequence[str], **values: Any) -> bool:
    """Change the row if it is in one of ``states``."""
    key = {"community_id": intent.community_id, "intent_id": intent.intent_id}
    return rows.change(connection, payment_intent, key, states, **values)


def _review(
    connection: Connection, events: PaymentEvents, intent: Intent, kind: str, evidence: dict[str, Any]
) -> None:
    events.needs_review(
        connection,
        community_id=intent.community_id,
        kind=kind,
        subject=intent.intent_id,
        evidence={"household": intent.household_id, "reference": intent.account_reference, **evidence},
    )
