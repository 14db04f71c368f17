"""What a statement needs besides the ledger: what the rooms recorded, by the names that entries carry."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, or_, select

from energy_swap_hub.ledger import Touch
from energy_swap_hub.market.rewards import Reward
from energy_swap_hub.mpesa.tables import payout

from . import tables
from .ahead_tables import ahead_line
from .late import true_up_id
from .rewards import rewards_of


@dataclass(frozen=True, slots=True)
class Records:
    """Positions and contracts by period, trades by market and reference, the others by their entry's name."""

    positions: Mapping[datetime, Mapping[str, Any]]
    trades: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
    payouts_kes: Mapping[str, int]
    rewards: Mapping[str, Reward]
    contracts: Mapping[datetime, Mapping[str, Any]]
    true_ups: Mapping[str, Mapping[str, Any]]


def records_of(connection: Connection, community_id: str, household_id: str, found: Sequence[Touch]) -> Records:
    """Return what was recorded with the entries in ``found``."""

    def names(*sources: str) -> list[str]:
        return [touch.external_id for touch in found if touch.source in sources]

    stand, trade = tables.position.c, tables.trade.c
    positions = _rows(
        connection,
        [datetime.fromisoformat(period) for period in names("period")],
        lambda starts: select(tables.position).where(
            stand.community_id == community_id, stand.household_id == household_id, stand.start.in_(starts)
        ),
    )
    trades: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in _rows(
        connection,
        names("period", "ahead", "spot", "auction"),
        lambda references: select(tables.trade).where(
            trade.community_id == community_id,
            trade.reference.in_(references),
            or_(trade.seller == household_id, trade.buyer == household_id),
        ),
    ):
        trades.setdefault((row["market"], row["reference"]), []).append(row)
    line = ahead_line.c
    contracts = _rows(
        connection,
        [datetime.fromisoformat(period) for period in names("period", "ahead")],
        lambda starts: select(ahead_line).where(
            line.community_id == community_id, line.household_id == household_id, line.start.in_(starts)
        ),
    )
    payouts = _rows(
        connection,
        names("payout", "payout_failed"),
        lambda ids: select(payout).where(payout.c.community_id == community_id, payout.c.payout_id.in_(ids)),
    )
    late = tables.true_up.c
    true_ups = _rows(
        connection,
        sorted({datetime.fromisoformat(name.partition("/")[0]) for name in names("true_up")}),
        lambda starts: select(tables.true_up).where(
            late.community_id == community_id, late.household_id == household_id, late.start.in_(starts)
        ),
    )
    return Records(
        {row["start"]: row for row in positions},
        trades,
        {row["payout_id"]: row["kes"] for row in payouts},
        rewards_of(connection, community_id, household_id, names("reward")),
        {row["start"]: row for row in contracts},
        {true_up_id(row["start"], household_id, row["epoch"], row["sequence_to"]): row for row in true_ups},
    )


def _rows(
    connection: Connection, names: Collection[Any], query: Callable[[Sequence[Any]], Select[Any]]
) -> list[Mapping[str, Any]]:
    """Return what ``query`` finds for ``names``, asked in parts that every database takes."""
    return [
        dict(row)
        for part in batched(names, 500, strict=False)
        for row in connection.execute(query(part)).mappings()
    ]


def true_ups_by_the_grid(connection: Connection, community_id: str, household_id: str) -> list[str]:
    """Return the names of the true-ups that moved nothing, as all of the late energy was the utility's."""
    late = tables.true_up.c
    query = select(late.start, late.epoch, late.sequence_to).where(
        late.community_id == community_id,
        late.household_id == household_id,
        late.minted_wh == 0,
        late.burned_wh == 0,
        late.grid_wh != 0,
    )
    return [
        true_up_id(start, household_id, epoch, sequence) for start, epoch, sequence in connection.execute(query)
    ]


def grid_sums(
    connection: Connection, community_id: str, household_id: str, since: datetime, until: datetime
) -> dict[str, int]:
    """Return what the utility bought from and sold to a household in the periods booked in ``[since, until)``."""
    stand, booked = tables.position.c, tables.period.c

    def total(amount: ColumnElement[int]) -> ColumnElement[int]:
        return func.coalesce(func.sum(amount), 0)

    query = (
        select(
            total(case((stand.grid_wh > 0, stand.grid_wh), else_=0)).label("sold_wh"),
            total(case((stand.grid_wh > 0, stand.grid_cents), else_=0)).label("credited_cents"),
            total(case((stand.grid_wh < 0, -stand.grid_wh), else_=0)).label("bought_wh"),
            total(case((stand.grid_wh < 0, -stand.grid_cents), else_=0)).label("billed_cents"),
        )
        .join(tables.period, (booked.community_id == stand.community_id) & (booked.start == stand.start))
        .where(
            stand.community_id == community_id,
            stand.household_id == household_id,
            booked.booked_at >= since,
            booked.booked_at < until,
        )
    )
    return {name: int(amount) for name, amount in connection.execute(query).mappings().one().items()}
