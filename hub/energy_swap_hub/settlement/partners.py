"""Whom each household has chosen to trade with first: a standing wish, the newest of which counts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, bindparam, func, insert, select

from energy_swap_hub.membership import tables as members
from energy_swap_hub.membership.households import Household, households
from energy_swap_hub.storage import Lookup, is_in

from .spot import OrderRefused
from .tables import partner_choice


def _chosen() -> Select[Any]:
    choice, row = partner_choice.alias(), partner_choice.c
    newest = (
        select(func.max(choice.c.id))
        .where(
            choice.c.community_id == members.household.c.community_id,
            choice.c.household_id == members.household.c.id,
            choice.c.valid_from <= bindparam("at"),
        )
        .scalar_subquery()
    )
    return (
        select(row.household_id, row.partners)
        .select_from(members.household)
        .join(partner_choice, and_(row.id == newest))
        .where(members.household.c.community_id == bindparam("community_id"))
    )


# Made once: every look at a household asks.
_OF_ALL: Final = Lookup(_chosen())
_OF_SOME: Final = Lookup(_chosen().where(is_in(members.household.c.id, "household_ids")))


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
    found = _OF_ALL.all(connection, community_id=community_id, at=at)
    return {household_id: chosen for household_id, chosen in found if chosen}


def chosen_by(
    connection: Connection, community_id: str, household_ids: Collection[str], at: datetime
) -> Mapping[str, Sequence[str]]:
    """Return what `partners_at` does, of some households."""
    found = _OF_SOME.all(connection, community_id=community_id, household_ids=household_ids, at=at)
    return {household_id: chosen for household_id, chosen in found if chosen}
