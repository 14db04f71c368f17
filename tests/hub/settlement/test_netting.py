from itertools import pairwise

import pytest
from energy_swap_hub.settlement.netting import Means, Position, position_between, split_import
from energy_swap_protocol.reading import Reading
from energy_swap_protocol.units import cost_cents
from hypothesis import given
from hypothesis import strategies as st

METER = bytes(32)
MUCH = 1_000_000


def reading(sequence: int, export_wh: int, import_wh: int, generation_wh: int = 0) -> Reading:
    return Reading(METER, sequence, 1_800_000_000 + 60 * sequence, export_wh, import_wh, generation_wh)


def took(wh: int) -> Position:
    return Position("h-001", 0, wh, 0, 1, 2)


def test_a_position_is_the_difference_of_the_registers() -> None:
    position = position_between("h-001", reading(7, 1_000, 500, 2_000), reading(37, 1_900, 650, 3_100))
    assert position == Position("h-001", 900, 150, 1_100, 7, 37)
    assert (position.net_export_wh, position.net_import_wh) == (750, 0)


def test_a_household_that_took_more_than_it_gave_imports_the_difference() -> None:
    position = position_between("h-001", reading(1, 0, 0), reading(2, 200, 650))
    assert (position.net_export_wh, position.net_import_wh) == (0, 450)


@pytest.mark.parametrize("end", [None, reading(7, 1_000, 500), reading(6, 990, 480)])
def test_without_a_newer_reading_the_position_is_zero(end: Reading | None) -> None:
    assert position_between("h-001", reading(7, 1_000, 500), end) == Position("h-001", 0, 0, 0, 7, 7)


steps = st.tuples(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 5_000))


@given(st.lists(st.tuples(steps, st.booleans()), max_size=48))
def test_a_missing_reading_moves_energy_later_and_loses_none(
    periods: list[tuple[tuple[int, int, int], bool]],
) -> None:
    settled = first = reading(0, 10, 20, 30)
    now = last_seen = first
    positions: list[Position] = []
    for sequence, ((export_wh, import_wh, generation_wh), arrives) in enumerate(periods, start=1):
        now = reading(
            sequence, now.export_wh + export_wh, now.import_wh + import_wh, now.generation_wh + generation_wh
        )
        if arrives:
            last_seen = now
        # What the hub finds for the end of a period is the last reading that arrived, however old.
        p = position_between("h-001", settled, last_seen)
        settled = reading(
            p.sequence_to,
            settled.export_wh + p.export_wh,
            settled.import_wh + p.import_wh,
            settled.generation_wh + p.generation_wh,
        )
        if not arrives:
            assert (p.export_wh, p.import_wh, p.generation_wh) == (0, 0, 0)
        positions.append(p)
    assert settled == last_seen
    assert sum(p.export_wh for p in positions) == last_seen.export_wh - first.export_wh
    assert sum(p.import_wh for p in positions) == last_seen.import_wh - first.import_wh
    assert sum(p.generation_wh for p in positions) == last_seen.generation_wh - first.generation_wh
    assert all(before.sequence_to == after.sequence_from for before, after in pairwise(positions))


@pytest.mark.parametrize(
    ("means", "all_in", "split"),
    [
        (Means(MUCH, MUCH, MUCH), 20, (3_000, 0)),  # own tokens first
        (Means(MUCH, 1_000, MUCH), 20, (1_000, 2_000)),
        (Means(MUCH, 1_000, MUCH), None, (1_000, 0)),  # it does not buy
        (Means(0, 1_000, MUCH), 20, (1_000, 0)),  # it cannot pay
        (Means(10, 1_000, MUCH), 20, (1_000, 525)),  # 10.5 cents round to 10
        (Means(MUCH, MUCH, 500), 20, (500, 0)),  # the hub may burn no more
        (Means(MUCH, 1_000, 1_200), 20, (1_000, 200)),
        (Means(MUCH, MUCH, 0), 20, (0, 0)),
        (Means(MUCH, MUCH, -700), 20, (0, 0)),  # a smaller allowance came while burns were under way
    ],
)
def test_an_import_is_covered_by_tokens_then_bought_within_means(
    means: Means, all_in: int | None, split: tuple[int, int]
) -> None:
    assert split_import(took(3_000), means, all_in) == split


def test_a_household_that_gave_wants_nothing() -> None:
    gave = Position("h-001", 900, 100, 0, 1, 2)
    assert split_import(gave, Means(MUCH, MUCH, MUCH), 20) == (0, 0)


@given(
    st.integers(0, 20_000),
    st.builds(Means, st.integers(0, 50_000), st.integers(0, 20_000), st.integers(-5_000, 20_000)),
    st.integers(1, 5_000),
)
def test_a_split_takes_all_that_is_needed_and_allowed_and_no_more(net_wh: int, means: Means, all_in: int) -> None:
    own, wanted = split_import(took(net_wh), means, all_in)
    allowance = max(means.allowance_wh, 0)
    assert own == min(net_wh, means.ekwh_wh, allowance)
    assert wanted >= 0
    assert own + wanted <= min(net_wh, allowance)
    assert cost_cents(wanted, all_in) <= means.kes_cents
    if own + wanted < min(net_wh, allowance) and means.kes_cents:
        assert cost_cents(wanted + 1, all_in) > means.kes_cents
