"""Whatever is traded ahead and whatever the meters show, no cent and no Wh is lost, and no hold is left."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import Entry, Overdrawn, Posting
from energy_swap_hub.ledger.tables import hold
from energy_swap_hub.market.ahead import Contract
from energy_swap_hub.market.delivery import AheadLine
from energy_swap_hub.market.fees import Tariff, tariff_at
from energy_swap_hub.market.period import PeriodOrder, Side
from energy_swap_hub.membership.households import Household
from energy_swap_hub.settlement.ahead import cancel, place
from energy_swap_hub.settlement.ahead_tables import ahead_order, contract
from energy_swap_hub.settlement.clearing import Outcome, Stand, clear, without_contracts
from energy_swap_hub.settlement.deliveries import settle_period_contracts
from energy_swap_hub.settlement.gates import close_gate
from energy_swap_hub.settlement.netting import Position
from energy_swap_hub.settlement.spot import OrderRefused
from energy_swap_hub.settlement.tables import burn_allowance
from energy_swap_protocol.message import BuyAhead, SellAhead
from energy_swap_protocol.period import Period
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

from tests.hub.tables import empty_tables
from tests.hub.village import OPENED, PERIOD, community

PERIOD_AHEAD = Period(OPENED + 4 * PERIOD, PERIOD)
TIME = OPENED + timedelta(minutes=1)
STAGES = (("community",), ("community", "grid"))

seeds = st.integers(0, 2**32 - 1)


@dataclass(frozen=True, slots=True)
class Wish:
    """An order for the period; ``is_cancelled`` before the gate closes."""

    wh: int
    limit: int
    is_cancelled: bool


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A household with its orders, and what its meter shows in the end (None: nothing)."""

    name: str
    side: Side
    cents: int
    allowance_wh: int
    wishes: Sequence[Wish]
    net_export_wh: int | None
    period_limit: int

    @property
    def household(self) -> Household:
        return Household(self.name, self.name, b"", b"", 5_000, 10_000, "admitted", OPENED)


def any_neighbours(chance: Random) -> list[Neighbour]:
    """Return sellers and buyers whose limits often cross; the meters mostly show what was promised in kind."""
    found: list[Neighbour] = []
    for side in (Side.SELL, Side.BUY):
        for _ in range(chance.randint(1, 3)):
            limits = (1, 1_500) if side is Side.SELL else (500, 2_600)
            wishes = [
                Wish(chance.randint(100, 3_000), chance.randint(*limits), chance.random() < 0.1)
                for _ in range(chance.randint(1, 3))
            ]
            shown = chance.randint(0, 4_000) if chance.random() < 0.8 else None
            if shown is not None and (side is Side.BUY) != (chance.random() < 0.1):
                shown = -shown
            found.append(
                Neighbour(
                    f"h-{len(found):03}",
                    side,
                    chance.choice([50_000] * 4 + [3_000, 0]),
                    chance.choice([50_000] * 4 + [700, 0]),
                    wishes,
                    shown,
                    chance.randint(1, 2_600),
                )
            )
    return found


def any_tariff(chance: Random) -> Tariff:
    return Tariff(
        OPENED - PERIOD,
        chance.randint(0, 99),
        chance.randint(0, 199),
        chance.choice([0, 2_000, 2_501]),
        chance.choice([0, 300, 1_499]),
    )


@pytest.fixture(scope="module")
def books() -> Iterator[Connection]:
    """Tables that every example finds empty (`forgotten`)."""
    with empty_tables() as connection:
        yield connection


@contextmanager
def forgotten(connection: Connection) -> Iterator[None]:
    """Take back all that is done inside."""
    savepoint = connection.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()


def fund(connection: Connection, rules: CommunityConfig, neighbour: Neighbour) -> None:
    postings = [Posting(ledger.TRUST_CASH, -neighbour.cents), Posting(ledger.kes(neighbour.name), neighbour.cents)]
    ledger.post(connection, rules.id, Entry("test", neighbour.name, OPENED, "money", postings))
    connection.execute(
        insert(burn_allowance).values(
            community_id=rules.id, household_id=neighbour.name, remaining_wh=neighbour.allowance_wh
        )
    )


def order(connection: Connection, rules: CommunityConfig, neighbours: Iterable[Neighbour]) -> None:
    """Let everybody place its orders, cancel some, and be refused what it cannot pay."""
    number = 0
    for neighbour in neighbours:
        for wish in neighbour.wishes:
            number += 1
            head = {"id": UUID(int=number), "community": rules.id, "sent_at": 0, "period": PERIOD_AHEAD.id}
            message = (
                SellAhead(**head, wh=wish.wh, at_least=wish.limit)  # type: ignore[arg-type]
                if neighbour.side is Side.SELL
                else BuyAhead(**head, wh=wish.wh, at_most=wish.limit)  # type: ignore[arg-type]
            )
            try:
                place(connection, rules, neighbour.household, message, TIME)
            except Overdrawn, OrderRefused:
                continue
            if wish.is_cancelled:
                cancel(connection, rules, neighbour.household, str(message.id), TIME)


def money(connection: Connection, rules: CommunityConfig) -> dict[str, int]:
    return {k: v for k, v in ledger.trial_balance(connection, rules.id).items() if "ekwh" not in k}


def open_holds(connection: Connection, rules: CommunityConfig) -> dict[str, int]:
    query = select(hold.c.id, hold.c.remaining).where(hold.c.community_id == rules.id, hold.c.is_open == 1)
    return {found.id: found.remaining for found in connection.execute(query)}


def stand(neighbour: Neighbour, line: AheadLine | None) -> Stand:
    """Return where a household stands; it offers, or wants, all that its contracts leave."""
    net = neighbour.net_export_wh or 0
    position = Position(neighbour.name, max(net, 0), max(-net, 0), 0, 1, 2)
    left = without_contracts(position, line)
    wh = left.net_export_wh or left.net_import_wh
    side = Side.SELL if left.net_export_wh else Side.BUY
    wanted = PeriodOrder(neighbour.name, side, wh, neighbour.period_limit) if wh else None
    return Stand(neighbour.household, position, wanted, 0, line)


def assert_every_wh_is_somewhere(outcome: Outcome, *, is_grid_last: bool) -> None:
    position = outcome.stand.position
    assert outcome.minted_wh + max(outcome.grid_wh, 0) == position.net_export_wh
    assert 0 <= outcome.sold_wh <= outcome.minted_wh
    assert outcome.received_wh >= outcome.bought_wh
    used = outcome.burned_wh + max(-outcome.grid_wh, 0)
    assert used == position.net_import_wh if is_grid_last else used <= position.net_import_wh


@settings(max_examples=80, deadline=None)
@given(seed=seeds)
def test_no_cent_and_no_wh_is_lost_from_orders_to_delivery(books: Connection, seed: int) -> None:
    chance = Random(seed)
    neighbours, tariff, stages = any_neighbours(chance), any_tariff(chance), chance.choice(STAGES)
    rules, connection = community(tariffs=(tariff,), stages=stages), books
    with forgotten(books):
        for neighbour in neighbours:
            fund(connection, rules, neighbour)
        order(connection, rules, neighbours)
        made = close_gate(connection, rules, PERIOD_AHEAD, PERIOD_AHEAD.start)
        promised = open_holds(connection, rules)
        assert set(promised) == {
            f"contracts:{PERIOD_AHEAD.id}:{name}" for c in made for name in (c.seller, c.buyer)
        }
        before = money(connection, rules)
        shown = {neighbour.name: neighbour.net_export_wh for neighbour in neighbours}
        lines = settle_period_contracts(connection, rules, PERIOD_AHEAD, shown, PERIOD_AHEAD.end)
        after = money(connection, rules)

        assert sum(after.values()) == 0
        assert open_holds(connection, rules) == {}
        changed = {name: after.get(name, 0) - before.get(name, 0) for name in before.keys() | after.keys()}
        for neighbour in neighbours:
            kes, kept = ledger.kes(neighbour.name), ledger.kes_held(neighbour.name)
            held = promised.get(f"contracts:{PERIOD_AHEAD.id}:{neighbour.name}", 0)
            assert (changed.get(kept, 0), after.get(kept, 0)) == (-held, 0)
            # Nobody pays more than was held: at worst nothing of it comes back.
            assert changed.get(kes, 0) >= 0
        delivered = sum(line.sold_wh for line in lines.values())
        assert delivered == sum(line.bought_wh for line in lines.values())
        assert changed.get(ledger.FEES, 0) == round_half_even(delivered * tariff.community_fee_cents_per_kwh)
        assert changed.get(ledger.GRID, 0) == round_half_even(delivered * tariff.grid_fee_cents_per_kwh)
        assert abs(changed.get(ledger.ROUNDING, 0)) <= 2 * len(lines) + 1

        stands = [stand(neighbour, lines.get(neighbour.name)) for neighbour in neighbours]
        cleared = clear(stands, PERIOD_AHEAD, tariff_at(rules.tariffs, PERIOD_AHEAD.start), stages=stages)
        for outcome in cleared.outcomes:
            assert_every_wh_is_somewhere(outcome, is_grid_last="grid" in stages)
        assert sum(o.sold_wh for o in cleared.outcomes) == sum(o.bought_wh for o in cleared.outcomes)
        # Settled once: a second time finds nothing to do.
        assert settle_period_contracts(connection, rules, PERIOD_AHEAD, shown, PERIOD_AHEAD.end) == {}
        assert money(connection, rules) == after


def round_half_even(thousandths: int) -> int:
    return round(thousandths / 1_000)


@settings(max_examples=40, deadline=None)
@given(seed=seeds)
def test_the_order_of_arrival_changes_no_contract(books: Connection, seed: int) -> None:
    chance = Random(seed)
    neighbours, tariff = any_neighbours(chance), any_tariff(chance)

    def contracts(arrivals: Iterable[Neighbour]) -> tuple[tuple[Contract, ...], set[tuple[object, ...]]]:
        rules, connection = community(tariffs=(tariff,)), books
        with forgotten(books):
            for neighbour in neighbours:
                fund(connection, rules, neighbour)
            order(connection, rules, arrivals)
            made = close_gate(connection, rules, PERIOD_AHEAD, PERIOD_AHEAD.start)
            stored = connection.execute(
                select(contract.c.number, contract.c.seller, contract.c.buyer, contract.c.wh)
            )
            row = ahead_order.c
            filled = connection.execute(select(row.household_id, row.limit, row.wh, row.filled_wh, row.status))
            assert {tuple(found) for found in stored} == {(c.number, c.seller, c.buyer, c.wh) for c in made}
            return made, {tuple(found) for found in filled}

    assert contracts(neighbours) == contracts(list(reversed(neighbours)))
