"""The token's whole life, unchanged, on the embedded chain and on a Solana server that is not ours."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from energy_swap_hub.chain import (
    Burn,
    Mint,
    State,
    Transfer,
    enqueue_burn_period,
    enqueue_mint_period,
    enqueue_refund,
    enqueue_release,
)
from energy_swap_hub.chain.client import NodeRefusedError
from energy_swap_protocol.transaction import TOKEN_2022
from solders.instruction import Instruction
from spl.token.instructions import mint_to_checked
from spl.token.models import MintToCheckedParams

from .servers import KINDS, community_on
from .test_token_life import attempt
from .world import APPROVERS, COMMUNITY, World, frame, now


@pytest.fixture(params=KINDS)
async def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A community on a chain in another process."""
    async with community_on(request.param, tmp_path) as (world, _):
        yield world


async def test_a_token_lives_from_its_making_to_its_burning(anywhere: World) -> None:
    world, chain = anywhere, anywhere.chain
    # Admission: inert until two of three have signed.
    seller, buyer = await world.household("h-001", 1), await world.household("h-002", 2)
    stranger = await world.open_account("h-003", APPROVERS[0].pubkey())
    assert [h.is_frozen if h else None for h in await chain.holdings([seller.account, stranger])] == [False, True]

    # A period is minted with the second signature only, as one version 1 transaction.
    mints = [
        Mint("h-001", str(seller.account), 5000, (frame(1, 100), frame(1, 5100))),
        Mint("h-002", str(buyer.account), 30, (frame(2, 0), frame(2, 30))),
    ]
    gives = [Transfer(str(buyer.account), 1030), Transfer(str(seller.account), 4000)]
    period = "2026-11-20T11:30Z"
    (minted,) = await world.enqueue(lambda c: enqueue_mint_period(c, COMMUNITY, period, mints, gives, now()))
    intent = await world.confirmed(minted)
    assert intent.fee_lamports == 10_000
    assert await chain.balances_wh([seller.account, buyer.account]) == [4000, 1030]
    history = await world.node.call("getSignaturesForAddress", str(world.community.escrow), {"limit": 1})
    assert f"es1|{COMMUNITY}|{period}|2|" in history[0]["memo"]
    assert history[0]["signature"] == intent.signature
    with pytest.raises(NodeRefusedError):
        await attempt(world, mint_alone(world))

    # Escrow: to the buyer in parts, the rest back.
    order = uuid4()
    await world.confirmed(await seller.lock(3000, order))
    assert (await seller.balance(), await chain.escrow_wh(COMMUNITY)) == (1000, 3000)
    for change in (
        lambda c: enqueue_release(c, COMMUNITY, f"{order}/1", buyer.account, 1500, now()),
        lambda c: enqueue_refund(c, COMMUNITY, str(order), seller.account, 1500, now()),
    ):
        await world.confirmed(await world.enqueue(change))
    assert await chain.balances_wh([seller.account, buyer.account]) == [2500, 2530]
    assert await chain.escrow_wh(COMMUNITY) == 0
    overdrawn = await world.done(await seller.lock(2501))
    assert overdrawn.state is State.FAILED
    assert "insufficient funds" in (overdrawn.error or "")

    # Burning: within the allowance, and no Wh more.
    await world.confirmed(await buyer.allow(2000))
    burn = Burn("h-002", str(buyer.account), 1900)
    (burned,) = await world.enqueue(lambda c: enqueue_burn_period(c, COMMUNITY, period, [burn], now()))
    await world.confirmed(burned)
    (refused,) = await world.enqueue(lambda c: enqueue_burn_period(c, COMMUNITY, f"{period}.2", [burn], now()))
    assert (await world.done(refused)).state is State.FAILED
    assert await chain.balances_wh([seller.account, buyer.account]) == [2500, 630]
    assert await chain.supply_wh(COMMUNITY) == 5030 - 1900
    assert await chain.allowances_wh([buyer.account]) == [100]

    # Another hub process on the same database finds everything done, and does nothing again.
    again = world.new_chain()
    assert await again.open_community(COMMUNITY, [k.pubkey() for k in APPROVERS], 2) == world.community
    await again.send_waiting()
    assert await again.supply_wh(COMMUNITY) == 3130


def mint_alone(world: World) -> Instruction:
    hub = world.keys.hub.pubkey()
    return mint_to_checked(
        MintToCheckedParams(
            program_id=TOKEN_2022, mint=world.community.mint, dest=world.community.escrow,
            mint_authority=world.community.authority, amount=1, decimals=3, signers=[hub],
        )
    )  # fmt: skip
