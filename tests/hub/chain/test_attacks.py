"""Attacks with a stolen key or a captured transaction: each is refused by the chain itself, not by the hub.

What needs a judgement (forged readings, a second mint of a period) is the verifier's: tests/hub/verifier.
"""

import contextlib
from typing import Any

import pytest
from energy_swap_hub.chain import enqueue_mint_period
from energy_swap_hub.chain.client import NodeRefusedError
from energy_swap_hub.chain.keys import LocalCoSigner
from energy_swap_hub.chain.payload import Mint, Transfer
from energy_swap_hub.chain.token2022 import AccountState, permissioned_burn_checked, update_default_account_state
from energy_swap_protocol.transaction import TOKEN_2022
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from spl.token.instructions import (
    close_account,
    freeze_account,
    mint_to_checked,
    set_authority,
    thaw_account,
    transfer_checked,
)
from spl.token.models import (
    AuthorityType,
    CloseAccountParams,
    FreezeAccountParams,
    MintToCheckedParams,
    SetAuthorityParams,
    ThawAccountParams,
    TransferCheckedParams,
)

from .world import APPROVERS, COMMUNITY, Household, World, frame, now

PERIOD = "2026-11-20T11:30Z"


async def attempt(world: World, instruction: Instruction, *signers: Keypair) -> None:
    """Send an instruction outside the hub's rules, paid by the hub's (stolen) key."""
    blockhash, _ = await world.node.latest_blockhash()
    message = MessageV0.try_compile(world.keys.hub.pubkey(), [instruction], [], blockhash)
    await world.node.send(bytes(VersionedTransaction(message, [world.keys.hub, *signers])), preflight=True)


def move(world: World, source: Pubkey, to: Pubkey, owner: Pubkey, wh: int, *signers: Pubkey) -> Instruction:
    return transfer_checked(
        TransferCheckedParams(
            program_id=TOKEN_2022, source=source, mint=world.community.mint, dest=to, owner=owner, amount=wh,
            decimals=3, signers=list(signers),
        )
    )  # fmt: skip


def approvers_act(world: World, account: Pubkey) -> dict[str, Any]:
    return {
        "program_id": TOKEN_2022, "account": account, "mint": world.community.mint,
        "authority": world.community.approvers_authority, "multi_signers": [k.pubkey() for k in APPROVERS[:2]],
    }  # fmt: skip


async def frozen(world: World, household: Household) -> None:
    freeze = freeze_account(FreezeAccountParams(**approvers_act(world, household.account)))
    await attempt(world, freeze, *APPROVERS[:2])
    await world.tick()


async def test_a_captured_mint_cannot_be_sent_again(world: World) -> None:
    household = await world.household("h-001", 1)
    mint = Mint("h-001", str(household.account), 700, (frame(1, 700),))
    give = [Transfer(str(household.account), 700)]
    (intent_id,) = await world.enqueue(lambda c: enqueue_mint_period(c, COMMUNITY, PERIOD, [mint], give, now()))
    minted = await world.confirmed(intent_id)
    for slots in (0, 1, 149, 300):
        await world.tick(slots)
        for preflight in (True, False):
            with contextlib.suppress(NodeRefusedError):  # a node may also say that it knows it
                await world.node.send(minted.raw or b"", preflight=preflight)
    assert await world.chain.supply_wh(COMMUNITY) == 700


async def test_a_changed_amount_or_destination_breaks_the_signatures(world: World) -> None:
    household, thief = await world.household("h-001", 1), await world.household("h-002", 2)
    mint = Mint("h-001", str(household.account), 700, (frame(1, 700),))
    give = [Transfer(str(household.account), 700)]
    (intent_id,) = await world.enqueue(lambda c: enqueue_mint_period(c, COMMUNITY, PERIOD, [mint], give, now()))
    raw = (await world.confirmed(intent_id)).raw or b""
    more = raw.replace((700).to_bytes(8, "little"), (701).to_bytes(8, "little"))
    elsewhere = raw.replace(bytes(household.account), bytes(thief.account))
    for forged in (more, elsewhere):
        assert forged != raw
        with pytest.raises(NodeRefusedError):
            await world.node.send(forged, preflight=True)
    assert await world.chain.supply_wh(COMMUNITY) == 700


async def test_a_second_signature_that_is_not_the_verifiers_mints_nothing(world: World) -> None:
    chain, hub = world.community, world.keys.hub.pubkey()
    stranger, (verifier, _) = Keypair(), chain.verifiers
    parties: dict[str, Any] = {
        "program_id": TOKEN_2022, "mint": chain.mint, "dest": chain.escrow, "mint_authority": chain.authority,
        "amount": 1_000, "decimals": 3,
    }  # fmt: skip
    strange = mint_to_checked(MintToCheckedParams(**parties, signers=[hub, stranger.pubkey()]))
    with pytest.raises(NodeRefusedError):
        await attempt(world, strange, stranger)
    blockhash, _ = await world.node.latest_blockhash()
    named = mint_to_checked(MintToCheckedParams(**parties, signers=[hub, verifier]))
    message = MessageV0.try_compile(hub, [named], [], blockhash)
    own = VersionedTransaction.populate(message, [world.keys.hub.sign_message(b"x"), Signature.default()])
    with pytest.raises(NodeRefusedError):
        await world.node.send(bytes(own), preflight=True)
    assert isinstance(world.keys.co_signers[0], LocalCoSigner)
    assert await world.chain.supply_wh(COMMUNITY) == 0


async def test_the_hubs_key_admits_freezes_seizes_and_changes_nothing(world: World) -> None:
    chain, hub = world.community, world.keys.hub.pubkey()
    household = await world.household("h-001", 1)
    await world.give(household, 2_000, PERIOD)
    waiting = await world.open_account("h-002", Keypair().pubkey())
    base: dict[str, Any] = {"program_id": TOKEN_2022, "mint": chain.mint, "multi_signers": []}
    wrongs = [
        thaw_account(ThawAccountParams(**base, account=waiting, authority=hub)),
        freeze_account(FreezeAccountParams(**base, account=household.account, authority=hub)),
        move(world, household.account, chain.escrow, hub, 1),
        move(world, chain.escrow, household.account, hub, 1),
        permissioned_burn_checked(household.account, chain.mint, hub, hub, 1),
        update_default_account_state(chain.mint, hub, AccountState.INITIALIZED),
        close_account(CloseAccountParams(program_id=TOKEN_2022, account=chain.mint, dest=hub, owner=hub)),
    ]
    wrongs += [
        set_authority(
            SetAuthorityParams(
                program_id=TOKEN_2022, account=account, authority=kind, current_authority=hub, new_authority=hub
            )
        )
        for account, kind in (
            (chain.mint, AuthorityType.MINT_TOKENS),
            (chain.mint, AuthorityType.FREEZE_ACCOUNT),
            (chain.escrow, AuthorityType.ACCOUNT_OWNER),
            (household.account, AuthorityType.ACCOUNT_OWNER),
        )
    ]
    for wrong in wrongs:
        with pytest.raises(NodeRefusedError):
            await attempt(world, wrong)
    assert (await household.balance(), await world.chain.supply_wh(COMMUNITY)) == (2_000, 2_000)


async def test_a_frozen_member_moves_burns_and_receives_nothing(world: World) -> None:
    chain, hub = world.community, world.keys.hub.pubkey()
    frozen_one, other = await world.household("h-001", 1), await world.household("h-002", 2)
    for household, period in ((frozen_one, PERIOD), (other, "2026-11-20T12:00Z")):
        await world.give(household, 1_000, period)
    await world.confirmed(await frozen_one.allow(500))
    await frozen(world, frozen_one)
    owner = frozen_one.key
    for wrong, signers in (
        (move(world, frozen_one.account, other.account, owner.pubkey(), 1), (owner,)),
        (move(world, frozen_one.account, chain.escrow, owner.pubkey(), 1), (owner,)),
        (move(world, other.account, frozen_one.account, other.key.pubkey(), 1), (other.key,)),
        (permissioned_burn_checked(frozen_one.account, chain.mint, hub, hub, 1), ()),
        (
            move(world, frozen_one.account, other.account, chain.approvers_authority, 1,
                 *(key.pubkey() for key in APPROVERS[:2])),
            APPROVERS[:2],
        ),
    ):  # fmt: skip
        with pytest.raises(NodeRefusedError):
            await attempt(world, wrong, *signers)
    assert (await frozen_one.balance(), await other.balance()) == (1_000, 1_000)
    await attempt(
        world, thaw_account(ThawAccountParams(**approvers_act(world, frozen_one.account))), *APPROVERS[:2]
    )
    await world.confirmed(await frozen_one.lock(10))


async def test_a_stolen_hub_key_takes_what_was_allowed_and_not_more(world: World) -> None:
    """The known rest of the risk: a delegate may move what it may burn, so allowances stay small."""
    hub = world.keys.hub.pubkey()
    household, thief = await world.household("h-001", 1), await world.household("h-002", 2)
    await world.give(household, 2_000, PERIOD)
    await world.confirmed(await household.allow(300))
    with pytest.raises(NodeRefusedError):
        await attempt(world, move(world, household.account, thief.account, hub, 301))
    await attempt(world, move(world, household.account, thief.account, hub, 300))
    await world.tick()
    with pytest.raises(NodeRefusedError):
        await attempt(world, move(world, household.account, thief.account, hub, 1))
    assert (await household.balance(), await thief.balance()) == (1_700, 300)


async def test_a_stranger_without_admission_receives_nothing(world: World) -> None:
    household = await world.household("h-001", 1)
    await world.give(household, 1_000, PERIOD)
    stranger = await world.open_account("h-002", Keypair().pubkey())
    for account in (stranger, Keypair().pubkey()):
        with pytest.raises(NodeRefusedError):
            await attempt(world, move(world, household.account, account, household.key.pubkey(), 1), household.key)
    assert await household.balance() == 1_000
