import math
import re
from collections.abc import Callable

import pytest
from energy_swap_hub.market.pricing import (
    LARGEST,
    MOST_COVERAGE,
    MOST_RISK,
    MOST_SCARCITY,
    Contribution,
    dynamic_price,
    grid_reward,
    impact_score,
    optimal_price,
    risk_adjusted_price,
    token_price,
)
from hypothesis import assume, example, given
from hypothesis import strategies as st

PRICE = st.floats(0, 1e5)
WH = st.one_of(st.just(0.0), st.floats(1e-3, 1e9))
SHARE = st.floats(0, 1)
FACTOR = st.floats(0, 10)


def optimal(base: float, demand: float, supply: float, volatility: float = 0.0) -> float:
    return optimal_price(base, demand, supply, alpha=300, beta=0.5, volatility=volatility)


def risky(market: float, volatility: float, liquidity: float) -> float:
    return risk_adjusted_price(market, sigma=0.2, volatility=volatility, liquidity=liquidity)


def outcome(formula: Callable[[], float]) -> float | str:
    """Return what a formula gives, or why it refuses."""
    try:
        return formula()
    except ValueError as error:
        return str(error)


def test_each_formula_gives_what_paper_gives() -> None:
    assert optimal(1500, demand=1500, supply=1000, volatility=80) == 1500 + 300 * 0.5 + 0.5 * 80
    assert token_price(1500, demand=3000, supply=1000, market_size=10_000) == pytest.approx(1800)
    assert risky(1500, volatility=0.09, liquidity=0.36) == pytest.approx(1500 * 1.1)
    assert dynamic_price(1000, alpha=-0.5, density=0.4, beta=0.2, hour=6) == pytest.approx(
        1000 * math.exp(-0.2) * 1.2
    )
    assert grid_reward(2, stability_index=50, time_premium=300) == pytest.approx(600 * math.exp(-0.5))
    assert impact_score([Contribution(0.75, 800, 1000), Contribution(0.25, 300, 200)]) == pytest.approx(0.975)


def test_without_supply_the_price_stops_at_a_documented_most() -> None:
    assert optimal(1500, demand=1, supply=0) == 1500 + 300 * MOST_SCARCITY
    assert optimal(1500, demand=0, supply=0) == 1500
    assert optimal(100, demand=0, supply=1000) == 0, "100 - 300 is no price"
    assert token_price(1500, demand=1, supply=0, market_size=1) == 3000


def test_where_nothing_is_liquid_risk_costs_a_documented_most() -> None:
    assert risky(1500, volatility=0.1, liquidity=0) == pytest.approx(1500 * (1 + 0.2 * MOST_RISK))
    assert risky(1500, volatility=0, liquidity=0) == 1500


def test_where_nothing_was_needed_impact_has_a_documented_most() -> None:
    assert impact_score([Contribution(0.5, 10, 0)]) == 0.5 * MOST_COVERAGE
    assert impact_score([Contribution(1, 0, 0)]) == impact_score([]) == 0


@given(PRICE, WH, WH, WH)
def test_more_demand_never_lowers_and_more_supply_never_raises_a_price(
    base: float, demand: float, supply: float, more: float
) -> None:
    assert optimal(base, demand + more, supply) >= optimal(base, demand, supply)
    assert optimal(base, demand, supply + more) <= optimal(base, demand, supply) or not demand + supply
    size = 1 + demand + supply + more
    assert token_price(base, demand + more, supply, size) >= token_price(base, demand, supply, size)
    assert token_price(base, demand, supply + more, size) <= token_price(base, demand, supply, size)


@given(PRICE, WH, WH, st.floats(1e-300, 1e9))
def test_the_token_price_lies_between_nothing_and_twice_the_base(
    base: float, demand: float, supply: float, size: float
) -> None:
    assert 0 <= token_price(base, demand, supply, size) <= 2 * base


@given(PRICE, SHARE, SHARE, SHARE)
def test_risk_never_makes_energy_cheaper_and_its_price_is_bounded(
    market: float, volatility: float, liquidity: float, more: float
) -> None:
    price = risky(market, volatility, liquidity)
    assert market <= price <= market * (1 + 0.2 * MOST_RISK) + 1e-6
    assert risky(market, volatility + more, liquidity) >= price
    assert risky(market, volatility, liquidity + more) <= price


@given(PRICE, st.floats(-9, 9), SHARE, st.floats(-1, 1), st.floats(-1000, 1000))
def test_the_dynamic_price_repeats_every_day_and_is_no_negative(
    base: float, alpha: float, density: float, beta: float, hour: float
) -> None:
    price = dynamic_price(base, alpha=alpha, density=density, beta=beta, hour=hour)
    assert 0 <= price <= base * math.exp(3) * 2 + 1e-6
    assert dynamic_price(base, alpha=alpha, density=density, beta=beta, hour=hour + 24) == pytest.approx(
        price, rel=1e-6, abs=1e-6 * max(base, 1) * math.exp(3)
    )


@given(st.floats(0, 1e6), st.floats(0, 100), st.floats(0, 100), FACTOR)
def test_an_export_is_worth_more_the_less_stable_the_grid(
    kwh: float, one: float, other: float, premium: float
) -> None:
    low, high = sorted((one, other))
    stressed = grid_reward(kwh, stability_index=low, time_premium=premium)
    assert stressed >= grid_reward(kwh, stability_index=high, time_premium=premium)
    assert stressed <= kwh * premium


@given(st.lists(st.builds(Contribution, SHARE, WH, WH), max_size=6), FACTOR)
def test_impact_adds_up_and_scales_with_its_weights(contributions: list[Contribution], factor: float) -> None:
    score = impact_score(contributions)
    assert score == pytest.approx(sum(impact_score([one]) for one in contributions))
    scaled = [Contribution(one.weight * factor, one.generation, one.demand) for one in contributions]
    assert impact_score(scaled) == pytest.approx(score * factor)


@given(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6))
def test_impact_does_not_depend_on_the_unit_of_energy(generation: float, demand: float) -> None:
    assume(generation / demand < MOST_COVERAGE * 0.999)
    assert impact_score([Contribution(1, generation, demand)]) == pytest.approx(
        impact_score([Contribution(1, generation / 1000, demand / 1000)])
    )


@given(PRICE, st.floats(-9, 9), SHARE, SHARE, st.floats(0, 24))
def test_a_denser_network_moves_the_dynamic_price_one_way(
    base: float, alpha: float, one: float, other: float, hour: float
) -> None:
    thin, dense = (
        dynamic_price(base, alpha=alpha, density=density, beta=0.3, hour=hour) for density in sorted((one, other))
    )
    assert (dense >= thin) if alpha >= 0 else (dense <= thin)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 100), FACTOR)
def test_more_exported_never_earns_less(kwh: float, more: float, index: float, premium: float) -> None:
    reward = grid_reward(kwh, stability_index=index, time_premium=premium)
    assert grid_reward(kwh + more, stability_index=index, time_premium=premium) >= reward


@given(st.lists(st.floats(), min_size=6, max_size=6))
@example([LARGEST] * 6)
@example([LARGEST, LARGEST, 5e-324, LARGEST, LARGEST, LARGEST])
@example([5e-324] * 6)
def test_any_number_is_refused_by_name_or_gives_a_price_that_is_finite(given_numbers: list[float]) -> None:
    a, b, c, d, e, f = given_numbers
    formulas: list[Callable[[], float]] = [
        lambda: optimal_price(a, b, c, alpha=d, beta=e, volatility=f),
        lambda: token_price(a, b, c, d),
        lambda: risk_adjusted_price(a, sigma=b, volatility=c, liquidity=d),
        lambda: dynamic_price(a, alpha=b, density=c, beta=d, hour=e),
        lambda: dynamic_price(a, alpha=b, density=1, beta=1, hour=e),
        lambda: grid_reward(a, stability_index=b, time_premium=c),
        lambda: grid_reward(a, stability_index=50, time_premium=c),
        lambda: impact_score([Contribution(a, b, c), Contribution(d, e, f)]),
    ]
    for result in map(outcome, formulas):
        if isinstance(result, str):
            assert re.match(r"^\w+ (must|lies)", result)
        else:
            assert math.isfinite(result)
            assert result >= 0


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf, 2 * LARGEST])
@pytest.mark.parametrize(
    "formula",
    [
        lambda x: optimal(x, 1, 1),
        lambda x: optimal(1, x, 1),
        lambda x: optimal(1, 1, x),
        lambda x: optimal(1, 1, 1, x),
        lambda x: token_price(x, 1, 1, 1),
        lambda x: token_price(1, x, 1, 1),
        lambda x: token_price(1, 1, x, 1),
        lambda x: token_price(1, 1, 1, x),
        lambda x: risky(x, 1, 1),
        lambda x: risky(1, x, 1),
        lambda x: risky(1, 1, x),
        lambda x: dynamic_price(x, alpha=1, density=1, beta=1, hour=1),
        lambda x: dynamic_price(1, alpha=1, density=x, beta=1, hour=1),
        lambda x: dynamic_price(1, alpha=1, density=1, beta=2 * x, hour=1),
        lambda x: grid_reward(x, stability_index=1, time_premium=1),
        lambda x: grid_reward(1, stability_index=x, time_premium=1),
        lambda x: grid_reward(1, stability_index=1, time_premium=x),
        lambda x: Contribution(x, 1, 1),
        lambda x: Contribution(1, x, 1),
        lambda x: Contribution(1, 1, x),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(formula: Callable[[float], object], wrong: float) -> None:
    with pytest.raises(ValueError, match=r"^\w+ (must|lies)"):
        formula(wrong)


def test_limits_of_the_domain_are_refused_beyond() -> None:
    with pytest.raises(ValueError, match="market_size must be above zero"):
        token_price(1, 0, 0, 0)
    with pytest.raises(ValueError, match="stability_index lies between 0 and 100"):
        grid_reward(1, stability_index=100.1, time_premium=1)
    with pytest.raises(ValueError, match="density lies between 0 and 1"):
        dynamic_price(1, alpha=1, density=1.1, beta=0, hour=0)
    with pytest.raises(ValueError, match="hour must be a finite number"):
        dynamic_price(1, alpha=1, density=1, beta=0, hour=math.inf)
