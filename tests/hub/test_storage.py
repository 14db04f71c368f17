import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from energy_swap_hub.storage import Database, UtcTime, metadata
from sqlalchemy import BigInteger, Column, Connection, Table, insert, select

NOTE = Table("test_note", metadata, Column("id", BigInteger, primary_key=True), Column("at", UtcTime))
NOW = datetime(2026, 11, 20, 11, 30, 1, 7, tzinfo=UTC)


async def test_a_failed_change_undoes_itself_and_not_its_neighbours() -> None:
    database = Database.open(None)

    def add(number: int, *, fail: bool = False) -> Callable[[Connection], int]:
        def change(connection: Connection) -> int:
            connection.execute(insert(NOTE).values(id=number, at=NOW))
            if fail:
                raise ValueError("no")
            return number

        return change

    results = await asyncio.gather(
        *(database.write(add(n, fail=n == 3)) for n in range(6)), return_exceptions=True
    )
    stored = await database.read(lambda c: c.execute(select(NOTE.c.id, NOTE.c.at).order_by(NOTE.c.id)).all())
    await database.close()
    assert isinstance(results[3], ValueError)
    assert [tuple(row) for row in stored] == [(n, NOW) for n in (0, 1, 2, 4, 5)]


async def test_readers_cannot_write() -> None:
    database = Database.open(None)
    with pytest.raises(Exception, match="readonly"):
        await database.read(lambda c: c.execute(insert(NOTE).values(id=1, at=NOW)))
    await database.close()


async def test_a_naive_time_is_refused() -> None:
    database = Database.open(None)
    with pytest.raises(Exception, match="aware"):
        await database.write(lambda c: c.execute(insert(NOTE).values(id=1, at=NOW.replace(tzinfo=None))))
    await database.close()
