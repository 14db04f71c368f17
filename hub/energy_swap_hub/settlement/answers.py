"""What became of a message that was carried out: its answer, as things stand when one asks."""

from typing import Any

from energy_swap_protocol.message import (
    AnyMessage,
    Application,
    Bid,
    BuyAhead,
    BuyOrder,
    CancelOrder,
    SellAhead,
    SellOrder,
    StartAuction,
)
from sqlalchemy import Connection

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership import households

from . import ahead, auctions, spot
from .desk import Desk


def answer(
    connection: Connection, desk: Desk, signer: bytes, message: AnyMessage, details: dict[str, Any]
) -> dict[str, Any]:
    """Return what became of a message that was carried out, as it stands now."""
    community_id = desk.community.id
    base: dict[str, Any] = {"id": str(message.id), "status": "accepted", **details}
    match message:
        case Application():
            household = households.by_key(connection, signer)
            if household is None:
                claimed = households.claimed_by(connection, signer)
                return base | {"status": "waits_for_recovery", "household": claimed}
            return base | {"status": household.status, "household": household.id}
        case SellOrder() | BuyOrder():
            return base | spot.order_answer(connection, community_id, str(message.id))
        case StartAuction():
            return base | auction_answer(connection, community_id, str(message.id))
        case Bid():
            row = auctions.auction_row(connection, community_id, str(message.auction))
            return base | {"leading": row is not None and row["leader_hold"] == auctions.bid_hold(str(message.id))}
        case SellAhead() | BuyAhead():
            return base | ahead.order_answer(connection, community_id, str(message.id))
        case CancelOrder():
            return base | _cancelled_answer(connection, desk.community, str(message.order))
        case _:
            return base


def auction_answer(connection: Connection, community_id: str, auction_id: str) -> dict[str, Any]:
    """Return how an auction stands."""
    row = auctions.auction_row(connection, community_id, auction_id)
    assert row is not None
    return {"auction": auction_id, "status": row["status"]}


def _cancelled_answer(connection: Connection, community: CommunityConfig, order_id: str) -> dict[str, Any]:
    if ahead.order_row(connection, community.id, order_id) is not None:
        return ahead.order_answer(connection, community.id, order_id)
    if auctions.auction_row(connection, community.id, order_id) is not None:
        return auction_answer(connection, community.id, order_id)
    return spot.order_answer(connection, community.id, order_id)
