from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from energy_swap_hub.membership import households
from energy_swap_hub.membership.households import NotAdmitted
from energy_swap_hub.membership.phone import PhoneBook, mask
from energy_swap_hub.membership.tables import audit, household
from energy_swap_hub.storage import Database
from energy_swap_protocol.message import Application
from sqlalchemy import Connection, func, select

from tests.hub.tables import empty_tables, stored_bytes

VILLAGE = "village"
NOW = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
PHONES = PhoneBook(bytes(range(32)))


@pytest.fixture
def connection() -> Iterator[Connection]:
    with empty_tables() as connection:
        yield connection


def application(number: int = 1, *, meter: int | None = None, phone: str | None = None) -> Application:
    return Application(
        id=UUID(int=number),
        community=VILLAGE,
        sent_at=int(NOW.timestamp()),
        name=f"House {number}",
        phone=phone or f"2547123456{number:02d}",
        meter=bytes([meter or number] * 32).hex(),
        frame="A" * 192,
        rated_pv_w=5_000,
        main_breaker_w=10_000,
    )


def key(number: int) -> bytes:
    return bytes([100 + number]) * 32


def apply(connection: Connection, wish: Application, signer: int) -> households.Household:
    return households.apply(connection, VILLAGE, wish, signer=key(signer), phones=PHONES, now=NOW)


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(household)).scalar_one()


def test_applying_again_with_the_same_key_is_the_same_household(connection: Connection) -> None:
    first = apply(connection, application(1), 1)
    assert (first.id, first.status, first.admitted_at, first.is_admitted) == ("h-001", "applied", None, False)
    assert apply(connection, application(1), 1) == first
    assert apply(connection, application(2), 1) == first
    assert count(connection) == 1


@pytest.mark.parametrize(
    "reuse",
    [
        application(2, meter=1),
        application(2, phone=application(1).phone),
        application(2, meter=1, phone=application(1).phone),
    ],
)
def test_a_meter_or_phone_of_another_household_is_refused_with_nothing_half_done(
    connection: Connection, reuse: Application
) -> None:
    first = apply(connection, application(1), 1)
    with pytest.raises(ValueError, match="already belongs to a household"):
        apply(connection, reuse, 2)
    assert count(connection) == 1
    assert households.by_key(connection, key(2)) is None
    # The same transaction goes on, and the refused one has used up no number, phone or meter.
    assert apply(connection, application(2), 2).id == "h-002"
    assert households.households(connection, VILLAGE) == [first, households.by_id(connection, VILLAGE, "h-002")]


async def test_no_phone_number_can_be_read_in_the_database_file(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "hub.sqlite")
    for number in (1, 2, 3):
        await database.write(partial(apply, wish=application(number), signer=number))
    during = stored_bytes(tmp_path)
    sealed = await database.read(lambda c: households.sealed_phone(c, VILLAGE, "h-002"))
    await database.close()
    after = stored_bytes(tmp_path)
    for content in (during, after):
        assert b"House 2" in content  # so this does look where households are
        for number in (1, 2, 3):
            assert application(number).phone.encode()[3:] not in content
    assert PHONES.open(sealed) == "254712345602"


def test_a_phone_is_sealed_differently_each_time_and_found_by_the_same_hash() -> None:
    phone = "254712345678"
    assert PHONES.seal(phone) != PHONES.seal(phone)
    again = PhoneBook(bytes(range(32)))
    assert again.hash(phone) == PHONES.hash(phone) != PHONES.hash("254712345679")
    assert again.open(PHONES.seal(phone)) == phone
    stranger = PhoneBook(bytes(32))
    assert stranger.hash(phone) != PHONES.hash(phone)
    with pytest.raises(InvalidTag):
        stranger.open(PHONES.seal(phone))


def test_a_changed_seal_does_not_open() -> None:
    sealed = bytearray(PHONES.seal("254712345678"))
    sealed[-1] ^= 1
    with pytest.raises(InvalidTag):
        PHONES.open(bytes(sealed))


def test_the_phone_secret_has_its_full_length() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        PhoneBook(b"short")


def test_a_mask_shows_enough_to_recognise_and_too_little_to_call() -> None:
    assert mask("254712345678") == "2547*****678"


def test_only_an_admitted_household_is_a_member(connection: Connection) -> None:
    with pytest.raises(NotAdmitted, match="apply first"):
        households.member(connection, key(1))
    apply(connection, application(1), 1)
    with pytest.raises(NotAdmitted, match="waits for the community's approvers"):
        households.member(connection, key(1))
    later = NOW + timedelta(hours=1)
    households.set_status(connection, VILLAGE, "h-001", "admitted", now=later)
    admitted = households.member(connection, key(1))
    assert (admitted.id, admitted.is_admitted, admitted.admitted_at) == ("h-001", True, later)
    households.set_status(connection, VILLAGE, "h-001", "suspended", now=later)
    with pytest.raises(NotAdmitted, match="suspended"):
        households.member(connection, key(1))
    assert households.households(connection, VILLAGE, status="admitted") == []


def test_an_unknown_household_is_not_found(connection: Connection) -> None:
    with pytest.raises(LookupError, match="h-404"):
        households.by_id(connection, VILLAGE, "h-404")


def test_what_was_done_is_on_record(connection: Connection) -> None:
    households.record_audit(connection, VILLAGE, who="grace", what="suspended", subject="h-001", now=NOW)
    row = connection.execute(select(audit.c.who, audit.c.what, audit.c.subject, audit.c.at)).one()
    assert tuple(row) == ("grace", "suspended", "h-001", NOW)
