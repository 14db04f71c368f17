"""The settlement's own task: whatever the schedule says is due is done, one transaction per step."""

import asyncio
import logging
import traceback
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, select

from energy_swap_hub import ledger
from energy_swap_hub.changes import Changes
from energy_swap_hub.membership.households import households
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.storage import Database, LeaseLost

from . import departures, suspensions
from .auctions import end_auctions
from .desk import Desk
from .gates import close_gate
from .invoices import SAGA, invoice_month, schedule_invoices
from .leaving import leave
from .machine import WAITING, Next, Rule, Work, due_work, record_failure, schedule, take_step
from .payouts import pay_out, payable_kes
from .periods import book_next_period, next_period
from .reconciliation import reconcile_day
from .reviews import open_review
from .rewards import fund_day, is_over, pay_rewards
from .settings import calendar_of, rules, settings_at
from .spot import expire_orders
from .spot_tables import IS_OPEN, spot_order
from .tables import auction
from .totals import due_cents
from .uptime import STAMP, come_up, stay_up
from .words import EAST_AFRICA

_LOG = logging.getLogger(__name__)
_CADENCE_SECONDS: Final = 0.05
_AFTER_ERROR_SECONDS: Final = 5.0
_TOLD_BY: Final = timedelta(hours=1)  # what M-Pesa tells of a day it has told by then


class Settlement:
    """Does what is due: periods, gates, ends of orders and auctions, days, payouts, rewards, reconciliation."""

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
        self._up_since: datetime | None = None  # none: not taken up yet
        self._seen_at = clock()
        self._rules: dict[str, Rule] = {
            "days": self._close_days,
            "gate": self._close_gate,
            "period": self._book,
            "orders": self._expire_orders,
            "auctions": self._end_auctions,
            "payouts": self._pay_out_evening,
            "rewards": self._reward,
            "reconciliation": self._reconcile,
            suspensions.SAGA: self._suspend,
            departures.SAGA: self._leave,
            SAGA: self._invoice,
        }

    async def run(self) -> None:
        """Work until cancelled. What a killed hub left undone is due at its next start."""
        while True:
            try:
                is_changed = await self.advance()
            except LeaseLost:
                raise
            except Exception:  # noqa: BLE001 - the process's edge: even a review that cannot be stored ends nothing
                _LOG.exception("settlement could not advance; it tries again")
                await asyncio.sleep(_AFTER_ERROR_SECONDS)
                continue
            if not is_changed:
                await asyncio.sleep(_CADENCE_SECONDS)

    async def advance(self) -> bool:
        """Take one step of everything that is due now and return whether any could be taken.

        A step that fails rests for a while and is put in front of a person; the others go on.
        """
        now, community_id = self._clock(), self._desk.community.id
        await self._say_up(now)
        due = await self._database.read(lambda c: due_work(c, community_id, now))
        # What needs to ask the chain first is the chain watch's.
        done = [await self._step(work, now) for work in due if work.kind in self._rules]
        if any(done):
            self._changes.mark()
            self._wake()
        return any(done)

    async def _say_up(self, now: datetime) -> None:
        """Take the work up at first, and store now and then that the hub is there to do it."""
        since, community_id = self._up_since, self._desk.community.id
        if since is None:
            self._up_since = await self._database.write(lambda c: self._take_up(c, now))
        elif now - self._seen_at >= STAMP:
            await self._database.write(lambda c: stay_up(c, community_id, since, now))
        else:
            return
        self._seen_at = now

    async def _step(self, work: Work, now: datetime) -> bool:
        community_id, rule = self._desk.community.id, self._rules[work.kind]
        try:
            return await self._database.write(lambda c: take_step(c, community_id, work, rule, now))
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - one bad step must not end all settlement
            _LOG.exception("settlement could not do %s %s; it tries again", work.kind, work.subject)
            subject, evidence = _failure(work, error)

        def tell(connection: Connection) -> None:
            record_failure(connection, community_id, work, evidence["error"], now)
            open_review(
                connection, community_id, kind="settlement_failed", subject=subject, evidence=evidence, now=now
            )

        await self._database.write(tell)
        self._changes.mark()
        return False

    def _take_up(self, connection: Connection, now: datetime) -> datetime:
        """Schedule what always is, for a new or an old community; return since when the hub has been up."""
        community = self._desk.community
        period = next_period(connection, community)
        schedule(connection, community.id, "period", period.id, period.end)
        schedule(connection, community.id, "days", "close", now)
        schedule(connection, community.id, "orders", "expiry", now)
        schedule(connection, community.id, "auctions", "end", now)
        today = now.astimezone(EAST_AFRICA).date()
        schedule(connection, community.id, "payouts", today.isoformat(), self._evening(connection, today))
        schedule_invoices(connection, community)
        schedule(connection, community.id, "reconciliation", "day", _midnight_after(today) + _TOLD_BY)
        if community.rewards is not None:
            schedule(connection, community.id, "rewards", today.isoformat(), self._day_booked(connection, today))
        return come_up(connection, community.id, self._seen_at)

    def _close_days(self, connection: Connection, _work: Work, now: datetime) -> Next:
        ledger.close_days(connection, self._desk.community.id, EAST_AFRICA, now)
        return Next(WAITING, _midnight_after(now.astimezone(EAST_AFRICA).date()))

    def _book(self, connection: Connection, work: Work, now: datetime) -> Next | None:
        community = self._desk.community
        booked = book_next_period(connection, community, now, self._up_since)
        if booked is None:
            return None
        if booked.id != work.subject:
            raise RuntimeError(f"{booked.id} was to be booked next, not {work.subject}")
        following = calendar_of(connection, community).after(booked)
        schedule(connection, community.id, "period", following.id, following.end)
        return Next("booked")

    def _close_gate(self, connection: Connection, work: Work, now: datetime) -> Next:
        community = self._desk.community
        close_gate(connection, community, calendar_of(connection, community).named(work.subject), now)
        return Next("closed")

    def _expire_orders(self, connection: Connection, _work: Work, now: datetime) -> Next:
        expire_orders(connection, self._desk.community, now)
        row = spot_order.c
        open_orders = (row.community_id == self._desk.community.id, IS_OPEN)
        return Next(WAITING, connection.execute(select(func.min(row.valid_until)).where(*open_orders)).scalar())

    def _end_auctions(self, connection: Connection, _work: Work, now: datetime) -> Next:
        end_auctions(connection, self._desk.community, now)
        row = auction.c
        open_auctions = (row.community_id == self._desk.community.id, row.status == "open")
        return Next(WAITING, connection.execute(select(func.min(row.ends_at)).where(*open_auctions)).scalar())

    def _suspend(self, connection: Connection, work: Work, now: datetime) -> Next | None:
        return suspensions.freeze_when_clear(connection, self._desk.community, work, now)

    def _invoice(self, connection: Connection, work: Work, now: datetime) -> Next:
        return invoice_month(connection, self._desk.community, work, now)

    def _leave(self, connection: Connection, work: Work, now: datetime) -> Next | None:
        return leave(connection, self._desk, work, now)

    def _evening(self, connection: Connection, day: date) -> datetime:
        begins = datetime(day.year, day.month, day.day, tzinfo=EAST_AFRICA)
        return begins.replace(hour=settings_at(connection, self._desk.community, begins).payout_hour)

    def _pay_out_evening(self, connection: Connection, work: Work, now: datetime) -> Next | None:
        """Once a day, send the sellers what they earned net of what they bought."""
        community, day = self._desk.community, date.fromisoformat(work.subject)
        # Only when the day until then is booked: a payout must not depend on which of the two came first.
        if next_period(connection, community).start < self._evening(connection, day):
            return None
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
        tomorrow = day + timedelta(days=1)
        schedule(connection, community.id, "payouts", tomorrow.isoformat(), self._evening(connection, tomorrow))
        return Next("ordered")

    def _reconcile(self, connection: Connection, _work: Work, now: datetime) -> Next:
        """Once a day, compare the day before with M-Pesa's own account of it."""
        reconcile_day(connection, self._desk.mpesa, self._desk.community.id, now)
        return Next(WAITING, _midnight_after(now.astimezone(EAST_AFRICA).date()) + _TOLD_BY)

    def _day_booked(self, connection: Connection, day: date) -> datetime:
        """When the day's last period waits for no reading any more."""
        over, through_time = _midnight_after(day), rules(connection, self._desk.community)
        last = through_time.calendar.before(through_time.calendar.at(over))
        return over + timedelta(minutes=through_time.at(last.start).grace_minutes)

    def _reward(self, connection: Connection, work: Work, now: datetime) -> Next | None:
        """Once a day, fill the community's fund and pay rewards out of it."""
        community, day = self._desk.community, date.fromisoformat(work.subject)
        if community.rewards is None:
            return Next("no_policy")
        if not is_over(connection, community, day):
            return None
        fund_day(connection, community, day, now)
        pay_rewards(connection, community, day, now)
        tomorrow = day + timedelta(days=1)
        schedule(connection, community.id, "rewards", tomorrow.isoformat(), self._day_booked(connection, tomorrow))
        return Next("paid")


def _midnight_after(day: date) -> datetime:
    following = day + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=EAST_AFRICA)


def _failure(work: Work, error: Exception) -> tuple[str, dict[str, str]]:
    """Return a subject that is the same for the same mistake, and what to know about it.

    Texts differ from try to try and may name rows, so the place of the mistake identifies it. Only the first line
    is shown: what a database adds below are the values of a statement.
    """
    place = traceback.extract_tb(error.__traceback__)[-1].name
    words = f"{type(error).__name__}: {error}".splitlines()[0]
    subject = f"{work.kind} {work.subject}: {type(error).__name__} in {place}"
    return subject, {"kind": work.kind, "subject": work.subject, "error": words[:300]}
