"""What the hub's death does not touch: the time, and what households have signed and been answered."""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from energy_swap_protocol.message import Envelope


class Outside:
    """The world's own memory, in a file that outlives a killed process."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "outside.sqlite", isolation_level=None)
        # SIGKILL takes nothing that the file system has; nobody pulls the machine's plug.
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("CREATE TABLE IF NOT EXISTS position(one INTEGER PRIMARY KEY, tick INT, phase INT)")
        self._db.execute("CREATE TABLE IF NOT EXISTS said(id TEXT PRIMARY KEY, envelope BLOB)")
        self._db.execute("CREATE TABLE IF NOT EXISTS answered(id TEXT PRIMARY KEY, answer TEXT)")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @property
    def position(self) -> tuple[int, int]:
        """The tick and the phase of it that the world is in."""
        row = self._db.execute("SELECT tick, phase FROM position").fetchone()
        return (0, 0) if row is None else (row[0], row[1])

    def go_to(self, tick: int, phase: int) -> None:
        """Go on to a phase of a tick."""
        self._db.execute("INSERT OR REPLACE INTO position VALUES(1, ?, ?)", (tick, phase))

    def said(self, message_id: str) -> Envelope | None:
        """Return a message as it was signed."""
        row = self._db.execute("SELECT envelope FROM said WHERE id = ?", (message_id,)).fetchone()
        return None if row is None else msgspec.msgpack.decode(row[0], type=Envelope)

    def say(self, message_id: str, envelope: Envelope) -> None:
        """Keep a signed message before it is first sent."""
        self._db.execute("INSERT INTO said VALUES(?, ?)", (message_id, msgspec.msgpack.encode(envelope)))

    def is_anything_unanswered(self) -> bool:
        """Whether a household has signed a message and has no answer."""
        query = "SELECT 1 FROM said WHERE id NOT IN (SELECT id FROM answered) LIMIT 1"
        return self._db.execute(query).fetchone() is not None

    def is_answered(self, message_id: str) -> bool:
        """Whether the hub has answered a message."""
        return self._db.execute("SELECT 1 FROM answered WHERE id = ?", (message_id,)).fetchone() is not None

    def answer(self, message_id: str, answer: Mapping[str, Any]) -> None:
        """Keep the hub's answer to a message."""
        text = json.dumps(answer, sort_keys=True, default=str)
        self._db.execute("INSERT INTO answered VALUES(?, ?)", (message_id, text))

    def answers(self) -> list[tuple[str, str]]:
        """Return all answers, by message."""
        return self._db.execute("SELECT id, answer FROM answered ORDER BY id").fetchall()
