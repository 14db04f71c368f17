"""What trades and ends do to the spot orders of a transaction: ledger, holds, releases, and who is told."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from energy_swap_hub import ledger
from energy_swap_hub.ledger import Entry, Posting
from energy_swap_hub.market.fees import tariff_at
from energy_swap_hub.market.spot import NotRestingError
from energy_swap_hub.market.trade import Side, Trade

from .notifications import Event, Notification
from .spot_book import Order
from .spot_transaction import SpotTransaction, hold_name
from .trades import HeldTrade, book_held_trades


class Met(NamedTuple):
    """``wh`` that are traded with a resting ``order``, at its limit."""

    order: Order
    wh: int
    cents_per_kwh: int


class SpotTrades(SpotTransaction):
    """The spot orders of one transaction, and what becomes of them once they meet or end."""

    def _hold(self, order: Order, amount: int, text: str) -> None:
        # The id of an order is that of a message that was never received before.
        is_sale = order.side is Side.SELL
        account = ledger.ekwh(order.household_id) if is_sale else ledger.kes(order.household_id)
        self._journal.hold(hold_name(order.id), account, amount, at=self._now, text=text, is_new=True)

    def _trade(self, taker: Order, met: Sequence[Met], budget: int = 0) -> int:
        """Carry out what ``taker`` trades with the orders it ``met``; return the cents that it paid.

        A sale is paid by what the purchases hold; a purchase pays out of its ``budget`` in the wallet.
        """
        is_sale, is_told = taker.side is Side.SELL, taker.side is Side.SELL or taker.status == "pending_payment"
        own, held = self._fills[taker.id], [self._held(taker, one) for one in met]
        # An order comes to the book once by a number.
        reference = f"{taker.id}/{taker.number}"
        booked = book_held_trades(self._journal, "spot", reference, held, self._now, budget=budget, is_new=True)
        self._trades += booked
        for (order, wh, cents_per_kwh), one in zip(met, held, strict=True):
            trade = one.trade
            # The sale is in the name: who co-signs the release looks at what it has locked.
            self._intents.append(("release", f"{taker.id}/{order.id}", trade.buyer, wh))
            fill = {"wh": wh, "cents_per_kwh": cents_per_kwh, "seller": trade.seller, "buyer": trade.buyer}
            self._fills[order.id].append(fill)
            own.append(fill)
            self._fill(order, fill)
            # Who buys from the wallet has held nothing, and has it in the answer.
            self._fill(taker, fill, is_told=is_told, has_held=is_sale)
        return 0 if is_sale else sum(one.paid_cents for one in booked)

    def _held(self, taker: Order, met: Met) -> HeldTrade:
        is_sale = taker.side is Side.SELL
        sale, purchase = (taker, met.order) if is_sale else (met.order, taker)
        tariff = self._tariff
        if purchase.placed_at < tariff.valid_from:
            tariff = tariff_at(self._tariffs, purchase.placed_at)
        return HeldTrade(
            Trade(sale.household_id, purchase.household_id, met.wh),
            met.cents_per_kwh,
            hold_name(sale.id),
            hold_name(purchase.id) if is_sale else None,
            tariff,
            sale.id,
            purchase.id,
        )

    def _fill(self, order: Order, fill: dict[str, Any], *, is_told: bool = True, has_held: bool = True) -> None:
        """Count a trade of an order; one that is over gives back what it still holds."""
        self._change(order)
        order.remaining_wh -= fill["wh"]
        if is_told:
            data = {"order": order.id, "wh": fill["wh"], "cents_per_kwh": fill["cents_per_kwh"]}
            data["remaining_wh"] = order.remaining_wh
            self._told.append(Notification(order.household_id, Event.ORDER_MATCHED, data))
        if order.status in {"open", "reserved"} and not order.remaining_wh:
            order.status = "reserved" if order.reserved_wh else "filled"
            self._forget(order)
        if has_held and order.status != "open" and not order.reserved_wh:
            self._journal.close_hold(hold_name(order.id), at=self._now, text="bought below the limit")

    def _end(self, order: Order, status: str) -> None:
        self.is_halfway = True
        self._free(order, order.remaining_wh, f"{hold_name(order.id)}/rest", f"order {status}")
        if order.side is Side.SELL and order.remaining_wh:
            self._intents.append(("refund", order.id, order.household_id, order.remaining_wh))
        order.status = status
        if status != "cancelled":  # who cancels knows
            self._tell_end(order, status)
        # It is not there if its sale never came so far, or its time had passed when the book was read.
        with suppress(NotRestingError):
            self._open.book.cancel(order.number)
        self._forget(order)
        self.is_halfway = False

    def _tell_end(self, order: Order, reason: str) -> None:
        data = {"order": order.id, "reason": reason, "remaining_wh": order.remaining_wh}
        self._told.append(Notification(order.household_id, Event.ORDER_ENDED, data))

    def _free(self, order: Order, wh: int, name: str, text: str) -> None:
        """Give back what an order holds: all that is left, or ``wh`` of a sale that is still kept for a buyer."""
        hold = hold_name(order.id)
        if not order.reserved_wh:
            self._journal.close_hold(hold, at=self._now, text=text)
        elif wh:
            postings = (self._journal.spend_hold(hold, wh), Posting(ledger.ekwh(order.household_id), wh))
            self._journal.post(Entry("release_hold", name, self._now, text, postings))
