"""What the verifier remembers, durable before it answers: meters, readings, what it signed, locks, nonces."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from energy_swap_protocol.memo import AdmissionMemo
from energy_swap_protocol.reading import Reading, ReadingFlag

from .evidence import Run

_TABLES: Final = """
create table if not exists meter (account text, meter blob, memo text not null, proof text not null,
  primary key (account, meter));
create table if not exists reading (meter blob, sequence integer, measured_at integer not null,
  export_wh integer not null, import_wh integer not null, generation_wh integer not null,
  is_start integer not null,
  primary key (meter, sequence));
create table if not exists signed (name text primary key, grouping text not null, part text not null,
  minted_wh integer not null, moved_wh integer not null, digest blob not null, message blob not null,
  id text not null, last_height integer not null, state text not null, at integer not null);
create index if not exists signed_grouping on signed (grouping);
create table if not exists span (name text, account text not null, meter blob not null, start integer not null,
  until integer not null);
create index if not exists span_meter on span (meter, start);
create index if not exists span_name on span (name);
create table if not exists lock (reference text primary key, account text not null, wh integer not null,
  id text not null);
create table if not exists place (name text primary key, value text not null);
create table if not exists nonce (nonce text primary key, at integer not null);
create table if not exists refusal (number integer primary key, at integer not null, name text not null,
  reason text not null);
"""


@dataclass(frozen=True, slots=True)
class SignedRow:
    """Something the verifier signed: ``id`` is the transaction, which cannot land after block ``last_height``.

    ``state``: ``signed`` (it may land), ``landed``, ``failed`` (landed without effect) or ``expired``.
    """

    name: str
    group: str
    part: str
    minted_wh: int
    moved_wh: int
    digest: bytes
    message: bytes
    id: str
    last_height: int
    state: str


class Store:
    """One SQLite file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file at ``path``, making it if it is missing."""
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.executescript(_TABLES)
        return cls(connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """All changes inside are on disk together, or none."""
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def claim_nonce(self, nonce: str, now: int, keep_seconds: int) -> bool:
        """Remember a nonce; whether it was new."""
        with self.changing():
            self._connection.execute("delete from nonce where at < ?", (now - keep_seconds,))
            return (
                self._connection.execute("insert or ignore into nonce values (?, ?)", (nonce, now)).rowcount == 1
            )

    # Meters

    def meters(self, account: str) -> dict[bytes, AdmissionMemo]:
        """Return the meters admitted with a token account."""
        rows = self._connection.execute("select meter, memo from meter where account = ?", (account,))
        return {bytes(meter): AdmissionMemo.parse(memo) for meter, memo in rows}

    def admit(self, account: str, memo: AdmissionMemo, proof: str) -> None:
        """Remember an admission; ``proof`` is its transaction. Of one meter the first one counts."""
        row = (account, memo.meter, memo.text, proof)
        self._connection.execute("insert or ignore into meter values (?, ?, ?, ?)", row)

    # Readings

    def neighbours(self, reading: Reading) -> tuple[Reading | None, Reading | None]:
        """Return the known readings of the same register epoch around ``reading``: at or before it, and after."""
        key = (reading.meter, reading.sequence)
        is_start = ReadingFlag.REGISTER_EPOCH_STARTED in reading.flags
        before = self._connection.execute(
            "select * from reading where meter = ? and sequence <= ? order by sequence desc limit 1", key
        ).fetchone()
        after = self._connection.execute(
            "select * from reading where meter = ? and sequence > ? order by sequence limit 1", key
        ).fetchone()
        if before is not None and is_start and before[1] != reading.sequence:
            before = None
        if after is not None and after[-1]:
            after = None
        return (
            None if before is None else Reading(*before[:-1]),
            None if after is None else Reading(*after[:-1]),
        )

    def remember(self, reading: Reading) -> None:
        """Remember a reading."""
        is_start = ReadingFlag.REGISTER_EPOCH_STARTED in reading.flags
        numbers = (reading.export_wh, reading.import_wh, reading.generation_wh, is_start)
        row = (reading.meter, reading.sequence, reading.measured_at, *numbers)
        self._connection.execute("insert or ignore into reading values (?, ?, ?, ?, ?, ?, ?)", row)

    # What was signed

    def signed(self, name: str) -> SignedRow | None:
        """Return what was signed under an intent's name."""
        row = self._connection.execute("select * from signed where name = ?", (name,)).fetchone()
        return None if row is None else SignedRow(*row[:-1])

    def group(self, group: str) -> list[SignedRow]:
        """Return all that was signed for a period, or for an order."""
        rows = self._connection.execute("select * from signed where grouping = ?", (group,))
        return [SignedRow(*row[:-1]) for row in rows]

    def overlapping(self, run: Run) -> list[SignedRow]:
        """Return what was signed for energy that ``run`` shows again, even in part."""
        names = self._connection.execute(
            "select distinct name from span where meter = ? and start < ? and until > ?",
            (run.start.meter, run.end.sequence, run.start.sequence),
        )
        return [row for (name,) in names.fetchall() if (row := self.signed(name)) is not None]

    def accounts_of(self, name: str) -> set[str]:
        """Return the accounts for which a signed intent minted."""
        return {
            account for (account,) in self._connection.execute("select account from span where name = ?", (name,))
        }

    def record(self, row: SignedRow, runs: Sequence[tuple[str, Run]], now: int) -> None:
        """Remember what is signed now, in place of an earlier try under the same name."""
        values = (
            row.name, row.group, row.part, row.minted_wh, row.moved_wh, row.digest, row.message, row.id,
            row.last_height, row.state, now,
        )  # fmt: skip
        self._connection.execute("insert or replace into signed values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        self._connection.execute("delete from span where name = ?", (row.name,))
        for account, run in runs:
            for reading in (run.start, run.end):
                self.remember(reading)
            span = (row.name, account, run.start.meter, run.start.sequence, run.end.sequence)
            self._connection.execute("insert into span values (?, ?, ?, ?, ?)", span)

    def set_state(self, name: str, state: str) -> None:
        """Remember what became of a transaction."""
        self._connection.execute("update signed set state = ? where name = ?", (state, name))

    def refuse(self, name: str, reason: str, now: int) -> None:
        """Remember a refusal, for the person who asks why."""
        self._connection.execute("insert into refusal (at, name, reason) values (?, ?, ?)", (now, name, reason))

    def refusals(self) -> list[tuple[int, str, str]]:
        """Return all refusals: when (Unix time), which intent, and why."""
        return self._connection.execute("select at, name, reason from refusal order by number").fetchall()

    # Locks

    def lock(self, reference: str) -> tuple[str, int] | None:
        """Return the account and the Wh of a lock."""
        query = "select account, wh from lock where reference = ?"
        row = self._connection.execute(query, (reference,)).fetchone()
        return None if row is None else (row[0], row[1])

    def add_lock(self, reference: str, account: str, wh: int, proof: str) -> None:
        """Remember a lock found on the chain; the first of a reference counts."""
        self._connection.execute("insert or ignore into lock values (?, ?, ?, ?)", (reference, account, wh, proof))

    def place(self, name: str) -> str | None:
        """Return how far a history has been read."""
        row = self._connection.execute("select value from place where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_place(self, name: str, value: str) -> None:
        """Remember how far a history has been read."""
        self._connection.execute("insert or replace into place values (?, ?)", (name, value))
