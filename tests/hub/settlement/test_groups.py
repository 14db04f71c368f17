"""However messages are grouped, each has the answer and the effects that it would have had alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from typing import Any
from uuid import UUID

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.chain.community import CommunityChain
from energy_swap_hub.chain.tables import chain_intent
from energy_swap_hub.ledger import tables as ledger_tables
from energy_swap_hub.ledger.tables import currency_of
from energy_swap_hub.settlement import spot, spot_tables, tables
from energy_swap_hub.settlement.messages import receive, receive_group
from energy_swap_hub.settlement.notifications import notifications_after
from energy_swap_hub.settlement.opening import open_message
from energy_swap_hub.settlement.trades import book_held_trades
from energy_swap_protocol.message import (
    AnyMessage,
    BuyOrder,
    CancelOrder,
    Envelope,
    MessageError,
    SellOrder,
    StandingOrder,
    sign_message,
)
from energy_swap_protocol.transaction import TransactionError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, select

from tests.hub.trading import COMMUNITY, FEES, NOW, VILLAGE, head, hub_desk, in_memory, keys, sale

CENTS, WH = 3_000, 2_000
DESK, CHAIN = hub_desk()
MEMBERS = keys(4)  # the fourth belongs to no household

who = st.sampled_from([0, 0, 1, 1, 2, 2, 3])
wh = st.sampled_from([100, 333, 500, 900])
limit = st.sampled_from([900, 1_000, 1_003, 1_200])
percent = st.sampled_from([0, 0, 0, 80, 85])
rarely = st.sampled_from([False, False, False, True])
seller = st.sampled_from([None, None, None, "h-001", "h-002", "h-009"])
step = st.one_of(
    st.tuples(st.just("sell"), who, wh, limit, rarely, percent),
    st.tuples(st.just("buy"), who, wh, limit, rarely, percent, seller, rarely),
    st.tuples(st.just("buy"), who, wh, limit, rarely, percent, seller, rarely),
    st.tuples(st.just("cancel"), who, st.integers(0, 9)),
    st.tuples(st.just("again"), who, st.integers(0, 9)),
    st.tuples(st.just("limits"), who),
)
# Between messages the chain may confirm locks, or refuse them, and time may pass.
between = st.one_of(
    st.tuples(st.just("lock"), st.lists(st.tuples(st.integers(0, 9), rarely), min_size=1, max_size=4)),
    st.tuples(st.just("wait"), st.integers(1, 6)),
)
story = st.lists(st.tuples(st.lists(step, max_size=8), between), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """A village in memory; each run is rolled back."""
    with in_memory(MEMBERS[:3], CHAIN, cents=CENTS, wh=WH) as engine:
        yield engine


@dataclass
class Life:
    """Tells a story to a village where some sales rest; messages come in groups of ``sizes``, again and again."""

    connection: Connection
    sizes: Sequence[int]
    minutes: int = 0
    sent: list[tuple[int, AnyMessage]] = field(default_factory=list)
    answers: list[object] = field(default_factory=list)

    def tell(self, story: Sequence[tuple[Sequence[tuple[Any, ...]], tuple[Any, ...]]]) -> None:
        for number, (wh, at_least) in enumerate([(900, 900), (500, 1_000), (333, 1_003)]):
            self.send([self.envelope(("sell", number % 2, wh, at_least, False, 0))])
            spot.locks_final(self.connection, COMMUNITY, {str(UUID(int=number + 1)): None}, NOW)
        for steps, (what, *rest) in story:
            envelopes = [self.envelope(step) for step in steps]
            self.send(envelopes)
            now = NOW + timedelta(minutes=self.minutes)
            if what == "wait":
                self.minutes += rest[0]
                spot.expire_orders(self.connection, COMMUNITY, NOW + timedelta(minutes=self.minutes))
            else:
                sales = [message.id for _, message in self.sent if isinstance(message, SellOrder)]
                errors = {str(sales[-1 - n % len(sales)]): "it expired" if fails else None for n, fails in rest[0]}
                for some in ([one] for one in errors.items()) if max(self.sizes) == 1 else (errors.items(),):
                    spot.locks_final(self.connection, COMMUNITY, dict(some), now)

    def envelope(self, step: tuple[Any, ...]) -> Envelope:
        what, number, *rest = step
        key, order = MEMBERS[number], UUID(int=len(self.sent) + 1)
        message: AnyMessage
        if what == "again" and rest[0] < len(self.sent):
            number_before, message = self.sent[rest[0]]
            key = MEMBERS[number_before]
        elif what == "sell":
            message = sale(CHAIN, key, order, rest[0], rest[1], post_only=rest[2], minimum_reputation=rest[3])
        elif what == "buy":
            until = int((NOW + timedelta(minutes=5)).timestamp()) if rest[5] else None
            wishes = {"post_only": rest[2], "minimum_reputation": rest[3], "seller": rest[4]}
            message = BuyOrder(**head(order), wh=rest[0], at_most=rest[1], valid_until=until, **wishes)
        elif what == "cancel":
            message = CancelOrder(**head(order), order=UUID(int=rest[0] + 1))
        else:
            message = StandingOrder(**head(order), sell_at_least=900)
        self.sent.append((number, message))
        return sign_message(message, key)

    def send(self, envelopes: list[Envelope]) -> None:
        now = NOW + timedelta(minutes=self.minutes)
        sizes = cycle(self.sizes)
        while envelopes:
            size = next(sizes)
            group, envelopes = envelopes[:size], envelopes[size:]
            # Where a lock is completed, here or when the sale is carried out, makes no difference either.
            chain = CHAIN if len(group) > 1 else None
            outcomes = receive_group(self.connection, DESK, [open_message(DESK, one, chain) for one in group], now)
            self.answers += [(type(o), str(o)) if isinstance(o, Exception) else o for o in outcomes]


def all_there_is(connection: Connection) -> dict[str, list[Any]]:
    """Return everything that messages leave behind, but the seals and the stamp, which are random."""
    left_out = {tables.message: {"payload"}, spot_tables.spot_book: {"stamp"}}
    kept = (
        ledger_tables.entry,
        ledger_tables.posting,
        ledger_tables.account_balance,
        ledger_tables.hold,
        tables.trade,
        spot_tables.spot_order,
        spot_tables.spot_book,
        tables.standing_order,
        tables.message,
        tables.notification,
        chain_intent,
    )
    return {
        table.name: list(
            map(
                tuple,
                connection.execute(
                    select(*(c for c in table.c if c.name not in left_out.get(table, ()))).order_by(
                        *table.primary_key
                    )
                ),
            )
        )
        for table in kept
    }


def run(engine: Engine, story: Any, sizes: Sequence[int]) -> tuple[list[object], dict[str, list[Any]]]:
    with engine.connect() as connection, connection.begin() as transaction:
        life = Life(connection, sizes)
        life.tell(story)
        assert ledger.first_lie(connection, VILLAGE) is None
        conserved(connection)
        left = all_there_is(connection)
        # What comes and goes in one group has no balance; one by one it has one of nothing.
        left["ledger_balance"] = [row for row in left["ledger_balance"] if row[-1]]
        transaction.rollback()
    return life.answers, left


def conserved(connection: Connection) -> None:
    totals = {"KES": 0, "eKWh": 0}
    for account, balance in ledger.trial_balance(connection, VILLAGE).items():
        if account not in (ledger.TRUST_CASH, ledger.MINTED):
            totals[currency_of(account)] += balance
    assert totals == {"KES": 3 * CENTS, "eKWh": 3 * WH}
    row = spot_tables.spot_order.c
    for wh, remaining, order_id in connection.execute(select(row.wh, row.remaining_wh, row.id)):
        fills = spot.order_answer(connection, VILLAGE, order_id)["trades"]
        assert sum(fill["wh"] for fill in fills) == wh - remaining


@example(story=[([("sell", 0, 900, 900, False, 0), ("again", 0, 3)], ("wait", 1))], sizes=[2])
@example(story=[([("buy", 2, 100, 900, False, 0, "h-002", False), ("cancel", 2, 3)], ("wait", 1))], sizes=[2])
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=story, sizes=st.lists(st.integers(1, 8), min_size=1, max_size=4))
def test_any_grouping_is_as_one_by_one(engine: Engine, story: Any, sizes: list[int]) -> None:
    assert run(engine, story, sizes) == run(engine, story, [1])


def place(connection: Connection, *messages: tuple[int, AnyMessage]) -> list[Any]:
    opened = [open_message(DESK, sign_message(message, MEMBERS[number])) for number, message in messages]
    return receive_group(connection, DESK, opened, NOW)


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        assert ledger.first_lie(connection, VILLAGE) is None
        transaction.rollback()


def buy(number: int, wh: int = 100, at_most: int = 1_000, **wishes: Any) -> BuyOrder:
    return BuyOrder(**head(UUID(int=number)), wh=wh, at_most=at_most, **wishes)


@pytest.mark.parametrize("chain", [CHAIN, None], ids=["completed before", "completed then"])
def test_a_lock_of_something_else_is_refused(connection: Connection, chain: CommunityChain | None) -> None:
    right = sale(CHAIN, MEMBERS[0], UUID(int=1), 500, 900)
    envelopes = [sign_message(m, MEMBERS[0]) for m in (replace(right, wh=400), right)]
    outcomes = receive_group(connection, DESK, [open_message(DESK, one, chain) for one in envelopes], NOW)
    assert isinstance(outcomes[0], TransactionError)
    assert isinstance(outcomes[1], dict), "the same id again, as nothing came of the first"
    assert ledger.wallet(connection, VILLAGE, "h-001")["ekwh_held_wh"] == 500


def test_a_purchase_holds_only_what_rests(connection: Connection) -> None:
    first = sale(CHAIN, MEMBERS[0], UUID(int=1), 500, 900)
    place(connection, (0, first))
    spot.locks_final(connection, COMMUNITY, {str(first.id): None}, NOW)

    def cents() -> tuple[int, int]:
        wallet = ledger.wallet(connection, VILLAGE, "h-002")
        return wallet["kes_cents"], wallet["kes_held_cents"]

    # Its limit decides what it needs, though it would meet a lower price.
    most = CENTS * 1_000 // 400
    [refused] = place(connection, (1, buy(2, wh=400, at_most=most - FEES + 2)))
    assert (type(refused).__name__, cents()) == ("Overdrawn", (CENTS, 0))
    place(connection, (1, buy(3, wh=400, at_most=most - FEES)))
    paid = 400 * (900 + FEES) // 1_000
    assert cents() == (CENTS - paid, 0)
    place(connection, (1, buy(4, wh=300, at_most=1_800)))
    held = 300 * (1_800 + FEES) // 1_000 - 100 * (900 + FEES) // 1_000
    assert cents() == (CENTS - paid - 100 * (900 + FEES) // 1_000 - held, held)
    names = connection.execute(select(ledger_tables.hold.c.id)).scalars()
    assert sorted(names) == [f"order:{UUID(int=n)}" for n in (1, 4)]


def test_a_refused_order_changes_nothing_for_its_group(connection: Connection) -> None:
    dear = buy(2, wh=10_000)
    outcomes = place(connection, (0, buy(1)), (0, dear), (3, buy(3)), (1, buy(4)))
    assert [type(outcome).__name__ for outcome in outcomes] == ["dict", "Overdrawn", "NotAdmitted", "dict"]
    messages = connection.execute(select(tables.message.c.id).order_by(tables.message.c.id)).scalars().all()
    assert messages == [str(UUID(int=1)), str(UUID(int=4))]
    assert ledger.hold_remaining(connection, VILLAGE, f"order:{dear.id}") == 0


def test_who_waits_in_the_book_is_told_and_who_came_has_the_answer(connection: Connection) -> None:
    first = sale(CHAIN, MEMBERS[0], UUID(int=1), 500, 900)
    place(connection, (0, first))
    spot.locks_final(connection, COMMUNITY, {str(first.id): None}, NOW)
    until = int(NOW.timestamp()) + 60
    place(connection, (1, buy(2, wh=200)), (2, buy(3, at_most=800, valid_until=until)))
    spot.expire_orders(connection, COMMUNITY, NOW + timedelta(minutes=1))
    told = [notifications_after(connection, VILLAGE, f"h-00{n}", 0) for n in (1, 2, 3)]
    events = [[{k: v for k, v in one.items() if k not in ("number", "at")} for one in mine] for mine in told]
    matched = {"event": "order_matched", "order": str(first.id), "wh": 200, "cents_per_kwh": 900}
    ended = {"event": "order_ended", "order": str(UUID(int=3)), "reason": "expired", "remaining_wh": 100}
    assert events == [[matched | {"remaining_wh": 300}], [], [ended]]


def test_the_same_message_twice_in_a_group_has_one_effect_unless_it_was_refused(connection: Connection) -> None:
    again, dear = buy(1), buy(2, wh=10_000)
    outcomes = place(connection, (0, again), (0, again), (0, dear), (0, dear), (1, again))
    assert outcomes[0] == outcomes[1]
    assert [type(outcome).__name__ for outcome in outcomes[2:]] == ["Overdrawn", "Overdrawn", "MessageRefused"]
    assert ledger.wallet(connection, VILLAGE, "h-001")["kes_held_cents"] == 120


def test_an_order_that_breaks_the_hub_fails_alone(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sale(CHAIN, MEMBERS[0], UUID(int=1), 500, 900)
    place(connection, (0, first))
    spot.locks_final(connection, COMMUNITY, {str(first.id): None}, NOW)

    def broken(*given: Any, **more: Any) -> Any:
        booked = book_held_trades(*given, **more)
        if booked[0].held.trade.buyer == "h-002":
            raise RuntimeError("a mistake of ours, in the middle of a fill")
        return booked

    monkeypatch.setattr("energy_swap_hub.settlement.spot_trades.book_held_trades", broken)
    outcomes = place(connection, (2, buy(2, wh=200)), (1, buy(3, wh=200)), (2, buy(4, wh=300)))
    assert [type(outcome).__name__ for outcome in outcomes] == ["dict", "RuntimeError", "dict"]
    assert [outcomes[0]["filled_wh"], outcomes[2]["filled_wh"]] == [200, 300]
    assert spot.order_answer(connection, VILLAGE, str(first.id))["status"] == "filled"
    assert ledger.wallet(connection, VILLAGE, "h-002")["kes_cents"] == CENTS


def test_a_book_whose_transaction_was_undone_is_forgotten(connection: Connection) -> None:
    first = sale(CHAIN, MEMBERS[0], UUID(int=1), 500, 900)
    place(connection, (0, first))
    with connection.begin_nested() as savepoint:
        spot.locks_final(connection, COMMUNITY, {str(first.id): None}, NOW)
        assert place(connection, (1, buy(2)))[0]["filled_wh"] == 100
        savepoint.rollback()
    assert place(connection, (1, buy(2)))[0]["filled_wh"] == 0, "the sale is not locked any more"
    spot.locks_final(connection, COMMUNITY, {str(first.id): None}, NOW)
    answer = spot.order_answer(connection, VILLAGE, str(first.id))
    assert [(fill["buyer"], fill["wh"]) for fill in answer["trades"]] == [("h-002", 100)]


def test_one_alone_raises_what_a_group_tells(connection: Connection) -> None:
    envelope = sign_message(StandingOrder(**head(UUID(int=1)) | {"community": "other"}), MEMBERS[0])
    with pytest.raises(MessageError, match="community: this hub serves the community kisima, not other"):
        receive(connection, DESK, envelope, NOW)
