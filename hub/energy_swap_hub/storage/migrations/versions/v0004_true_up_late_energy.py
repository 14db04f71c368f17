"""True up late energy."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0003 to 0004."""
    op.create_table(
        "register_epoch",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("meter", sa.LargeBinary(), nullable=False),
        sa.Column("first_sequence", sa.BigInteger(), nullable=False),
        sa.Column("measured_at", sa.BigInteger(), nullable=False),
        sa.Column("export_wh", sa.BigInteger(), nullable=False),
        sa.Column("import_wh", sa.BigInteger(), nullable=False),
        sa.Column("generation_wh", sa.BigInteger(), nullable=False),
        sa.Column("closed_meter", sa.LargeBinary(), nullable=False),
        sa.Column("closed_sequence", sa.BigInteger(), nullable=False),
        sa.Column("carried_export_wh", sa.BigInteger(), nullable=False),
        sa.Column("carried_import_wh", sa.BigInteger(), nullable=False),
        sa.Column("carried_generation_wh", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "household_id", "number", name=op.f("pk_register_epoch")),
    )
    op.create_table(
        "true_up",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("sequence_to", sa.BigInteger(), nullable=False),
        sa.Column("sequence_from", sa.BigInteger(), nullable=False),
        sa.Column("export_wh", sa.BigInteger(), nullable=False),
        sa.Column("import_wh", sa.BigInteger(), nullable=False),
        sa.Column("generation_wh", sa.BigInteger(), nullable=False),
        sa.Column("minted_wh", sa.BigInteger(), nullable=False),
        sa.Column("burned_wh", sa.BigInteger(), nullable=False),
        sa.Column("grid_wh", sa.BigInteger(), nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "community_id", "start", "household_id", "epoch", "sequence_to", name=op.f("pk_true_up")
        ),
    )
    op.create_index("meter_state_measured_at", "meter_state", ["community_id", "measured_at"], unique=False)
    with op.batch_alter_table("settled_register", schema=None) as batch_op:
        batch_op.add_column(sa.Column("meter", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("measured_at", sa.BigInteger(), nullable=True))
    # Until now a household had one meter for ever, and each settled reading is kept.
    op.execute(
        sa.text(
            "UPDATE settled_register SET meter = (SELECT h.meter FROM household h "
            "WHERE h.community_id = settled_register.community_id AND h.id = settled_register.household_id)"
        )
    )
    op.execute(
        sa.text(
            "UPDATE settled_register SET measured_at = (SELECT r.measured_at FROM reading r "
            "WHERE r.meter = settled_register.meter AND r.sequence = settled_register.sequence)"
        )
    )
    with op.batch_alter_table("settled_register", schema=None) as batch_op:
        batch_op.alter_column("meter", existing_type=sa.LargeBinary(), nullable=False)
        batch_op.alter_column("measured_at", existing_type=sa.BigInteger(), nullable=False)
