"""What the API itself keeps: the answers of changes that may be sent again, and the tokens of programs."""

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text

from energy_swap_hub.storage import UtcTime, metadata

kept_answer = Table(
    "kept_answer",
    metadata,
    Column("who", Text, primary_key=True),
    Column("key", Text, primary_key=True),  # as the caller chose it
    Column("request_hash", LargeBinary, nullable=False),  # of method, address and body
    Column("status", BigInteger),  # null: claimed, and not known to be done
    Column("answer_sealed", LargeBinary),
    Column("at", UtcTime, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # separated by blanks
    Column("made_by", Text, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
)
