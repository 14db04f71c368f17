"""Whom each household has chosen to trade with first: a standing wish, the newest of which counts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select

from energy_swap_hub.membership.households import Household, households
from energy_swap_hub.storage import Lookup

from .spot import OrderRefused
from .tables import partner_choice

_CHOSEN_BY: Final = Lookup(
    select(partner_choice.c.partners)
    .where(
        partner_choice.c.community_id == bindparam("community_id"),
        partner_choice.c.household_id == bindparam("household_id"),
        partner_choice.c.valid_from <= bindparam("at"),
    )
    .order_by(partner_choice.c.id.desc())
    .limit(1)
)


def choose_partners(
    connection: Connection, community_id: str, household: Household, chosen: Sequence[str], now: datetime
) -> None:
    """Store the households that ``household`` chooses from ``now`` on, in place of those before.

    Raises `OrderRefused` when one of them is the household itself or is not in the community.
    """
    if household.id in chosen:
        raise OrderRefused(f"partners: {household.id} is this household itself; name others", "own_household")
    known = {member.id for member in households(connection, community_id)}
    if unknown := sorted(set(chosen) - known):
        text = f"partners: the community has no household {', '.join(unknown)}; name them like h-001"
        raise OrderRefused(text, "no_such_household")
    connection.execute(
        insert(partner_choice).values(
            community_id=community_id, household_id=household.id, partners=sorted(set(chosen)), valid_from=now
        )
    )


def partners_at(connection: Connection, community_id: str, at: datetime) -> Mapping[str, Sequence[str]]:
    """Return whom each household had chosen at ``at``, for those that had chosen anybody."""
    row = partner_choice.c
    newest = (
        select(func.max(row.id))
        .where(row.community_id == community_id, row.valid_from <= at)
        .group_by(row.household_id)
    )
    query = select(row.household_id, row.partners).where(row.id.in_(newest))
    return {household_id: chosen for household_id, chosen in connection.execute(query) if chosen}


def chosen_by(connection: Connection, community_id: str, household_id: str, at: datetime) -> Sequence[str]:
    """Return whom one household had chosen at ``at``."""
    chosen: Sequence[str] | None = _CHOSEN_BY.scalar(
        connection, community_id=community_id, household_id=household_id, at=at
    )
    return chosen or ()
