"""Fill spot orders in groups: what an order may ask for, which orders a trade fills, and a stamp of the book."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0005 to 0006."""
    with op.batch_alter_table("spot_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seller", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("reputation", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("minimum_reputation", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("post_only", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.create_index("spot_order_status", ["community_id", "status", "valid_until"], unique=False)
        batch_op.create_index("spot_order_household", ["community_id", "household_id", "placed_at"], unique=False)
    op.create_table(
        "spot_book",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", name=op.f("pk_spot_book")),
    )
    op.execute(
        sa.text(
            "INSERT INTO spot_book (community_id, stamp, last_number) "
            "SELECT community_id, 0, max(number) FROM spot_order GROUP BY community_id"
        )
    )
    with op.batch_alter_table("trade", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sell_order", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("buy_order", sa.Text(), nullable=True))
    # A spot trade's reference is "<the order that came>/<the order that rested>", ids of 36 letters.
    for column, side in (("sell_order", "sell"), ("buy_order", "buy")):
        op.execute(
            sa.text(
                f"UPDATE trade SET {column} = (SELECT o.id FROM spot_order AS o "  # noqa: S608 - names of ours
                f"WHERE o.community_id = trade.community_id AND o.side = '{side}' "
                "AND o.id IN (substr(trade.reference, 1, 36), substr(trade.reference, 38))) WHERE market = 'spot'"
            )
        )
    with op.batch_alter_table("trade", schema=None) as batch_op:
        for name in ("sell_order", "buy_order"):
            filled = sa.text(f"{name} IS NOT NULL")
            batch_op.create_index(
                f"trade_{name}", [name], unique=False, sqlite_where=filled, postgresql_where=filled
            )
