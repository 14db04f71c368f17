"""Twelve households' edges in one process; they share nothing but the process."""

import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path
from typing import Final

from energy_swap_edge.config import EdgeConfig
from energy_swap_edge.edge import Edge

from .clock import SharedClock
from .settings import Folder, from_json, to_json, write_private

_PAIRING_SECONDS: Final = 0.2


def main() -> None:
    """Run until stopped: ``python -m energy_swap_demo.edges_process FOLDER``."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(_run(Folder(Path(sys.argv[1]))))


async def _run(folder: Folder) -> None:
    clock = SharedClock.open(folder.clock)
    configs = from_json(folder.edges_config.read_bytes(), list[EdgeConfig])
    edges = [Edge(config, clock) for config in configs]
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with contextlib.AsyncExitStack() as stack:
        for edge in edges:
            await stack.enter_async_context(edge)
        codes: list[str] = []
        while not stopped.is_set():
            # What an owner would read on the edge's page: the demo reads it from this file.
            if codes != (now := [edge.pairing_code for edge in edges]):
                codes = now
                write_private(folder.pairing, to_json(codes))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _PAIRING_SECONDS)


if __name__ == "__main__":
    main()
