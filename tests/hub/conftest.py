"""Databases of both kinds: a test that takes `where` runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.postgresql import drop_database, new_database, programs, running_server

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of the tests' own."""
    folder = programs()
    if folder is None:
        pytest.skip("no PostgreSQL server program on this machine (Debian: postgresql); script/bootstrap gets it")
    with running_server(folder) as url:
        yield url


@pytest.fixture(params=ENGINES)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """A place for a new database."""
    if request.param == "sqlite":
        yield tmp_path / "data" / "hub.sqlite"
    else:
        url = new_database(request.getfixturevalue("postgresql"))
        yield url
        drop_database(url)
