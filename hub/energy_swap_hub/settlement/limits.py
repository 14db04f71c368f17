"""The two limit prices of each household's standing order, as they stood at a time."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, bindparam, select

from energy_swap_hub.membership.tables import household
from energy_swap_hub.storage import Lookup, is_in

from .tables import standing_order

type Limits = tuple[int | None, int | None]
"""(sell at least, buy at most) in cents per kWh; None: does not take part on that side."""

NO_LIMITS: Limits = (None, None)


def limits_of(
    connection: Connection, community_id: str, household_ids: Collection[str], at: datetime
) -> dict[str, Limits]:
    """Return the limits of some households, those that have ever set any, as they stood at ``at``."""
    found = _OF_SOME.all(connection, community_id=community_id, at=at, household_ids=household_ids)
    return {household_id: (sell, buy) for household_id, sell, buy in found}


def limits_of_all(connection: Connection, community_id: str, at: datetime) -> dict[str, Limits]:
    """Return the limits of all households that have ever set any, as they stood at ``at``."""
    found = _OF_ALL.all(connection, community_id=community_id, at=at)
    return {household_id: (sell, buy) for household_id, sell, buy in found}


def _limits() -> Select[Any]:
    order, row = standing_order.alias(), standing_order.c
    newest = (
        select(order.c.id)
        .where(
            order.c.community_id == household.c.community_id,
            order.c.household_id == household.c.id,
            order.c.valid_from <= bindparam("at"),
        )
        .order_by(order.c.valid_from.desc(), order.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(row.household_id, row.sell_at_least, row.buy_at_most)
        .select_from(household)
        .join(standing_order, and_(row.id == newest))
        .where(household.c.community_id == bindparam("community_id"))
    )


# Made once: every look at a household asks.
_OF_ALL: Final = Lookup(_limits())
_OF_SOME: Final = Lookup(_limits().where(is_in(household.c.id, "household_ids")))
