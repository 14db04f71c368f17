"""The week in the repository is what its README says, and its market is worth watching."""

import csv
from datetime import UTC, datetime, timedelta

import pytest
from energy_swap_demo.households import HOUSEHOLDS
from energy_swap_demo.measured_week import SLICES, WEEK_FILE, Slice, SourceError, cut_week, fill_short_gaps
from energy_swap_demo.profile import Profile, read_profiles


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with WEEK_FILE.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def profiles() -> dict[int, Profile]:
    return read_profiles()


def test_weeks_are_different_mondays_of_the_source_homes() -> None:
    assert len({(s.home, s.monday) for s in SLICES}) == len(SLICES) == 12
    assert all(datetime.fromisoformat(s.monday).weekday() == 0 for s in SLICES)


def test_nothing_was_filled_but_the_edges_of_the_day(rows: list[dict[str, str]]) -> None:
    filled = [row for row in rows if row["pv_filled"] == "1"]
    assert len(filled) == 8
    assert {row["hour"] for row in filled} <= {"6", "7", "17", "18"}


def test_seven_households_have_solar_that_fits_their_roof(profiles: dict[int, Profile]) -> None:
    assert [h.number for h in HOUSEHOLDS if h.has_solar] == [1, 2, 3, 4, 5, 6, 7]
    for household in HOUSEHOLDS:
        profile = profiles[household.number]
        powers = [profile.power_at(minute) for minute in range(0, 7 * 1440, 5)]
        assert max(p.generation_w for p in powers) <= household.rated_pv_w
        assert max(p.net_w for p in powers) <= household.main_breaker_w
        assert bool(profile.export_mwh[-1] > 0) is household.has_solar


def test_nobody_exports_while_it_is_dark_in_nairobi(profiles: dict[int, Profile]) -> None:
    for profile in profiles.values():
        for minute in range(7 * 1440):
            if not 6 * 60 <= minute % 1440 < 18 * 60 + 30:
                assert profile.power_at(minute).net_mw >= 0


def test_solar_noon_of_the_community_is_nairobis(profiles: dict[int, Profile]) -> None:
    moment = total = 0.0
    for profile in profiles.values():
        for minute in range(7 * 1440):
            power = profile.power_at(minute).generation_mw
            moment += power * (minute % 1440 + 0.5)
            total += power
    assert 12 * 60 <= moment / total <= 13 * 60 + 15  # Nairobi's sun stands highest about 12:20


def test_the_market_sees_both_surplus_and_shortage(profiles: dict[int, Profile]) -> None:
    surplus = shortage = 0
    for begins in range(0, 7 * 1440, 30):
        exported = imported = 0
        for profile in profiles.values():
            before, after = profile.registers_at(begins), profile.registers_at(begins + 30)
            net = (after.export_wh - before.export_wh) - (after.import_wh - before.import_wh)
            exported += max(net, 0)
            imported += max(-net, 0)
        surplus += exported > imported
        shortage += 50 < exported < imported
    assert surplus >= 40
    assert shortage >= 40


def test_limits_lie_between_feed_in_and_retail_and_differ() -> None:
    sellers = [h.sell_at_least for h in HOUSEHOLDS if h.sell_at_least is not None]
    buyers = [h.buy_at_most for h in HOUSEHOLDS]
    assert len(set(sellers)) == len(sellers) == 7
    assert len(set(buyers)) == len(buyers) == 12
    assert all(825 <= limit <= 1857 for limit in sellers + buyers)
    assert all(h.sell_at_least is None or h.sell_at_least < h.buy_at_most for h in HOUSEHOLDS)
    assert len({h.phone for h in HOUSEHOLDS}) == 12


def test_short_gaps_lie_on_a_straight_line_and_long_ones_are_refused() -> None:
    assert fill_short_gaps([1.0, None, None, 4.0]) == [(1.0, False), (2.0, True), (3.0, True), (4.0, False)]
    with pytest.raises(SourceError, match="hour 1"):
        fill_short_gaps([1.0, None, None, None, 4.0])
    with pytest.raises(SourceError, match="hour 0"):
        fill_short_gaps([None, 1.0])


def test_source_hour_moves_to_nairobi_and_is_scaled() -> None:
    wanted = Slice(1, "cossmic3", "2016-09-05", 0.5)
    begins = datetime(2016, 9, 4, 23, tzinfo=UTC)  # two hours later in the sun than Nairobi's midnight
    hours = {begins + timedelta(hours=n): (float(n), 1.25) for n in range(168)}
    cut = list(cut_week(wanted, hours))
    assert cut[0][5:] == (0, 0, "0.000", "1.250", 0)
    assert cut[30][5:] == (1, 6, "15.000", "1.250", 0)
    with pytest.raises(SourceError):
        list(cut_week(wanted, {time: (pv, None) for time, (pv, _) in hours.items()}))
