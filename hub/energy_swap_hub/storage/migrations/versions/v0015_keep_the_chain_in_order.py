"""Keep keys, suspensions and recoveries of the chain."""

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0014 to 0015."""
