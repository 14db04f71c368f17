"""What tests do to a process beside the hub."""

import asyncio
import os
import signal
from contextlib import suppress

from energy_swap_hub.beside import Beside, ProcessLost


async def kill(process: Beside) -> None:
    """Kill the process, and wait until that is known here."""
    assert process._pipe is not None
    os.kill(process._pipe._process.get_pid(), signal.SIGKILL)
    with suppress(ProcessLost):
        while True:
            await process.ask(b"")
            await asyncio.sleep(0.01)
