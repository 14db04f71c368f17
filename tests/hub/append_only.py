"""Has a database refuse every change of what is booked: the hub needs none, as all tests of a village show."""

from typing import Final

from sqlalchemy import Connection, text

_BOOKED: Final = ("ledger_entry", "ledger_posting", "ledger_day")
_CHANGES: Final = ("UPDATE", "DELETE")


def refuse_changes(connection: Connection) -> None:
    """From now on updating or deleting an entry, a posting or a closed day fails."""
    if connection.dialect.name == "sqlite":
        then = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    else:
        raises = "BEGIN RAISE EXCEPTION 'the ledger is append-only'; END"
        connection.execute(text(f"CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $${raises}$$"))
        then = "FOR EACH ROW EXECUTE FUNCTION append_only()"
    for table in _BOOKED:
        for change in _CHANGES:
            connection.execute(text(f"CREATE TRIGGER {_name(table, change)} BEFORE {change} ON {table} {then}"))


def allowed_on_sqlite() -> list[str]:
    """Return the statements after which who tampers with the books of an SQLite database may."""
    return [f"DROP TRIGGER IF EXISTS {_name(table, change)}" for table in _BOOKED for change in _CHANGES]


def _name(table: str, change: str) -> str:
    return f"{table}_no_{change.lower()}"
