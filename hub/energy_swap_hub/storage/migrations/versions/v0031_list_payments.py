"""List payments: read them by their time, and keep what M-Pesa said when it was last asked."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0030 to 0031."""
    for table in ("payment_intent", "payout"):
        op.add_column(table, sa.Column("asked_at", sa.BigInteger(), nullable=True))
        op.add_column(table, sa.Column("told", sa.Text(), nullable=True))
    op.create_index("payment_intent_by_time", "payment_intent", ["community_id", "created_at"], unique=False)
    op.create_index("payout_by_time", "payout", ["community_id", "created_at"], unique=False)
    op.create_index("payment_receipt_by_time", "payment_receipt", ["community_id", "recorded_at"], unique=False)
