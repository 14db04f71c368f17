import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from energy_swap_hub.storage import Database, LeaseLost, StorageError, UtcTime, lease
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from tests.hub.postgresql import new_database

TABLES = MetaData()
NOTE = Table("test_note", TABLES, Column("id", BigInteger, primary_key=True), Column("at", UtcTime))
NOW = datetime(2026, 11, 20, 11, 30, 1, 7, tzinfo=UTC)


@pytest.fixture
async def database(where: Path | str) -> AsyncIterator[Database]:
    database = Database.open(where)
    await database.write(TABLES.create_all)
    yield database
    await database.close()


async def test_a_failed_change_undoes_itself_and_not_its_neighbours(database: Database) -> None:

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
    assert isinstance(results[3], ValueError)
    assert [tuple(row) for row in stored] == [(n, NOW) for n in (0, 1, 2, 4, 5)]


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(Exception, match=r"read-?only"):
        await database.read(lambda c: c.execute(insert(NOTE).values(id=1, at=NOW)))


async def test_a_naive_time_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="aware"):
        await database.write(lambda c: c.execute(insert(NOTE).values(id=1, at=NOW.replace(tzinfo=None))))


async def test_a_sum_of_integers_is_an_integer(database: Database) -> None:
    large = 2**62
    await database.write(
        lambda c: c.execute(insert(NOTE), [{"id": large - 1, "at": NOW}, {"id": large, "at": NOW}])
    )
    total = await database.read(lambda c: c.execute(select(func.sum(NOTE.c.id))).scalar_one())
    assert (total, type(total)) == (2 * large - 1, int)


async def test_changes_may_look_first_and_act_on_what_they_saw(database: Database) -> None:
    await database.write(lambda c: c.execute(insert(NOTE).values(id=0, at=NOW)))

    def count_up(connection: Connection) -> None:
        seen = connection.execute(select(NOTE.c.id)).scalar_one()
        connection.execute(update(NOTE).values(id=seen + 1))

    await asyncio.gather(*(database.write(count_up) for _ in range(50)))
    assert await database.read(lambda c: c.execute(select(NOTE.c.id)).scalar_one()) == 50


async def test_a_database_used_by_a_newer_program_is_refused_in_words(where: Path | str) -> None:
    database = Database.open(where)
    await database.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    await database.close()
    with pytest.raises(StorageError, match="version 9999, which this program does not know"):
        Database.open(where)


async def test_whether_there_is_a_database_can_be_asked_before_it_is_made(where: Path | str) -> None:
    assert not Database.is_there(where)
    await Database.open(where).close()
    assert Database.is_there(where)


async def test_a_second_hub_is_kept_out_of_a_community_and_not_of_its_neighbour(postgresql: str) -> None:
    url = new_database(postgresql)
    first, second = Database.open(url), Database.open(url)
    assert await first.take_lease("kisima", "first") == 1
    with pytest.raises(StorageError, match="another hub writes for the community kisima"):
        await second.take_lease("kisima", "second")
    assert await second.take_lease("jirani", "second") == 1
    await first.write(lambda c: c.execute(text("SELECT 1")))
    await first.close()
    assert await second.take_lease("kisima", "second") == 2
    await second.close()


async def test_an_owner_that_was_taken_over_writes_nothing_more(database: Database) -> None:
    await database.take_lease("kisima", "first")
    await database.write(lambda c: c.execute(insert(NOTE).values(id=1, at=NOW)))
    # As another hub does after this one's session, and with it its lock, was gone for a while.
    await database.write(lambda c: lease.take(c, "kisima", "second"))
    with pytest.raises(LeaseLost, match="another hub has taken over the community kisima"):
        await database.write(lambda c: c.execute(insert(NOTE).values(id=2, at=NOW)))
    assert await database.read(lambda c: c.execute(select(NOTE.c.id)).scalars().all()) == [1]


async def test_an_owner_that_lost_its_connection_takes_its_lock_again(postgresql: str) -> None:
    url = new_database(postgresql)
    first, second = Database.open(url), Database.open(url)
    await first.take_lease("kisima", "first")
    with pytest.raises(DBAPIError):
        await first.write(lambda c: c.execute(text("SELECT pg_terminate_backend(pg_backend_pid())")))
    await first.write(lambda c: c.execute(text("SELECT 1")))
    with pytest.raises(StorageError, match="another hub writes for the community kisima"):
        await second.take_lease("kisima", "second")
    await first.close()
    await second.close()


@pytest.mark.parametrize("url", ["mysql://hub@host/name", "hub.sqlite", "oddity://"])
def test_a_url_that_is_not_postgresqls_is_refused_in_words(url: str) -> None:
    with pytest.raises(StorageError, match="must look like postgresql://"):
        Database.open(url)


def test_a_server_that_is_not_there_is_said_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened") as refusal:
        Database.open(f"postgresql://hub:secret@/name?host={tmp_path}")
    assert "secret" not in str(refusal.value)
