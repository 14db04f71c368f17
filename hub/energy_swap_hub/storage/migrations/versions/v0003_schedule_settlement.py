"""Schedule settlement: sagas with their journal, and the lease of who writes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0002 to 0003."""
    op.create_table(
        "saga",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "kind", "subject", name=op.f("pk_saga")),
    )
    with op.batch_alter_table("saga", schema=None) as batch_op:
        batch_op.create_index("saga_due", ["community_id", "due_at"], unique=False)
    op.create_table(
        "saga_step",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "kind", "subject", "version", name=op.f("pk_saga_step")),
    )
    op.create_table(
        "lease",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", name=op.f("pk_lease")),
    )
    # Days whose payouts were ordered are sagas that ended.
    op.execute(
        sa.text(
            "INSERT INTO saga (community_id, kind, subject, state, version, attempts) "
            "SELECT community_id, 'payouts', day, 'ordered', 1, 0 FROM payout_day"
        )
    )
    op.drop_table("payout_day")
