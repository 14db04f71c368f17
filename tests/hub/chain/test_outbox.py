"""What can be asked of the chain once more, and under which name."""

import pytest
from energy_swap_hub.chain.intent import Intent, State
from energy_swap_hub.chain.outbox import can_be_tried_again, enqueue_again
from energy_swap_hub.chain.payload import (
    Burn,
    BurnPeriod,
    HouseholdTransaction,
    MintPeriod,
    OpenAccount,
    Payload,
    Release,
    Transfer,
    decode,
    memo_of,
)
from energy_swap_hub.chain.tables import chain_intent
from energy_swap_hub.storage import Database
from sqlalchemy import select

from .test_localnet import clock

PERIOD = "2026-11-20T11:30Z"


def failed(intent_id: str, payload: Payload, state: State = State.FAILED) -> Intent:
    return Intent(1, "kisima", intent_id, payload, state, None, None, None, "refused", 0, clock(), clock())


def mint(period: str, part: int, parts: int) -> MintPeriod:
    return MintPeriod(period, part, parts, 60, "root", (), (Transfer("account", 5),))


def burn(period: str) -> BurnPeriod:
    return BurnPeriod(period, 1, 1, (Burn("h-001", "account", 5),))


@pytest.mark.parametrize(
    ("intent_id", "payload", "again", "memo"),
    [
        (f"mint:{PERIOD}", mint(PERIOD, 1, 1), f"mint:{PERIOD}.2", f"es1|kisima|{PERIOD}.2|60|root"),
        (f"mint:{PERIOD}:2/3", mint(PERIOD, 2, 3), f"mint:{PERIOD}.2:2/3", f"es1|kisima|{PERIOD}.2|60|root|2/3"),
        (f"burn:{PERIOD}.9", burn(f"{PERIOD}.9"), f"burn:{PERIOD}.10", f"burn|kisima|{PERIOD}.10"),
        (
            f"burn:{PERIOD}.h-001",
            burn(f"{PERIOD}.h-001"),
            f"burn:{PERIOD}.h-001.2",
            f"burn|kisima|{PERIOD}.h-001.2",
        ),
        ("refund:a/b", Release("refund:a/b", Transfer("account", 5)), "refund:a/b.2", "refund:a/b.2"),
    ],
)
async def test_another_try_has_a_name_and_a_memo_of_its_own(
    intent_id: str, payload: Payload, again: str, memo: str
) -> None:
    database = Database.open(None)
    try:
        for _ in range(2):
            assert await database.write(lambda c: enqueue_again(c, failed(intent_id, payload), clock())) == again
        rows = await database.read(lambda c: list(c.execute(select(chain_intent.c.id, chain_intent.c.state))))
        assert [tuple(row) for row in rows] == [(again, "queued")]
        stored = await database.read(lambda c: c.execute(select(chain_intent.c.payload)).scalar_one())
        assert memo_of(decode(stored), "kisima") == memo
    finally:
        await database.close()


def test_only_what_failed_and_is_the_hubs_own_is_tried_again() -> None:
    own = burn(PERIOD)
    assert can_be_tried_again(failed("burn:1", own))
    assert not can_be_tried_again(None)
    for state in (State.QUEUED, State.SENT, State.CONFIRMED):
        assert not can_be_tried_again(failed("burn:1", own, state))
    for payload in (OpenAccount("h-001", "owner"), HouseholdTransaction("lock:1", "")):
        assert not can_be_tried_again(failed("x", payload))
