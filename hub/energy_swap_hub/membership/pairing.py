"""Pairing a phone: a code by SMS to a member's number, answered the same to whoever asks for any number."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from .device_tables import device_pairing
from .phone import PhoneBook
from .tables import household

VALID: Final = timedelta(minutes=10)
TRIES: Final = 5  # of one code
_SHORT: Final = timedelta(minutes=15)
_LONG: Final = timedelta(days=1)
_PER_NUMBER: Final = (3, 10)  # codes for one number in the short and in the long span
_PER_ADDRESS: Final = (20, 100)
HAS_PHONE: Final = ("admitted", "suspended")  # whose members may pair: a suspended one may still read


class TooManyCodes(Exception):  # noqa: N818 - reads as the answer it is
    """Too many codes were asked for; ``seconds`` is when the next may be."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many codes were asked for; try again in {max(seconds // 60, 1)} min")
        self.seconds = seconds


class CodeRefused(PermissionError):  # noqa: N818 - reads as the answer it is
    """The code is wrong, too old, used, or was guessed too often: which of them is not said."""

    def __init__(self) -> None:
        super().__init__("this code is not right, or it is too old; look at the newest SMS, or ask for a new code")


@dataclass(frozen=True, slots=True)
class Begun:
    """A pairing that waits for its code: the secret ``token`` of whoever asked, and what the SMS says, if any."""

    token: str
    code: str
    household_id: str | None


def begin_pairing(
    connection: Connection, community_id: str, phones: PhoneBook, phone: str, now: datetime, *, address: str
) -> Begun:
    """Write a new code down for the household with this number, or one that never fits; raises `TooManyCodes`."""
    row, phone_hash = device_pairing.c, phones.hash(phone)
    connection.execute(delete(device_pairing).where(row.begun_at <= now - _LONG))
    for where, most in ((row.phone_hash == phone_hash, _PER_NUMBER), (row.address == address, _PER_ADDRESS)):
        _check_pace(connection, where, most, now)
    query = select(household.c.id).where(
        household.c.community_id == community_id,
        household.c.phone_hash == phone_hash,
        household.c.status.in_(HAS_PHONE),
    )
    found = connection.execute(query).scalar()
    begun = Begun(secrets.token_urlsafe(24), f"{secrets.randbelow(1_000_000):06}", found)
    connection.execute(
        insert(device_pairing).values(
            token_hash=_token_hash(begun.token),
            community_id=community_id,
            phone_hash=phone_hash,
            address=address,
            household_id=found,
            code_hash=_code_hash(phones, begun.token, begun.code),
            tries=0,
            begun_at=now,
        )
    )
    return begun


def take_code(
    connection: Connection, community_id: str, phones: PhoneBook, token: str, code: str, now: datetime
) -> str | None:
    """Use up a try, and the pairing when the code is right: then return its household, else None.

    A try counts whatever comes of it, so the caller commits before it answers.
    """
    row, token_hash = device_pairing.c, _token_hash(token)
    tried = connection.execute(
        update(device_pairing)
        .where(
            row.token_hash == token_hash,
            row.community_id == community_id,
            row.used_at.is_(None),
            row.begun_at > now - VALID,
            row.tries < TRIES,
        )
        .values(tries=row.tries + 1)
    )
    if not tried.rowcount:
        return None
    query = select(row.household_id, row.code_hash).where(row.token_hash == token_hash)
    found = connection.execute(query).one()
    is_right = hmac.compare_digest(_code_hash(phones, token, code), bytes(found.code_hash))
    if not is_right or found.household_id is None:
        return None
    connection.execute(update(device_pairing).where(row.token_hash == token_hash).values(used_at=now))
    return str(found.household_id)


def _check_pace(connection: Connection, where: ColumnElement[bool], most: tuple[int, int], now: datetime) -> None:
    row = device_pairing.c
    for span, limit in zip((_SHORT, _LONG), most, strict=True):
        query = select(func.count(), func.min(row.begun_at)).where(where, row.begun_at > now - span)
        count, first = connection.execute(query).one()
        if count >= limit:
            raise TooManyCodes(int((first + span - now).total_seconds()) + 1)


def _token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _code_hash(phones: PhoneBook, token: str, code: str) -> bytes:
    # Six digits alone could be tried out by whoever reads the database; the hub's secret is not in there.
    return phones.hash(f"pairing code {token} {code}")
