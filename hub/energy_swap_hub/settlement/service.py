"""The settlement's own task: whatever is due by the clock is done, one transaction at a time."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

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
from .spot import expire_orders
from .tables import payout_day
from .totals import due_cents

_LOG = logging.getLogger(__name__)
_CADENCE_SECONDS: Final = 0.05
_AFTER_ERROR_SECONDS: Final = 5.0
EAST_AFRICA: Final = ZoneInfo("Africa/Nairobi")


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

    async def run(self) -> None:
        """Work until cancelled. What a killed hub left undone is due at its next start."""
        while True:
            try:
                is_changed = await self.advance()
            except Exception:  # noqa: BLE001 - the process's edge: one bad step must not end all settlement
                _LOG.exception("settlement could not advance; it tries again")
                await asyncio.sleep(_AFTER_ERROR_SECONDS)
                continue
            if not is_changed:
                await asyncio.sleep(_CADENCE_SECONDS)

    async def advance(self) -> bool:
        """Do the next of what is due now, in one transaction; return whether there was anything."""
        is_changed = await self._database.write(self._advance)
        if is_changed:
            self._changes.mark()
            self._wake()
        return is_changed

    def _advance(self, connection: Connection) -> bool:
        now, community = self._clock(), self._desk.community
        booked = book_next_period(connection, community, now)
        expired = expire_orders(connection, community, now)
        ended = end_auctions(connection, community, now)
        paid = self._pay_out_evening(connection, now)
        return bool(booked or expired or ended or paid)

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
