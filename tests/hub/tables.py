"""Empty tables in memory, for rules that need no threads and no disk, and a look at what a disk keeps."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from energy_swap_hub.storage import metadata
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import StaticPool


@contextmanager
def empty_tables() -> Iterator[Connection]:
    """Yield a connection inside a transaction on a database of its own."""
    engine = create_engine("sqlite://", poolclass=StaticPool)

    @event.listens_for(engine, "connect")
    def _connect(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]
        connection.execute("PRAGMA foreign_keys=ON")  # type: ignore[attr-defined]

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    metadata.create_all(engine)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def stored_bytes(folder: Path) -> bytes:
    """Return all that lies in the files of a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
