"""Replace meters by the approvers' word, and keep that a household asks to be switched off."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0026 to 0027."""
    with op.batch_alter_table("relay", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_asked_off", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("relay", schema=None) as batch_op:
        batch_op.alter_column("is_asked_off", existing_type=sa.Boolean(), server_default=None)
    with op.batch_alter_table("register_epoch", schema=None) as batch_op:
        # NULL: it began before the approvers were asked.
        batch_op.add_column(sa.Column("proposal", sa.Text(), nullable=True))
