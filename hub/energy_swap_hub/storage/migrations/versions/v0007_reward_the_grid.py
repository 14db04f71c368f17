"""Reward the grid, and keep each household's totals as running sums."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0006 to 0007."""
    op.create_table(
        "household_total",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("exported_wh", sa.BigInteger(), nullable=False),
        sa.Column("imported_wh", sa.BigInteger(), nullable=False),
        sa.Column("generated_wh", sa.BigInteger(), nullable=False),
        sa.Column("sold_wh", sa.BigInteger(), nullable=False),
        sa.Column("bought_wh", sa.BigInteger(), nullable=False),
        sa.Column("earned_cents", sa.BigInteger(), nullable=False),
        sa.Column("spent_cents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "household_id", name=op.f("pk_household_total")),
    )
    op.execute(sa.text(TOTALS_SO_FAR))
    op.create_table(
        "grid_reward",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("export_wh", sa.BigInteger(), nullable=False),
        sa.Column("earned_cents", sa.BigInteger(), nullable=False),
        sa.Column("paid_cents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "day", "household_id", name=op.f("pk_grid_reward")),
    )


# Until now the totals were summed each time: all positions, and what was traded outside the period market, whose
# buyers paid out of what was held for them.
TOTALS_SO_FAR = """
INSERT INTO household_total
SELECT community_id, household_id, sum(exported_wh), sum(imported_wh), sum(generated_wh),
       sum(sold_wh), sum(bought_wh), sum(earned_cents), sum(spent_cents)
FROM (
    SELECT community_id, household_id, export_wh AS exported_wh, import_wh AS imported_wh,
           generation_wh AS generated_wh, sold_wh, bought_wh, earned_cents, paid_cents AS spent_cents
    FROM "position"
    UNION ALL
    SELECT community_id, seller, 0, 0, 0, wh, 0, cents, 0 FROM trade WHERE market IN ('spot', 'auction')
    UNION ALL
    SELECT community_id, buyer, 0, 0, 0, 0, wh, 0, 0 FROM trade WHERE market IN ('spot', 'auction')
    UNION ALL
    SELECT p.community_id, substr(p.account, 1, length(p.account) - length('.kes_held')),
           0, 0, 0, 0, 0, 0, -p.amount
    FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id
    WHERE e.source IN ('spot', 'auction') AND p.account LIKE '%kes_held'
) AS told
GROUP BY community_id, household_id
"""
