"""Fill spot orders in groups."""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0005 to 0006."""
