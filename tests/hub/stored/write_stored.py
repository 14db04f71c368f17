"""Write what a village stores with today's program as SQL text, for tomorrow's program to load.

.venv/bin/python -m tests.hub.stored.write_stored NAME     writes tests/hub/stored/NAME.sql
"""

import asyncio
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tests.hub.village import open_village


async def live() -> str:
    """Live through one period: Amina sells 2 of her 3 kWh to Chebet."""
    with tempfile.TemporaryDirectory() as scratch:
        async with open_village(Path(scratch)) as village:
            await village.found()
            await village.standing(village.amina, sell=1_000)
            await village.standing(village.chebet, buy=2_000)
            await village.fund(village.chebet, 100_000)
            await village.end_period({village.amina.id: 3_000, village.chebet.id: -2_000})
            await village.check()
        with closing(sqlite3.connect(Path(scratch) / "hub.sqlite")) as stored:
            return "\n".join(stored.iterdump()) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name(f"{sys.argv[1]}.sql").write_text(asyncio.run(live()))
