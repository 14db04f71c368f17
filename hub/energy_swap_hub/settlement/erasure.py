"""What is erased of a household that has left, when the law asks for its records no more: whatever names a person.

Its entries, positions, trades, readings and payments stay under its number: without them the books would be wrong.
"""

import secrets
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, select, update

from energy_swap_hub.membership.device_tables import (
    device,
    device_pairing,
    device_session,
    device_spending,
    push_subscription,
)
from energy_swap_hub.membership.households import Household, record_audit
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.tables import household as households
from energy_swap_hub.membership.tables import member_file, recovery_claim
from energy_swap_hub.mpesa.tables import payment_intent

from .office_tables import departure, invoice
from .tables import message, notification

NOBODY: Final = "Former member"


def erase(
    connection: Connection, community_id: str, household: Household, phones: PhoneBook, now: datetime
) -> None:
    """Erase the name, the phone, the file, the signed messages, what it was told and its reasons; for ever."""
    row = households.c
    connection.execute(
        update(households)
        .where(row.community_id == community_id, row.id == household.id)
        .values(name=NOBODY, phone_sealed=phones.seal(""), phone_hash=secrets.token_bytes(32))
    )
    phone = device.c
    keys = [
        household.key,
        *connection.execute(
            select(phone.key).where(phone.community_id == community_id, phone.household_id == household.id)
        ).scalars(),
    ]
    for table in (device_session, device_spending):
        connection.execute(delete(table).where(table.c.key.in_(keys)))
    own: tuple[Any, ...] = (device, device_pairing, push_subscription, member_file, recovery_claim, notification)
    for table in own:
        connection.execute(
            delete(table).where(table.c.community_id == community_id, table.c.household_id == household.id)
        )
    # Ids and kinds stay: a message that comes again is known, and changes nothing.
    connection.execute(
        update(message)
        .where(message.c.community_id == community_id, message.c.signer.in_(keys))
        .values(payload=phones.seal(""), signature=b"")
    )
    connection.execute(
        update(invoice)
        .where(invoice.c.community_id == community_id, invoice.c.household_id == household.id)
        .values(name=NOBODY)
    )
    paid = payment_intent.c
    connection.execute(
        update(payment_intent)
        .where(paid.community_id == community_id, paid.household_id == household.id)
        .values(phone_key="")
    )
    gone = departure.c
    connection.execute(
        update(departure)
        .where(gone.community_id == community_id, gone.household_id == household.id)
        .values(reason="")
    )
    record_audit(
        connection, community_id, who="the hub", what="erased the personal data", subject=household.id, now=now
    )
