"""The localnet's own SQLite file: accounts, every executed transaction, recent blockhashes."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from solders.account import Account
from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.signature import Signature

_RENT_EXEMPT: Final = 2**64 - 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS state(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blockhash(hash BLOB PRIMARY KEY, last_valid_height INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS account(
  key BLOB PRIMARY KEY, lamports INTEGER NOT NULL, owner BLOB NOT NULL, executable INTEGER NOT NULL,
  data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS executed(
  number INTEGER PRIMARY KEY, signature BLOB NOT NULL UNIQUE, slot INTEGER NOT NULL, unix_time INTEGER NOT NULL,
  raw BLOB NOT NULL, error TEXT, memo TEXT, meta TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS touched(
  account BLOB NOT NULL, number INTEGER NOT NULL, PRIMARY KEY(account, number)) WITHOUT ROWID;
"""


class JournalInUseError(RuntimeError):
    """Another process has this localnet's file open."""


@dataclass(frozen=True, slots=True)
class Executed:
    """One transaction that was executed and paid for; ``error`` is Solana's error value or ``None``."""

    signature: Signature
    slot: int
    unix_time: int
    raw: bytes
    error: Any
    memo: str | None
    meta: dict[str, Any]


class Journal:
    """The durable side of a localnet. Each method that changes is one SQLite transaction, durable on return."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=0.2)
        try:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            self._db.close()
            raise JournalInUseError(
                f"{path} is in use by another process, or cannot be written: {error}"
            ) from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def state(self, name: str) -> bytes | None:
        """Return a stored value."""
        row = self._db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def begin_chain(self, states: dict[str, bytes], accounts: dict[Pubkey, Account]) -> None:
        """Store the first state and accounts of a new chain."""
        with self._transaction():
            self._put_states(states)
            self._put_accounts(accounts.items())

    def record_slot(self, slot: int, blockhash: Hash, last_valid_height: int) -> None:
        """Store that ``slot`` began with ``blockhash``; forget the blockhashes that are too old."""
        with self._transaction():
            self._put_states({"slot": str(slot).encode(), "blockhash": bytes(blockhash)})
            self._db.execute("INSERT INTO blockhash VALUES(?, ?)", (bytes(blockhash), last_valid_height))
            self._db.execute("DELETE FROM blockhash WHERE last_valid_height < ?", (slot,))

    def record_execution(
        self, executed: Executed, accounts: dict[Pubkey, Account | None], keys: set[Pubkey]
    ) -> None:
        """Store a transaction with every account it may have changed (``None``: it is gone) and all it names."""
        with self._transaction():
            cursor = self._db.execute(
                "INSERT INTO executed(signature, slot, unix_time, raw, error, memo, meta) "
                "VALUES(?, ?, ?, ?, ?, ?, ?)",
                (
                    bytes(executed.signature),
                    executed.slot,
                    executed.unix_time,
                    executed.raw,
                    None if executed.error is None else json.dumps(executed.error),
                    executed.memo,
                    json.dumps(executed.meta),
                ),
            )
            self._db.executemany(
                "INSERT INTO touched VALUES(?, ?)", [(bytes(key), cursor.lastrowid) for key in keys]
            )
            self._put_accounts((key, account) for key, account in accounts.items() if account is not None)
            gone = [(bytes(key),) for key, account in accounts.items() if account is None]
            self._db.executemany("DELETE FROM account WHERE key = ?", gone)

    def accounts(self) -> Iterator[tuple[Pubkey, Account]]:
        """Yield every stored account, programs last because they need their data accounts."""
        rows = self._db.execute("SELECT key, lamports, owner, executable, data FROM account ORDER BY executable")
        for key, lamports, owner, executable, data in rows:
            yield Pubkey(key), Account(lamports, data, Pubkey(owner), bool(executable), _RENT_EXEMPT)

    def last_valid_height(self, blockhash: Hash) -> int | None:
        """Return the last block height at which ``blockhash`` is accepted, if it is a recent one."""
        row = self._db.execute(
            "SELECT last_valid_height FROM blockhash WHERE hash = ?", (bytes(blockhash),)
        ).fetchone()
        return None if row is None else int(row[0])

    def executed(self, signature: Signature) -> Executed | None:
        """Return the transaction with this signature, if it was executed."""
        row = self._db.execute("SELECT * FROM executed WHERE signature = ?", (bytes(signature),)).fetchone()
        return None if row is None else _executed(row)

    def executed_with(
        self, account: Pubkey, limit: int, before: Signature | None, until: Signature | None
    ) -> list[Executed]:
        """Return the newest transactions that name ``account``, newest first, between two others (exclusive)."""
        rows = self._db.execute(
            "SELECT executed.* FROM touched JOIN executed USING (number) WHERE account = ? AND number < "
            "coalesce((SELECT number FROM executed WHERE signature = ?), 9223372036854775807) AND number > "
            "coalesce((SELECT number FROM executed WHERE signature = ?), 0) ORDER BY number DESC LIMIT ?",
            (bytes(account), bytes(before) if before else b"", bytes(until) if until else b"", limit),
        )
        return [_executed(row) for row in rows]

    def _put_states(self, states: dict[str, bytes]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO state VALUES(?, ?)", states.items())

    def _put_accounts(self, accounts: Iterable[tuple[Pubkey, Account]]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO account VALUES(?, ?, ?, ?, ?)",
            [
                (bytes(key), account.lamports, bytes(account.owner), account.executable, bytes(account.data))
                for key, account in accounts
            ],
        )

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self._db.execute("COMMIT" if failure is None else "ROLLBACK")


def _executed(row: tuple[Any, ...]) -> Executed:
    _number, signature, slot, unix_time, raw, error, memo, meta = row
    return Executed(
        Signature(signature), slot, unix_time, raw, None if error is None else json.loads(error), memo,
        json.loads(meta),
    )  # fmt: skip
