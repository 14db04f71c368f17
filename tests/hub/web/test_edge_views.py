"""Edges that ask together are answered together, many of them by a process of its own, to the same end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from energy_swap_hub import ledger
from energy_swap_hub.ledger import Entry, Posting
from energy_swap_hub.membership.households import NotAdmitted
from energy_swap_hub.metering.tables import meter_state
from energy_swap_hub.settlement import spot_tables, tables, totals
from energy_swap_hub.settlement.ahead_tables import ahead_line, ahead_order, contract
from energy_swap_hub.settlement.messages import receive_group
from energy_swap_hub.settlement.notifications import Event, Notification, notifications_after, notify
from energy_swap_hub.settlement.opening import open_message
from energy_swap_hub.settlement.relay_tables import relay
from energy_swap_hub.storage import Database
from energy_swap_hub.web.edge_views import EdgeViews, NewsAsked, ReadingEdgeViews, StateAsked, known
from energy_swap_hub.web.household_view import household_state
from energy_swap_protocol.message import StandingOrder, sign_message
from sqlalchemy import Connection, Table, insert

from tests.hub.beside import kill
from tests.hub.trading import NOW, VILLAGE, found, head, hub_desk, keys

DESK, CHAIN = hub_desk()
MEMBERS = keys(3)
SIGNERS = [bytes(member.verify_key) for member in MEMBERS]
STRANGER = bytes(keys(4)[3].verify_key)
HOUR = timedelta(hours=1)


@pytest.fixture
async def database(where: Path | str) -> AsyncIterator[Database]:
    database = Database.open(where)
    await database.write(lambda c: found(c, CHAIN, MEMBERS, cents=1_000_000, wh=1_000_000))
    yield database
    await database.close()


@pytest.fixture
async def reading(
    database: Database, where: Path | str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ReadingEdgeViews]:
    monkeypatch.setattr("energy_swap_hub.web.edge_views._MANY", 2)
    reading = ReadingEdgeViews(database, where, EdgeViews(DESK.community))
    await reading.process.start()
    yield reading
    await reading.process.close()


def alone(connection: Connection, number: int) -> dict[str, Any]:
    """Return what the household sees of itself when nobody else asks."""
    household = known(connection, SIGNERS[number - 1])
    state = household_state(connection, DESK.community, household, NOW)
    state["told"] = notifications_after(connection, VILLAGE, household.id, 0)
    shown: dict[str, Any] = decoded(msgspec.json.encode(state))
    return shown


def decoded(answer: bytes) -> Any:
    return msgspec.json.decode(answer)


async def test_who_ask_together_are_told_what_each_would_be_alone(
    reading: ReadingEdgeViews, database: Database
) -> None:
    await database.write(let_them_differ)
    states = await asyncio.gather(*(reading.read(StateAsked(signer, NOW)) for signer in SIGNERS * 2))
    news = await asyncio.gather(*(reading.read(NewsAsked(signer, 0)) for signer in SIGNERS))
    for number in (1, 2, 3):
        expected = await database.read(partial(alone, number=number))
        assert decoded(news[number - 1]) == expected.pop("told")
        assert decoded(states[number - 1]) == decoded(states[number + 2]) == expected
    first, second, third = (decoded(state) for state in states[:3])
    assert [state["wallet"]["kes_cents"] for state in (first, second, third)] == [1_000_001, 1_000_002, 1_000_003]
    assert [state["standing_order"]["sell_at_least"] for state in (first, second, third)] == [901, 902, None]
    assert [state["partners"] for state in (first, second, third)] == [["h-002"], ["h-003"], []]
    assert [state["allowance_wh"] for state in (first, second, third)] == [0, 20, 30]
    assert [state["sold_wh"] for state in (first, second, third)] == [0, 7, 0]
    assert [state["accepted_sequence"] for state in (first, second, third)] == [0, 5, 6]
    assert [[order["id"] for order in state["orders"]] for state in (first, second, third)] == [["a"], [], ["b"]]
    assert [len(state["ahead_orders"]) for state in (first, second, third)] == [0, 0, 1]
    assert [[made["with"] for made in state["contracts"]] for state in (first, second, third)] == [
        ["h-002"],
        ["h-003", "h-001"],
        ["h-002"],
    ]
    settled = [state["last_settlement"] for state in (first, second, third)]
    assert [one and (one["net_wh"], one["sold_wh"]) for one in settled] == [(11, 0), (22, 50), None]
    assert [[sale["mine"], sale["leading"]] for state in (first, second, third) for sale in state["auctions"]] == [
        [True, False],
        [False, True],
        [False, False],
    ]
    assert [state["relay"] and state["relay"]["is_asked_off"] for state in (first, second, third)] == [
        None,
        True,
        False,
    ]
    assert [state["reputation"]["facts"]["ended"] for state in (first, second, third)] == [0, 0, 1]
    assert [len(decoded(told)) for told in news] == [1, 2, 3]
    after = decoded(news[2])[1]["number"]
    assert [told["number"] for told in decoded(await reading.read(NewsAsked(SIGNERS[2], after)))] == [
        third["last_notification"]
    ]


def let_them_differ(connection: Connection) -> None:
    """Give each of the three something else of all that a household sees of itself."""

    def put(table: Table, *rows: dict[str, Any]) -> None:
        for row in rows:
            connection.execute(insert(table).values(community_id=VILLAGE, **row))

    for number in (1, 2, 3):
        home = f"h-{number:03d}"
        paid = [Posting(ledger.kes(home), number), Posting(ledger.TRUST_CASH, -number)]
        ledger.post(connection, VILLAGE, Entry("test", f"paid {number}", NOW, "", paid))
        notify(connection, VILLAGE, [Notification(home, Event.TOPPED_UP, {"cents": number})] * number, NOW)
    totals.add(connection, VILLAGE, [totals.Change("h-002", sold_wh=7)])
    prices = {"buy_at_most": None, "sell_at_least": 901}
    put(
        tables.standing_order,
        {"household_id": "h-001", **prices, "valid_from": NOW - HOUR},
        {"household_id": "h-001", **prices, "sell_at_least": 1, "valid_from": NOW + HOUR},  # not yet
        {"household_id": "h-002", **prices, "sell_at_least": 1, "valid_from": NOW - 2 * HOUR},  # not any more
        {"household_id": "h-002", **prices, "sell_at_least": 902, "valid_from": NOW - HOUR},
    )
    put(
        tables.partner_choice,
        {"household_id": "h-001", "partners": ["h-003"], "valid_from": NOW - 2 * HOUR},
        {"household_id": "h-001", "partners": ["h-002"], "valid_from": NOW - HOUR},
        {"household_id": "h-002", "partners": ["h-003"], "valid_from": NOW - HOUR},
        {"household_id": "h-003", "partners": ["h-001"], "valid_from": NOW + HOUR},
    )
    put(
        tables.burn_allowance,
        {"household_id": "h-002", "remaining_wh": 20},
        {"household_id": "h-003", "remaining_wh": 30},
    )
    registers = {"measured_at": 0, "export_wh": 0, "import_wh": 0, "generation_wh": 0}
    put(
        meter_state,
        {"household_id": "h-002", "meter": SIGNERS[1][::-1], "sequence": 5, **registers},
        {"household_id": "h-003", "meter": SIGNERS[2][::-1], "sequence": 6, **registers},
    )
    order = {"wh": 5, "remaining_wh": 5, "limit": 9, "side": "buy", "placed_at": NOW}
    put(
        spot_tables.spot_order,
        {"household_id": "h-001", "id": "a", "number": 1, "status": "open", **order},
        {"household_id": "h-003", "id": "b", "number": 2, "status": "pending_payment", **order},
        {"household_id": "h-003", "id": "c", "number": 3, "status": "filled", **order},
    )
    put(
        ahead_order,
        {"household_id": "h-003", "id": "d", "start": NOW + HOUR, "status": "open", "filled_wh": 0}
        | {name: order[name] for name in ("wh", "limit", "side", "placed_at")},
        {"household_id": "h-002", "id": "e", "start": NOW + HOUR, "status": "cancelled", "filled_wh": 0}
        | {name: order[name] for name in ("wh", "limit", "side", "placed_at")},
    )
    nothing = {"delivered_wh": 0, "backfill_wh": 0, "spare_wh": 0, "wh": 1, "cents_per_kwh": 9}
    for start, number, seller, buyer in (
        (NOW + HOUR, 1, "h-001", "h-002"),
        (NOW - HOUR, 2, "h-002", "h-003"),
        (NOW - 30 * HOUR, 3, "h-003", "h-001"),  # too long ago
    ):
        named = {"start": start, "number": number, "seller": seller, "buyer": buyer, "concluded_at": start}
        put(contract, {**named, **nothing})
    put(tables.position, position("h-001", NOW - 3 * HOUR, 11), position("h-001", NOW - 4 * HOUR, 1))
    put(tables.position, position("h-002", NOW - HOUR, 22), position("h-002", NOW - 3 * HOUR, 2))
    line = {"promised_wh": 50, "delivered_wh": 50, "refunded_cents": 0, "earned_cents": 1, "paid_cents": 0}
    put(
        ahead_line,
        {"start": NOW - HOUR, "household_id": "h-002", "side": "sell", **line}
        | {"difference_cents": 0, "grid_wh": 0, "grid_cents": 0},
    )
    put(
        tables.auction,
        {"id": "f", "seller": "h-001", "wh": 1, "start_price": 5, "ends_at": NOW + HOUR, "status": "open"}
        | {"leader": "h-002", "best_bid": 6, "leader_since": NOW},
    )
    marks = {"is_protected": False, "is_ended": False}
    put(
        relay,
        {"household_id": "h-001", "is_asked_off": False, **marks},  # its meter has told of none
        {"household_id": "h-002", "is_asked_off": True, "report": b"told", **marks},
        {"household_id": "h-003", "is_asked_off": False, "report": b"told", **marks},
    )


def position(home: str, start: datetime, export_wh: int) -> dict[str, Any]:
    zeros = (
        "import_wh",
        "generation_wh",
        "order_wh",
        "own_wh",
        "sold_wh",
        "bought_wh",
        "earned_cents",
        "paid_cents",
    )
    row = {"household_id": home, "start": start, "export_wh": export_wh, "sequence_from": 1, "sequence_to": 2}
    return row | dict.fromkeys(zeros, 0)


async def test_who_may_not_ask_is_refused_and_the_others_are_answered(reading: ReadingEdgeViews) -> None:
    asked = [StateAsked(signer, NOW) for signer in (STRANGER, *SIGNERS)]
    answers = await asyncio.gather(
        *map(reading.read, asked), reading.read(NewsAsked(STRANGER, 0)), return_exceptions=True
    )
    for refusal in (answers.pop(0), answers.pop()):
        assert isinstance(refusal, NotAdmitted)
        assert "apply first" in str(refusal)
        assert refusal.key == "not_admitted_unknown"
    assert all(isinstance(answer, bytes) for answer in answers)


async def test_one_that_cannot_be_answered_fails_alone(reading: ReadingEdgeViews, database: Database) -> None:
    wrong = {"household_id": "h-002", "id": "x", "side": "sell", "wh": 1, "limit": 1, "filled_wh": 0}
    wrong |= {"start": NOW + timedelta(minutes=1), "status": "open", "placed_at": NOW}  # no period begins there
    await database.write(lambda c: c.execute(insert(ahead_order).values(community_id=VILLAGE, **wrong)))
    answers = await asyncio.gather(
        *(reading.read(StateAsked(signer, NOW)) for signer in SIGNERS * 2), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [bytes, ValueError, bytes] * 2


async def test_what_was_acknowledged_before_is_seen(reading: ReadingEdgeViews, database: Database) -> None:
    for price in range(900, 930):
        order = StandingOrder(**head(UUID(int=price)), sell_at_least=price, buy_at_most=None)
        opened = open_message(DESK, sign_message(order, MEMBERS[1]), CHAIN)
        at = NOW + timedelta(seconds=price)
        # Whose look is under way meanwhile may see it or not; who asks afterwards does.
        before = [asyncio.create_task(reading.read(StateAsked(signer, at))) for signer in SIGNERS]
        (answer,) = await database.write(partial(receive_group, desk=DESK, opened=[opened], now=at))
        assert isinstance(answer, dict)
        states = await asyncio.gather(*(reading.read(StateAsked(SIGNERS[1], at)) for _ in range(3)))
        assert {decoded(state)["standing_order"]["sell_at_least"] for state in states} == {price}
        await asyncio.gather(*before)


async def test_a_killed_one_is_done_without(reading: ReadingEdgeViews) -> None:
    await kill(reading.process)
    states = await asyncio.gather(*(reading.read(StateAsked(signer, NOW)) for signer in SIGNERS * 2))
    assert [decoded(state)["household"] for state in states] == ["h-001", "h-002", "h-003"] * 2
