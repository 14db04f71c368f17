"""Accepted readings, each meter's last one, register epochs, and the quarantine."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from energy_swap_hub.storage import Id, UtcTime, metadata

# Keyed by time first: readings arrive in time order, and periods ask by time (docs/architecture.md).
reading = Table(
    "reading",
    metadata,
    Column("measured_at", BigInteger, primary_key=True),  # Unix seconds, as signed
    Column("meter", LargeBinary, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("export_wh", BigInteger, nullable=False),
    Column("import_wh", BigInteger, nullable=False),
    Column("generation_wh", BigInteger, nullable=False),
    Column("frame", LargeBinary, nullable=False),  # the 144 signed bytes: the evidence
    Index("reading_sequence", "meter", "sequence", unique=True),
)

meter_state = Table(
    "meter_state",
    metadata,
    Column("meter", LargeBinary, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("household_id", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("measured_at", BigInteger, nullable=False),
    Column("export_wh", BigInteger, nullable=False),
    Column("import_wh", BigInteger, nullable=False),
    Column("generation_wh", BigInteger, nullable=False),
    Column("net_w", BigInteger),  # average since the reading before; positive takes, negative gives
    Column("generation_w", BigInteger),
    Index("meter_state_measured_at", "community_id", "measured_at"),  # whose readings are not in yet?
)

register_epoch = Table(  # a household's meter was replaced, or began to count anew: see epochs.py
    "register_epoch",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("household_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),  # 1 is the first change
    Column("meter", LargeBinary, nullable=False),
    Column("first_sequence", BigInteger, nullable=False),  # its first reading, the base ...
    Column("measured_at", BigInteger, nullable=False),
    Column("export_wh", BigInteger, nullable=False),  # ... with the registers it showed
    Column("import_wh", BigInteger, nullable=False),
    Column("generation_wh", BigInteger, nullable=False),
    Column("closed_meter", LargeBinary, nullable=False),  # the last reading before it
    Column("closed_sequence", BigInteger, nullable=False),
    Column("carried_export_wh", BigInteger, nullable=False),  # to be added to the meter's registers since then
    Column("carried_import_wh", BigInteger, nullable=False),
    Column("carried_generation_wh", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposal", Text),  # by which the approvers let it begin; NULL: from before they were asked
    Column("at", UtcTime, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Id, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("household_id", Text, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("frame", LargeBinary, nullable=False),
    Index("quarantine_household", "community_id", "household_id"),
    Index("quarantine_by_number", "community_id", "id"),
)
