"""Reads that wait together: each sees what was there when it was asked for, and none suffers from another."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from energy_swap_hub.storage import Database, Lookup
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, func, insert, select, text

from tests.hub.postgresql import drop_database, new_database

TABLES = MetaData()
NUMBER = Table("test_number", TABLES, Column("id", BigInteger, primary_key=True))


@pytest.fixture
async def database(where: Path | str) -> AsyncIterator[Database]:
    database = Database.open(where)
    await database.write(TABLES.create_all)
    yield database
    await database.close()


def greatest(connection: Connection) -> int:
    found: int | None = connection.execute(select(func.max(NUMBER.c.id))).scalar()
    return found or 0


async def add(database: Database, number: int) -> None:
    await database.write(lambda c: c.execute(insert(NUMBER).values(id=number)))


async def test_a_read_sees_all_that_was_acknowledged_before_it_was_asked_for(database: Database) -> None:
    async def write_and_look(number: int) -> None:
        await add(database, number)
        seen = await asyncio.gather(*(database.read(greatest) for _ in range(3)))
        assert min(seen) >= number

    for first in range(0, 60, 20):  # many at once, whose reads wait for one another
        await asyncio.gather(*(write_and_look(first + n) for n in range(1, 21)))


async def test_a_read_sees_at_once_what_another_program_has_written(database: Database, where: Path | str) -> None:
    other = Database.open(where)
    try:
        for number in range(1, 10):
            await add(other, number)
            assert await asyncio.gather(*(database.read(greatest) for _ in range(3))) == [number] * 3
    finally:
        await other.close()


async def test_a_read_that_fails_fails_alone(database: Database) -> None:
    def refuse(_connection: Connection) -> int:
        raise LookupError("nobody")

    def mistaken(connection: Connection) -> object:
        return connection.execute(text("SELECT nothing FROM nowhere")).all()

    await add(database, 7)
    asked = [greatest, refuse, greatest, mistaken, greatest, greatest]
    told = await asyncio.gather(*(database.read(one) for one in asked * 4), return_exceptions=True)
    for one, found in zip(asked * 4, told, strict=True):
        if one is greatest:
            assert found == 7
        else:
            assert isinstance(found, LookupError if one is refuse else Exception)
    assert "nowhere" in str(told[3])


async def test_a_read_that_takes_long_does_not_hold_up_who_comes_later(database: Database) -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    def wait(connection: Connection) -> int:
        has_begun.set()
        assert may_end.wait(60), "nobody else was answered"
        return greatest(connection)

    slow, given_up = (asyncio.create_task(database.read(one)) for one in (wait, greatest))
    await asyncio.sleep(0)
    given_up.cancel()  # who does not wait any more takes nothing from the others
    await asyncio.to_thread(has_begun.wait)
    assert await database.read(greatest) == 0
    may_end.set()
    assert await slow == 0
    assert given_up.cancelled()


async def test_a_closed_database_answers_what_waits_and_refuses_what_comes(where: Path | str) -> None:
    database = Database.open(where)
    waiting = [asyncio.create_task(database.read(lambda c: c.execute(select(1)).scalar())) for _ in range(20)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*waiting) == [1] * 20
    with pytest.raises(RuntimeError, match="closed"):
        await database.read(greatest)


async def test_connections_that_broke_meanwhile_are_made_anew(postgresql: str) -> None:
    url = new_database(postgresql)
    database = Database.open(url)
    await database.write(TABLES.create_all)
    await add(database, 7)
    for lookup in (greatest, Lookup(select(func.max(NUMBER.c.id))).scalar):
        assert await asyncio.gather(*(database.read(lookup) for _ in range(20))) == [7] * 20
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert await asyncio.gather(*(database.read(lookup) for _ in range(20))) == [7] * 20
    await database.close()
    drop_database(url)
