"""A hub process that is killed at its first sending: ``doomed_hub FOLDER URL before|after``."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from energy_swap_hub.chain import Chain, connect, load_keys
from energy_swap_hub.chain.client import Node
from energy_swap_hub.storage import Database

from .world import now


async def run(folder: Path, url: str, moment: str) -> None:
    send = Node.send

    async def last_send(node: Node, raw: bytes, *, preflight: bool) -> None:
        if moment == "after":
            await send(node, raw, preflight=preflight)
        os.kill(os.getpid(), signal.SIGKILL)

    Node.send = last_send  # type: ignore[method-assign,assignment]
    database = Database.open(folder / "hub.sqlite")
    await Chain(database, connect(url), load_keys(folder / "keys"), now, lambda _c, _i: None).run()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
