"""The verifier as a process of the demo: the real one with a folder and key of its own, in the demo's time."""

import asyncio
import logging
import sys
from pathlib import Path

from energy_swap_verifier.__main__ import run
from energy_swap_verifier.config import VerifierConfig, load_config

from .clock import SharedClock
from .settings import Folder


def main() -> None:
    """Serve until stopped: ``python -m energy_swap_demo.verifier_process FOLDER``."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    folder = Folder(Path(sys.argv[1]))
    asyncio.run(run(load_config(folder.verifier_config, VerifierConfig), SharedClock.open(folder.clock)))


if __name__ == "__main__":
    main()
