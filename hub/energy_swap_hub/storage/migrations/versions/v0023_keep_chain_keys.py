"""Keep chain keys."""

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0022 to 0023."""
