"""The token's whole life on the embedded chain: who can do what, and that nobody else can."""

from uuid import uuid4

import pytest
from energy_swap_hub.chain import (
    ApprovalError,
    Burn,
    Mint,
    Paper,
    State,
    Transfer,
    enqueue_burn_period,
    enqueue_mint_period,
    enqueue_refund,
    enqueue_release,
    sign,
)
from energy_swap_hub.chain.client import NodeRefusedError
from energy_swap_hub.chain.token2022 import permissioned_burn_checked
from energy_swap_protocol.transaction import TOKEN_2022
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from spl.token.instructions import burn_checked, mint_to_checked, thaw_account, transfer_checked
from spl.token.models import (
    BurnCheckedParams,
    MintToCheckedParams,
    ThawAccountParams,
    TransferCheckedParams,
)

from .world import APPROVERS, COMMUNITY, World, frame, now


async def attempt(world: World, instruction: Instruction, *signers: Keypair) -> None:
    """Send an instruction outside the hub's rules, paid by the hub's (stolen) key."""
    blockhash, _ = await world.node.latest_blockhash()
    message = MessageV0.try_compile(world.keys.hub.pubkey(), [instruction], [], blockhash)
    transaction = VersionedTransaction(message, [world.keys.hub, *signers])
    await world.node.send(bytes(transaction), preflight=True)


async def admission_of(world: World, household: str, approver: Keypair) -> Paper:
    return await world.paper(await world.proposal("admit", household), approver.pubkey())


async def hand_in(world: World, household: str, approver: Pubkey, signatures: list[Signature]) -> Paper:
    proposal = await world.proposal("admit", household)
    return await world.enqueue(lambda c: sign(c, COMMUNITY, proposal.id, approver, signatures, now()))


def thaw(world: World, account: Pubkey, *approvers: Keypair) -> Instruction:
    chain = world.community
    return thaw_account(
        ThawAccountParams(
            program_id=TOKEN_2022, account=account, mint=chain.mint, authority=chain.approvers_authority,
            multi_signers=[key.pubkey() for key in approvers],
        )
    )  # fmt: skip


async def test_account_is_inert_until_two_of_three_approvers_admit_it(world: World) -> None:
    owner = Keypair()
    account = await world.open_account("h-001", owner.pubkey())
    holding = (await world.chain.holdings([account]))[0]
    assert holding is not None
    assert holding.is_frozen

    first = await admission_of(world, "h-001", APPROVERS[2])
    assert (len(first.messages), first.needed, first.memos) == (2, 2, ("admit:h-001",))
    assert await world.sign_admission("h-001", APPROVERS[2]) == 1
    await world.chain.send_waiting()
    assert (await world.chain.holdings([account]))[0] == holding, "one approver is not enough"
    with pytest.raises(NodeRefusedError):
        await attempt(world, thaw(world, account, APPROVERS[0]), APPROVERS[0])

    second = await admission_of(world, "h-001", APPROVERS[0])
    assert len(second.messages) == 1
    assert second.signed == (APPROVERS[2].pubkey(),)
    assert await world.sign_admission("h-001", APPROVERS[0]) == 2
    await world.tick()
    await world.confirmed(await world.admit_intent("h-001"))
    holding = (await world.chain.holdings([account]))[0]
    assert holding is not None
    assert not holding.is_frozen


async def test_approvers_who_looked_at_the_same_time_and_sign_without_a_network_complete(
    world: World,
) -> None:
    account = await world.open_account("h-001", Keypair().pubkey())
    first, second = APPROVERS[:2]
    signatures = {}
    for key in (first, second):
        admission = await admission_of(world, "h-001", key)
        signatures[key.pubkey()] = [key.sign_message(message) for message in admission.messages]
    for approver, signed in signatures.items():
        # Handed in when no blockhash of the time of signing counts any more.
        await world.tick(200)
        await hand_in(world, "h-001", approver, signed)
    await world.tick()
    await world.confirmed(await world.admit_intent("h-001"))
    holding = (await world.chain.holdings([account]))[0]
    assert holding is not None
    assert not holding.is_frozen


async def test_false_or_strange_approvals_are_refused(world: World) -> None:
    await world.open_account("h-001", Keypair().pubkey())
    stranger = Keypair()
    with pytest.raises(ApprovalError, match="not an approver"):
        await world.sign_admission("h-001", stranger)
    forged = stranger.sign_message(b"something else")
    with pytest.raises(ApprovalError, match="fetch and sign them again"):
        await hand_in(world, "h-001", APPROVERS[0].pubkey(), [forged])
    admission = await admission_of(world, "h-001", APPROVERS[0])
    assert admission.signed == ()


async def test_approval_of_one_household_admits_no_other(world: World) -> None:
    for name in ("h-001", "h-002"):
        await world.open_account(name, Keypair().pubkey())
    other = await admission_of(world, "h-002", APPROVERS[0])
    signature = APPROVERS[0].sign_message(other.messages[0])
    with pytest.raises(ApprovalError):
        await hand_in(world, "h-001", APPROVERS[0].pubkey(), [signature])


async def test_stolen_hub_key_alone_mints_nothing(world: World) -> None:
    household = await world.household("h-001", 1)
    hub = world.keys.hub.pubkey()
    for signers in ([], [hub]):
        mint = mint_to_checked(
            MintToCheckedParams(
                program_id=TOKEN_2022, mint=world.community.mint, dest=household.account,
                mint_authority=world.community.authority if signers else hub, amount=10**6, decimals=3,
                signers=signers,
            )
        )  # fmt: skip
        with pytest.raises(NodeRefusedError):
            await attempt(world, mint)
    assert await world.chain.supply_wh(COMMUNITY) == 0


async def test_period_is_minted_given_out_and_burned(world: World) -> None:
    seller, buyer = await world.household("h-001", 1), await world.household("h-002", 2)
    mint = Mint("h-001", str(seller.account), 5000, (frame(1, 100), frame(1, 5100)))
    releases = [Transfer(str(buyer.account), 3500), Transfer(str(seller.account), 1500)]
    period = "2026-11-20T11:30Z"
    ids = await world.enqueue(lambda c: enqueue_mint_period(c, COMMUNITY, period, [mint], releases, now()))
    assert ids == (f"mint:{period}",)
    minted = await world.confirmed(ids[0])
    assert (await seller.balance(), await buyer.balance()) == (1500, 3500)
    assert await world.chain.supply_wh(COMMUNITY) == 5000
    assert await world.chain.escrow_wh(COMMUNITY) == 0
    assert minted.fee_lamports == 10_000
    history = await world.node.call("getSignaturesForAddress", str(world.community.escrow), {"limit": 1})
    memo = history[0]["memo"].split(" ", 1)[1]
    assert memo.startswith(f"es1|{COMMUNITY}|{period}|1|")
    assert len(memo.rsplit("|", 1)[1]) == 43, "a base64url Merkle root"

    await world.confirmed(await buyer.allow(4000))
    assert await world.chain.allowances_wh([buyer.account, seller.account]) == [4000, 0]
    burn = Burn("h-002", str(buyer.account), 3000)
    burned = await world.enqueue(lambda c: enqueue_burn_period(c, COMMUNITY, period, [burn], now()))
    await world.confirmed(burned[0])
    assert await buyer.balance() == 500
    assert await world.chain.supply_wh(COMMUNITY) == 2000
    assert await world.chain.allowances_wh([buyer.account]) == [1000]
    assert [intent.id for intent in world.finals if intent.state is State.CONFIRMED][-1] == burned[0]


async def test_60_burns_are_one_transaction(world: World) -> None:
    accounts = [await world.household(f"h-{i:03}", i + 1) for i in range(2)]
    for household in accounts:
        await world.give(household, 1000, f"p-{household.name}")
        await world.confirmed(await household.allow(1000))
    burns = [Burn(h.name, str(h.account), 1) for h in accounts] * 30
    ids = await world.enqueue(lambda c: enqueue_burn_period(c, COMMUNITY, "p", burns, now()))
    assert len(ids) == 1
    assert (await world.confirmed(ids[0])).fee_lamports == 5_000
    assert [await h.balance() for h in accounts] == [970, 970]


async def test_owner_cannot_burn_unmeasured_nor_the_hub_without_leave(world: World) -> None:
    household = await world.household("h-001", 1)
    await world.give(household, 2000, "p1")
    plain = burn_checked(
        BurnCheckedParams(
            program_id=TOKEN_2022, account=household.account, mint=world.community.mint,
            owner=household.key.pubkey(), amount=1, decimals=3,
        )
    )  # fmt: skip
    with pytest.raises(NodeRefusedError):
        await attempt(world, plain, household.key)
    hub = world.keys.hub.pubkey()
    with pytest.raises(NodeRefusedError):
        await attempt(world, permissioned_burn_checked(household.account, world.community.mint, hub, hub, 1))
    assert await household.balance() == 2000


async def test_burn_above_the_allowance_fails_with_the_reason(world: World) -> None:
    household = await world.household("h-001", 1)
    await world.give(household, 2000, "p1")
    await world.confirmed(await household.allow(500))
    burn = Burn("h-001", str(household.account), 501)
    (burned,) = await world.enqueue(lambda c: enqueue_burn_period(c, COMMUNITY, "p1", [burn], now()))
    intent = await world.done(burned)
    assert intent.state is State.FAILED
    assert "insufficient funds" in (intent.error or "")
    assert await household.balance() == 2000
    await world.chain.send_waiting()
    again = await world.enqueue(lambda c: enqueue_burn_period(c, COMMUNITY, "p1", [burn], now()))
    assert (await world.done(again[0])).state is State.FAILED, "failed stays failed"
    assert [i.id for i in world.finals].count(burned) == 1


async def test_release_to_a_frozen_account_fails_whole(world: World) -> None:
    seller = await world.household("h-001", 1)
    frozen = await world.open_account("h-002", Keypair().pubkey())
    mint = Mint("h-001", str(seller.account), 100, (frame(1, 1),))
    (minted,) = await world.enqueue(
        lambda c: enqueue_mint_period(c, COMMUNITY, "p1", [mint], [Transfer(str(frozen), 100)], now())
    )
    intent = await world.done(minted)
    assert intent.state is State.FAILED
    assert "frozen" in (intent.error or "")
    assert await world.chain.supply_wh(COMMUNITY) == 0


async def test_locked_energy_goes_to_the_buyer_or_back_and_to_nobody_else(world: World) -> None:
    seller, buyer = await world.household("h-001", 1), await world.household("h-002", 2)
    await world.give(seller, 5000, "p1")
    order = uuid4()
    await world.confirmed(await seller.lock(4000, order))
    assert (await seller.balance(), await world.chain.escrow_wh(COMMUNITY)) == (1000, 4000)

    def from_escrow(*signers: Pubkey) -> Instruction:
        return transfer_checked(
            TransferCheckedParams(
                program_id=TOKEN_2022, source=world.community.escrow, mint=world.community.mint,
                dest=seller.account, owner=world.community.authority, amount=4000, decimals=3,
                signers=list(signers),
            )
        )  # fmt: skip

    with pytest.raises(NodeRefusedError):
        await attempt(world, from_escrow(seller.key.pubkey()), seller.key)
    with pytest.raises(NodeRefusedError):
        await attempt(world, from_escrow(world.keys.hub.pubkey()))

    for change in (
        lambda c: enqueue_release(c, COMMUNITY, f"{order}/1", buyer.account, 1500, now()),
        lambda c: enqueue_release(c, COMMUNITY, f"{order}/2", buyer.account, 500, now()),
        lambda c: enqueue_refund(c, COMMUNITY, str(order), seller.account, 2000, now()),
    ):
        await world.confirmed(await world.enqueue(change))
    assert (await seller.balance(), await buyer.balance()) == (3000, 2000)
    assert await world.chain.escrow_wh(COMMUNITY) == 0


async def test_overdrawn_lock_fails_with_the_reason(world: World) -> None:
    seller = await world.household("h-001", 1)
    await world.give(seller, 100, "p1")
    intent = await world.done(await seller.lock(101))
    assert intent.state is State.FAILED
    assert "insufficient funds" in (intent.error or "")
