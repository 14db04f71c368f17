"""Thousands of payments while M-Pesa does all wrong and the hub is killed: ``python -m tests.soak.storm``."""

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hub.mpesa.storm import Size, storm
from tests.hub.mpesa.storm_books import check_books
from tests.hub.postgresql import new_database, programs, running_server


def main() -> None:
    """Let it storm, tell the figures, and fail unless the hub's books are the simulator's."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.storm", description=__doc__)
    parser.add_argument("--top-ups", type=int, default=2_000)
    parser.add_argument("--payouts", type=int, default=500)
    parser.add_argument("--households", type=int, default=200)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=20261120)
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server of its own, not SQLite")
    parser.add_argument("--folder", type=Path, help="where to work; one in memory (/dev/shm) is quickest")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)  # each fault has its warning, here and in the hub
    print(f"--seed {asked.seed}", flush=True)  # noqa: T201
    size = Size(asked.households, asked.top_ups, asked.payouts, asked.kills)
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder, _place(Path(folder), asked.postgresql) as where:
        asyncio.run(_run(asked.seed, size, Path(folder), where))


async def _run(seed: int, size: Size, folder: Path, where: Path | str) -> None:
    async with storm(seed, size, folder, where) as after:
        sys.stdout.write(after.outcome.text() + "\n")
        ended = await check_books(where, after.simulator, after.phones)
    sys.stdout.write(f"the books are M-Pesa's to the cent: {dict(sorted(ended.items()))}\n")


@contextmanager
def _place(folder: Path, is_postgresql: bool) -> Iterator[Path | str]:
    if not is_postgresql:
        yield folder / "hub.sqlite"
        return
    programs_folder = programs()
    if programs_folder is None:
        raise SystemExit("no PostgreSQL server program on this machine (Debian: postgresql)")
    with running_server(programs_folder) as url:
        yield new_database(url)


if __name__ == "__main__":
    main()
