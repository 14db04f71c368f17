from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from energy_swap_hub.config import UserConfig
from energy_swap_hub.membership.sign_in import (
    SESSION_LENGTH,
    Session,
    SignIn,
    SignInRefused,
    close_session,
    hash_password,
    open_session,
)
from energy_swap_hub.membership.tables import session
from energy_swap_hub.storage import Database
from sqlalchemy import Connection, func, select

from tests.hub.tables import empty_tables, stored_bytes

NOW = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # a hash carries its own cost


@pytest.fixture(scope="module")
def grace() -> UserConfig:
    return UserConfig("grace", "admin", CHEAP.hash("a long pass phrase"))


@pytest.fixture
def door(grace: UserConfig) -> SignIn:
    users = {"grace": grace, "oddly": UserConfig("oddly", "auditor", "not an argon2 hash")}
    return SignIn(users, _nobody=CHEAP.hash("nobody's"))


@pytest.fixture
def connection() -> Iterator[Connection]:
    with empty_tables() as connection:
        yield connection


def test_the_right_password_opens(door: SignIn, grace: UserConfig) -> None:
    assert door.check("grace", "a long pass phrase", NOW) == grace


def test_a_hash_made_for_the_configuration_opens() -> None:
    made = UserConfig("grace", "admin", hash_password("a long pass phrase"))
    door = SignIn({"grace": made})
    assert door.check("grace", "a long pass phrase", NOW) == made
    with pytest.raises(SignInRefused):
        door.check("nobody", "a long pass phrase", NOW)


def test_wrong_user_and_wrong_password_get_the_same_answer(door: SignIn) -> None:
    answers = set()
    for user, password in (("grace", "wrong"), ("nobody", "a long pass phrase"), ("oddly", "not an argon2 hash")):
        with pytest.raises(SignInRefused) as refused:
            door.check(user, password, NOW)
        answers.add(str(refused.value))
    assert answers == {"user or password is wrong"}


def test_five_wrong_passwords_lock_out_for_five_minutes(door: SignIn, grace: UserConfig) -> None:
    for _ in range(5):
        with pytest.raises(SignInRefused, match="is wrong"):
            door.check("grace", "guess", NOW)
    for moment in (NOW, NOW + timedelta(minutes=5) - SECOND):
        with pytest.raises(SignInRefused, match="five minutes"):
            door.check("grace", "a long pass phrase", moment)
    assert door.check("grace", "a long pass phrase", NOW + timedelta(minutes=5)) == grace


def test_a_success_forgets_the_wrong_tries_before_it(door: SignIn, grace: UserConfig) -> None:
    for _ in range(4):
        with pytest.raises(SignInRefused, match="is wrong"):
            door.check("grace", "guess", NOW)
    assert door.check("grace", "a long pass phrase", NOW) == grace
    for _ in range(2):
        with pytest.raises(SignInRefused, match="is wrong"):
            door.check("grace", "guess", NOW)


def test_a_lock_out_is_for_one_name_and_invented_names_are_forgotten(door: SignIn, grace: UserConfig) -> None:
    for _ in range(5):
        with pytest.raises(SignInRefused):
            door.check("nobody", "guess", NOW)
    assert door.check("grace", "a long pass phrase", NOW) == grace
    with pytest.raises(SignInRefused):
        door.check("another", "guess", NOW + timedelta(minutes=6))
    assert set(door._wrong) == {"another"}


def test_a_session_lasts_its_hours_and_no_longer(door: SignIn, connection: Connection) -> None:
    token, csrf = open_session(connection, "grace", NOW)
    assert door.session(connection, token, NOW) == Session("grace", "admin", csrf)
    assert door.session(connection, token, NOW + SESSION_LENGTH - SECOND) == Session("grace", "admin", csrf)
    assert door.session(connection, token, NOW + SESSION_LENGTH) is None
    assert door.session(connection, token + "x", NOW) is None
    assert door.session(connection, csrf, NOW) is None


def test_a_closed_session_and_one_of_a_removed_user_are_over(door: SignIn, connection: Connection) -> None:
    (first, _), (second, _) = open_session(connection, "grace", NOW), open_session(connection, "grace", NOW)
    close_session(connection, first)
    assert door.session(connection, first, NOW) is None
    assert door.session(connection, second, NOW) is not None
    assert SignIn({}).session(connection, second, NOW) is None


def test_expired_sessions_are_cleared_away(connection: Connection) -> None:
    open_session(connection, "grace", NOW)
    open_session(connection, "grace", NOW + SESSION_LENGTH)
    assert connection.execute(select(func.count()).select_from(session)).scalar_one() == 1


async def test_the_database_keeps_only_hashes_of_session_tokens(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "hub.sqlite")
    token, csrf = await database.write(lambda c: open_session(c, "grace", NOW))
    await database.close()
    content = stored_bytes(tmp_path)
    assert csrf.encode() in content  # so this does look where sessions are
    assert token.encode() not in content
