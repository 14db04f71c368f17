"""Scheduled work, periods, positions, trades, spot orders, auctions, answered messages and the review queue."""

from sqlalchemy import JSON, BigInteger, Column, Index, LargeBinary, Table, Text, text

from energy_swap_hub.storage import Id, UtcTime, metadata

saga = Table(  # see machine.py
    "saga",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("due_at", UtcTime),  # none: nothing more to do
    Column("attempts", BigInteger, nullable=False),
    Index("saga_due", "community_id", "due_at"),
)

saga_step = Table(  # the journal: every step of every saga
    "saga_step",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("state", Text, nullable=False),
    Column("error", Text),
    Column("at", UtcTime, nullable=False),
)

uptime = Table(  # see uptime.py
    "uptime",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("since", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)

notification = Table(  # see notifications.py
    "notification",
    metadata,
    Column("number", Id, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("household_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Column("at", UtcTime, nullable=False),
    Index("notification_household", "community_id", "household_id", "number"),
)

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

standing_order = Table(
    "standing_order",
    metadata,
    Column("id", Id, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("household_id", Text, nullable=False),
    Column("sell_at_least", BigInteger),
    Column("buy_at_most", BigInteger),
    Column("valid_from", UtcTime, nullable=False),
    Index("standing_order_household", "community_id", "household_id", "valid_from"),
)

partner_choice = Table(
    "partner_choice",
    metadata,
    Column("id", Id, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("household_id", Text, nullable=False),
    Column("partners", JSON, nullable=False),
    Column("valid_from", UtcTime, nullable=False),
    Index("partner_choice_household", "community_id", "household_id", "valid_from"),
)

settled_register = Table(  # the reading until which a household is settled
    "settled_register",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("household_id", Text, primary_key=True),
    Column("meter", LargeBinary, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("measured_at", BigInteger, nullable=False),  # Unix seconds
    Column("export_wh", BigInteger, nullable=False),  # registers as the household's, see metering/registers.py
    Column("import_wh", BigInteger, nullable=False),
    Column("generation_wh", BigInteger, nullable=False),
)

burn_allowance = Table(
    "burn_allowance",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("household_id", Text, primary_key=True),
    Column("remaining_wh", BigInteger, nullable=False),  # granted on chain less what was booked to be burned
)

period = Table(
    "period",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("start", UtcTime, primary_key=True),
    Column("state", Text, nullable=False),  # booked, settled, review
    Column("cents_per_kwh", BigInteger),
    Column("supply_wh", BigInteger, nullable=False),
    Column("demand_wh", BigInteger, nullable=False),
    Column("traded_wh", BigInteger, nullable=False),
    Column("booked_at", UtcTime, nullable=False),
    Column("settled_at", UtcTime),
    Column("intents", JSON, nullable=False),  # ids of the chain intents that are not final yet
)

position = Table(
    "position",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("start", UtcTime, primary_key=True),
    Column("household_id", Text, primary_key=True),
    Column("export_wh", BigInteger, nullable=False),
    Column("import_wh", BigInteger, nullable=False),
    Column("generation_wh", BigInteger, nullable=False),
    Column("sequence_from", BigInteger, nullable=False),  # readings that prove it: the last settled one ...
    Column("sequence_to", BigInteger, nullable=False),  # ... and the last one of the period
    Column("side", Text),  # the order it became: sell, buy or none
    Column("order_wh", BigInteger, nullable=False),
    Column("limit", BigInteger),
    Column("own_wh", BigInteger, nullable=False),  # covered by tokens the household had before
    Column("sold_wh", BigInteger, nullable=False),
    Column("bought_wh", BigInteger, nullable=False),
    Column("earned_cents", BigInteger, nullable=False),
    Column("paid_cents", BigInteger, nullable=False),
    Column("grid_wh", BigInteger, nullable=False, default=0),  # sold to the utility; below zero: taken from it
    Column("grid_cents", BigInteger, nullable=False, default=0),  # what the utility itself pays or charges
)

_HAS_SELL, _HAS_BUY = text("sell_order IS NOT NULL"), text("buy_order IS NOT NULL")
NOT_SPOT = text("sell_order IS NULL")  # in queries too, as with `IS_OPEN`; spot trades are found by their orders

true_up = Table(  # late energy, under the period it belongs to: see late.py
    "true_up",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("start", UtcTime, primary_key=True),
    Column("household_id", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),  # of the reading at its end
    Column("sequence_to", BigInteger, primary_key=True),
    Column("sequence_from", BigInteger, nullable=False),
    Column("export_wh", BigInteger, nullable=False),
    Column("import_wh", BigInteger, nullable=False),
    Column("generation_wh", BigInteger, nullable=False),
    Column("minted_wh", BigInteger, nullable=False),
    Column("burned_wh", BigInteger, nullable=False),
    Column("grid_wh", BigInteger, nullable=False),  # delivered by the grid, billed by the utility
    Column("booked_at", UtcTime, nullable=False),
)

trade = Table(
    "trade",
    metadata,
    Column("id", Id, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("market", Text, nullable=False),  # period, partner, ahead, spot, auction
    Column("reference", Text, nullable=False),  # the period's id, the order's or the auction's
    Column("seller", Text, nullable=False),
    Column("buyer", Text, nullable=False),
    Column("wh", BigInteger, nullable=False),
    Column("cents_per_kwh", BigInteger, nullable=False),
    Column("cents", BigInteger, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("sell_order", Text),  # the spot orders that it fills
    Column("buy_order", Text),
    Index("trade_by_time", "at"),  # with the community, SQLite would take it for lists by number, and sort
    Index("trade_reference", "community_id", "reference", sqlite_where=NOT_SPOT, postgresql_where=NOT_SPOT),
    Index("trade_sell_order", "sell_order", sqlite_where=_HAS_SELL, postgresql_where=_HAS_SELL),
    Index("trade_buy_order", "buy_order", sqlite_where=_HAS_BUY, postgresql_where=_HAS_BUY),
)

IS_OPEN = text(
    "status = 'open'"
)  # said so in queries too: of a parameter no database sees that the index is for it

spot_order = Table(
    "spot_order",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("number", Id, nullable=False),  # order of arrival on the book
    Column("household_id", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("wh", BigInteger, nullable=False),
    Column("remaining_wh", BigInteger, nullable=False),
    Column("limit", BigInteger, nullable=False),
    # A sale: pending_lock, open, reserved (all of it), filled, cancelled, expired, refused. A purchase: open,
    # filled, cancelled, expired; by M-Pesa: pending_payment, filled, part_filled, unpaid.
    Column("status", Text, nullable=False),
    Column("valid_until", UtcTime),
    Column("placed_at", UtcTime, nullable=False),
    Column("seller", Text),  # the one household that a buy order trades with
    Column("reputation", BigInteger, nullable=False, server_default="0"),  # the household's own when it placed it
    Column("minimum_reputation", BigInteger, nullable=False, server_default="0"),  # both in basis points
    Column("post_only", BigInteger, nullable=False, server_default="0"),
    Column("reserved_wh", BigInteger, nullable=False, server_default="0"),  # kept for, or by, M-Pesa purchases
    Index("spot_order_open", "community_id", "valid_until", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
    Index("spot_order_household", "community_id", "household_id", "placed_at"),
    sqlite_with_rowid=False,
)

reservation = Table(  # of sales, for purchases whose payment is under way (see purchases.py)
    "reservation",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("purchase", Text, primary_key=True),
    Column("sale", Text, primary_key=True),
    Column("wh", BigInteger, nullable=False),
    Column("cents_per_kwh", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # held, delivered, returned
    sqlite_with_rowid=False,
)

# What a community's book is known by; whoever changes an order changes the stamp (see spot_book.py).
spot_book = Table(
    "spot_book",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("stamp", BigInteger, nullable=False),
    Column("last_number", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

auction = Table(
    "auction",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("seller", Text, nullable=False),
    Column("wh", BigInteger, nullable=False),
    Column("start_price", BigInteger, nullable=False),
    Column("reserve_price", BigInteger),  # the seller's secret
    Column("minimum_step", BigInteger),
    Column("ends_at", UtcTime, nullable=False),
    Column("leader", Text),
    Column("best_bid", BigInteger),
    Column("leader_hold", Text),
    Column("leader_since", UtcTime),
    Column("status", Text, nullable=False),  # pending_lock, open, sold, unsold, cancelled, refused
)

message = Table(
    "message",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("signer", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # the signed bytes (sealed) and their signature: the evidence
    Column("signature", LargeBinary, nullable=False),
    Column("details", JSON, nullable=False),  # what the answer says besides what can be looked up
)

review = Table(
    "review",
    metadata,
    Column("id", Id, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),  # open, resolved
    Column("resolution", Text),
    Column("resolved_by", Text),
    Column("resolved_at", UtcTime),
)
