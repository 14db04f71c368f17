"""Say in an admission's memo which meter is admitted."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0009 to 0010."""
    with op.batch_alter_table("chain_household", schema=None) as batch_op:
        batch_op.add_column(sa.Column("memo", sa.String(), nullable=True))
