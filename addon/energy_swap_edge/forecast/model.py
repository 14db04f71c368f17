"""The forecast itself: from history and weather to bands for two days, as pure functions."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from .confidence import calibrated_percent, seed_percent
from .courses import drawn, stretched, widened
from .days import day_opinions
from .experts import blended, consumption_experts, production_experts
from .grid import Grid, grid_of
from .history import HOUR, History, Site, Weather
from .household import Band, DayForecast, Floats, HouseholdForecast, PeriodForecast, band, quantiles_of
from .learning import HomeModel, consumption_spread, learn, production_spread, with_habits
from .nowcast import MEMORY, Nowcasts
from .prior import Prior, shipped_prior
from .recent import LEVELS, Whole
from .sun import clear_sky, usual_panels

HORIZON_HOURS: Final = 48
PERIOD: Final = timedelta(minutes=30)
LEARNING_DAYS: Final = 400
_RECENT_DAYS: Final = 36
_MOST_COURSES: Final = 90
_LEAST_COURSES: Final = 30
_ONE_HOUR: Final = timedelta(hours=1)


def retrain(history: History, site: Site, weather: Weather, now: datetime) -> HomeModel:
    """Learn from what is known at ``now``; takes seconds, so it runs at night and away from the event loop."""
    return learn(grid_of(history, site, weather, now, LEARNING_DAYS), shipped_prior(), now)


def make_forecast(
    history: History,
    site: Site,
    weather: Weather,
    now: datetime,
    *,
    model: HomeModel | None = None,
    period: timedelta = PERIOD,
) -> HouseholdForecast:
    """Return the forecast for the 48 hours that begin with the period of ``now``; ``period`` divides the hour.

    Without a ``model`` it is learned first. Nothing that ``history`` holds at or after the full hour of ``now`` is
    used.
    """
    model = retrain(history, site, weather, now) if model is None else model
    hourly = forecast_hours(history, site, weather, now, model)
    length = int(period.total_seconds())
    start = int(now.timestamp()) // length * length
    skip = (start - int(now.timestamp()) // HOUR * HOUR) // length
    share = _shape(site, now, length, len(hourly.production[0]))
    per_hour = HOUR // length
    wanted = slice(skip, skip + HORIZON_HOURS * per_hour)

    def split(values: Floats, by: Floats) -> Floats:
        return (np.repeat(values, per_hour, axis=1) * by)[:, wanted]

    even = np.full(len(share), 1 / per_hour)
    production, consumption = split(hourly.production_courses, share), split(hourly.consumption_courses, even)
    made, eaten = split(hourly.production, share), split(hourly.consumption, even)
    starts = [datetime.fromtimestamp(start + number * length, UTC) for number in range(production.shape[1])]
    periods = []
    for number, one in enumerate(starts):
        bands = _bands(production[:, [number]], consumption[:, [number]])
        net = float(made[_MIDDLE, number] - eaten[_MIDDLE, number])
        periods.append(
            PeriodForecast(
                one,
                period,
                _read(made[:, number], bands[0].mean),
                _read(eaten[:, number], bands[1].mean),
                _with_middle(bands[2], net),
                _with_middle(bands[3], -net),
            )
        )
    local = now.astimezone(site.zone)
    return HouseholdForecast(
        made_at=local,
        tier=weather.tier if hourly.has_weather else "history",
        weather_source=weather.source if hourly.has_weather else None,
        weather_at=weather.issued_at if hourly.has_weather else None,
        confidence_percent=calibrated_percent(production, consumption),
        seed_confidence_percent=seed_percent(model, weather if hourly.has_weather else None, now),
        periods=tuple(periods),
        days=_days(history, site.zone, local.date(), starts, production, consumption, hourly),
        production_samples=production,
        consumption_samples=consumption,
    )


class HourlyForecast:
    """The 49 hours from the full hour of now: quantiles (a row per level of `LEVELS`) and courses, in Wh."""

    def __init__(
        self,
        production: Floats,
        consumption: Floats,
        places: Floats,
        past: Grid,
        day_share: Floats,
        tail: float,
        *,
        has_weather: bool,
    ) -> None:
        self.production = production
        self.consumption = consumption
        used = drawn(consumption, places[:, :, 0])
        self.consumption_courses = stretched(used, consumption, tail)
        self.production_courses = drawn(production, places[:, :, 1])
        self._net_courses = self.production_courses - used
        self.has_weather = has_weather
        self._past, self._day_share = past, day_share

    def net(self) -> Floats:
        """Return the quantiles of production less consumption in Wh, a row per level of `LEVELS`.

        They are those of the courses; the middle is half way to the difference of the medians: that errs less, as
        the courses are few and consumption is skewed, but knows nothing of how the two go together.
        """
        spread = quantiles_of(self._net_courses, LEVELS)
        line = (spread[_MIDDLE] + (self.production - self.consumption)[_MIDDLE]) / 2
        spread[:_MIDDLE] = np.minimum(spread[:_MIDDLE], line)
        spread[_MIDDLE + 1 :] = np.maximum(spread[_MIDDLE + 1 :], line)
        spread[_MIDDLE] = line
        return spread

    def day_surplus(self, first: int, last: int) -> float:
        """Return the surplus in Wh of the hours [first, last) from the full hour of now, as days are forecast.

        NaN where the sums of past days say nothing.
        """
        past = self._past
        line = (self.production - self.consumption)[_MIDDLE][first:last]
        courses = self._net_courses[:, first:last]
        net = past.production - past.consumption
        said = day_opinions(line, courses, net, past.now, past.now + np.arange(first, last))
        return float(blended(said[:, None], self._day_share)[0])


def forecast_hours(
    history: History, site: Site, weather: Weather, now: datetime, model: HomeModel, prior: Prior | None = None
) -> HourlyForecast:
    """Return the forecast by the hour, from which that of periods and days is made."""
    prior = shipped_prior() if prior is None else prior
    grid = grid_of(history, site, weather, now, _RECENT_DAYS)
    # The last hours are forecast as the back-test forecast its days, so that what was missed means the same.
    begun = grid.now - (grid.first + grid.now - int(model.trained_at.timestamp()) // HOUR) % 24
    lately = np.arange(max(grid.now - MEMORY, 0), grid.now)
    ahead = np.arange(grid.now, len(grid.hour))
    targets = np.concatenate([lately, ahead])
    learned_at = np.where(targets < begun, begun - 24, begun)
    issues = np.where(targets < begun + 24, learned_at, grid.now)
    said = consumption_experts(grid, issues, targets)
    learned = np.full(len(targets), np.nan)
    if model.habits is not None:
        learned = model.habits.opinion(grid, said, issues, learned_at, targets)
    said, _ = with_habits(said, model.habits, learned)
    consumption = widened(
        consumption_spread(grid, said, model.consumption.share, issues, targets, prior), model.consumption.widths
    )
    production = widened(
        production_spread(
            grid, production_experts(grid, issues, targets), model.production.share, issues, targets, prior
        ),
        model.production.widths,
    )
    under = grid.has_weather[targets]
    skill = model.production
    if model.sky is not None and model.sky_production is not None and under.any():
        skill = model.sky_production
        by_sky = widened(model.sky.quantiles(grid, targets), skill.widths)
        production = np.where(under, by_sky, production)
    production = np.where(grid.is_dark[targets], 0.0, production)
    consumption = _in_the_light_of(
        lately, grid.consumption, consumption, model.consumption.nowcasts, grid.now - begun
    )
    production = _in_the_light_of(lately, grid.production, production, skill.nowcasts, grid.now - begun)
    under = under[len(lately) :]
    places = _places(model, model.consumption.places, skill.places, grid, prior)
    has_weather = bool(under[:24].mean() > 0.9)
    day_share = model.day_share
    if has_weather and model.sky_day_share is not None:
        day_share = model.sky_day_share
    return HourlyForecast(
        production,
        consumption,
        places,
        grid,
        day_share,
        model.consumption.tail,
        has_weather=has_weather,
    )


def _in_the_light_of(lately: Whole, actual: Floats, spread: Floats, nowcasts: Nowcasts, age: int) -> Floats:
    """Return the ``spread`` of the hours ahead, given with that of the hours ``lately`` before them.

    ``age`` is the number of hours since the last hour of learning.
    """
    count = len(lately)
    if count < MEMORY:
        return spread[:, count:]
    nowcast = nowcasts.fresh if age == 0 else nowcasts.later
    expected = spread[_MIDDLE, :count]
    return nowcast.applied(spread[:, count:], expected[::-1], actual[lately][::-1])


def _places(model: HomeModel, eaten: Floats, made: Floats, grid: Grid, prior: Prior) -> Floats:
    """Return past courses of surprises (course, hour, consumption and production), newest first.

    Where the home has few of its own, those of other homes are added.
    """
    count = len(grid.hour) - grid.now
    both = np.column_stack([eaten, made])
    begin = grid.first + grid.now - model.first
    found: list[Floats] = []
    for back in range(2, _MOST_COURSES + 24):
        at = begin - 24 * back
        if at < 0 or len(found) == _MOST_COURSES:
            break
        course = both[at : at + count]
        if len(course) == count and not np.isnan(course).any():
            found.append(course)
    if len(found) < _LEAST_COURSES:
        hours = (grid.hour[grid.now] + np.arange(count)) // 24, (grid.hour[grid.now] + np.arange(count)) % 24
        days = len(prior.places)
        found += [
            prior.places[(number + hours[0]) % days, hours[1]] for number in range(_LEAST_COURSES - len(found))
        ]
    return np.array(found)


def _shape(site: Site, now: datetime, length: int, hours: int) -> Floats:
    """Return which part of its hour's production each period has, by the clear sky at its middle."""
    per_hour = HOUR // length
    even = np.full(hours * per_hour, 1 / per_hour)
    if site.latitude is None or per_hour == 1:
        return even
    first = int(now.timestamp()) // HOUR * HOUR
    middles = first + length // 2 + length * np.arange(hours * per_hour, dtype=np.int64)
    longitude = site.longitude
    if longitude is None:
        longitude = (now.astimezone(site.zone).utcoffset() or timedelta(0)).total_seconds() / 240
    panels = usual_panels(site.latitude, site.tilt, site.azimuth)
    sky = clear_sky(middles - 1800, site.latitude, longitude, panels).plane_wm2.reshape(-1, per_hour)
    total = sky.sum(axis=1, keepdims=True)
    part: Floats = np.where(total > 1.0, sky / np.maximum(total, 1e-9), 1 / per_hour).ravel()
    return part


def _days(
    history: History,
    zone: ZoneInfo,
    today: date,
    starts: list[datetime],
    production: Floats,
    consumption: Floats,
    hourly: HourlyForecast,
) -> tuple[DayForecast, ...]:
    days = [one.astimezone(zone).date() for one in starts]
    made = []
    for day in (today, today + timedelta(days=1)):
        columns = [number for number, one in enumerate(days) if one == day]
        known_production, known_consumption = _measured(history, zone, day, starts[0])
        bands = _bands(production[:, columns], consumption[:, columns], known_production, known_consumption)
        one = DayForecast(day, *bands)
        hour = int(starts[0].timestamp()) // HOUR
        first = int(starts[columns[0]].timestamp()) // HOUR - hour
        if not len(known_production):  # a day that lies ahead as a whole
            last = int(starts[columns[-1]].timestamp()) // HOUR - hour + 1
            one = replace(one, surplus_wh=_drawn_to(one.surplus_wh, hourly.day_surplus(first, last)))
        made.append(one)
    return tuple(made)


def _drawn_to(courses: Band, figure: float) -> Band:
    """Return the band of ``courses`` about the ``figure`` that whole days are forecast by, in Wh."""
    if not figure > 0 or courses.p50 < 1:
        return courses
    factor = min(max(figure / courses.p50, 0.5), 2.0)
    return Band(courses.p10 * factor, courses.p50 * factor, courses.p90 * factor, courses.mean * factor)


def _measured(history: History, zone: ZoneInfo, day: date, until: datetime) -> tuple[Floats, Floats]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    begin = max((midnight - history.start) // _ONE_HOUR, 0)
    end = max((until - history.start) // _ONE_HOUR, 0)
    return np.nan_to_num(history.production_wh[begin:end]), np.nan_to_num(history.consumption_wh[begin:end])


_NOTHING: Final = np.zeros(0)
_LOW, _MIDDLE, _HIGH = LEVELS.index(0.1), LEVELS.index(0.5), LEVELS.index(0.9)


def _read(spread: Floats, mean: float) -> Band:
    return Band(float(spread[_LOW]), float(spread[_MIDDLE]), float(spread[_HIGH]), mean)


def _with_middle(courses: Band, middle: float) -> Band:
    """Return the band with its middle half way to that of the medians' difference (see `HourlyForecast.net`)."""
    return replace(courses, p50=min(max((courses.p50 + max(middle, 0.0)) / 2, courses.p10), courses.p90))


def _bands(
    production: Floats, consumption: Floats, measured: Floats = _NOTHING, used: Floats = _NOTHING
) -> tuple[Band, Band, Band, Band]:
    """Return the bands of production, consumption, surplus and shortage over all columns, course by course."""
    net, known = production - consumption, measured - used
    return (
        band(production.sum(axis=1) + measured.sum()),
        band(consumption.sum(axis=1) + used.sum()),
        band(np.maximum(net, 0).sum(axis=1) + np.maximum(known, 0).sum()),
        band(np.maximum(-net, 0).sum(axis=1) + np.maximum(-known, 0).sum()),
    )
