import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.ledger import currency_of
from energy_swap_hub.ledger.tables import account_balance
from energy_swap_hub.ledger.tables import entry as entry_table
from energy_swap_hub.storage import Database
from sqlalchemy import BigInteger, Column, Connection, ForeignKey, MetaData, Table, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError

from tests.hub.postgresql import new_database

TABLES = MetaData()
ITEM = Table("test_item", TABLES, Column("id", BigInteger, primary_key=True))
PART = Table(
    "test_part",
    TABLES,
    Column("id", BigInteger, primary_key=True),
    Column("item", ForeignKey("test_item.id", deferrable=True, initially="DEFERRED")),
)


@pytest.fixture
async def database(where: Path | str) -> AsyncIterator[Database]:
    database = Database.open(where)
    await database.write(TABLES.create_all)
    yield database
    await database.close()


def add(number: int) -> Callable[[Connection], int]:
    def change(connection: Connection) -> int:
        connection.execute(insert(ITEM).values(id=number))
        return number

    return change


def orphan(connection: Connection) -> None:
    """Break a rule that the database checks only at the commit."""
    connection.execute(insert(PART).values(id=1, item=404))


def items(connection: Connection) -> list[int]:
    return list(connection.execute(select(ITEM.c.id).order_by(ITEM.c.id)).scalars())


async def write_as_one_group(database: Database, *changes: Callable[[Connection], object]) -> list[object]:
    """Let the changes wait together behind another one, to share one commit; return what came of each."""
    busy, go_on = threading.Event(), threading.Event()

    def occupy(_connection: Connection) -> None:
        busy.set()
        assert go_on.wait(timeout=10)

    before = asyncio.create_task(database.write(occupy))
    await asyncio.to_thread(busy.wait, 10)
    waiting = [asyncio.create_task(database.write(change)) for change in changes]
    await asyncio.sleep(0)
    go_on.set()
    await before
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_failed_commit_reaches_every_caller_of_the_group(database: Database) -> None:
    await database.write(add(1))
    results = await write_as_one_group(database, add(2), orphan, add(3))
    after_failure = await database.read(items)
    again = await database.write(add(2))
    stored = await database.read(items)
    assert [type(result) for result in results] == [IntegrityError] * 3
    assert after_failure == [1]
    assert (again, stored) == (2, [1, 2])


async def test_a_group_that_the_database_gave_up_is_refused_to_all_and_stored_for_none(database: Database) -> None:
    await database.write(add(1))

    def give_up(connection: Connection) -> None:
        # As SQLite does by itself when the disk is full, and as it is with PostgreSQL when the connection breaks.
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("INSERT OR ROLLBACK INTO test_item VALUES (1)")
        connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    results = await write_as_one_group(database, add(2), give_up, add(3))
    after_failure = await database.read(items)
    again = await database.write(add(3))
    stored = await database.read(items)
    assert all(isinstance(result, OperationalError) for result in results)
    assert after_failure == [1]
    assert (again, stored) == (3, [1, 3])


async def test_what_postgresql_wants_run_again_is_run_again(postgresql: str) -> None:
    database = Database.open(new_database(postgresql))
    await database.write(TABLES.create_all)
    runs: list[int] = []

    def refused_twice(connection: Connection) -> int:
        runs.append(1)
        if len(runs) < 3:
            connection.exec_driver_sql("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")
        return add(2)(connection)

    results = await write_as_one_group(database, add(1), refused_twice, add(3))
    stored = await database.read(items)
    await database.close()
    assert (results, stored, len(runs)) == ([1, 2, 3], [1, 2, 3], 3)


async def test_a_read_sees_one_snapshot_while_writes_go_on(database: Database) -> None:
    await database.write(add(1))
    loop = asyncio.get_running_loop()

    def look_twice(connection: Connection) -> tuple[list[int], list[int]]:
        before = items(connection)
        asyncio.run_coroutine_threadsafe(database.write(add(2)), loop).result(timeout=10)
        return before, items(connection)

    seen = await database.read(look_twice)
    after = await database.read(items)
    assert seen == ([1], [1])
    assert after == [1, 2]


async def test_a_caller_that_gives_up_waiting_does_not_undo_the_change(database: Database) -> None:
    waiting = asyncio.create_task(database.write(add(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await database.write(add(2))
    stored = await database.read(items)
    assert stored == [1, 2]


async def test_closing_finishes_what_waits_and_refuses_what_comes_later(
    database: Database, where: Path | str
) -> None:
    waiting = [asyncio.create_task(database.write(add(n))) for n in range(5)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*waiting) == [0, 1, 2, 3, 4]
    with pytest.raises(RuntimeError, match="closed"):
        await database.write(add(9))
    again = Database.open(where)
    stored = await again.read(items)
    await again.close()
    assert stored == [0, 1, 2, 3, 4]


def write_until_killed(where: Path | str) -> list[str]:
    """Let a process of its own write, kill it in the middle and return what it was told is durable."""
    program = Path(__file__).with_name("writing_hub.py")
    with subprocess.Popen([sys.executable, program, where], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            acknowledged = [child.stdout.readline().strip() for _ in range(150)]
        finally:
            child.kill()
        # What follows the last line break was cut short by the kill.
        acknowledged += child.stdout.read().split("\n")[:-1]
    assert child.returncode == -signal.SIGKILL
    return acknowledged


async def test_a_killed_process_loses_nothing_that_it_acknowledged(where: Path | str) -> None:
    acknowledged = await asyncio.to_thread(write_until_killed, where)
    assert len(set(acknowledged)) == len(acknowledged) >= 150
    assert all(acknowledged)

    def audit(connection: Connection) -> tuple[set[str], set[str], dict[str, int], dict[str, int]]:
        receipts = connection.execute(select(entry_table.c.external_id).where(entry_table.c.source == "mpesa"))
        holds = connection.execute(select(entry_table.c.external_id).where(entry_table.c.source == "hold"))
        stored = connection.execute(select(account_balance.c.account, account_balance.c.balance))
        return (
            set(receipts.scalars()),
            {name.removeprefix("order:") for name in holds.scalars()},
            {row.account: row.balance for row in stored},
            ledger.trial_balance(connection, "village"),
        )

    database = Database.open(where)
    receipts, holds, stored, summed = await database.read(audit)
    await database.close()
    assert set(acknowledged) <= receipts
    assert receipts == holds  # no change is there by half
    assert stored == summed
    assert sum(total for account, total in summed.items() if currency_of(account) == "KES") == 0
    assert summed[ledger.kes_held("h-001")] == 40 * len(receipts)
