"""The hub as a process of the demo: the real hub, with the demo's clock in place of the machine's."""

import sys
from pathlib import Path

from energy_swap_hub.__main__ import log_to_stderr
from energy_swap_hub.config import load_config
from energy_swap_hub.hub import serve

from .clock import SharedClock
from .settings import Folder


def main() -> None:
    """Serve until stopped: ``python -m energy_swap_demo.hub_process FOLDER``."""
    log_to_stderr()
    folder = Folder(Path(sys.argv[1]))
    serve(load_config(folder.hub_config), SharedClock.open(folder.clock))


if __name__ == "__main__":
    main()
