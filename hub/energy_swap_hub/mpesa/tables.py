"""Top-ups, payouts, receipts and the inbox of callbacks. No phone number is kept here."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, Table, Text, text

from energy_swap_hub.storage import Id, UtcTime, metadata

# The states of a top-up. `sending` is on disk before the request leaves; `unknown`: the answer was lost;
# `confirmed`: M-Pesa says paid, the receipt is awaited; `review`: in front of a person, yet news still counts.
QUEUED: Final = "queued"
SENDING: Final = "sending"
PROMPTED: Final = "prompted"
UNKNOWN: Final = "unknown"
CONFIRMED: Final = "confirmed"
ACCEPTED: Final = "accepted"  # a payout's `prompted`
PAID: Final = "paid"
FAILED: Final = "failed"
REVIEW: Final = "review"

OPEN_INTENT: Final = (QUEUED, SENDING, PROMPTED, UNKNOWN, CONFIRMED)
OPEN_PAYOUT: Final = (QUEUED, SENDING, UNKNOWN, ACCEPTED)

_IS_OPEN: Final = text(f"state IN ({', '.join(repr(state) for state in OPEN_INTENT)})")

payment_intent: Final = Table(
    "payment_intent",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("intent_id", Text, primary_key=True),
    Column("household_id", Text, nullable=False),
    Column("kes", BigInteger, nullable=False),
    Column("account_reference", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("checkout_request_id", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Column("due_at", UtcTime, index=True),
    Column("ended_at", UtcTime),
    Index("payment_intent_by_id", "intent_id", unique=True),
    Index(
        "one_open_intent_per_household",
        "community_id",
        "household_id",
        unique=True,
        sqlite_where=_IS_OPEN,
        postgresql_where=_IS_OPEN,
    ),
)

payout: Final = Table(
    "payout",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("payout_id", Text, primary_key=True),
    Column("household_id", Text, nullable=False),
    Column("kes", BigInteger, nullable=False),
    Column("originator_conversation_id", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("attempts", BigInteger, nullable=False),
    Column("receipt", Text, unique=True),
    Column("is_overdue", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, index=True),
    Column("ended_at", UtcTime),
)

# One row per M-Pesa receipt that was credited, whichever way its news came.
payment_receipt: Final = Table(
    "payment_receipt",
    metadata,
    Column("receipt", Text, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("intent_id", Text, nullable=False),
    Column("kes", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("paid_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
)

# A callback comes once: it is here before it is answered. Its body holds a phone number or a name and is
# emptied when it has been understood.
payment_callback: Final = Table(
    "payment_callback",
    metadata,
    Column("number", Id, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("community_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("processed_at", UtcTime, index=True),
    Column("outcome", Text),
)
