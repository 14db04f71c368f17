"""What happened, as Home Assistant is told: kept on disk, numbered, each event once."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from .store import Store

_LOGGER = logging.getLogger(__name__)
KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened at ``at`` (Unix seconds); ``source`` is the same whenever it is told again."""

    source: str
    kind: str
    at: int
    data: dict[str, Any]


class EventLog:
    """The household's events. ``listeners`` are called with each new one, after it is on disk."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.listeners: list[Callable[[dict[str, Any]], None]] = []

    async def add(self, news: Sequence[News]) -> list[dict[str, Any]]:
        """Keep what was not known, tell the listeners, and return it as the local API does."""

        def work(db: sqlite3.Connection) -> list[dict[str, Any]]:
            added = []
            for one in news:
                row = db.execute(
                    "INSERT OR IGNORE INTO event (source, kind, at, data) VALUES (?, ?, ?, ?) RETURNING id",
                    (one.source, one.kind, one.at, msgspec.json.encode(one.data).decode()),
                ).fetchone()
                if row is not None:
                    added.append({"id": row[0], "kind": one.kind, "at": one.at, "data": one.data})
            if added:
                db.execute("DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?", (KEPT,))
            return added

        added = await self._store.write(work)
        for event in added:
            _LOGGER.debug("event %d: %s", event["id"], event["kind"])
            for listener in self.listeners:
                listener(event)
        return added

    async def last(self) -> int:
        """Return the number of the newest event, 0 before the first."""
        newest = "SELECT coalesce(max(id), 0) FROM event"
        return await self._store.read(lambda db: int(db.execute(newest).fetchone()[0]))

    async def newest(self, kind: str) -> dict[str, Any] | None:
        """Return the newest event of a kind, None before the first."""
        query = "SELECT id, kind, at, data FROM event WHERE kind = ? ORDER BY id DESC LIMIT 1"
        row = await self._store.read(lambda db: db.execute(query, (kind,)).fetchone())
        if row is None:
            return None
        return {"id": row[0], "kind": row[1], "at": row[2], "data": msgspec.json.decode(row[3])}

    async def after(self, event_id: int, limit: int = 500) -> list[dict[str, Any]]:
        """Return the events after number ``event_id``, oldest first, at most ``limit``."""

        def query(db: sqlite3.Connection) -> list[dict[str, Any]]:
            rows = db.execute(
                "SELECT id, kind, at, data FROM event WHERE id > ? ORDER BY id LIMIT ?",
                # SQLite's integers end here; a larger number has nothing after it.
                (min(event_id, 2**63 - 1), limit),
            )
            return [
                {"id": row[0], "kind": row[1], "at": row[2], "data": msgspec.json.decode(row[3])} for row in rows
            ]

        return await self._store.read(query)
