"""What counts for a period, and what is late, from the readings that are there."""

from datetime import UTC, datetime, timedelta

import pytest
from energy_swap_hub.settlement.late import Late, Span, TrueUp, count, true_up
from energy_swap_hub.settlement.netting import Means, Position
from energy_swap_protocol.period import Period
from energy_swap_protocol.reading import Reading

METER = bytes(32)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LENGTH = timedelta(minutes=30)
PERIOD = Period(NOON, LENGTH)


def at(minutes: int, export_wh: int = 0, import_wh: int = 0) -> Reading:
    """Return a reading so many minutes after noon, with a sequence of its minute."""
    time = NOON + timedelta(minutes=minutes)
    return Reading(METER, 1_000 + minutes, int(time.timestamp()), export_wh, import_wh, export_wh)


def test_a_meter_on_time_counts_from_the_settled_reading_to_the_last_of_the_period() -> None:
    found = count(at(0, 100), [Span(NOON, at(1, 110), at(30, 500))], PERIOD)
    assert (found.late, found.before, found.after) == ((), at(0, 100), at(30, 500))
    assert found.position("h-001") == Position("h-001", 400, 0, 400, 1_000, 1_030)


def test_a_silent_meter_counts_nothing_and_stays_where_it_was() -> None:
    found = count(at(-10, 100), [], PERIOD)
    assert (found.late, found.before, found.after) == ((), at(-10, 100), at(-10, 100))


@pytest.mark.parametrize(("settled", "is_late"), [(-29, False), (-30, False), (-31, True)])
def test_up_to_one_period_of_silence_is_carried_into_the_next(settled: int, is_late: bool) -> None:
    first, last = at(10, 700), at(30, 900)
    found = count(at(settled, 100), [Span(NOON, first, last)], PERIOD)
    assert found.late == ((Late(NOON, at(settled, 100), first),) if is_late else ())
    assert found.position("h-001").export_wh == (200 if is_late else 800)


def test_what_was_measured_before_the_period_is_late_for_its_own_periods() -> None:
    spans = [
        Span(NOON - 2 * LENGTH, at(-50, 110), at(-31, 150)),
        Span(NOON - LENGTH, at(-20, 160), at(0, 400)),
        Span(NOON, at(1, 410), at(30, 1_000)),
    ]
    found = count(at(-60, 100), spans, PERIOD)
    assert found.late == (
        Late(NOON - 2 * LENGTH, at(-60, 100), at(-31, 150)),
        Late(NOON - LENGTH, at(-31, 150), at(0, 400)),
    )
    assert (found.before, found.after) == (at(0, 400), at(30, 1_000))


def test_late_readings_without_any_of_the_period_settle_up_to_the_last_of_them() -> None:
    found = count(at(-60, 100), [Span(NOON - 2 * LENGTH, at(-50, 110), at(-40, 150))], PERIOD)
    assert found.late == (Late(NOON - 2 * LENGTH, at(-60, 100), at(-40, 150)),)
    assert (found.before, found.after) == (at(-40, 150), at(-40, 150))


@pytest.mark.parametrize(
    ("end", "means", "expected"),
    [
        (at(0, 500, 100), Means(0, 50, 0), (400, 0, 0, 450, 0)),
        (at(0, 100, 500), Means(0, 900, 1_000), (0, 400, 0, 500, 600)),
        (at(0, 100, 500), Means(0, 150, 1_000), (0, 150, 250, 0, 850)),
        (at(0, 100, 500), Means(0, 900, 60), (0, 60, 340, 840, 0)),
        (at(0, 100, 500), Means(0, 900, -5), (0, 0, 400, 900, -5)),
        (at(0, 300, 300), Means(0, 900, 1_000), (0, 0, 0, 900, 1_000)),
    ],
)
def test_late_export_is_minted_and_late_import_uses_own_tokens_within_the_allowance(
    end: Reading, means: Means, expected: tuple[int, int, int, int, int]
) -> None:
    late = Late(NOON - LENGTH, at(-30), end)
    found, left = true_up(late, "h-001", means)
    assert found.position == Position("h-001", end.export_wh, end.import_wh, end.export_wh, 970, 1_000)
    assert isinstance(found, TrueUp)
    assert (found.minted_wh, found.burned_wh, found.grid_wh, left.ekwh_wh, left.allowance_wh) == expected
