"""The trader: while its switch is on, one decision per period by the chosen strategy, within the daily cap."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID, uuid7
from zoneinfo import ZoneInfo

import msgspec
from energy_swap_protocol.message import StandingOrder, sign_message
from energy_swap_protocol.period import PeriodCalendar
from energy_swap_protocol.units import cost_cents

from energy_swap_edge.adviser.advice import Situation
from energy_swap_edge.adviser.battery import after_battery
from energy_swap_edge.adviser.prices import Tariffs
from energy_swap_edge.command_error import CommandError, invalid_data
from energy_swap_edge.history.periods import History
from energy_swap_edge.household import calendar_of
from energy_swap_edge.keys import HouseholdKey
from energy_swap_edge.settings import OwnSettings, ReportBattery, SetDailyCap, SetReserve
from energy_swap_edge.state import Clock, LiveState, unix

from .journal import Entry, Journal
from .offers import Offers
from .simulation import PastPeriod, Terms, simulate
from .strategies import STRATEGIES, Because, Decision, Moment

_LOGGER = logging.getLogger(__name__)
_DAY: Final = 86_400
_CADENCE_SECONDS: Final = 3.0
_LEAST_DAYS: Final = 1
_SEEN_SECONDS: Final = 31 * _DAY


class _SetAutoSell(msgspec.Struct, frozen=True):
    on: bool


class _SetStrategy(msgspec.Struct, frozen=True):
    strategy: str


class _Simulate(msgspec.Struct, frozen=True):
    strategy: str
    days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 30


class Trader:
    """One household's trader. ``outbox_changed`` is called when there is a message to deliver."""

    def __init__(
        self,
        key: HouseholdKey,
        community: str,
        settings: OwnSettings,
        journal: Journal,
        history: History,
        offers: Offers,
        *,
        state: LiveState,
        clock: Clock,
        zone: ZoneInfo,
        situation: Callable[[], Situation | None],
        outbox_changed: Callable[[], None],
        settings_changed: Callable[[], None],
        new_id: Callable[[], UUID] = uuid7,
    ) -> None:
        self._key = key
        self._community = community
        self._settings = settings
        self._journal = journal
        self._history = history
        self._offers = offers
        self._state = state
        self._clock = clock
        self._zone = zone
        self._situation = situation
        self._outbox_changed = outbox_changed
        self._settings_changed = settings_changed
        self._new_id = new_id
        self._lock = asyncio.Lock()  # a command and the next period do not decide at once
        self.commands: Final[Mapping[str, tuple[type[Any], Callable[[Any], Awaitable[dict[str, Any]]]]]] = {
            "set_auto_sell": (_SetAutoSell, self._set_auto_sell),
            "set_strategy": (_SetStrategy, self._set_strategy),
            "set_reserve": (SetReserve, self._set_reserve),
            "set_daily_cap": (SetDailyCap, self._set_daily_cap),
            "report_battery": (ReportBattery, self._report_battery),
            "simulate_strategy": (_Simulate, self._simulate),
        }

    async def carry_out(self, command: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one of ``commands``; raises `CommandError`."""
        shape, act = self.commands[command]
        try:
            wish = msgspec.convert(data, type=shape)
        except msgspec.ValidationError as error:
            raise invalid_data(error) from None
        async with self._lock:
            result = await act(wish)
        await self._show()
        self._settings_changed()
        return result

    async def own_limits_set(self, sell_at_least: int | None, buy_at_most: int | None) -> None:
        """Take note that the household set its own limits: they bind from the next decision on."""
        async with self._lock:
            if self._settings.kept.auto_sell:
                await self._settings.change(limits_before=(sell_at_least, buy_at_most))

    async def run(self) -> None:
        """Decide for each period, for ever."""
        while True:
            try:
                async with self._lock:
                    if self._settings.kept.auto_sell:
                        await self._decide_next()
                await self._offers.deliver()
                await self._show()
            except sqlite3.Error as error:
                _LOGGER.warning("nothing is traded: decisions cannot be written down (%s)", error)
            await asyncio.sleep(_CADENCE_SECONDS)

    # Decisions

    async def _decide_next(self) -> None:
        now = unix(self._clock)
        situation = self._situation()
        if situation is None or self._state["membership"] != "admitted" or self._state["market"] is None:
            return
        period = calendar_of(self._state["tariffs"]).at(self._clock())
        seconds, start = period.minutes * 60, int(period.start.timestamp())
        if abs(situation.now - now) > seconds or not situation.slots or not situation.prices:
            return  # what is known is of another time
        kept = self._settings.kept
        if not await self._journal.is_decided(f"limits:{start}"):
            decision = STRATEGIES[kept.strategy](self._moment(situation))
            spent = await self._spent_today(now)
            decision, numbers = self._capped(decision, situation, spent, start + seconds)
            await self._set_limits(f"limits:{start}", decision, numbers)
            if decision.offer is not None and not await self._offers.is_open():
                await self._offers.make(start, now, kept.strategy, decision, seconds)

    def _moment(self, situation: Situation) -> Moment:
        own = self._settings.kept.limits_before or (None, None)
        plain = [slot for slot in situation.slots if slot.start < situation.now + _DAY]
        rest = after_battery(situation.slots, situation.battery)
        left = [slot for slot in rest if slot.start < situation.now + _DAY]
        own_use = sum(slot.shortage_high_wh for slot in plain)
        need = sum(slot.shortage_wh for slot in left)
        coming = [price for price in situation.prices if price.start < situation.now + _DAY]
        lacking = max(need - max(situation.tokens_wh - situation.reserve_wh, 0), 0)
        best = max(price.p50 for price in coming)
        return Moment(
            sell_at_least=own[0],
            buy_at_most=own[1],
            price=situation.prices[0],
            best_later=best,
            week_average=situation.week_average,
            tariffs=situation.tariffs,
            tokens_wh=situation.tokens_wh,
            reserve_wh=situation.reserve_wh,
            own_use_wh=own_use,
            battery_wh=max(own_use - sum(slot.shortage_high_wh for slot in left), 0),
            lacking_wh=lacking,
            lacking_price=min(best + situation.tariffs.fees, situation.tariffs.retail) if lacking else 0,
        )

    def _capped(
        self, decision: Decision, situation: Situation, spent: int, end: int
    ) -> tuple[Decision, dict[str, Any]]:
        """Keep out of buying for a period, until ``end``, that could cost more than is left of the day's cap."""
        cap = self._settings.kept.daily_cap_cents
        numbers: dict[str, Any] = {
            "sell_at_least": decision.sell_at_least,
            "buy_at_most": decision.buy_at_most,
            "expected_cents_per_kwh": situation.prices[0].p50,
            "spent_today_cents": spent,
            "daily_cap_cents": cap,
        }
        if decision.buy_at_most is None:
            return decision, numbers
        first, *others = situation.slots
        wh = first.shortage_high_wh + sum(slot.shortage_high_wh for slot in others if slot.start < end)
        worst = cost_cents(wh, decision.buy_at_most + situation.tariffs.fees)
        if spent + worst <= cap and spent < cap:
            return decision, numbers | {"could_cost_cents": worst}
        reason = (
            f"{decision.reason} Nothing is bought in this period: KES {spent / 100:.2f} of today's cap of "
            f"KES {cap / 100:.2f} are spent, and it could cost KES {worst / 100:.2f}."
        )
        cap_reached = Because("cap_reached", {"spent_cents": spent, "cap_cents": cap, "could_cost_cents": worst})
        because = (*decision.because, cap_reached)
        capped = Decision(decision.sell_at_least, None, reason, because, decision.offer)
        return capped, numbers | {"buy_at_most": None, "could_cost_cents": worst}

    async def _set_limits(self, subject: str, decision: Decision, numbers: dict[str, Any]) -> None:
        market = self._state["market"]
        now = unix(self._clock)
        wanted = decision.sell_at_least, decision.buy_at_most
        is_change = wanted != (market["sell_at_least"], market["buy_at_most"])
        message = self._new_id() if is_change else None
        envelope = None
        if message is not None:
            order = StandingOrder(
                id=message,
                community=self._community,
                sent_at=now,
                sell_at_least=decision.sell_at_least,
                buy_at_most=decision.buy_at_most,
            )
            envelope = msgspec.json.encode(sign_message(order, self._key.signing_key))
        strategy = self._settings.kept.strategy
        kind = subject.partition(":")[0]
        entry = Entry(subject, now, strategy, kind, decision.reason, numbers, decision.because, message=message)
        if await self._journal.decide(entry, envelope):
            _LOGGER.info("trader: %s", decision.reason)
            if envelope is not None:
                self._outbox_changed()

    async def _spent_today(self, now: int) -> int:
        midnight = datetime.fromtimestamp(now, UTC).astimezone(self._zone).replace(hour=0, minute=0, second=0)
        return await self._history.spent(int(midnight.timestamp()), now + _DAY)

    # Commands

    async def _set_auto_sell(self, wish: _SetAutoSell) -> dict[str, Any]:
        kept, now = self._settings.kept, unix(self._clock)
        if wish.on == kept.auto_sell:
            return {"auto_sell": kept.auto_sell}
        if wish.on:
            await self._demand_simulation(kept.strategy, now)
            market = self._state["market"]
            if market is None:
                raise CommandError("not_yet", "the hub has not told this household's limits yet; try again later")
            before = market["sell_at_least"], market["buy_at_most"]
            await self._settings.change(auto_sell=True, limits_before=before)
            return {"auto_sell": True}
        before = kept.limits_before or (None, None)
        # Off first: whatever fails afterwards, nothing more is decided.
        await self._settings.change(auto_sell=False, limits_before=None)
        because = (Because("switched_off", {}),)
        back = Decision(before[0], before[1], "Switched off: your own limits are back.", because)
        if self._state["market"] is not None:
            await self._set_limits(f"off:{now}:{self._new_id()}", back, {})
        await self._offers.withdraw()
        return {"auto_sell": False}

    async def _set_strategy(self, wish: _SetStrategy) -> dict[str, Any]:
        _known(wish.strategy)
        if self._settings.kept.auto_sell:
            await self._demand_simulation(wish.strategy, unix(self._clock))
        await self._settings.change(strategy=wish.strategy)
        return {"strategy": wish.strategy}

    async def _set_reserve(self, wish: SetReserve) -> dict[str, Any]:
        await self._settings.change(reserve_wh=wish.wh)
        return {"reserve_wh": wish.wh}

    async def _set_daily_cap(self, wish: SetDailyCap) -> dict[str, Any]:
        await self._settings.change(daily_cap_cents=wish.kes * 100)
        return {"daily_cap_cents": wish.kes * 100}

    async def _report_battery(self, wish: ReportBattery) -> dict[str, Any]:
        await self._settings.change(battery_charge_wh=wish.charge_wh, battery_at=unix(self._clock))
        return {"charge_wh": wish.charge_wh}

    async def _demand_simulation(self, strategy: str, now: int) -> None:
        at = await self._journal.simulated_at(strategy)
        if at is None or now - at > _SEEN_SECONDS:
            raise CommandError(
                "not_simulated",
                f"look first at what {strategy} would have brought: simulate_strategy with it, then switch on",
            )

    async def _simulate(self, wish: _Simulate) -> dict[str, Any]:
        strategy = _known(wish.strategy)
        now = unix(self._clock)
        tariffs, market = self._state["tariffs"], self._state["market"] or {}
        if tariffs is None:
            raise CommandError("not_yet", "the hub has not told its tariffs yet; try again when it was reached")
        past = await self._past(now - (wish.days + 28) * _DAY, now, calendar_of(tariffs))
        own = self._settings.kept.limits_before or (market.get("sell_at_least"), market.get("buy_at_most"))
        situation = self._situation()
        battery = None if situation is None else situation.battery
        terms = Terms(
            tariffs=Tariffs(tariffs["retail_tariff"], tariffs["feed_in_tariff"], tariffs["fees"]),
            sell_at_least=own[0],
            buy_at_most=own[1],
            reserve_wh=self._settings.kept.reserve_wh,
            battery_wh=0 if battery is None else max(battery.capacity_wh - battery.floor_wh, 0),
            zone=self._zone,
        )
        first = now - wish.days * _DAY
        found = await asyncio.to_thread(simulate, strategy, past, first, terms)
        if found.days < _LEAST_DAYS:
            raise CommandError(
                "too_little_history", "a strategy can be tried on the past when a day of it is settled"
            )
        result = found.result()
        await self._journal.keep_simulation(wish.strategy, now, result)
        return result

    async def _past(self, since: int, until: int, calendar: PeriodCalendar) -> list[PastPeriod]:
        own = {row["start"]: row for row in await self._history.periods(since, until, calendar=calendar)}
        return [
            PastPeriod(
                one.start,
                own[one.start]["minutes"],
                own[one.start]["export_wh"] - own[one.start]["import_wh"],
                one.cents_per_kwh,
                one.traded_wh,
                one.supply_wh,
                one.demand_wh,
            )
            for one in await self._history.prices(since, until)
            if one.start in own
        ]

    async def _show(self) -> None:
        kept = self._settings.kept
        newest = await self._journal.newest(1)
        last = {name: newest[0][name] for name in ("at", "sentence", "because")} if newest else None
        self._state.set(
            "trader",
            {
                "auto_sell": kept.auto_sell,
                "strategy": kept.strategy,
                "strategies": list(STRATEGIES),
                "reserve_wh": kept.reserve_wh,
                "daily_cap_cents": kept.daily_cap_cents,
                "spent_today_cents": await self._spent_today(unix(self._clock)),
                "last": last,
            },
        )


def _known(strategy: str) -> Callable[[Moment], Decision]:
    if strategy not in STRATEGIES:
        raise CommandError("unknown_strategy", f"strategy is one of {', '.join(STRATEGIES)}")
    return STRATEGIES[strategy]
