"""The settlement's own task: whatever is due by the clock is done, one transaction per part."""

import asyncio
import logging
import traceback
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select

from energy_swap_hub import ledger
from energy_swap_hub.changes import Changes
from energy_swap_hub.membership.households import households
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.storage import Database

from .auctions import end_auctions
from .messages import Desk, pay_out
from .payments import payable_kes
from .periods import book_next_period, next_period
from .reviews import open_review
from .spot import expire_orders
from .tables import payout_day
from .totals import due_cents
from .words import EAST_AFRICA

_LOG = logging.getLogger(__name__)
_CADENCE_SECONDS: Final = 0.05
_AFTER_ERROR_SECONDS: Final = 5.0


class Settlement:
    """Books periods, ends orders and auctions, and orders the evening's payouts."""

    def __init__(
        self,
        database: Database,
        desk: Desk,
        clock: Callable[[], datetime],
        changes: Changes,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock
        self._changes = changes
        self._wake = wake
        self._parts: dict[str, Callable[[Connection, datetime], bool]] = {
            "closing of days": self._close_days,
            "booking of periods": self._book,
            "expiry of orders": self._expire,
            "end of auctions": self._end_auctions,
            "evening payouts": self._pay_out_evening,
        }
        self._resting: dict[str, float] = {}  # by part, until when (the event loop's time) after it failed

    async def run(self) -> None:
        """Work until cancelled. What a killed hub left undone is due at its next start."""
        while True:
            try:
                is_changed = await self.advance()
            except Exception:  # noqa: BLE001 - the process's edge: even a review that cannot be stored ends nothing
                _LOG.exception("settlement could not advance; it tries again")
                await asyncio.sleep(_AFTER_ERROR_SECONDS)
                continue
            if not is_changed:
                await asyncio.sleep(_CADENCE_SECONDS)

    async def advance(self) -> bool:
        """Do the next of what is due now, each part in its own transaction; return whether there was anything.

        A part that fails rests for a while and is put in front of a person; the others go on.
        """
        done = [await self._do(name, part) for name, part in self._parts.items()]
        if any(done):
            self._changes.mark()
            self._wake()
        return any(done)

    async def _do(self, name: str, part: Callable[[Connection, datetime], bool]) -> bool:
        passed = asyncio.get_running_loop().time()
        if self._resting.get(name, passed) > passed:
            return False
        now = self._clock()
        try:
            return await self._database.write(lambda c: part(c, now))
        except Exception as error:  # noqa: BLE001 - one bad step must not end all settlement
            _LOG.exception("settlement could not do its %s; it tries again", name)
            self._resting[name] = passed + _AFTER_ERROR_SECONDS
            subject, evidence = _failure(name, error)
        await self._database.write(lambda c: self._tell_failure(c, subject, evidence, now))
        self._changes.mark()
        return False

    def _tell_failure(self, connection: Connection, subject: str, evidence: dict[str, str], now: datetime) -> None:
        open_review(
            connection,
            self._desk.community.id,
            kind="settlement_failed",
            subject=subject,
            evidence=evidence,
            now=now,
        )

    def _close_days(self, connection: Connection, now: datetime) -> bool:
        return bool(ledger.close_days(connection, self._desk.community.id, EAST_AFRICA, now))

    def _book(self, connection: Connection, now: datetime) -> bool:
        return book_next_period(connection, self._desk.community, now) is not None

    def _expire(self, connection: Connection, now: datetime) -> bool:
        return bool(expire_orders(connection, self._desk.community, now))

    def _end_auctions(self, connection: Connection, now: datetime) -> bool:
        return bool(end_auctions(connection, self._desk.community, now))

    def _pay_out_evening(self, connection: Connection, now: datetime) -> bool:
        """Once a day, send the sellers what they earned net of what they bought."""
        local, community = now.astimezone(EAST_AFRICA), self._desk.community
        day = local.date().isoformat()
        evening = local.replace(hour=community.payout_hour, minute=0, second=0, microsecond=0)
        # Only when the day until then is booked: a payout must not depend on which of the two came first.
        if local < evening or next_period(connection, community).start < evening:
            return False
        row = payout_day.c
        done = select(row.day).where(row.community_id == community.id, row.day == day)
        if connection.execute(done).first() is not None:
            return False
        connection.execute(insert(payout_day).values(community_id=community.id, day=day))
        for household in households(connection, community.id, status="admitted"):
            cents = ledger.wallet(connection, community.id, household.id)["kes_cents"]
            due = min(due_cents(connection, community.id, household.id), cents)
            kes = payable_kes(due, lambda kes: self._desk.charges.payout_cents(kes, now))
            if kes:
                try:
                    with connection.begin_nested():
                        pay_out(connection, self._desk, household, f"{day}/{household.id}", kes, now)
                except PaymentRefused as error:
                    _LOG.warning("no payout for %s today: %s", household.id, error)
        return True


def _failure(part: str, error: Exception) -> tuple[str, dict[str, str]]:
    """Return a subject that is the same for the same mistake, and what to know about it.

    Texts differ from try to try and may name rows, so the place of the mistake identifies it. Only the first line
    is shown: what a database adds below are the values of a statement.
    """
    place = traceback.extract_tb(error.__traceback__)[-1].name
    words = f"{type(error).__name__}: {error}".splitlines()[0]
    return f"{part}: {type(error).__name__} in {place}", {"part": part, "error": words[:300]}
