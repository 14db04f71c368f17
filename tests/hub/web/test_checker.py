"""Messages that come many at a time have their signatures checked by a process of its own, to the same end."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from energy_swap_hub.settlement.opening import open_checked, open_message
from energy_swap_hub.storage import Database
from energy_swap_hub.web.checker import Checker, Place, verdict
from energy_swap_hub.web.message_queue import MessageQueue
from energy_swap_protocol.message import BuyOrder, Envelope, MessageError, sign_message
from energy_swap_protocol.transaction import TransactionError

from tests.hub.beside import kill
from tests.hub.trading import NOW, found, head, hub_desk, keys, sale

DESK, CHAIN = hub_desk()
HUB = DESK.tokens.hub
PLACE = Place(bytes(CHAIN.mint), bytes(CHAIN.escrow), bytes(CHAIN.hub))
MEMBERS = keys(3)


def buy(number: int, member: int = 1) -> Envelope:
    return sign_message(BuyOrder(**head(UUID(int=number)), wh=100, at_most=1_000), MEMBERS[member])


def sell(number: int, *, signed_by: int = 0, lock_by: int = 0) -> Envelope:
    return sign_message(sale(CHAIN, MEMBERS[lock_by], UUID(int=number), 100, 900), MEMBERS[signed_by])


def forged(envelope: Envelope) -> Envelope:
    return Envelope(
        sign_message(BuyOrder(**head(UUID(int=9)), wh=100, at_most=1), MEMBERS[2]).signer, *rest(envelope)
    )


def rest(envelope: Envelope) -> tuple[str, str]:
    return envelope.payload, envelope.signature


ODD = Envelope("AA", "not base64!", "AA")


@pytest.fixture
async def checker() -> AsyncIterator[Checker]:
    checker = Checker(HUB)
    assert not checker.process.is_ready(), "it is started only now"
    await checker.process.start()
    assert checker.process.is_ready()
    yield checker
    await checker.process.close()


async def test_the_process_finds_what_the_hub_itself_would_find(checker: Checker) -> None:
    envelopes = [sell(1), buy(2), forged(buy(3)), ODD, sell(4, lock_by=1), buy(5)]
    verdicts = await checker.check(envelopes, PLACE)
    for envelope, found_out in zip(envelopes, verdicts, strict=True):
        if found_out.refusal is not None:
            with pytest.raises(MessageError, match=re.escape(found_out.refusal)):
                open_message(DESK, envelope, CHAIN)
            continue
        own: Any = open_message(DESK, envelope, CHAIN)
        refusal = found_out.lock_refusal
        told = open_checked(DESK, envelope, found_out.lock if refusal is None else TransactionError(refusal))
        for field in ("id", "signer", "message", "payload", "signature"):
            assert getattr(told, field) == getattr(own, field)
        if isinstance(own.lock, TransactionError):
            assert str(told.lock) == str(own.lock)
        else:
            assert told.lock == own.lock
    assert [one.refusal is None for one in verdicts] == [True, True, False, False, True, True]
    assert verdicts[0].lock is not None
    assert verdicts[4].lock_refusal is not None
    without_chain = await checker.check([sell(1)], None)
    assert (without_chain[0].lock, without_chain[0].lock_refusal) == (None, None)
    assert without_chain[0] == verdict(sell(1), None, HUB)


@pytest.mark.parametrize("is_lost", [False, True])
async def test_a_queue_answers_many_messages_whether_or_not_the_process_is_there(
    tmp_path: Path, is_lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("energy_swap_hub.web.message_queue._MANY", 2)
    database = Database.open(tmp_path / "hub.sqlite")
    await database.write(lambda c: found(c, CHAIN, MEMBERS, cents=1_000_000, wh=1_000_000))
    queue = MessageQueue(database, DESK, lambda: NOW, lambda: None)
    try:
        await queue.start_checker()
        if is_lost:
            await kill(queue._checker.process)
        for first in (1, 100):
            envelopes = [*(sell(first + n) for n in range(5)), forged(buy(first + 5)), buy(first + 6)]
            answers = await asyncio.gather(*map(queue.receive, envelopes), return_exceptions=True)
            assert [a["status"] for a in answers if isinstance(a, dict)] == ["pending_lock"] * 5 + ["open"]
            assert isinstance(answers[5], MessageError)
        assert queue._checker.process.is_ready() != is_lost
    finally:
        await queue.close()
        await database.close()
