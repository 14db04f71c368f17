"""What a community did together in a span of time, and who shared most; who wants no name there has none."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from energy_swap_hub.membership.tables import household
from energy_swap_hub.storage import put_rows

from .complaint_tables import unnamed_household
from .tables import position, trade


@dataclass(frozen=True, slots=True)
class Place:
    """A household's place among those who sold to neighbours; ``name`` is None where it wants none."""

    household: str
    name: str | None
    shared_wh: int


@dataclass(frozen=True, slots=True)
class Together:
    """What a community did: energy made and sold among neighbours, and what that energy was sold for, in cents."""

    generated_wh: int
    shared_wh: int
    paid_cents: int
    members: int
    places: list[Place]


def together(connection: Connection, community_id: str, since: datetime, until: datetime) -> Together:
    """Return what the members did in ``[since, until)``; the places are those of all who sold, the most first."""
    stand, made, home = position.c, trade.c, household.c
    generated = connection.execute(
        select(func.coalesce(func.sum(stand.generation_wh), 0)).where(
            stand.community_id == community_id, stand.start >= since, stand.start < until
        )
    ).scalar_one()
    sold = connection.execute(
        select(made.seller, func.sum(made.wh), func.sum(made.cents))
        .where(made.community_id == community_id, made.at >= since, made.at < until)
        .group_by(made.seller)
    ).all()
    names = dict(
        connection.execute(
            select(home.id, home.name).where(home.community_id == community_id, home.status == "admitted")
        )
        .tuples()
        .all()
    )
    hidden = unnamed(connection, community_id)
    places = [Place(who, None if who in hidden else names[who], int(wh)) for who, wh, _ in sold if who in names]
    return Together(
        int(generated),
        sum(int(wh) for _, wh, _ in sold),
        sum(int(cents) for _, _, cents in sold),
        len(names),
        sorted(places, key=lambda place: (-place.shared_wh, place.household)),
    )


def unnamed(connection: Connection, community_id: str) -> set[str]:
    """Return the households that are not to be named."""
    row = unnamed_household.c
    return set(connection.execute(select(row.household_id).where(row.community_id == community_id)).scalars())


def set_named(
    connection: Connection, community_id: str, household_id: str, *, is_named: bool, now: datetime
) -> None:
    """Name a household among those who share, or leave its name out."""
    row = unnamed_household.c
    if is_named:
        connection.execute(
            delete(unnamed_household).where(row.community_id == community_id, row.household_id == household_id)
        )
    else:
        put_rows(
            connection,
            unnamed_household,
            ("community_id", "household_id", "since"),
            [(community_id, household_id, now)],
        )
