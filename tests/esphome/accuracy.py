"""How exact the meter is: load shapes at 1 Hz through the compiled program, against their exact integrals.

.venv/bin/python -m tests.esphome.accuracy        writes the table into docs/meters/accuracy.md
"""

import asyncio
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.esphome.simulation import Broker, Line, MeterProcess, eventually, stored_state

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/meters/accuracy.md"
MIDNIGHT = 1_795_132_800
DAY = 86_400
# Fine enough that what is called exact below is so to a millionth; every edge of a shape lies on a step.
STEPS_PER_SECOND = 100
MOST_ERROR_PERCENT = 0.1

type Seconds = NDArray[np.float64]
type Watts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shape:
    """A day of a house: what it draws from the grid (negative: gives), and what it generates, at any moment."""

    name: str
    description: str
    net_w: Callable[[Seconds], Watts]
    generation_w: Callable[[Seconds], Watts]


@dataclass(frozen=True, slots=True)
class Result:
    """What the registers of a shape showed after a day, and what had flowed, in mWh."""

    shape: str
    register: str
    exact_mwh: float
    shown_mwh: int

    @property
    def error_percent(self) -> float:
        return 100 * (self.shown_mwh - self.exact_mwh) / self.exact_mwh


def nothing(t: Seconds) -> Watts:
    return np.zeros_like(t)


def pulses(t: Seconds) -> Watts:
    return np.where((t + 3.1) % 181.7 < 37.3, 2060.0, 60.0)


def sun_behind_clouds(t: Seconds) -> Watts:
    sun = np.where((t > 23_400) & (t < 66_600), np.sin(np.pi * (t - 23_400) / 43_200), 0.0)
    cloud = 0.5 + 0.3 * np.sin(2 * np.pi * t / 419.0) + 0.2 * np.sin(2 * np.pi * t / 83.7)
    return 4000.0 * sun * (1 - 0.8 * cloud)


SHAPES = (
    Shape("steady", "1234.567 W all day", lambda t: np.full_like(t, 1234.567), nothing),
    Shape("pulsed", "60 W, and 2 kW more for 37.3 s of every 181.7 s", pulses, nothing),
    Shape(
        "sun and clouds",
        "4 kW peak, clouds of 84 s and 7 min, 350 W of load",
        lambda t: 350.0 - sun_behind_clouds(t),
        sun_behind_clouds,
    ),
    Shape(
        "sign changes",
        "a sine of 1500 W and 17.3 s about 40 W: 9988 changes of direction",
        lambda t: 40.0 + 1500.0 * np.sin(2 * np.pi * t / 17.3),
        nothing,
    ),
)


def exact_mwh(shape: Shape) -> dict[str, float]:
    """Return the integrals of a day, by the midpoint rule an hour at a time."""
    sums = {"import": 0.0, "export": 0.0, "generation": 0.0}
    for hour in range(24):
        t = hour * 3600 + (np.arange(3600 * STEPS_PER_SECOND) + 0.5) / STEPS_PER_SECOND
        net, generation = shape.net_w(t), shape.generation_w(t)
        sums["import"] += float(np.maximum(net, 0).sum())
        sums["export"] += float(np.maximum(-net, 0).sum())
        sums["generation"] += float(np.maximum(generation, 0).sum())
    return {name: total / STEPS_PER_SECOND * 1000 / 3600 for name, total in sums.items()}


def has_the_day(record: Path) -> bool:
    """Whether the last reading of the day is stored."""
    return record.exists() and stored_state(record).sequence == DAY // 60 + 1


async def measure(program: Path, folder: Path) -> list[Result]:
    """Run every shape through the program, which reads it from a file, and return each register that counts."""
    broker = Broker(folder / "broker")
    await broker.start()
    results = []
    for shape in SHAPES:
        t = np.arange(DAY + 1, dtype=np.float64)
        net, generation = (np.rint(1000 * of(t)).astype(np.int64) for of in (shape.net_w, shape.generation_w))
        feed = folder / f"{shape.name}.feed"
        feed.write_text("".join(str(Line(MIDNIGHT + i, int(net[i]), int(generation[i]))) for i in range(DAY + 1)))
        meter = MeterProcess(program, folder / shape.name, f"127.0.0.1:{broker.port}", str(feed))
        await meter.start()
        record = meter.state / "meter.meter"
        await eventually(partial(has_the_day, record))
        await meter.stop()
        state, exact = stored_state(record), exact_mwh(shape)
        shown = {
            "import": state.import_mwh,
            "export": state.export_mwh,
            "generation": state.generation_mwh,
        }
        results += [Result(shape.name, name, exact[name], shown[name]) for name in exact if exact[name] > 0]
    await broker.stop()
    return results


def page(results: list[Result]) -> str:
    """Return the page that says so."""
    lines = [
        "# How exact the meter is",
        "",
        "A simulated day at one sample a second through the compiled meter, against the integral of the curve.",
        "This is the arithmetic alone: clamps and chips have errors of their own, calibrated away or not.",
        "Written by `.venv/bin/python -m tests.esphome.accuracy`; a test holds the page to what the program does.",
        "",
        "| shape | register | exact | shown | error |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {result.shape} | {result.register} | {result.exact_mwh / 1000:.1f} Wh"
        f" | {result.shown_mwh / 1000:.1f} Wh | {round(result.error_percent, 3) + 0:.3f} % |"
        for result in results
    ]
    lines += ["", *(f"- {shape.name}: {shape.description}." for shape in SHAPES)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page."""
    built = subprocess.run([ROOT / "script/build-meter"], capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(measure(Path(built.stdout.strip()), Path(folder)))
    PAGE.write_text(page(results))


if __name__ == "__main__":
    main()
