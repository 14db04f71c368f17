"""Found communities with the trust mode."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0029 to 0030."""
    op.add_column("chain_community", sa.Column("program", sa.String(), nullable=True))
    lamports = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("chain_community", sa.Column("meter_lamports", lamports, nullable=True))
