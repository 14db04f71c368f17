"""The agenda: what the simulator does by itself, in the order of its times, each step once."""

from collections.abc import Callable
from datetime import datetime

from .books import Books
from .clock import Clock, from_micros, to_micros

type Step = Callable[[str, datetime], None]


class Agenda:
    """Durable steps; each kind has a function that takes the subject and the time at which the step is due."""

    def __init__(self, books: Books, clock: Clock) -> None:
        self._books = books
        self._clock = clock
        self._steps: dict[str, Step] = {}

    def teach(self, kind: str, step: Step) -> None:
        """Say what to do about steps of a kind. It runs in a transaction of its own."""
        self._steps[kind] = step

    def advance(self) -> None:
        """Take every step whose time has come, also those that become due on the way."""
        now = to_micros(self._clock())
        while task := self._books.row("SELECT * FROM task WHERE due_at <= ? ORDER BY due_at, number LIMIT 1", now):
            with self._books.transaction():
                self._books.change("DELETE FROM task WHERE number = ?", task["number"])
                self._steps[task["kind"]](task["subject"], from_micros(task["due_at"]))

    def next_due(self) -> datetime | None:
        """Return the time of the next step or delivery."""
        row = self._books.row(
            "SELECT min(due_at) AS at FROM (SELECT min(due_at) AS due_at FROM task"
            " UNION ALL SELECT min(due_at) FROM delivery WHERE attempted_at IS NULL)"
        )
        return None if row is None or row["at"] is None else from_micros(row["at"])
