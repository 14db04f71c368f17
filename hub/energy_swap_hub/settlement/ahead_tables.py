"""Orders for periods to come, the contracts that their gate made of them, and what was delivered."""

from datetime import timedelta
from typing import Final

from sqlalchemy import BigInteger, Column, Index, Table, Text

from energy_swap_hub.storage import UtcTime, metadata

LONGEST_AHEAD: Final = timedelta(days=7)
"""A period may begin so long after an order for it is placed."""

ahead_order = Table(
    "ahead_order",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("start", UtcTime, nullable=False),  # of the period
    Column("household_id", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("wh", BigInteger, nullable=False),
    Column("limit", BigInteger, nullable=False),
    Column("filled_wh", BigInteger, nullable=False),
    Column("status", Text, nullable=False),  # open, cancelled; after the gate filled, part_filled, unfilled
    Column("placed_at", UtcTime, nullable=False),
    Index("ahead_order_period", "community_id", "status", "start"),
    Index("ahead_order_household", "community_id", "household_id", "status"),
)

contract = Table(
    "contract",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("start", UtcTime, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("seller", Text, nullable=False),
    Column("buyer", Text, nullable=False),
    Column("wh", BigInteger, nullable=False),
    Column("cents_per_kwh", BigInteger, nullable=False),
    Column("concluded_at", UtcTime, nullable=False),
    Column("settled_at", UtcTime),  # none: the period is not booked yet
    Column("delivered_wh", BigInteger, nullable=False),
    Column("backfill_wh", BigInteger, nullable=False),  # the seller lacked it, the buyer took it from the grid
    Column("spare_wh", BigInteger, nullable=False),  # the buyer did not take it, the seller had it left
    Index("contract_seller", "community_id", "seller", "start"),
    Index("contract_buyer", "community_id", "buyer", "start"),
)

ahead_line = Table(  # what the contracts of a period came to for a household
    "ahead_line",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("start", UtcTime, primary_key=True),
    Column("household_id", Text, primary_key=True),
    Column("side", Text, nullable=False),
    Column("promised_wh", BigInteger, nullable=False),
    Column("delivered_wh", BigInteger, nullable=False),
    Column("paid_cents", BigInteger, nullable=False),
    Column("refunded_cents", BigInteger, nullable=False),
    Column("earned_cents", BigInteger, nullable=False),
    Column("difference_cents", BigInteger, nullable=False),  # below zero: it deviated and pays
    Column("grid_wh", BigInteger, nullable=False),  # above zero: spare, below: backfill
    Column("grid_cents", BigInteger, nullable=False),
)
