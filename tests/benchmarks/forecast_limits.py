# ruff: noqa: T201
"""Show how far any forecast of these homes could get: the edge beside forecasters that know part of the future.

    uv run --with pandas --with pyarrow python -m tests.benchmarks.forecast_limits \
        --protocol FOLDER_OF_evaluate.py --data FOLDER [--every 3]

The lines beside those of the edge are oracles: told something that cannot be known.
Accuracy is 1 - Σ|error| / Σ|value|, day ahead, the plain mean over homes.
"""

import argparse
import importlib
import sys
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from energy_swap_edge.forecast.experts import CONSUMPTION_SHARE, blended, consumption_experts, shares
from energy_swap_edge.forecast.grid import grid_of
from energy_swap_edge.forecast.history import NO_WEATHER, History, Site, Weather
from energy_swap_edge.forecast.household import Floats
from energy_swap_edge.forecast.recent import Whole

from tests.benchmarks import forecast

_NEAREST_OF = 60  # past days


def main() -> None:
    """Print what is missed by whom."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--protocol", required=True)
    ask.add_argument("--data", required=True)
    ask.add_argument("--every", type=int, default=3)
    said = ask.parse_args()
    sys.path.insert(0, said.protocol)
    evaluate = importlib.import_module("evaluate")
    forecast.Edge.retrain_days = 45
    for track in ("pair", "home48"):
        series = evaluate.load_track(said.data, track)
        scored = evaluate.run(forecast.Edge(), series, track, 365, said.every, verbose=False)
        print(f"\n{track}, every {said.every}. day")
        of_net(scored[scored.lead <= 24])
        of_consumption(scored[(scored.target == "load") & (scored.lead <= 24)])
        of_days(scored, 7 if track == "home48" else 1)
        for target in ("pv", "load", "net"):
            of_rivals(scored[(scored.target == target) & (scored.lead <= 24)], target)
        if track == "home48":
            of_production(scored[(scored.target == "pv") & (scored.lead <= 24)])
            of_sums(scored[(scored.target == "load") & (scored.lead <= 24)])
            of_mixtures(series)
    of_neighbourhood(evaluate, said.data, said.every)


def accuracy(of: Any, said: str = "said", real: str = "real") -> float:
    """Return the mean over homes of 1 - Σ|error| / Σ|value|."""
    error = (of[said] - of[real]).abs().groupby(of["id"]).sum() / of[real].abs().groupby(of["id"]).sum()
    return float(1 - error.mean())


def of_net(scored: Any) -> None:
    """Net and a day's surplus where production or consumption were known exactly."""
    wide = scored.pivot_table(index=["id", "issued", "lead"], columns="target", values=["point", "y"]).dropna()
    made, used, net = (wide["y"][name] for name in ("pv", "load", "net"))
    made_said, used_said, net_said = (wide["point"][name] for name in ("pv", "load", "net"))
    cases = {
        "the edge": net_said,
        "production known": made - used_said,
        "consumption known": made_said - used,
        "half of each error gone": (made + made_said) / 2 - (used + used_said) / 2,
    }
    missed = pd.DataFrame(
        {"id": wide.index.get_level_values(0), "made": made - made_said, "used": used - used_said}
    )
    together = missed.groupby(level="id").apply(lambda one: one.made.corr(one.used))
    print(f"  errors of production and of consumption go together by a correlation of {together.mean():+.2f}")
    for name, line in cases.items():
        hours = pd.DataFrame({"said": line, "real": net}).reset_index()
        days = hours.assign(said=hours.said.clip(lower=0), real=hours.real.clip(lower=0))
        days = days.groupby(["id", "issued"])[["said", "real"]].sum().reset_index()
        print(f"  net, {name}: {accuracy(hours):.3f}; surplus of 24 hours by its line {accuracy(days):.3f}")


def of_consumption(scored: Any) -> None:
    """Consumption where the total of the day, or the usual day of the test months itself, were known."""
    hours = scored[scored.y.notna()].rename(columns={"point": "said", "y": "real"})[
        ["id", "issued", "time", "said", "real"]
    ]
    print(f"  consumption, the edge: {accuracy(hours):.3f}")
    sums = hours.groupby(["id", "issued"])[["said", "real"]].transform("sum")
    scaled = hours.assign(said=hours.said * sums.real / sums.said)
    print(f"  consumption, the total of each day known: {accuracy(scaled):.3f}")
    print(f"  consumption, the best level of each day known: {accuracy(at_best_level(hours)):.3f}")
    kind = [hours.id, hours.time.dt.hour, hours.time.dt.day_of_week >= 5]
    usual = hours.assign(said=hours.real.groupby(kind).transform("median"))
    print(f"  consumption, the medians of these very months by hour and weekend known: {accuracy(usual):.3f}")


def at_best_level(hours: Any) -> Any:
    """Return ``hours`` with what was said of each day times the factor of least Σ|error| on that very day."""
    made = hours[hours.said > 0].copy()
    made["ratio"] = made.real / made.said
    made = made.sort_values("ratio")
    day = [made.id, made.issued]
    weight = made.said.groupby(day).cumsum() / made.said.groupby(day).transform("sum")
    best = made.ratio[weight >= 0.5].groupby(day).first().rename("best")
    joined = hours.join(best, on=["id", "issued"])
    return joined.assign(said=joined.said * joined.best.fillna(1.0))


def of_production(scored: Any) -> None:
    """Production where the sky of each day as a whole were known."""
    hours = scored[scored.y.notna()].rename(columns={"point": "said", "y": "real"})
    print(f"  production, the best level of each day known: {accuracy(at_best_level(hours)):.3f}")
    by_home = 1 - (hours.said - hours.real).abs().groupby(hours.id).sum() / hours.real.groupby(hours.id).sum()
    print(f"  production, homes from {by_home.min():.3f} to {by_home.max():.3f}")


def of_rivals(scored: Any, target: str) -> None:
    """The best fixed mixture, in hindsight, of the edge, yesterday, last week and these months' own medians."""
    rows = scored[scored[["y", "point", "p24", "p168"]].notna().all(axis=1)]
    usual = rows.y.groupby([rows.id, rows.time.dt.hour]).transform("median")
    said = np.array([rows.point, rows.p24, rows.p168, usual])
    rows = rows.assign(said=in_hindsight(said, rows.y.to_numpy(), rows.id.to_numpy()))
    edge = accuracy(rows.rename(columns={"y": "real"}).drop(columns="said").rename(columns={"point": "said"}))
    print(f"  {target}, on hours with all rivals: the edge {edge:.3f}; mixed with rivals in hindsight "
          f"{accuracy(rows.rename(columns={'y': 'real'})):.3f}")  # fmt: skip


def in_hindsight(said: Floats, real: Floats, homes: Any) -> Floats:
    """Return the mixture of the rows of ``said`` that erred least, home by home, on these very values."""
    made = np.empty(len(real))
    even = np.full(len(said), 1 / len(said))
    for home in np.unique(homes):
        own = homes == home
        share = shares(said[:, own], real[own], np.zeros(own.sum()), even, (0,), least=5, trust=0.0)
        made[own] = share @ said[:, own]
    return made


def of_days(scored: Any, first: int) -> None:
    """The surplus of a day as it is shown, the same mixed with rivals in hindsight, and home by home."""
    rows = scored[(scored.target == "net") & (scored.lead >= first) & (scored.lead < first + 24)]
    rows = rows[rows.y.notna() & rows.p24.notna()].assign(
        real=rows.y.clip(lower=0), yesterday=rows.p24.clip(lower=0), count=1
    )
    days = rows.groupby(["id", "issued"])[["real", "sur", "yesterday", "count"]].sum().reset_index()
    days = days[days["count"] == 24]
    usual = days.real.groupby(days.id).transform("median")
    mixed = in_hindsight(np.array([days.sur, days.yesterday, usual]), days.real.to_numpy(), days.id.to_numpy())
    by_home = 1 - (days.sur - days.real).abs().groupby(days.id).sum() / days.real.groupby(days.id).sum()
    print(f"  surplus of a day: the edge {accuracy(days, 'sur'):.3f}, yesterday {accuracy(days, 'yesterday'):.3f}")
    print(f"  mixed in hindsight with yesterday and these months' median: {accuracy(days.assign(said=mixed)):.3f}")
    print("  by home: " + ", ".join(f"{name} {figure:.2f}" for name, figure in by_home.items()))


def of_sums(scored: Any) -> None:
    """How the error shrinks when homes are added up; those that were measured in the same months."""
    homes = [one for one in scored.id.unique() if one.startswith("epri")]
    said = scored.pivot_table(index=["issued", "lead"], columns="id", values="point")[homes]
    real = scored.pivot_table(index=["issued", "lead"], columns="id", values="y")[homes]
    whole = said.notna().all(axis=1) & real.notna().all(axis=1)
    figures = []
    for count in (1, 2, 4, 8):
        groups = [homes[at : at + count] for at in range(0, len(homes) - count + 1, count)]
        errors = [
            (said.loc[whole, one].sum(axis=1) - real.loc[whole, one].sum(axis=1)).abs().sum()
            / real.loc[whole, one].sum(axis=1).sum()
            for one in groups
        ]
        figures.append(f"{count}: {1 - np.mean(errors):.3f}")
    print("  consumption of homes added up (medians of each): " + ", ".join(figures))


def of_mixtures(series: list[Any]) -> None:
    """The best fixed mixture of all experts in hindsight, and the past day that happened to fit best."""
    rows = []
    for one in series:
        if "load" not in one.targets:
            continue
        hours = one.obs.asfreq("h")
        start = hours.index[0].to_pydatetime().astimezone(UTC)
        used = 1000 * hours.load_kwh.to_numpy(float)
        site = Site(ZoneInfo(one.meta["tz"]), 0.0)
        history = History(start, np.full(len(used), np.nan), used)
        grid = grid_of(history, site, NO_WEATHER, start + timedelta(hours=len(used)), 10_000)
        inside = (hours.index >= one.meta["eval_from"]) & (hours.index < one.meta["eval_to"])
        issues = np.flatnonzero(inside & (grid.hour[: len(used)] == 18))
        issues = issues[issues + 24 <= len(used)]
        targets = (issues[:, None] + np.arange(24)).ravel()
        opinions = consumption_experts(grid, np.repeat(issues, 24), targets).points
        real = used[targets]
        even = np.full(len(opinions), 1 / len(opinions))
        best = shares(opinions, real, np.zeros(len(real)), even, (4, 6), trust=0.0)
        rows.append(
            [_right(blended(opinions, share), real) for share in (CONSUMPTION_SHARE, best)]
            + [_right(_nearest(used, issues, count), real) for count in (1, 5)]
        )
    figures = np.mean(rows, axis=0)
    print(f"  consumption, the usual mixture of experts: {figures[0]:.3f}")
    print(f"  consumption, the best fixed mixture of them in hindsight: {figures[1]:.3f}")
    print(f"  consumption, of the last {_NEAREST_OF} days the one that fits best: {figures[2]:.3f}; "
          f"the median of the five that fit best: {figures[3]:.3f}")  # fmt: skip


def _nearest(used: Floats, issues: Whole, count: int) -> Floats:
    said = []
    for issue in issues:
        past = np.array([used[issue - 24 * back : issue - 24 * back + 24] for back in range(1, _NEAREST_OF)
                         if issue >= 24 * back])  # fmt: skip
        past = past[~np.isnan(past).any(axis=1)]
        missed = np.nansum(np.abs(past - used[issue : issue + 24]), axis=1)
        said.append(np.median(past[np.argsort(missed)[:count]], axis=0))
    return np.concatenate(said)


def _right(said: Floats, real: Floats) -> float:
    known = ~np.isnan(said) & ~np.isnan(real)
    return float(1 - np.abs(said - real)[known].sum() / real[known].sum())


class AllKnowing(forecast.Edge):
    """The edge that is told the weather to come of the neighbourhood, as it was then measured."""

    def __init__(self, measured: Any) -> None:
        super().__init__()
        self.measured = measured

    def weather(self, given: Any, track: str, now: Any) -> Weather:
        """Return what was measured before and after ``now``."""
        whole = self.measured.asfreq("h")
        columns = {
            "temperature_2m": whole.temp_c.to_numpy(float),
            "cloud_cover": 100 * (1 - whole.clear_sky_flag.to_numpy(float)),
        }
        return Weather(whole.index[0].to_pydatetime(), columns, "live", "measured", now)


def of_neighbourhood(evaluate: Any, data: str, every: int) -> None:
    """The neighbourhood, told nothing of the weather to come, and all of it."""
    series = evaluate.load_track(data, "nb")
    for name, edge in (("the edge", forecast.Edge()), ("weather known", AllKnowing(series[0].weather))):
        scored = evaluate.run(edge, series, "nb", 365, every, verbose=False)
        hours = scored[(scored.lead <= 24) & scored.y.notna()].rename(columns={"point": "said", "y": "real"})
        print(f"  300 homes together, {name}: {accuracy(hours):.3f}")
        of_rivals(hours.rename(columns={"said": "point", "real": "y"}), "net load")
        missed = (hours.real - hours.said).groupby(hours.issued).transform("median")
        print(f"  with the best level of each day known: {accuracy(hours.assign(said=hours.said + missed)):.3f}")


if __name__ == "__main__":
    main()
