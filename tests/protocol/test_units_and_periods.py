"""Rounding of energy times price, and periods aligned to UTC."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from energy_swap_protocol.period import LENGTHS_MINUTES, Period, period_at, period_named
from energy_swap_protocol.units import affordable_wh, cost_cents
from hypothesis import given
from hypothesis import strategies as st

prices = st.integers(1, 100_000)
lengths = st.sampled_from([timedelta(minutes=minutes) for minutes in LENGTHS_MINUTES])
HALF_HOUR = timedelta(minutes=30)


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
    assert period.next.start == period.end
    assert period_at(period.end, length) == period.next


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
