"""English auctions with their money and tokens: the leader's money is held, an outbid one's is free at once."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from energy_swap_protocol.message import Bid as BidMessage
from energy_swap_protocol.message import StartAuction
from sqlalchemy import Connection, insert, select, update

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.market.auction import Auction, Bid, check_cancel, place_bid, winning_bid
from energy_swap_hub.market.trade import Trade
from energy_swap_hub.membership.households import Household, by_id
from energy_swap_hub.storage import is_among

from . import tokens
from .machine import schedule
from .notifications import Event, Notification, notify
from .refusals import OrderRefused, bid_too_dear, time_to_come, too_few_tokens
from .settings import tariff_of
from .tables import auction
from .trades import HeldTrade, all_in_cents, settle_held_trade


def start(
    connection: Connection, community: CommunityConfig, household: Household, message: StartAuction, now: datetime
) -> None:
    """Hold the seller's tokens and wait for the chain to confirm the lock."""
    auction_id = str(message.id)
    ends_at = time_to_come("ends_at", message.ends_at, now)
    if message.reserve_price is not None and message.reserve_price < message.start_price:
        raise OrderRefused(
            f"reserve_price: {message.reserve_price} is below the start price; "
            f"give {message.start_price} or more, or none",
            "reserve_too_low",
            start_cents=message.start_price,
        )
    account = ledger.ekwh(household.id)
    try:
        ledger.hold(connection, community.id, _tokens(auction_id), account, message.wh, at=now, text="auction")
    except Overdrawn as error:
        raise too_few_tokens(error, message.wh) from None
    connection.execute(
        insert(auction).values(
            community_id=community.id,
            id=auction_id,
            seller=household.id,
            wh=message.wh,
            start_price=message.start_price,
            reserve_price=message.reserve_price,
            minimum_step=message.minimum_step,
            ends_at=ends_at,
            status="pending_lock",
        )
    )


def lock_final(
    connection: Connection, community: CommunityConfig, auction_id: str, error: str | None, now: datetime
) -> None:
    """The tokens are in escrow: the auction opens. On an error it is refused and the tokens are free again."""
    row = auction_row(connection, community.id, auction_id)
    if row is None or row["status"] != "pending_lock":
        return
    if error is not None:
        ledger.close_hold(connection, community.id, _tokens(auction_id), at=now, text=f"the lock failed: {error}")
    else:
        schedule(connection, community.id, "auctions", "end", row["ends_at"])
    _update(connection, community.id, auction_id, status="open" if error is None else "refused")


def bid(
    connection: Connection, community: CommunityConfig, household: Household, message: BidMessage, now: datetime
) -> None:
    """Hold the bidder's money, free the outbid one's; raises `BidError`, `OrderRefused`, `Overdrawn`."""
    auction_id = str(message.auction)
    row = auction_row(connection, community.id, auction_id)
    if row is None:
        text = f"auction: there is no auction {auction_id}; the household's state lists the open ones"
        raise OrderRefused(text, "no_such_auction")
    if row["status"] != "open":
        text = f"auction: {auction_id} is not open but {row['status']}; only an open one takes bids"
        raise OrderRefused(text, "auction_over")
    after, outbid = place_bid(auction_of(row), Bid(household.id, message.price), now)
    if outbid is not None:
        ledger.close_hold(connection, community.id, row["leader_hold"], at=now, text="outbid")
        if outbid.household != household.id:
            data = {"auction": auction_id, "cents_per_kwh": message.price}
            notify(connection, community.id, [Notification(outbid.household, Event.OUTBID, data)], now)
    tariff = tariff_of(connection, community, now)
    cents, hold_name = all_in_cents(tariff, after.wh, message.price), bid_hold(str(message.id))
    try:
        ledger.hold(
            connection, community.id, hold_name, ledger.kes(household.id), cents, at=now, text="auction bid"
        )
    except Overdrawn as error:
        minimum = auction_of(row).minimum_bid
        raise bid_too_dear(error, after.wh, message.price, tariff.fees_cents_per_kwh, minimum) from None
    _update(
        connection,
        community.id,
        auction_id,
        leader=household.id,
        best_bid=message.price,
        leader_hold=hold_name,
        leader_since=now,
        ends_at=after.ends_at,
    )


def cancel(
    connection: Connection, community: CommunityConfig, household: Household, auction_id: str, now: datetime
) -> None:
    """Take back an own auction without a bid and give the tokens back; raises `OrderRefused` or `BidError`."""
    row = auction_row(connection, community.id, auction_id)
    if row is None or row["seller"] != household.id:
        text = f"order: {household.id} has no auction {auction_id}; the household's state lists its own"
        raise OrderRefused(text, "no_such_auction")
    if row["status"] != "open":
        text = f"order: the auction {auction_id} is {row['status']}; only an open one can be cancelled"
        raise OrderRefused(text, "auction_over")
    check_cancel(auction_of(row), now)
    _give_back(connection, community, row, "cancelled", "auction cancelled", now)


def stop(
    connection: Connection, community: CommunityConfig, auction_id: str, household_id: str, now: datetime
) -> None:
    """Take a household that is a member no longer out of an open auction.

    Its own auction ends unsold and its tokens come back; a bid of its own that leads is dropped, and the auction
    goes on from its start price, since outbid money was given back long ago.
    """
    row = auction_row(connection, community.id, auction_id)
    assert row is not None
    if row["leader"] is not None:
        ledger.close_hold(connection, community.id, row["leader_hold"], at=now, text="auction stopped")
    if row["seller"] == household_id:
        _tell_end(connection, community.id, row, None, now)
        _give_back(connection, community, row, "cancelled", "the seller is suspended", now)
        return
    free = dict.fromkeys(("leader", "best_bid", "leader_hold", "leader_since"))
    _update(connection, community.id, auction_id, **free)


def end_auctions(connection: Connection, community: CommunityConfig, now: datetime) -> list[str]:
    """Settle the auctions that are over, or give the tokens back; return the ids of those that ended."""
    query = select(auction).where(
        auction.c.community_id == community.id, auction.c.status == "open", auction.c.ends_at <= now
    )
    ended = [dict(row) for row in connection.execute(query).mappings()]
    for row in ended:
        winner = winning_bid(auction_of(row), now)
        _tell_end(connection, community.id, row, None if winner is None else winner.price, now)
        if row["leader"] is None:
            _give_back(connection, community, row, "unsold", "nobody bid", now)
            continue
        if winner is None:
            ledger.close_hold(connection, community.id, row["leader_hold"], at=now, text="nothing was sold")
            _give_back(connection, community, row, "unsold", "the reserve price was not met", now)
            continue
        held = HeldTrade(
            Trade(row["seller"], row["leader"], row["wh"]),
            row["best_bid"],
            _tokens(row["id"]),
            row["leader_hold"],
            tariff_of(connection, community, row["leader_since"]),
        )
        settle_held_trade(connection, community, "auction", row["id"], held, now)
        for name in (_tokens(row["id"]), row["leader_hold"]):
            ledger.close_hold(connection, community.id, name, at=now, text="auction ended")
        _update(connection, community.id, row["id"], status="sold")
    return [row["id"] for row in ended]


def auction_row(connection: Connection, community_id: str, auction_id: str) -> dict[str, Any] | None:
    """Return an auction as stored."""
    query = select(auction).where(auction.c.community_id == community_id, auction.c.id == auction_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def which_are_auctions(connection: Connection, community_id: str, ids: Collection[str]) -> set[str]:
    """Return which of these ids are those of auctions."""
    if not ids:
        return set()
    row = auction.c
    query = select(row.id).where(row.community_id == community_id, is_among(connection, row.id, ids))
    return set(connection.execute(query).scalars())


def _tell_end(
    connection: Connection, community_id: str, row: dict[str, Any], cents_per_kwh: int | None, now: datetime
) -> None:
    """Tell the seller and the leader that an auction is over, and at which price it was sold, if it was."""
    data = {"auction": row["id"], "wh": row["wh"], "cents_per_kwh": cents_per_kwh}
    concerned = [name for name in (row["seller"], row["leader"]) if name is not None]
    notify(connection, community_id, [Notification(name, Event.AUCTION_ENDED, data) for name in concerned], now)


def _give_back(
    connection: Connection, community: CommunityConfig, row: dict[str, Any], status: str, why: str, now: datetime
) -> None:
    """End an auction without a sale."""
    seller = by_id(connection, community.id, row["seller"])
    ledger.close_hold(connection, community.id, _tokens(row["id"]), at=now, text=why)
    tokens.refund(connection, community.id, row["id"], tokens.Move(seller, row["wh"]), now)
    _update(connection, community.id, row["id"], status=status)


def bid_hold(message_id: str) -> str:
    """Return the ledger's name of what a bid holds."""
    return f"bid:{message_id}"


def _tokens(auction_id: str) -> str:
    return f"auction:{auction_id}"


def auction_of(row: dict[str, Any]) -> Auction:
    """Return a stored auction as the market's rules know it."""
    leading = None if row["leader"] is None else Bid(row["leader"], row["best_bid"])
    return Auction(
        row["seller"],
        row["wh"],
        row["start_price"],
        row["ends_at"],
        leading,
        reserve_price=row["reserve_price"],
        minimum_step=row["minimum_step"],
    )


def _update(connection: Connection, community_id: str, auction_id: str, **values: object) -> None:
    connection.execute(
        update(auction).where(auction.c.community_id == community_id, auction.c.id == auction_id).values(**values)
    )
