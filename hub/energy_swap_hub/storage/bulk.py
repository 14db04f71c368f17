"""Many rows in one statement, on SQLite and PostgreSQL: insert, insert or replace, change, and look up.

The statements' texts are made of the names in our own tables, never of anything from outside.
"""

# ruff: noqa: S608

import json
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    LargeBinary,
    Table,
    any_,
    bindparam,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from .columns import UtcTime
from .driver import on_driver

_kept: Final = lru_cache(256)  # a text is made once for a database, not for every row


def insert_rows(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert ``rows``, each with a value for each of the columns ``names``, in their order."""
    if rows:
        names = tuple(names)
        _run(connection, _insert(connection.dialect, table, names), table, names, rows)


def put_rows(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert ``rows`` as `insert_rows`; where the primary key is there already, the row's other values change.

    No two of ``rows`` may have the same key.
    """
    _upsert(connection, table, names, rows, "{0} = excluded.{0}")


def add_rows(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert ``rows`` as `put_rows`; where the primary key is there already, the other values are added to it."""
    _upsert(connection, table, names, rows, f"{{0}} = {table.name}.{{0}} + excluded.{{0}}")


def _upsert(
    connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]], change: str
) -> None:
    if rows:
        names = tuple(names)
        _run(connection, _put(connection.dialect, table, names, change), table, names, rows)


def change_rows(
    connection: Connection, table: Table, keys: Sequence[str], names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Set the columns ``names`` of the rows found by ``keys``; each of ``rows`` has new values, then keys."""
    if rows:
        used = (*names, *keys)
        _run(connection, _change(connection.dialect, table, tuple(keys), tuple(names)), table, used, rows)


def find_row(
    connection: Connection, table: Table, keys: Sequence[str], names: Sequence[str], values: Sequence[Any]
) -> Sequence[Any] | None:
    """Return the columns ``names``, as stored, of the row whose ``keys`` have ``values``; None: no row."""
    text = _find(connection.dialect, table, tuple(keys), tuple(names))
    found: Sequence[Any] | None = on_driver(connection, text, tuple(values)).fetchone()
    return found


@_kept
def _find(dialect: Dialect, table: Table, keys: Sequence[str], names: Sequence[str]) -> str:
    quote, mark = dialect.identifier_preparer.quote, "?" if dialect.name == "sqlite" else "%s"
    target = dialect.identifier_preparer.format_table(table)
    wanted = " AND ".join(f"{quote(k)} = {mark}" for k in keys)
    return f"SELECT {', '.join(map(quote, names))} FROM {target} WHERE {wanted}"


@_kept
def _put(dialect: Dialect, table: Table, names: Sequence[str], change: str) -> str:
    keys = [column.name for column in table.primary_key]
    quote = dialect.identifier_preparer.quote
    changes = ", ".join(change.format(quote(n)) for n in names if n not in keys)
    conflict = f" ON CONFLICT ({', '.join(map(quote, keys))}) DO UPDATE SET {changes}"
    return _insert(dialect, table, names) + conflict


@_kept
def _change(dialect: Dialect, table: Table, keys: Sequence[str], names: Sequence[str]) -> str:
    used = [*names, *keys]
    quote = dialect.identifier_preparer.quote
    target = dialect.identifier_preparer.format_table(table)
    if dialect.name == "sqlite":
        changes = ", ".join(f"{quote(n)} = ?" for n in names)
        return f"UPDATE {target} SET {changes} WHERE " + " AND ".join(f"{quote(k)} = ?" for k in keys)
    given = ", ".join(f"v{i}" for i in range(len(used)))
    changes = ", ".join(f"{quote(n)} = given.v{i}" for i, n in enumerate(names))
    found = " AND ".join(f"{target}.{quote(k)} = given.v{i}" for i, k in enumerate(keys, start=len(names)))
    return f"UPDATE {target} SET {changes} FROM ({_unnest(dialect, table, used)}) AS given({given}) WHERE {found}"


def is_among(connection: Connection, column: Column[Any], values: Collection[str | int]) -> ColumnElement[bool]:
    """Return the condition that ``column`` (text or integers) is one of ``values``: one parameter however many."""
    if len(values) == 1:
        return column == next(iter(values))
    if connection.dialect.name == "sqlite":
        given = func.json_each(json.dumps(list(values))).table_valued("value")
        return column.in_(select(given.c.value))
    return column == any_(bindparam(None, list(values), type_=ARRAY(column.type)))


def is_one_of(column: Column[Any], *values: str) -> ColumnElement[bool]:
    """Return the condition that ``column`` is one of these few, for a statement that is made once.

    SQLAlchemy writes the list of its own ``in_`` anew each time such a statement runs.
    """
    return column.in_([literal(value, column.type) for value in values])


@_kept
def _insert(dialect: Dialect, table: Table, names: Sequence[str]) -> str:
    quote = dialect.identifier_preparer.quote
    target = f"INSERT INTO {dialect.identifier_preparer.format_table(table)} ({', '.join(map(quote, names))}) "
    if dialect.name == "sqlite":
        return target + f"VALUES ({', '.join('?' * len(names))})"
    return target + _unnest(dialect, table, names)


def _unnest(dialect: Dialect, table: Table, names: Sequence[str]) -> str:
    arrays = ", ".join(f"%s::{table.c[name].type.compile(dialect)}[]" for name in names)
    return f"SELECT * FROM unnest({arrays})"


def _run(
    connection: Connection, text: str, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    dialect = connection.dialect
    converters = _converters(dialect, table, tuple(names))
    if converters or dialect.name != "sqlite":
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for i, convert in converters:
            columns[i] = [convert(value) for value in columns[i]]
        if dialect.name != "sqlite":
            on_driver(connection, text, tuple(list(column) for column in columns))
            return
        rows = list(zip(*columns, strict=True))
    on_driver(connection, text, tuple(rows[0]) if len(rows) == 1 else list(rows))


@_kept
def _converters(
    dialect: Dialect, table: Table, names: Sequence[str]
) -> Sequence[tuple[int, Callable[[Any], Any]]]:
    """Return what turns our values into the database's, for the columns where they differ, each with its place."""
    found = ((i, _converter(table.c[name], dialect)) for i, name in enumerate(names))
    return tuple((i, convert) for i, convert in found if convert is not None)


def _converter(column: Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """Return what turns a value of ours into the database's; None where they are the same."""
    if isinstance(column.type, JSON):
        return _json
    if isinstance(column.type, LargeBinary) and dialect.name == "sqlite":
        return None  # bytes are what the driver takes
    convert = column.type.dialect_impl(dialect).bind_processor(dialect)
    # The rows of a group have few times, each of them often.
    return lru_cache(1_024)(convert) if convert is not None and isinstance(column.type, UtcTime) else convert


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
