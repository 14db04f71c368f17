import asyncio
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.ledger import Entry, Journal, Overdrawn, Posting
from energy_swap_hub.ledger.tables import entry as entry_table
from energy_swap_hub.ledger.tables import posting as posting_table
from energy_swap_hub.storage import Database
from sqlalchemy import Connection, func, select

from tests.hub.tables import empty_tables

VILLAGE = "village"
NOW = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
AMINA, BRIAN = ledger.kes("h-001"), ledger.kes("h-002")


@pytest.fixture
def connection() -> Iterator[Connection]:
    with empty_tables() as connection:
        yield connection


def moved(source: str, external_id: str, giver: str, taker: str, amount: int) -> Entry:
    return Entry(source, external_id, NOW, "moved", [Posting(giver, -amount), Posting(taker, amount)])


def top_up(receipt: str, account: str, cents: int) -> Entry:
    return moved("mpesa", receipt, ledger.TRUST_CASH, account, cents)


def entries(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(entry_table)).scalar_one()


def test_a_receipt_is_credited_once(connection: Connection) -> None:
    assert ledger.post(connection, VILLAGE, top_up("QK1", AMINA, 5_000))
    assert not ledger.post(connection, VILLAGE, top_up("QK1", AMINA, 5_000))
    assert not ledger.post(connection, VILLAGE, top_up("QK1", BRIAN, 9_000))
    assert ledger.trial_balance(connection, VILLAGE) == {AMINA: 5_000, ledger.TRUST_CASH: -5_000}


def test_the_same_receipt_in_another_community_is_another_entry(connection: Connection) -> None:
    ledger.post(connection, VILLAGE, top_up("QK1", AMINA, 5_000))
    assert ledger.post(connection, "town", top_up("QK1", AMINA, 7_000))
    assert ledger.balance(connection, VILLAGE, AMINA) == 5_000
    assert ledger.balance(connection, "town", AMINA) == 7_000


@pytest.mark.parametrize(
    "postings",
    [
        [Posting(AMINA, 100)],
        [Posting(AMINA, 100), Posting(ledger.TRUST_CASH, -99)],
        [Posting(AMINA, 100), Posting(ledger.MINTED, -100)],  # cents do not balance Wh
        [Posting(AMINA, 100), Posting(ledger.TRUST_CASH, -100), Posting(ledger.ekwh("h-001"), 1)],
    ],
)
def test_an_unbalanced_entry_is_refused(connection: Connection, postings: list[Posting]) -> None:
    with pytest.raises(ValueError, match="sum to zero"):
        ledger.post(connection, VILLAGE, Entry("mpesa", "QK1", NOW, "wrong", postings))
    assert entries(connection) == 0
    assert ledger.trial_balance(connection, VILLAGE) == {}


@pytest.mark.parametrize("has", [0, 99])
def test_an_overdrawn_entry_names_what_is_there_and_leaves_nothing_behind(
    connection: Connection, has: int
) -> None:
    if has:
        ledger.post(connection, VILLAGE, top_up("QK1", BRIAN, has))
    before = (entries(connection), ledger.trial_balance(connection, VILLAGE))
    # Amina's account comes first and is credited before Brian's refusal is known.
    with pytest.raises(Overdrawn, match=f"h-002:kes holds {has} cents, 100 are needed"):
        ledger.post(connection, VILLAGE, moved("period", "1", BRIAN, AMINA, 100))
    assert (entries(connection), ledger.trial_balance(connection, VILLAGE)) == before
    assert ledger.balance(connection, VILLAGE, AMINA) == 0
    # The refused entry did not use up its name.
    ledger.post(connection, VILLAGE, top_up("QK2", BRIAN, 100))
    assert ledger.post(connection, VILLAGE, moved("period", "1", BRIAN, AMINA, 100))


def test_only_the_net_of_an_entry_must_be_there(connection: Connection) -> None:
    both_ways = [Posting(AMINA, -300), Posting(AMINA, 300)]
    assert ledger.post(connection, VILLAGE, Entry("period", "1", NOW, "bought and sold", both_ways))
    assert ledger.balance(connection, VILLAGE, AMINA) == 0


def test_tokens_outstanding_are_those_minted_and_not_burned(connection: Connection) -> None:
    tokens = ledger.ekwh("h-001")
    ledger.post(connection, VILLAGE, moved("period", "1", ledger.MINTED, tokens, 900))
    ledger.post(connection, VILLAGE, moved("period", "2", tokens, ledger.BURNED, 250))
    assert ledger.ekwh_outstanding(connection, VILLAGE) == 650 == ledger.balance(connection, VILLAGE, tokens)


def test_a_wallet_tells_free_from_held(connection: Connection) -> None:
    ledger.post(connection, VILLAGE, top_up("QK1", AMINA, 1_000))
    ledger.hold(connection, VILLAGE, "order:1", AMINA, 400, at=NOW, text="order")
    assert ledger.wallet(connection, VILLAGE, "h-001") == {
        "kes_cents": 600,
        "kes_held_cents": 400,
        "ekwh_wh": 0,
        "ekwh_held_wh": 0,
    }


def test_a_hold_is_opened_once_spent_within_its_amount_and_closed_once(connection: Connection) -> None:
    ledger.post(connection, VILLAGE, top_up("QK1", AMINA, 1_000))
    ledger.hold(connection, VILLAGE, "order:1", AMINA, 400, at=NOW, text="order")
    with pytest.raises(ValueError, match="exists"):
        ledger.hold(connection, VILLAGE, "order:1", AMINA, 100, at=NOW, text="again")
    with pytest.raises(Overdrawn, match="does not reserve 401"):
        ledger.spend_hold(connection, VILLAGE, "order:1", 401)
    spent = ledger.spend_hold(connection, VILLAGE, "order:1", 150)
    ledger.post(connection, VILLAGE, Entry("spot", "1", NOW, "trade", [spent, Posting(BRIAN, 150)]))
    assert ledger.hold_remaining(connection, VILLAGE, "order:1") == 250
    assert ledger.close_hold(connection, VILLAGE, "order:1", at=NOW, text="done") == 250
    assert ledger.close_hold(connection, VILLAGE, "order:1", at=NOW, text="done") == 0
    with pytest.raises(Overdrawn):
        ledger.spend_hold(connection, VILLAGE, "order:1", 1)
    with pytest.raises(ValueError, match="exists"):
        ledger.hold(connection, VILLAGE, "order:1", AMINA, 100, at=NOW, text="reopened")
    assert ledger.wallet(connection, VILLAGE, "h-001")["kes_cents"] == 850
    assert ledger.wallet(connection, VILLAGE, "h-001")["kes_held_cents"] == 0


def test_a_hold_never_grows_by_spending_or_begins_below_zero(connection: Connection) -> None:
    ledger.post(connection, VILLAGE, top_up("QK1", AMINA, 1_000))
    ledger.hold(connection, VILLAGE, "order:1", AMINA, 400, at=NOW, text="order")
    with pytest.raises(ValueError, match="-50"):
        ledger.spend_hold(connection, VILLAGE, "order:1", -50)
    with pytest.raises(ValueError, match="-1"):
        ledger.hold(connection, VILLAGE, "order:2", AMINA, -1, at=NOW, text="backwards")
    assert ledger.hold_remaining(connection, VILLAGE, "order:1") == 400
    assert ledger.wallet(connection, VILLAGE, "h-001")["kes_held_cents"] == 400


def test_a_refused_hold_reserves_nothing(connection: Connection) -> None:
    with pytest.raises(Overdrawn):
        ledger.hold(connection, VILLAGE, "order:1", AMINA, 1, at=NOW, text="order")
    assert ledger.hold_remaining(connection, VILLAGE, "order:1") == 0
    assert ledger.close_hold(connection, VILLAGE, "order:1", at=NOW, text="nothing") == 0
    assert entries(connection) == 0


async def test_concurrent_payments_never_take_a_wallet_below_zero() -> None:
    database = Database.open(None)
    accounts = [ledger.kes(f"h-{n:03d}") for n in range(1, 5)]
    for number, account in enumerate(accounts):
        await database.write(_posting(top_up(f"QK{number}", account, 1_000)))
    chance = random.Random(20261120)
    payments = []
    for number in range(120):
        giver, taker = chance.sample(accounts, 2)
        payments.append(moved("spot", str(number), giver, taker, chance.randint(100, 900)))
    results = await asyncio.gather(*(database.write(_posting(p)) for p in payments), return_exceptions=True)
    refused = sum(isinstance(r, Overdrawn) for r in results)
    assert 0 < refused < len(payments)
    assert results.count(True) == len(payments) - refused

    def history(connection: Connection) -> list[tuple[str, int]]:
        row = posting_table.c
        query = select(row.account, row.amount).order_by(row.entry_id, row.leg)
        return [(account, amount) for account, amount in connection.execute(query)]

    running = dict.fromkeys([*accounts, ledger.TRUST_CASH], 0)
    for account, amount in await database.read(history):
        running[account] += amount
        assert account == ledger.TRUST_CASH or running[account] >= 0
    stored = {a: await database.read(_balance_of(a)) for a in running}
    await database.close()
    assert stored == running
    assert sum(running.values()) == 0


async def test_of_concurrent_entries_with_one_name_one_is_posted() -> None:
    database = Database.open(None)
    results = await asyncio.gather(*(database.write(_posting(top_up("QK1", AMINA, 100 + n))) for n in range(20)))
    balance = await database.read(_balance_of(AMINA))
    await database.close()
    assert sorted(results) == [False] * 19 + [True]
    assert balance == 100 + results.index(True)


async def test_concurrent_fills_spend_a_hold_once() -> None:
    database = Database.open(None)
    await database.write(_posting(top_up("QK1", AMINA, 1_000)))
    await database.write(lambda c: ledger.hold(c, VILLAGE, "order:1", AMINA, 1_000, at=NOW, text="order"))

    def fill(number: int) -> Callable[[Connection], bool]:
        def change(connection: Connection) -> bool:
            spent = ledger.spend_hold(connection, VILLAGE, "order:1", 300)
            trade = Entry("spot", str(number), NOW, "trade", [spent, Posting(BRIAN, 300)])
            return ledger.post(connection, VILLAGE, trade)

        return change

    def close(connection: Connection) -> int:
        return ledger.close_hold(connection, VILLAGE, "order:1", at=NOW, text="done")

    results = await asyncio.gather(*(database.write(fill(n)) for n in range(6)), return_exceptions=True)
    given_back = await asyncio.gather(*(database.write(close) for _ in range(3)))
    wallet = await database.read(lambda c: ledger.wallet(c, VILLAGE, "h-001"))
    earned = await database.read(_balance_of(BRIAN))
    await database.close()
    assert results.count(True) == 3
    assert sum(isinstance(r, Overdrawn) for r in results) == 3
    assert sorted(given_back) == [0, 0, 100]
    assert (wallet["kes_cents"], wallet["kes_held_cents"], earned) == (100, 0, 900)


def _posting(entry: Entry) -> Callable[[Connection], bool]:
    return lambda connection: ledger.post(connection, VILLAGE, entry)


def _balance_of(account: str) -> Callable[[Connection], int]:
    return lambda connection: ledger.balance(connection, VILLAGE, account)


def test_a_journal_sees_what_it_booked_and_the_database_nothing_before_it_is_written(
    connection: Connection,
) -> None:
    journal = Journal(connection, VILLAGE)
    assert journal.post(top_up("QK1", AMINA, 1_000))
    assert not journal.post(top_up("QK1", AMINA, 1_000))
    journal.hold("order:1", AMINA, 400, at=NOW, text="order")
    assert (journal.balance(AMINA), journal.hold_remaining("order:1")) == (600, 400)
    assert ledger.trial_balance(connection, VILLAGE) == {}
    journal.write()
    assert ledger.trial_balance(connection, VILLAGE) == ledger.balances(connection, VILLAGE)
    assert ledger.wallet(connection, VILLAGE, "h-001")["kes_held_cents"] == 400
    assert not journal.post(top_up("QK1", AMINA, 1_000)), "what was written is read again"
    assert journal.close_hold("order:1", at=NOW, text="done") == 400
    journal.write()
    assert ledger.balance(connection, VILLAGE, AMINA) == 1_000
    assert ledger.first_lie(connection, VILLAGE) is None


def test_a_refused_attempt_leaves_nothing_in_a_journal(connection: Connection) -> None:
    ledger.post(connection, VILLAGE, top_up("QK1", AMINA, 1_000))
    ledger.hold(connection, VILLAGE, "order:1", AMINA, 300, at=NOW, text="order")
    journal = Journal(connection, VILLAGE)

    def try_all() -> None:
        with journal.attempt():
            journal.hold("order:2", AMINA, 500, at=NOW, text="order")
            spent = journal.spend_hold("order:1", 100)
            journal.post(Entry("spot", "1", NOW, "trade", [spent, Posting(BRIAN, 100)]))
            journal.close_hold("order:1", at=NOW, text="done")
            journal.hold("order:3", AMINA, 401, at=NOW, text="order")

    with pytest.raises(Overdrawn) as refused:
        try_all()
    assert (refused.value.account, refused.value.have, refused.value.need) == (AMINA, 400, 401)
    assert (journal.balance(AMINA), journal.balance(BRIAN)) == (700, 0)
    assert (journal.hold_remaining("order:1"), journal.hold_remaining("order:2")) == (300, 0)
    before = entries(connection)
    journal.write()
    assert entries(connection) == before
    journal.hold("order:2", AMINA, 700, at=NOW, text="the name was not used up")
    journal.write()
    assert ledger.first_lie(connection, VILLAGE) is None


def test_postings_for_thousands_of_households_are_one_entry(connection: Connection) -> None:
    postings = [Posting(ledger.kes(f"h-{n:05}"), n) for n in range(3_000)]
    postings.append(Posting(ledger.TRUST_CASH, -sum(range(3_000))))
    assert ledger.post(connection, VILLAGE, Entry("period", "1", NOW, "period", postings))
    assert ledger.balance(connection, VILLAGE, ledger.kes("h-02999")) == 2_999
    back = [Posting(account, -amount) for account, amount in postings]
    assert ledger.post(connection, VILLAGE, Entry("period", "2", NOW, "period", back))
    assert set(ledger.balances(connection, VILLAGE).values()) == {0}
