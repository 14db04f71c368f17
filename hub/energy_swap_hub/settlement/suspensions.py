"""A member is suspended: its orders end and what they hold goes back, and only then is its account frozen.

The approvers decide; from the moment in which enough have signed, the household places nothing and is not booked.
A frozen account takes nothing, not even what is given back to it. So the transaction that freezes waits until
nothing of the household's is under way: no lock, no payment, no sale that is kept for somebody's payment. That
takes as long as a payment may take, at most.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from energy_swap_hub.chain import approvals, proposal_store
from energy_swap_hub.chain.proposal import Suspension
from energy_swap_hub.chain.proposal_store import Proposal, Stage
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership.households import Household, by_id, record_audit, set_status

from . import ahead, auctions, spot
from .ahead_tables import ahead_order
from .machine import Next, Work, schedule
from .notifications import Event, Notification, notify
from .spot_tables import spot_order
from .tables import auction

SAGA: Final = "suspension"


def suspend(connection: Connection, community_id: str, proposal: Proposal, now: datetime) -> None:
    """The approvers have decided: the household trades no more. The same again changes nothing."""
    assert isinstance(proposal.wish, Suspension)
    household = by_id(connection, community_id, proposal.wish.household)
    if household.is_admitted:
        set_status(connection, community_id, household.id, "suspended", now=now)
        record_audit(connection, community_id, who="approvers", what="suspended", subject=household.id, now=now)
        data = {"reason": proposal.reason}
        notify(connection, community_id, [Notification(household.id, Event.SUSPENDED, data)], now)
    schedule(connection, community_id, SAGA, proposal.id, now)


def freeze_when_clear(
    connection: Connection, community: CommunityConfig, work: Work, now: datetime
) -> Next | None:
    """End what a suspended household has open; when nothing of it is under way, have its account frozen."""
    proposal = proposal_store.get(connection, community.id, work.subject)
    assert isinstance(proposal.wish, Suspension)
    if proposal.stage is not Stage.COMPLETE:
        return Next("forestalled")  # another decision about the household came first
    household = by_id(connection, community.id, proposal.wish.household)
    if end_orders(connection, community, household, now):
        return Next("clearing", now)
    if is_under_way(connection, community.id, household.id):
        return None
    approvals.send_approved(connection, proposal, now)
    return Next("freezing")


def end_orders(connection: Connection, community: CommunityConfig, household: Household, now: datetime) -> bool:
    """Cancel all that can be cancelled, and drop its bids; return whether there was anything."""
    is_changed = False
    for order_id in _ids(connection, spot_order, community.id, household.id, "open"):
        spot.cancel(connection, community, household, order_id, now)
        is_changed = True
    for order_id in _ids(connection, ahead_order, community.id, household.id, "open"):
        is_changed |= ahead.withdraw(connection, community, order_id, now)
    row = auction.c
    mine = select(row.id).where(
        row.community_id == community.id,
        row.status == "open",
        (row.seller == household.id) | (row.leader == household.id),
    )
    for auction_id in connection.execute(mine).scalars().all():
        auctions.stop(connection, community, auction_id, household.id, now)
        is_changed = True
    return is_changed


def is_under_way(connection: Connection, community_id: str, household_id: str) -> bool:
    """Whether an order or auction of the household waits for the chain or for somebody's payment."""
    order, sale = spot_order.c, auction.c
    orders = select(order.id).where(
        order.community_id == community_id,
        order.household_id == household_id,
        order.status.in_(("pending_lock", "pending_payment", "reserved")) | (order.reserved_wh > 0),
    )
    auctioned = select(sale.id).where(
        sale.community_id == community_id, sale.seller == household_id, sale.status == "pending_lock"
    )
    return any(connection.execute(query.limit(1)).first() is not None for query in (orders, auctioned))


def _ids(connection: Connection, table: Any, community_id: str, household_id: str, status: str) -> list[str]:
    row = table.c
    query = select(row.id).where(
        row.community_id == community_id, row.household_id == household_id, row.status == status
    )
    return list(connection.execute(query).scalars())
