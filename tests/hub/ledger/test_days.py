"""Closed days: whatever is done to them afterwards is found, and nothing late is lost."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.ledger import Correction, Entry, Posting, tables
from energy_swap_hub.storage import Database
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, text, update

from tests.hub.tables import empty_tables

VILLAGE = "village"
NAIROBI = ZoneInfo("Africa/Nairobi")
MIDNIGHT = datetime(2026, 11, 19, 21, 0, tzinfo=UTC)  # the beginning of 20 November in Nairobi
AMINA, BRIAN = ledger.kes("h-001"), ledger.kes("h-002")
DAYS = 4


def top_up(name: str, at: datetime, *, booked_at: datetime | None = None, account: str = AMINA) -> Entry:
    postings = [Posting(account, 5_000), Posting(ledger.TRUST_CASH, -5_000)]
    return Entry("mpesa", name, at, "top-up", postings, booked_at=booked_at)


def close(connection: Connection, now: datetime) -> list[str]:
    return [day.day for day in ledger.close_days(connection, VILLAGE, NAIROBI, now)]


@pytest.fixture
def connection() -> Iterator[Connection]:
    with empty_tables() as connection:
        yield connection


@pytest.fixture(scope="module")
def closed() -> Iterator[Connection]:
    """Four closed days of three entries each and an open one, for tests that undo what they do."""
    with empty_tables() as connection:
        for number in range(3 * DAYS + 2):
            at = MIDNIGHT + timedelta(hours=8 * number + 1)
            ledger.post(connection, VILLAGE, top_up(f"QK{number}", at, account=(AMINA, BRIAN)[number % 2]))
        assert len(close(connection, MIDNIGHT + timedelta(days=DAYS))) == DAYS
        assert ledger.first_lie(connection, VILLAGE) is None
        yield connection


@contextmanager
def undone(connection: Connection) -> Iterator[None]:
    """Undo what is done inside; even what a foreign key forbids may be done for that long."""
    connection.execute(text("PRAGMA defer_foreign_keys=ON"))
    savepoint = connection.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()


def test_a_day_is_closed_once_and_only_when_it_is_over(connection: Connection) -> None:
    assert close(connection, MIDNIGHT + timedelta(days=3)) == [], "there is nothing to close"
    ledger.post(connection, VILLAGE, top_up("QK1", MIDNIGHT))
    assert close(connection, MIDNIGHT + timedelta(days=1, microseconds=-1)) == []
    assert close(connection, MIDNIGHT + timedelta(days=1)) == ["2026-11-20"]
    assert close(connection, MIDNIGHT + timedelta(days=1)) == []
    assert close(connection, MIDNIGHT) == [], "a clock that goes back closes nothing"
    assert ledger.open_since(connection, VILLAGE) == MIDNIGHT + timedelta(days=1)


def test_a_day_is_the_calendars_in_the_given_zone(connection: Connection) -> None:
    ledger.post(connection, VILLAGE, top_up("before midnight", MIDNIGHT - timedelta(microseconds=1)))
    ledger.post(connection, VILLAGE, top_up("at midnight", MIDNIGHT))
    close(connection, MIDNIGHT + timedelta(days=1))
    days = ledger.closed_days(connection, VILLAGE)
    assert [(day.day, day.entries) for day in days] == [("2026-11-19", 1), ("2026-11-20", 1)]


def test_days_that_nobody_saw_end_are_closed_together_empty_ones_too(connection: Connection) -> None:
    ledger.post(connection, VILLAGE, top_up("QK1", MIDNIGHT))
    assert close(connection, MIDNIGHT + timedelta(days=3)) == ["2026-11-20", "2026-11-21", "2026-11-22"]
    days = ledger.closed_days(connection, VILLAGE)
    assert [(day.entries, day.first_entry_id) for day in days] == [(1, 1), (0, None), (0, None)]
    assert len({day.hash for day in days}) == 3
    assert ledger.verify_days(connection, VILLAGE) == []


def test_money_that_is_told_late_is_booked_on_the_open_day(connection: Connection) -> None:
    ledger.post(connection, VILLAGE, top_up("QK1", MIDNIGHT))
    end = MIDNIGHT + timedelta(days=1)
    close(connection, end)
    [before] = ledger.closed_days(connection, VILLAGE)
    paid = end - timedelta(minutes=5)
    assert ledger.post(connection, VILLAGE, top_up("QK2", paid, booked_at=end + timedelta(hours=2)))
    # Even when the clock went back after the day was closed.
    assert ledger.post(connection, VILLAGE, top_up("QK3", paid))
    row = tables.entry.c
    booked = connection.execute(select(row.at, row.booked_at).where(row.id > 1).order_by(row.id)).all()
    assert [tuple(found) for found in booked] == [(paid, end + timedelta(hours=2)), (paid, end)]
    assert ledger.balance(connection, VILLAGE, AMINA) == 15_000
    assert ledger.closed_days(connection, VILLAGE) == [before]
    assert ledger.verify_days(connection, VILLAGE) == []


def test_communities_have_chains_of_their_own(connection: Connection) -> None:
    ledger.post(connection, VILLAGE, top_up("QK1", MIDNIGHT))
    ledger.post(connection, "town", top_up("QK1", MIDNIGHT))
    close(connection, MIDNIGHT + timedelta(days=1))
    assert ledger.closed_days(connection, "town") == []
    ledger.close_days(connection, "town", NAIROBI, MIDNIGHT + timedelta(days=1))
    [village], [town] = ledger.closed_days(connection, VILLAGE), ledger.closed_days(connection, "town")
    assert (village.entries, town.entries) == (1, 1)
    assert village.hash != town.hash


def test_the_hash_is_the_documented_one(connection: Connection) -> None:
    ledger.post(connection, VILLAGE, top_up("QK1", MIDNIGHT + timedelta(seconds=1)))
    close(connection, MIDNIGHT + timedelta(days=1))
    lines = (
        '["energy-swap/ledger-day/1","village","2026-11-20",1795122000000000,1795208400000000,""]\n'
        '[1,"mpesa","QK1",1795122001000000,1795122001000000,"top-up",null,'
        '[[0,"h-001:kes",5000],[1,"trust_cash",-5000]]]\n'
    )
    [day] = ledger.closed_days(connection, VILLAGE)
    assert day.hash == hashlib.sha256(lines.encode()).hexdigest()


# What somebody with the file may do to a closed entry; each statement leaves the ledger's sums as they are.
CHANGES = {
    "text": "UPDATE ledger_entry SET text = text || ' ' WHERE id = :id",
    "source": "UPDATE ledger_entry SET source = 'bank' WHERE id = :id",
    "receipt": "UPDATE ledger_entry SET external_id = 'other' WHERE id = :id",
    "time": "UPDATE ledger_entry SET at = at + 1 WHERE id = :id",
    "time made text": "UPDATE ledger_entry SET at = 'yesterday' WHERE id = :id",
    "booking time": "UPDATE ledger_entry SET booked_at = booked_at + 1 WHERE id = :id",
    "another day": "UPDATE ledger_entry SET booked_at = booked_at + 86400000000 WHERE id = :id",
    "before all days": "UPDATE ledger_entry SET booked_at = 0 WHERE id = :id",
    "reference": "UPDATE ledger_entry SET corrects_entry_id = 1 WHERE id = :id",
    "community": "UPDATE ledger_entry SET community_id = 'town' WHERE id = :id",
    "amounts": "UPDATE ledger_posting SET amount = amount * 2 WHERE entry_id = :id",
    "account": "UPDATE ledger_posting SET account = 'h-003:kes' WHERE entry_id = :id AND leg = 0",
    "order of postings": "UPDATE ledger_posting SET leg = 5 WHERE entry_id = :id AND leg = 0",
    "posting's community": "UPDATE ledger_posting SET community_id = 'town' WHERE entry_id = :id",
    "posting added": "INSERT INTO ledger_posting SELECT entry_id, 7, community_id, 'fees', 0 FROM ledger_posting"
    " WHERE entry_id = :id AND leg = 0",
    "postings deleted": "DELETE FROM ledger_posting WHERE entry_id = :id",
    "entry deleted": "DELETE FROM ledger_entry WHERE id = :id",
}


@pytest.mark.parametrize("change", CHANGES)
@settings(max_examples=12, deadline=None)
@given(entry=st.integers(1, 3 * DAYS))
def test_any_change_of_a_closed_entry_is_found_in_its_day(closed: Connection, change: str, entry: int) -> None:
    day = f"2026-11-{20 + (entry - 1) // 3}"
    with undone(closed):
        closed.execute(text(CHANGES[change]), {"id": entry})
        [lie] = ledger.verify_days(closed, VILLAGE)
        first_day = "2026-11-20" if change == "before all days" else day
        assert lie.startswith(f"{first_day}: "), lie
    assert ledger.verify_days(closed, VILLAGE) == []


@settings(max_examples=25, deadline=None)
@given(one=st.integers(1, 3 * DAYS), other=st.integers(1, 3 * DAYS))
def test_entries_in_another_order_are_found(closed: Connection, one: int, other: int) -> None:
    with undone(closed):
        for old, new in ((one, 99), (other, one), (99, other)):
            closed.execute(
                text("UPDATE ledger_posting SET entry_id = :new WHERE entry_id = :old"), {"new": new, "old": old}
            )
            closed.execute(text("UPDATE ledger_entry SET id = :new WHERE id = :old"), {"new": new, "old": old})
        assert bool(ledger.verify_days(closed, VILLAGE)) == (one != other)


@settings(max_examples=25, deadline=None)
@given(day=st.integers(0, DAYS - 1), second=st.integers(0, 86_399))
def test_an_entry_that_is_slipped_into_a_closed_day_is_found(closed: Connection, day: int, second: int) -> None:
    at = MIDNIGHT + timedelta(days=day, seconds=second)
    with undone(closed):
        row = {
            "community_id": VILLAGE,
            "source": "mpesa",
            "external_id": "QKX",
            "at": at,
            "booked_at": at,
            "text": "x",
        }
        closed.execute(insert(tables.entry).values(**row))
        [lie] = ledger.verify_days(closed, VILLAGE)
        assert lie == f"2026-11-{20 + day}: it was closed with 3 entries and now has 4"


@pytest.mark.parametrize(
    "column", ["day", "starts_at", "ends_at", "entries", "first_entry_id", "last_entry_id", "hash"]
)
@settings(max_examples=4, deadline=None)
@given(day=st.integers(0, DAYS - 1))
def test_any_change_of_a_closed_day_itself_is_found(closed: Connection, column: str, day: int) -> None:
    name = (date(2026, 11, 20) + timedelta(day)).isoformat()
    change = {"day": "day || 'x'", "hash": "replace(hash, substr(hash, 1, 1), 'x')"}.get(column, f"{column} + 1")
    with undone(closed):
        closed.execute(text(f"UPDATE ledger_day SET {column} = {change} WHERE day = :day"), {"day": name})
        assert ledger.verify_days(closed, VILLAGE)


@pytest.mark.parametrize("day", range(DAYS - 1))
def test_a_day_that_is_taken_out_of_the_chain_is_missed(closed: Connection, day: int) -> None:
    with undone(closed):
        closed.execute(delete(tables.day).where(tables.day.c.day == f"2026-11-{20 + day}"))
        assert ledger.verify_days(closed, VILLAGE)


def test_a_day_closed_anew_after_a_change_no_longer_leads_to_the_next(closed: Connection) -> None:
    with undone(closed):
        closed.execute(update(tables.entry).where(tables.entry.c.id == 1).values(text="another story"))
        [lie] = ledger.verify_days(closed, VILLAGE)
        new_hash = lie.split("hash to ")[1].split(",")[0]
        closed.execute(update(tables.day).where(tables.day.c.day == "2026-11-20").values(hash=new_hash))
        [lie] = ledger.verify_days(closed, VILLAGE)
        assert lie.startswith("2026-11-21: ")


@pytest.mark.parametrize(
    ("statement", "lie"),
    [
        ("UPDATE ledger_balance SET balance = balance + 1 WHERE account = 'fees'", "fees: its postings sum to 0"),
        ("UPDATE ledger_posting SET amount = 1 WHERE entry_id = 14 AND leg = 0", "entry 14 does not sum to zero"),
        (
            "UPDATE ledger_hold SET remaining = remaining - 1",
            "h-001:kes_held holds 700, its open holds reserve 699",
        ),
    ],
)
def test_what_is_not_closed_yet_must_still_add_up(closed: Connection, statement: str, lie: str) -> None:
    with undone(closed):
        at = MIDNIGHT + timedelta(days=5)
        ledger.hold(closed, VILLAGE, "order:1", AMINA, 700, at=at, text="spot purchase")
        ledger.post(closed, VILLAGE, Entry("test", "1", at, "fee", [Posting(AMINA, -1), Posting(ledger.FEES, 1)]))
        ledger.post(closed, VILLAGE, Entry("test", "2", at, "back", [Posting(AMINA, 1), Posting(ledger.FEES, -1)]))
        assert ledger.first_lie(closed, VILLAGE) is None
        closed.execute(text(statement))
        found = ledger.first_lie(closed, VILLAGE)
        assert found is not None
        assert found.startswith(lie)


def correction(
    name: str, *postings: Posting, reason: str = "paid twice", corrects: int | None = None
) -> Correction:
    return Correction(name, postings, reason, "wanjiru", corrects)


def test_a_correction_is_an_entry_of_its_own_that_names_the_wrong_one(connection: Connection) -> None:
    ledger.post(connection, VILLAGE, top_up("QK1", MIDNIGHT))
    before = connection.execute(select(tables.entry)).all()
    now = MIDNIGHT + timedelta(hours=3)
    back = correction("c-1", Posting(AMINA, -5_000), Posting(ledger.SUSPENSE, 5_000), corrects=before[0].id)
    assert ledger.correct(connection, VILLAGE, back, now=now)
    assert not ledger.correct(connection, VILLAGE, back, now=now), "the same decision is booked once"
    old, new = connection.execute(select(tables.entry).order_by(tables.entry.c.id)).all()
    assert [old] == before
    assert (new.source, new.at, new.corrects_entry_id) == ("correction", now, old.id)
    assert new.text == "paid twice (booked by wanjiru)"
    assert ledger.trial_balance(connection, VILLAGE) == {
        AMINA: 0,
        ledger.SUSPENSE: 5_000,
        ledger.TRUST_CASH: -5_000,
    }
    assert ledger.first_lie(connection, VILLAGE) is None


def test_a_correction_without_reason_sense_or_entry_is_refused(connection: Connection) -> None:
    ledger.post(connection, "town", top_up("QK1", MIDNIGHT))
    fair = (Posting(ledger.FEES, -1), Posting(AMINA, 1))
    for wrong, error in (
        (correction("c-1", *fair, reason=" "), ValueError),
        (correction("c-1", Posting(AMINA, 1)), ValueError),
        (correction("c-1", Posting(AMINA, 0), Posting(ledger.FEES, 0)), ValueError),
        (correction("c-1", *fair, corrects=1), LookupError),  # another community's
        (correction("c-1", Posting(AMINA, -1), Posting(ledger.FEES, 1)), ledger.Overdrawn),
    ):
        with pytest.raises(error):
            ledger.correct(connection, VILLAGE, wrong, now=MIDNIGHT)
    assert ledger.trial_balance(connection, VILLAGE) == {}


async def test_both_databases_close_and_prove_a_day_alike(where: Path | str) -> None:
    at = MIDNIGHT + timedelta(seconds=1)

    def live(connection: Connection) -> None:
        ledger.post(connection, VILLAGE, top_up("QK1", at))
        ledger.post(connection, VILLAGE, Entry("period", "1", at, "nothing moved", []))
        ledger.hold(connection, VILLAGE, "order:1", AMINA, 700, at=at, text="spot purchase")
        back = correction("c-1", Posting(AMINA, -1), Posting(ledger.SUSPENSE, 1), corrects=1)
        ledger.correct(connection, VILLAGE, back, now=at)
        close(connection, MIDNIGHT + timedelta(days=1))

    database = Database.open(where)
    await database.write(live)
    [day] = await database.read(lambda c: ledger.closed_days(c, VILLAGE))
    lie = await database.read(lambda c: ledger.first_lie(c, VILLAGE))
    legs = await database.read(lambda c: list(ledger.legs(c, VILLAGE, after=0, entries=2)))
    wallet = await database.read(lambda c: ledger.wallet_before(c, VILLAGE, "h-001", at + timedelta(seconds=1)))
    await database.write(lambda c: c.execute(text("UPDATE ledger_entry SET text = 'x' WHERE id = 2")))
    [found] = await database.read(lambda c: ledger.verify_days(c, VILLAGE))
    await database.close()
    assert (day.entries, day.last_entry_id, lie) == (4, 4, None)
    assert day.hash == "f30a105d780657ef557c3681ef505584489abfc52400aec5f9c2df7fe559d55a"
    assert [(leg.entry_id, leg.account) for leg in legs] == [(1, AMINA), (1, ledger.TRUST_CASH), (2, None)]
    assert (wallet["kes_cents"], wallet["kes_held_cents"]) == (4_299, 700)
    assert found.startswith("2026-11-20: its entries hash to ")
