from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from energy_swap_hub.config import UserConfig
from energy_swap_hub.membership.sessions import (
    IDLE,
    LONGEST,
    end_session,
    find_session,
    note_use,
    open_session,
    sessions_of,
)
from energy_swap_hub.membership.tables import session
from energy_swap_hub.storage import Database
from sqlalchemy import Connection, func, select

from tests.hub.tables import empty_tables, stored_bytes

NOW = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
GRACE = UserConfig("grace", "admin", "")
USERS = {"grace": GRACE}
HOME = "192.0.2.1"


@pytest.fixture
def connection() -> Iterator[Connection]:
    with empty_tables() as connection:
        yield connection


def test_a_session_that_is_used_lasts_its_hours_and_no_longer(connection: Connection) -> None:
    token, made = open_session(connection, GRACE, NOW, address=HOME)
    assert find_session(connection, USERS, token, NOW) == made
    now = NOW
    while now + IDLE - SECOND < NOW + LONGEST:
        now += IDLE - SECOND
        assert find_session(connection, USERS, token, now) is not None
        note_use(connection, made.id, now)
    assert find_session(connection, USERS, token, NOW + LONGEST - SECOND) is not None
    assert find_session(connection, USERS, token, NOW + LONGEST) is None
    assert find_session(connection, USERS, token + "x", NOW) is None
    assert find_session(connection, USERS, made.csrf, NOW) is None


def test_a_session_that_nobody_uses_ends(connection: Connection) -> None:
    token, _ = open_session(connection, GRACE, NOW, address=HOME)
    assert find_session(connection, USERS, token, NOW + IDLE - SECOND) is not None
    assert find_session(connection, USERS, token, NOW + IDLE) is None


def test_an_ended_session_and_one_of_a_removed_user_are_over(connection: Connection) -> None:
    first, made = open_session(connection, GRACE, NOW, address=HOME)
    second, other = open_session(connection, GRACE, NOW + SECOND, address="192.0.2.2")
    assert [(s.id, s.address) for s in sessions_of(connection, "grace", NOW + SECOND)] == [
        (other.id, "192.0.2.2"),
        (made.id, HOME),
    ]
    with pytest.raises(LookupError, match="it may have ended"):
        end_session(connection, "another", made.id)
    end_session(connection, "grace", made.id)
    assert find_session(connection, USERS, first, NOW) is None
    assert find_session(connection, USERS, second, NOW + SECOND) is not None
    assert find_session(connection, {}, second, NOW + SECOND) is None


def test_sessions_that_are_over_are_cleared_away(connection: Connection) -> None:
    open_session(connection, GRACE, NOW, address=HOME)
    open_session(connection, GRACE, NOW + IDLE, address=HOME)
    assert connection.execute(select(func.count()).select_from(session)).scalar_one() == 1


async def test_the_database_keeps_only_hashes_of_session_tokens(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "hub.sqlite")
    token, made = await database.write(lambda c: open_session(c, GRACE, NOW, address=HOME))
    await database.close()
    content = stored_bytes(tmp_path)
    assert made.csrf.encode() in content  # so this does look where sessions are
    assert token.encode() not in content
