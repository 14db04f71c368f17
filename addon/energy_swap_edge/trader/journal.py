"""Every decision of the trader with its reason, each taken once, whatever happens in between."""

import sqlite3
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec

from energy_swap_edge.store import Store

from .strategies import Because

LIMITS_PURPOSE: Final = "trader limits"
SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """A decision: ``subject`` names what was decided, ``cents`` is the most that it can cost."""

    subject: str
    at: int
    strategy: str
    kind: str  # limits, offer, off
    sentence: str
    numbers: dict[str, Any]
    because: tuple[Because, ...]
    cents: int = 0
    message: UUID | None = None


@dataclass(frozen=True, slots=True)
class OpenOffer:
    """An offer whose end is not known: without ``envelope`` it was never sent."""

    subject: str
    at: int
    message: UUID
    numbers: dict[str, Any]
    envelope: bytes | None


class Journal:
    """The decision table of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def decide(self, entry: Entry, envelope: bytes | None = None) -> bool:
        """Write a decision down and, with ``envelope``, put its message of limits into the outbox with it.

        Return False, and change nothing, when its subject was decided before. Limits that still wait are replaced.
        """

        def work(db: sqlite3.Connection) -> bool:
            outcome = "done" if entry.kind != "offer" else None
            row = db.execute(
                "INSERT OR IGNORE INTO decision"
                " (subject, at, strategy, kind, sentence, because, numbers, cents, message, outcome)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (
                    entry.subject, entry.at, entry.strategy, entry.kind, entry.sentence,
                    msgspec.json.encode(entry.because).decode(),
                    msgspec.json.encode(entry.numbers).decode(), entry.cents,
                    None if entry.message is None else str(entry.message), outcome,
                ),
            ).fetchone()  # fmt: skip
            if row is None:
                return False
            if envelope is not None:
                db.execute(
                    "UPDATE message SET outcome = 'refused', answer = 'replaced by newer limits'"
                    " WHERE purpose = ? AND outcome IS NULL",
                    (LIMITS_PURPOSE,),
                )
                db.execute(
                    "INSERT INTO message (id, purpose, envelope) VALUES (?, ?, ?)",
                    (str(entry.message), LIMITS_PURPOSE, envelope),
                )
            return True

        return await self._store.write(work)

    async def sealed(self, subject: str, envelope: bytes) -> None:
        """Keep the exact bytes of an offer before it is sent for the first time."""
        keep = "UPDATE decision SET envelope = ? WHERE subject = ? AND envelope IS NULL"
        await self._store.write(lambda db: db.execute(keep, (envelope, subject)))

    async def ended(self, subject: str, outcome: str, answer: str) -> None:
        """Write down what became of an offer."""
        keep = "UPDATE decision SET outcome = ?, answer = ? WHERE subject = ?"
        await self._store.write(lambda db: db.execute(keep, (outcome, answer, subject)))

    async def open_offers(self) -> list[OpenOffer]:
        """Return the offers whose end is not known, oldest first."""

        def query(db: sqlite3.Connection) -> list[OpenOffer]:
            rows = db.execute(
                "SELECT subject, at, message, numbers, envelope FROM decision"
                " WHERE kind = 'offer' AND outcome IS NULL ORDER BY id"
            )
            return [
                OpenOffer(subject, at, UUID(message), msgspec.json.decode(numbers), envelope)
                for subject, at, message, numbers, envelope in rows
            ]

        return await self._store.read(query)

    async def is_decided(self, subject: str) -> bool:
        """Whether a subject was decided."""
        ask = "SELECT 1 FROM decision WHERE subject = ?"
        return await self._store.read(lambda db: db.execute(ask, (subject,)).fetchone() is not None)

    async def offers(self) -> set[str]:
        """Return the ids of the newest offers: those of its orders that may be open."""
        ask = "SELECT message FROM decision WHERE kind = 'offer' ORDER BY id DESC LIMIT 100"
        return await self._store.read(lambda db: {row[0] for row in db.execute(ask)})

    async def newest(self, limit: int = SHOWN) -> list[dict[str, Any]]:
        """Return the newest decisions as the local API shows them, newest first."""

        def query(db: sqlite3.Connection) -> list[dict[str, Any]]:
            rows = db.execute(
                "SELECT at, strategy, kind, sentence, because, numbers, outcome, answer FROM decision"
                " ORDER BY id DESC LIMIT ?",
                (limit,),
            )
            names = ("at", "strategy", "kind", "sentence", "because", "numbers", "outcome", "answer")
            return [
                dict(zip(names, row, strict=True))
                | {"because": msgspec.json.decode(row[4]), "numbers": msgspec.json.decode(row[5])}
                for row in rows
            ]

        return await self._store.read(query)

    async def keep_simulation(self, strategy: str, at: int, result: dict[str, Any]) -> None:
        """Remember that a strategy was tried on the past, and what came of it."""
        keep = "INSERT OR REPLACE INTO simulation VALUES (?, ?, ?)"
        text = msgspec.json.encode(result).decode()
        await self._store.write(lambda db: db.execute(keep, (strategy, at, text)))

    async def simulated_at(self, strategy: str) -> int | None:
        """Return when a strategy was last tried on the past."""

        def query(db: sqlite3.Connection) -> int | None:
            row = db.execute("SELECT at FROM simulation WHERE strategy = ?", (strategy,)).fetchone()
            return None if row is None else int(row[0])

        return await self._store.read(query)
