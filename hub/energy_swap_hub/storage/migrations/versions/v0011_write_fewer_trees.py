"""Write fewer trees: on SQLite tables lie in the order of their keys, and needless indexes are gone."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_LIE_BY_KEY = (
    "ledger_posting",
    "ledger_balance",
    "ledger_hold",
    "household_total",
    "spot_order",
    "reservation",
    "spot_book",
)


def upgrade() -> None:
    """Go from 0010 to 0011."""
    op.drop_index("ledger_entry_at", table_name="ledger_entry")
    op.drop_index("spot_order_status", table_name="spot_order")
    is_open = sa.text("status = 'open'")
    op.create_index(
        "spot_order_open",
        "spot_order",
        ["community_id", "valid_until"],
        unique=False,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    if op.get_bind().dialect.name == "sqlite":
        for table in _LIE_BY_KEY:
            _lay_by_key(table)


def _lay_by_key(table: str) -> None:
    """Make ``table`` anew with the same rows, columns, rules and indexes, as one tree by its key."""
    database = op.get_bind()
    kept = sa.text("SELECT sql FROM sqlite_master WHERE tbl_name = :table AND type = :type AND sql IS NOT NULL")
    made = database.execute(kept, {"table": table, "type": "table"}).scalar_one()
    indexes = database.execute(kept, {"table": table, "type": "index"}).scalars().all()
    rules = made.split("(", 1)[1]
    key = ", ".join(sa.inspect(database).get_pk_constraint(table)["constrained_columns"])
    new = f"{table}_by_key"
    op.execute(f"CREATE TABLE {new} ({rules} WITHOUT ROWID")
    op.execute(f"INSERT INTO {new} SELECT * FROM {table} ORDER BY {key}")  # noqa: S608 - names of ours
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE {new} RENAME TO {table}")
    for index in indexes:
        op.execute(index)
