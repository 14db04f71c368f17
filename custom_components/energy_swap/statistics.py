"""Long-term statistics of what was traded with neighbours and what was left for the utility, with the money.

The source is the edge's history, whose periods are corrected when readings or settlements come late. Home
Assistant computes costs live and never looks back; so these are statistics of our own, written anew from the first
hour that differs from what is there.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from homeassistant.components.recorder.const import DOMAIN as RECORDER
from homeassistant.components.recorder.models import StatisticData, StatisticMeanType, StatisticMetaData
from homeassistant.components.recorder.statistics import async_add_external_statistics, statistics_during_period
from homeassistant.const import UnitOfEnergy
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.helpers.recorder import get_instance
from homeassistant.helpers.translation import async_get_cached_translations
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import EnergyConverter

from .api import EdgeError, EdgeEvent
from .const import CONF_STATISTICS, DOMAIN, KES, LOGGER
from .coordinator import EnergySwapConfigEntry, EnergySwapCoordinator

# A settlement looks this far back; once a day, and at the start, everything the edge has is compared.
RECENT: Final = timedelta(days=3)
BEGINNING: Final = datetime(2020, 1, 1, tzinfo=UTC)
AGAIN: Final = timedelta(days=1)
AFTERWARDS: Final = (timedelta(seconds=20), timedelta(minutes=2))
TRADING: Final = frozenset({"trade_settled", "order_matched"})
CORRECTED: Final = "trued_up"
LOOK_BACK: Final = timedelta(days=7)

type Period = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Series:
    """A statistic: its key, its English name, whether it is money, and a period's part of it in Wh or cents."""

    key: str
    name: str
    is_money: bool
    read: Callable[[Period], int]


def _burned(period: Period) -> int:
    """Return the Wh of import that tokens paid for, bought or own; an older edge says only what was bought."""
    return int(period.get("burned_wh", period["bought_wh"]))


def _minted(period: Period) -> int:
    """Return the Wh of export that became tokens, sold or kept; an older edge says only what was sold."""
    return int(period.get("minted_wh", period["sold_wh"]))


# What was traded, in the hour of the trade; and what flowed, in the hour in which it flowed. A token bought on the
# spot market flows when it is used, and one that is sold there flowed when it was minted: so only the flows add up
# to what the meter counted, each Wh in one of them.
SERIES: Final = (
    Series("bought", "bought from neighbours", is_money=False, read=lambda period: period["bought_wh"]),
    Series("sold", "sold to neighbours", is_money=False, read=lambda period: period["sold_wh"]),
    Series("bought_cost", "paid to neighbours", is_money=True, read=lambda period: period["paid_cents"]),
    Series(
        "sold_compensation", "earned from neighbours", is_money=True, read=lambda period: period["earned_cents"]
    ),
    Series("neighbour_import", "taken from neighbours", is_money=False, read=_burned),
    Series("neighbour_export", "given to neighbours", is_money=False, read=_minted),
    Series(
        "utility_import",
        "taken from the utility",
        is_money=False,
        read=lambda period: period.get("utility_import_wh", max(0, period["import_wh"] - _burned(period))),
    ),
    Series(
        "utility_export",
        "given to the utility",
        is_money=False,
        read=lambda period: period.get("utility_export_wh", max(0, period["export_wh"] - _minted(period))),
    ),
    # The sensor's own statistics begin when the sensor does; without this, older days would give away more than
    # anything made.
    Series(
        "generation",
        "made by the panels",
        is_money=False,
        read=lambda period: int(period.get("made_wh", period.get("generation_wh", 0))),
    ),
    # Home Assistant takes no price for statistics like these; so the utility's money, too, is written here, as the
    # community's tariffs make it.
    Series(
        "utility_cost", "billed by the utility", is_money=True, read=lambda period: max(0, -_grid_cents(period))
    ),
    Series(
        "utility_compensation",
        "credited by the utility",
        is_money=True,
        read=lambda period: max(0, _grid_cents(period)),
    ),
)


def _grid_cents(period: Period) -> int:
    """Return what the utility pays (above zero) or charges for its part; an older edge does not say."""
    return int(period.get("grid_cents") or 0)


def statistic_id(edge_id: str, series: Series) -> str:
    """Return the name of a statistic in Home Assistant."""
    return f"{DOMAIN}:{edge_id}_{series.key}"


def hourly(periods: Iterable[Period], series: Series) -> dict[datetime, float]:
    """Return what each hour has of a series, in kWh or KES; of a period told twice the last revision counts."""
    newest: dict[int, Period] = {}
    for period in periods:
        known = newest.get(period["start"])
        if known is None or period.get("revision", 0) >= known.get("revision", 0):
            newest[period["start"]] = period
    units: defaultdict[datetime, int] = defaultdict(int)
    for start, period in newest.items():
        hour = dt_util.utc_from_timestamp(start).replace(minute=0, second=0, microsecond=0)
        units[hour] += series.read(period) or 0
    return {hour: amount / (100 if series.is_money else 1000) for hour, amount in sorted(units.items())}


def corrections(
    wanted: Mapping[datetime, float], present: Mapping[datetime, tuple[float, float]], sum_before: float
) -> list[StatisticData]:
    """Return the rows from the first hour on that is missing or differs; none if all is as it should be.

    ``present`` has the amount and the running sum of each hour that is there, ``sum_before`` the sum before them.
    """
    rows: list[StatisticData] = []
    total = sum_before
    for hour, amount in sorted(wanted.items()):
        total = round(total + amount, 6)
        there = present.get(hour)
        if rows or there is None or abs(there[0] - amount) > 1e-6 or abs(there[1] - total) > 1e-6:
            rows.append(StatisticData(start=hour, state=amount, sum=total))
    return rows


@callback
def async_keep_statistics(hass: HomeAssistant, entry: EnergySwapConfigEntry) -> None:
    """Write statistics now, after every settlement and once a day, as long as the household is set up."""
    if RECORDER not in hass.config.components or not entry.options.get(CONF_STATISTICS, True):
        return
    writer = StatisticsWriter(hass, entry.runtime_data)
    traded = _traded(entry.runtime_data)

    @callback
    def write(window: timedelta | None) -> None:
        entry.async_create_background_task(hass, writer.write(window), f"{DOMAIN} statistics")

    afterwards = _Afterwards(hass, write)

    @callback
    def write_now_and_again() -> None:
        write(RECENT)
        afterwards.write(RECENT)

    @callback
    def look() -> None:
        nonlocal traded
        if (newest := _traded(entry.runtime_data)) != traded:
            traded = newest
            write_now_and_again()

    @callback
    def take(event: EdgeEvent) -> None:
        if event.kind in TRADING:
            write_now_and_again()
        elif event.kind == CORRECTED:
            afterwards.write(None)  # what is corrected may be long ago

    @callback
    def look_at_everything(_now: datetime) -> None:
        write(None)

    entry.async_on_unload(afterwards.stop)
    entry.async_on_unload(entry.runtime_data.async_add_listener(look))
    entry.async_on_unload(entry.runtime_data.async_listen_to_events(take))
    entry.async_on_unload(async_track_time_interval(hass, look_at_everything, AGAIN))
    write(None)


class _Afterwards:
    """Writes a little later, twice: the edge asks the hub for its own records after it was told of something.

    Where edge or hub are slow, it may not have them yet at the first time.
    """

    def __init__(self, hass: HomeAssistant, write: Callable[[timedelta | None], None]) -> None:
        self._hass = hass
        self._write = write
        self._window: timedelta | None = RECENT
        self._cancel: CALLBACK_TYPE | None = None

    @callback
    def write(self, window: timedelta | None) -> None:
        """Have ``window`` written, or everything if that was wanted before."""
        wanted = None if self._cancel is not None and self._window is None else window
        self.stop()
        self._window = wanted
        self._wait(AFTERWARDS)

    def _wait(self, times: Sequence[timedelta]) -> None:
        @callback
        def due(_now: datetime) -> None:
            self._cancel = None
            self._write(self._window)
            if times[1:]:
                self._wait(times[1:])

        self._cancel = async_call_later(self._hass, times[0], due)

    @callback
    def stop(self) -> None:
        """Have nothing written."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None


class StatisticsWriter:
    """Brings the statistics of one household to what the edge's history says."""

    def __init__(self, hass: HomeAssistant, coordinator: EnergySwapCoordinator) -> None:
        self._hass = hass
        self._coordinator = coordinator
        self._lock = asyncio.Lock()

    async def write(self, window: timedelta | None) -> None:
        """Compare the ``window`` before the newest settlement, or everything, with the history; correct it."""
        async with self._lock:
            try:
                if window is None or not await self._compare(self._newest() - window, is_all=False):
                    await self._compare(BEGINNING, is_all=True)
            except EdgeError as err:
                LOGGER.debug("No history for the statistics of %s: %s", self._coordinator.name, err)

    def _newest(self) -> datetime:
        period = _settled(self._coordinator)
        newest = dt_util.utcnow() if period is None else datetime.fromisoformat(period)
        return newest.replace(minute=0, second=0, microsecond=0)

    async def _compare(self, start: datetime, *, is_all: bool) -> bool:
        """Return whether the history from ``start`` on could be compared: a part needs hours before it."""
        end = max(dt_util.utcnow(), self._newest()) + AGAIN
        periods = await self._coordinator.records.history(start, end)
        if not periods:
            return True
        recorder = get_instance(self._hass)
        await recorder.async_block_till_done()
        names = {statistic_id(self._coordinator.info.edge_id, series): series for series in SERIES}
        since = start if is_all else start - LOOK_BACK
        found = await recorder.async_add_executor_job(
            statistics_during_period, self._hass, since, None, set(names), "hour", None, {"state", "sum"}
        )
        for name, series in names.items():
            wanted = hourly(periods, series)
            present = {
                dt_util.utc_from_timestamp(row["start"]): (row.get("state") or 0.0, row.get("sum") or 0.0)
                for row in found.get(name, [])
            }
            before = [total for hour, (_, total) in sorted(present.items()) if hour < min(wanted)]
            if not is_all and not before:
                return False
            if rows := corrections(wanted, present, before[-1] if before else 0.0):
                async_add_external_statistics(self._hass, self._metadata(series, name), rows)
        return True

    def _called(self, series: Series) -> str:
        language = self._hass.config.language
        texts = async_get_cached_translations(self._hass, language, "common", DOMAIN)
        return texts.get(f"component.{DOMAIN}.common.statistic_{series.key}", series.name)

    def _metadata(self, series: Series, name: str) -> StatisticMetaData:
        return StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name=f"{self._coordinator.info.name}: {self._called(series)}",
            source=DOMAIN,
            statistic_id=name,
            unit_class=None if series.is_money else EnergyConverter.UNIT_CLASS,
            unit_of_measurement=KES if series.is_money else UnitOfEnergy.KILO_WATT_HOUR,
        )


def _traded(coordinator: EnergySwapCoordinator) -> object:
    """Return what changes with every trade and every settlement."""
    energy = coordinator.data["energy"]
    return _settled(coordinator), energy and (energy["sold_wh"], energy["bought_wh"])


def _settled(coordinator: EnergySwapCoordinator) -> str | None:
    settlement = coordinator.data["last_settlement"]
    return None if settlement is None else settlement["period"]
