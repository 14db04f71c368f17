"""Each place that refuses a wish: it names the field, the limit and what would be accepted, and has its words.

The words are those of Home Assistant and of the household's app, in every language, filled with its figures.
"""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.explained import Explained
from energy_swap_hub.market import auction as auction_rules
from energy_swap_hub.membership.households import set_net_metering
from energy_swap_hub.membership.tables import household
from energy_swap_hub.settlement import (
    ahead,
    auctions,
    messages,
    partners,
    payouts,
    purchases,
    refusals,
    relays,
    spot,
    spot_market,
)
from energy_swap_hub.settlement.ahead_tables import contract
from energy_swap_hub.settlement.messages import receive
from energy_swap_hub.settlement.relay_tables import relay
from energy_swap_hub.settlement.tables import burn_allowance
from energy_swap_protocol.message import (
    AnyMessage,
    Bid,
    BuyAhead,
    BuyOrder,
    CancelOrder,
    ChoosePartners,
    PayOut,
    SellAhead,
    StartAuction,
    SwitchConnection,
    sign_message,
)
from nacl.signing import SigningKey
from sqlalchemy import Connection, insert, update

from tests.hub.trading import COMMUNITY, NOW, VILLAGE, head, hub_desk, in_memory, keys, sale

MARKETS: Final = (ahead, auctions, auction_rules, partners, purchases, refusals, spot_market)
MODULES: Final = (*MARKETS, messages, payouts, relays)
# Told to programmers; of an application, which an edge words; of what the office asks.
OTHERS: Final = {"ValueError", "AssertionError", "MessageError"}
ROOT: Final = Path(__file__).parents[3]
DESK, CHAIN = hub_desk()
AMINA, BRIAN, CHEBET, DAVID = MEMBERS = keys(4)  # David has no panels
OPEN_SALE, PENDING, AUCTION, BID_ON, CANCELLED, FILLED, AHEAD, TAKEN_BACK, NEW = (
    UUID(int=n) for n in range(1, 10)
)
UNIX: Final = int(NOW.timestamp())
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Case:
    """What ``who`` says at ``at``, and what it is told."""

    words: str
    who: SigningKey
    message: AnyMessage
    at: datetime = NOW


def auction(key: SigningKey, order: UUID, *, wh: int = 100, hours: int = 1, **wishes: Any) -> StartAuction:
    lock = sale(CHAIN, key, order, wh, 1_000).lock
    ends_at = UNIX + hours * 3_600
    return StartAuction(**head(order), wh=wh, start_price=1_000, ends_at=ends_at, lock=lock, **wishes)


def later(message: AnyMessage, at: datetime) -> AnyMessage:
    values = {name: getattr(message, name) for name in message.__struct_fields__}
    return type(message)(**values | {"sent_at": int(at.timestamp())})


def buy(**wishes: Any) -> BuyOrder:
    return BuyOrder(**head(NEW) | {"wh": 100, "at_most": 900} | wishes)


def cancel(order: UUID, at: datetime = NOW) -> AnyMessage:
    return later(CancelOrder(**head(NEW), order=order), at)


def sell_ahead(period: str, wh: int = 100) -> SellAhead:
    return SellAhead(**head(NEW), period=period, wh=wh, at_least=900)


CASES: Final = [
    Case("h-004 is a consumer and can only buy", DAVID, sale(CHAIN, DAVID, NEW, 100, 1_000)),
    Case("valid_until 1 has passed; the hub's time is", BRIAN, buy(valid_until=1)),
    Case(f"up to {UNIX + 366 * 86_400}", BRIAN, buy(valid_until=UNIX + 367 * 86_400)),
    Case("buy at most 2500 Wh at that limit, or top up", BRIAN, buy(wh=2_900, at_most=1_000)),
    Case("wh: 2001 Wh are more than the 2000 Wh", BRIAN, sale(CHAIN, BRIAN, NEW, 2_001, 1_000)),
    Case("seller: h-002 is your own household", BRIAN, buy(seller="h-002")),
    Case("seller: there is no household h-404", BRIAN, buy(seller="h-404")),
    Case("post_only: at at_most 1000", BRIAN, buy(at_most=1_000, post_only=True)),
    Case("order: h-002 has no order", BRIAN, cancel(OPEN_SALE)),
    Case("is pending_lock; the chain is locking its tokens: try again", AMINA, cancel(PENDING)),
    Case("is filled; only an open order can be cancelled", CHEBET, cancel(FILLED)),
    Case("post_only: an order paid by M-Pesa buys at once; leave", BRIAN, buy(pay="mpesa", post_only=True)),
    Case("the best offer in the book is 400 Wh at 1000", BRIAN, buy(pay="mpesa", at_most=999)),
    Case("partners: h-002 is this household itself", BRIAN, ChoosePartners(**head(NEW), partners=("h-002",))),
    Case("name them like h-001", BRIAN, ChoosePartners(**head(NEW), partners=("h-404",))),
    Case("reserve_price: 900 is below the start price; give 1000", BRIAN, auction(BRIAN, NEW, reserve_price=900)),
    Case("ends_at", BRIAN, auction(BRIAN, NEW, hours=-1)),
    Case("sell at most 2000 Wh", BRIAN, auction(BRIAN, NEW, wh=2_001)),
    Case("auction: there is no auction", BRIAN, Bid(**head(NEW), auction=NEW, price=1_000)),
    Case("is not open but cancelled; only", BRIAN, Bid(**head(NEW), auction=CANCELLED, price=1_000)),
    Case("auction: h-001 cannot bid in its own", AMINA, Bid(**head(NEW), auction=AUCTION, price=1_000)),
    Case(
        "price: 999 cents/kWh is too low: bid at least 1000", BRIAN, Bid(**head(NEW), auction=AUCTION, price=999)
    ),
    Case("bid at most 29800, or top up 20", BRIAN, Bid(**head(NEW), auction=AUCTION, price=30_000)),
    Case(
        "auction: it ended at",
        BRIAN,
        later(Bid(**head(NEW), auction=AUCTION, price=1_000), NOW + HOUR),
        NOW + HOUR,
    ),
    Case("order: h-002 has no auction", BRIAN, cancel(AUCTION)),
    Case("is cancelled; only an open one can be cancelled", AMINA, cancel(CANCELLED)),
    Case("h-003 has bid; only an auction without a bid", AMINA, cancel(BID_ON)),
    Case("order: the auction ended at", AMINA, cancel(AUCTION, NOW + HOUR), NOW + HOUR),
    Case("period: no period of 30 minutes starts at", BRIAN, sell_ahead("2026-11-20T12:37Z")),
    Case("the first open one is 2026-11-20T13:00Z", BRIAN, sell_ahead("2026-11-20T12:30Z")),
    Case("the last open one is 2026-11-27T12:00Z", BRIAN, sell_ahead("2026-11-28T12:00Z")),
    Case("period: h-001 has a net-metering contract", AMINA, sell_ahead("2026-11-20T13:00Z")),
    Case("the contracts for 2026-11-20T14:00Z are made; choose a later", BRIAN, sell_ahead("2026-11-20T14:00Z")),
    Case("wh: the order holds KES", BRIAN, sell_ahead("2026-11-20T13:00Z", 90_000)),
    Case(
        "cancel the orders to sell for 2026-11-20T13:00Z first",
        CHEBET,
        BuyAhead(**head(NEW), period="2026-11-20T13:00Z", wh=100, at_most=900),
    ),
    Case(
        "order at most 300 Wh or allow more",
        BRIAN,
        BuyAhead(**head(NEW), period="2026-11-20T13:00Z", wh=301, at_most=900),
    ),
    Case("order: h-002 has no order", BRIAN, cancel(AHEAD)),
    Case("is cancelled; only an open order can be", CHEBET, cancel(TAKEN_BACK)),
    Case("on: no meter of this household has told", BRIAN, SwitchConnection(**head(NEW), on=False)),
    Case("on: the community protects", AMINA, SwitchConnection(**head(NEW), on=False)),
    Case("KES 10 or more; this would be KES 3", BRIAN, PayOut(**head(NEW), kes=3)),
    Case("serves the community kisima, not other", BRIAN, PayOut(**head(NEW) | {"community": "other"})),
    Case("sent_at: that was 901 s ago", BRIAN, PayOut(**head(NEW) | {"sent_at": UNIX - 901})),
    Case("sent_at: that is 301 s in the future", BRIAN, PayOut(**head(NEW) | {"sent_at": UNIX + 301})),
    Case(
        "was used for another message",
        CHEBET,
        SellAhead(**head(AHEAD), period="2026-11-20T13:00Z", wh=101, at_least=9),
    ),
    Case(
        "was used by somebody else",
        BRIAN,
        SellAhead(**head(AHEAD), period="2026-11-20T13:00Z", wh=100, at_least=900),
    ),
    Case("it is binding now", CHEBET, cancel(AHEAD, NEW_GATE := NOW + timedelta(minutes=46)), NEW_GATE),
]


@pytest.fixture
def connection() -> Iterator[Connection]:
    """A village with open, locked, filled and cancelled orders, auctions and an order for a period to come."""
    with (
        in_memory(MEMBERS, CHAIN, cents=3_000, wh=2_000) as engine,
        engine.connect() as connection,
        connection.begin(),
    ):
        connection.execute(update(household).where(household.c.id == "h-004").values(rated_pv_w=0))
        connection.execute(
            insert(burn_allowance).values(community_id=VILLAGE, household_id="h-002", remaining_wh=300)
        )
        connection.execute(
            insert(relay).values(
                community_id=VILLAGE, household_id="h-001", is_protected=True, is_ended=False,
                is_asked_off=False, report=b"told", reported_at=NOW,
            )
        )  # fmt: skip
        connection.execute(
            insert(contract).values(
                community_id=VILLAGE, start=NOW + 2 * HOUR, number=1, seller="h-001", buyer="h-003", wh=1,
                cents_per_kwh=1, concluded_at=NOW, delivered_wh=0, backfill_wh=0, spare_wh=0,
            )
        )  # fmt: skip
        tell(connection, AMINA, sale(CHAIN, AMINA, OPEN_SALE, 500, 1_000))
        spot.locks_final(connection, COMMUNITY, {str(OPEN_SALE): None}, NOW)
        tell(connection, AMINA, sale(CHAIN, AMINA, PENDING, 100, 1_000))
        tell(connection, CHEBET, BuyOrder(**head(FILLED), wh=100, at_most=1_000))
        for order in (AUCTION, BID_ON, CANCELLED):
            tell(connection, AMINA, auction(AMINA, order))
            auctions.lock_final(connection, COMMUNITY, str(order), None, NOW)
        tell(connection, AMINA, CancelOrder(**head(UUID(int=20)), order=CANCELLED))
        tell(connection, CHEBET, Bid(**head(UUID(int=21)), auction=BID_ON, price=1_000))
        for order in (AHEAD, TAKEN_BACK):
            tell(connection, CHEBET, SellAhead(**head(order), period="2026-11-20T13:00Z", wh=100, at_least=900))
        tell(connection, CHEBET, CancelOrder(**head(UUID(int=22)), order=TAKEN_BACK))
        set_net_metering(connection, VILLAGE, "h-001", is_on=True, who="wanjiru", contract="KPLC 12", now=NOW)
        yield connection


def tell(connection: Connection, key: SigningKey, message: AnyMessage, at: datetime = NOW) -> dict[str, Any]:
    return receive(connection, DESK, sign_message(message, key), at)


def places() -> set[tuple[str, int, int]]:
    """Return the module and the lines of each place that raises what a person is told."""
    return {
        (module.__name__, node.lineno, node.end_lineno or node.lineno)
        for module in MODULES
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
        and node.exc.func.id not in OTHERS
    }


def worded() -> list[dict[str, str]]:
    """Return the words of each reader in each language, by the key of what is refused."""
    found = []
    for language in ("en", "sw"):
        texts = json.loads((ROOT / f"custom_components/energy_swap/translations/{language}.json").read_text())
        said = texts["exceptions"].items()
        found.append({key.removeprefix("refused_"): text["message"] for key, text in said})
        words = (ROOT / f"hub/console/src/household/words/refusals.{language}.ts").read_text()
        found.append(dict(re.findall(r'"refused\.(\w+)": "(.*)"', words)))
    return found


def test_every_refusal_says_which_field_and_what_would_be_accepted(connection: Connection) -> None:
    before, words = ledger.trial_balance(connection, VILLAGE), worded()
    assert all(len(said) > 40 for said in words)
    markets = {module.__name__ for module in MARKETS}
    reached = set()
    for case in CASES:
        with pytest.raises(Exception, match=re.escape(case.words)) as refused:
            tell(connection, case.who, case.message, case.at)
        origin, error = refused.traceback[-1], refused.value
        if origin.frame.f_globals["__name__"] in markets and case.who is not DAVID:
            assert any(re.search(rf"\b{name}\b", str(error)) for name in case.message.__struct_fields__), error
        assert isinstance(error, Explained | ledger.Overdrawn)
        figures = {re.sub("_(wh|cents|kes|time)$", "", name) for name in error.numbers}
        for said in words:
            assert set(re.findall(r"{(\w+)}", said[error.key])) <= figures, (error.key, figures)
        reached.add((origin.frame.f_globals["__name__"], origin.lineno + 1))
    assert ledger.trial_balance(connection, VILLAGE) == before
    never = [
        (module, first)
        for module, first, last in places()
        if not any(name == module and first <= line <= last for name, line in reached)
    ]
    assert never == []
