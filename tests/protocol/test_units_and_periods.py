"""Rounding of energy times price, and periods aligned to UTC."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise

import pytest
from energy_swap_protocol.period import LENGTHS_MINUTES, Period, PeriodCalendar, period_at, period_named
from energy_swap_protocol.units import affordable_wh, cost_cents
from hypothesis import given
from hypothesis import strategies as st

prices = st.integers(1, 100_000)
lengths = st.sampled_from([timedelta(minutes=minutes) for minutes in LENGTHS_MINUTES])
HALF_HOUR = timedelta(minutes=30)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
DAY = timedelta(days=1)
changes = st.dictionaries(st.integers(-4, 4), lengths, max_size=5).map(
    lambda found: tuple((MIDNIGHT + day * DAY, found[day]) for day in sorted(found))
)
calendars = st.builds(PeriodCalendar, lengths, changes)
times = st.datetimes(datetime(2026, 11, 14), datetime(2026, 11, 26), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("wh", "price", "cents"),
    [(1000, 1800, 1800), (500, 1, 0), (1500, 1, 2), (2500, 1, 2), (501, 1, 1), (-500, 1, 0), (-1500, 1, -2)],
)
def test_cost_is_rounded_half_to_even(wh: int, price: int, cents: int) -> None:
    assert cost_cents(wh, price) == cents


@given(st.integers(-(10**12), 10**12), prices)
def test_cost_agrees_with_decimal_arithmetic(wh: int, price: int) -> None:
    exact = Decimal(wh * price) / 1000
    assert cost_cents(wh, price) == int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))


@given(st.integers(-1000, 10**9), prices)
def test_affordable_is_the_most_that_money_buys(cents: int, price: int) -> None:
    wh = affordable_wh(cents, price)
    assert wh == 0 or cost_cents(wh, price) <= cents
    assert cents <= 0 or cost_cents(wh + 1, price) > cents


@given(st.integers(0, 2**33), lengths)
def test_every_time_lies_in_exactly_one_period(unix: int, length: timedelta) -> None:
    time = datetime.fromtimestamp(unix, UTC)
    period = period_at(time, length)
    assert period.start <= time < period.end
    assert period_at(period.end, length).start == period.end


def test_a_period_has_the_name_of_its_utc_start() -> None:
    nairobi = timezone(timedelta(hours=3))
    assert period_at(datetime(2026, 11, 20, 14, 59, 59, tzinfo=nairobi), HALF_HOUR).id == "2026-11-20T11:30Z"


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 11, 20, 11, 15, tzinfo=UTC),
        datetime(2026, 11, 20, 11, 30, 0, 1, tzinfo=UTC),
        datetime(2026, 11, 20, 11, 30, tzinfo=timezone(timedelta(hours=3))),
        datetime(2026, 11, 20, 11, 30),  # noqa: DTZ001 a naive time is what must be refused
    ],
)
def test_a_period_that_is_not_aligned_to_utc_is_refused(start: datetime) -> None:
    with pytest.raises(ValueError, match="start"):
        Period(start, HALF_HOUR)


def test_a_period_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="15, 30 or 60"):
        period_at(datetime(2026, 11, 20, tzinfo=UTC), timedelta(minutes=20))


def test_a_period_is_found_by_its_name() -> None:
    period = Period(datetime(2026, 11, 20, 11, 30, tzinfo=UTC), HALF_HOUR)
    assert period_named(period.id, HALF_HOUR) == period
    with pytest.raises(ValueError, match="write it like 2026-11-20T11:30Z"):
        period_named("20 November", HALF_HOUR)
    with pytest.raises(ValueError, match=r"no period of 30 minutes starts at .*11:40Z; one starts at .*11:30Z"):
        period_named("2026-11-20T11:40Z", HALF_HOUR)


@given(calendars, times)
def test_a_calendar_puts_every_time_into_exactly_one_period(calendar: PeriodCalendar, time: datetime) -> None:
    period = calendar.at(time)
    assert period.start <= time < period.end
    assert period.length == calendar.length_at(time) == calendar.length_at(period.start)
    assert calendar.named(period.id) == calendar.starting(period.start) == period
    before, after = calendar.before(period), calendar.after(period)
    assert (before.end, after.start) == (period.start, period.end)
    assert calendar.after(before) == calendar.before(after) == period


@given(calendars, times, st.integers(0, 30))
def test_a_calendar_s_periods_follow_one_another_without_a_gap(
    calendar: PeriodCalendar, since: datetime, hours: int
) -> None:
    until = since + timedelta(hours=hours)
    found = list(calendar.between(since, until))
    assert all(since <= period.start < until for period in found)
    assert all(one.end == other.start for one, other in pairwise(found))
    if found:
        assert calendar.before(found[0]).start < since
        assert calendar.after(found[-1]).start >= until
        assert calendar.after(found[0], len(found) - 1) == found[-1]
        assert calendar.before(found[-1], len(found) - 1) == found[0]
    else:
        assert calendar.at(since).end >= until or since == until


@given(calendars, times)
def test_a_name_that_begins_no_period_of_its_time_is_refused(calendar: PeriodCalendar, time: datetime) -> None:
    quarter = period_at(time, timedelta(minutes=15))
    is_one = calendar.at(time).start == quarter.start
    if is_one:
        assert calendar.named(quarter.id).start == quarter.start
    else:
        with pytest.raises(ValueError, match=f"one starts at {calendar.at(time).id}"):
            calendar.named(quarter.id)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (((MIDNIGHT + timedelta(hours=3), HALF_HOUR),), "a midnight UTC"),
        (((datetime(2026, 11, 20, tzinfo=timezone(timedelta(hours=3))), HALF_HOUR),), "a midnight UTC"),
        (((MIDNIGHT, timedelta(minutes=20)),), "15, 30 or 60"),
        (((MIDNIGHT, HALF_HOUR), (MIDNIGHT, timedelta(minutes=15))), "one for each time"),
        (((MIDNIGHT + DAY, HALF_HOUR), (MIDNIGHT, HALF_HOUR)), "in order"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused(told: tuple[tuple[datetime, timedelta], ...], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        PeriodCalendar(HALF_HOUR, told)
