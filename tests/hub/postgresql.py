"""A PostgreSQL server of the tests' own, on a socket in a folder that is thrown away, and its databases."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

_numbers = count(1)


def programs() -> Path | None:
    """Return the folder of `initdb` and `postgres`, the newest there is; None where they are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def running_server(bin_folder: Path, *, is_durable: bool = False) -> Iterator[str]:
    """Run a server and yield the URL of its first database; PostgreSQL refuses to run as root.

    One that is durable works on the disk as PostgreSQL does by itself.
    """
    memory = Path("/dev/shm")  # makes copies of databases ten times as fast
    in_memory = memory if os.access(memory, os.W_OK) and not is_durable else None
    folder = Path(tempfile.mkdtemp(prefix="energy-swap-postgresql-", dir=in_memory))
    user: str | None = None
    groups: list[int] | None = None
    if os.getuid() == 0:
        user, groups = "postgres", []
        shutil.chown(folder, user, user)
    log = (folder / "log").open("wb")
    try:
        data = ["-D", str(folder / "data")]
        access = ["--auth=trust", "--username=hub", "--encoding=UTF8", "--locale=C"]
        subprocess.run(
            [bin_folder / "initdb", "--no-sync", *access, *data],
            check=True, stdout=log, stderr=log, cwd=folder, user=user, group=user, extra_groups=groups,
        )  # fmt: skip
        # Nobody pulls this machine's plug; what a killed program loses does not depend on fsync.
        quick = [] if is_durable else ["-c", "fsync=off", "-c", "full_page_writes=off"]
        server = subprocess.Popen(
            [bin_folder / "postgres", *data, "-k", folder, "-c", "listen_addresses=", *quick],
            stdout=log, stderr=log, cwd=folder, user=user, group=user, extra_groups=groups,
        )  # fmt: skip
        try:
            url = f"postgresql://hub@/postgres?host={folder}"
            _wait_for(url, folder / "log")
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # ends sessions and stops
            server.wait(timeout=20)
    finally:
        log.close()
        shutil.rmtree(folder)


def new_database(server: str, *, like: str | None = None) -> str:
    """Make an empty database, or a copy of one that nobody is connected to, and return its URL."""
    url = make_url(server).set(database=f"village_{os.getpid()}_{next(_numbers)}")
    with psycopg.connect(_first(server), autocommit=True) as connection:
        template = make_url(like).database if like else "template1"
        connection.execute(f'CREATE DATABASE "{url.database}" TEMPLATE "{template}"'.encode())
    return url.render_as_string(hide_password=False)


def drop_database(url: str) -> None:
    """Drop a database of the test server."""
    with psycopg.connect(_first(url), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)'.encode())


def _first(url: str) -> str:
    return make_url(url).set(database="postgres").render_as_string(hide_password=False)


def _wait_for(url: str, log: Path) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        else:
            return
