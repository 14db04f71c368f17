"""Learn the forecast's prior from homes whose licence allows it; run by script/train-forecast-prior."""

import sys
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from energy_swap_edge.forecast.courses import placed
from energy_swap_edge.forecast.experts import (
    CONSUMPTION_SHARE,
    PRODUCTION_SHARE,
    consumption_experts,
    production_experts,
)
from energy_swap_edge.forecast.grid import Grid, grid_of
from energy_swap_edge.forecast.history import NO_WEATHER, History, Site
from energy_swap_edge.forecast.learning import consumption_spread, production_spread
from energy_swap_edge.forecast.prior import Prior
from energy_swap_edge.forecast.recent import LEVELS, Whole

# CC BY 4.0 (Open Power System Data; Ausgrid) and MIT (EMHASS). Other homes of the folder have no clear terms.
HOMES = ("cossmic1", "cossmic2", "cossmic3", "cossmic5", "ausgrid12", "emhass_fr")
# No licensed home has weather forecasts beside it: this share of what physics says is the engineer's usual
# performance ratio (wiring, inverter, dirt), and is soon replaced by the home's own.
PHYSICS_RATIO = 0.85


def grids(folder: Path) -> list[Grid]:
    """Return each home's hours before its test window, so that tests on later months stay fair."""
    about = pd.read_csv(folder / "homes_meta.csv").set_index("home_id")
    whole = pd.read_parquet(folder / "homes_fetch.parquet")
    found = []
    for home in HOMES:
        row = about.loc[home]
        hours = whole[whole.home_id == home].set_index("time_utc").sort_index().asfreq("h")
        hours = hours[hours.index < pd.Timestamp(row.eval_from, tz=row.tz)]
        start = hours.index[0].to_pydatetime().astimezone(UTC)
        history = History(start, *(1000 * hours[f"{name}_kwh"].to_numpy(float) for name in ("pv", "load")))
        rated = 1000 * row.kwp if row.kwp > 0 else 0.0
        site = Site(ZoneInfo(row.tz), rated, row.lat, row.lon)
        found.append(grid_of(history, site, NO_WEATHER, start + timedelta(hours=len(hours)), 10_000))
    return found


def past_days(grid: Grid) -> tuple[Whole, Whole]:
    """Return issues (18:00 of each local day) and the hours of the day after each, from the fourth week on."""
    issues = np.arange(24 * 28 + (18 - grid.hour[0]) % 24, grid.now - 24, 24)
    return np.repeat(issues, 24), (issues[:, None] + np.arange(24)).ravel()


def main() -> None:
    """Write the prior."""
    homes = grids(Path(sys.argv[1]))
    eaters = [one for one in homes if not np.isnan(one.consumption[: one.now]).all()]
    makers = [one for one in homes if not np.isnan(one.production[: one.now]).all()]
    consumption = np.zeros((len(LEVELS), 2, 24))
    for grid in eaters:
        relative = grid.consumption / np.nanmean(grid.consumption)
        for kind in (0, 1):
            for hour in range(24):
                of = relative[(grid.is_weekend == bool(kind)) & (grid.hour == hour)]
                consumption[:, kind, hour] += np.nanquantile(of, LEVELS) / len(eaters)
    production = np.zeros(len(LEVELS))
    for grid in makers:
        bright = grid.clear_wh > 0.1 * grid.clear_wh.max()
        production += np.nanquantile(grid.production[bright] / grid.clear_wh[bright], LEVELS) / len(makers)
    prior = Prior(consumption, production, PHYSICS_RATIO, np.zeros((0, 24, 2)))
    places = [one for grid in eaters if grid in makers for one in surprises(grid, prior)]
    np.savez_compressed(
        sys.argv[2],
        consumption=consumption.astype(np.float32),
        production=production.astype(np.float32),
        physics_ratio=np.float32(PHYSICS_RATIO),
        places=np.array(places, dtype=np.float32),
    )
    sys.stdout.write(f"{len(eaters)} + {len(makers)} homes, {len(places)} days\n")


def surprises(grid: Grid, prior: Prior) -> list[Any]:
    """Return of the last days, hour by hour, where consumption and production lay in their bands."""
    issues, targets = past_days(grid)
    lines = []
    for experts, spread, values, share in (
        (consumption_experts, consumption_spread, grid.consumption, CONSUMPTION_SHARE),
        (production_experts, production_spread, grid.production, PRODUCTION_SHARE),
    ):
        bands = spread(grid, experts(grid, issues, targets), share, issues, targets, prior)
        line = np.full(len(grid.hour), np.nan)
        line[targets] = placed(values[targets], bands)
        lines.append(line)
    begins = np.flatnonzero(grid.hour == 0)
    days = [np.column_stack(lines)[at : at + 24] for at in begins if at + 24 <= grid.now]
    return [day for day in days if not np.isnan(day).any()][-30:]


if __name__ == "__main__":
    main()
