"""Sign in safely: sessions that are listed, and a second factor."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0017 to 0019."""
    op.execute(sa.text("DELETE FROM console_session"))  # whoever was signed in signs in again
    with op.batch_alter_table("console_session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("id", sa.Text(), nullable=False))
        batch_op.add_column(sa.Column("started_at", sa.BigInteger(), nullable=False))
        batch_op.add_column(sa.Column("used_at", sa.BigInteger(), nullable=False))
        batch_op.add_column(sa.Column("address", sa.Text(), nullable=False))
        batch_op.create_unique_constraint(batch_op.f("uq_console_session_id"), ["id"])
    op.create_table(
        "second_factor",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_second_factor")),
    )
