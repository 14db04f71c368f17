"""Find the receipts of a payment that a phone was asked for."""

from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0012 to 0014."""
    with op.batch_alter_table("payment_receipt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payment_receipt_intent_id"), ["intent_id"], unique=False)
