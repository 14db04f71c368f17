"""Why an order is refused, in the caller's words: which field, which limit, and what would be accepted."""

from datetime import UTC, datetime
from typing import Final

from energy_swap_protocol.message import LEAST_ORDER_WH
from energy_swap_protocol.units import affordable_wh

from energy_swap_hub.explained import Explained
from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.market.spot import Book, SpotOrder
from energy_swap_hub.market.trade import Side
from energy_swap_hub.membership.households import Household

_LONGEST_SECONDS: Final = 366 * 86_400


class OrderRefused(Explained, ValueError):  # noqa: N818 - reads as the answer it is
    """An order cannot be taken; the text says which limit and what would be accepted."""


def check_may_sell(household: Household) -> None:
    """Raise `OrderRefused` for a household that can only buy."""
    if household.role == "consumer":
        raise OrderRefused(
            f"{household.id} is a consumer and can only buy: its site has no panels (rated_pv_w is 0); "
            "the community's office changes that when panels are built",
            "consumers_only_buy",
        )


def check_may_deliver(household: Household) -> None:
    """Raise `OrderRefused` for a household whose energy the utility takes by contract."""
    if household.is_net_metered:
        raise OrderRefused(
            f"period: {household.id} has a net-metering contract: what it exports is the utility's and cannot be "
            "sold ahead; it can buy, and sell tokens that it has. The community's office notes the contract's end",
            "net_metered",
        )


def time_to_come(name: str, seconds: int, now: datetime) -> datetime:
    """Return the time of a message's field; raises `OrderRefused` when it has passed or is over a year away."""
    unix_now = int(now.timestamp())
    if seconds <= unix_now:
        raise OrderRefused(
            f"{name} {seconds} has passed; the hub's time is {unix_now}, give Unix seconds above it",
            "ends_in_the_past",
            now_time=unix_now,
        )
    latest = unix_now + _LONGEST_SECONDS
    if seconds > latest:
        text = f"{name} {seconds} is more than a year away; give Unix seconds up to {latest}"
        raise OrderRefused(text, "ends_too_late", latest_time=latest)
    return datetime.fromtimestamp(seconds, UTC)


def too_little_money(error: Overdrawn, wh: int, at_most: int, fees: int) -> Overdrawn:
    """Return the refusal of a buy order that costs more than the wallet has; ``fees`` are cents per kWh."""
    most = affordable_wh(error.have, at_most + fees)
    other = f"buy at most {most} Wh at that limit, or " if most >= LEAST_ORDER_WH else ""
    return error.in_words(
        f"wh: {wh} Wh at most {at_most} cents per kWh cost {error.need} cents with {fees} cents per kWh of fees, "
        f"the wallet has {error.have} cents free; {other}top up {error.need - error.have} cents"
    )


def too_few_tokens(error: Overdrawn, wh: int) -> Overdrawn:
    """Return the refusal of a sale of more than the wallet has free."""
    accepted = f"sell at most {error.have} Wh" if error.have >= LEAST_ORDER_WH else "wait for energy to sell"
    return error.in_words(
        f"wh: {wh} Wh are more than the {error.have} Wh of eKWh that are free in the wallet; {accepted}"
    )


def bid_too_dear(error: Overdrawn, wh: int, price: int, fees: int, minimum: int) -> Overdrawn:
    """Return the refusal of a bid that costs more than the wallet has; ``minimum`` is the least bid taken."""
    most = error.have * 1_000 // wh - fees
    other = f"bid at most {most}, or " if most >= minimum else ""
    return error.in_words(
        f"price: {wh} Wh at {price} cents per kWh cost {error.need} cents with {fees} cents per kWh of fees, the "
        f"wallet has {error.have} cents free; {other}top up {error.need - error.have} cents"
    )


def no_such_order(household_id: str, order_id: str) -> OrderRefused:
    """Return the refusal to take back an order that is not there, or is not the household's."""
    return OrderRefused(
        f"order: {household_id} has no order {order_id}; the household's state lists its open ones",
        "no_such_order",
    )


def cannot_cancel(order_id: str, status: str) -> OrderRefused:
    """Return the refusal to take back an order that is not open."""
    why = {
        "reserved": "a buyer is paying for it by M-Pesa: it is sold, or open again, within minutes",
        "pending_payment": "the prompt is on your phone: refuse it there, or let it pass",
        "pending_lock": "the chain is locking its tokens: try again in a moment",
    }.get(status, "only an open order can be cancelled, and the household's state lists those")
    keys = {
        "reserved": "order_reserved",
        "pending_payment": "order_awaits_payment",
        "pending_lock": "order_awaits_chain",
    }
    return OrderRefused(f"order: {order_id} is {status}; {why}", keys.get(status, "order_not_open"))


def nothing_offered(order: SpotOrder, book: Book, now: datetime) -> OrderRefused:
    """Return the refusal of a purchase by M-Pesa that meets no sale; ``book`` says what is offered."""
    best = book.best(Side.SELL, now)
    offered = (
        "nothing is for sale now"
        if best is None
        else f"the best offer in the book is {best.wh} Wh at {best.cents_per_kwh} cents per kWh"
    )
    return OrderRefused(
        f"at_most: nobody who accepts this order sells to you at {order.limit} cents per kWh or less; {offered}. "
        "An order paid from the wallet can wait for a seller",
        "nothing_offered",
        limit_cents=order.limit,
    )


def would_trade(order: SpotOrder, met: SpotOrder) -> OrderRefused:
    """Return the refusal of a post-only order that would trade with ``met``."""
    field, word = ("at_least", "above") if order.side.value == "sell" else ("at_most", "below")
    return OrderRefused(
        f"post_only: at {field} {order.limit} the order would trade at once with one at {met.limit} cents per "
        f"kWh; give {field} {word} {met.limit}, or leave post_only out",
        "would_trade_at_once",
        met_cents=met.limit,
    )
