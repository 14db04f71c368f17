"""Follow what the hub books for this household: notifications, own periods with money, prices; each kept once."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from .backoff import Backoff
from .events import EventLog, News
from .history.periods import History
from .household import HouseholdState
from .hub_client import HubClient, HubRefused, HubUnavailable
from .state import Clock, LiveState, unix

_LOGGER = logging.getLogger(__name__)
_CURSOR: Final = "notifications_after"
_SETTLED_UNTIL: Final = "settled_until"
_PRICES_UNTIL: Final = "prices_until"
_SPAN_SECONDS: Final = 30 * 86_400  # the hub gives 32 days at once
_FIRST_SECONDS: Final = 400 * 86_400  # so far back a new or restored edge asks
# A correction of an older period is told by a notification; what is newer is asked for again each time.
_AGAIN_SECONDS: Final = 6 * 3600
# What the hub calls otherwise.
_KINDS: Final = {"period_settled": "trade_settled"}


class HubRecords:
    """Keeps own copies of what the hub booked. ``changed`` is called when there is something new."""

    def __init__(
        self,
        hub: HubClient,
        history: History,
        events: EventLog,
        *,
        state: LiveState,
        clock: Clock,
        zone: ZoneInfo,
        changed: Callable[[], None],
        is_told_of_meter: Callable[[], bool],
    ) -> None:
        self._hub = hub
        self._history = history
        self._events = events
        self._state = state
        self._clock = clock
        self._zone = zone
        self._changed = changed
        self._is_told_of_meter = is_told_of_meter
        self._seen: HouseholdState | None = None
        self._wake = asyncio.Event()

    def take(self, household: HouseholdState) -> None:
        """Look at the hub's view: fetch what it says is new, and ask for advice on other limits and balances."""
        before, self._seen = self._seen, household
        self._wake.set()
        if before is None or (before.standing_order, before.wallet) != (
            household.standing_order,
            household.wallet,
        ):
            self._changed()

    async def run(self) -> None:
        """Follow for ever."""
        backoff = Backoff(1.0, 60.0)
        done: object = None
        await self.show_earnings()
        while True:
            await self._wake.wait()
            self._wake.clear()
            household = self._seen
            if household is None or household.status in {"applied", "left"} or _stamp(household) == done:
                continue
            try:
                await self._fetch(household)
            except HubUnavailable as error:
                _LOGGER.debug("the hub's books wait: %s", error)
                await asyncio.sleep(backoff.seconds())
                self._wake.set()
                continue
            except HubRefused as refusal:
                # An older hub does not have them; it is asked again when something changes.
                _LOGGER.warning("the hub does not show its books: %s", refusal)
            except sqlite3.Error as error:
                _LOGGER.error("the hub's books cannot be kept (%s); is the disk full?", error)  # noqa: TRY400
                await asyncio.sleep(backoff.seconds())
                self._wake.set()
                continue
            backoff.reset()
            done = _stamp(household)
            await self.show_earnings()
            self._changed()

    async def show_earnings(self) -> None:
        """Put what today and this month brought into the state."""
        now = self._clock().astimezone(self._zone)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        until = unix(self._clock) + 86_400
        today = await self._history.money(int(midnight.timestamp()), until)
        month = await self._history.money(int(midnight.replace(day=1).timestamp()), until)
        self._state.set(
            "earnings",
            {
                "earned_today_cents": today.earned_cents,
                "saved_today_cents": today.saved_cents,
                "earned_month_cents": month.earned_cents,
                "saved_month_cents": month.saved_cents,
            },
        )

    async def _fetch(self, household: HouseholdState) -> None:
        corrected = await self._fetch_notifications(household.last_notification)
        now = unix(self._clock)
        for start in corrected:
            await self._fetch_periods(household, start, start + 1)
        for name, fetch in ((_SETTLED_UNTIL, self._fetch_periods), (_PRICES_UNTIL, self._fetch_prices)):
            since = await self._history.progress(name)
            since = now - _FIRST_SECONDS if since is None else max(since - _AGAIN_SECONDS, now - _FIRST_SECONDS)
            while since <= now:
                until = min(since + _SPAN_SECONDS, now + 1)
                await fetch(household, since, until)
                since = until
            await self._history.set_progress(name, now)

    async def _fetch_notifications(self, last: int) -> list[int]:
        """Keep what the hub told, and return the starts of the periods that it says it trued up."""
        seen = await self._history.progress(_CURSOR) or 0
        if seen > last:
            # A hub that was restored from a backup numbers anew; what it tells then is new by its time.
            _LOGGER.warning(
                "the hub's last notification is %d, %d was seen before: reading on from there", last, seen
            )
            seen = last
            await self._history.set_progress(_CURSOR, last)
        corrected = []
        while seen < last:
            told = await self._hub.notifications(seen)
            if not told:
                break
            await self._events.add([news for one in told if (news := self._news(one)) is not None])
            corrected += [
                int(datetime.fromisoformat(one["period"]).astimezone(UTC).timestamp())
                for one in told
                if one["event"] == "trued_up" and _is_time(one.get("period"))
            ]
            seen = max(one["number"] for one in told)
            await self._history.set_progress(_CURSOR, seen)
        return sorted(set(corrected))

    def _news(self, told: dict[str, Any]) -> News | None:
        number, kind, at = told["number"], told["event"], told["at"]
        if kind == "meter_silent" and self._is_told_of_meter():
            return None  # this edge noticed first
        data = {name: value for name, value in told.items() if name not in {"number", "event", "at"}}
        return News(f"hub:{number}:{at}:{kind}", _KINDS.get(kind, kind), at, data)

    async def _fetch_periods(self, household: HouseholdState, since: int, until: int) -> None:
        found = await self._hub.own_periods(since, until)
        retail = household.retail_tariff
        await self._history.keep_settled(
            found.periods, minutes=found.period_minutes, retail_cents_per_kwh=retail, now=unix(self._clock)
        )
        if until - since > 1:
            await self._history.keep_trades(found.trades, since, until, retail_cents_per_kwh=retail)

    async def _fetch_prices(self, _household: HouseholdState, since: int, until: int) -> None:
        found = await self._hub.prices(since, until)
        await self._history.keep_prices(found.periods, minutes=found.period_minutes)


def _stamp(household: HouseholdState) -> object:
    """Return what changes when the hub has booked something."""
    traded = (household.sold_wh, household.bought_wh, household.earned_cents, household.spent_cents)
    counted = (household.exported_wh, household.imported_wh, household.generated_wh)
    return (household.last_notification, household.clearing, traded, counted)


def _is_time(text: Any) -> bool:
    try:
        return datetime.fromisoformat(text) is not None
    except TypeError, ValueError:
        return False
