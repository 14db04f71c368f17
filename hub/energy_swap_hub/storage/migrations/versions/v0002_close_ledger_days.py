"""Close ledger days."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0001 to 0002."""
    op.create_table(
        "ledger_day",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("first_entry_id", sa.BigInteger(), nullable=True),
        sa.Column("last_entry_id", sa.BigInteger(), nullable=True),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "day", name=op.f("pk_ledger_day")),
    )
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.add_column(sa.Column("booked_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(
            sa.Column("corrects_entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_ledger_entry_corrects_entry_id"), "ledger_entry", ["corrects_entry_id"], ["id"]
        )
    # Nothing tells when these were booked; when they happened comes nearest.
    op.execute(sa.text("UPDATE ledger_entry SET booked_at = at"))
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.alter_column("booked_at", existing_type=sa.BigInteger(), nullable=False)
        batch_op.create_index("ledger_entry_booked_at", ["community_id", "booked_at"], unique=False)
