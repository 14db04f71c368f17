"""The forecast: what past days say, what the sun says, and what the registers already show."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from energy_swap_edge.forecast.surplus import (
    Sample,
    Site,
    clear_sky_w_per_m2,
    exports_by_slot,
    forecast_surplus,
    mean_day,
    measured_today_wh,
    prior_day,
    remaining_wh,
)

NAIROBI = ZoneInfo("Africa/Nairobi")
MIDNIGHT = datetime(2026, 11, 20, tzinfo=NAIROBI)
SITE = Site(NAIROBI, rated_pv_w=3000, latitude=-1.3, longitude=36.8)


def samples(start: datetime, hours: float, watts, *, every: int = 300, register: float = 0) -> list[Sample]:  # type: ignore[no-untyped-def]
    """Registers under an export of ``watts(local hour)``."""
    made = []
    first = int(start.timestamp())
    for second in range(0, int(hours * 3600) + 1, every):
        made.append(Sample(first + second, round(register)))
        register += watts(datetime.fromtimestamp(first + second, NAIROBI).hour) * every / 3600
    return made


def by_day(hour: int) -> float:
    return 1200.0 if 9 <= hour < 15 else 0.0


def test_history_repeats_the_mean_of_past_days() -> None:
    two_days = samples(MIDNIGHT - timedelta(days=2), 48, by_day)
    forecast = forecast_surplus(two_days, MIDNIGHT, SITE)
    assert forecast is not None
    assert forecast.tier == "history"
    assert forecast.surplus_today_wh == pytest.approx(7200, abs=5)
    assert forecast.surplus_remaining_wh == forecast.surplus_today_wh


def test_what_is_measured_today_replaces_what_was_expected_of_it() -> None:
    past = samples(MIDNIGHT - timedelta(days=2), 48, by_day)
    today = samples(MIDNIGHT, 12, lambda hour: by_day(hour) / 2, register=past[-1].export_wh)
    forecast = forecast_surplus(past[:-1] + today, MIDNIGHT + timedelta(hours=12), SITE)
    assert forecast is not None
    assert forecast.surplus_remaining_wh == pytest.approx(3600, abs=5)
    assert forecast.surplus_today_wh == pytest.approx(1800 + 3600, abs=8)


def test_an_evening_has_nothing_left() -> None:
    past = samples(MIDNIGHT - timedelta(days=3), 72, by_day)
    forecast = forecast_surplus(past, MIDNIGHT - timedelta(hours=4), SITE)
    assert forecast is not None
    assert forecast.surplus_remaining_wh == 0


def test_less_than_two_days_falls_back_to_the_sun_and_that_needs_a_latitude() -> None:
    one_day = samples(MIDNIGHT - timedelta(days=1), 24, by_day)
    forecast = forecast_surplus(one_day, MIDNIGHT, SITE)
    assert forecast is not None
    assert forecast.tier == "prior"
    assert 5_000 < forecast.surplus_today_wh < 3000 * 6
    assert forecast_surplus(one_day, MIDNIGHT, Site(NAIROBI, 3000)) is None
    assert forecast_surplus([], MIDNIGHT, SITE) is not None


def test_the_prior_grows_with_the_panels_and_is_none_without() -> None:
    small = prior_day(MIDNIGHT.date(), Site(NAIROBI, 1000, latitude=-1.3))
    large = prior_day(MIDNIGHT.date(), Site(NAIROBI, 5000, latitude=-1.3))
    none = prior_day(MIDNIGHT.date(), Site(NAIROBI, 0, latitude=-1.3))
    assert small is not None
    assert large is not None
    assert sum(large) > 5 * sum(small)  # the load is subtracted once
    assert none == [0.0] * 96


def test_the_sun_stands_right() -> None:
    noon = datetime(2026, 3, 20, 12, 40, tzinfo=NAIROBI)  # solar noon at 36.8 E is about 12:33
    assert clear_sky_w_per_m2(noon, -1.3, 36.8) == pytest.approx(1037, abs=10)
    assert clear_sky_w_per_m2(noon + timedelta(hours=7), -1.3, 36.8) == 0
    london = datetime(2026, 12, 21, 12, 0, tzinfo=UTC)
    assert 100 < clear_sky_w_per_m2(london, 51.5, 0.0) < 300
    assert clear_sky_w_per_m2(london, 80.0, 0.0) == 0


def test_a_long_gap_is_not_smeared_over_the_slots() -> None:
    whole = samples(MIDNIGHT - timedelta(days=2), 48, by_day)
    gap_start, gap_end = (
        int((MIDNIGHT - timedelta(hours=14)).timestamp()),
        int((MIDNIGHT - timedelta(hours=10)).timestamp()),
    )
    holed = [s for s in whole if not gap_start < s.measured_at < gap_end]
    slots = exports_by_slot(holed, NAIROBI)[(MIDNIGHT - timedelta(days=1)).date()]
    assert set(range(96)) - set(slots) == set(range(40, 56))
    assert mean_day(exports_by_slot(holed, NAIROBI)) is None  # those hours are known of one day only


def test_a_new_register_epoch_counts_no_negative_energy() -> None:
    start = int(MIDNIGHT.timestamp())
    falls = [Sample(start, 5000), Sample(start + 300, 5100), Sample(start + 600, 0), Sample(start + 900, 50)]
    assert measured_today_wh(falls, MIDNIGHT + timedelta(hours=1)) == 150
    assert all(wh >= 0 for slots in exports_by_slot(falls, NAIROBI).values() for wh in slots.values())


def test_of_a_gain_across_midnight_today_gets_its_part() -> None:
    start = int(MIDNIGHT.timestamp())
    assert measured_today_wh([Sample(start - 900, 0), Sample(start + 300, 400)], MIDNIGHT) == 100


def test_the_current_slot_counts_in_proportion() -> None:
    expected = [60.0] * 96
    assert remaining_wh(expected, MIDNIGHT.replace(hour=23, minute=50)) == pytest.approx(40)
    assert remaining_wh(expected, MIDNIGHT) == 96 * 60
