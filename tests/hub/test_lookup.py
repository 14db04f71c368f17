"""Queries made once answer what SQLAlchemy itself answers, on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from energy_swap_hub.storage import Database, Lookup, insert_rows, is_in, is_one_of
from sqlalchemy import Connection, Select, bindparam, func, or_, select, union_all
from sqlalchemy.exc import DBAPIError

from tests.hub.test_bulk import NAMES, NOW, ROWS, TABLES, THING

OF: Any = bindparam("of")
QUERIES: list[tuple[Any, dict[str, Any]]] = [
    (select(THING).where(THING.c.community_id == OF).order_by(THING.c.limit), {"of": "kisima"}),
    (select(THING).where(THING.c.community_id == OF), {"of": "nobody"}),
    (select(THING.c.data, THING.c.key).where(THING.c.at == OF).order_by(THING.c.limit), {"of": NOW}),
    (select(THING.c.limit).where(THING.c.key == OF), {"of": b"\x00\xff"}),
    (
        select(THING.c.limit, THING.c.note)
        .where(or_(THING.c.community_id == OF, THING.c.note == OF), THING.c.note.startswith("it's"))
        .limit(bindparam("most")),
        {"of": "kisima", "most": 1},
    ),
    (
        select(func.count(), func.sum(THING.c.limit), func.max(THING.c.at)).where(
            is_one_of(THING.c.community_id, "kisima", "mlimani"), THING.c.limit > OF
        ),
        {"of": 0},
    ),
    (
        union_all(
            select(THING.c.community_id, func.max(THING.c.at))
            .where(THING.c.limit == OF)
            .group_by(THING.c.community_id),
            select(THING.c.note, THING.c.at).where(THING.c.community_id == "other", THING.c.limit > OF),
        ),
        {"of": 1},
    ),
]


@pytest.fixture
async def database(where: Path | str) -> AsyncIterator[Database]:
    database = Database.open(where)
    await database.write(TABLES.create_all)
    await database.write(lambda c: insert_rows(c, THING, NAMES, ROWS))
    yield database
    await database.close()


async def test_a_lookup_finds_what_sqlalchemy_finds(database: Database) -> None:
    def compare(connection: Connection) -> None:
        for query, values in QUERIES:
            lookup = Lookup(query)
            expected = [tuple(row) for row in connection.execute(query, values)]
            for _ in range(2):  # made, then known
                assert [tuple(row) for row in lookup.all(connection, **values)] == expected
            first = lookup.first(connection, **values)
            assert first is None if not expected else tuple(first or ()) == expected[0]
            assert lookup.scalar(connection, **values) == (expected[0][0] if expected else None)

    await database.read(compare)
    await database.write(compare)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (THING.c.limit, [2**62, 1, 99]),
        (THING.c.note, [ROWS[0][2], "", 'o"ther']),
        (THING.c.key, [b"\x00\xff", b"", b"9"]),
    ],
)
async def test_a_lookup_takes_as_many_values_as_are_given(
    database: Database, column: Any, values: list[Any]
) -> None:
    lookup = Lookup(select(THING).where(THING.c.limit > OF, is_in(column, "values")).order_by(THING.c.limit))

    def compare(connection: Connection) -> None:
        for given, found in ((values, 2), (values[:1], 1), (values[2:], 0), ([], 0)):
            expected = select(THING).where(column.in_(given)).order_by(THING.c.limit)
            rows = lookup.all(connection, of=0, values=given)
            assert rows == [tuple(row) for row in connection.execute(expected)]
            assert len(rows) == found

    await database.read(compare)


async def test_rows_come_by_name_and_mistakes_are_told_in_words(database: Database) -> None:
    def look(connection: Connection) -> None:
        lookup = Lookup(select(THING).where(THING.c.limit == OF))
        assert lookup.mappings(connection, of=1) == [
            dict(zip((column.name for column in THING.c), ROWS[0], strict=True))
        ]
        with pytest.raises(KeyError, match="of"):
            lookup.all(connection)
        with pytest.raises(TypeError, match="is_one_of"):
            Lookup(select(THING).where(THING.c.limit.in_((1, 2)))).all(connection)
        unknown: Select[Any] = select(THING.c.limit).where(func.no_such_function(THING.c.limit) == OF)
        with pytest.raises(DBAPIError, match="no_such_function"):
            Lookup(unknown).all(connection, of=1)

    await database.read(look)
