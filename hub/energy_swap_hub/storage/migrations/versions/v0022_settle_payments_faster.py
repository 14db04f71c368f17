"""Settle payments faster."""

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0021 to 0022."""
