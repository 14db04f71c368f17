"""Admit and suspend members."""

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0017 to 0018."""
