"""Limits, periods, positions, trades, auctions, answered messages, what households are told, and reviews."""

from sqlalchemy import JSON, BigInteger, Column, Index, LargeBinary, Table, Text, text

from energy_swap_hub.storage import Id, UtcTime, metadata

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
