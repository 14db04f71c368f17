"""Another key takes the hub's place: handed over by the old one, or by both verifiers when that is lost."""

from collections.abc import Sequence

import pytest
from energy_swap_hub.chain import ApprovalError, Intent, Mint, Stage, State, Transfer, enqueue_mint_period
from energy_swap_hub.chain.client import NodeRefusedError
from energy_swap_hub.chain.community import CommunityError, check_community
from energy_swap_hub.chain.directory import household_account
from energy_swap_hub.chain.keys import CoSigner, HubKeys, LocalCoSigner, ReserveCoSigner
from energy_swap_hub.chain.nonces import community_nonce, household_nonce
from energy_swap_hub.chain.outbox import enqueue_burn_period, enqueue_pause, enqueue_refund
from energy_swap_hub.chain.payload import Burn
from energy_swap_hub.chain.proposal import HubChange, Suspension
from energy_swap_hub.chain.proposal_store import Proposal, propose
from energy_swap_hub.chain.token2022 import Authority, permissioned_burn_checked, set_authority, set_paused
from energy_swap_protocol.transaction import spent_account
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.transaction import VersionedTransaction
from sqlalchemy import Connection

from .test_attacks import move
from .test_proposals import frozen, known
from .world import APPROVERS, COMMUNITY, Household, World, frame, now

PERIOD = "2026-11-20T11:30Z"


async def refused(world: World, instruction: Instruction, *pairs: Keypair) -> None:
    """The chain refuses what is signed by those of ``pairs`` that it asks for, and paid by the first."""
    blockhash, _ = await world.node.latest_blockhash()
    message = MessageV0.try_compile(pairs[0].pubkey(), [instruction], [], blockhash)
    signers = message.account_keys[: message.header.num_required_signatures]
    wanted = [pair for pair in pairs if pair.pubkey() in signers]
    with pytest.raises(NodeRefusedError):
        await world.node.send(bytes(VersionedTransaction(message, wanted)), preflight=True)


def restart(
    world: World, hub: Keypair, next_hub: Keypair | None, co_signers: Sequence[CoSigner] | None = None
) -> None:
    """A hub with these keys in its folder."""
    world.keys = HubKeys(hub, co_signers or world.keys.co_signers, next_hub=next_hub)
    world.chain = world.new_chain()


async def ask(world: World, new: Keypair, *, is_lost: bool = False) -> Proposal:
    """An admin asks the approvers for ``new`` in the hub's place; the nonce account is opened."""
    a, b = map(str, (await known(world)).verifiers)
    wish = HubChange(str(new.pubkey()), (a, b), await world.chain.multisig_lamports(), is_lost)

    def change(connection: Connection) -> Proposal:
        nonce = community_nonce(connection, COMMUNITY, now())
        return propose(connection, COMMUNITY, wish, nonce, asked_by="office", reason="why", now=now())

    await world.enqueue(change)
    await world.chain.send_waiting()
    await world.tick()
    await world.chain.send_waiting()
    return await world.proposal("hub")


async def replaced(world: World, new: Keypair, *, is_lost: bool = False) -> Intent:
    """All that it takes to put ``new`` in the hub's place."""
    proposal = await ask(world, new, is_lost=is_lost)
    for approver in APPROVERS[:2]:
        await world.sign(proposal, approver)
    await world.tick()
    return await world.confirmed(f"handover:{proposal.number}")


async def burn(world: World, household: Household, wh: int, period: str) -> None:
    wanted = [Burn(household.name, str(household.account), wh)]
    (intent,) = await world.enqueue(lambda c: enqueue_burn_period(c, COMMUNITY, period, wanted, now()))
    await world.confirmed(intent)


async def suspend(world: World, household: Household) -> None:
    """The first decision about a household opens a nonce account of the hub's new key."""

    def change(connection: Connection) -> None:
        account = household_account(connection, COMMUNITY, household.name)
        wish = Suspension(household.name, str(household.account))
        nonce = household_nonce(connection, COMMUNITY, account, now())
        propose(connection, COMMUNITY, wish, nonce, asked_by="office", reason="why", now=now())

    await world.enqueue(change)
    await world.chain.send_waiting()
    await world.tick()
    await world.chain.send_waiting()
    await world.decide(await world.proposal("suspend", household.name))


async def test_the_hubs_old_key_gives_everything_to_the_new_one(world: World) -> None:
    household, other = await world.household("h-001", 1), await world.household("h-002", 2)
    await world.open_account("h-003", Keypair().pubkey())
    await world.give(household, 2_000, PERIOD)
    await world.confirmed(await household.allow(500))
    lock = await household.lock(700)
    await world.confirmed(lock)
    old, new, before = world.keys.hub, Keypair(), await known(world)
    restart(world, old, new)
    await world.open()  # a hub restarted with the next key in its folder works on with that of now
    await world.give(household, 100, "2026-11-20T12:00Z")
    handed = await replaced(world, new)
    assert handed.fee_lamports == 15_000

    after = await known(world)
    assert (after.hub, after.hubs_before, after.verifiers) == (new.pubkey(), (old.pubkey(),), before.verifiers)
    assert (after.mint, after.handing_over, after.lost_hub) == (before.mint, None, None)
    await check_community(world.node, after)
    assert await world.chain.balances_wh([before.escrow, after.escrow]) == [0, 700]
    assert await world.node.lamports(old.pubkey()) <= 2_000_000 < await world.node.lamports(new.pubkey())

    # The old key, which may have been stolen meanwhile, burns, pauses, mints and hands over nothing.
    # It can move what households allowed it, until each has allowed the new key in its place.
    pilots = [one._keypair for one in world.keys.co_signers if isinstance(one, LocalCoSigner)]
    panel = [old.pubkey(), pilots[0].pubkey()]
    for wrong in (
        permissioned_burn_checked(household.account, after.mint, old.pubkey(), old.pubkey(), 1),
        set_paused(after.mint, old.pubkey(), is_paused=True),
        set_authority(after.mint, Authority.PAUSE, old.pubkey(), old.pubkey()),
        set_authority(after.mint, Authority.PERMISSIONED_BURN, old.pubkey(), old.pubkey()),
        set_authority(after.mint, Authority.MINT, before.authority, old.pubkey(), panel),
        move(world, after.escrow, household.account, before.authority, 1, *panel),
        move(world, after.escrow, household.account, after.authority, 1, *panel),
    ):
        await refused(world, wrong, old, pilots[0])
    assert (await world.chain.holdings([household.account]))[0].allowance_wh == 0  # type: ignore[union-attr]
    restart(world, new, None)  # the operator has put the new key in the old one's place
    await world.open()
    await world.confirmed(await household.allow(500))
    await refused(world, move(world, household.account, other.account, old.pubkey(), 1), old)

    await burn(world, household, 300, "2026-11-20T12:30Z")
    order = lock.removeprefix("lock:")
    await world.confirmed(
        await world.enqueue(lambda c: enqueue_refund(c, COMMUNITY, order, household.account, 700, now()))
    )
    await world.give(household, 400, "2026-11-20T13:00Z")
    assert (await household.balance(), await world.chain.supply_wh(COMMUNITY)) == (2_200, 2_200)
    await suspend(world, other)
    assert await frozen(world, other.account)
    # Whoever waited for admission is asked for anew, bound to a nonce that the new key renews.
    waiting = await world.proposal("admit", "h-003")
    assert waiting.stage is Stage.OPEN
    await world.decide(waiting)
    await world.confirmed(await world.enqueue(lambda c: enqueue_pause(c, COMMUNITY, is_paused=True, now=now())))
    await world.confirmed(await world.enqueue(lambda c: enqueue_pause(c, COMMUNITY, is_paused=False, now=now())))
    # And once more: the key of now is replaced like the first one.
    restart(world, new, third := Keypair())
    await replaced(world, third)
    again = await known(world)
    assert (again.hub, again.hubs_before) == (third.pubkey(), (old.pubkey(), new.pubkey()))
    await check_community(world.node, again)


async def test_a_lost_key_is_replaced_by_the_approvers_and_both_verifiers(world: World) -> None:
    household = await world.household("h-001", 1)
    await world.give(household, 2_000, PERIOD)
    await world.confirmed(await household.allow(500))
    lock = await household.lock(700)
    await world.confirmed(lock)
    old, new, before = world.keys.hub, Keypair(), await known(world)
    a, b = world.keys.co_signers
    await world.enqueue(
        lambda c: propose(
            c, COMMUNITY, Suspension("h-001", str(household.account)), (before.mint, "x"), asked_by="o",
            reason="r", now=now(),
        )
    )  # fmt: skip
    restart(world, new, new, [a, ReserveCoSigner(b.key)])
    await world.open()
    acting = await known(world)
    assert (acting.hub, acting.acting_hub) == (old.pubkey(), new.pubkey())
    assert (await world.proposal("suspend", "h-001")).stage is Stage.OUTDATED, "its nonce is nobody's any more"
    later = "2026-11-20T12:00Z"
    mint, give = (
        Mint("h-001", str(household.account), 300, (frame(1, 300),)),
        Transfer(str(household.account), 300),
    )
    await world.enqueue(lambda c: enqueue_mint_period(c, COMMUNITY, later, [mint], [give], now()))
    for _ in range(3):
        await world.chain.send_waiting()
    assert (await world.intent(f"mint:{later}")).state is State.QUEUED, "nothing is sent that takes the lost key"

    proposal = await ask(world, new, is_lost=True)
    for approver in APPROVERS[:2]:
        await world.sign(proposal, approver)
    await world.tick()
    await world.chain.send_waiting()
    await world.tick()
    await world.chain.send_waiting()
    waits = await world.intent(f"handover:{proposal.number}")
    assert waits.state is State.QUEUED, "B's key is in its envelope"
    assert "both verifiers have to sign" in (waits.error or "")
    # What one verifier's signature is not enough for: the chain wants two of the old three.
    pilot = a._keypair if isinstance(a, LocalCoSigner) else Keypair()
    for signers in ([a.key], [a.key, new.pubkey()]):
        wrong = set_authority(before.mint, Authority.MINT, before.authority, new.pubkey(), signers)
        await refused(world, wrong, new, pilot)
    restart(world, new, new, [a, b])
    await world.open()
    handed = await world.confirmed(waits.id)
    assert handed.fee_lamports == 15_000
    after = await known(world)
    assert (after.hub, after.hubs_before, after.lost_hub) == (new.pubkey(), (old.pubkey(),), old.pubkey())
    assert after.acting_hub is None
    await check_community(world.node, after)
    assert await world.chain.balances_wh([before.escrow, after.escrow]) == [0, 700]

    # All goes on, but that used energy goes to nobody's account, because nobody can burn; and nobody can pause.
    await world.confirmed(f"mint:{later}")
    await world.confirmed(await household.allow(500))
    await burn(world, household, 400, "2026-11-20T12:30Z")
    assert await world.chain.balance_wh(spent_account(after.mint)) == 400
    assert await world.chain.supply_wh(COMMUNITY) == 1_900
    with pytest.raises(ValueError, match="nobody can pause"):
        await world.enqueue(lambda c: enqueue_pause(c, COMMUNITY, is_paused=True, now=now()))
    for wrong in (
        move(world, spent_account(after.mint), household.account, after.authority, 1, a.key, b.key),
        permissioned_burn_checked(household.account, after.mint, new.pubkey(), new.pubkey(), 1),
        set_paused(after.mint, new.pubkey(), is_paused=True),
    ):
        await refused(world, wrong, new, *(one._keypair for one in (a, b) if isinstance(one, LocalCoSigner)))
    await suspend(world, household)
    assert await frozen(world, household.account)
    # Such a hub's key is replaced again like any other.
    restart(world, new, third := Keypair())
    await replaced(world, third)
    await check_community(world.node, await known(world))
    assert (await known(world)).lost_hub == old.pubkey()


async def test_a_key_that_is_found_again_goes_on(world: World) -> None:
    household = await world.household("h-001", 1)
    old, new = world.keys.hub, Keypair()
    restart(world, new, new)
    await world.open()
    await ask(world, new, is_lost=True)
    restart(world, old, new)
    await world.open()
    chain = await known(world)
    assert (chain.hub, chain.acting_hub, chain.nonce_account) == (old.pubkey(), None, None)
    await world.give(household, 100, PERIOD)
    await replaced(world, new)
    await check_community(world.node, await known(world))


async def test_a_stranger_is_no_hub(world: World) -> None:
    """Neither a key without the approvers nor one that only the approvers want: it takes the old 2-of-3, too."""
    before, thief = world.community, Keypair()
    world.keys = HubKeys(thief, world.keys.co_signers)
    world.chain = world.new_chain()
    with pytest.raises(CommunityError, match="other keys"):
        await world.open()
    restart(world, thief, thief)
    await world.open()  # whoever has the hub's machine may call its key lost
    proposal = await ask(world, thief, is_lost=True)
    with pytest.raises(ApprovalError, match="not an approver"):
        await world.sign(proposal, thief)
    await world.sign(proposal, APPROVERS[0])
    await world.chain.send_waiting()
    panel = [key.pubkey() for key in APPROVERS[:2]]
    for kind, authority in (
        (Authority.MINT, before.approvers_authority),
        (Authority.MINT, before.authority),
        (Authority.PERMISSIONED_BURN, before.approvers_authority),
        (Authority.PAUSE, before.approvers_authority),
    ):
        wrong = set_authority(before.mint, kind, authority, thief.pubkey(), panel)
        await refused(world, wrong, thief, *APPROVERS[:2])
    blockhash, _ = await world.node.latest_blockhash()
    # Nor does a message count in which the new key's own signature is missing.
    message = MessageV0.try_compile(
        thief.pubkey(), [set_paused(before.mint, before.hub, is_paused=True)], [], blockhash
    )
    forged = VersionedTransaction.populate(message, [thief.sign_message(b"x")] * 2)
    with pytest.raises(NodeRefusedError):
        await world.node.send(bytes(forged), preflight=True)
    await check_community(world.node, before)
