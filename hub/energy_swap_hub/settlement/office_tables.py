"""What a community's office keeps: settings from a time on, departures, invoices."""

from sqlalchemy import JSON, BigInteger, Column, Index, Table, Text

from energy_swap_hub.storage import Id, UtcTime, metadata

community_setting = Table(  # see settings.py
    "community_setting",
    metadata,
    Column("id", Id, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("valid_from", UtcTime, nullable=False),
    Column("change", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("withdrawn_by", Text),
    Index("community_setting_time", "community_id", "valid_from", "id"),
)

departure = Table(  # see leaving.py
    "departure",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("household_id", Text, primary_key=True),
    Column("asked_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("was", Text, nullable=False),  # its status before
    Column("burned_wh", BigInteger, nullable=False),
    Column("tokens_cents", BigInteger, nullable=False),  # what the fund paid for them
    Column("paid_kes", BigInteger, nullable=False),
    Column("remainder_cents", BigInteger, nullable=False),  # too little for M-Pesa
    Column("burn", Text),  # what the newest burn is called
    Column("proposal", Text),  # which the approvers are asked to freeze the account by
    Column("left_at", UtcTime),
    Column("erase_at", UtcTime),
    Column("erased_at", UtcTime),
)

invoice = Table(  # see invoices.py; a row is never changed but for the name of who left
    "invoice",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("kind", Text, nullable=False),  # invoice, credit_note, debit_note
    Column("household_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("month", Text, nullable=False),  # 2026-11: what it is about
    Column("booked_in", Text, nullable=False),  # the month in which its entries were booked
    Column("corrects", BigInteger),  # of a note: the number of the invoice
    Column("issued_at", UtcTime, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("total_cents", BigInteger, nullable=False),
    Column("vat_cents", BigInteger, nullable=False),
    Column("opening_cents", BigInteger, nullable=False),
    Column("topped_up_cents", BigInteger, nullable=False),
    Column("paid_out_cents", BigInteger, nullable=False),
    Column("closing_cents", BigInteger, nullable=False),
    Index("invoice_household", "community_id", "household_id", "month", "booked_in", unique=True),
    Index("invoice_month", "community_id", "booked_in"),
)
