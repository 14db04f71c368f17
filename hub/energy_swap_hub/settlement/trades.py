"""One trade of held tokens against held money: ledger entry, trade row and the release from escrow, together."""

from dataclasses import dataclass
from datetime import datetime

from energy_swap_protocol.units import cost_cents
from sqlalchemy import Connection, insert

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import Entry, Posting
from energy_swap_hub.market.fees import bill, tariff_at
from energy_swap_hub.market.trade import Trade
from energy_swap_hub.membership.households import by_id

from . import tables, tokens, totals


@dataclass(frozen=True, slots=True)
class HeldTrade:
    """A trade whose tokens lie in ``seller_hold`` and whose money, held at ``held_at``, lies in ``buyer_hold``.

    ``reference`` names the order or auction and is unique per trade within its market. The fees are those of
    ``held_at``: a tariff that changes later must not ask for more than was held.
    """

    market: str
    reference: str
    trade: Trade
    cents_per_kwh: int
    seller_hold: str
    buyer_hold: str
    held_at: datetime


def all_in_cents(community: CommunityConfig, wh: int, cents_per_kwh: int, now: datetime) -> int:
    """Return what a buyer pays for ``wh`` at this price with fees."""
    return cost_cents(wh, cents_per_kwh + tariff_at(community.tariffs, now).fees_cents_per_kwh)


def settle_held_trade(connection: Connection, community: CommunityConfig, held: HeldTrade, now: datetime) -> None:
    """Move money and tokens of ``held``; the holds make it possible only once."""
    trade, price = held.trade, held.cents_per_kwh
    bills = bill([trade], price, tariff_at(community.tariffs, held.held_at))
    lines = {line.household: line for line in bills.lines}
    earned = lines[trade.seller].earned_cents
    # Fills in many parts can round to a cent more than the hold for the whole: the rounding account bears it.
    paid = min(lines[trade.buyer].paid_cents, ledger.hold_remaining(connection, community.id, held.buyer_hold))
    postings = [
        ledger.spend_hold(connection, community.id, held.buyer_hold, paid),
        ledger.spend_hold(connection, community.id, held.seller_hold, trade.wh),
        Posting(ledger.kes(trade.seller), earned),
        Posting(ledger.FEES, bills.community_fee_cents),
        Posting(ledger.GRID, bills.grid_fee_cents),
        Posting(ledger.ROUNDING, paid - earned - bills.community_fee_cents - bills.grid_fee_cents),
        Posting(ledger.ekwh(trade.buyer), trade.wh),
    ]
    text = f"{held.market}: {trade.wh} Wh from {trade.seller} to {trade.buyer}"
    ledger.post(connection, community.id, Entry(held.market, held.reference, now, text, postings))
    connection.execute(
        insert(tables.trade).values(
            community_id=community.id,
            market=held.market,
            reference=held.reference,
            seller=trade.seller,
            buyer=trade.buyer,
            wh=trade.wh,
            cents_per_kwh=price,
            cents=cost_cents(trade.wh, price),
            at=now,
        )
    )
    sold = totals.Change(trade.seller, sold_wh=trade.wh, earned_cents=earned)
    bought = totals.Change(trade.buyer, bought_wh=trade.wh, spent_cents=paid)
    totals.add(connection, community.id, (sold, bought))
    buyer = by_id(connection, community.id, trade.buyer)
    tokens.release(connection, community.id, held.reference, tokens.Move(buyer, trade.wh), now)
