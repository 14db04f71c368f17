"""The task that tells paired phones what happened to their households: at least once each, in order, patiently.

The stored notifications are the outbox, and every phone has a cursor in it. The cursor moves when the push service
has taken the message; a hub that is killed between the two sends it again, and the phone knows it by its tag.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, exists, func, select

from energy_swap_hub.changes import Changes
from energy_swap_hub.membership.device_tables import push_subscription
from energy_swap_hub.membership.pairing import HAS_PHONE
from energy_swap_hub.membership.push_subscriptions import (
    READ,
    Subscription,
    forget_browser,
    note_told,
    read_subscription,
)
from energy_swap_hub.membership.seal import Seal
from energy_swap_hub.membership.tables import household
from energy_swap_hub.push.courier import Address, Courier
from energy_swap_hub.storage import Database

from .notifications import notifications_after
from .phone_news import parcel_of
from .tables import notification

_LOG = logging.getLogger(__name__)
_PHONES: Final = 200  # at a time
_NEWS: Final = 20  # of a phone at a time
_PAUSE_SECONDS: Final = 0.5
_LOOK_SECONDS: Final = 2.0  # a change is marked before it is committed, so what was not there yet is found then
_FIRST_WAIT: Final = timedelta(seconds=30)
_LONGEST_WAIT: Final = timedelta(hours=1)
_MOST_PATIENT: Final = timedelta(hours=6)  # whatever a service asks for

type _Change = Callable[[Connection], None]
type _Due = list[tuple[Subscription, list[dict[str, Any]]]]


def wait_after(tries: int, asked: timedelta | None) -> timedelta:
    """Return how long to wait after so many vain tries: longer each time, and as long as the service asks for."""
    own = min(_FIRST_WAIT * (1 << min(tries - 1, 20)), _LONGEST_WAIT)
    return min(max(own, asked or timedelta()), _MOST_PATIENT)


class TellingPhones:
    """Sends news whenever something changed; ``clock`` is the hub's time, ``now`` the real one."""

    def __init__(
        self,
        database: Database,
        community_id: str,
        seal: Seal,
        courier: Courier,
        changes: Changes,
        *,
        clock: Callable[[], datetime],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._community_id = community_id
        self._seal = seal
        self._courier = courier
        self._changes = changes
        self._clock = clock
        self._now = now
        self._looked_at = -1  # the newest notification when all was told that could be
        self._retry_at: datetime | None = None

    async def run(self) -> None:
        """Tell phones until cancelled."""
        count = self._changes.count
        while True:
            seconds = _PAUSE_SECONDS if await self.tell() else self._idle_seconds()
            await asyncio.sleep(_PAUSE_SECONDS)  # what happens together is looked for once
            count = await self._changes.after(count, seconds)

    async def tell(self) -> bool:
        """Tell what may be told now; return whether more is left that may."""
        now = self._now()
        newest, due, retry_at = await self._database.read(lambda c: self._look(c, now))
        is_more = len(due) == _PHONES or any(len(news) == _NEWS for _, news in due)
        changes = await asyncio.gather(*(self._tell(one, news, now) for one, news in due))
        if changes:
            await self._database.write(lambda c: [change(c) for change in changes])
            # Who has to wait longer is found by looking once more.
            self._looked_at, self._retry_at = -1, None
            return True
        if not is_more:
            self._looked_at, self._retry_at = newest, retry_at
        return is_more

    def _idle_seconds(self) -> float:
        if self._retry_at is None:
            return _LOOK_SECONDS
        return min(max((self._retry_at - self._now()).total_seconds(), 0.0), _LOOK_SECONDS)

    def _look(self, connection: Connection, now: datetime) -> tuple[int, _Due, datetime | None]:
        """Return the newest notification, the phones with what they are to be told, and when others may be."""
        newest = connection.execute(select(func.max(notification.c.number))).scalar() or 0
        if newest == self._looked_at and (self._retry_at is None or self._retry_at > now):
            return newest, [], self._retry_at
        phone, told = push_subscription.c, notification.c
        has_news = exists().where(
            told.community_id == phone.community_id,
            told.household_id == phone.household_id,
            told.number > phone.told,
        )
        is_member = exists().where(
            household.c.community_id == phone.community_id,
            household.c.id == phone.household_id,
            household.c.status.in_(HAS_PHONE),
        )
        waiting = (phone.community_id == self._community_id, has_news, is_member)
        rows = connection.execute(
            select(*READ).where(*waiting, phone.due_at <= now).order_by(phone.due_at, phone.key).limit(_PHONES)
        ).all()
        due = []
        for row in rows:
            one = read_subscription(tuple(row), self._seal)
            news = notifications_after(connection, self._community_id, one.household, one.told, limit=_NEWS)
            due.append((one, news))
        later = select(func.min(phone.due_at)).where(*waiting, phone.due_at > now)
        return newest, due, connection.execute(later).scalar()

    async def _tell(self, phone: Subscription, news: list[dict[str, Any]], now: datetime) -> _Change:
        """Send a phone its news, the oldest first, until one has to wait; return what is to be written down."""
        key, browser = phone.key, phone.browser
        address = Address(browser.endpoint, browser.p256dh, browser.auth)
        told, tries = phone.told, phone.tries
        for one in news:
            parcel = parcel_of(one, phone.topics, self._clock())
            if parcel is not None:
                delivery = await self._courier.carry(address, parcel)
                if delivery.outcome == "gone":
                    _LOG.info("a phone of %s is told no more: %s", phone.household, delivery.why)
                    return lambda c: forget_browser(c, key, browser)
                if delivery.outcome == "later":
                    due_at = now + wait_after(tries + 1, delivery.wait)
                    _LOG.info("a phone of %s is told later: %s", phone.household, delivery.why)
                    return lambda c: note_told(c, key, browser, told=told, tries=tries + 1, due_at=due_at)
                if delivery.outcome == "refused":
                    _LOG.warning("a phone of %s was not told one thing: %s", phone.household, delivery.why)
            told, tries = one["number"], 0
        return lambda c: note_told(c, key, browser, told=told, tries=0, due_at=now)
