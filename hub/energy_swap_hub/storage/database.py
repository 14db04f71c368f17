"""A database behind two calls: `write` on one thread that commits in groups, `read` on a few others."""

import asyncio
import queue
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError, OperationalError

from . import lease
from .engines import (
    Engines,
    StorageError,
    lock_community,
    postgresql_engines,
    postgresql_url,
    sqlite_engines,
)
from .readers import Outcome, Readers, tell
from .schema import upgrade

_GROUP: Final = 200
_ATTEMPTS: Final = 5
_SAVEPOINT: Final = "SAVEPOINT a_change"
_RELEASE: Final = "RELEASE SAVEPOINT a_change"
_UNDO: Final = "ROLLBACK TO SAVEPOINT a_change"
_PASSING: Final = ("40001", "40P01")  # SQLSTATE: serialization failure, deadlock

type _Change = tuple[Callable[[Connection], Any], asyncio.Future[Any]]


class Database:
    """A database with one writer; every change is durable before its `write` returns.

    Changes run one after another, and no other program writes for a community whose lease this one took, so a
    change may look first and act on what it saw. One may be run again when the database asks for it, so it touches
    nothing but its connection.
    """

    def __init__(self, engines: Engines, scratch: tempfile.TemporaryDirectory[str] | None = None) -> None:
        self._scratch = scratch
        self._engines = engines
        self._fences: dict[str, int] = {}  # by community, of the leases taken
        self._changes: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._is_open = True
        self._writer = threading.Thread(target=self._write_groups, name="database-writer", daemon=True)
        self._writer.start()
        self._readers = Readers(engines.reader, engines.readers)

    @classmethod
    def open(cls, where: Path | str | None) -> Self:
        """Open the SQLite file at a path or PostgreSQL at a URL; ``None`` means a private file for once.

        Tables are brought to the newest version. Raises `StorageError` when the database cannot be reached or is
        newer than this program.
        """
        scratch = None
        if isinstance(where, str):
            engines = postgresql_engines(postgresql_url(where))
        else:
            if where is None:
                scratch = tempfile.TemporaryDirectory()
                where = Path(scratch.name) / "hub.sqlite"
            where.parent.mkdir(parents=True, exist_ok=True)
            engines = sqlite_engines(where)
        try:
            upgrade(engines.schema)
        except OperationalError as error:
            _dispose(engines)
            raise StorageError(f"the database cannot be opened: {error.orig}") from error
        except BaseException:
            _dispose(engines)
            raise
        return cls(engines, scratch)

    @staticmethod
    def is_there(where: Path | str) -> bool:
        """Whether the database has been opened before; raises `StorageError` when it cannot be reached."""
        if isinstance(where, Path):
            return where.exists()
        engines = postgresql_engines(postgresql_url(where))
        try:
            return inspect(engines.reader).has_table("alembic_version")
        except OperationalError as error:
            raise StorageError(f"the database cannot be opened: {error.orig}") from error
        finally:
            _dispose(engines)

    async def take_lease(self, community_id: str, owner: str) -> int:
        """Become the one who writes for a community, until this database is closed; return the fencing token.

        Every later `write` raises `lease.LeaseLost` once another hub has taken the community over. Raises
        `StorageError` while another hub writes for it.
        """

        def take(connection: Connection) -> int:
            lock_community(connection, community_id)
            return lease.take(connection, community_id, owner)

        fence = await self.write(take)
        self._engines.owned.append(community_id)
        self._fences[community_id] = fence
        return fence

    async def write[T](self, change: Callable[[Connection], T]) -> T:
        """Run ``change`` in a transaction and return its result once that is durable.

        An exception undoes this change alone and is raised here; changes waiting together share one commit.
        Where the connection to PostgreSQL broke during the commit, the error does not tell whether it was done.
        After `close` nothing is written any more: that is a `RuntimeError`.
        """
        if not self._is_open:
            raise RuntimeError("the database is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._changes.put((change, future))
        return await future

    async def read[T](self, query: Callable[[Connection], T]) -> T:
        """Run ``query`` on one consistent snapshot of the committed state."""
        if not self._is_open:
            raise RuntimeError("the database is closed")
        return await self._readers.read(query)

    async def close(self) -> None:
        """Finish the waiting changes, then close the database."""
        self._is_open = False
        self._changes.put(None)
        await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._readers.close)
        _dispose(self._engines)
        if self._scratch is not None:
            self._scratch.cleanup()

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

    def _write_group(self, group: list[_Change]) -> None:
        outcomes: list[Outcome] = []
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                outcomes = self._commit(group)
                break
            except BaseException as error:  # noqa: BLE001 - the commit failed: nobody's change is durable
                if attempt < _ATTEMPTS and _passes(error):
                    continue
                outcomes = [(future, None, error) for _, future in group]
                break
        tell(outcomes)

    def _commit(self, group: list[_Change]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        is_alone = len(group) == 1  # then the transaction is all there is to undo
        with self._engines.writer.begin() as connection:
            for community_id, fence in self._fences.items():
                lease.check(connection, community_id, fence)
            for number, (change, future) in enumerate(group):
                if not is_alone:
                    _mark(connection, is_first=number == 0)
                try:
                    outcomes.append((future, change(connection), None))
                except Exception as error:
                    # The database may give up the whole group: SQLite when the disk is full, PostgreSQL when the
                    # connection breaks, either of them when it asks for the transaction to be run again.
                    if is_alone or _passes(error) or not self._undo(connection):
                        raise
                    outcomes.append((future, None, error))
        return outcomes

    def _undo(self, connection: Connection) -> bool:
        """Undo what was done since the mark; false, or an error, where the whole transaction is gone."""
        if not connection.invalidated:
            connection.exec_driver_sql(_UNDO)
        return self._engines.goes_on(connection)


def _mark(connection: Connection, *, is_first: bool) -> None:
    """Let what a change does from here on be undone alone, with little beside the database's own work."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.dbapi_connection
        if not is_first:
            driver.execute(_RELEASE)
        driver.execute(_SAVEPOINT)
    else:
        connection.exec_driver_sql(_SAVEPOINT if is_first else f"{_RELEASE}; {_SAVEPOINT}")


def _passes(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _PASSING


def _dispose(engines: Engines) -> None:
    for engine in (engines.writer, engines.reader, engines.schema):
        engine.dispose()
