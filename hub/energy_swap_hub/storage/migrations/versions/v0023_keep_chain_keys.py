"""Keep the hub's earlier keys: its key can be replaced, by itself or when it is lost."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0021 to 0023."""
    for name in ("hubs_before", "acting_hub", "lost_hub"):
        op.add_column("chain_community", sa.Column(name, sa.String(), nullable=True))
