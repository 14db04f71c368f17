"""Formulas for prices, rewards and impact, in floats: none of them ever clears a market.

Every number given must lie between -`LARGEST` and `LARGEST`, or ValueError is raised; so every result is finite.
Each function says what else it refuses and what it clamps. A formula that would grow without bound where there is
next to no supply or liquidity stops at a documented most, so that it is continuous there. Results are never below
zero.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

LARGEST: Final = 1e15
"""The largest number that any formula takes, whatever its unit: 10^15 Wh are a million GWh."""

MOST_SCARCITY: Final = 4.0
"""The most that (demand - supply) / supply counts: beyond five times the supply, the price rises no further."""

MOST_RISK: Final = 3.0
"""The most that sqrt(volatility / liquidity) counts, which is also its value where nothing is liquid."""

MOST_NETWORK_EXPONENT: Final = 3.0
"""The most that alpha * density counts, either way: a factor between 1/20 and 20."""

MOST_COVERAGE: Final = 10.0
"""The most that generation / demand counts, which is also its value where nothing was needed."""

HOURS_A_DAY: Final = 24


def optimal_price(
    base: float, demand: float, supply: float, *, alpha: float, beta: float, volatility: float
) -> float:
    """Return ``base + alpha * (demand - supply) / supply + beta * volatility``, at least 0.

    The price rises with scarcity and with uncertainty. Units: ``base``, ``alpha`` and the result cents per kWh,
    ``demand`` and ``supply`` Wh (any, but the same), ``beta * volatility`` cents per kWh; usually ``volatility``
    is the standard deviation of past prices in cents per kWh and ``beta`` a plain factor.

    Domain: none may be negative. (demand - supply) / supply lies between -1 and `MOST_SCARCITY`; without any
    supply it is `MOST_SCARCITY` if there is demand and 0 if there is none.
    """
    _not_negative(base=base, demand=demand, supply=supply, alpha=alpha, beta=beta, volatility=volatility)
    scarcity = _ratio(demand, supply, 1 + MOST_SCARCITY) - 1 if demand or supply else 0.0
    return max(base + alpha * scarcity + beta * volatility, 0.0)


def token_price(base: float, demand: float, supply: float, market_size: float) -> float:
    """Return ``base * (1 + (demand - supply) / market_size)``, at least 0.

    Units: ``base`` and the result cents per kWh, the other three Wh (any, but the same). With
    ``market_size = demand + supply`` the result lies between 0 (only supply) and twice the base (only demand).

    Domain: none may be negative, ``market_size`` must be above zero. (demand - supply) / market_size is clamped
    to -1..1: a market cannot lack more than its whole size.
    """
    _not_negative(base=base, demand=demand, supply=supply)
    _positive(market_size=market_size)
    return base * (1 + _clamp(_ratio(demand - supply, market_size, 1), -1, 1))


def risk_adjusted_price(market: float, *, sigma: float, volatility: float, liquidity: float) -> float:
    """Return ``market * (1 + sigma * sqrt(volatility / liquidity))``.

    What energy is worth whose price is uncertain or that seldom finds its other side. Units: ``market`` and the
    result cents per kWh; ``sigma`` a plain factor, how much risk is worth; ``volatility`` the standard deviation
    of prices as a share of their average; ``liquidity`` the share of what could be traded that was, 0 to 1.

    Domain: none may be negative. The square root counts at most `MOST_RISK`, also where nothing is liquid;
    without volatility there is no risk and it is 0.
    """
    _not_negative(market=market, sigma=sigma, volatility=volatility, liquidity=liquidity)
    return market * (1 + sigma * math.sqrt(_ratio(volatility, liquidity, MOST_RISK**2)))


def dynamic_price(base: float, *, alpha: float, density: float, beta: float, hour: float) -> float:
    """Return ``base * e^(alpha * density) * (1 + beta * sin(2 * pi * hour / 24))``.

    A price that follows how dense the network of neighbours is and the hour. Units: ``base`` and the result
    cents per kWh; ``density`` the share of all possible pairs of households that trade, 0 to 1; ``hour`` hours
    since the point of the day where the wave begins, any number: the wave is highest 6 hours later and lowest 18
    hours later. To have it highest at 19:00, give the local hour - 13.

    Domain: ``base`` not negative, ``density`` 0 to 1, ``beta`` -1 to 1 (beyond, the price would be negative).
    ``alpha`` may be negative: more neighbours, lower price. alpha * density is clamped to plus or minus
    `MOST_NETWORK_EXPONENT`.
    """
    _not_negative(base=base)
    _within(0, 1, density=density)
    _within(-1, 1, beta=beta)
    _finite(alpha=alpha, hour=hour)
    network = math.exp(_clamp(alpha * density, -MOST_NETWORK_EXPONENT, MOST_NETWORK_EXPONENT))
    wave = math.sin(2 * math.pi * math.fmod(hour, HOURS_A_DAY) / HOURS_A_DAY)
    return base * network * (1 + beta * wave)


def grid_reward(exported_kwh: float, *, stability_index: float, time_premium: float) -> float:
    """Return ``exported_kwh * e^(-stability_index / 100) * time_premium`` in cents.

    What an export is worth to the grid: the whole premium when the grid is under stress, about 37 % of it when
    all is well. Units: ``stability_index`` 0 (about to fail) to 100 (stable), ``time_premium`` cents per kWh at
    that hour.

    Domain: ``exported_kwh`` and ``time_premium`` not negative, ``stability_index`` 0 to 100.
    """
    _not_negative(exported_kwh=exported_kwh, time_premium=time_premium)
    _within(0, 100, stability_index=stability_index)
    return exported_kwh * math.exp(-stability_index / 100) * time_premium


@dataclass(frozen=True, slots=True)
class Contribution:
    """What was generated of what was needed (the same unit, say Wh), and what that counts. None is negative."""

    weight: float
    generation: float
    demand: float

    def __post_init__(self) -> None:
        _not_negative(weight=self.weight, generation=self.generation, demand=self.demand)


def impact_score(contributions: Iterable[Contribution]) -> float:
    """Return the sum of ``weight * generation / demand`` over ``contributions``: a plain number, 0 without any.

    With weights that sum to 1, a score of 1 means that on the weighted average all that was needed was generated.
    generation / demand counts at most `MOST_COVERAGE`, also where nothing was needed; nothing generated counts 0.
    """
    return math.fsum(one.weight * _ratio(one.generation, one.demand, MOST_COVERAGE) for one in contributions)


def _ratio(above: float, below: float, most: float) -> float:
    """Return ``above / below``, at most ``most``; 0 for 0 / 0. ``below`` is not negative."""
    if above >= most * below:
        return most if above else 0.0
    return above / below


def _clamp(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)


def _finite(**values: float) -> None:
    for name, value in values.items():
        if not abs(value) <= LARGEST:  # which no NaN is
            raise ValueError(f"{name} must be a finite number from {-LARGEST:g} to {LARGEST:g}, not {value}")


def _not_negative(**values: float) -> None:
    _finite(**values)
    for name, value in values.items():
        if value < 0:
            raise ValueError(f"{name} must not be negative, but it is {value}")


def _positive(**values: float) -> None:
    _not_negative(**values)
    for name, value in values.items():
        if not value:
            raise ValueError(f"{name} must be above zero")


def _within(least: float, most: float, **values: float) -> None:
    _finite(**values)
    for name, value in values.items():
        if not least <= value <= most:
            raise ValueError(f"{name} lies between {least} and {most}, but it is {value}")
