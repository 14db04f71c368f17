"""Paired phones: their codes, keys, PINs and sessions, what each spent in a day, and where each is told."""

from sqlalchemy import JSON, BigInteger, Column, Index, LargeBinary, Table, Text

from energy_swap_hub.storage import UtcTime, metadata

# One row per code asked for, whether or not a household has the number: nobody can tell the two apart.
device_pairing = Table(
    "device_pairing",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("phone_hash", LargeBinary, nullable=False),
    Column("address", Text, nullable=False),
    Column("household_id", Text),  # none: nobody has the number, and no code is the right one
    Column("code_hash", LargeBinary, nullable=False),
    Column("tries", BigInteger, nullable=False),
    Column("begun_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Index("device_pairing_phone", "phone_hash", "begun_at"),
    Index("device_pairing_address", "address", "begun_at"),
)

# A row stays when its phone is revoked: what the key signed before remains evidence.
device = Table(
    "device",
    metadata,
    Column("key", LargeBinary, primary_key=True),  # Ed25519 public key
    Column("id", Text, nullable=False, unique=True),  # names the phone in addresses and lists
    Column("community_id", Text, nullable=False),
    Column("household_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("pin_hash", Text, nullable=False),
    Column("tries", BigInteger, nullable=False),  # PINs since the last right one
    Column("locked_until", UtcTime),
    Column("paired_at", UtcTime, nullable=False),
    Column("used_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("revoked_by", Text),
    Index("device_household", "community_id", "household_id"),
)

device_session = Table(
    "device_session",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("key", LargeBinary, nullable=False, index=True),
    Column("csrf", Text, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime, nullable=False),
)

device_spending = Table(
    "device_spending",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("day", Text, primary_key=True),  # of East Africa Time: 2026-11-20
    Column("cents", BigInteger, nullable=False),
)

# Where a phone's browser is told what happens: one per phone, gone with it.
push_subscription = Table(
    "push_subscription",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("household_id", Text, nullable=False),
    Column("endpoint_hash", LargeBinary, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),  # the address, and what its messages are sealed with
    Column("topics", JSON, nullable=False),
    Column("told", BigInteger, nullable=False),  # number of the last notification that is done with
    Column("tries", BigInteger, nullable=False),  # of the next one, so far
    Column("due_at", UtcTime, nullable=False),  # not before
    Column("made_at", UtcTime, nullable=False),
    Index("push_subscription_household", "community_id", "household_id"),
)
