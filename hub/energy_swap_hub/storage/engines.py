"""How SQLite and PostgreSQL are reached: who may write, what a reader sees, and that a commit is on disk."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.types.numeric import IntLoader
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

# Two threads of Python hardly run at once: a second one on SQLite costs only what changing from one to the other
# does, and made a busy hub's slowest answers four times as slow. With PostgreSQL one may wait for the server while
# the other works; the more there are, the fewer questions share a transaction.
_SQLITE_READERS: Final = 1
_POSTGRESQL_READERS: Final = 2
_CONNECT_SECONDS: Final = 30  # a machine that has just started, or does too much, takes many
_LOCK_TIMEOUT: Final = "2s"  # a killed hub's session ends within moments


class StorageError(OSError):
    """The database cannot be used as it is; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Engines:
    """The ways into one database."""

    writer: Engine  # one connection
    reader: Engine  # cannot write; each transaction is one snapshot
    readers: int  # how many at once, while nothing takes long
    schema: Engine  # for migrations
    goes_on: Callable[[Connection], bool]  # whether the transaction is still there after a failed change
    owned: list[
        str
    ]  # the communities whose lock the writer's session holds, and takes again when it connects anew


def sqlite_engines(path: Path) -> Engines:
    """Return the engines of the file at ``path``."""

    def engine(*, read_only: bool = False, foreign_keys: bool = True) -> Engine:
        made = create_engine(
            f"sqlite:///{path}",
            connect_args={"check_same_thread": False, "timeout": 30},
            pool_size=_SQLITE_READERS + 1,
        )

        @event.listens_for(made, "connect")
        def _connect(connection: Any, _record: Any) -> None:
            connection.isolation_level = None  # transactions are begun below, not by the driver
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
            if read_only:
                connection.execute("PRAGMA query_only=ON")
            else:
                # A group of orders touches more pages than the 2 MB kept by itself, and commits megabytes.
                connection.execute("PRAGMA cache_size=-32768")
                connection.execute("PRAGMA wal_autocheckpoint=4000")
                # What a savepoint would give back; each page that changes would be written to a file for it.
                connection.execute("PRAGMA temp_store=MEMORY")

        @event.listens_for(made, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

        return made

    # A migration that rebuilds a table drops the old one, which foreign keys would forbid.
    reader = engine(read_only=True)
    return Engines(engine(), reader, _SQLITE_READERS, engine(foreign_keys=False), _sqlite_goes_on, [])


def postgresql_engines(url: URL) -> Engines:
    """Return the engines of the PostgreSQL database at ``url``.

    The writer's one session holds an advisory lock for each community that it owns, for as long as it lives, and
    takes them again when it has to connect anew: a second hub cannot write for the same community, and rules may
    look first and change then.
    """
    owned: list[str] = []
    options = {"connect_timeout": _CONNECT_SECONDS, "fallback_application_name": "energy-swap-hub"}
    writer = create_engine(url, connect_args=options, pool_pre_ping=True, pool_size=1, max_overflow=0)
    # Not asked each time whether it is still there: `answer_together` finds out.
    reader = create_engine(url, connect_args=options, pool_size=_POSTGRESQL_READERS + 1, max_overflow=0)

    @event.listens_for(writer, "connect")
    def _connect_writer(connection: psycopg.Connection, _record: Any) -> None:
        connection.adapters.register_loader("numeric", IntLoader)
        connection.autocommit = True
        try:
            _prepare_writer(connection, owned)
        except BaseException:
            connection.close()
            raise
        connection.autocommit = False

    @event.listens_for(reader, "connect")
    def _connect_reader(connection: psycopg.Connection, _record: Any) -> None:
        # A sum of integers comes as `numeric`; there is nothing in our tables that is not whole.
        connection.adapters.register_loader("numeric", IntLoader)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True

    return Engines(writer, reader, _POSTGRESQL_READERS, writer, _postgresql_goes_on, owned)


def reading_engine(where: Path | str) -> Engine:
    """Return a way to read the SQLite file at a path or PostgreSQL at a URL, which cannot write."""
    if isinstance(where, str):
        return postgresql_engines(postgresql_url(where)).reader
    return sqlite_engines(where).reader


def postgresql_url(text: str) -> URL:
    """Return the URL of a PostgreSQL database; raises `StorageError` for anything else."""
    try:
        url = make_url(text)
        is_postgresql = url.get_backend_name() in {"postgresql", "postgres"}
    except ArgumentError, NoSuchModuleError:
        is_postgresql = False
    if not is_postgresql:
        raise StorageError("the database's URL must look like postgresql://user:password@host/name")
    return url.set(drivername="postgresql+psycopg")


def lock_community(connection: Connection, community_id: str) -> None:
    """Give the writer's session the community's lock for as long as it lives; SQLite has the data folder's.

    Raises `StorageError` while another hub has it.
    """
    if connection.dialect.name != "sqlite":
        driver: Any = connection.connection.dbapi_connection
        _lock(driver, community_id)


def lock_migrations(connection: Connection) -> None:
    """Let one hub at a time change the tables, until the transaction ends."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_lock_key("migrations"),))


def _prepare_writer(connection: psycopg.Connection, owned: Iterable[str]) -> None:
    # Where the hub's machine vanished, the server must notice soon: its session holds the lock.
    connection.execute("SET tcp_keepalives_idle = 15")
    connection.execute("SET tcp_keepalives_interval = 5")
    connection.execute("SET tcp_keepalives_count = 3")
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.execute("SET lock_timeout = '30s'")
    for community_id in owned:
        _lock(connection, community_id)


def _lock(connection: psycopg.Connection, community_id: str) -> None:
    connection.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'".encode())
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", [_lock_key(community_id)])
    except psycopg.errors.LockNotAvailable:
        raise StorageError(
            f"another hub writes for the community {community_id} in this database; stop it first"
        ) from None
    connection.execute("SET lock_timeout = '30s'")


def _lock_key(name: str) -> int:
    digest = hashlib.sha256(b"energy-swap-hub/" + name.encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def _sqlite_goes_on(connection: Connection) -> bool:
    return bool(connection.connection.dbapi_connection.in_transaction)  # type: ignore[union-attr]


def _postgresql_goes_on(connection: Connection) -> bool:
    if connection.invalidated:
        return False
    driver: Any = connection.connection.dbapi_connection
    return bool(driver.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS)
