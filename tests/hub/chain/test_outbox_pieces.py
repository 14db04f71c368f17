"""A period's mint is split so that every transaction fits a block and gives out only what was minted so far."""

import random

import pytest
from energy_swap_hub.chain import Burn, BurnPeriod, Mint, MintPeriod, State, Transfer, enqueue_mint_period
from energy_swap_hub.chain.build import Facts, draft
from energy_swap_hub.chain.client import NodeRefusedError
from energy_swap_hub.chain.keys import CoSignRequest
from energy_swap_hub.chain.outbox import MAX_BURNS, MAX_MINTS, MAX_RELEASES, mint_part
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV1, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from spl.token.instructions import thaw_account
from spl.token.models import ThawAccountParams

from .test_attacks import approvers_act
from .test_token_life import attempt
from .world import APPROVERS, COMMUNITY, World, frame, now


async def admitted(world: World, count: int) -> list[Pubkey]:
    """So many accounts that can receive."""
    accounts = [await world.open_account(f"h-{i:03}", Keypair().pubkey()) for i in range(count)]
    for account in accounts:  # many admissions at once, as the approvers would in one evening
        await attempt(world, thaw_account(ThawAccountParams(**approvers_act(world, account))), *APPROVERS[:2])
    return accounts


def exports(accounts: list[Pubkey], wh: int) -> list[Mint]:
    return [Mint(f"h-{i:03}", str(account), wh, (frame(1, i),)) for i, account in enumerate(accounts)]


async def pieces(world: World, period: str, mints: list[Mint], releases: list[Transfer]) -> list[MintPeriod]:
    ids = await world.enqueue(lambda c: enqueue_mint_period(c, COMMUNITY, period, mints, releases, now()))
    found = [(await world.intent(intent_id)).payload for intent_id in ids]
    return [payload for payload in found if isinstance(payload, MintPeriod)]


async def test_57_households_that_keep_all_are_one_transaction_as_large_as_one_can_be(world: World) -> None:
    accounts = await admitted(world, MAX_RELEASES)
    give = [Transfer(str(account), 1000) for account in accounts]
    (only,) = await pieces(world, "2026-11-20T09:00Z", exports(accounts, 1000), give)
    assert (len(only.mints), len(only.releases)) == (MAX_RELEASES, MAX_RELEASES)
    intent = await world.confirmed("mint:2026-11-20T09:00Z")
    raw = intent.raw or b""
    message = VersionedTransaction.from_bytes(raw).message
    assert isinstance(message, MessageV1)
    assert (len(message.account_keys), len(raw) <= 4096) == (64, True), (
        "no transaction locks more than 64 accounts"
    )
    assert intent.fee_lamports == 10_000
    assert await world.chain.balances_wh(accounts) == [1000] * MAX_RELEASES
    assert await world.chain.escrow_wh(COMMUNITY) == 0


async def test_58_households_would_be_too_many_for_the_protocol(world: World) -> None:
    account = str(world.community.escrow)
    gives = [Transfer(str(Keypair().pubkey()), 1) for _ in range(MAX_RELEASES + 1)]
    wish = mint_part("p", 1, 1, [Mint("h", account, 58, (frame(1, 1),))], gives)
    hub, co_signer = world.keys.hub, world.keys.co_signers[0]
    blockhash, _ = await world.node.latest_blockhash()
    message = draft(world.community, wish, co_signer.key, Facts()).message(hub.pubkey(), blockhash)
    assert len(message.account_keys) == 65
    wire = to_bytes_versioned(message)
    signature = hub.sign_message(wire)
    other = await co_signer.co_sign(CoSignRequest(COMMUNITY, "p", wish, wire, signature, hub))
    raw = bytes(VersionedTransaction.populate(message, [signature, other.signature]))
    with pytest.raises(NodeRefusedError, match="invalid transaction"):
        await world.node.send(raw, preflight=True)


async def test_the_most_burns_of_as_many_accounts_fit_into_a_transaction(world: World) -> None:
    burns = tuple(Burn("h", str(Keypair().pubkey()), 2**40) for _ in range(MAX_BURNS))
    wish = BurnPeriod("2026-11-20T09:00Z.late.2", 10, 10, burns)
    hub = world.keys.hub
    message = draft(world.community, wish, hub.pubkey(), Facts()).message(hub.pubkey(), Hash.default())
    assert len(message.account_keys) == 64
    assert len(bytes(VersionedTransaction(message, [hub]))) <= 4096


async def test_any_number_of_sellers_shares_a_transaction_when_few_buy(world: World) -> None:
    seller, buyer = await world.household("h-001", 1), await world.household("h-002", 2)
    mints = exports([seller.account] * MAX_MINTS, 10)
    (only,) = await pieces(world, "p", mints, [Transfer(str(buyer.account), 10 * MAX_MINTS)])
    assert only.leaves == MAX_MINTS
    intent = await world.confirmed("mint:p")
    assert intent.state is State.CONFIRMED
    assert len(intent.raw or b"") < 700
    assert await buyer.balance() == await world.chain.supply_wh(COMMUNITY) == 10 * MAX_MINTS


async def test_large_period_is_split_and_complete(world: World) -> None:
    seller, buyer = await world.household("h-001", 1), await world.household("h-002", 2)
    mints = [*exports([seller.account] * MAX_MINTS, 10), Mint("h-001", str(seller.account), 7, (frame(2, 1),))]
    gives = [Transfer(str(buyer.account), 1)] * 60 + [Transfer(str(seller.account), 10 * MAX_MINTS + 7 - 60)]
    parts = await pieces(world, "p", mints, gives)
    assert [(p.part, p.parts, p.leaves, len(p.releases)) for p in parts] == [(1, 2, MAX_MINTS, 57), (2, 2, 1, 4)]
    for part in (1, 2):
        await world.confirmed(f"mint:p:{part}/2")
    assert await world.chain.balances_wh([seller.account, buyer.account]) == [10 * MAX_MINTS + 7 - 60, 60]


@pytest.mark.parametrize("seed", range(8))
async def test_no_part_gives_out_more_than_was_minted_up_to_it(world: World, seed: int) -> None:
    rng = random.Random(seed)
    account = Pubkey.default()
    mints = [
        Mint("h", str(account), rng.choice((1, 5, 4_000)), (frame(1, 1),)) for _ in range(rng.randint(1, 600))
    ]
    releases: list[Transfer] = []
    left = sum(mint.wh for mint in mints)
    while left > 0 and len(releases) < 400:
        wh = min(left, rng.choice((1, 3, 900, 60_000)))
        releases.append(Transfer(str(account), wh))
        left -= wh
    kept = 0
    parts = await pieces(world, "p", mints, releases)
    for part in parts:
        assert len(part.mints) <= MAX_MINTS
        assert len(part.releases) <= MAX_RELEASES
        kept += sum(mint.wh for mint in part.mints) - sum(release.wh for release in part.releases)
        assert kept >= 0, "the rest of the escrow belongs to open orders"
    assert [mint for part in parts for mint in part.mints] == mints
    assert [release for part in parts for release in part.releases] == releases
