"""Know who has a net-metering contract: what such a household exports is the utility's."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0034 to 0036."""
    for column in ("net_metered_from", "net_metered_until"):
        op.add_column("household", sa.Column(column, sa.BigInteger(), nullable=True))
