"""Payments in and out, the inbox of callbacks, and M-Pesa's own account of it. No phone number is kept here."""

from typing import Final

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, LargeBinary, Table, Text, text

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
REVERSED: Final = "reversed"

TOP_UP: Final = "top_up"  # the purpose of a payment that is for nothing but the wallet

OPEN_INTENT: Final = (QUEUED, SENDING, PROMPTED, UNKNOWN, CONFIRMED)
OPEN_PAYOUT: Final = (QUEUED, SENDING, UNKNOWN, ACCEPTED)
OPEN_REVERSAL: Final = (QUEUED, SENDING, ACCEPTED)

_IS_OPEN: Final = text(f"state IN ({', '.join(repr(state) for state in OPEN_INTENT)})")
# Said so in queries too: of parameters no database sees that the indexes of few rows are for them.
IS_GOING: Final = text(f"state NOT IN ({PAID!r}, {FAILED!r})")

payment_intent: Final = Table(
    "payment_intent",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("intent_id", Text, primary_key=True),
    Column("household_id", Text, nullable=False),
    Column("kes", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False),  # top_up, or what is paid for: order:<id>
    Column("phone_key", Text, nullable=False),  # a keyed hash: M-Pesa asks each phone one thing at a time
    Column("account_reference", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("checkout_request_id", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, index=True),  # when its purpose is given up; none: never
    Column("given_up_at", UtcTime),
    Column("sent_at", UtcTime),
    Column("due_at", UtcTime, index=True),
    Column("asked_at", UtcTime),  # when M-Pesa was last asked what became of it ...
    Column("told", Text),  # ... and what that gave
    Column("ended_at", UtcTime),
    Index("payment_intent_by_id", "intent_id", unique=True),
    Index("payment_intent_by_time", "community_id", "created_at", "intent_id"),
    Index(
        "payment_intent_going",
        *("community_id", "created_at", "intent_id"),
        sqlite_where=IS_GOING,
        postgresql_where=IS_GOING,
    ),
    Index("payment_intent_by_purpose", "community_id", "purpose"),
    Index(
        "one_open_intent_per_phone",
        "phone_key",
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
    Column("accepted_at", UtcTime),
    Column("due_at", UtcTime, index=True),
    Column("asked_at", UtcTime),  # when M-Pesa was last asked what became of it ...
    Column("told", Text),  # ... and what it answered since
    Column("ended_at", UtcTime),
    Index("payout_by_time", "community_id", "created_at", "payout_id"),
    Index(
        "payout_going",
        *("community_id", "created_at", "payout_id"),
        sqlite_where=IS_GOING,
        postgresql_where=IS_GOING,
    ),
)

# One row per M-Pesa receipt of money in, whichever way its news came first.
payment_receipt: Final = Table(
    "payment_receipt",
    metadata,
    Column("receipt", Text, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("intent_id", Text, index=True),  # none: paid by hand to the short code
    Column("household_id", Text),  # none: nobody is known, the money waits in suspense
    Column("reference", Text, nullable=False),  # the account that the payer named, without control characters
    Column("kes", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("paid_at", UtcTime, nullable=False, index=True),
    Column("recorded_at", UtcTime, nullable=False),
    Index("payment_receipt_by_time", "community_id", "recorded_at", "receipt"),
)

# A receipt that is given back. It is asked for once; what becomes of it M-Pesa or a person says.
payment_reversal: Final = Table(
    "payment_reversal",
    metadata,
    Column("receipt", Text, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("household_id", Text),
    Column("kes", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("reversal_receipt", Text, unique=True),
    Column("created_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, index=True),
    Column("ended_at", UtcTime),
)

# While a community has a row here, none of its payouts leaves: an operator mends what is wrong and lets them go.
payout_stop: Final = Table(
    "payout_stop",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
)

# What M-Pesa said our accounts hold, one row per question.
account_report: Final = Table(
    "account_report",
    metadata,
    Column("number", Id, primary_key=True),
    Column("asked_at", UtcTime, nullable=False, index=True),
    Column("at", UtcTime),  # when it was so, by M-Pesa's clock; none: not answered
    Column("utility_cents", BigInteger),
    Column("working_cents", BigInteger),
    Column("charges_cents", BigInteger),
)

# What M-Pesa's own statement says of a movement; money in is positive. Phones and names on it are not kept.
statement_line: Final = Table(
    "statement_line",
    metadata,
    Column("receipt", Text, primary_key=True),
    Column("kind", Text, primary_key=True),  # in, out, charge, reversal
    Column("cents", BigInteger, nullable=False),
    Column("at", UtcTime, nullable=False, index=True),
    Column("reference", Text, nullable=False),
    Column("source", Text, nullable=False),  # portal, pull
    Column("read_at", UtcTime, nullable=False),
)

# A day or a file compared with our books, and what did not agree.
reconciliation: Final = Table(
    "reconciliation",
    metadata,
    Column("id", Id, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("source", Text, nullable=False),  # day, portal
    Column("starts_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("matched", BigInteger, nullable=False),
    Column("credited", BigInteger, nullable=False),
    Column("differences", JSON, nullable=False),
    Index("reconciliation_of_community", "community_id", "source", "starts_at"),
)

# A callback comes once: it is here before it is answered. Its body holds a phone number or a name and is
# emptied when it has been understood. One from an unknown address is held until a person lets it in.
payment_callback: Final = Table(
    "payment_callback",
    metadata,
    Column("number", Id, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("community_id", Text, nullable=False),  # "" while nobody knows whose it is
    Column("subject", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("is_held", Boolean, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("processed_at", UtcTime, index=True),
    Column("outcome", Text),
)
