"""The profile keeps every measured watt-hour and never lets a register fall."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from energy_swap_demo.profile import (
    MINUTES_PER_WEEK,
    MeasuredHours,
    Profile,
    draw_profile,
    minute_index,
    read_profiles,
    read_week,
)
from hypothesis import given, settings
from hypothesis import strategies as st

energies = st.lists(st.integers(0, 9_000), min_size=168, max_size=168).map(tuple)


@pytest.fixture(scope="module")
def profiles() -> dict[int, Profile]:
    return read_profiles()


def assert_keeps_every_hour(hours: MeasuredHours, profile: Profile) -> None:
    for measured, drawn in ((hours.generation_wh, profile.generation_mwh), (hours.load_wh, profile.load_mwh)):
        assert (np.diff(drawn[::60]) == np.array(measured) * 1000).all()
    for register in (profile.generation_mwh, profile.load_mwh, profile.export_mwh, profile.import_mwh):
        assert register[0] == 0
        assert (np.diff(register) >= 0).all()
    assert (profile.export_mwh - profile.import_mwh == profile.generation_mwh - profile.load_mwh).all()


@settings(max_examples=60, deadline=None)
@given(energies, energies)
def test_any_week_keeps_its_hours_and_balances(generation: tuple[int, ...], load: tuple[int, ...]) -> None:
    hours = MeasuredHours(generation, load)
    assert_keeps_every_hour(hours, draw_profile(hours))


def test_the_measured_week_keeps_its_hours_and_balances(profiles: dict[int, Profile]) -> None:
    week = read_week()
    assert sorted(week) == list(range(1, 13))
    for household, hours in week.items():
        assert_keeps_every_hour(hours, profiles[household])


def test_only_one_of_export_and_import_grows_in_a_minute(profiles: dict[int, Profile]) -> None:
    for profile in profiles.values():
        assert not ((np.diff(profile.export_mwh) > 0) & (np.diff(profile.import_mwh) > 0)).any()


@given(household=st.integers(1, 12), minute=st.integers(0, 5 * MINUTES_PER_WEEK))
@settings(deadline=None)
def test_power_is_exactly_the_growth_of_the_registers(
    profiles: dict[int, Profile], household: int, minute: int
) -> None:
    profile = profiles[household]
    now, then, power = profile.registers_at(minute), profile.registers_at(minute + 1), profile.power_at(minute)
    assert (then.generation_mwh - now.generation_mwh) * 60 == power.generation_mw
    net_mwh = (then.import_mwh - now.import_mwh) - (then.export_mwh - now.export_mwh)
    assert net_mwh * 60 == power.net_mw
    assert then.export_wh >= now.export_wh
    assert then.import_wh >= now.import_wh


def test_second_week_continues_where_the_first_ended(profiles: dict[int, Profile]) -> None:
    profile = profiles[1]
    first, second = profile.registers_at(700), profile.registers_at(MINUTES_PER_WEEK + 700)
    assert second.import_mwh - first.import_mwh == profile.registers_at(MINUTES_PER_WEEK).import_mwh
    jump = abs(profile.power_at(MINUTES_PER_WEEK).net_mw - profile.power_at(MINUTES_PER_WEEK - 1).net_mw)
    assert jump < 50_000  # mW: no step at the seam


def test_power_is_smooth_within_the_day(profiles: dict[int, Profile]) -> None:
    for profile in profiles.values():
        power_w = np.diff(profile.generation_mwh) * 60 / 1000
        assert np.abs(np.diff(power_w)).max() < 120  # W from one minute to the next


def test_registers_before_the_start_are_refused(profiles: dict[int, Profile]) -> None:
    with pytest.raises(ValueError, match="minute 0"):
        profiles[1].registers_at(-1)


def test_minute_index_counts_whole_minutes_since_the_start() -> None:
    start = datetime(2026, 11, 15, 21, tzinfo=UTC)
    assert minute_index(start + timedelta(minutes=61, seconds=59), start) == 61
    assert minute_index(start - timedelta(seconds=1), start) == -1
