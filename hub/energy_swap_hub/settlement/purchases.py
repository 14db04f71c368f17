"""Spot purchases paid straight by M-Pesa: what is bought is reserved until the outcome of the payment is known.

A purchase takes from the book at once what it meets, and nothing of it rests. The sellers' tokens stay held; the
buyer's money is asked for by a prompt on the phone. Once it is in the wallet, the trades are settled with it. When
it does not come in time, the sales stand in the book again where they stood, and money that comes later stays in
the buyer's wallet.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from energy_swap_protocol.message import BuyOrder
from energy_swap_protocol.units import cost_cents
from sqlalchemy import Connection, select, update

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.market.fees import tariff_at
from energy_swap_hub.market.spot import NotRestingError
from energy_swap_hub.market.trade import Side
from energy_swap_hub.membership.households import Household
from energy_swap_hub.storage import insert_rows

from .desk import Desk
from .refusals import OrderRefused, nothing_offered
from .spot_book import Order, forget_book
from .spot_market import SpotMarket
from .spot_tables import reservation
from .spot_trades import Met
from .spot_transaction import hold_name

_PURPOSE: Final = "order:"
_RESERVATION: Final = ("community_id", "purchase", "sale", "wh", "cents_per_kwh", "state")


@dataclass(frozen=True, slots=True)
class _Reservation:
    """``wh`` of a ``sale`` that are kept for a purchase at ``cents_per_kwh``."""

    sale: str
    wh: int
    cents_per_kwh: int


class PurchaseMarket(SpotMarket):
    """The spot market of a transaction in which a purchase by M-Pesa is begun or ended."""

    def reserve(self, household: Household, wish: BuyOrder, ask: Callable[[int], None]) -> None:
        """Keep for ``household`` what ``wish`` meets, and ``ask`` for the cents that it costs with fees.

        Raises `OrderRefused` when it meets nothing, and what ``ask`` raises; then nothing was changed.
        """
        for name, is_given in (("post_only", wish.post_only), ("valid_until", wish.valid_until is not None)):
            if is_given:
                text = f"{name}: an order paid by M-Pesa buys at once; leave {name} out"
                raise OrderRefused(text, "mpesa_buys_at_once")
        order = self._new_order(household, wish, Side.BUY, wish.at_most, "pending_payment", wish.seller)
        met = self._met_now(order)
        if not met:
            raise nothing_offered(order.in_book(), self._open.book, self._now)
        fees = self._tariff.fees_cents_per_kwh
        ask(sum(cost_cents(wh, limit + fees) for limit, wh in met))
        self._add(order)
        self.is_halfway = True
        fills = self._open.book.place(order.in_book(), self._now)
        with suppress(NotRestingError):  # what it did not meet is not kept for better times
            self._open.book.cancel(order.number)
        kept = []
        for fill in fills:
            sale = self._open.orders[fill.resting]
            self._change(sale)
            sale.remaining_wh -= fill.wh
            sale.reserved_wh += fill.wh
            if not sale.remaining_wh:
                sale.status = "reserved"
                self._forget(sale)
            order.reserved_wh += fill.wh
            kept.append((self._community.id, order.id, sale.id, fill.wh, fill.cents_per_kwh, "held"))
        insert_rows(self._connection, reservation, _RESERVATION, kept)
        self.is_halfway = False

    def deliver(self, order_id: str) -> None:
        """The money is in the buyer's wallet: settle what was kept; if it is too little, give that back."""
        order = self._pending(order_id)
        if order is None:
            return
        kept = self._kept(order_id)
        fees = tariff_at(self._tariffs, order.placed_at).fees_cents_per_kwh
        cents = sum(cost_cents(r.wh, r.cents_per_kwh + fees) for r in kept)
        try:
            self._journal.require(ledger.kes(order.household_id), cents)
        except Overdrawn:  # less was paid, or the money was spent on something else
            self._give_all_back(order, kept)
            return
        self.is_halfway = True
        self._end_reservations(order_id, "delivered")
        met = []
        for r in kept:
            sale = self._sale(r)
            sale.remaining_wh += r.wh  # until it is counted as traded
            met.append(Met(sale, r.wh, r.cents_per_kwh))
        order.reserved_wh = 0
        self._trade(order, met, cents)
        order.status = "part_filled" if order.remaining_wh else "filled"
        if order.remaining_wh:
            self._tell_end(order, order.status)
        self.is_halfway = False

    def give_back(self, order_id: str) -> None:
        """The money does not come: the sales stand where they stood."""
        order = self._pending(order_id)
        if order is not None:
            self._give_all_back(order, self._kept(order_id))

    def _pending(self, order_id: str) -> Order | None:
        order = self._order(order_id)
        return None if order is None or order.status != "pending_payment" else order

    def _met_now(self, order: Order) -> list[tuple[int, int]]:
        """Return the limits and Wh of the sales that an order would meet."""
        left, met = order.wh, []
        for resting in self._all_met(order.in_book()):
            wh = min(left, resting.wh)
            met.append((resting.limit, wh))
            left -= wh
            if not left:
                break
        return met

    def _give_all_back(self, order: Order, kept: list[_Reservation]) -> None:
        self._change(order)
        self._end_reservations(order.id, "returned")
        order.reserved_wh, order.status = 0, "unpaid"
        self._tell_end(order, order.status)
        for r in kept:
            sale = self._sale(r)
            if sale.status in {"open", "reserved"}:
                self._reopen(sale, r.wh)
                continue
            # It was cancelled, or its time passed, while the buyer had the prompt.
            self._free(sale, r.wh, f"{hold_name(sale.id)}/{order.id}", "not paid")
            self._intents.append(("refund", f"{sale.id}/{order.id}", sale.household_id, r.wh))

    def _reopen(self, sale: Order, wh: int) -> None:
        """Put ``wh`` back into the book, with the place that the sale had in its line."""
        self.is_halfway = True
        sale.remaining_wh += wh
        sale.status = "open"
        if sale.valid_until is not None and sale.valid_until <= self._now:
            self._end(sale, "expired")
            return
        with suppress(NotRestingError):  # nothing of it rested meanwhile
            self._open.book.cancel(sale.number)
        # Buyers who came while it was away meet it now; as it rested before, it trades even if it is post-only.
        place, is_post_only = sale.number, sale.post_only
        sale.number, sale.post_only = self._open.last_number + 1, False
        self._open.last_number = sale.number
        self._enter(sale)
        sale.number, sale.post_only = place, is_post_only
        # The book in memory has it at the end of its line.
        forget_book(self._connection, self._community.id)

    def _sale(self, kept: _Reservation) -> Order:
        sale = self._order(kept.sale)
        assert sale is not None, "what is kept is kept of a sale"
        self._change(sale)
        sale.reserved_wh -= kept.wh
        return sale

    def _kept(self, order_id: str) -> list[_Reservation]:
        row = reservation.c
        query = select(row.sale, row.wh, row.cents_per_kwh).where(
            row.community_id == self._community.id, row.purchase == order_id
        )
        return [_Reservation(*found) for found in self._connection.execute(query.order_by(row.sale))]

    def _end_reservations(self, order_id: str, state: str) -> None:
        row = reservation.c
        key = (row.community_id == self._community.id, row.purchase == order_id)
        self._connection.execute(update(reservation).where(*key).values(state=state))


def begin_purchase(
    connection: Connection, desk: Desk, household: Household, wish: BuyOrder, now: datetime
) -> dict[str, Any]:
    """Reserve what ``wish`` buys and send the prompt; return the payment's intent and its whole KES.

    Raises `OrderRefused` or `PaymentRefused`. What is paid above the price stays in the wallet.
    """
    community, details = desk.community, dict[str, Any]()

    def ask(cents: int) -> None:
        details["kes"] = -(-cents // 100)
        details["intent"] = desk.mpesa.request_payment(
            connection,
            community_id=community.id,
            household_id=household.id,
            phone=desk.phone_of(connection, community.id, household.id),
            kes=details["kes"],
            purpose=f"{_PURPOSE}{wish.id}",
            now=now,
            expires_at=now + timedelta(minutes=community.purchase_minutes),
        )

    market = PurchaseMarket(connection, community, now)
    market.reserve(household, wish, ask)
    market.write()
    return details


class SpotPurchases:
    """What becomes of a spot purchase when its payment has come to an end (`payments.Purchases`)."""

    def __init__(self, community: CommunityConfig, clock: Callable[[], datetime]) -> None:
        self._community = community
        self._clock = clock

    def paid(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str,
        purpose: str,
        cents: int,
        at: datetime,
    ) -> None:
        """Settle the purchase with the money that is in the wallet now."""
        del household_id, cents, at
        self._end(connection, community_id, purpose, PurchaseMarket.deliver)

    def not_paid(
        self, connection: Connection, *, community_id: str, household_id: str, purpose: str, reason: str
    ) -> None:
        """Let the sales stand in the book again."""
        del household_id, reason
        self._end(connection, community_id, purpose, PurchaseMarket.give_back)

    def _end(
        self,
        connection: Connection,
        community_id: str,
        purpose: str,
        end: Callable[[PurchaseMarket, str], None],
    ) -> None:
        if purpose.startswith(_PURPOSE) and community_id == self._community.id:
            market = PurchaseMarket(connection, self._community, self._clock())
            end(market, purpose.removeprefix(_PURPOSE))
            market.write()
