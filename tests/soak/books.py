"""The books as text, the same for the same business whatever happened on the way, and what must be true."""

import json
import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
from energy_swap_hub import ledger
from energy_swap_hub.chain.intent import Intent, State, open_intents
from energy_swap_hub.chain.payload import BurnPeriod, MintPeriod
from energy_swap_hub.ledger.tables import currency_of, entry, hold, posting
from energy_swap_hub.settlement.spot_tables import spot_order
from energy_swap_hub.settlement.tables import auction
from energy_swap_hub.storage import metadata
from energy_swap_protocol.message import Envelope, open_envelope
from sqlalchemy import Column, Connection, Table, select

from tests.hub.village import VILLAGE, Village

from .outside import Outside
from .script import Receipt

# What differs by right between a run with deaths and one without:
_LEFT_OUT: Final = {
    # It counts the hub's starts.
    "lease": None,
    # A transaction is bound to the chain's newest blockhash, which is random and of another slot after a restart;
    # so its bytes, signature and last height differ. `_executed` shows that each one was executed once.
    "chain_intent": {"raw", "signature", "last_valid_block_height"},
    # Sealed with a random nonce; `_message` shows what is in it. The signature covers the lock inside.
    "message": {"payload", "signature"},
    # Drawn anew at every change of the book, to know by whose memory it was made.
    "spot_book": {"stamp"},
}
# PostgreSQL leaves gaps in the entries' ids after a transaction that was not committed, and a day's hash covers
# the ids. What is hashed is compared row by row, and `ledger.first_lie` proves that each hash is true.
_HASHES_GAPS: Final = "postgresql"
# They look at the clock anew at every start, and find nothing to do.
_RECURRING: Final = ("days", "orders", "auctions")
_SIGNED_ANEW: Final = ("lock", "approval")  # hold a recent blockhash, see above


async def write_books(village: Village, folder: Path, outside: Outside) -> None:
    """Begin ``books.txt`` in ``folder``: a line for each row, household and answer; `finish_books` ends it."""
    with (folder / "books.part").open("w") as file:
        for table in sorted(metadata.sorted_tables, key=lambda table: table.name):
            file.writelines(await village.read(lambda c, t=table: list(_rows(c, t, village))))  # type: ignore[misc]
        file.write(_line("supply", await village.chain.supply_wh(VILLAGE)))
        file.write(_line("escrow", await village.chain.escrow_wh(VILLAGE)))
        for home in village.homes:
            file.write(_line("on the chain", home.id, await village.on_chain(home)))
        for message_id, answer in outside.answers():
            file.write(_line("answer", message_id, answer))


def finish_books(folder: Path) -> None:
    """Add what the chain executed, once nobody has the chain open any more."""
    partial = folder / "books.part"
    with partial.open("a") as file:
        file.writelines(_executed(folder))
    partial.rename(folder / "books.txt")


def _rows(connection: Connection, table: Table, village: Village) -> Iterator[str]:
    left_out = _LEFT_OUT.get(table.name, set())
    if left_out is None:
        return
    # Of numbers that the database gives only the order means something.
    numbers = {
        column.name: _ranks(connection, column)
        for column in table.columns
        if column is table.autoincrement_column or column.foreign_keys
    }
    if table.name == "ledger_day":
        numbers |= dict.fromkeys(("first_entry_id", "last_entry_id"), _ranks(connection, entry.c.id))
    for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings():
        shown = {name: value for name, value in row.items() if name not in left_out}
        shown |= {name: rank[shown[name]] for name, rank in numbers.items()}
        if table.name == "ledger_day" and connection.dialect.name == _HASHES_GAPS:
            del shown["hash"]
        if table.name in ("saga", "saga_step") and shown["kind"] in _RECURRING:
            if table.name == "saga_step":
                continue
            del shown["version"]
        if table.name == "chain_intent" and shown["kind"] == "household_transaction":
            del shown["payload"]
        if table.name == "message":
            shown["message"] = _message(dict(row), village)
        yield _line(table.name, shown)


def _ranks(connection: Connection, column: Column[Any]) -> Mapping[int | None, int | None]:
    """Return the rank among its like of each number that may stand in ``column``."""
    for foreign_key in column.foreign_keys:
        column = foreign_key.column
    found = connection.execute(select(column).order_by(column)).scalars()
    return {None: None} | {number: rank for rank, number in enumerate(found, start=1)}


def _message(row: Mapping[str, Any], village: Village) -> dict[str, Any]:
    signer = urlsafe_b64encode(bytes(row["signer"])).decode().rstrip("=")
    payload = village.desk.phones.open(bytes(row["payload"]))
    _, message = open_envelope(Envelope(signer, payload, bytes(row["signature"]).decode()))
    return {k: v for k, v in msgspec.to_builtins(message).items() if k not in _SIGNED_ANEW}


def _executed(folder: Path) -> Iterator[str]:
    """Yield what the chain executed, in its order: memo, error, and the balances after it."""
    with closing(sqlite3.connect(folder / "localnet.sqlite")) as chain:
        for memo, error, meta in chain.execute("SELECT memo, error, meta FROM executed ORDER BY number"):
            after = [balance["uiTokenAmount"]["amount"] for balance in json.loads(meta)["postTokenBalances"]]
            yield _line("executed", memo, error, after)


def _line(*values: Any) -> str:
    return json.dumps(values, default=_text, sort_keys=True) + "\n"


def _text(value: Any) -> str:
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)


async def prove(village: Village) -> None:
    """Check, at any moment of a hub's life, every invariant of docs/architecture.md, section 6."""

    def look(connection: Connection) -> tuple[dict[str, int], list[Intent], dict[str, str]]:
        return (
            ledger.balances(connection, VILLAGE),
            open_intents(connection, VILLAGE, 10_000),
            _wrong_holds(connection),
        )

    balances, waiting, wrong = await village.read(look)
    sums = {"KES": 0, "eKWh": 0}
    for account, balance in balances.items():
        sums[currency_of(account)] += balance
        assert balance >= 0 or ":" not in account, (account, balance)
    assert sums == {"KES": 0, "eKWh": 0}
    assert wrong == {}
    # What is outstanding reaches the chain by the intents that wait; the one that was sent may have arrived.
    outstanding = -balances.get(ledger.MINTED, 0) - balances.get(ledger.BURNED, 0)
    queued = sum(_minted(intent) for intent in waiting if intent.state is State.QUEUED)
    sent = [_minted(intent) for intent in waiting if intent.state is State.SENT]
    assert len(sent) <= 1
    supply = await village.chain.supply_wh(VILLAGE)
    assert supply in {outstanding - queued, outstanding - queued - sum(sent)}


async def prove_money(village: Village, receipts: Iterable[Receipt]) -> None:
    """Check that each receipt was credited once, and that the trust account holds what came less what was paid."""
    cents = {receipt.receipt: receipt.cents for receipt in receipts}
    query = (
        select(entry.c.external_id, posting.c.amount)
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(entry.c.source == "mpesa", posting.c.account == ledger.TRUST_CASH)
    )
    moved = await village.read(lambda c: [(name, -amount) for name, amount in c.execute(query)])
    assert sorted(move for move in moved if move[1] > 0) == sorted(cents.items())
    assert -await village.balance(ledger.TRUST_CASH) == sum(amount for _, amount in moved)


def _minted(intent: Intent) -> int:
    """Return what an intent adds to the supply."""
    match intent.payload:
        case MintPeriod(mints=mints):
            return sum(mint.wh for mint in mints)
        case BurnPeriod(burns=burns):
            return -sum(burn.wh for burn in burns)
        case _:
            return 0


def _wrong_holds(connection: Connection) -> dict[str, str]:
    """Return the holds that are not as their order or auction says: open while it is, and resolved once."""
    state: dict[str, bool] = {}
    for order_id, status in connection.execute(select(spot_order.c.id, spot_order.c.status)):
        state[f"order:{order_id}"] = status in ("pending_lock", "open")
    row = auction.c
    for auction_id, status, leader_hold in connection.execute(select(row.id, row.status, row.leader_hold)):
        state[f"auction:{auction_id}"] = status in ("pending_lock", "open")
        if leader_hold is not None:
            state[leader_hold] = status == "open"
    wrong = {}
    for hold_id, is_open, remaining in connection.execute(select(hold.c.id, hold.c.is_open, hold.c.remaining)):
        if hold_id in state and state[hold_id] != bool(is_open):
            wrong[hold_id] = f"open {is_open}, its order or auction is open: {state[hold_id]}"
        if remaining and not is_open:
            wrong[hold_id] = f"closed and still reserves {remaining}"
    return wrong
