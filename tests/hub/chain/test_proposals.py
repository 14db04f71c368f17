"""What approvers decide beside admissions: suspend, readmit, recover, new approvers and verifiers; and pauses."""

import contextlib

import pytest
from energy_swap_hub.chain import ApprovalError, Intent, Mint, Stage, State, Transfer, enqueue_mint_period
from energy_swap_hub.chain.client import NodeRefusedError
from energy_swap_hub.chain.community import CommunityChain, check_community
from energy_swap_hub.chain.directory import community_chain, household_account
from energy_swap_hub.chain.keys import HubKeys, LocalCoSigner
from energy_swap_hub.chain.nonces import community_nonce
from energy_swap_hub.chain.outbox import enqueue_open_new_account, enqueue_pause
from energy_swap_hub.chain.proposal import (
    ApproversChange,
    MintersChange,
    Readmission,
    Recovery,
    Suspension,
    Wish,
)
from energy_swap_hub.chain.proposal_store import propose, withdraw
from energy_swap_hub.chain.token2022 import Authority, parse_mint, set_authority, set_paused
from energy_swap_protocol.memo import AdmissionMemo
from energy_swap_protocol.transaction import token_account
from solders.keypair import Keypair
from solders.message import from_bytes_versioned, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from .test_attacks import attempt, move
from .world import APPROVERS, COMMUNITY, Household, World, frame, now

PERIOD = "2026-11-20T11:30Z"
NEW_APPROVERS = [Keypair.from_seed(bytes([n] * 32)) for n in (111, 112, 113, 114)]
MEMO = AdmissionMemo("h-001", bytes([9]) * 32, 1, 3_000, 8_000)


async def ask(world: World, wish: Wish, nonce: tuple[Pubkey, str | None] | None = None) -> None:
    if nonce is None:
        assert isinstance(wish, Suspension | Readmission)
        account = await world.database.read(lambda c: household_account(c, COMMUNITY, wish.household))
        nonce = (account.nonce_account, account.nonce)
    await world.enqueue(lambda c: propose(c, COMMUNITY, wish, nonce, asked_by="office", reason="why", now=now()))


async def suspend(world: World, household: Household) -> Intent:
    await ask(world, Suspension(household.name, str(household.account)))
    return await world.decide(await world.proposal("suspend", household.name))


async def frozen(world: World, account: Pubkey) -> bool:
    (holding,) = await world.chain.holdings([account])
    assert holding is not None
    return holding.is_frozen


async def known(world: World) -> CommunityChain:
    return await world.database.read(lambda c: community_chain(c, COMMUNITY))


async def test_a_member_is_suspended_and_readmitted_by_two_of_three(world: World) -> None:
    household, other = await world.household("h-001", 1), await world.household("h-002", 2)
    await world.give(household, 1_000, PERIOD)
    await ask(world, Suspension("h-001", str(household.account)))
    proposal = await world.proposal("suspend", "h-001")
    assert (await world.sign(proposal, APPROVERS[0])).signed == (APPROVERS[0].pubkey(),)
    await world.chain.send_waiting()
    assert not await frozen(world, household.account), "one approver is not enough"
    with pytest.raises(ApprovalError, match="asks for that already"):
        await ask(world, Suspension("h-001", str(household.account)))
    intent = await world.decide(proposal, APPROVERS[2])
    assert intent.fee_lamports == 15_000
    assert await frozen(world, household.account)
    with pytest.raises(NodeRefusedError):
        await attempt(
            world, move(world, household.account, other.account, household.key.pubkey(), 1), household.key
        )
    with contextlib.suppress(NodeRefusedError):  # the same bytes again do nothing
        await world.node.send(intent.raw or b"", preflight=True)

    await ask(world, Readmission("h-001", str(household.account)))
    await world.decide(await world.proposal("readmit", "h-001"))
    assert not await frozen(world, household.account)
    await world.confirmed(await household.lock(10))
    with contextlib.suppress(NodeRefusedError):
        await world.node.send(intent.raw or b"", preflight=False)
    await world.tick()
    assert not await frozen(world, household.account), "a captured suspension works once"
    assert [(await world.proposal(kind, "h-001")).stage for kind in ("suspend", "readmit")] == [Stage.DONE] * 2


async def test_a_withdrawn_proposal_takes_no_signature_and_sends_nothing(world: World) -> None:
    household = await world.household("h-001", 1)
    await ask(world, Suspension("h-001", str(household.account)))
    proposal = await world.proposal("suspend", "h-001")
    await world.sign(proposal, APPROVERS[0])
    await world.enqueue(lambda c: withdraw(c, COMMUNITY, proposal.id, now()))
    with pytest.raises(ApprovalError, match="is withdrawn"):
        await world.sign(proposal, APPROVERS[1])
    with pytest.raises(ApprovalError, match="withdrawn"):
        await world.enqueue(lambda c: withdraw(c, COMMUNITY, proposal.id, now()))
    await world.chain.send_waiting()
    assert not await frozen(world, household.account)


async def recovery_of(world: World, household: Household, new: Pubkey) -> Recovery:
    account = await world.enqueue(lambda c: enqueue_open_new_account(c, COMMUNITY, household.name, new, now()))
    wish = Recovery(household.name, str(household.account), str(new), await household.balance(), MEMO.text)
    await ask(world, wish, (account, None))
    await world.chain.send_waiting()
    return wish


async def test_a_lost_device_is_replaced_and_everything_moves_to_the_new_key(world: World) -> None:
    household, other = await world.household("h-001", 1), await world.household("h-002", 2)
    await world.give(household, 1_234, PERIOD)
    await world.confirmed(await household.allow(500))
    await suspend(world, household)
    new = Keypair()
    await recovery_of(world, household, new.pubkey())
    proposal = await world.proposal("recover", "h-001")
    assert (proposal.stage, proposal.nonce is not None) == (Stage.OPEN, True), "its account is there"
    intent = await world.decide(proposal, APPROVERS[1], APPROVERS[2])
    account = token_account(new.pubkey(), world.community.mint)
    assert await world.chain.balances_wh([household.account, account]) == [0, 1_234]
    assert await frozen(world, household.account)
    assert not await frozen(world, account)
    assert await world.chain.supply_wh(COMMUNITY) == 1_234
    bound = await world.database.read(lambda c: household_account(c, COMMUNITY, "h-001"))
    assert (bound.owner, bound.account, bound.memo) == (new.pubkey(), account, MEMO.text)
    # The thief of the old device has nothing, and its allowance is nothing the hub could use.
    with pytest.raises(NodeRefusedError):
        await attempt(world, move(world, account, other.account, household.key.pubkey(), 1), household.key)
    again = Household(world, "h-001", new, account)
    await world.confirmed(await again.lock(234))
    # It can be suspended again: its new account has a nonce of its own, and a captured recovery is used.
    await suspend(world, again)
    with contextlib.suppress(NodeRefusedError):
        await world.node.send(intent.raw or b"", preflight=False)
    await world.tick()
    assert await frozen(world, account)
    await check_community(world.node, await known(world))


async def test_a_recovery_whose_amount_or_key_is_changed_breaks_its_signatures(world: World) -> None:
    household, thief = await world.household("h-001", 1), await world.household("h-002", 2)
    await world.give(household, 1_000, PERIOD)
    await suspend(world, household)
    await recovery_of(world, household, Keypair().pubkey())
    proposal = await world.proposal("recover", "h-001")
    for approver in APPROVERS[:2]:
        await world.sign(proposal, approver)
    intent = await world.intent(proposal.id)
    assert intent.state is State.QUEUED
    approved = (await world.proposal("recover", "h-001")).approved
    assert approved is not None
    await world.tick()
    signed = await world.chain._sender._signer.sign(intent)
    new = token_account(Pubkey.from_string((await recovery(world)).owner), world.community.mint)
    for old, forged in (
        ((1_000).to_bytes(8, "little"), (1).to_bytes(8, "little")),
        (bytes(new), bytes(thief.account)),
    ):
        assert old in signed.raw
        with pytest.raises(NodeRefusedError):
            await world.node.send(signed.raw.replace(old, forged), preflight=True)
    # Nor does the hub with the signatures of a minority.
    message = from_bytes_versioned(to_bytes_versioned(VersionedTransaction.from_bytes(signed.raw).message))
    signatures = VersionedTransaction.from_bytes(signed.raw).signatures
    alone = VersionedTransaction.populate(message, [signatures[0], signatures[1], signatures[1]])
    with pytest.raises(NodeRefusedError):
        await world.node.send(bytes(alone), preflight=True)
    assert await thief.balance() == 0


async def recovery(world: World) -> Recovery:
    wish = (await world.proposal("recover", "h-001")).wish
    assert isinstance(wish, Recovery)
    return wish


async def test_of_two_decisions_on_one_nonce_the_second_is_outdated(world: World) -> None:
    household = await world.household("h-001", 1)
    await ask(world, Suspension("h-001", str(household.account)))
    await ask(world, Readmission("h-001", str(household.account)))
    suspension, readmission = [await world.proposal(kind, "h-001") for kind in ("suspend", "readmit")]
    await world.sign(readmission, APPROVERS[0])
    await world.decide(suspension)
    assert (await world.proposal("readmit", "h-001")).stage is Stage.OUTDATED
    with pytest.raises(ApprovalError):
        await world.sign(readmission, APPROVERS[1])
    await world.chain.send_waiting()
    assert await frozen(world, household.account)


async def change_approvers(world: World, needed: int = 3) -> Intent:
    rent = await world.chain.multisig_lamports()
    members = tuple(sorted(str(key.pubkey()) for key in NEW_APPROVERS))
    nonce = await world.enqueue(lambda c: community_nonce(c, COMMUNITY, now()))
    await ask(world, ApproversChange(members, needed, rent), nonce)
    await world.chain.send_waiting()
    await world.tick()
    return await world.decide(await world.proposal("approvers"), *APPROVERS[:2])


async def test_the_approvers_give_their_office_to_others(world: World) -> None:
    household = await world.household("h-001", 1)
    await world.open_account("h-002", Keypair().pubkey())
    await world.sign(await world.proposal("admit", "h-002"), APPROVERS[0])
    await change_approvers(world)
    chain = await known(world)
    assert (set(chain.approvers), chain.needed) == ({k.pubkey() for k in NEW_APPROVERS}, 3)
    await check_community(world.node, chain)
    data = (await world.node.accounts([chain.mint]))[0] or b""
    assert parse_mint(data).freeze_authority == chain.approvers_authority
    # Those of before decide nothing any more: not on the chain, and not at the hub.
    old = [key.pubkey() for key in APPROVERS[:2]]
    for wrong in (
        move(world, household.account, household.account, world.community.approvers_authority, 1, *old),
        set_authority(chain.mint, Authority.FREEZE, world.community.approvers_authority, old[0], old),
    ):
        with pytest.raises(NodeRefusedError):
            await attempt(world, wrong, *APPROVERS[:2])
    waiting = await world.proposal("admit", "h-002")
    with pytest.raises(ApprovalError, match="not an approver"):
        await world.sign(waiting, APPROVERS[1])
    # Who waited is asked for again, and those of now admit and suspend.
    for key in NEW_APPROVERS[1:]:
        await world.sign(waiting, key)
    await world.tick()
    await world.confirmed(waiting.id)
    await ask(world, Suspension("h-001", str(household.account)))
    await world.decide(await world.proposal("suspend", "h-001"), *NEW_APPROVERS[:3])
    assert await frozen(world, household.account)
    await world.chain.open_community(COMMUNITY, [k.pubkey() for k in APPROVERS], 2)  # hub.json still names these


async def test_minting_and_escrow_go_to_new_verifiers(world: World) -> None:
    household = await world.household("h-001", 1)
    await world.give(household, 2_000, PERIOD)
    await world.confirmed(await household.lock(700))
    old, before = world.keys, await known(world)
    new = [LocalCoSigner(Keypair()), LocalCoSigner(Keypair())]
    world.keys = HubKeys(old.hub, new, old.co_signers)
    world.chain = world.new_chain()
    await world.open()  # a hub restarted with the new verifiers in its configuration works on with those of before
    await world.give(household, 100, "2026-11-20T12:00Z")
    rent = await world.chain.multisig_lamports()
    nonce = await world.enqueue(lambda c: community_nonce(c, COMMUNITY, now()))
    await ask(world, MintersChange((str(new[0].key), str(new[1].key)), rent), nonce)
    await world.chain.send_waiting()
    await world.tick()
    proposal = await world.proposal("minters")
    for approver in APPROVERS[:2]:
        await world.sign(proposal, approver)
    # What is asked for meanwhile is minted after the hand-over, into the new escrow.
    await world.tick()
    mint = Mint("h-001", str(household.account), 300, (frame(1, 300),))
    give = [Transfer(str(household.account), 300)]
    later = "2026-11-20T12:30Z"
    await world.enqueue(lambda c: enqueue_mint_period(c, COMMUNITY, later, [mint], give, now()))
    handed = await world.confirmed(f"handover:{proposal.number}")
    assert handed.fee_lamports == 10_000
    await world.confirmed(f"mint:{later}")
    chain = await known(world)
    assert (chain.verifiers, chain.handing_over) == (tuple(one.key for one in new), None)
    await check_community(world.node, chain)
    assert await world.chain.balances_wh([before.escrow, chain.escrow]) == [0, 700]
    assert await household.balance() == 1_700
    # The keys of before, all three of them, mint and move nothing.
    pilots = [one._keypair for one in old.co_signers if isinstance(one, LocalCoSigner)]
    for wrong in (
        move(world, chain.escrow, household.account, before.authority, 1, *(k.pubkey() for k in pilots)),
        set_authority(
            chain.mint, Authority.MINT, before.authority, old.hub.pubkey(), [k.pubkey() for k in pilots]
        ),
    ):
        with pytest.raises(NodeRefusedError):
            await attempt(world, wrong, *pilots)
    world.keys = HubKeys(old.hub, new)
    world.chain = world.new_chain()
    await world.open()


async def test_approvers_alone_hand_no_minting_over_and_old_minters_alone_neither(world: World) -> None:
    chain, hub = world.community, world.keys.hub.pubkey()
    panel = [key.pubkey() for key in APPROVERS[:2]]
    pilots = [one._keypair for one in world.keys.co_signers if isinstance(one, LocalCoSigner)]
    with pytest.raises(NodeRefusedError):
        await attempt(
            world, set_authority(chain.mint, Authority.MINT, chain.approvers_authority, hub, panel), *APPROVERS[:2]
        )
    with pytest.raises(NodeRefusedError):
        await attempt(
            world,
            set_authority(chain.mint, Authority.FREEZE, chain.authority, hub, [k.pubkey() for k in pilots]),
            *pilots,
        )


async def test_a_paused_token_moves_nothing_and_what_waits_goes_on_afterwards(world: World) -> None:
    household, other = await world.household("h-001", 1), await world.household("h-002", 2)
    await world.give(household, 1_000, PERIOD)
    mint = Mint("h-001", str(household.account), 300, (frame(1, 300),))
    give = [Transfer(str(household.account), 300)]
    later = "2026-11-20T12:00Z"
    await world.enqueue(lambda c: enqueue_mint_period(c, COMMUNITY, later, [mint], give, now()))
    pause = await world.enqueue(lambda c: enqueue_pause(c, COMMUNITY, is_paused=True, now=now()))
    again = await world.enqueue(lambda c: enqueue_pause(c, COMMUNITY, is_paused=True, now=now()))
    assert pause == again == "pause:1"
    await world.confirmed(pause)
    assert (await world.intent(f"mint:{later}")).state is State.QUEUED, "a pause goes before what is queued"
    with pytest.raises(NodeRefusedError):
        await attempt(
            world, move(world, household.account, other.account, household.key.pubkey(), 1), household.key
        )
    for _ in range(3):
        await world.chain.send_waiting()
    assert (await world.intent(f"mint:{later}")).state is State.QUEUED
    with pytest.raises(ValueError, match="paused already"):
        await world.enqueue(lambda c: enqueue_pause(c, COMMUNITY, is_paused=True, now=now()))
    await world.open()  # a hub may start while the token is paused
    await suspend(world, other)
    assert await frozen(world, other.account), "accounts can be frozen meanwhile"
    resume = await world.enqueue(lambda c: enqueue_pause(c, COMMUNITY, is_paused=False, now=now()))
    await world.confirmed(resume)
    await world.confirmed(f"mint:{later}")
    assert await world.chain.supply_wh(COMMUNITY) == 1_300


async def test_only_the_hubs_key_pauses(world: World) -> None:
    stranger = Keypair()
    with pytest.raises(NodeRefusedError):
        await attempt(world, set_paused(world.community.mint, stranger.pubkey(), is_paused=True), stranger)
