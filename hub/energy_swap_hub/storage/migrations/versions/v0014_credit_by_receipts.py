"""Credit by M-Pesa's own receipts."""

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0013 to 0014."""
