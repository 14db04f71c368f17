"""Found communities with the trust mode."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0028 to 0029."""
    op.add_column("chain_community", sa.Column("program", sa.Text(), nullable=True))
    op.add_column("chain_community", sa.Column("meter_lamports", sa.BigInteger(), nullable=True))
