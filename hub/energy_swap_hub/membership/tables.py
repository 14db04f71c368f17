"""Households, the console's users and sessions, and who did what."""

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, Table, Text, UniqueConstraint

from energy_swap_hub.storage import Id, UtcTime, metadata

household = Table(
    "household",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("key", LargeBinary, nullable=False, unique=True),  # Ed25519 public key, also the Solana owner
    Column("meter", LargeBinary, nullable=False, unique=True),  # Ed25519 public key
    Column("phone_sealed", LargeBinary, nullable=False),
    Column("phone_hash", LargeBinary, nullable=False),
    Column("rated_pv_w", BigInteger, nullable=False),
    Column("main_breaker_w", BigInteger, nullable=False),
    Column("status", Text, nullable=False),  # applied, admitted, suspended, leaving, left
    Column("applied_at", UtcTime, nullable=False),
    Column("admitted_at", UtcTime),
    Column("net_metered_from", UtcTime),  # what it exports is the utility's by contract, from then on
    Column("net_metered_until", UtcTime),  # that contract has ended
    UniqueConstraint("community_id", "number"),
    UniqueConstraint("community_id", "phone_hash"),
)

member_file = Table(  # see files.py; each part with who put it there and when
    "member_file",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("household_id", Text, primary_key=True),
    Column("phone_by", Text),
    Column("phone_at", UtcTime),
    Column("document_kind", Text),
    Column("document_hash", LargeBinary),
    Column("document_by", Text),
    Column("document_at", UtcTime),
    Column("transformer", Text),
    Column("feeder", Text),
    Column("site_by", Text),
    Column("site_at", UtcTime),
    Column("consent_version", Text),
    Column("consent_by", Text),
    Column("consent_at", UtcTime),
)

recovery_claim = Table(
    "recovery_claim",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("key", LargeBinary, primary_key=True),  # of a device that asks to be bound to the household
    Column("household_id", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

session = Table(
    "console_session",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("id", Text, nullable=False, unique=True),  # names a session where its token must not be shown
    Column("started_at", UtcTime, nullable=False),
    Column("used_at", UtcTime, nullable=False),
    Column("address", Text, nullable=False),
    Column("by_passkey", Boolean, nullable=False),  # then the device and its owner are both known
)

passkey = Table(
    "passkey",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("credential", LargeBinary, nullable=False),  # its public key, as WebAuthn lays it out
    Column("counter", BigInteger, nullable=False),  # how often the device signed, where it counts
    Column("made_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
)

second_factor = Table(
    "second_factor",
    metadata,
    Column("user", Text, primary_key=True),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("confirmed_at", UtcTime),
    Column("last_step", BigInteger, nullable=False),  # of the newest code that was used: none counts twice
)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("subject", Text, nullable=False),
)
