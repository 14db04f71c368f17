"""Whom a household has chosen to trade with first, and whom it could choose, as its phone shows them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership.households import Household
from energy_swap_hub.membership.tables import household as households
from energy_swap_hub.settlement.neighbours import together, unnamed
from energy_swap_hub.settlement.partners import partners_at
from energy_swap_hub.settlement.settings import settings_at

from .phone_view import month_start


def partners_page(
    connection: Connection, community: CommunityConfig, household: Household, now: datetime
) -> dict[str, Any]:
    """Return the chosen, and those who sold to neighbours this month and let themselves be named.

    A chosen one has its name where it lets itself be named and has chosen this household, too. ``counts``: whether
    the community's market lets partners trade first.
    """
    choices = partners_at(connection, community.id, now)
    hidden = unnamed(connection, community.id)
    chosen = choices.get(household.id, ())
    both = {other for other in chosen if household.id in choices.get(other, ())}
    known = households.c
    names = dict(
        connection.execute(
            select(known.id, known.name).where(
                known.community_id == community.id, known.id.in_(both - set(hidden))
            )
        )
        .tuples()
        .all()
    )
    places = together(connection, community.id, month_start(now), now).places
    names |= {place.household: place.name for place in places if place.name is not None}
    return {
        "own": household.id,
        "counts": "partners" in settings_at(connection, community, now).stages,
        "chosen": [{"id": one, "name": names.get(one), "is_mutual": one in both} for one in chosen],
        "neighbours": [
            {"id": place.household, "name": place.name}
            for place in places
            if place.name is not None and place.household != household.id
        ],
    }
