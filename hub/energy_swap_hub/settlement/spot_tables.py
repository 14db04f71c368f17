"""Orders of the spot market, what is kept of them for purchases under way, and the stamp of each book."""

from sqlalchemy import BigInteger, Column, Index, Table, Text, text

from energy_swap_hub.storage import Id, UtcTime, metadata

# Said so in queries, too: of a parameter no database sees that the index is for it.
IS_OPEN = text("status = 'open'")

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
