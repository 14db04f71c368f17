"""Pay for orders by M-Pesa, and tell households what happened."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0008 to 0009."""
    op.create_table(
        "notification",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_notification")),
    )
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.create_index("notification_household", ["community_id", "household_id", "number"], unique=False)
    with op.batch_alter_table("spot_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reserved_wh", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "reservation",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("purchase", sa.Text(), nullable=False),
        sa.Column("sale", sa.Text(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.Column("cents_per_kwh", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "purchase", "sale", name=op.f("pk_reservation")),
    )
