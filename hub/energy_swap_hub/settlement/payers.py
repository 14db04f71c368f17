"""Whose wallet it is that a payment by hand names."""

import re
from typing import Final

from sqlalchemy import Connection, bindparam, select

from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.tables import household
from energy_swap_hub.mpesa import Payer

_MEMBER: Final = select(household.c.id).where(
    household.c.community_id == bindparam("community"),
    household.c.id == bindparam("name"),
    household.c.status != "left",  # what comes for somebody who left waits in suspense for a person
)
_TYPED_PHONE: Final = re.compile(r"(?:254|0)?(?P<subscriber>[17]\d{8})")


def account_number(number: int) -> str:
    """Return what a household types as account to pay into its wallet: its number and two check digits (ISO 7064).

    The digits catch every single wrong digit and every swap of two neighbours.
    """
    digits = f"{number:04d}"
    return f"{digits}{98 - int(digits) * 100 % 97:02d}"


def payer(connection: Connection, phones: PhoneBook, community_id: str, account: str) -> Payer:
    """Return whose account was typed (capital letters and digits): by its number, or by its phone.

    Where it is neither, nobody's.
    """
    if account.isdecimal() and 6 <= len(account) <= 8 and account == account_number(int(account[:-2])):
        return Payer(community_id, member(connection, community_id, f"h-{int(account[:-2]):03d}"))
    typed = _TYPED_PHONE.fullmatch(account)
    if typed is None:
        return Payer(community_id, None)
    row = household.c
    found = connection.execute(
        select(row.id).where(
            row.community_id == community_id, row.phone_hash == phones.hash(f"254{typed['subscriber']}")
        )
    )
    return Payer(community_id, found.scalar())


def member(connection: Connection, community_id: str, household_id: str | None) -> str | None:
    """Return the id of a household that is there and has not left, else None."""
    if household_id is None:
        return None
    found: str | None = connection.execute(_MEMBER, {"community": community_id, "name": household_id}).scalar()
    return found
