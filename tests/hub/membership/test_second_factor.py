from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from energy_swap_hub.membership import second_factor
from energy_swap_hub.membership.seal import Seal
from energy_swap_hub.membership.second_factor import CodeNeeded, CodeWrong
from energy_swap_hub.membership.tables import second_factor as table
from sqlalchemy import Connection, select

from tests.hub.tables import empty_tables

NOW = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
STEP = timedelta(seconds=30)
SEAL = Seal(b"s" * 32, b"second-factor")


@pytest.fixture
def connection() -> Iterator[Connection]:
    with empty_tables() as connection:
        yield connection


@pytest.fixture
def app(connection: Connection) -> pyotp.TOTP:
    """The authenticator app of grace, who has confirmed it."""
    secret, _ = second_factor.begin(connection, SEAL, "grace", "Energy Swap Kisima")
    app = pyotp.TOTP(secret)
    second_factor.confirm(connection, SEAL, "grace", app.at(NOW), NOW)
    return app


def test_the_address_for_the_app_carries_the_secret_and_names_the_community(connection: Connection) -> None:
    secret, uri = second_factor.begin(connection, SEAL, "grace", "Energy Swap Kisima")
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parse_qs(parts.query) == {"secret": [secret], "issuer": ["Energy Swap Kisima"]}
    sealed = bytes(connection.execute(select(table.c.secret_sealed)).scalar_one())
    assert secret.encode() not in sealed


def test_nothing_is_asked_before_the_first_code_was_right(connection: Connection) -> None:
    second_factor.check(connection, SEAL, "grace", "", NOW)
    secret, _ = second_factor.begin(connection, SEAL, "grace", "x")
    second_factor.check(connection, SEAL, "grace", "", NOW)
    with pytest.raises(CodeWrong):
        second_factor.confirm(connection, SEAL, "grace", pyotp.TOTP(secret).at(NOW + 9 * STEP), NOW)
    assert not second_factor.is_confirmed(connection, "grace")
    with pytest.raises(LookupError, match="begin one"):
        second_factor.confirm(connection, SEAL, "nobody", "123456", NOW)


def test_each_code_counts_once_and_near_its_time(connection: Connection, app: pyotp.TOTP) -> None:
    with pytest.raises(CodeNeeded, match="six digits"):
        second_factor.check(connection, SEAL, "grace", "", NOW)
    with pytest.raises(CodeWrong, match="used before"):
        second_factor.check(connection, SEAL, "grace", app.at(NOW), NOW)  # it confirmed the factor
    second_factor.check(connection, SEAL, "grace", app.at(NOW + STEP), NOW)  # a phone that is ahead
    later = NOW + 10 * STEP
    second_factor.check(connection, SEAL, "grace", app.at(later - STEP), later)  # one that is behind
    for wrong in (app.at(later - 2 * STEP), app.at(later + 2 * STEP), "000000", "é23456"):
        with pytest.raises(CodeWrong):
            second_factor.check(connection, SEAL, "grace", wrong, later)
    second_factor.check(connection, SEAL, "grace", app.at(later), later)
    with pytest.raises(CodeWrong):
        second_factor.check(connection, SEAL, "grace", app.at(later), later)


def test_a_confirmed_factor_is_not_replaced_but_removed(connection: Connection, app: pyotp.TOTP) -> None:
    with pytest.raises(ValueError, match="already"):
        second_factor.begin(connection, SEAL, "grace", "x")
    assert second_factor.remove(connection, "grace")
    assert not second_factor.remove(connection, "grace")
    second_factor.check(connection, SEAL, "grace", "", NOW)
    assert app.secret != second_factor.begin(connection, SEAL, "grace", "x")[0]
