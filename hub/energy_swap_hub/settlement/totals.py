"""What a household ever sold, bought, earned, spent and was paid out, kept as running sums."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, Table, Text, bindparam, select

from energy_swap_hub import ledger
from energy_swap_hub.storage import Lookup, is_in, metadata
from energy_swap_hub.storage.bulk import add_rows


@dataclass(frozen=True, slots=True)
class Change:
    """What a period or a trade adds to a household's totals, in Wh and cents; spent includes fees."""

    household_id: str
    exported_wh: int = 0
    imported_wh: int = 0
    generated_wh: int = 0
    sold_wh: int = 0
    bought_wh: int = 0
    earned_cents: int = 0
    spent_cents: int = 0


_SUMS: Final = tuple(field.name for field in fields(Change) if field.name != "household_id")

_NOTHING: Final = (0,) * len(_SUMS)
_numbers: Final = attrgetter(*_SUMS)

household_total = Table(
    "household_total",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("household_id", Text, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in _SUMS),
    sqlite_with_rowid=False,
)

_COLUMNS: Final = tuple(household_total.c[name] for name in _SUMS)
_OF_ALL: Final = Lookup(
    select(household_total.c.household_id, *_COLUMNS).where(
        household_total.c.community_id == bindparam("community_id")
    )
)
_OF_SOME: Final = Lookup(
    select(household_total.c.household_id, *_COLUMNS).where(
        household_total.c.community_id == bindparam("community_id"),
        is_in(household_total.c.household_id, "household_ids"),
    )
)


def add(connection: Connection, community_id: str, changes: Iterable[Change]) -> None:
    """Add ``changes`` to the totals; call it once, in the transaction that stores what they come from."""
    sums: dict[str, tuple[int, ...]] = {}
    for change in changes:
        added = _numbers(change)
        before = sums.get(change.household_id)
        sums[change.household_id] = (
            added if before is None else tuple(map(int.__add__, before, added, strict=True))
        )
    rows = [(community_id, household, *numbers) for household, numbers in sums.items()]
    add_rows(connection, household_total, ("community_id", "household_id", *_SUMS), rows)


def totals(connection: Connection, community_id: str, household_id: str) -> dict[str, int]:
    """Return what a household's meter counted and what it traded, in Wh and cents (fees included)."""
    return totals_of(connection, community_id, (household_id,))[household_id]


def totals_of(
    connection: Connection, community_id: str, household_ids: Collection[str]
) -> dict[str, dict[str, int]]:
    """Return what `totals` returns of each of some households."""
    found = _OF_SOME.all(connection, community_id=community_id, household_ids=household_ids)
    sums = {household_id: numbers for household_id, *numbers in found}
    return {one: dict(zip(_SUMS, sums.get(one, _NOTHING), strict=True)) for one in household_ids}


def all_totals(connection: Connection, community_id: str) -> defaultdict[str, dict[str, int]]:
    """Return what `totals` returns of each household, by its id."""
    found: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_SUMS, 0))
    for household_id, *sums in _OF_ALL.all(connection, community_id=community_id):
        found[household_id] = dict(zip(_SUMS, sums, strict=True))
    return found


def due_cents(connection: Connection, community_id: str, household_id: str) -> int:
    """Return what a household earned net of its purchases and was not paid out yet; may be negative.

    Rewards are earned too.
    """
    total = totals(connection, community_id, household_id)
    others = ("payout", "payout_failed", "reward")
    moved = ledger.posted_by(connection, community_id, ledger.kes(household_id), others)
    return total["earned_cents"] - total["spent_cents"] + moved
