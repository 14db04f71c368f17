"""What the hub may still burn for each household: what the household granted on the chain, less what is booked."""

from typing import Final

from sqlalchemy import Connection, insert, select, update

from energy_swap_hub.chain.intent import Intent, State, find, open_intents
from energy_swap_hub.chain.payload import BurnPeriod
from energy_swap_hub.chain.tables import chain_intent
from energy_swap_hub.membership.households import by_key

from .tables import burn_allowance, message

_INTENTS_WEIGHED: Final = 1_000


def open_allowance(connection: Connection, community_id: str, household_id: str) -> None:
    """Begin with none for a newly admitted household."""
    connection.execute(
        insert(burn_allowance).values(community_id=community_id, household_id=household_id, remaining_wh=0)
    )


def allowance_wh(connection: Connection, community_id: str, household_id: str) -> int:
    """Return the Wh that may still be booked to be burned for a household.

    The chain carries things out in order: what is booked now is burned under the grant that is still on its way
    there. A smaller one therefore counts at once, a larger one when the chain has it.
    """
    row = burn_allowance.c
    query = select(row.remaining_wh).where(row.community_id == community_id, row.household_id == household_id)
    remaining: int = connection.execute(query).scalar() or 0
    for grant, wh in _grants_under_way(connection, community_id, household_id):
        remaining = min(remaining, wh - _booked_after(connection, grant, household_id))
    return remaining


def use_allowance(connection: Connection, community_id: str, household_id: str, wh: int) -> None:
    """Count ``wh`` as burned against what the household granted."""
    row = burn_allowance
    connection.execute(
        update(row)
        .where(row.c.community_id == community_id, row.c.household_id == household_id)
        .values(remaining_wh=row.c.remaining_wh - wh)
    )


def lose_allowance(connection: Connection, community_id: str, household_id: str) -> None:
    """The chain refused to burn for a household: count nothing as granted until it grants again."""
    connection.execute(
        update(burn_allowance)
        .where(burn_allowance.c.community_id == community_id, burn_allowance.c.household_id == household_id)
        .values(remaining_wh=0)
    )


def grant_confirmed(connection: Connection, grant: Intent, message_id: str) -> None:
    """The chain has a new allowance; what was booked after it and is not burned yet still comes off it."""
    row = message.c
    details, signer = connection.execute(
        select(row.details, row.signer).where(row.community_id == grant.community, row.id == message_id)
    ).one()
    household = by_key(connection, bytes(signer))
    assert household is not None, "only a household's message grants an allowance"
    remaining = details["wh"] - _booked_after(connection, grant, household.id)
    connection.execute(
        update(burn_allowance)
        .where(burn_allowance.c.community_id == grant.community, burn_allowance.c.household_id == household.id)
        .values(remaining_wh=remaining)
    )


def _grants_under_way(connection: Connection, community_id: str, household_id: str) -> list[tuple[Intent, int]]:
    intent = chain_intent.c
    query = select(intent.id).where(
        intent.community_id == community_id,
        intent.state.in_((State.QUEUED, State.SENT)),
        intent.id.startswith("allow:"),
    )
    grants = []
    for intent_id in connection.execute(query).scalars().all():
        found = connection.execute(
            select(message.c.details, message.c.signer).where(
                message.c.community_id == community_id, message.c.id == intent_id.partition(":")[2]
            )
        ).first()
        grant = find(connection, community_id, intent_id)
        if found is None or grant is None:
            continue
        household = by_key(connection, bytes(found[1]))
        if household is not None and household.id == household_id:
            grants.append((grant, int(found[0]["wh"])))
    return grants


def _booked_after(connection: Connection, grant: Intent, household_id: str) -> int:
    return sum(
        burn.wh
        for intent in open_intents(connection, grant.community, limit=_INTENTS_WEIGHED)
        if intent.number > grant.number and isinstance(intent.payload, BurnPeriod)
        for burn in intent.payload.burns
        if burn.household == household_id
    )
