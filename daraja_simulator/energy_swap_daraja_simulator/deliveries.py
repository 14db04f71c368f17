"""Callbacks on their way out: each is tried exactly once, whatever the receiver answers."""

import logging
from dataclasses import dataclass
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from .books import Books
from .business import Business
from .clock import Clock, to_micros

_LOGGER: Final = logging.getLogger(__name__)
_PATIENCE: Final = ClientTimeout(total=10)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The one-shot postman."""

    books: Books
    business: Business
    clock: Clock

    def take_due(self) -> list[tuple[int, str, bytes]]:
        """Return the due callbacks, already marked as tried: a crash in between loses them, as in life."""
        now = to_micros(self.clock())
        due = self.books.rows(
            "SELECT number, url, body FROM delivery"
            " WHERE attempted_at IS NULL AND due_at <= ? ORDER BY due_at LIMIT 100",
            now,
        )
        if not due:
            return []
        with self.books.transaction():
            for row in due:
                self.books.change(
                    "UPDATE delivery SET attempted_at = ?, outcome = 'lost' WHERE number = ?", now, row["number"]
                )
        return [(row["number"], row["url"], row["body"]) for row in due]

    async def deliver(self, session: ClientSession, number: int, url: str, body: bytes) -> None:
        """Try one callback."""
        headers = {"Content-Type": "application/json;charset=UTF-8", "Businessshortcode": self.business.short_code}
        try:
            async with session.post(url, data=body, headers=headers, timeout=_PATIENCE) as response:
                outcome = str(response.status)
        except (ClientError, TimeoutError, OSError) as error:
            outcome = type(error).__name__
        if outcome != "200":
            _LOGGER.warning("A callback was not taken (%s) and is lost", outcome)
        self.books.change("UPDATE delivery SET outcome = ? WHERE number = ?", outcome, number)
