"""What the edge must not forget, in one SQLite file: frames, outboxes to the hub, paired clients."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from energy_swap_protocol.reading import Reading

from .schema import migrate

FILE: Final = "edge.sqlite3"
# What is measured anew is rolled up anew (history.py).
_APPLIED_WITH: Final = "applied with"  # the note with the meter and the sequence of the application's reading
_ROLL_UP_FROM: Final = (
    "INSERT INTO progress VALUES ('roll_up_from', ?)"
    " ON CONFLICT (name) DO UPDATE SET value = min(value, excluded.value)"
)


@dataclass(frozen=True, slots=True)
class WaitingFrame:
    """A frame that the hub does not have yet."""

    id: int
    sequence: int
    frame: bytes


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """A signed message without an answer; ``envelope`` is the exact body to post, again and again."""

    id: UUID
    purpose: str
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Registers:
    """What the meter's registers showed at ``measured_at`` (Unix seconds), in Wh."""

    measured_at: int
    export_wh: int
    import_wh: int
    generation_wh: int


@dataclass(frozen=True, slots=True)
class StoredClient:
    """Somebody who was paired; times are Unix seconds. ``seen_at`` is None where nothing was heard of it since."""

    token_hash: str
    name: str
    paired_at: int
    seen_at: int | None
    revoked_at: int | None
    revoked_by: str | None


class Store:
    """The edge's database. Every method is durable when it returns; errors are those of `sqlite3`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="edge-store")
        self._opened: sqlite3.Connection | None = None
        self.trouble: str | None = None
        """Why something could not be kept, until `has_room` finds that it can be again; None: all is well."""

    @classmethod
    async def open(cls, data_dir: Path) -> Store:
        """Return the store in ``data_dir``, made or brought to today's schema where needed."""
        store = cls(data_dir / FILE)
        await store._run(store._open)
        return store

    async def close(self) -> None:
        """Finish what was asked and close the file."""
        await self._run(self._close)
        self._thread.shutdown()

    async def add_frames(self, frames: Sequence[tuple[Reading, bytes]]) -> int:
        """Keep ``frames`` for the hub and for forecasts; return how many were new."""
        rows = [
            (r.sequence, r.measured_at, r.export_wh, r.import_wh, r.generation_wh, int(r.flags), frame)
            for r, frame in frames
        ]

        def add(db: sqlite3.Connection) -> int:
            before = db.total_changes
            db.executemany(
                "INSERT OR IGNORE INTO frame"
                " (sequence, measured_at, export_wh, import_wh, generation_wh, flags, frame)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            added = db.total_changes - before
            if added:
                db.execute(_ROLL_UP_FROM, (min(row[1] for row in rows),))
                _release_older_than_application(db)
            return added

        return await self.write(add)

    async def waiting_frames(self, limit: int) -> list[WaitingFrame]:
        """Return up to ``limit`` frames that the hub does not have, oldest first."""

        def query(db: sqlite3.Connection) -> list[WaitingFrame]:
            rows = db.execute(
                "SELECT id, sequence, frame FROM frame WHERE outcome IS NULL ORDER BY sequence, id LIMIT ?",
                (limit,),
            )
            return [WaitingFrame(*row) for row in rows]

        return await self.read(query)

    async def count_waiting_frames(self) -> int:
        """Return how many frames the hub does not have."""
        return await self.read(_count_waiting)

    async def settle_frames(self, outcomes: Sequence[tuple[int, str, str | None]]) -> int:
        """Record what the hub said of each frame (id, outcome, reason); return how many still wait."""

        def settle(db: sqlite3.Connection) -> int:
            db.executemany(
                "UPDATE frame SET outcome = ?, reason = ? WHERE id = ?",
                [(outcome, reason, frame) for frame, outcome, reason in outcomes],
            )
            return _count_waiting(db)

        return await self.write(settle)

    async def latest_frame(self) -> tuple[int, bytes] | None:
        """Return sequence and bytes of the newest frame."""

        def query(db: sqlite3.Connection) -> tuple[int, bytes] | None:
            row = db.execute("SELECT sequence, frame FROM frame ORDER BY id DESC LIMIT 1").fetchone()
            return None if row is None else (row[0], row[1])

        return await self.read(query)

    async def registers_since(self, start: int, *, every_seconds: int) -> list[Registers]:
        """Return what the registers showed since ``start``: the first reading of each span, and the last.

        Readings of a meter that doubted its clock or its sensor are left out. Before the oldest frame that is
        kept, the registers are what they must have been for the quarters of an hour to be as they are (history/).
        """

        def query(db: sqlite3.Connection) -> list[Registers]:
            rows = db.execute(
                "SELECT min(measured_at), export_wh, import_wh, generation_wh FROM frame"
                " WHERE measured_at >= :start AND flags & 9 = 0 GROUP BY measured_at / :every UNION "
                "SELECT max(measured_at), export_wh, import_wh, generation_wh FROM frame"
                " WHERE measured_at >= :start AND flags & 9 = 0 HAVING count(*) > 0 ORDER BY 1",
                {"start": start, "every": every_seconds},
            )
            found = [Registers(*row) for row in rows]
            oldest = db.execute("SELECT min(measured_at) FROM frame WHERE flags & 9 = 0").fetchone()[0]
            if not found or found[0].measured_at > oldest:
                return found
            return [*_before(db, start, found[0]), *found]

        return await self.read(query)

    async def add_message(self, message: UUID, purpose: str, envelope: bytes, *, unless_known: bool) -> bool:
        """Put a signed message into the outbox; with ``unless_known`` only if its purpose never had one.

        Return whether it was added.
        """

        def add(db: sqlite3.Connection) -> bool:
            if unless_known and db.execute("SELECT 1 FROM message WHERE purpose = ?", (purpose,)).fetchone():
                return False
            _insert_message(db, message, purpose, envelope)
            return True

        return await self.write(add)

    async def add_application(self, message: UUID, purpose: str, envelope: bytes, *, first: Reading) -> None:
        """Put an application into the outbox that carries the reading ``first``.

        To the hub the meter begins with that reading, so what it measured before is not owed to it, also when it
        comes later: a meter sends again what was not acknowledged.
        """

        def add(db: sqlite3.Connection) -> None:
            _insert_message(db, message, purpose, envelope)
            _set_note(db, _APPLIED_WITH, f"{first.meter.hex()} {first.sequence}")
            _release_older_than_application(db)

        await self.write(add)

    async def waiting_messages(self) -> list[WaitingMessage]:
        """Return the messages without an answer, oldest first."""

        def query(db: sqlite3.Connection) -> list[WaitingMessage]:
            rows = db.execute("SELECT id, purpose, envelope FROM message WHERE outcome IS NULL ORDER BY number")
            return [WaitingMessage(UUID(row[0]), row[1], row[2]) for row in rows]

        return await self.read(query)

    async def answer_message(self, message: UUID, outcome: str, answer: str) -> None:
        """Record the hub's answer to a message."""

        def settle(db: sqlite3.Connection) -> None:
            db.execute("UPDATE message SET outcome = ?, answer = ? WHERE id = ?", (outcome, answer, str(message)))

        await self.write(settle)

    async def message_outcome(self, purpose: str) -> str | None:
        """Return what became of the last message for ``purpose``: waiting, done, refused; None: there is none."""

        def query(db: sqlite3.Connection) -> str | None:
            row = db.execute(
                "SELECT coalesce(outcome, 'waiting') FROM message WHERE purpose = ? ORDER BY number DESC LIMIT 1",
                (purpose,),
            ).fetchone()
            return None if row is None else str(row[0])

        return await self.read(query)

    async def add_client(self, token_hash: str, name: str, paired_at: int, next_code: str) -> None:
        """Remember a paired client and, in the same step, the pairing code of the next one."""

        def add(db: sqlite3.Connection) -> None:
            values = (token_hash, name, paired_at)
            db.execute("INSERT INTO client (token_hash, name, paired_at) VALUES (?, ?, ?)", values)
            _set_note(db, "pairing_code", next_code)

        await self.write(add)

    async def forget_clients(self, name: str, *, but: str) -> set[str]:
        """Forget the clients of a name, except the one with the token hash ``but``; return their token hashes."""

        def forget(db: sqlite3.Connection) -> set[str]:
            which = "name = ? AND token_hash <> ? AND revoked_at IS NULL"
            found = db.execute(f"DELETE FROM client WHERE {which} RETURNING token_hash", (name, but))  # noqa: S608
            return {row[0] for row in found.fetchall()}

        return await self.write(forget)

    async def clients(self) -> list[StoredClient]:
        """Return all who were ever paired, also those whose token was revoked, in their order."""

        def query(db: sqlite3.Connection) -> list[StoredClient]:
            columns = "token_hash, name, paired_at, seen_at, revoked_at, revoked_by"
            found = db.execute(f"SELECT {columns} FROM client ORDER BY paired_at, token_hash")  # noqa: S608 - ours
            return [StoredClient(*row) for row in found]

        return await self.read(query)

    async def see_client(self, token_hash: str, at: int) -> None:
        """Remember that a client was heard of."""
        await self.write(
            lambda db: db.execute("UPDATE client SET seen_at = ? WHERE token_hash = ?", (at, token_hash))
        )

    async def revoke_client(self, token_hash: str, at: int, by: str) -> None:
        """Remember that a client's token counts no more, and who said so."""
        values = (at, by, token_hash)
        await self.write(
            lambda db: db.execute("UPDATE client SET revoked_at = ?, revoked_by = ? WHERE token_hash = ?", values)
        )

    async def note(self, name: str) -> str | None:
        """Return a remembered text."""

        def query(db: sqlite3.Connection) -> str | None:
            row = db.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
            return None if row is None else str(row[0])

        return await self.read(query)

    async def set_note(self, name: str, value: str) -> None:
        """Remember a text under a name."""
        await self.write(lambda db: _set_note(db, name, value))

    async def write[T](self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Carry out ``change`` in one durable transaction and return what it returns."""

        def transaction() -> T:
            db = self._connection()
            db.execute("BEGIN IMMEDIATE")
            try:
                result = change(db)
                db.execute("COMMIT")
            except BaseException:
                # SQLite has already rolled back after some errors, a full disk among them.
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            return result

        try:
            return await self._run(transaction)
        except sqlite3.Error as error:
            self.trouble = str(error)
            raise

    async def has_room(self) -> None:
        """Try whether there is room for new readings, and end the trouble if so; errors are those of `sqlite3`."""

        def probe(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO note VALUES ('probe', zeroblob(65536))")
            db.execute("DELETE FROM note WHERE name = 'probe'")

        await self.write(probe)
        self.trouble = None

    async def read[T](self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``query`` finds."""
        return await self._run(lambda: query(self._connection()))

    async def _run[T](self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            raise sqlite3.ProgrammingError("the store is closed")
        return self._opened

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Readings tell when somebody is at home, and the pairing code lets in: for the owner only.
        self._path.touch(mode=0o600)
        self._path.chmod(0o600)
        db = sqlite3.connect(self._path, isolation_level=None, timeout=10)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        migrate(db, FILE)
        self._opened = db

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def _before(db: sqlite3.Connection, start: int, first: Registers) -> list[Registers]:
    """Return the registers at the quarters of an hour from ``start`` to the ``first`` reading that is kept.

    Within a gap that was spread over several quarters they are left out: nobody knows.
    """
    rows = db.execute(
        "SELECT start, export_wh, import_wh, generation_wh, is_estimated FROM quarter"
        " WHERE start >= ? AND start < ? ORDER BY start DESC",
        (start, first.measured_at),
    )
    found: list[Registers] = []
    registers, later_estimated = first, False
    for quarter, export_wh, import_wh, generation_wh, is_estimated in rows:
        seconds = min(first.measured_at - quarter, 900)
        if found and later_estimated and is_estimated:
            found.pop()
        registers = Registers(
            quarter,
            registers.export_wh - export_wh * seconds // 900,
            registers.import_wh - import_wh * seconds // 900,
            registers.generation_wh - generation_wh * seconds // 900,
        )
        found.append(registers)
        later_estimated = bool(is_estimated)
    return found[::-1]


def _count_waiting(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM frame WHERE outcome IS NULL").fetchone()[0])


def _release_older_than_application(db: sqlite3.Connection) -> None:
    """Owe the hub no frame that the applied-for meter made before the one that its application carried."""
    row = db.execute("SELECT value FROM note WHERE name = ?", (_APPLIED_WITH,)).fetchone()
    if row is not None:
        meter, _, sequence = str(row[0]).partition(" ")
        db.execute(
            "UPDATE frame SET outcome = 'before_application'"
            " WHERE outcome IS NULL AND sequence < ? AND substr(frame, 5, 32) = ?",
            (int(sequence), bytes.fromhex(meter)),
        )


def _insert_message(db: sqlite3.Connection, message: UUID, purpose: str, envelope: bytes) -> None:
    db.execute("INSERT INTO message (id, purpose, envelope) VALUES (?, ?, ?)", (str(message), purpose, envelope))


def _set_note(db: sqlite3.Connection, name: str, value: str) -> None:
    db.execute(
        "INSERT INTO note VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
    )
