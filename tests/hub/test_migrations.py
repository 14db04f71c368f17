"""Versioned migrations: they make the code's tables, on both databases, and keep what was stored before."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import energy_swap_hub.hub  # noqa: F401 - with the hub come all tables
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from energy_swap_hub import ledger
from energy_swap_hub.ledger import Entry, Posting, currency_of
from energy_swap_hub.ledger.tables import entry
from energy_swap_hub.membership.households import households
from energy_swap_hub.metering.tables import reading
from energy_swap_hub.settlement.tables import period, position, settled_register, trade
from energy_swap_hub.storage import Database, StorageError, metadata
from sqlalchemy import CheckConstraint, Connection, Table, func, inspect, select
from sqlalchemy.exc import IntegrityError

from tests.hub.village import FEES, OPENED, VILLAGE

STORED = sorted(Path(__file__).with_name("stored").glob("*.sql"))
ADVICE = "the migrations do not make the code's tables: run script/make-migration NAME; read, try, commit its file"


def differences(connection: Connection) -> list[Any]:
    """Return what a database has otherwise than the code's tables."""
    # Alembic does not look at CHECKs, and a table that it rebuilds on SQLite loses them.
    inspector = inspect(connection)
    checks = [
        ("checks of", table.name)
        for table in metadata.sorted_tables
        if {check["name"] for check in inspector.get_check_constraints(table.name)} != _checks(table)
    ]
    return [
        *compare_metadata(MigrationContext.configure(connection), metadata),
        *checks,
        *_laid_otherwise(connection),
    ]


def _laid_otherwise(connection: Connection) -> list[Any]:
    """Return the tables that lie by their keys in the SQLite file and not in the code, or the other way round."""
    if connection.dialect.name != "sqlite":
        return []
    by_key = set(connection.exec_driver_sql("SELECT name FROM pragma_table_list WHERE wr").scalars())
    meant = {table.name for table in metadata.tables.values() if not table.dialect_options["sqlite"]["with_rowid"]}
    return [("lies by its key", name) for name in sorted(by_key ^ meant)]


def _checks(table: Table) -> set[str]:
    return {str(rule.name) for rule in table.constraints if isinstance(rule, CheckConstraint)}


def load(stored: Path, path: Path) -> dict[str, int]:
    """Make the file that an earlier program left behind; return how many rows each of its tables has."""
    with closing(sqlite3.connect(path)) as file:
        file.executescript(stored.read_text())
        gone = ("alembic_version", "payout_day", "chain_approval")  # payouts are sagas since, admissions proposals
        names = file.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN (?, ?, ?)", gone)
        return {name: file.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in names.fetchall()}


async def test_the_migrations_make_the_codes_tables(where: Path | str) -> None:
    database = Database.open(where)
    found = await database.read(differences)
    await database.close()
    assert found == [], ADVICE


@pytest.mark.parametrize("stored", STORED, ids=lambda path: path.stem)
async def test_what_an_earlier_program_stored_is_there_and_goes_on(stored: Path, tmp_path: Path) -> None:
    before = load(stored, tmp_path / "hub.sqlite")

    def counts(connection: Connection) -> dict[str, int]:
        tables = [table for table in metadata.sorted_tables if table.name in before]
        return {t.name: connection.execute(select(func.count()).select_from(t)).scalar_one() for t in tables}

    def look(connection: Connection) -> dict[str, Any]:
        wallets = [ledger.wallet(connection, VILLAGE, home.id) for home in households(connection, VILLAGE)]
        return {
            "cents": [wallet["kes_cents"] for wallet in wallets],
            "wh": [wallet["ekwh_wh"] for wallet in wallets],
            "period": connection.execute(select(period.c.start, period.c.state)).one()._tuple(),
            "trade": connection.execute(select(trade.c.wh, trade.c.cents)).one()._tuple(),
            "sides": connection.execute(select(func.count()).where(position.c.side.is_not(None))).scalar_one(),
            "booked_at": connection.execute(select(entry.c.booked_at).where(entry.c.booked_at < OPENED)).all(),
            "settled": connection.execute(
                select(func.count())
                .select_from(settled_register)
                .join(reading, (reading.c.meter == settled_register.c.meter))
                .where(
                    reading.c.sequence == settled_register.c.sequence,
                    reading.c.measured_at == settled_register.c.measured_at,
                    reading.c.export_wh == settled_register.c.export_wh,
                )
            ).scalar_one(),
            "frames": {len(frame) for frame in connection.execute(select(reading.c.frame)).scalars()},
        }

    def post_again(connection: Connection) -> None:
        later = OPENED + timedelta(days=1)
        money = [Posting(ledger.kes("h-001"), 100), Posting(ledger.TRUST_CASH, -100)]
        ledger.post(connection, VILLAGE, Entry("mpesa", "later", later, "top-up", money))

    database = Database.open(tmp_path / "hub.sqlite")
    assert await database.read(counts) == before
    assert await database.read(look) == {
        "cents": [2_000, 0, 100_000 - 2 * (1_000 + FEES), 0],
        "wh": [1_000, 0, 0, 0],
        "period": (OPENED, "settled"),
        "trade": (2_000, 2_000),
        "sides": 2,
        "booked_at": [],
        "settled": 4,
        "frames": {144},
    }
    await database.write(post_again)
    balances = await database.read(lambda c: ledger.trial_balance(c, VILLAGE))
    assert sum(amount for account, amount in balances.items() if currency_of(account) == "KES") == 0
    assert balances[ledger.kes("h-001")] == 2_100
    with pytest.raises(IntegrityError):
        await database.write(lambda c: c.execute(entry.delete()))  # the postings still point to their entries
    await database.close()


async def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    with closing(sqlite3.connect(path)) as file:
        # A table of ours that is not what it was when migrations began.
        file.execute("CREATE TABLE ledger_entry (id INTEGER PRIMARY KEY)")
    with pytest.raises(StorageError, match="cannot be opened"):
        Database.open(path)
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT name FROM sqlite_master").fetchall() == [("ledger_entry",)]
