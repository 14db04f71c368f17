"""Read long lists by indexes that have their order, and what is under way without what has ended."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0031"
branch_labels = None
depends_on = None

_BY_TIME = (
    ("payment_intent", "created_at", "intent_id"),
    ("payout", "created_at", "payout_id"),
    ("payment_receipt", "recorded_at", "receipt"),
)
_BY_NUMBER = (("ledger_entry", "id"), ("quarantine", "id"), ("chain_intent", "number"))


def upgrade() -> None:
    """Go from 0031 to 0034."""
    for table, time, key in _BY_TIME:
        op.drop_index(f"{table}_by_time", table_name=table)
        op.create_index(f"{table}_by_time", table, ["community_id", time, key], unique=False)
    going = sa.text("state NOT IN ('paid', 'failed')")
    for table, time, key in _BY_TIME[:2]:
        name, columns = f"{table}_going", ["community_id", time, key]
        op.create_index(name, table, columns, unique=False, sqlite_where=going, postgresql_where=going)
    for table, number in _BY_NUMBER:
        op.create_index(f"{table}_by_number", table, ["community_id", number], unique=False)
    op.create_index("trade_by_time", "trade", ["at"], unique=False)
