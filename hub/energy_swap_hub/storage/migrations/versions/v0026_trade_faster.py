"""Trade faster: spot trades, which are found by their orders, are in no index of periods."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0025 to 0026."""
    op.drop_index("trade_reference", table_name="trade")
    not_spot = sa.text("sell_order IS NULL")
    op.create_index(
        "trade_reference",
        "trade",
        ["community_id", "reference"],
        unique=False,
        sqlite_where=not_spot,
        postgresql_where=not_spot,
    )
