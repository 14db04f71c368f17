"""What a refused order is told: the field, the limit, and what would be accepted."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.settlement import spot
from energy_swap_hub.settlement.messages import receive
from energy_swap_hub.settlement.spot import OrderRefused
from energy_swap_protocol.message import (
    AnyMessage,
    Bid,
    BuyOrder,
    CancelOrder,
    MessageError,
    SellOrder,
    sign_message,
)
from sqlalchemy import Connection, Engine

from tests.hub.trading import COMMUNITY, FEES, NOW, VILLAGE, head, hub_desk, in_memory, keys, sale

CENTS, WH = 3_000, 2_000
DESK, CHAIN = hub_desk()
MEMBERS = AMINA, BRIAN, CHEBET = keys(3)
SALE, OTHER, NEW = UUID(int=1), UUID(int=2), UUID(int=9)
UNIX = int(NOW.timestamp())


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with in_memory(MEMBERS, CHAIN, cents=CENTS, wh=WH) as engine:
        yield engine


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A village where Amina sells 500 Wh at 10.00, and Brian has bought and has 100 Wh wanted at 8.00."""
    with engine.connect() as connection, connection.begin() as transaction:
        tell(connection, AMINA, sale(CHAIN, AMINA, SALE, 500, 1_000))
        spot.locks_final(connection, COMMUNITY, {str(SALE): None}, NOW)
        tell(connection, BRIAN, buy(OTHER, at_most=800))
        yield connection
        transaction.rollback()


def tell(connection: Connection, key: Any, message: AnyMessage) -> dict[str, Any]:
    return receive(connection, DESK, sign_message(message, key), NOW)


def buy(order: UUID = NEW, *, wh: int = 100, at_most: int = 900, **wishes: Any) -> BuyOrder:
    return BuyOrder(**head(order), wh=wh, at_most=at_most, **wishes)


def sell(*, wh: int = 100, at_least: int = 1_000, **wishes: Any) -> SellOrder:
    return sale(CHAIN, BRIAN, NEW, wh, at_least, **wishes)


# Brian has 3,000 cents less the 100 that his order holds.
REFUSED: list[tuple[AnyMessage, type[Exception], str]] = [
    (
        buy(wh=2_500, at_most=1_000),
        Overdrawn,
        f"wh: 2500 Wh at most 1000 cents per kWh cost 3000 cents with {FEES} cents per kWh of fees, the "
        "wallet has 2900 cents free; buy at most 2417 Wh at that limit, or top up 100 cents",
    ),
    (
        buy(wh=100, at_most=90_000),
        Overdrawn,
        f"wh: 100 Wh at most 90000 cents per kWh cost 9020 cents with {FEES} cents per kWh of fees, the "
        "wallet has 2900 cents free; top up 6120 cents",
    ),
    (
        sell(wh=2_001),
        Overdrawn,
        "wh: 2001 Wh are more than the 2000 Wh of eKWh that are free in the wallet; sell at most 2000 Wh",
    ),
    (
        buy(valid_until=UNIX),
        OrderRefused,
        f"valid_until {UNIX} has passed; the hub's time is {UNIX}, give Unix seconds above it",
    ),
    (
        sell(valid_until=UNIX + 367 * 86_400),
        OrderRefused,
        f"valid_until {UNIX + 367 * 86_400} is more than a year away; "
        f"give Unix seconds up to {UNIX + 366 * 86_400}",
    ),
    (
        buy(seller="h-404"),
        OrderRefused,
        "seller: there is no household h-404 in kisima; give the id of one (such as h-002, which is yours), or "
        "leave seller out to buy from anybody",
    ),
    (
        buy(seller="h-002"),
        OrderRefused,
        "seller: h-002 is your own household; name another one, or leave seller out",
    ),
    (
        buy(at_most=1_000, post_only=True),
        OrderRefused,
        "post_only: at at_most 1000 the order would trade at once with one at 1000 cents per kWh; give at_most "
        "below 1000, or leave post_only out",
    ),
    (
        CancelOrder(**head(NEW), order=UUID(int=404)),
        OrderRefused,
        f"order: h-002 has no order {UUID(int=404)}",
    ),
    (
        CancelOrder(**head(NEW), order=SALE),
        OrderRefused,
        f"order: h-002 has no order {SALE}",
    ),
    (
        Bid(**head(NEW), auction=UUID(int=404), price=1_000),
        OrderRefused,
        f"auction: there is no auction {UUID(int=404)}; the household's state lists the open ones",
    ),
    (
        BuyOrder(**head(OTHER), wh=101, at_most=800),
        MessageError,
        f"the message id {OTHER} was used for another message; make a new one",
    ),
    (
        BuyOrder(**head(NEW) | {"sent_at": UNIX - 901}, wh=101, at_most=800),
        MessageError,
        "sent_at: that was 901 s ago, too old to act on; give a time of the last 900 s and sign again",
    ),
]


@pytest.mark.parametrize(("message", "kind", "words"), REFUSED, ids=lambda case: str(case)[:60])
def test_a_refusal_says_what_would_be_accepted(
    connection: Connection, message: AnyMessage, kind: type[Exception], words: str
) -> None:
    before = ledger.trial_balance(connection, VILLAGE)
    with pytest.raises(kind) as refused:
        tell(connection, BRIAN, message)
    assert words in str(refused.value)
    assert ledger.trial_balance(connection, VILLAGE) == before


def test_what_a_refusal_offers_is_accepted(connection: Connection) -> None:
    assert tell(connection, BRIAN, buy(wh=2_417, at_most=1_000))["filled_wh"] == 500
    assert tell(connection, CHEBET, sale(CHAIN, CHEBET, UUID(int=10), 2_000, 1_000))["status"] == "pending_lock"


def test_a_sale_of_everything_leaves_nothing_to_offer(connection: Connection) -> None:
    tell(connection, CHEBET, sale(CHAIN, CHEBET, UUID(int=10), 1_950, 1_000))
    with pytest.raises(Overdrawn, match="50 Wh of eKWh that are free in the wallet; wait for energy to sell"):
        tell(connection, CHEBET, sale(CHAIN, CHEBET, UUID(int=11), 100, 1_000))


def test_a_sale_that_posts_only_is_refused_before_or_when_its_tokens_are_locked(connection: Connection) -> None:
    with pytest.raises(
        OrderRefused, match=r"at at_least 800 .* one at 800 cents per kWh; give at_least above 800"
    ):
        tell(connection, CHEBET, sale(CHAIN, CHEBET, UUID(int=10), 100, 800, post_only=True))
    waiting = sale(CHAIN, CHEBET, UUID(int=11), 100, 850, post_only=True)
    tell(connection, CHEBET, waiting)
    tell(connection, AMINA, buy(UUID(int=12), at_most=850))
    spot.locks_final(connection, COMMUNITY, {str(waiting.id): None}, NOW)
    answer = spot.order_answer(connection, VILLAGE, str(waiting.id))
    assert (answer["status"], answer["trades"]) == ("refused", [])
    assert ledger.wallet(connection, VILLAGE, "h-003")["ekwh_wh"] == WH


def test_a_chosen_seller_is_waited_for(connection: Connection) -> None:
    assert tell(connection, BRIAN, buy(at_most=1_000, seller="h-003"))["trades"] == []
    theirs = sale(CHAIN, CHEBET, UUID(int=10), 100, 900)
    tell(connection, CHEBET, theirs)
    spot.locks_final(connection, COMMUNITY, {str(theirs.id): None}, NOW)
    [fill] = spot.order_answer(connection, VILLAGE, str(NEW))["trades"]
    assert (fill["seller"], fill["cents_per_kwh"]) == ("h-003", 1_000), "at the limit of the order that rested"


def test_who_takes_orders_back_is_passed_over_by_who_asks_for_reputation(connection: Connection) -> None:
    # Everybody begins at 80 %.
    assert tell(connection, BRIAN, buy(at_most=1_000, minimum_reputation=81))["trades"] == []
    assert tell(connection, CHEBET, buy(UUID(int=10), at_most=1_000, minimum_reputation=80))["filled_wh"] == 100
    tell(connection, AMINA, CancelOrder(**head(UUID(int=11)), order=SALE))
    again = sale(CHAIN, AMINA, UUID(int=12), 300, 900)
    tell(connection, AMINA, again)
    spot.locks_final(connection, COMMUNITY, {str(again.id): None}, NOW)
    assert tell(connection, CHEBET, buy(UUID(int=13), minimum_reputation=80))["trades"] == []
    assert tell(connection, CHEBET, buy(UUID(int=14), minimum_reputation=70))["filled_wh"] == 100
