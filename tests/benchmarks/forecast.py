# ruff: noqa: T201
"""Score the edge's forecast on real homes beside simple rivals, in one run; and what it costs.

    uv run --with pandas --with pyarrow --with pvlib --with lightgbm python -m tests.benchmarks.forecast \
        --protocol FOLDER_OF_evaluate.py --data FOLDER [--track roll6] [--window 365] [--every 3] [--against lgbm]

FOLDER holds the scorer (``evaluate.py``, with its ``baselines.py``) and the measured homes. The homes' history is
handed out hour by hour by the scorer, so nothing of the future can be seen. The model is retrained every
``--retrain`` days (every day with a week of history), which is less often than a household's edge does (each
night), to keep the run short.
"""

import argparse
import importlib
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from energy_swap_edge.forecast.history import NO_WEATHER, History, Site, Weather
from energy_swap_edge.forecast.learning import HomeModel
from energy_swap_edge.forecast.model import HourlyForecast, forecast_hours, retrain
from energy_swap_edge.forecast.recent import LEVELS

_NAMES = {"ghi_wm2": "shortwave_radiation", "temp_c": "temperature_2m", "rh_pct": "relative_humidity_2m",
          "precip_mm": "precipitation", "cloud_cover": "cloud_cover"}  # fmt: skip
_QUANTILES = [f"q{round(100 * level):02d}" for level in LEVELS]


class Edge:
    """The edge's forecast in the scorer's protocol."""

    retrain_days = 30

    def __init__(self) -> None:
        self.models: dict[str, HomeModel] = {}
        self.retrained: list[float] = []
        self.days: dict[tuple[str, Any], float] = {}
        self.forecast: list[float] = []

    def __call__(self, history: Any, weather: Any, issued_at: Any, horizon: int) -> Any:
        """Return quantiles, means and the expected surplus by hour."""
        about = history.attrs
        now = issued_at.to_pydatetime().astimezone(UTC)
        nothing = np.full(len(history), np.nan)
        wh = {name: 1000 * history[f"{name}_kwh"].to_numpy(float) if f"{name}_kwh" in history else nothing
              for name in ("pv", "load")}  # fmt: skip
        # A neighbourhood's load less its solar falls below zero at noon, which a household's consumption cannot.
        raised = 300_000.0 if about["track"] == "nb" else 0.0
        wh["load"] = wh["load"] + raised
        past = History(history.index[0].to_pydatetime(), wh["pv"], wh["load"])
        rated = about["kwp"] * 1000 if about["kwp"] > 0 else 0.0
        site = Site(
            ZoneInfo(about["tz"]),
            rated,
            about["lat"],
            about["lon"],
            _number(about["tilt"]),
            _number(about["azimuth"]),
        )
        known = self.weather(weather, about["track"], now)
        model = self.models.get(about["id"])
        if model is None or not timedelta(0) <= now - model.trained_at < timedelta(days=self.retrain_days):
            begin = time.process_time()
            model = self.models[about["id"]] = retrain(past, site, known, now)
            self.retrained.append(time.process_time() - begin)
        begin = time.process_time()
        made = forecast_hours(past, site, known, now, model)
        self.forecast.append(time.process_time() - begin)
        columns: dict[str, Any] = {}
        for name, spread, courses in (
            ("pv", made.production, made.production_courses),
            ("load", made.consumption, made.consumption_courses),
        ):
            if name in about["targets"]:
                columns |= {f"{name}_{q}": (spread[n, :horizon] - raised) / 1000 for n, q in enumerate(_QUANTILES)}
                columns[f"{name}_mean"] = (courses[:, :horizon].mean(axis=0) - raised) / 1000
        if "net" in about["targets"]:
            net = (made.production_courses - made.consumption_courses)[:, :horizon] / 1000
            columns |= {f"net_{q}": made.net()[n, :horizon] / 1000 for n, q in enumerate(_QUANTILES)}
            columns["net_mean"] = net.mean(axis=0)
            columns["surplus_mean"] = np.maximum(net, 0).mean(axis=0)
            if horizon >= 24:
                self.share_the_day(made, columns, about, issued_at)
        return pd.DataFrame(columns, index=pd.date_range(issued_at, periods=horizon, freq="h"))

    def share_the_day(self, made: HourlyForecast, columns: dict[str, Any], about: Any, issued_at: Any) -> None:
        """Scale the hours' surplus to the figure for the day as a whole, which is what a household is shown."""
        day = slice(6, 30) if about["track"] == "home48" else slice(0, 24)
        hours = columns["surplus_mean"][day]
        self.days[about["id"], issued_at] = float(hours.sum())
        shown = made.day_surplus(day.start, day.stop) / 1000
        if shown == shown and hours.sum() > 0:
            columns["surplus_mean"] = columns["surplus_mean"] * shown / hours.sum()

    def weather(self, given: Any, track: str, now: datetime) -> Weather:
        """Return the weather of the protocol as the edge keeps it; without forecasts in it, none."""
        if track not in {"pvnwp", "pair"} or not len(given):
            return NO_WEATHER
        whole = given.drop(columns=["lead_h"], errors="ignore").asfreq("h")
        columns = {_NAMES.get(name, name): whole[name].to_numpy(float) for name in whole.columns}
        columns["cloud_cover"] = 100 * columns["cloud_cover"]
        return Weather(whole.index[0].to_pydatetime(), columns, "live", "archived forecast", now)


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def main() -> None:
    """Print the table of tracks."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--protocol", required=True)
    ask.add_argument("--data", required=True)
    ask.add_argument("--track", default="pair,pvnwp,home48,nb")
    ask.add_argument("--window", default="365")
    ask.add_argument("--every", type=int, default=3)
    ask.add_argument("--retrain", type=int, default=30)
    ask.add_argument("--against", default="persist24,climatology,smart")
    ask.add_argument("--ids", default="")
    ask.add_argument("--picture", default="", help="SVG of the error by horizon (with matplotlib)")
    said = ask.parse_args()
    sys.path.insert(0, said.protocol)
    evaluate = importlib.import_module("evaluate")
    baselines = importlib.import_module("baselines")
    by_horizon: dict[str, dict[str, Any]] = {}
    for track in said.track.split(","):
        series = [
            one for one in evaluate.load_track(said.data, track) if not said.ids or one.id in said.ids.split(",")
        ]
        for window in map(int, said.window.split(",")):
            table = {}
            Edge.retrain_days = min(said.retrain, max(window // 7, 1))
            for name in ("edge", *filter(None, said.against.split(","))):
                forecaster: Any = Edge() if name == "edge" else getattr(baselines, name)
                forecaster = forecaster() if isinstance(forecaster, type) else forecaster
                scored = evaluate.run(forecaster, series, track, window, said.every, verbose=False)
                _, table[name] = evaluate.score(scored, series)
                for target in ("pv", "load", "net"):
                    rows = scored[(scored.target == target) & scored.y.notna()]
                    if len(rows):
                        error = (rows.point - rows.y).abs().groupby((rows.lead - 1) // 3 * 3).sum()
                        value = rows.y.abs().groupby((rows.lead - 1) // 3 * 3).sum()
                        share = (error / value)[value > 0.03 * value.max()]  # at dusk a Wh is a large share
                        by_horizon.setdefault(f"{track} {target}", {})[name] = share
                if name == "edge":
                    _details(scored, forecaster)
            _print(track, window, table)
    if said.picture:
        _draw(by_horizon, said.picture)


def _draw(by_horizon: dict[str, dict[str, Any]], path: str) -> None:
    """Draw Σ|error| / Σ|value| by horizon, a panel per track and quantity."""
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    figure, axes = pyplot.subplots(-(-len(by_horizon) // 3), 3, figsize=(12, 3 * -(-len(by_horizon) // 3)))
    for axis, (title, lines) in zip(axes.ravel(), by_horizon.items(), strict=False):
        for name, share in lines.items():
            whole = share.reindex(range(0, int(share.index.max()) + 1, 3))  # gaps stay gaps
            axis.plot(whole.index + 1.5, whole, marker=".", label=name, linewidth=2 if name == "edge" else 1)
        axis.set_title(title)
        axis.set_xlabel("hours ahead")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    for axis in axes.ravel()[len(by_horizon) :]:
        axis.set_visible(False)
    axes.ravel()[0].set_ylabel("Σ|error| / Σ|value|")
    axes.ravel()[0].legend()
    figure.tight_layout()
    figure.savefig(path)


def _details(scored: Any, edge: Edge) -> None:
    for target, rows in scored[(scored.lead <= 24) & scored.y.notna()].groupby("target"):
        by_day = rows[(rows.q95 - rows.q05) > 1e-6]
        held = ((by_day.y >= by_day.q10 - 1e-9) & (by_day.y <= by_day.q90 + 1e-9)).groupby(by_day.id).mean()
        bias = rows.groupby("id").apply(lambda one: one["mean"].sum() / one.y.sum() - 1, include_groups=False)
        print(f"  {target}: 80 % band holds {held.mean():.3f} where it has a width "
              f"({held.min():.2f} to {held.max():.2f} by home); bias of the mean {bias.mean():+.3f} "
              f"({bias.min():+.2f} to {bias.max():+.2f})")  # fmt: skip
    if edge.days:
        _print_days(scored[scored.target == "net"], edge)
    print(f"  forecast {1000 * np.median(edge.forecast):.0f} ms, retraining {np.median(edge.retrained):.1f} s "
          f"(most {max(edge.retrained):.1f} s) of one core", flush=True)  # fmt: skip


def _print_days(net: Any, edge: Edge) -> None:
    first = 7 if net.lead.max() > 24 else 1
    rows = net[(net.lead >= first) & (net.lead < first + 24) & net.y.notna()]
    days = rows.assign(real=rows.y.clip(lower=0)).groupby(["id", "issued"]).agg(
        n=("y", "size"), real=("real", "sum"), shown=("sur", "sum")
    )  # fmt: skip
    days = days[days.n == 24].reset_index()
    days["mean"] = [edge.days[key] for key in zip(days.id, days.issued, strict=True)]
    for name in ("mean", "shown"):
        error = (days[name] - days.real).abs().groupby(days.id).sum() / days.real.groupby(days.id).sum()
        bias = days[name].groupby(days.id).sum() / days.real.groupby(days.id).sum() - 1
        print(f"  surplus of the day by its {name}: accuracy {1 - error.mean():.3f}, bias {bias.mean():+.3f}")


def _print(track: str, window: int, table: dict[str, Any]) -> None:
    print(f"\n{track}, {window} days of history; accuracy = 1 - Σ|error| / Σ|value|")
    first = table["edge"]
    for row in first[first.lead != "25-48"].itertuples():
        figures = []
        for name, scores in table.items():
            found = scores[(scores.target == row.target) & (scores.lead == row.lead)]
            figures.append(f"{name} {found.accuracy.iloc[0]:.3f}")
        more = f"pinball {row.pinball:.4f} cover80 {row.cover80:.3f}" if row.pinball == row.pinball else ""
        bias = f"bias {row.bias:+.3f}" if row.bias == row.bias else ""
        print(f"  {row.target:12} {row.lead:9} " + ", ".join(figures), bias, more, flush=True)


if __name__ == "__main__":
    main()
