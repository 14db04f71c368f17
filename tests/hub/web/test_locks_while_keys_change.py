"""What a household locks while the community's keys change: never into an escrow that is about to be left."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from energy_swap_hub.chain.directory import change_community, community_chain
from energy_swap_hub.chain.intent import find
from energy_swap_hub.chain.payload import HouseholdTransaction
from energy_swap_hub.web.message_queue import MessageQueue
from energy_swap_protocol.message import StandingOrder, sign_message
from energy_swap_protocol.transaction import TransactionError, token_account
from solders.keypair import Keypair

from tests.hub.village import VILLAGE, Home, Village, copy_of, open_village


@pytest.fixture
async def village(founded: Path, tmp_path: Path) -> AsyncIterator[Village]:
    async with open_village(copy_of(founded, tmp_path / "village")) as village:
        await village.end_period({village.amina.id: 2_000})
        yield village


async def set_chain(village: Village, **values: Any) -> None:
    await village.database.write(lambda c: change_community(c, VILLAGE, **values))


async def standing(village: Village, queue: MessageQueue, home: Home) -> None:
    order = StandingOrder(**village.head(), sell_at_least=900, buy_at_most=None)
    await queue.receive(sign_message(order, home.key))


async def test_a_lock_is_refused_while_minting_changes_hands_or_the_token_is_paused(village: Village) -> None:
    amina = village.amina
    for values, words in (
        ({"handing_over": "minters:9"}, "going to other keys"),
        ({"handing_over": None, "paused_at": village.now}, "paused"),
    ):
        await set_chain(village, **values)
        with pytest.raises(TransactionError, match=words):
            await village.sell(amina, 100, 900)
        with pytest.raises(TransactionError, match=words):
            await village.start_auction(amina, 100, 900, 10)
    await set_chain(village, paused_at=None)
    await village.sell(amina, 100, 900)


async def test_a_lock_goes_into_the_escrow_of_now_also_when_the_hub_remembered_another(village: Village) -> None:
    amina = village.amina
    queue = MessageQueue(village.database, village.desk, village.clock, lambda: None)
    await standing(village, queue, amina)  # from now on it knows the escrow by heart
    before = (await village.info()).escrow
    old_lock = await village.sell_order(amina, 200, 900)
    mint = (await village.read(lambda c: community_chain(c, VILLAGE))).mint
    now = token_account(Keypair().pubkey(), mint)
    await set_chain(village, escrow=str(now))
    with pytest.raises(TransactionError, match="build it again"):
        await queue.receive(sign_message(old_lock, amina.key))
    sale = await village.sell_order(amina, 300, 900)
    await standing(village, queue, village.brian)
    answer = await queue.receive(sign_message(sale, amina.key))
    assert answer["status"] == "pending_lock"
    intent = await village.read(lambda c: find(c, VILLAGE, f"lock:{sale.id}"))
    assert intent is not None
    assert isinstance(intent.payload, HouseholdTransaction)
    assert (await village.info()).escrow == now != before
    await queue.close()
