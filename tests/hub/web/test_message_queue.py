"""Messages that come while others are written wait for their turn and keep their order."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest
from energy_swap_hub.settlement.tables import standing_order
from energy_swap_hub.storage import Database
from energy_swap_hub.web.message_queue import MessageQueue
from energy_swap_protocol.message import BuyOrder, CancelOrder, Envelope, StandingOrder, sign_message
from sqlalchemy import select

from tests.hub.trading import NOW, found, head, hub_desk, keys

DESK, CHAIN = hub_desk()
MEMBERS = keys(2)


def limit(number: int) -> Envelope:
    order = StandingOrder(**head(UUID(int=number)), sell_at_least=None, buy_at_most=number)
    return sign_message(order, MEMBERS[0])


def buy(number: int) -> Envelope:
    return sign_message(BuyOrder(**head(UUID(int=1_000 + number)), wh=100, at_most=900), MEMBERS[1])


def cancel(number: int) -> Envelope:
    order = UUID(int=1_000 + number)
    return sign_message(CancelOrder(**head(UUID(int=2_000 + number)), order=order), MEMBERS[1])


async def test_messages_are_carried_out_in_their_order_however_many_groups_they_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("energy_swap_hub.web.message_queue._GROUP", 4)
    database = Database.open(tmp_path / "hub.sqlite")
    await database.write(lambda c: found(c, CHAIN, MEMBERS, cents=1_000_000, wh=1_000_000))
    queue = MessageQueue(database, DESK, lambda: NOW, lambda: None)
    sent = [envelope for n in range(1, 31) for envelope in (buy(n), limit(n), cancel(n))]
    try:
        answers = await asyncio.gather(*map(queue.receive, sent))
        assert [answer["status"] for answer in answers[2::3]] == ["cancelled"] * 30
        limits = await database.read(
            lambda c: list(c.execute(select(standing_order.c.buy_at_most).order_by(standing_order.c.id)).scalars())
        )
        assert limits == list(range(1, 31))
        again = await asyncio.gather(*map(queue.receive, sent[:3]))
        assert [one["id"] for one in again] == [one["id"] for one in answers[:3]]
    finally:
        await queue.close()
        await database.close()
