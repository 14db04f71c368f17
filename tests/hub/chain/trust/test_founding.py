"""Founding with the trust mode: chosen once, by its program and no other, and what fits into its transactions."""

from datetime import timedelta

import pytest
from energy_swap_hub.chain.build import Facts, draft
from energy_swap_hub.chain.community import CommunityError
from energy_swap_hub.chain.outbox import MAX_READINGS, MAX_RELEASES_BESIDE, enqueue_mint_period, mint_part
from energy_swap_hub.chain.payload import Mint, MintPeriod, Transfer
from energy_swap_protocol.reading import frame_to_text
from solders.message import to_bytes_versioned
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from tests.hub.chain.world import APPROVERS, COMMUNITY, World

from .conftest import Site, Trusting

MOST_BYTES = 4_096  # of a version 1 transaction
HOUSEHOLDS = MAX_READINGS // 2


# What is founded does not depend on the compiler.
clang = pytest.mark.parametrize("content", ["clang, as in the tree"], indirect=True, scope="session")


@clang
async def test_community_is_not_moved_between_the_modes(trusting: Trusting) -> None:
    world = trusting.world
    with pytest.raises(CommunityError, match=r"was founded with trust_mode and the program .*, which is for good"):
        await world.open()
    with pytest.raises(CommunityError, match="which is for good"):
        await world.open(program=Pubkey.new_unique())
    await world.open(program=trusting.program)
    approver = APPROVERS[0].pubkey()
    plain = await world.chain.open_community("plain", [approver], 1)
    assert plain.program is None
    with pytest.raises(CommunityError, match="plain was founded without trust_mode, which is for good"):
        await world.chain.open_community("plain", [approver], 1, trusting.program)


async def test_community_is_founded_with_the_known_program_only(world: World) -> None:
    async def found(program: Pubkey, name: str = "new") -> None:
        await world.chain.open_community(name, [APPROVERS[0].pubkey()], 1, program)

    with pytest.raises(CommunityError, match="is no program on this chain; put one there"):
        await found(Pubkey.new_unique())
    other = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
    with pytest.raises(CommunityError, match=f"trust mode: the program {other} is another one"):
        await found(other)


async def counted(trusting: Trusting, number: int) -> tuple[Site, Mint]:
    """A registered household that exported 500 Wh."""
    site = await trusting.site(number)
    await trusting.send(await trusting.registration(site, APPROVERS[:2]), signers=APPROVERS[:2])
    frames = (frame_to_text(site.counted), frame_to_text(site.next(export_wh=500)))
    return site, Mint(f"h-{number}", str(site.account), 500, frames)


@clang
async def test_the_most_that_is_put_into_a_transaction_fits_and_lands(trusting: Trusting) -> None:
    world, chain = trusting.world, trusting.world.community
    made = [await counted(trusting, 30 + n) for n in range(HOUSEHOLDS)]
    buyers = [await trusting.site(50 + n) for n in range(MAX_RELEASES_BESIDE)]
    name = "2026-11-20T11:30Z.late.12"
    releases = [Transfer(str(buyer.account), 300) for buyer in buyers]
    payload = mint_part(name, 12, 12, [mint for _, mint in made], releases)
    blockhash, _ = await world.node.latest_blockhash()
    plan = draft(chain, payload, trusting.verifier.pubkey(), Facts())
    wire = to_bytes_versioned(plan.message(chain.hub, blockhash))
    longest = len(wire) + 2 * 64 + 32 - len(COMMUNITY)
    assert longest <= MOST_BYTES
    signatures = [key.sign_message(wire) for key in (trusting.hub, trusting.verifier)]
    raw = bytes(VersionedTransaction.populate(plan.message(chain.hub, blockhash), signatures))
    await world.node.send(raw, preflight=True)
    await world.tick()
    assert [await trusting.balance(buyer.account) for buyer in buyers] == [300] * len(buyers)
    landed = await world.node.landed(str(signatures[0]))
    assert landed is not None
    assert landed.fee_lamports == 5_000 * (2 + MAX_READINGS), "a signature each, and one for each reading"


@clang
async def test_period_is_split_by_the_readings_that_the_chain_verifies(trusting: Trusting) -> None:
    world = trusting.world
    site = trusting.amina
    first = trusting.now - timedelta(hours=2)
    frames = (frame_to_text(site.frame()), frame_to_text(site.next(export_wh=500)))
    mints = [Mint(f"h-{n}", str(site.account), 500, frames) for n in range(2 * HOUSEHOLDS + 1)]
    releases = [Transfer(str(site.account), 100) for _ in range(MAX_RELEASES_BESIDE + 3)]
    name = f"{first:%Y-%m-%dT%H:%MZ}"
    ids = await world.enqueue(lambda c: enqueue_mint_period(c, COMMUNITY, name, mints, releases, trusting.now))
    parts = [(await world.intent(one)).payload for one in ids]
    sizes = [(len(part.mints), len(part.releases)) for part in parts if isinstance(part, MintPeriod)]
    assert sizes == [(HOUSEHOLDS, MAX_RELEASES_BESIDE), (HOUSEHOLDS, 3), (1, 0)]
