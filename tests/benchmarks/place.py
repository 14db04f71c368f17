"""Where a benchmark's database is: a file that is thrown away, or a PostgreSQL server of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hub.postgresql import new_database, programs, running_server


@contextmanager
def place(*, postgresql: bool, is_durable: bool) -> Iterator[Path | str]:
    """Yield where the database is to be; ``is_durable``: the PostgreSQL server waits for its disk."""
    if postgresql:
        folder = programs()
        if folder is None:
            raise SystemExit("no PostgreSQL server program on this machine (Debian: postgresql)")
        with running_server(folder, is_durable=is_durable) as url:
            yield new_database(url)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            yield Path(scratch) / "hub.sqlite"
