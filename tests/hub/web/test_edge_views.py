"""Edges that ask many at a time are answered by a process of its own, to the same end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from energy_swap_hub.membership.households import NotAdmitted
from energy_swap_hub.settlement.messages import receive_group
from energy_swap_hub.settlement.opening import open_message
from energy_swap_hub.storage import Database
from energy_swap_hub.web.edge_views import EdgeViews, ReadingEdgeViews
from energy_swap_protocol.message import StandingOrder, sign_message

from tests.hub.beside import kill
from tests.hub.trading import NOW, found, head, hub_desk, keys

DESK, CHAIN = hub_desk()
MEMBERS = keys(3)
SIGNERS = [bytes(member.verify_key) for member in MEMBERS]
STRANGER = bytes(keys(4)[3].verify_key)


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


async def test_the_process_answers_what_the_hub_itself_would(
    reading: ReadingEdgeViews, database: Database
) -> None:
    views = reading.views
    states = await asyncio.gather(*(reading.read(views.state, signer, NOW) for signer in SIGNERS * 4))
    told = await asyncio.gather(*(reading.read(views.notifications, signer, 0) for signer in SIGNERS))
    for number, signer in enumerate(SIGNERS):
        assert (
            states[number]
            == states[number + 3]
            == await database.read(partial(views.state, signer=signer, now=NOW))
        )
        assert told[number] == await database.read(partial(views.notifications, signer=signer, after=0))
    assert len({state["household"] for state in states}) == 3


async def test_who_may_not_ask_is_refused_and_the_others_are_answered(reading: ReadingEdgeViews) -> None:
    asked = [reading.read(reading.views.state, signer, NOW) for signer in (*SIGNERS, STRANGER, *SIGNERS)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refusal = answers.pop(3)
    assert isinstance(refusal, NotAdmitted)
    assert "apply first" in str(refusal)
    assert all(isinstance(answer, dict) for answer in answers)


async def test_what_was_acknowledged_before_is_seen(reading: ReadingEdgeViews, database: Database) -> None:
    for price in range(900, 930):
        order = StandingOrder(**head(UUID(int=price)), sell_at_least=price, buy_at_most=None)
        opened = open_message(DESK, sign_message(order, MEMBERS[1]), CHAIN)
        at = NOW + timedelta(seconds=price)
        (answer,) = await database.write(partial(receive_group, desk=DESK, opened=[opened], now=at))
        assert isinstance(answer, dict)
        states = await asyncio.gather(*(reading.read(reading.views.state, SIGNERS[1], at) for _ in range(3)))
        assert {state["standing_order"]["sell_at_least"] for state in states} == {price}


async def test_a_killed_one_is_done_without(reading: ReadingEdgeViews) -> None:
    await kill(reading.process)
    states = await asyncio.gather(*(reading.read(reading.views.state, signer, NOW) for signer in SIGNERS * 2))
    assert len(states) == 6
