"""The hub's books after a storm beside the simulator's: nothing lost, nothing twice, nothing forgotten."""

from collections import Counter
from pathlib import Path
from typing import Any

from energy_swap_daraja_simulator import Simulator
from energy_swap_hub import ledger
from energy_swap_hub.ledger import FEES, PAYOUT_PENDING, SUSPENSE, TRUST_CASH
from energy_swap_hub.ledger.tables import entry, posting
from energy_swap_hub.mpesa.tables import (
    payment_callback,
    payment_intent,
    payment_receipt,
    payment_reversal,
    payout,
)
from energy_swap_hub.settlement.amount_corrections import RECEIVABLE
from energy_swap_hub.settlement.tables import review
from energy_swap_hub.storage import Database
from sqlalchemy import Connection, select

_ENDS = {"intent": ("paid", "failed"), "payout": ("paid", "failed"), "reversal": ("reversed", "failed")}
_SIGN = {"c2b": 1, "reversal": -1, "b2c": -1, "b2c_charge": -1}


async def check_books(where: Path | str, simulator: Simulator, phones: dict[str, str]) -> Counter[str]:
    """Assert that the books are M-Pesa's to the cent; return how many payments ended how."""
    books = simulator.books
    at_mpesa = sum(books.balance_cents(name) for name in ("utility", "working", "charges"))
    movements = [dict(row) for row in books.rows("SELECT * FROM movement")]
    database = Database.open(where)
    try:
        return await database.read(lambda c: _check(c, at_mpesa, movements, phones))
    finally:
        await database.close()


def _check(
    connection: Connection, at_mpesa: int, movements: list[dict[str, Any]], phones: dict[str, str]
) -> Counter[str]:
    assert (lie := ledger.first_lie(connection, "green")) is None, lie
    accounts = ledger.trial_balance(connection, "green")
    assert ledger.sums(accounts)["KES"] == 0
    assert -accounts.get(TRUST_CASH, 0) == at_mpesa, "cash in trust is what M-Pesa holds"
    assert accounts.get(PAYOUT_PENDING, 0) == accounts.get(SUSPENSE, 0) == 0, _hanging(connection, accounts)
    _check_once(connection, movements)
    _check_wallets(accounts, movements, phones)
    return _check_ends(connection)


def _hanging(connection: Connection, accounts: dict[str, int]) -> str:
    """Return what hangs in between: the accounts, what has not ended, and each story that does not add up."""
    told = [f"{name}: {accounts.get(name, 0)} cents" for name in (PAYOUT_PENDING, SUSPENSE)]
    for kind, table in (("payout", payout), ("reversal", payment_reversal)):
        told += [f"{kind} {row}" for row in _rows(connection, table) if row["state"] not in _ENDS[kind]]
    told += [f"nobody's: {row}" for row in _rows(connection, payment_receipt) if row["household_id"] is None]
    told += [f"open: {row}" for row in _rows(connection, review) if row["state"] == "open"]
    for name in (PAYOUT_PENDING, SUSPENSE):
        told += [f"{name}: {line}" for line in _stories(connection, name)]
    return "\n".join(["nothing hangs in between", *told])


def _stories(connection: Connection, account: str) -> list[str]:
    """Return the entries on an account whose amounts no other entry takes back, as far as amounts tell."""
    postings = sorted(
        (row for row in _rows(connection, posting) if row["account"] == account), key=lambda row: row["entry_id"]
    )
    entries = {row["id"]: row for row in _rows(connection, entry)}
    left: list[dict[str, Any]] = []
    for one in postings:
        match = next((other for other in left if other["amount"] == -one["amount"]), None)
        if match is None:
            left.append(one)
        else:
            left.remove(match)
    return [
        f"{one['amount']} by {at['source']} {at['external_id']} at {at['booked_at']:%H:%M:%S}: {at['text']}"
        for one in left
        for at in [entries[one["entry_id"]]]
    ]


def _check_once(connection: Connection, movements: list[Any]) -> None:
    """Each receipt is credited once, each payout is paid once, and only those that the hub knows as paid."""
    came = {m["receipt"]: m["cents"] for m in movements if m["kind"] == "c2b"}
    rows = _rows(connection, payment_receipt)
    assert {row["receipt"]: row["kes"] * 100 for row in rows} == came
    went = [m for m in movements if m["kind"] == "b2c"]
    payouts = _rows(connection, payout)
    originators = {row["originator_conversation_id"]: row for row in payouts}
    assert max(Counter(m["reference"] for m in went).values()) == 1, "nobody is paid twice"
    paid = {m["reference"]: m["receipt"] for m in went}
    assert paid == {name: row["receipt"] for name, row in originators.items() if row["state"] == "paid"}
    assert all(originators[m["reference"]]["kes"] * 100 == m["cents"] for m in went)
    for row in _rows(connection, payment_reversal):
        back = [m for m in movements if m["kind"] == "reversal" and m["reference"] == row["receipt"]]
        assert len(back) <= 1
        if row["state"] == "reversed":
            assert [m["receipt"] for m in back] == [row["reversal_receipt"]]


def _check_wallets(accounts: dict[str, int], movements: list[Any], phones: dict[str, str]) -> None:
    """Each household has what its phone paid in less what went back to it; the community bears the rest."""
    true = Counter[str]()
    for m in movements:
        true[m["phone"]] += _SIGN.get(m["kind"], 0) * m["cents"]
    borne = 0
    for home, phone in phones.items():
        more = accounts.get(ledger.kes(home), 0) - true[phone]
        assert more >= 0, f"{home} has {-more} cents too little"
        borne += more
    assert borne == -accounts.get(RECEIVABLE, 0) - accounts.get(FEES, 0)


def _check_ends(connection: Connection) -> Counter[str]:
    """Everything is final or in front of a person, and no callback waits."""
    subjects = {row["subject"] for row in _rows(connection, review) if row["state"] == "open"}
    ended = Counter[str]()
    for kind, table, key in (
        ("intent", payment_intent, "intent_id"),
        ("payout", payout, "payout_id"),
        ("reversal", payment_reversal, "receipt"),
    ):
        for row in _rows(connection, table):
            assert row["state"] in _ENDS[kind] or row[key] in subjects, f"forgotten: {row}"
            ended[f"{kind} {row['state']}"] += 1
    waiting = [row for row in _rows(connection, payment_callback) if row["processed_at"] is None]
    assert [row["number"] for row in waiting if not row["is_held"]] == []
    return ended


def _rows(connection: Connection, table: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(select(table)).mappings()]
