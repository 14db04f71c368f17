"""The Daraja simulator as a process of the demo, in the demo's time."""

import sys
from pathlib import Path

from aiohttp import web
from energy_swap_daraja_simulator.simulator import Simulator

from .clock import SharedClock
from .settings import Folder


def main() -> None:
    """Serve until stopped: ``python -m energy_swap_demo.simulator_process FOLDER PORT``."""
    folder, port = Folder(Path(sys.argv[1])), int(sys.argv[2])
    simulator = Simulator(clock=SharedClock.open(folder.clock), path=folder.daraja, seed=1)
    try:
        web.run_app(simulator.application(), host="127.0.0.1", port=port, access_log=None, print=None)
    finally:
        simulator.close()


if __name__ == "__main__":
    main()
