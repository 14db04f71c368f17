"""The forecast as the rest of the edge uses it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from energy_swap_edge.forecast.history import NO_WEATHER, History, Site, history_of
from energy_swap_edge.forecast.household import as_document, as_snapshot
from energy_swap_edge.forecast.model import make_forecast

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
    assert 1.3 * independent < together.p90 - together.p10 <= width


def test_the_documents_hold_whole_numbers() -> None:
    forecast = make_forecast(history(20), SITE, NO_WEATHER, NOW)
    snapshot, document = as_snapshot(forecast), as_document(forecast)
    assert snapshot["surplus_today_wh"] >= snapshot["surplus_remaining_wh"] >= 0
    assert snapshot["made_at"] == int(NOW.timestamp())
    assert len(document["periods"]) == 96
    assert document["periods"][0]["minutes"] == 30
    assert all(isinstance(it, int) for it in document["periods"][0]["surplus_wh"].values())


@dataclass(frozen=True)
class Shown:
    measured_at: int
    export_wh: int
    import_wh: int
    generation_wh: int


def test_history_spreads_readings_over_hours_and_leaves_out_what_was_not_measured() -> None:
    start = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
    at = int(start.timestamp())
    readings = [
        Shown(at, 100, 50, 1000),
        Shown(at + 1800, 200, 50, 1200),
        Shown(at + 5400, 400, 70, 1800),
        Shown(at + 7200, 500, 80, 2000),
        Shown(at + 7200 + 9000, 900, 90, 4000),
    ]
    made = history_of(readings, start + timedelta(hours=5), start)
    assert len(made.production_wh) == 5
    assert made.production_wh[:2].tolist() == [500.0, 500.0]
    assert made.consumption_wh[0] == 500 + 10 - 200
    assert np.isnan(made.production_wh[2:]).all()


def test_without_measured_generation_the_net_is_what_is_known() -> None:
    start = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
    at = int(start.timestamp())
    readings = [Shown(at, 0, 0, 0), Shown(at + 3600, 300, 100, 0), Shown(at + 7200, 300, 500, 0)]
    made = history_of(readings, start + timedelta(hours=2), start)
    assert made.production_wh.tolist() == [200.0, 0.0]
    assert made.consumption_wh.tolist() == [0.0, 400.0]
