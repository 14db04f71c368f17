"""Run the simulator as a process: ``energy-swap-daraja-simulator --port 8490 --data daraja.sqlite``."""

import argparse
import logging
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from .books import Books
from .clock import running_clock
from .simulator import Simulator


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="energy-swap-daraja-simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8490)
    parser.add_argument("--data", type=Path, help="file of the books; without it they end with the process")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0, help="how many times as fast as real its time runs")
    parser.add_argument(
        "--least-manual-wait",
        type=float,
        default=60.0,
        help="real seconds that a person at a phone page has at least",
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    start = datetime.now(UTC)
    if options.data is not None:
        books = Books(options.data)
        start = max(start, books.latest() or start)
        books.close()
    simulator = Simulator(
        clock=running_clock(start, options.speed),
        path=options.data,
        seed=options.seed,
        least_manual_wait=options.least_manual_wait,
    )
    try:
        web.run_app(simulator.application(), host=options.host, port=options.port, access_log=None)
    finally:
        simulator.close()


if __name__ == "__main__":
    main()
