"""Rows in bulk, on both databases: what goes in comes out, whatever the types."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from energy_swap_hub.storage import Database, UtcTime
from energy_swap_hub.storage.bulk import add_rows, change_rows, insert_rows, is_among, put_rows
from sqlalchemy import JSON, BigInteger, Column, Connection, LargeBinary, MetaData, Table, Text, select

TABLES = MetaData()
THING = Table(
    "test_thing",
    TABLES,
    Column("community_id", Text, primary_key=True),
    Column("limit", BigInteger, primary_key=True),  # a word of SQL's own
    Column("note", Text),
    Column("at", UtcTime),
    Column("data", JSON),
    Column("key", LargeBinary),
)
SUM = Table(
    "test_sum", MetaData(), Column("id", BigInteger, primary_key=True), Column("total", BigInteger, nullable=False)
)
NAMES = ("community_id", "limit", "note", "at", "data", "key")
NOW = datetime(2026, 11, 20, 11, 30, 0, 123_456, tzinfo=UTC)
ROWS = [
    ("kisima", 1, 'it\'s {"odd"}, \\ and 100 %', NOW, {"a": [1, None, "ä\"'"]}, b"\x00\xff"),
    ("kisima", 2, None, None, [], b""),
    ("other", 2**62, "", NOW, {}, None),
]


@pytest.fixture
async def database(where: Path | str) -> AsyncIterator[Database]:
    database = Database.open(where)
    await database.write(TABLES.create_all)
    await database.write(lambda c: insert_rows(c, THING, NAMES, ROWS))
    yield database
    await database.close()


def stored(connection: Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(select(THING).order_by(*THING.primary_key))]


async def test_what_was_inserted_is_there(database: Database) -> None:
    assert await database.read(stored) == ROWS


async def test_a_known_row_changes_and_a_new_one_is_added(database: Database) -> None:
    new: list[tuple[object, ...]] = [("kisima", 1, "new", None, {}, b"1"), ("kisima", 3, "third", NOW, {}, b"3")]
    await database.write(lambda c: put_rows(c, THING, NAMES, new))
    assert await database.read(stored) == [new[0], ROWS[1], new[1], ROWS[2]]


async def test_numbers_are_added_to_a_known_row(database: Database) -> None:
    def add(connection: Connection) -> list[tuple[int, int]]:
        SUM.create(connection)
        add_rows(connection, SUM, ("id", "total"), [(1, 5), (2, 7)])
        add_rows(connection, SUM, ("id", "total"), [(2, -3), (3, 1)])
        return [(row.id, row.total) for row in connection.execute(select(SUM).order_by(SUM.c.id))]

    assert await database.write(add) == [(1, 5), (2, 4), (3, 1)]


async def test_rows_are_changed_by_their_keys(database: Database) -> None:
    rows = [("changed", NOW, "kisima", 2), ("nowhere", NOW, "kisima", 9)]
    await database.write(lambda c: change_rows(c, THING, ("community_id", "limit"), ("note", "at"), rows))
    assert await database.read(stored) == [ROWS[0], ("kisima", 2, "changed", NOW, [], b""), ROWS[2]]


async def test_rows_are_found_among_many_values(database: Database) -> None:
    def found(connection: Connection) -> list[object]:
        by_text = select(THING.c.note).where(is_among(connection, THING.c.community_id, ["other", "a'b", "ä"]))
        by_number = select(THING.c.limit).where(is_among(connection, THING.c.limit, range(2, 50_000)))
        none = select(THING.c.limit).where(is_among(connection, THING.c.community_id, []))
        return [list(connection.execute(query).scalars()) for query in (by_text, by_number, none)]

    assert await database.read(found) == [[""], [2], []]


async def test_no_rows_are_nothing_to_do(database: Database) -> None:
    await database.write(lambda c: insert_rows(c, THING, NAMES, []))
    await database.write(lambda c: put_rows(c, THING, NAMES, []))
    await database.write(lambda c: change_rows(c, THING, ("limit",), ("note",), []))
    assert await database.read(stored) == ROWS
