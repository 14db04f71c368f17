"""Callbacks on their way out: each is tried exactly once, whatever the receiver answers."""

import asyncio
import contextlib
import io
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from .books import Books
from .business import Business
from .chance import Chance
from .clock import Clock, to_micros
from .faults import Faults
from .mangle import hostile, odd_items, other_prose, other_types
from .rules import RuleBook

_LOGGER: Final = logging.getLogger(__name__)
_PATIENCE_SECONDS: Final = 10.0
_FORWARDED: Final = {"forged": "196.201.214.200, 203.0.113.9", "garbage": "unknown, <script>, ::::"}
_SHOWN_ANSWER: Final = 10_000

type Listener = Callable[[str, bytes | None], None]


class Deliveries:
    """The one-shot postman. ``channel`` is the product that a callback belongs to."""

    def __init__(
        self, books: Books, business: Business, rules: RuleBook, faults: Faults, chance: Chance, clock: Clock
    ) -> None:
        self._books = books
        self._business = business
        self._rules = rules
        self._faults = faults
        self._chance = chance
        self._clock = clock
        self._listeners: dict[str, Listener] = {}

    def teach(self, channel: str, listener: Listener) -> None:
        """Say who wants the answers (``None``: there was none) to the messages of a channel."""
        self._listeners[channel] = listener

    def owe(
        self,
        url: str,
        body: dict[str, Any],
        due_at: datetime,
        *,
        channel: str,
        subject: str = "",
        phone: str = "",
        bound: str = "",
    ) -> None:
        """Owe ``url`` this callback, with whatever is to go wrong with it. Call inside a transaction."""

        def happens(number: str) -> str | None:
            happening = self._faults.happens(number, channel, phone=phone, bound=bound)
            return None if happening is None else happening.variant

        if happens("F02") or (channel == "b2c" and happens("F18")):
            return
        if happens("F08"):
            body = other_prose(body)
        if happens("F10"):
            body = odd_items(body, self._chance.of("odd items"))
        if happens("F09"):
            body = other_types(body)
        variant = happens("F32")
        raw = msgspec.json.encode(body) if variant is None else hostile(body, variant)
        manner = "cut" if happens("F03") else happens("F26") or ""
        self._insert(url, raw, due_at, channel, subject, manner)
        if again := self._faults.happens("F04", channel, phone=phone, bound=bound):
            later = timedelta(seconds=1 if again.seconds is None else again.seconds)
            self._insert(url, raw, due_at + later, channel, subject, "")

    def post(self, url: str, body: dict[str, Any], due_at: datetime, *, channel: str, subject: str) -> None:
        """Owe ``url`` a message that no fault touches."""
        self._insert(url, msgspec.json.encode(body), due_at, channel, subject, "")

    def replay(self, number: int) -> bool:
        """Send a callback once more, as an attacker or a confused system would; false if there is none."""
        row = self._books.row("SELECT * FROM delivery WHERE number = ?", number)
        if row is not None:
            self._insert(row["url"], row["body"], self._clock(), row["channel"], row["subject"], "")
        return row is not None

    def hold(self, number: int, until: datetime) -> bool:
        """Keep a callback that is not yet on its way back until a time; false if there is none."""
        return bool(
            self._books.change(
                "UPDATE delivery SET due_at = ? WHERE number = ? AND attempted_at IS NULL",
                to_micros(until),
                number,
            )
        )

    def drop(self, number: int) -> bool:
        """Lose a callback that is not yet on its way; false if there is none."""
        now = to_micros(self._clock())
        return bool(
            self._books.change(
                "UPDATE delivery SET attempted_at = ?, outcome = 'dropped'"
                " WHERE number = ? AND attempted_at IS NULL",
                now,
                number,
            )
        )

    async def deliver_due(self, session: ClientSession) -> int:
        """Try every callback that is due, one after the other; return how many there were."""
        due = self._take_due()
        for number in due:
            await self._deliver(session, number)
        return len(due)

    def start_due(self, session: ClientSession, group: asyncio.TaskGroup) -> None:
        """Try every callback that is due, each as a task of its own."""
        for number in self._take_due():
            group.create_task(self._deliver(session, number))

    def recover(self) -> None:
        """After a crash: whoever still waits for an answer gets none."""
        for row in self._books.rows("SELECT * FROM delivery WHERE outcome = 'lost' AND channel = 'validation'"):
            self._tell(row["channel"], row["subject"], None)

    def _insert(self, url: str, raw: bytes, due_at: datetime, channel: str, subject: str, manner: str) -> None:
        self._books.insert(
            "delivery",
            {"url": url, "body": raw, "due_at": due_at, "channel": channel, "subject": subject, "manner": manner},
        )

    def _take_due(self) -> list[int]:
        """Return the due callbacks, already marked as tried: a crash in between loses them, as in life."""
        time = self._clock()
        now = to_micros(time)
        if (until := self._faults.outage_until) is not None and time < until:
            self._books.change(
                "UPDATE delivery SET due_at = ? WHERE attempted_at IS NULL AND due_at < ?",
                to_micros(until),
                to_micros(until),
            )
            return []
        due = self._books.rows(
            "SELECT number FROM delivery WHERE attempted_at IS NULL AND due_at <= ?"
            " ORDER BY due_at, number LIMIT 100",
            now,
        )
        if due:
            with self._books.transaction():
                for row in due:
                    self._books.change(
                        "UPDATE delivery SET attempted_at = ?, outcome = 'lost' WHERE number = ?",
                        now,
                        row["number"],
                    )
        return [row["number"] for row in due]

    async def _deliver(self, session: ClientSession, number: int) -> None:
        row = self._books.row("SELECT * FROM delivery WHERE number = ?", number)
        if row is None:
            return
        headers = {
            "Content-Type": "application/json;charset=UTF-8",
            "Businessshortcode": self._business.short_code,
        }
        if row["manner"] in _FORWARDED:
            headers["X-Forwarded-For"] = _FORWARDED[row["manner"]]
        patience = _PATIENCE_SECONDS
        if row["channel"] == "validation":
            patience = self._rules.now.validation_patience_seconds
        told: bytes | None = None
        try:
            if row["manner"] == "cut":
                outcome = "cut"
                await _send_half(row["url"], headers, row["body"])
            else:
                async with session.post(
                    URL(row["url"], encoded=True),  # the path arrives as it was given
                    data=io.BytesIO(row["body"]),
                    headers=headers,
                    timeout=ClientTimeout(total=patience),
                    allow_redirects=False,
                ) as response:
                    outcome = str(response.status)
                    told = await response.content.read(_SHOWN_ANSWER)
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            outcome = type(error).__name__
        if outcome != "200":
            _LOGGER.warning("A callback was not taken (%s) and is lost", outcome)
        self._books.change("UPDATE delivery SET outcome = ?, answer = ? WHERE number = ?", outcome, told, number)
        self._tell(row["channel"], row["subject"], told if outcome == "200" else None)

    def _tell(self, channel: str, subject: str, told: bytes | None) -> None:
        if listener := self._listeners.get(channel):
            with self._books.transaction():
                listener(subject, told)


async def _send_half(url: str, headers: dict[str, str], body: bytes) -> None:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    _, writer = await asyncio.open_connection(parts.hostname, port, ssl=parts.scheme == "https" or None)
    lines = [f"POST {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body[: len(body) // 2])
    await writer.drain()
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
