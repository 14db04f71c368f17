"""What the hub wants of each household's connection, what it commanded, and what the meter reported."""

from sqlalchemy import Boolean, Column, LargeBinary, Table, Text

from energy_swap_hub.storage import UtcTime, metadata

relay = Table(
    "relay",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("household_id", Text, primary_key=True),
    Column("is_protected", Boolean, nullable=False),
    Column("is_ended", Boolean, nullable=False),
    Column("is_asked_off", Boolean, nullable=False),  # the household's own wish
    Column("command", LargeBinary),  # the last signed one
    Column("report", LargeBinary),  # the last one, signed by the meter
    Column("reported_at", UtcTime),
)
