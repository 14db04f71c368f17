"""The rows of payments: found by a key, changed while they are in one of some states; a statement is made once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    TextClause,
    Update,
    bindparam,
    select,
    text,
    update,
)

from energy_swap_hub.storage import Lookup

_kept: Final = lru_cache(None)  # one for each place in our code that asks


def is_in(states: Sequence[str]) -> TextClause:
    """Return the condition that a row is in one of our states, in words that a partial index understands."""
    return text(f"state IN ({', '.join(repr(state) for state in states)})")


def find[T](connection: Connection, kind: type[T], table: Table, **key: Any) -> T | None:
    """Return the row with this key as a ``kind``, a slotted dataclass whose fields are columns."""
    made_of: Any = kind
    row = connection.execute(_find(made_of, table, tuple(key)), key).first()
    return None if row is None else kind(*row)


def due[T](connection: Connection, kind: type[T], table: Table, by: str, now: datetime, limit: int) -> list[T]:
    """Return the rows whose time ``by`` has come, the oldest first."""
    made_of: Any = kind
    return [kind(*row) for row in _due(made_of, table, by).all(connection, now=now, most=limit)]


def change(
    connection: Connection, table: Table, key: Mapping[str, Any], states: Sequence[str], **values: Any
) -> bool:
    """Set ``values`` in the row with this key if it is in one of ``states``; return whether it was."""
    statement = _change(table, tuple(key), tuple(states))
    found = {f"key_{name}": value for name, value in key.items()}
    return connection.execute(statement, found | values).rowcount == 1


def columns(kind: type[Any], table: Table) -> list[ColumnElement[Any]]:
    """Return the columns that make a ``kind``."""
    return [table.c[name] for name in kind.__slots__]


@_kept
def _find(kind: type[Any], table: Table, key: tuple[str, ...]) -> Select[Any]:
    return select(*columns(kind, table)).where(*(table.c[name] == bindparam(name) for name in key))


@_kept
def _due(kind: type[Any], table: Table, by: str) -> Lookup:
    statement = select(*columns(kind, table)).where(table.c[by] <= bindparam("now"))
    return Lookup(statement.order_by(table.c[by], *table.primary_key).limit(bindparam("most")))


@_kept
def _change(table: Table, key: tuple[str, ...], states: tuple[str, ...]) -> Update:
    return update(table).where(*(table.c[name] == bindparam(f"key_{name}") for name in key), is_in(states))
