"""The forecast as the rest of the edge uses it."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from energy_swap_edge.forecast import sun
from energy_swap_edge.forecast.courses import drawn, placed, stretched, tail_factor
from energy_swap_edge.forecast.days import NAMES, SKY_LEARNED_SHARE, SKY_SHARE, day_opinions, learn_days
from energy_swap_edge.forecast.experts import blended, consumption_surprises, shares
from energy_swap_edge.forecast.grid import grid_of
from energy_swap_edge.forecast.history import NO_WEATHER, History, Site, Weather, history_of_quarters
from energy_swap_edge.forecast.household import Floats, HouseholdForecast, as_document, as_snapshot, quantiles_of
from energy_swap_edge.forecast.model import make_forecast, retrain
from energy_swap_edge.forecast.nowcast import MEMORY, learn_nowcasts
from energy_swap_edge.forecast.prior import shipped_prior
from energy_swap_edge.forecast.recent import LEVELS
from energy_swap_edge.history.roll_up import Quarter

NAIROBI = ZoneInfo("Africa/Nairobi")
NOW = datetime(2026, 11, 20, 9, 10, tzinfo=NAIROBI)
SITE = Site(NAIROBI, rated_w=3000, latitude=-1.3, longitude=36.8)


def history(days: int) -> History:
    end = NOW.astimezone(UTC).replace(minute=0)
    start = end - timedelta(days=days)
    hours = np.array([(start + timedelta(hours=n)).astimezone(NAIROBI).hour for n in range(24 * days)])
    rng = np.random.default_rng(1)
    clouds = np.repeat(rng.uniform(0.5, 1.0, days), 24)
    production = np.where((hours >= 7) & (hours < 18), 1500.0, 0.0) * clouds
    consumption = np.where((hours >= 18) & (hours < 22), 900.0, 300.0) * rng.uniform(0.8, 1.2, 24 * days)
    return History(start, production, consumption)


def test_a_forecast_covers_two_days_in_periods_from_now() -> None:
    forecast = make_forecast(history(20), SITE, NO_WEATHER, NOW)
    assert len(forecast.periods) == 96
    assert forecast.periods[0].start == datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
    assert forecast.periods[-1].start - forecast.periods[0].start == timedelta(hours=47.5)
    assert [one.day.day for one in forecast.days] == [20, 21]


def test_bands_are_in_order_and_the_night_has_no_production() -> None:
    forecast = make_forecast(history(20), SITE, NO_WEATHER, NOW)
    for one in forecast.periods:
        for it in (one.production_wh, one.consumption_wh, one.surplus_wh, one.shortage_wh):
            assert 0 <= it.p10 <= it.p50 <= it.p90
        if one.start.astimezone(NAIROBI).hour in {0, 1, 2, 3, 20, 21}:
            assert one.production_wh.p90 == 0


def test_the_sum_of_a_span_is_taken_course_by_course() -> None:
    forecast = make_forecast(history(20), SITE, NO_WEATHER, NOW)
    start, end = forecast.periods[0].start, forecast.periods[20].start
    together = forecast.surplus_between(start, end)
    parts = forecast.periods[:20]
    assert together.mean == pytest.approx(sum(one.surplus_wh.mean for one in parts))
    # Clouds stay for the day: the sum is less certain than if the hours were independent.
    width = sum(one.surplus_wh.p90 - one.surplus_wh.p10 for one in parts)
    independent = sum((one.surplus_wh.p90 - one.surplus_wh.p10) ** 2 for one in parts) ** 0.5
    assert 1.3 * independent < together.p90 - together.p10 <= 1.05 * width


def test_the_middle_of_an_hours_surplus_lies_between_that_of_its_courses_and_of_the_medians() -> None:
    forecast = make_forecast(history(20), SITE, NO_WEATHER, NOW)
    net = forecast.production_samples - forecast.consumption_samples
    for one, courses in zip(forecast.periods, np.maximum(net, 0).T, strict=True):
        middle = max(one.production_wh.p50 - one.consumption_wh.p50, 0.0)
        half = (float(np.median(courses)) + middle) / 2
        assert one.surplus_wh.p50 == pytest.approx(min(max(half, one.surplus_wh.p10), one.surplus_wh.p90))


def test_a_day_of_little_use_lowers_what_is_expected_of_the_next() -> None:
    usual, away = history(40), history(40)
    away.consumption_wh[-24:] *= 0.2
    lately, before = (
        sum(one.consumption_wh.p50 for one in make_forecast(home, SITE, NO_WEATHER, NOW).periods[:48])
        for home in (away, usual)
    )
    assert lately < 0.93 * before


def test_a_dull_morning_lowers_what_is_left_of_the_day_and_hardly_tomorrow() -> None:
    usual, dull = history(41), history(41)
    dull.production_wh[-2:] *= 0.3
    night = NOW.replace(hour=2)
    model = retrain(usual, SITE, NO_WEATHER, night)
    made = [make_forecast(one, SITE, NO_WEATHER, NOW, model=model).periods for one in (usual, dull)]
    soon, later = ([sum(it.production_wh.p50 for it in one[part]) for one in made]
                   for part in (slice(0, 6), slice(48, 60)))  # fmt: skip
    assert soon[1] < 0.8 * soon[0]
    assert later[1] > 0.95 * later[0]


def test_a_house_that_uses_much_now_is_expected_to_for_a_while() -> None:
    usual, busy = history(41), history(41)
    busy.consumption_wh[-1] += 3000
    model = retrain(usual, SITE, NO_WEATHER, NOW.replace(hour=2))
    slow = replace(model.consumption.nowcasts.later, part=0.5 * np.exp(-np.arange(24) / 2))
    skill = replace(model.consumption, nowcasts=replace(model.consumption.nowcasts, later=slow))
    model = replace(model, consumption=skill)
    before, after = (make_forecast(one, SITE, NO_WEATHER, NOW, model=model).periods for one in (usual, busy))
    more = [2 * (one.consumption_wh.p50 - other.consumption_wh.p50)
            for one, other in zip(after, before, strict=True)]  # fmt: skip
    assert 1000 < more[0] <= 1500
    assert 200 < more[4] < more[2] < more[0]
    assert abs(more[60]) < 50


def bands(middle: Floats) -> Floats:
    return middle + np.linspace(-500, 500, len(LEVELS))[:, None]


def test_errors_that_last_are_carried_on_and_those_of_chance_are_not() -> None:
    rng = np.random.default_rng(7)
    chance = rng.normal(0, 300, 24 * 60)
    lasting = np.zeros(24 * 60)
    for hour in range(1, len(lasting)):
        lasting[hour] = 0.9 * lasting[hour - 1] + rng.normal(0, 130)
    said, always = bands(np.full(24 * 60, 1000.0)), np.ones(24 * 60, bool)
    of_chance, of_lasting = (learn_nowcasts("consumption", 1000 + one, said, always) for one in (chance, lasting))
    assert not of_chance.later.part.any()
    assert of_lasting.later.part[0] > 0.6
    assert of_lasting.later.part[4] > 0.3
    # What is surer has a narrower band: the very next hour.
    assert of_lasting.later.widths[0][1] < 0.75
    made = of_lasting.later.applied(said[:, :49], np.full(MEMORY, 1000.0), np.full(MEMORY, np.nan))
    assert made[LEVELS.index(0.5)] == pytest.approx(np.full(49, 1000.0), abs=40)  # nothing measured: as it was


@pytest.mark.parametrize("share", [0.5, 0.1])  # of hours in which much is used
def test_the_mean_of_courses_follows_what_was_used_and_their_middle_stays(share: float) -> None:
    rng = np.random.default_rng(8)
    said = bands(np.full(24 * 60, 1000.0))
    much = np.where(rng.uniform(size=24 * 60) < share, 2000.0, 700.0)
    where = placed(much, said)
    factor = tail_factor(much, said, where)
    before = drawn(said[:, :24], where.reshape(-1, 24)[:59])
    courses = stretched(before, said[:, :24], factor)
    assert factor > 1.3
    # Ten days' worth of doubt is left of what was missed.
    assert abs(courses.mean() - much.mean()) < 0.4 * abs(before.mean() - much.mean())
    assert courses[before <= 1000].tolist() == before[before <= 1000].tolist()


def test_what_was_used_long_ago_counts_less_for_the_mean() -> None:
    said = bands(np.full(24 * 60, 1000.0))
    calm, wild = np.full(24 * 30, 1000.0), np.tile([1000.0, 2500.0], 12 * 30)
    factors = []
    for parts in ((calm, wild), (wild, calm)):
        used = np.concatenate(parts)
        factors.append(tail_factor(used, said, placed(used, said)))
    assert factors[0] > factors[1] + 0.1


def test_surprises_of_other_homes_fill_a_band_of_production_and_do_not_go_beyond_it() -> None:
    made = shipped_prior().places[:, :, 1]
    by_day = made[np.abs(made - 0.5) > 1e-6]
    assert float(((by_day >= 0.1) & (by_day <= 0.9)).mean()) == pytest.approx(0.8, abs=0.01)
    assert (made[:, 0] == 0.5).all()
    noon = made[:, [11, 12, 13]]  # one hour of a day still tells of the next
    assert np.corrcoef(noon.T).min() > 0.5


@pytest.mark.parametrize(("count", "inside"), [(30, 0.8 * 29 / 31), (90, 0.8)])
def test_bands_of_a_homes_own_courses_hold_what_they_say(count: int, inside: float) -> None:
    """Few courses, mostly of other homes, are taken as they are."""
    rng = np.random.default_rng(4)
    low, high = quantiles_of(rng.normal(size=(count, 20_000)), (0.1, 0.9))
    new = rng.normal(size=20_000)
    assert float(((new >= low) & (new <= high)).mean()) == pytest.approx(inside, abs=0.012)


def test_the_documents_hold_whole_numbers() -> None:
    forecast = make_forecast(history(20), SITE, NO_WEATHER, NOW)
    snapshot, document = as_snapshot(forecast), as_document(forecast)
    assert snapshot["surplus_today_wh"] >= snapshot["surplus_remaining_wh"] >= 0
    assert snapshot["made_at"] == int(NOW.timestamp())
    assert len(document["periods"]) == 96
    assert document["periods"][0]["minutes"] == 30
    assert all(isinstance(it, int) for it in document["periods"][0]["surplus_wh"].values())


def quarters(start: datetime, flows: list[tuple[int, int, int]]) -> list[Quarter]:
    at = int(start.timestamp())
    return [Quarter(at + 900 * n, out, taken, made, False) for n, (out, taken, made) in enumerate(flows)]


def test_history_holds_whole_hours_and_leaves_out_what_was_not_measured() -> None:
    start = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
    measured = quarters(start, [(50, 10, 250)] * 14)
    measured[5] = replace(measured[5], is_estimated=True)
    made = history_of_quarters(measured, start + timedelta(hours=4, minutes=40))
    assert made.production_wh[[0, 2]].tolist() == [1000.0, 1000.0]
    assert made.consumption_wh[0] == 1000 + 40 - 200
    assert np.isnan(made.production_wh[[1, 3]]).all()
    assert made.end == start + timedelta(hours=4)


def test_without_measured_generation_the_net_is_what_is_known() -> None:
    start = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
    made = history_of_quarters(quarters(start, [(75, 25, 0)] * 4 + [(0, 100, 0)] * 4), start + timedelta(hours=2))
    assert made.production_wh.tolist() == [200.0, 0.0]
    assert made.consumption_wh.tolist() == [0.0, 400.0]


def test_the_first_day_is_useful_without_any_history() -> None:
    nothing = History(NOW.astimezone(UTC).replace(minute=0), np.zeros(0), np.zeros(0))
    forecast = make_forecast(nothing, SITE, NO_WEATHER, NOW)
    tomorrow = forecast.days[1]
    assert 3000 < tomorrow.production_wh.mean < 20000
    assert tomorrow.production_wh.p10 < 0.7 * tomorrow.production_wh.p90
    assert forecast.tier == "history"
    assert 0 < forecast.seed_confidence_percent < 60


@pytest.mark.timeout(900)
@pytest.mark.parametrize("days", [40, 122])  # without and with trees of the consumption
def test_nothing_at_or_after_the_hour_of_issue_is_used(days: int) -> None:
    known = history(days)
    poison = np.full(200, 1e9)
    poisoned = History(
        known.start, np.append(known.production_wh, poison), np.append(known.consumption_wh, -poison)
    )
    clean, bad = (retrain(one, SITE, NO_WEATHER, NOW) for one in (known, poisoned))
    assert clean.consumption.widths == bad.consumption.widths
    assert (clean.habits is not None) == (days > 100)
    said = make_forecast(known, SITE, NO_WEATHER, NOW, model=clean)
    assert as_document(make_forecast(poisoned, SITE, NO_WEATHER, NOW, model=bad)) == as_document(said)


# Made by pvlib 0.16.1 (SPA, Kasten and Young, Ineichen with Linke 3 at sea level, Erbs, Hay and Davies) for panels
# tilted 30° towards 150°: time, latitude, longitude, apparent zenith, azimuth, clear sky on the ground, on the
# panels, and on the panels where clouds let half of it through.
BY_PVLIB = [
    ("2026-03-21T07:10Z", -1.3, 36.8, 37.52, 87.86, 818.95, 866.1, 396.57),
    ("2026-06-21T14:50Z", -1.3, 36.8, 80.21, 294.05, 100.7, 24.02, 46.64),
    ("2026-12-21T10:30Z", 47.7, 9.2, 72.02, 167.66, 260.81, 569.2, 135.75),
    ("2026-06-21T04:10Z", 47.7, 9.2, 84.35, 60.8, 38.29, 36.45, 18.19),
    ("2027-01-05T02:30Z", -35.3, 149.1, 13.47, 338.44, 1059.31, 816.24, 484.87),
    ("2026-09-10T20:30Z", -35.3, 149.1, 86.5, 81.9, 14.73, 33.44, 7.18),
    ("2026-05-01T12:30Z", -1.3, 36.8, 47.45, 292.09, 665.0, 317.3, 290.93),
]


@pytest.mark.parametrize("case", BY_PVLIB)
def test_sun_sky_and_panels_are_as_the_reference_has_them(case: tuple[Any, ...]) -> None:
    moment, latitude, longitude, zenith, azimuth, ground, panels, clouded = case
    at = np.array([int(datetime.fromisoformat(moment).timestamp())], dtype=np.int64)
    towards = sun.Panels(30, 150)
    up, turned = sun.position(at, latitude, longitude)
    assert (up[0], turned[0]) == pytest.approx((zenith, azimuth), abs=0.04)
    overall, beam, diffuse, extra = sun.irradiance(at, up)
    clear = sun.on_plane(up, turned, beam, overall, diffuse, extra, towards)
    cloudy = sun.on_plane(up, turned, *sun.parts(overall / 2, up, extra), extra, towards)
    assert (overall[0], clear[0], cloudy[0]) == pytest.approx((ground, panels, clouded), abs=0.3)


class Cloudy:
    """Weather whose clouds change by the hour, and a home that produces seven tenths of what physics says."""

    def __init__(self) -> None:
        before = history(40)
        count = len(before.production_wh) + 72
        rng = np.random.default_rng(3)
        clouds = np.repeat(rng.uniform(0, 100, count // 6 + 1), 6)[:count] + rng.normal(0, 10, count)
        columns = {"cloud_cover": np.clip(clouds, 0, 100), "temperature_2m": np.full(count, 24.0)}
        self.weather = Weather(before.start, columns, "live", "test", NOW)
        physics = grid_of(before, SITE, self.weather, NOW, 400).columns["physics_wh"]
        now = len(before.production_wh)
        self.expected = 0.7 * physics[now : now + 48]
        self.history = History(before.start, 0.7 * physics[:now], before.consumption_wh)
        self.model = retrain(self.history, SITE, self.weather, NOW)

    def forecast(self, weather: Weather) -> HouseholdForecast:
        return make_forecast(self.history, SITE, weather, NOW, model=self.model, period=timedelta(hours=1))


@pytest.fixture(scope="module")
def cloudy() -> Cloudy:
    return Cloudy()


def error(made: HouseholdForecast, expected: Floats) -> float:
    got = np.array([one.production_wh.p50 for one in made.periods])
    return float(np.abs(got - expected).sum() / expected.sum())


def test_forecast_weather_is_followed_and_the_home_corrects_physics(cloudy: Cloudy) -> None:
    forecast, without = cloudy.forecast(cloudy.weather), cloudy.forecast(NO_WEATHER)
    assert (forecast.tier, without.tier) == ("live", "history")
    assert error(forecast, cloudy.expected) < 0.15
    assert error(without, cloudy.expected) > 0.2


def test_weather_that_ends_early_leaves_the_rest_to_historical_patterns(cloudy: Cloudy) -> None:
    count = len(cloudy.history.production_wh) + 30
    short = replace(cloudy.weather, columns={name: line[:count] for name, line in cloudy.weather.columns.items()})
    forecast = cloudy.forecast(short)
    assert forecast.tier == "live"
    assert all(math.isfinite(one.production_wh.p90) for one in forecast.periods)


def test_older_weather_lowers_the_seeds_confidence(cloudy: Cloudy) -> None:
    fresh = cloudy.forecast(cloudy.weather)
    stale = cloudy.forecast(replace(cloudy.weather, tier="cached", issued_at=NOW - timedelta(hours=40)))
    assert stale.tier == "cached"
    assert stale.seed_confidence_percent < fresh.seed_confidence_percent


def test_a_home_with_gaps_still_has_a_forecast() -> None:
    known = history(30)
    known.production_wh[100:160] = np.nan
    known.consumption_wh[::7] = np.nan
    forecast = make_forecast(known, SITE, NO_WEATHER, NOW)
    assert all(math.isfinite(one.surplus_wh.p90) for one in forecast.periods)


def test_the_expert_that_was_right_counts_most() -> None:
    rng = np.random.default_rng(5)
    actual = rng.uniform(0, 1, 600)
    points = np.array([actual + rng.normal(0, scale, 600) for scale in (0.1, 0.4, 0.4)])
    made = shares(points, actual, np.zeros(600), np.full(3, 1 / 3), (1, 2))
    assert made[0] > 0.6


def test_the_slope_between_hours_is_no_surprise() -> None:
    past = history(10)
    hours = np.arange(24 * 10)
    for noise in (0.0, 50.0):
        use = 1000.0 + 800.0 * np.abs(hours % 24 - 12) + noise * np.random.default_rng(2).normal(size=len(hours))
        grid = grid_of(replace(past, consumption_wh=use), SITE, NO_WEATHER, NOW, 36)
        targets = np.arange(grid.now, grid.now + 24)
        spread = consumption_surprises(grid, np.full(24, grid.now), targets)
        assert (spread[LEVELS.index(0.5)] == 0).all()
        width = float((spread[LEVELS.index(0.9)] - spread[LEVELS.index(0.1)]).mean())
        # The hours before and after are 800 Wh away: the tenth of that which ten days leave, and chance.
        assert width < 200 + 4 * noise
        assert width > 2 * noise


def test_a_simple_rival_that_was_clearly_better_stands_alone() -> None:
    rng = np.random.default_rng(5)
    actual = rng.uniform(0, 1, 600)
    points = np.array([actual + 3.0, actual + 3.0, actual + rng.normal(0, 0.01, 600)])
    made = shares(points, actual, np.zeros(600), np.array([0.5, 0.5, 0.0]), (2,))
    assert made.tolist() == [0.0, 0.0, 1.0]


@pytest.mark.timeout(900)
def test_a_habit_that_no_simple_rule_knows_is_learned() -> None:
    monday = datetime(2026, 11, 23, 0, 10, tzinfo=NAIROBI)
    start = monday.astimezone(UTC).replace(minute=0) - timedelta(days=160)
    local = [(start + timedelta(hours=n)).astimezone(NAIROBI) for n in range(24 * 160)]
    washing = np.array([one.weekday() == 1 and 18 <= one.hour < 22 for one in local])
    used = np.where(washing, 2000.0, 300.0) * np.random.default_rng(1).uniform(0.9, 1.1, len(local))
    home = History(start, np.zeros(len(local)), used)
    model = retrain(home, SITE, NO_WEATHER, monday)
    until = History(start, np.zeros(len(used) + 15), np.append(used, np.full(15, 300.0)))
    for known, now in ((home, monday), (until, monday.replace(hour=15))):  # at night, and with that model later
        forecast = make_forecast(known, SITE, NO_WEATHER, now, model=model, period=timedelta(hours=1))
        evenings = {
            day: next(
                one.consumption_wh.p50
                for one in forecast.periods
                if (one.start.astimezone(NAIROBI).weekday(), one.start.astimezone(NAIROBI).hour) == (day, 19)
            )
            for day in (0, 1)
        }
        assert evenings[0] < 500
        assert evenings[1] > 1000


def test_days_that_are_like_their_past_are_not_spoiled_by_hours_forecast_badly() -> None:
    day = np.repeat([-300.0, 1000.0, -600.0], [8, 8, 8])
    net = np.tile(day, 60) * np.repeat(np.random.default_rng(2).uniform(0.9, 1.1, 60), 24)
    bad = np.tile(np.where(day > 0, 3 * day, day), (40, 1)) * np.random.default_rng(3).uniform(0.2, 1.8, (40, 24))
    share = learn_days(bad, net, len(net))
    assert share[NAMES.index("line")] < 0.05
    hours = len(net) + np.arange(24)
    said = day_opinions(bad[0], bad, np.append(net, np.full(48, np.nan)), len(net), hours)
    assert float(blended(said[:, None], share)[0]) == pytest.approx(8000, rel=0.15)


def test_past_days_have_a_say_under_forecast_weather_only_until_there_are_days_enough_to_learn_from() -> None:
    rng = np.random.default_rng(4)
    day = np.repeat([-300.0, 1000.0, -600.0], [8, 8, 8])
    net = np.tile(day, 60) * np.repeat(rng.uniform(0.2, 1.8, 60), 24)
    lines = net.reshape(-1, 24) * rng.uniform(0.8, 1.2, (60, 1))
    past_days = [NAMES.index(name) for name in ("yesterday", "three", "week", "month")]
    few, many = (
        learn_days(lines[-days:], net[-24 * days - 24 :], 24 * days + 24, SKY_SHARE, SKY_LEARNED_SHARE)
        for days in (9, 40)
    )
    assert few.tolist() == SKY_SHARE.tolist()
    assert many.sum() == pytest.approx(1)
    assert many[past_days].tolist() == [0, 0, 0, 0]
    steady = np.tile(day, 60)
    poor = steady.reshape(-1, 24)[-40:] * rng.uniform(0.2, 1.8, (40, 1))
    steady[24 * 50 + 12] = np.nan  # an hour that was not measured
    made = learn_days(poor, steady, len(steady), SKY_SHARE, SKY_LEARNED_SHARE)
    assert made[past_days].sum() == 1  # clearly better than the mixture, one of them is believed all the same
