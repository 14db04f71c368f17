"""Keep advice, tips and the panels' alerts up to date.

Gather what is known, ask the adviser, show what it says.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from .adviser.advice import Advice, Offer, Situation, advise
from .adviser.battery import Battery, Slot
from .adviser.equipment import Made, examine
from .adviser.prices import PastPrice, PriceBand, PriceError, Tariffs, expected_prices, measured_error
from .adviser.tips import Hour, saving_tips
from .config import EdgeConfig
from .events import EventLog, News
from .forecast.household import HouseholdForecast
from .history.periods import History
from .history.roll_up import Quarter
from .household import calendar_of
from .housekeeping import Housekeeping
from .outlook import Outlook
from .settings import OwnSettings
from .state import Clock, LiveState, unix

_LOGGER = logging.getLogger(__name__)
_DAY: Final = 86_400
_AT_MOST_EVERY_SECONDS: Final = 2.0
_AT_LEAST_EVERY_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 6 * 3600  # by the clock: panels, tips, the error of prices
_PRICE_ALERT: Final = "price_alert"
_PRICE_ALERT_PERCENT: Final = 15


class Counsel:
    """One household's adviser at work."""

    def __init__(
        self,
        config: EdgeConfig,
        history: History,
        events: EventLog,
        outlook: Outlook,
        housekeeping: Housekeeping,
        settings: OwnSettings,
        *,
        state: LiveState,
        clock: Clock,
    ) -> None:
        self._config = config
        self._zone = ZoneInfo(config.time_zone)
        self._history = history
        self._events = events
        self._outlook = outlook
        self._housekeeping = housekeeping
        self._settings = settings
        self._state = state
        self._clock = clock
        self._wake = asyncio.Event()
        self._looked_at = 0
        self._error = PriceError(None, None, 0)
        self._price_was: str | None = None  # near the week's average, above or below it; None: not looked at yet
        self.situation: Situation | None = None
        """What the newest advice was made from; the trader looks at the same."""

    def changed(self) -> None:
        """Say that something is new that advice depends on."""
        self._wake.set()

    async def run(self) -> None:
        """Advise for ever."""
        while True:
            try:
                await self.renew()
            except sqlite3.Error as error:
                _LOGGER.warning("no advice: the history cannot be read (%s)", error)
            await asyncio.sleep(_AT_MOST_EVERY_SECONDS)
            try:
                async with asyncio.timeout(_AT_LEAST_EVERY_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    async def renew(self) -> None:
        """Advise now."""
        now, told = unix(self._clock), self._state["tariffs"]
        if told is None:
            return
        tariffs = Tariffs(told["retail_tariff"], told["feed_in_tariff"], told["fees"])
        past = [
            PastPrice(one.start, one.cents_per_kwh, one.minutes or 30)
            for one in await self._history.prices(now - 36 * _DAY, now)
            if one.cents_per_kwh is not None
        ]
        if not 0 <= now - self._looked_at < _LOOK_SECONDS:
            self._looked_at = now
            await self._look(now, past, tariffs)
        forecast = self._outlook.newest_forecast
        slots = [] if forecast is None else slots_of(forecast)
        minutes = slots[0].minutes if slots else calendar_of(told).at(self._clock()).minutes
        prices = await asyncio.to_thread(
            expected_prices,
            past,
            now,
            minutes=minutes,
            periods=2 * 1440 // minutes,
            tariffs=tariffs,
            zone=self._zone,
        )
        self._outlook.newest_prices = _prices_document(prices, self._error, now)
        await self._watch_price(now)
        if not slots or self._state["wallet"] is None:
            return
        self.situation = self._situation(now, slots, prices, tariffs)
        advice = advise(self.situation)
        document = _advice_document(advice, now)
        self._outlook.newest_advice = document | {"prices": self._outlook.newest_prices["error"]}
        shown = self._state["advice"]
        # The time at which nothing new was found is no news.
        if shown is None or {**shown, "made_at": 0, "from": 0, "until": 0} != {
            **document, "made_at": 0, "from": 0, "until": 0
        } or now - shown["made_at"] > 900:  # fmt: skip
            self._state.set("advice", document)

    def _situation(
        self, now: int, slots: Sequence[Slot], prices: Sequence[PriceBand], tariffs: Tariffs
    ) -> Situation:
        wallet, market, guidance = self._state["wallet"], self._state["market"] or {}, self._state["guidance"]
        return Situation(
            now=now,
            slots=[slot for slot in slots if slot.end > now],
            prices=prices,
            tariffs=tariffs,
            tokens_wh=wallet["ekwh_wh"],
            money_cents=wallet["kes_cents"],
            zone=self._zone,
            reserve_wh=self._settings.kept.reserve_wh,
            lowest_sell=market.get("sell_at_least"),
            best_sell=_offer(market.get("best_sell")),
            best_buy=_offer(market.get("best_buy")),
            week_average=_week_average(guidance),
            battery=self._battery(now),
            is_net_metered=market.get("is_net_metered", False),
        )

    def _battery(self, now: int) -> Battery | None:
        config, kept = self._config, self._settings.kept
        if not config.battery_wh:
            return None
        # Without a word of the last hour it counts as empty: nothing is promised that may not be there.
        is_fresh = kept.battery_at is not None and 0 <= now - kept.battery_at <= 3600
        charge = kept.battery_charge_wh if is_fresh else config.battery_floor_wh
        return Battery(config.battery_wh, charge, config.battery_power_w, config.battery_floor_wh)

    async def _look(self, now: int, past: Sequence[PastPrice], tariffs: Tariffs) -> None:
        """Look at what changes slowly: panels, habits, how good the price expectation is."""
        quarters = await self._history.measured(now - 46 * _DAY, now)
        hours = hours_of(quarters)
        config = self._config
        minutes = calendar_of(self._state["tariffs"]).at(self._clock()).minutes
        self._error = await asyncio.to_thread(
            measured_error, past, now, minutes=minutes, tariffs=tariffs, zone=self._zone
        )
        finding = None
        if config.latitude is not None and any(one.generation_wh for one in hours):
            finding = await asyncio.to_thread(
                examine,
                [Made(one.start, one.generation_wh) for one in hours],
                now,
                rated_w=config.rated_pv_w,
                latitude=config.latitude,
                longitude=config.longitude,
                zone=self._zone,
            )
        found = []
        if finding is not None:
            found.append({"key": finding.trouble, "sentence": finding.sentence, "numbers": finding.numbers})
            day = now // _DAY
            source = f"edge:{finding.trouble}:{day // 7}"  # once a week at most
            data = {"sentence": finding.sentence, **finding.numbers}
            await self._events.add([News(source, finding.trouble, now, data)])
        self._housekeeping.show("panels", found)
        recent = [one for one in past if one.start >= now - 7 * _DAY]
        earned = tariffs.feed_in
        if recent:
            earned = round(fmean((one.cents_per_kwh for one in recent), (one.minutes for one in recent)))
        month = [one for one in hours if one.start >= now - 28 * _DAY]
        tips = saving_tips(month, retail=tariffs.retail, earned_per_kwh=earned, zone=self._zone)
        self._state.set(
            "tips", [{"key": tip.key, "sentence": tip.sentence, "numbers": tip.numbers} for tip in tips]
        )

    async def _watch_price(self, now: int) -> None:
        """Tell once when a period cleared far from the week's average, and not again until it was near it."""
        market, guidance = self._state["market"], self._state["guidance"]
        average = _week_average(guidance)
        cleared = None if market is None else market["clearing_cents_per_kwh"]
        if not average or cleared is None:
            return
        percent = round(100 * (cleared - average) / average)
        where = _against_average(percent)
        if self._price_was is None:
            # What was told shortly before a restart is not told again.
            told = await self._events.newest(_PRICE_ALERT)
            is_recent = told is not None and now - told["at"] < _DAY
            self._price_was = _against_average(told["data"]["percent"]) if told and is_recent else "near"
        if where != self._price_was:
            if where != "near":
                data = {"cents_per_kwh": cleared, "week_average": average, "percent": percent}
                await self._events.add([News(f"edge:price:{market['period']}", _PRICE_ALERT, now, data)])
            self._price_was = where


def _against_average(percent: int) -> str:
    if abs(percent) < _PRICE_ALERT_PERCENT:
        return "near"
    return "above" if percent > 0 else "below"


def slots_of(forecast: HouseholdForecast) -> list[Slot]:
    """Return a forecast as the adviser takes it."""
    return [
        Slot(
            start=int(one.start.timestamp()),
            minutes=int(one.length.total_seconds()) // 60,
            surplus_wh=max(round(one.surplus_wh.mean), 0),
            surplus_low_wh=max(round(one.surplus_wh.p10), 0),
            shortage_wh=max(round(one.shortage_wh.mean), 0),
            shortage_high_wh=max(round(one.shortage_wh.p90), 0),
        )
        for one in forecast.periods
    ]


def hours_of(quarters: Sequence[Quarter]) -> list[Hour]:
    """Return the hours of which every quarter was measured, without a gap."""
    by_hour: dict[int, list[Quarter]] = {}
    for one in quarters:
        by_hour.setdefault(one.start // 3600 * 3600, []).append(one)
    return [
        Hour(
            start,
            sum(one.export_wh for one in four),
            sum(one.import_wh for one in four),
            sum(one.generation_wh for one in four),
        )
        for start, four in sorted(by_hour.items())
        if len(four) == 4 and not any(one.is_estimated for one in four)
    ]


def _offer(best: Mapping[str, Any] | None) -> Offer | None:
    """Return an offer of the hub's; one that makes no sense is none."""
    try:
        offer = msgspec.convert(best, type=Offer | None)
    except msgspec.ValidationError:
        return None
    return offer if offer is not None and offer.cents_per_kwh > 0 and offer.wh > 0 else None


def _week_average(guidance: Mapping[str, Any] | None) -> int | None:
    average = None if guidance is None else guidance.get("week_average")
    return average if isinstance(average, int) and average > 0 else None


def _prices_document(prices: Sequence[PriceBand], error: PriceError, now: int) -> dict[str, Any]:
    expected = [
        {"start": one.start, "p10": one.p10, "p50": one.p50, "p90": one.p90, "samples": one.samples}
        for one in prices
    ]
    figures = {
        "mean_cents": error.mean_cents,
        "covered_percent": error.covered_percent,
        "tested": error.tested,
    }
    return {"made_at": now, "expected": expected, "error": figures}


def _advice_document(advice: Advice, now: int) -> dict[str, Any]:
    return {
        "action": advice.action,
        "wh": advice.wh,
        "cents_per_kwh": advice.cents_per_kwh,
        "from": advice.start,
        "until": advice.end,
        "gain_cents": advice.gain_cents,
        "sentence": advice.sentence,
        "key": advice.key,
        "numbers": dict(advice.numbers),
        "made_at": now,
    }
