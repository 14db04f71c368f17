"""The books, in one SQLite file: accounts, movements, subscribers, prompts, payouts, deliveries, SMS."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final

from .clock import EAT, from_micros, to_micros
from .schema import prepare

UTILITY: Final = "utility"
WORKING: Final = "working"
CHARGES: Final = "charges"  # the Charges Paid account: what the business owes for fees, so it is negative
M_PESA: Final = "m_pesa"  # fees earned by the operator
OUTSIDE: Final = "outside"  # where opening balances come from and withdrawals go

_RECEIPT_SIGNS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def subscriber_account(phone: str) -> str:
    """Return the name of a subscriber's account."""
    return f"subscriber:{phone}"


def kes_text(cents: int) -> str:
    """Return an amount as M-Pesa prints it in text: ``1,250.00``."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"


class Books:
    """Everything that must outlive the process; each `transaction` is on disk when it ends."""

    def __init__(self, path: Path | None) -> None:
        """Open the file at ``path`` (``None``: in memory)."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        prepare(self._connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all changes inside or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """Return the first row of a query, if any."""
        row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def insert(self, table: str, values: Mapping[str, Any]) -> None:
        """Add one row, times as aware datetimes; `sqlite3.IntegrityError` where it must not be."""
        stored = [to_micros(value) if isinstance(value, datetime) else value for value in values.values()]
        marks = ", ".join("?" * len(stored))
        self._connection.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})",  # noqa: S608 - names are ours
            stored,
        )

    def change(self, sql: str, *values: Any) -> int:
        """Run one statement and return how many rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def setting(self, name: str) -> bytes | None:
        """Return a remembered value."""
        row = self.row("SELECT value FROM setting WHERE name = ?", name)
        return None if row is None else bytes(row["value"])

    def remember(self, name: str, value: bytes) -> None:
        """Keep a value under a name."""
        self.change("INSERT OR REPLACE INTO setting VALUES (?, ?)", name, value)

    def balance_cents(self, account: str) -> int:
        """Return an account's balance; one that nobody used has none."""
        row = self.row("SELECT cents FROM account WHERE name = ?", account)
        return 0 if row is None else int(row["cents"])

    def move(
        self,
        kind: str,
        receipt: str,
        source: str,
        target: str,
        cents: int,
        *,
        at: datetime,
        phone: str,
        reference: str,
    ) -> None:
        """Move money and write it down. Call inside a `transaction`."""
        self.insert(
            "movement",
            {
                "receipt": receipt,
                "kind": kind,
                "source": source,
                "target": target,
                "cents": cents,
                "at": at,
                "phone": phone,
                "reference": reference,
            },
        )
        for account, change in ((source, -cents), (target, cents)):
            self.change(
                "INSERT INTO account VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET cents = cents + excluded.cents",
                account,
                change,
            )

    def new_receipt(self, random: Random, at: datetime) -> str:
        """Return an unused receipt: year, month and day as letters, then seven random signs."""
        day = at.astimezone(EAT)
        head = chr(ord("A") + (day.year - 2006) % 26) + chr(ord("A") + day.month - 1) + _RECEIPT_SIGNS[day.day]
        while True:
            receipt = head + "".join(random.choices(_RECEIPT_SIGNS, k=7))
            if self.row("SELECT 1 FROM movement WHERE receipt = ?", receipt) is None:
                return receipt

    def later(self, kind: str, subject: str, due_at: datetime) -> None:
        """Put a step on the agenda."""
        self.insert("task", {"kind": kind, "subject": subject, "due_at": due_at})

    def send_sms(self, phone: str, at: datetime, text: str, sender: str = "MPESA") -> None:
        """Put an SMS on the subscriber's phone."""
        self.insert("sms", {"phone": phone, "at": at, "text": text, "sender": sender})

    def latest(self) -> datetime | None:
        """Return the latest time that these books know of, so that a clock never goes back behind it."""
        row = self.row(
            "SELECT max(at) AS at FROM (SELECT max(at) AS at FROM movement"
            " UNION ALL SELECT max(asked_at) FROM prompt UNION ALL SELECT max(asked_at) FROM payout"
            " UNION ALL SELECT max(attempted_at) FROM delivery"
            " UNION ALL SELECT max(asked_at) FROM menu_payment UNION ALL SELECT max(asked_at) FROM inquiry)"
        )
        return None if row is None or row["at"] is None else from_micros(row["at"])
