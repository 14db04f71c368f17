import random
from fractions import Fraction

import pytest
from energy_swap_hub.market.dispatch import NotEnoughCapacityError, Source, dispatch, dispatch_cents
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

SUN = Source("sun", 900, 0, 2_000)
GRID = Source("grid", 2_500, 400, 1_000_000)
DIESEL = Source("diesel", 2_000, 1_000, 1_000_000)


def test_the_cheapest_comes_first_and_the_last_one_fills_up() -> None:
    assert dispatch(5_000, [GRID, DIESEL, SUN]) == {"sun": 2_000, "diesel": 3_000}


def test_a_price_of_carbon_changes_the_order() -> None:
    # 833 cents per kg are just too little for the grid to pass the diesel: 2500 + 333.2 against 2000 + 833.
    assert dispatch(5_000, [GRID, DIESEL, SUN], cents_per_kg=833) == {"sun": 2_000, "diesel": 3_000}
    taken = dispatch(5_000, [GRID, DIESEL, SUN], cents_per_kg=834)
    assert taken == {"sun": 2_000, "grid": 3_000}
    assert dispatch_cents(taken, [GRID, DIESEL, SUN], cents_per_kg=834) == 1_800 + 3 * (
        2_500 + Fraction(834 * 4, 10)
    )


def test_nothing_needed_takes_nothing_and_what_all_have_is_enough() -> None:
    assert dispatch(0, [SUN]) == dispatch(0, []) == {}
    assert dispatch(2_000, [SUN]) == {"sun": 2_000}


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(NotEnoughCapacityError, match="2001 Wh are needed and the sources have 2000 Wh"):
        dispatch(2_001, [SUN])
    with pytest.raises(ValueError, match="not negative"):
        dispatch(-1, [SUN])
    with pytest.raises(ValueError, match="not negative"):
        dispatch(1, [SUN], cents_per_kg=-1)
    with pytest.raises(ValueError, match="same name"):
        dispatch(1, [SUN, SUN])
    with pytest.raises(ValueError, match="no negative capacity"):
        Source("hole", 1, 0, -1)


def test_a_solver_finds_no_cheaper_mix(chance: random.Random) -> None:
    for _ in range(60):
        sources = [
            Source(
                f"s{n}", chance.randint(-200, 3_000), chance.choice((0, 0, 400, 1_000)), chance.randint(0, 5_000)
            )
            for n in range(chance.randint(1, 8))
        ]
        carbon = chance.choice((0, 0, 500, 5_000))
        demand = chance.randint(0, sum(source.capacity_wh for source in sources))
        taken = dispatch(demand, sources, cents_per_kg=carbon)
        assert sum(taken.values()) == demand
        assert all(0 < taken[s.name] <= s.capacity_wh for s in sources if s.name in taken)
        solved = linprog(
            [float(source.merit(carbon)) / 1000 for source in sources],
            A_eq=[[1.0] * len(sources)],
            b_eq=[demand],
            bounds=[(0, source.capacity_wh) for source in sources],
        )
        assert solved.success
        assert float(dispatch_cents(taken, sources, cents_per_kg=carbon)) == pytest.approx(solved.fun, abs=1e-3)


@given(
    st.lists(
        st.tuples(st.integers(-200, 3_000), st.integers(0, 1_000), st.integers(0, 5_000)), min_size=1, max_size=6
    ),
    st.integers(0, 5_000),
    st.integers(0, 5_000),
    st.integers(0, 100),
)
def test_a_higher_price_of_carbon_never_emits_more_and_costs_no_less_money(
    told: list[tuple[int, int, int]], low: int, more: int, percent: int
) -> None:
    sources = [Source(f"s{n}", *one) for n, one in enumerate(told)]
    demand = sum(source.capacity_wh for source in sources) * percent // 100
    cheap, clean = (dispatch(demand, sources, cents_per_kg=price) for price in (low, low + more))
    grams = {source.name: source.grams_per_kwh for source in sources}
    emitted = [sum(grams[name] * wh for name, wh in taken.items()) for taken in (cheap, clean)]
    assert emitted[1] <= emitted[0]
    assert dispatch_cents(clean, sources) >= dispatch_cents(cheap, sources)
