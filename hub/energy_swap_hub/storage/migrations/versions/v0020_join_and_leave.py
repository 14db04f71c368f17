"""Join, leave, and change a community's settings."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0019 to 0020."""
    op.create_table(
        "community_setting",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_setting")),
    )
    op.create_index(
        "community_setting_time", "community_setting", ["community_id", "valid_from", "id"], unique=False
    )
    op.create_table(
        "departure",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("was", sa.Text(), nullable=False),
        sa.Column("burned_wh", sa.BigInteger(), nullable=False),
        sa.Column("tokens_cents", sa.BigInteger(), nullable=False),
        sa.Column("paid_kes", sa.BigInteger(), nullable=False),
        sa.Column("remainder_cents", sa.BigInteger(), nullable=False),
        sa.Column("burn", sa.Text(), nullable=True),
        sa.Column("proposal", sa.Text(), nullable=True),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.Column("erase_at", sa.BigInteger(), nullable=True),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("community_id", "household_id", name=op.f("pk_departure")),
    )
    op.create_table(
        "member_file",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("phone_by", sa.Text(), nullable=True),
        sa.Column("phone_at", sa.BigInteger(), nullable=True),
        sa.Column("document_kind", sa.Text(), nullable=True),
        sa.Column("document_hash", sa.LargeBinary(), nullable=True),
        sa.Column("document_by", sa.Text(), nullable=True),
        sa.Column("document_at", sa.BigInteger(), nullable=True),
        sa.Column("transformer", sa.Text(), nullable=True),
        sa.Column("feeder", sa.Text(), nullable=True),
        sa.Column("site_by", sa.Text(), nullable=True),
        sa.Column("site_at", sa.BigInteger(), nullable=True),
        sa.Column("consent_version", sa.Text(), nullable=True),
        sa.Column("consent_by", sa.Text(), nullable=True),
        sa.Column("consent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("community_id", "household_id", name=op.f("pk_member_file")),
    )
