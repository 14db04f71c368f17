"""A verifier that is killed at its first signature: ``doomed_verifier CONFIG TIME before|after``."""

import asyncio
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from energy_swap_verifier.__main__ import run
from energy_swap_verifier.config import VerifierConfig, load_config
from energy_swap_verifier.judge import Judge
from energy_swap_verifier.store import Store


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    config, now, moment = (
        load_config(Path(sys.argv[1]), VerifierConfig),
        datetime.fromisoformat(sys.argv[2]),
        sys.argv[3],
    )
    last = patch.object(Store, "record", die) if moment == "before" else patch.object(Judge, "_answer", die)
    with last:
        asyncio.run(run(config, lambda: now))


if __name__ == "__main__":
    main()
