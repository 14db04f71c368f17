"""Trade ahead."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0004 to 0005."""
    op.create_table(
        "ahead_order",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.Column("limit", sa.BigInteger(), nullable=False),
        sa.Column("filled_wh", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_ahead_order")),
    )
    op.create_index("ahead_order_period", "ahead_order", ["community_id", "status", "start"], unique=False)
    op.create_index(
        "ahead_order_household", "ahead_order", ["community_id", "household_id", "status"], unique=False
    )
    op.create_table(
        "contract",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("seller", sa.Text(), nullable=False),
        sa.Column("buyer", sa.Text(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.Column("cents_per_kwh", sa.BigInteger(), nullable=False),
        sa.Column("concluded_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_wh", sa.BigInteger(), nullable=False),
        sa.Column("backfill_wh", sa.BigInteger(), nullable=False),
        sa.Column("spare_wh", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "start", "number", name=op.f("pk_contract")),
    )
    op.create_index("contract_seller", "contract", ["community_id", "seller", "start"], unique=False)
    op.create_index("contract_buyer", "contract", ["community_id", "buyer", "start"], unique=False)
    op.create_table(
        "ahead_line",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("promised_wh", sa.BigInteger(), nullable=False),
        sa.Column("delivered_wh", sa.BigInteger(), nullable=False),
        sa.Column("paid_cents", sa.BigInteger(), nullable=False),
        sa.Column("refunded_cents", sa.BigInteger(), nullable=False),
        sa.Column("earned_cents", sa.BigInteger(), nullable=False),
        sa.Column("difference_cents", sa.BigInteger(), nullable=False),
        sa.Column("grid_wh", sa.BigInteger(), nullable=False),
        sa.Column("grid_cents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "start", "household_id", name=op.f("pk_ahead_line")),
    )
    op.create_table(
        "partner_choice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("partners", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_choice")),
    )
    op.create_index(
        "partner_choice_household", "partner_choice", ["community_id", "household_id", "valid_from"], unique=False
    )
    # What was booked before stayed with the households as tokens: the utility took and gave nothing of it.
    with op.batch_alter_table("position", schema=None) as batch_op:
        batch_op.add_column(sa.Column("grid_wh", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("grid_cents", sa.BigInteger(), server_default="0", nullable=False))
    with op.batch_alter_table("position", schema=None) as batch_op:
        batch_op.alter_column("grid_wh", existing_type=sa.BigInteger(), server_default=None)
        batch_op.alter_column("grid_cents", existing_type=sa.BigInteger(), server_default=None)
    with op.batch_alter_table("auction", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reserve_price", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("minimum_step", sa.BigInteger(), nullable=True))
