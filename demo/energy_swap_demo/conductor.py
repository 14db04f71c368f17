"""Let time pass: minute by minute the meters speak, people act, and the hub is given the time it needs."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from .happenings import NAIROBI, Happenings, wait_for_auctions
from .households import COMMUNITY_START
from .neighbourhood import Neighbourhood, full_minute

MINUTE: Final = timedelta(minutes=1)
PERIOD_MINUTES: Final = 30
_KEEP_UP_MINUTES: Final = 3  # well below the five minutes that a request's clock may differ
_PATIENCE_SECONDS: Final = 240.0
_LOOK_SECONDS: Final = 0.03


class Conductor:
    """Moves the shared clock; nothing else in the demo knows that the time is not real."""

    def __init__(self, neighbourhood: Neighbourhood, say: Callable[[str], None]) -> None:
        self._neighbourhood = neighbourhood
        self._say = say
        self._happenings = Happenings(neighbourhood, say)

    async def play(self, until: datetime, *, at_minute: dict[datetime, Callable[[], Any]] | None = None) -> None:
        """Pass the minutes up to ``until`` as fast as everything behind them can follow.

        ``at_minute`` are extra events (the kill test's); each is awaited when its minute has begun.
        """
        events = at_minute or {}
        time = full_minute(self._neighbourhood.clock.now())
        while time < until:
            time += MINUTE
            await self._minute(time)
            if time in events:
                await events[time]()
            minute = _minute_of_day(time) % PERIOD_MINUTES
            if minute % _KEEP_UP_MINUTES == 0:
                await self._keep_up(time)
            if minute in (PERIOD_MINUTES - 3, PERIOD_MINUTES - 2, PERIOD_MINUTES - 1):
                await self._let_payments_end(time)
            if minute == PERIOD_MINUTES - 1:
                await wait_for_auctions(self._neighbourhood)
            if minute == 0:
                await self._settled(time)

    async def live(self, minutes_per_second: float, stopped: asyncio.Event) -> None:
        """Let time run on at a steady pace until ``stopped``; it waits where the hub falls behind."""
        loop = asyncio.get_running_loop()
        clock = self._neighbourhood.clock
        time = full_minute(clock.now())
        while not stopped.is_set():
            began = loop.time()
            while (passed := (loop.time() - began) * minutes_per_second) < 1 and not stopped.is_set():
                clock.set(max(time + MINUTE * passed, clock.now()))
                await asyncio.sleep(min(0.05, 0.2 / minutes_per_second))
            if stopped.is_set():
                return
            time += MINUTE
            await self._minute(time)
            if _minute_of_day(time) % PERIOD_MINUTES == 0:
                # One period may be open while the next one runs; a second one has to wait.
                await self._settled(time - PERIOD_MINUTES * MINUTE, report=False)
                await self._report(time - PERIOD_MINUTES * MINUTE)

    async def _minute(self, time: datetime) -> None:
        self._neighbourhood.children.raise_if_any_died()
        self._neighbourhood.clock.set(time)
        await self._neighbourhood.metering.publish_minute(time)
        await self._happenings.at(time)

    async def _keep_up(self, time: datetime) -> None:
        """Wait until the hub has every meter's reading of ``time``.

        Signed requests carry their time: an edge whose request travels while minutes fly past would seem to have
        a wrong clock.
        """
        at = int(time.timestamp())
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while True:
                    self._neighbourhood.children.raise_if_any_died()
                    rows = (await self._neighbourhood.console.get("overview"))["households"]
                    if all(row["at"] is not None and row["at"] >= at for row in rows):
                        return
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            silent = [row["name"] for row in rows if row["at"] is None or row["at"] < at]
            raise TimeoutError(f"the hub has no reading of {time:%H:%M} UTC from {', '.join(silent)}") from None

    async def _let_payments_end(self, time: datetime) -> None:
        """Let the seconds of this minute pass one by one while payments are open."""
        second = 0
        while second < 58 and (await self._neighbourhood.console.get("overview"))["payments_open"]:
            second += 1
            self._neighbourhood.clock.set(time + timedelta(seconds=second))
            await asyncio.sleep(0.06)

    async def _settled(self, time: datetime, *, report: bool = True) -> None:
        """Wait until the period that ended at ``time`` is settled on ledger and chain."""
        if time <= COMMUNITY_START:
            return
        wanted = (time - PERIOD_MINUTES * MINUTE).strftime("%Y-%m-%dT%H:%MZ")
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while True:
                    self._neighbourhood.children.raise_if_any_died()
                    overview = await self._neighbourhood.console.get("overview")
                    clearing = overview["clearing"]
                    if clearing is not None and clearing["period"] >= wanted and not overview["chain"]["pending"]:
                        break
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise TimeoutError(f"period {wanted} is not settled after {_PATIENCE_SECONDS:.0f} s") from None
        if report:
            await self._report(time)

    async def _report(self, time: datetime) -> None:
        if time <= COMMUNITY_START:
            return
        start = time - PERIOD_MINUTES * MINUTE
        period = await self._neighbourhood.console.get(f"periods/{start.strftime('%Y-%m-%dT%H:%MZ')}")
        if not period["supply_wh"] and not period["demand_wh"]:
            return
        price = "no trade" if period["cents_per_kwh"] is None else f"KES {period['cents_per_kwh'] / 100:.2f}/kWh"
        self._say(
            f"{start.astimezone(NAIROBI):%a %H:%M}  offered {period['supply_wh'] / 1000:5.2f}  "
            f"wanted {period['demand_wh'] / 1000:5.2f}  traded {period['traded_wh'] / 1000:5.2f} kWh  {price}"
        )


def _minute_of_day(time: datetime) -> int:
    return time.hour * 60 + time.minute
