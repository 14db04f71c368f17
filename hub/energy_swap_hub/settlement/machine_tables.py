"""The scheduled work of settlement, its journal, and since when a hub has been up."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from energy_swap_hub.storage import UtcTime, metadata

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
