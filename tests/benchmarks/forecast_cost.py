# ruff: noqa: T201
"""What the forecast costs on one core: a home with a year of readings and weather, learned and forecast.

    .venv/bin/python -m tests.benchmarks.forecast_cost [--days 400]

Processor time, so that a busy machine does not count, and what stays resident, as the command ``energy-swap-edge``
has it: all of the edge's modules are loaded first. The home is made up (its size does not depend on what is true).
"""

import argparse
import os
import resource
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import energy_swap_edge.__main__
import numpy as np
from energy_swap_edge.forecast.history import History, Site, Weather
from energy_swap_edge.forecast.model import make_forecast, retrain
from energy_swap_edge.forecast.threads import keep_to_one_thread

_NOW = datetime(2026, 11, 20, 23, tzinfo=UTC)


def home(days: int) -> tuple[History, Weather]:
    """Return a home near Nairobi and the weather it had, from a fixed seed."""
    start = _NOW - timedelta(days=days)
    hours = np.arange(24 * (days + 2))
    random = np.random.default_rng(0)
    sun = np.maximum(np.sin((hours % 24 + 2.5 - 6) / 12 * np.pi), 0)
    cloud = np.repeat(random.uniform(0, 100, len(hours) // 24), 24)
    sky = sun * (1000 - 7 * cloud)
    made = np.maximum(3 * sky + random.normal(0, 60, len(hours)) * (sun > 0), 0)
    used = random.gamma(2, 150, len(hours)) * (1 + (hours % 24 > 17))
    columns = {
        "shortwave_radiation": sky,
        "cloud_cover": cloud,
        "temperature_2m": 18 + 8 * sun,
        "relative_humidity_2m": 80 - 30 * sun,
        "precipitation": np.maximum(cloud - 90, 0) / 10,
    }
    past = History(start, made[: 24 * days], used[: 24 * days])
    return past, Weather(start, columns, "live", "made up", _NOW)


def resident_mb() -> float:
    """Return what of this process is in memory now, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    """Measure and print."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--days", type=int, default=400)
    days = ask.parse_args().days
    keep_to_one_thread(os.environ)
    print(f"{energy_swap_edge.__main__.__name__} loaded: {resident_mb():.0f} MB resident")
    past, weather = home(days)
    site = Site(ZoneInfo("Africa/Nairobi"), 3000, -1.3, 36.8)
    begin = time.process_time()
    model = retrain(past, site, weather, _NOW)
    print(f"nightly training on {days} days: {time.process_time() - begin:.1f} s of one core (target 60)")
    spent = []
    for _ in range(20):
        begin = time.process_time()
        make_forecast(past, site, weather, _NOW, model=model)
        spent.append(time.process_time() - begin)
    print(f"forecast: {1000 * np.median(spent):.0f} ms of one core (target 200)")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"afterwards {resident_mb():.0f} MB resident, at most {peak:.0f} MB (target 250)")


if __name__ == "__main__":
    main()
