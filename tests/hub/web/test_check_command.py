"""The check command proves the books of a running hub and names the first lie in them."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from energy_swap_hub import ledger
from energy_swap_hub.check import check_books
from energy_swap_hub.config import HubConfig
from energy_swap_hub.ledger import Entry, Posting
from energy_swap_hub.storage import Database, StorageError
from sqlalchemy import Connection

from tests.hub.append_only import allowed_on_sqlite
from tests.hub.village import OPENED, VILLAGE

from .conftest import Hub, command


@pytest.fixture
async def config(config: HubConfig) -> HubConfig:
    """The hub's data with two closed days behind it."""

    def live(connection: Connection) -> None:
        for day in (3, 2, 1):
            at = OPENED - timedelta(days=day)
            postings = [Posting(ledger.kes("h-001"), 10_050), Posting(ledger.TRUST_CASH, -10_050)]
            ledger.post(connection, VILLAGE, Entry("mpesa", f"QK{day}", at, "top-up", postings))
        ledger.close_days(connection, VILLAGE, ZoneInfo("Africa/Nairobi"), OPENED - timedelta(days=1))

    database = Database.open(config.data / "hub.sqlite")
    await database.write(live)
    await database.close()
    return config


def tamper(config: HubConfig, statement: str) -> None:
    with closing(sqlite3.connect(config.data / "hub.sqlite")) as connection:
        for allowing in allowed_on_sqlite():
            connection.execute(allowing)
        connection.execute(statement)
        connection.commit()


async def test_a_running_hubs_books_are_proven(hub: Hub, tmp_path: Path) -> None:
    admin = await hub.admin()
    for _ in range(200):
        body = await (await admin.get("/ledger/days")).json()
        if len(body["days"]) == 3:  # the hub closes the third at its start
            break
        await asyncio.sleep(0.05)
    code, out, err = await command("check", hub.config, tmp_path)
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "h-001:kes KES 301.50" in lines
    assert "trust_cash KES -301.50" in lines
    assert "sum of all KES KES 0.00" in lines
    assert lines[-2] == f"3 closed days from 2026-11-17 to 2026-11-19, hash {body['days'][0]['hash']}"
    assert lines[-1] == "the books are sound"
    assert body["lies"] == []


async def test_a_lie_is_named_by_command_and_console(hub: Hub, tmp_path: Path) -> None:
    tamper(hub.config, "UPDATE ledger_entry SET text = 'a gift' WHERE external_id = 'QK2'")
    code, out, err = await command("check", hub.config, tmp_path)
    assert code == 1
    assert err.startswith("energy-swap-hub: the books are not sound: 2026-11-18: its entries hash to ")
    assert "sound" not in out
    assert len((await (await (await hub.admin()).get("/ledger/days")).json())["lies"]) == 1


@pytest.mark.parametrize(
    ("statement", "lie"),
    [
        (
            "UPDATE ledger_balance SET balance = 20100 WHERE account = 'h-001:kes'",
            "h-001:kes: its postings sum to",
        ),
        ("DELETE FROM ledger_entry WHERE external_id = 'QK3'", "2026-11-17: it was closed with 1 entries and now"),
        ("UPDATE ledger_posting SET amount = 1 WHERE entry_id = 3 AND leg = 1", "entry 3 does not sum to zero"),
    ],
)
async def test_lies_of_all_kinds_are_found_when_the_hub_is_off(
    config: HubConfig, statement: str, lie: str
) -> None:
    before = (config.data / "hub.sqlite").read_bytes()
    assert check_books(config, lambda _: None) is None
    assert (config.data / "hub.sqlite").read_bytes() == before, "it only reads"
    tamper(config, statement)
    found = check_books(config, lambda _: None)
    assert found is not None
    assert found.startswith(lie)


def test_where_there_are_no_books_it_says_so_and_makes_none(config: HubConfig, tmp_path: Path) -> None:
    empty = msgspec.structs.replace(config, data=tmp_path / "nothing")
    with pytest.raises(StorageError, match="there is no database"):
        check_books(empty, lambda _: None)
    assert not (tmp_path / "nothing").exists()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "hub.sqlite").write_bytes(b"something else, at least as long as a header of SQLite" * 40)
    with pytest.raises(StorageError, match="cannot be read"):
        check_books(msgspec.structs.replace(config, data=tmp_path / "odd"), lambda _: None)


async def test_books_on_either_database_are_checked(config: HubConfig, where: Path | str) -> None:
    if isinstance(where, Path):
        elsewhere = msgspec.structs.replace(config, data=where.parent)
    else:
        elsewhere = msgspec.structs.replace(config, database_url=where)
    database = Database.open(where)
    postings = [Posting(ledger.kes("h-001"), 10_050), Posting(ledger.TRUST_CASH, -10_050)]
    await database.write(lambda c: ledger.post(c, VILLAGE, Entry("mpesa", "QK1", OPENED, "top-up", postings)))
    said: list[str] = []
    assert check_books(elsewhere, said.append) is None, "the hub that runs on it does not mind"
    assert [" ".join(line.split()) for line in said[:3]] == [
        f"{VILLAGE}: 2 accounts",
        "h-001:kes KES 100.50",
        "trust_cash KES -100.50",
    ]
    await database.close()
