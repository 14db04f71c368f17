"""Run the simulator as a process: ``energy-swap-daraja-simulator --port 8490 --data daraja.sqlite``."""

import argparse
import logging
import math
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from .books import Books
from .catalogue import SCENARIOS
from .clock import VirtualClock, running_clock
from .simulator import Simulator


def main() -> None:
    """Serve until stopped."""
    chosen = options().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    start = chosen.start or datetime.now(UTC)
    if chosen.data is not None:
        books = Books(chosen.data)
        start = max(start, books.latest() or start)
        books.close()
    simulator = Simulator(
        clock=VirtualClock(start) if chosen.clock == "virtual" else running_clock(start, chosen.speed),
        path=chosen.data,
        seed=chosen.seed,
        least_manual_wait=0 if chosen.clock == "virtual" else chosen.least_manual_wait,
    )
    simulator.faults.play(chosen.scenario)
    try:
        web.run_app(simulator.application(), host=chosen.host, port=chosen.port, access_log=None)
    finally:
        simulator.close()


def options() -> argparse.ArgumentParser:
    """Return the reader of the command line."""
    parser = argparse.ArgumentParser(
        prog="energy-swap-daraja-simulator",
        description="A Daraja (M-Pesa) on this machine. Open http://127.0.0.1:8490/ to see its phones.",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (127.0.0.1); there is no password"
    )
    parser.add_argument("--port", type=int, default=8490, help="port to listen at (8490)")
    parser.add_argument("--data", type=Path, help="file of the books; without it they end with the process")
    parser.add_argument("--seed", type=int, default=1, help="the same seed and calls give the same luck")
    parser.add_argument(
        "--scenario", choices=list(SCENARIOS), default="calm", help="what goes wrong by chance (calm)"
    )
    parser.add_argument(
        "--clock",
        choices=("running", "virtual"),
        default="running",
        help="virtual: time stands still until POST /_simulator/clock moves it",
    )
    parser.add_argument("--start", type=_time, help="time to begin at, with its zone (now)")
    parser.add_argument(
        "--speed", type=_speed, default=1.0, help="how many times as fast as real a running clock is (1)"
    )
    parser.add_argument(
        "--least-manual-wait",
        type=float,
        default=60.0,
        help="real seconds that a person at a phone page has at least (60)",
    )
    return parser


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no time like 2026-11-20T14:30:00+03:00") from error
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no zone: write 2026-11-20T14:30:00+03:00")
    return time.astimezone(UTC)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no number") from error
    if not (math.isfinite(speed) and 0 < speed <= 100_000):
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 100000")
    return speed


if __name__ == "__main__":
    main()
