"""The sender gives each intent its effect exactly once, whatever fails on the way."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from energy_swap_hub.chain import (
    Burn,
    Chain,
    CommunityError,
    Holding,
    Intent,
    IntentConflictError,
    Mint,
    State,
    Transfer,
    enqueue_burn_period,
    enqueue_household_transaction,
    enqueue_mint_period,
    enqueue_open_account,
    enqueue_release,
    find,
)
from energy_swap_hub.chain.community import check_community, multisig_instructions, plan_community
from energy_swap_hub.chain.directory import household_account
from energy_swap_hub.chain.localnet.service import LocalnetService
from energy_swap_hub.chain.tables import chain_intent
from energy_swap_hub.storage import Database
from energy_swap_protocol.transaction import lock_message
from solana.rpc.async_api import AsyncClient
from solders.keypair import Keypair
from solders.message import MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import AdvanceNonceAccountParams, TransferParams, advance_nonce_account, transfer
from solders.transaction import VersionedTransaction
from sqlalchemy import Connection, update

from .test_token_life import attempt
from .world import APPROVERS, COMMUNITY, Household, World, frame, now


class Wire:
    """A connection to the chain that loses what a test wants it to lose."""

    def __init__(self, localnet: LocalnetService) -> None:
        self.localnet = localnet
        self.loses_requests: set[str] = set()
        self.loses_answers: set[str] = set()
        self.hides_statuses = False
        self.calls: list[str] = []
        self.client = AsyncClient("http://localnet", max_transport_retries=0)
        self.client._provider.session = httpx2.AsyncClient(transport=httpx2.MockTransport(self.handle))

    async def handle(self, request: httpx2.Request) -> httpx2.Response:
        method = json.loads(request.content)["method"]
        self.calls.append(method)
        if method in self.loses_requests:
            raise httpx2.ConnectError("the network is down")
        answer = await self.localnet.call(request.content)
        if method in self.loses_answers:
            raise httpx2.ReadTimeout("no answer")
        if self.hides_statuses and method == "getSignatureStatuses":
            told = json.loads(answer)
            told["result"]["value"] = [None] * len(told["result"]["value"])
            answer = json.dumps(told).encode()
        return httpx2.Response(200, content=answer)


@pytest.fixture
async def wire(localnet: LocalnetService) -> AsyncIterator[Wire]:
    wire = Wire(localnet)
    yield wire
    await wire.client.close()


@pytest.fixture
async def seller(world: World) -> Household:
    return await world.household("h-001", 1)


async def enqueue_mint(world: World, seller: Household, wh: int = 1000, period: str = "p") -> str:
    mint = Mint("h-001", str(seller.account), wh, (frame(1, wh),))
    release = Transfer(str(seller.account), wh)
    (intent_id,) = await world.enqueue(
        lambda c: enqueue_mint_period(c, COMMUNITY, period, [mint], [release], now())
    )
    return intent_id


async def send_once(chain: Chain) -> None:
    await chain.send_waiting()
    await asyncio.sleep(0.03)


async def test_same_intent_twice_has_one_effect(world: World, seller: Household) -> None:
    first = await enqueue_mint(world, seller)
    second = await enqueue_mint(world, seller)
    assert first == second
    await world.confirmed(first)
    await enqueue_mint(world, seller)
    await world.chain.send_waiting()
    assert await seller.balance() == 1000
    assert [intent.id for intent in world.finals].count(first) == 1


async def test_one_id_is_one_effect(world: World, seller: Household) -> None:
    await enqueue_mint(world, seller, 1000)
    with pytest.raises(IntentConflictError):
        await enqueue_mint(world, seller, 1001)


async def test_period_never_gives_out_more_than_it_mints(world: World, seller: Household) -> None:
    mint = Mint("h-001", str(seller.account), 10, (frame(1, 1),))
    with pytest.raises(ValueError, match="release more than it mints"):
        await world.enqueue(
            lambda c: enqueue_mint_period(c, COMMUNITY, "p", [mint], [Transfer(str(seller.account), 11)], now())
        )


async def test_stored_but_never_sent_is_sent_by_the_next_process(
    world: World, seller: Household, wire: Wire
) -> None:
    intent_id = await enqueue_mint(world, seller)
    wire.loses_requests = {"sendTransaction"}
    await send_once(world.new_chain(wire.client))
    stored = await world.intent(intent_id)
    assert stored.state is State.SENT
    assert await seller.balance() == 0
    confirmed = await world.done(intent_id, world.new_chain())
    assert (confirmed.state, confirmed.signature) == (State.CONFIRMED, stored.signature)
    assert await seller.balance() == 1000


async def test_sent_without_an_answer_is_not_sent_twice(world: World, seller: Household, wire: Wire) -> None:
    intent_id = await enqueue_mint(world, seller)
    wire.loses_answers = {"sendTransaction"}
    await send_once(world.new_chain(wire.client))
    stored = await world.intent(intent_id)
    assert stored.state is State.SENT
    assert await seller.balance() == 1000
    confirmed = await world.done(intent_id, world.new_chain())
    assert confirmed.signature == stored.signature
    assert await seller.balance() == 1000


async def test_expired_unsent_mint_is_signed_anew(world: World, seller: Household, wire: Wire) -> None:
    intent_id = await enqueue_mint(world, seller)
    wire.loses_requests = {"sendTransaction"}
    chain = world.new_chain(wire.client)
    await send_once(chain)
    first = await world.intent(intent_id)
    await world.tick(151)
    wire.loses_requests.clear()
    second = await world.done(intent_id, chain)
    assert second.state is State.CONFIRMED
    assert second.signature != first.signature
    assert await seller.balance() == 1000


async def test_landed_mint_whose_signature_was_lost_is_found_by_its_memo(world: World, seller: Household) -> None:
    intent_id = await enqueue_mint(world, seller)
    landed = await world.confirmed(intent_id)
    lost = {"state": State.SENT, "signature": str(Signature(bytes([7] * 64))), "last_valid_block_height": 1}
    await world.enqueue(
        lambda c: c.execute(update(chain_intent).where(chain_intent.c.id == intent_id).values(**lost))
    )
    found = await world.confirmed(intent_id)
    assert found.signature == landed.signature
    assert await seller.balance() == 1000


async def test_expired_household_transaction_fails_with_the_reason(world: World, seller: Household) -> None:
    await world.give(seller, 1000, "p1")
    order = uuid4()

    transaction = await seller.signed(lambda info: lock_message(info, seller.key.pubkey(), 500, order))
    await world.tick(151)
    intent_id = await world.enqueue(
        lambda c: enqueue_household_transaction(c, COMMUNITY, f"lock:{order}", transaction, now())
    )
    intent = await world.done(intent_id)
    assert intent.state is State.FAILED
    assert "sign it again" in (intent.error or "")
    assert await seller.balance() == 1000


async def test_household_transaction_that_expires_on_the_way_fails(
    world: World, seller: Household, wire: Wire
) -> None:
    await world.give(seller, 1000, "p1")
    intent_id = await seller.lock(500)
    wire.loses_requests = {"sendTransaction"}
    chain = world.new_chain(wire.client)
    await send_once(chain)
    assert (await world.intent(intent_id)).state is State.SENT
    await world.tick(301)
    intent = await world.done(intent_id, chain)
    assert intent.state is State.FAILED
    assert "sign it again" in (intent.error or "")


async def signed_admission(world: World) -> str:
    await world.open_account("h-009", Keypair().pubkey())
    for approver in APPROVERS[: world.community.needed]:
        await world.sign_admission("h-009", approver)
    await world.tick()
    return await world.admit_intent("h-009")


async def test_admission_whose_nonce_is_seen_used_before_its_own_status_is_not_given_up(
    world: World, wire: Wire
) -> None:
    intent_id = await signed_admission(world)
    chain = world.new_chain(wire.client)
    wire.hides_statuses = True
    for _ in range(5):
        await send_once(chain)
        await asyncio.sleep(0.03)
        await world.tick(10)
    assert (await world.intent(intent_id)).state is State.SENT
    wire.hides_statuses = False
    assert (await world.done(intent_id, chain)).state is State.CONFIRMED


async def test_admission_whose_nonce_another_transaction_used_fails_with_the_reason(
    world: World, wire: Wire
) -> None:
    intent_id = await signed_admission(world)
    wire.loses_requests = {"sendTransaction"}
    chain = world.new_chain(wire.client)
    await send_once(chain)
    nonce = (await world.database.read(lambda c: household_account(c, COMMUNITY, "h-009"))).nonce_account
    hub = world.keys.hub
    advance = advance_nonce_account(AdvanceNonceAccountParams(nonce_pubkey=nonce, authorized_pubkey=hub.pubkey()))
    await attempt(world, advance)
    await world.tick(149)
    for _ in range(2):
        await send_once(chain)
        await asyncio.sleep(0.03)
    assert (await world.intent(intent_id)).state is State.SENT
    await world.tick(151)
    intent = await world.done(intent_id, chain)
    assert intent.state is State.FAILED
    assert "approve again" in (intent.error or "")


async def test_transaction_no_node_takes_fails_and_holds_nothing_up(world: World, seller: Household) -> None:
    order = uuid4()
    transaction = await seller.signed(lambda info: lock_message(info, seller.key.pubkey(), 500, order))
    transaction.signatures = [transaction.signatures[0], Signature(bytes([7] * 64))]
    forged = await world.enqueue(
        lambda c: enqueue_household_transaction(c, COMMUNITY, f"lock:{order}", transaction, now())
    )
    intent = await world.done(forged)
    assert intent.state is State.FAILED
    assert "signature verification" in (intent.error or "")
    await world.give(seller, 1000, "p1")


async def test_failure_on_the_chain_is_final(world: World, seller: Household, wire: Wire) -> None:
    """Preflight passes, then the escrow is emptied before the transaction lands."""
    await world.give(seller, 1000, "p1")
    await world.confirmed(await seller.lock(1000))
    release = await world.enqueue(lambda c: enqueue_release(c, COMMUNITY, "o-1", seller.account, 1000, now()))
    wire.loses_requests = {"sendTransaction"}
    await send_once(world.new_chain(wire.client))
    stored = await world.intent(release)
    assert stored.state is State.SENT
    await world.enqueue(  # as if another worker had sent it: this one must not notice
        lambda c: c.execute(update(chain_intent).where(chain_intent.c.id == release).values(state="failed"))
    )
    other = await world.enqueue(lambda c: enqueue_release(c, COMMUNITY, "o-2", seller.account, 1000, now()))
    await world.confirmed(other)
    await world.enqueue(
        lambda c: c.execute(update(chain_intent).where(chain_intent.c.id == release).values(state="sent"))
    )
    intent = await world.done(release, world.new_chain())
    assert intent.state is State.FAILED
    assert "insufficient funds" in (intent.error or "")
    assert intent.fee_lamports == 10_000
    assert await seller.balance() == 1000


async def test_intent_waits_while_the_hub_cannot_pay(world: World, seller: Household) -> None:
    hub = world.keys.hub
    blockhash, _ = await world.node.latest_blockhash()
    rest = await world.node.lamports(hub.pubkey()) - 5000
    payment = TransferParams(from_pubkey=hub.pubkey(), to_pubkey=Pubkey(bytes([9] * 32)), lamports=rest)
    message = MessageV0.try_compile(hub.pubkey(), [transfer(payment)], [], blockhash)
    await world.node.send(bytes(VersionedTransaction(message, [hub])), preflight=True)
    intent_id = await enqueue_mint(world, seller)
    await send_once(world.chain)
    waiting = await world.intent(intent_id)
    assert waiting.state is State.QUEUED
    assert waiting.error
    await world.node.airdrop(hub.pubkey(), 10**9)
    await world.confirmed(intent_id)
    assert await seller.balance() == 1000


async def test_node_that_is_down_only_delays(world: World, seller: Household, wire: Wire) -> None:
    intent_id = await enqueue_mint(world, seller)
    wire.loses_requests = {"getLatestBlockhash", "getSignatureStatuses"}
    chain = world.new_chain(wire.client)
    for _ in range(3):
        await send_once(chain)
    assert (await world.intent(intent_id)).state is State.QUEUED
    wire.loses_requests.clear()
    assert (await world.done(intent_id, chain)).state is State.CONFIRMED


async def test_final_and_its_consequence_are_one_transaction(world: World, seller: Household) -> None:
    intent_id = await enqueue_mint(world, seller)
    told: list[State] = []

    def on_final(_connection: object, finals: Sequence[Intent]) -> None:
        told.extend(intent.state for intent in finals)
        if len(told) == 1:
            raise RuntimeError("the consequence could not be stored")

    chain = Chain(world.database, world.client, world.keys, now, on_final)
    await send_once(chain)
    assert (await world.intent(intent_id)).state is State.SENT
    await world.done(intent_id, chain)
    assert told == [State.CONFIRMED, State.CONFIRMED]
    assert await seller.balance() == 1000


async def test_locks_become_final_together_and_one_that_fails_holds_up_none_before_it(
    world: World, seller: Household
) -> None:
    await world.give(seller, 1000, "p1")
    locks = [(await world.confirmed(await seller.lock(wh))).id for wh in (100, 200, 300)]
    told: list[list[str]] = []

    def on_final(_connection: object, finals: Sequence[Intent]) -> None:
        told.append([intent.id for intent in finals])
        if is_failing and locks[2] in told[-1]:
            raise RuntimeError("the consequence could not be stored")

    for is_failing, expected in ((False, [locks]), (True, [locks, *([one] for one in locks)])):
        told.clear()
        await world.enqueue(
            lambda c: c.execute(update(chain_intent).where(chain_intent.c.id.in_(locks)).values(state=State.SENT))
        )
        await send_once(Chain(world.database, world.client, world.keys, now, on_final))
        assert told == expected
        states = [(await world.intent(one)).state for one in locks]
        assert states == [State.CONFIRMED] * 2 + [State.SENT if is_failing else State.CONFIRMED]


async def test_running_sender_acts_when_woken_and_also_when_not(world: World, seller: Household) -> None:
    running = asyncio.create_task(world.chain.run())
    try:
        for period in ("p1", "p2"):
            intent_id = await enqueue_mint(world, seller, period=period)
            if period == "p1":
                world.chain.wake()
            async with asyncio.timeout(60):
                while (await world.intent(intent_id)).state is not State.CONFIRMED:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
    finally:
        running.cancel()
    assert await seller.balance() == 2000


async def test_communities_on_one_hub_have_tokens_of_their_own(world: World, seller: Household) -> None:
    await world.give(seller, 1000, "p1")
    approver = Keypair().pubkey()
    other = await world.chain.open_community("mathare-01", [approver], 1)
    assert other.mint != world.community.mint
    account = await world.enqueue(
        lambda c: enqueue_open_account(c, "mathare-01", "h-001", seller.key.pubkey(), now())
    )
    await world.chain.send_waiting()
    assert account != seller.account
    assert await world.chain.holdings([account]) == [Holding(0, 0, is_frozen=True)]
    assert (await world.chain.supply_wh("mathare-01"), await world.chain.supply_wh(COMMUNITY)) == (0, 1000)


async def test_community_with_other_approvers_than_on_the_chain_is_refused(world: World) -> None:
    with pytest.raises(CommunityError, match="other keys or approvers"):
        await world.chain.open_community(COMMUNITY, [Keypair().pubkey()], 1)
    with pytest.raises(CommunityError, match="not 3 of 2"):
        await world.chain.open_community("new", [Keypair().pubkey() for _ in range(2)], 3)


async def test_community_half_made_by_a_killed_hub_is_completed(world: World) -> None:
    genesis, hub = await world.node.genesis(), world.keys.hub
    verifiers = [co_signer.key for co_signer in world.keys.co_signers]
    plan = plan_community("half", genesis, hub.pubkey(), verifiers, [Keypair().pubkey()], 1)
    rent = await world.node.rent_lamports(355)
    blockhash, _ = await world.node.latest_blockhash()
    message = MessageV0.try_compile(hub.pubkey(), multisig_instructions(plan, rent), [], blockhash)
    await world.node.send(bytes(VersionedTransaction(message, [hub])), preflight=True)
    made = await world.chain.open_community("half", list(plan.approvers), 1)
    assert made == plan
    await check_community(world.node, plan)


async def test_opening_a_community_again_changes_nothing(world: World, tmp_path: Path) -> None:
    slot_fees = await world.chain.fee_balance_lamports(COMMUNITY)
    community = world.community
    await world.open()
    assert world.community == community
    assert await world.chain.fee_balance_lamports(COMMUNITY) == slot_fees
    info = await world.chain.chain_info(COMMUNITY)
    assert (info.cluster, info.decimals, info.mint) == ("localnet", 3, str(community.mint))
    assert "LiteSVM" in await world.chain.version()


async def test_the_compute_budget_is_what_a_simulation_took_and_a_fifth_more(
    world: World, seller: Household, wire: Wire
) -> None:
    intent_id = await enqueue_mint(world, seller)
    chain = world.new_chain(wire.client)
    confirmed = await world.done(intent_id, chain)
    assert wire.calls.count("simulateTransaction") == 1
    transaction = VersionedTransaction.from_bytes(confirmed.raw or b"")
    assert isinstance(transaction.message, MessageV1)
    budget = transaction.message.config.compute_unit_limit
    landed = await world.node.call(
        "getTransaction", confirmed.signature, {"encoding": "base64", "maxSupportedTransactionVersion": 1}
    )
    taken = landed["meta"]["computeUnitsConsumed"]
    assert budget is not None
    assert taken < budget <= taken * 1.21, (taken, budget)


async def test_a_hub_restored_from_a_backup_does_nothing_again_that_it_has_forgotten(
    world: World, seller: Household, tmp_path: Path
) -> None:
    await world.give(seller, 1_000, "p1")
    await world.confirmed(await seller.allow(900))
    await world.confirmed(await seller.lock(300))

    def ask(connection: Connection) -> list[str]:
        mint = Mint("h-001", str(seller.account), 500, (frame(1, 500),))
        gives = [Transfer(str(seller.account), 500)]
        burn = Burn("h-001", str(seller.account), 200)
        return [
            *enqueue_mint_period(connection, COMMUNITY, "p2", [mint], gives, now()),
            *enqueue_burn_period(connection, COMMUNITY, "p2", [burn], now()),
            enqueue_release(connection, COMMUNITY, "o-1", seller.account, 100, now()),
        ]

    backup = tmp_path / "backup.sqlite"
    with closing(sqlite3.connect(tmp_path / "hub.sqlite")) as source, closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)
    done = [await world.confirmed(name) for name in await world.enqueue(ask)]
    before = (await seller.balance(), await world.chain.supply_wh(COMMUNITY))
    assert before == (700 + 500 - 200 + 100, 1_300)
    restored = Database.open(backup)
    chain = Chain(restored, world.client, world.keys, now, lambda _c, _i: None)
    for name in await restored.write(ask):
        async with asyncio.timeout(60):
            while (intent := await restored.read(lambda c, n=name: find(c, COMMUNITY, n))) is None or (  # type: ignore[misc]
                intent.state is not State.CONFIRMED
            ):
                await chain.send_waiting()
                assert intent is None or intent.state is not State.FAILED, intent
        assert intent.signature in {one.signature for one in done}
    assert (await seller.balance(), await world.chain.supply_wh(COMMUNITY)) == before
    # What is new since then goes out.
    later = await restored.write(lambda c: enqueue_release(c, COMMUNITY, "o-2", seller.account, 50, now()))
    await chain.send_waiting()
    found = await restored.read(lambda c: find(c, COMMUNITY, later))
    assert found is not None
    assert found.state is State.CONFIRMED
    assert await seller.balance() == before[0] + 50
    await restored.close()
