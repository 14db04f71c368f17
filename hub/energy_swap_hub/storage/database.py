"""SQLite behind two calls: `write` on one thread that commits in groups, `read` on a few others."""

import asyncio
import queue
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, create_engine, event

from .columns import metadata

_GROUP: Final = 200
_READERS: Final = 4


def _engine(path: Path, *, read_only: bool) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"check_same_thread": False, "timeout": 30}, pool_size=_READERS
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _is_in_transaction(connection: Connection) -> bool:
    return bool(connection.connection.dbapi_connection.in_transaction)  # type: ignore[union-attr]


class Database:
    """A database file; every change is durable (fsync) before its `write` returns."""

    def __init__(self, path: Path, scratch: tempfile.TemporaryDirectory[str] | None = None) -> None:
        self._scratch = scratch
        self._engine = _engine(path, read_only=False)
        self._read_engine = _engine(path, read_only=True)
        metadata.create_all(self._engine)
        self._changes: queue.SimpleQueue[tuple[Callable[[Connection], Any], Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._is_open = True
        self._writer = threading.Thread(target=self._write_groups, name="database-writer", daemon=True)
        self._writer.start()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="database-reader")

    @classmethod
    def open(cls, path: Path | None) -> Self:
        """Open the file at ``path``, creating missing tables; ``None`` means a private one that is thrown away."""
        if path is None:
            scratch = tempfile.TemporaryDirectory()
            return cls(Path(scratch.name) / "hub.sqlite", scratch)
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls(path)

    async def write[T](self, change: Callable[[Connection], T]) -> T:
        """Run ``change`` in a transaction and return its result once that is durable.

        An exception undoes this change alone and is raised here; changes waiting together share one commit.
        After `close` nothing is written any more: that is a `RuntimeError`.
        """
        if not self._is_open:
            raise RuntimeError("the database is closed")
        future: Future[T] = Future()
        self._changes.put((change, future))
        return await asyncio.shield(asyncio.wrap_future(future))

    async def read[T](self, query: Callable[[Connection], T]) -> T:
        """Run ``query`` on one consistent snapshot of the committed state."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, query)

    async def close(self) -> None:
        """Finish the waiting changes, then close the file."""
        self._is_open = False
        self._changes.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._engine.dispose()
        self._read_engine.dispose()
        if self._scratch is not None:
            self._scratch.cleanup()

    def _read[T](self, query: Callable[[Connection], T]) -> T:
        with self._read_engine.begin() as connection:
            return query(connection)

    def _write_groups(self) -> None:
        is_open = True
        while is_open:
            waiting = [self._changes.get()]
            while len(waiting) < _GROUP and not self._changes.empty():
                waiting.append(self._changes.get())
            if None in waiting:
                is_open = False
            group = [item for item in waiting if item is not None]
            if group:
                self._write_group(group)

    def _write_group(self, group: list[tuple[Callable[[Connection], Any], Future[Any]]]) -> None:
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with self._engine.begin() as connection:
                for change, future in group:
                    try:
                        with connection.begin_nested():
                            outcomes.append((future, change(connection), None))
                    except Exception as error:
                        if not _is_in_transaction(connection):
                            raise  # SQLite gave up the whole group, as it does when the disk is full
                        outcomes.append((future, None, error))
        except BaseException as error:  # noqa: BLE001 - the commit failed: nobody's change is durable
            outcomes = [(future, None, error) for _, future in group]
        for future, result, failure in outcomes:
            if future.cancelled():
                continue
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)
