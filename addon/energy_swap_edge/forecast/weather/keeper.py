"""Weather by tier: fresh from a source, else what was kept, else none; what was forecast is kept to learn from."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np

from energy_swap_edge.forecast.history import HOUR, NO_WEATHER, Weather
from energy_swap_edge.forecast.household import Floats, Tier

from .source import WeatherError, WeatherSource

FILE: Final = "weather.npz"
LIVE_SECONDS: Final = 3 * HOUR
CACHED_SECONDS: Final = 48 * HOUR
ASK_SECONDS: Final = HOUR  # the models behind a source are run a few times a day
_FIRST_WAIT: Final = 300.0
_LONGEST_WAIT: Final = 6.0 * HOUR
# Learning needs weather as it was forecast the day before, not as it was known an hour ahead.
_LEARN_AHEAD_HOURS: Final = 12
_KEPT_HOURS: Final = 24 * 400

_LOGGER = logging.getLogger(__name__)


class WeatherKeeper:
    """Asks the sources in their order, at most once an hour, and more rarely while they fail."""

    def __init__(self, sources: Sequence[WeatherSource], folder: Path) -> None:
        self._sources = sources
        self._path = folder / FILE
        self._newest: Weather | None = None
        self._past = NO_WEATHER
        self._next_ask = 0.0
        self._wait = _FIRST_WAIT
        self._failing = False
        self._load()

    async def weather(self, now: datetime) -> Weather:
        """Return past weather as it was forecast, and that of the days to come with its tier."""
        second = now.timestamp()
        if self._sources and (second >= self._next_ask or second < self._next_ask - _LONGEST_WAIT):
            await self._ask(now)
        return self.known(now)

    def known(self, now: datetime) -> Weather:
        """Return what is known without asking anybody."""
        newest, hour = self._newest, int(now.timestamp()) // HOUR
        past = _until(self._past, hour)
        if newest is None or newest.issued_at is None:
            return past
        age = (now - newest.issued_at).total_seconds()
        if not -HOUR <= age <= CACHED_SECONDS:
            return past
        whole = _merged(past, newest, hour)
        tier: Tier = "live" if age <= LIVE_SECONDS else "cached"
        return Weather(whole.start, whole.columns, tier, newest.source, newest.issued_at)

    async def _ask(self, now: datetime) -> None:
        for source in self._sources:
            try:
                newest = await source.fetch(now)
            except WeatherError as error:
                wait = max(self._wait, error.retry_after or 0.0)
                self._next_ask = max(self._next_ask, now.timestamp() + wait)
                if not self._failing:
                    _LOGGER.warning("no weather: %s", error)
                continue
            self._newest = newest
            self._wait, self._failing = _FIRST_WAIT, False
            self._next_ask = now.timestamp() + ASK_SECONDS
            self._keep(now)
            return
        self._wait, self._failing = min(2 * self._wait, _LONGEST_WAIT), True

    def _keep(self, now: datetime) -> None:
        assert self._newest is not None
        hour = int(now.timestamp()) // HOUR
        past = _merged(self._past, self._newest, hour + _LEARN_AHEAD_HOURS)
        # Hours that nobody forecast in time are taken as they were told later: better than none.
        past = _merged(Weather(self._newest.start, self._newest.columns), past, 0, only_known=True)
        cut = max(hour - _KEPT_HOURS - int(past.start.timestamp()) // HOUR, 0)
        start = int(past.start.timestamp()) // HOUR + cut
        self._past = Weather(_hour(start), {name: line[cut:] for name, line in past.columns.items()})
        self._save()

    def _save(self) -> None:
        assert self._newest is not None
        assert self._newest.issued_at is not None
        kept: dict[str, Floats] = {f"past/{name}": line for name, line in self._past.columns.items()}
        kept |= {f"newest/{name}": line for name, line in self._newest.columns.items()}
        times = [self._past.start.timestamp(), self._newest.start.timestamp(), self._newest.issued_at.timestamp()]
        part = self._path.with_suffix(".part")
        try:
            with part.open("wb") as opened:
                np.savez_compressed(
                    opened,
                    allow_pickle=False,
                    times=np.array(times),
                    source=np.array(self._newest.source or ""),
                    **{name: line.astype(np.float32) for name, line in kept.items()},
                )
            part.replace(self._path)
        except OSError as error:
            _LOGGER.warning("the weather cannot be kept: %s", error)

    def _load(self) -> None:
        try:
            with self._path.open("rb") as opened, np.load(opened, allow_pickle=False) as kept:
                lines = {name: kept[name].astype(np.float64) for name in kept.files if "/" in name}
                times, source = kept["times"].tolist(), str(kept["source"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            _LOGGER.warning("the kept weather cannot be read and is begun anew: %s", error)
            return
        self._past = Weather(_moment(times[0]), _named(lines, "past/"))
        self._newest = Weather(_moment(times[1]), _named(lines, "newest/"), "cached", source, _moment(times[2]))


def _merged(base: Weather, over: Weather, from_hour: int, *, only_known: bool = False) -> Weather:
    """Return ``base`` with the hours of ``over`` from ``from_hour`` on laid over it."""
    if not base.columns:
        base = Weather(over.start, {})
    if not over.columns:
        return base
    begins = [int(one.start.timestamp()) // HOUR for one in (base, over)]
    counts = [_count(one) for one in (base, over)]
    first = min(begins)
    length = max(begin + count for begin, count in zip(begins, counts, strict=True)) - first
    columns = {}
    for name in {*base.columns, *over.columns}:
        line = np.full(length, np.nan)
        if name in base.columns:
            line[begins[0] - first : begins[0] - first + counts[0]] = base.columns[name]
        if name in over.columns:
            skip = min(max(from_hour - begins[1], 0), counts[1])
            laid = over.columns[name][skip:]
            place = slice(begins[1] - first + skip, begins[1] - first + counts[1])
            line[place] = np.where(np.isnan(laid), line[place], laid) if only_known else laid
        columns[name] = line
    return Weather(_hour(first), columns)


def _until(weather: Weather, hour: int) -> Weather:
    count = max(hour - int(weather.start.timestamp()) // HOUR, 0)
    return Weather(weather.start, {name: line[:count] for name, line in weather.columns.items()})


def _count(weather: Weather) -> int:
    return len(next(iter(weather.columns.values()))) if weather.columns else 0


def _named(lines: dict[str, Floats], prefix: str) -> dict[str, Floats]:
    return {name.removeprefix(prefix): line for name, line in lines.items() if name.startswith(prefix)}


def _hour(number: int) -> datetime:
    return datetime.fromtimestamp(number * HOUR, UTC)


def _moment(second: float) -> datetime:
    return datetime.fromtimestamp(float(second), UTC)
