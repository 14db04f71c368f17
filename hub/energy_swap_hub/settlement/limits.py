"""The two limit prices of each household's standing order, as they stood at a time."""

from datetime import datetime

from sqlalchemy import Connection, and_, select

from energy_swap_hub.membership.tables import household

from .tables import standing_order

type Limits = tuple[int | None, int | None]
"""(sell at least, buy at most) in cents per kWh; None: does not take part on that side."""

NO_LIMITS: Limits = (None, None)


def limits_of(connection: Connection, community_id: str, household_id: str, at: datetime) -> Limits:
    """Return a household's limits as they stood at ``at``."""
    return _limits(connection, community_id, at, household_id).get(household_id, NO_LIMITS)


def limits_of_all(connection: Connection, community_id: str, at: datetime) -> dict[str, Limits]:
    """Return the limits of all households that have ever set any, as they stood at ``at``."""
    return _limits(connection, community_id, at)


def _limits(
    connection: Connection, community_id: str, at: datetime, household_id: str | None = None
) -> dict[str, Limits]:
    order, row = standing_order.alias(), standing_order.c
    newest = (
        select(order.c.id)
        .where(
            order.c.community_id == household.c.community_id,
            order.c.household_id == household.c.id,
            order.c.valid_from <= at,
        )
        .order_by(order.c.valid_from.desc(), order.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(row.household_id, row.sell_at_least, row.buy_at_most)
        .select_from(household)
        .join(standing_order, and_(row.id == newest))
        .where(household.c.community_id == community_id)
    )
    if household_id is not None:
        query = query.where(household.c.id == household_id)
    return {found: (sell, buy) for found, sell, buy in connection.execute(query)}
