"""Every night the hub holds each wallet against the chain, and says when the fees run out."""

from datetime import timedelta
from typing import Any

from energy_swap_hub.chain.client import Node
from energy_swap_hub.changes import Changes
from energy_swap_hub.settlement import chain_watch
from energy_swap_hub.settlement.chain_watch import FEES_LOW, SAGA, WALLET_DIFFERS, ChainWatch
from energy_swap_hub.settlement.machine import schedule, under_way
from energy_swap_hub.settlement.tables import notification, review
from energy_swap_protocol.transaction import DECIMALS, TOKEN_2022, token_account
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction
from spl.token.instructions import revoke, transfer_checked
from spl.token.models import RevokeParams, TransferCheckedParams

from tests.hub.village import VILLAGE, Home, Village


def watch_of(village: Village) -> ChainWatch:
    return ChainWatch(village.database, village.chain, VILLAGE, village.clock, Changes())


async def compare(village: Village) -> None:
    """A night passes."""
    await village.database.write(lambda c: schedule(c, VILLAGE, SAGA, "compare", village.now))
    await watch_of(village).look()


async def reviews(village: Village, kind: str) -> list[dict[str, Any]]:
    return [row for row in await village.rows(review) if row["kind"] == kind]


async def told(village: Village, home: Home) -> list[str]:
    return [row["event"] for row in await village.rows(notification) if row["household_id"] == home.id]


async def by_itself(village: Village, home: Home, instruction: Instruction) -> None:
    """A household that has some SOL acts on the chain without the hub."""
    node, key = Node(village.localnet.client()), Keypair.from_seed(bytes(home.key))
    await node.airdrop(key.pubkey(), 10**8)
    blockhash, _ = await node.latest_blockhash()
    message = MessageV0.try_compile(key.pubkey(), [instruction], [], blockhash)
    await node.send(bytes(VersionedTransaction(message, [key])), preflight=True)
    await village.localnet.tick()


async def test_a_night_in_which_all_is_right_asks_nobody(village: Village) -> None:
    await village.end_period({village.amina.id: 2_000, village.brian.id: 300})
    await village.sell(village.amina, 700, 900)
    await compare(village)
    assert await village.rows(review) == []
    (saga,) = [work for work in await village.read(lambda c: under_way(c, VILLAGE)) if work.kind == SAGA]
    assert saga.version == 1
    assert timedelta() < saga.due_at - village.now <= timedelta(days=1)
    assert (saga.due_at.hour, saga.due_at.minute) == (22, 30), "half past one in Nairobi"


async def test_tokens_that_a_household_moves_itself_are_noticed_and_it_is_told(village: Village) -> None:
    amina, brian = village.amina, village.brian
    await village.end_period({amina.id: 2_000})
    mint = (await village.info()).mint
    source, to = token_account(amina.pubkey, mint), token_account(brian.pubkey, mint)

    def move(home: Home, out_of: Pubkey, into: Pubkey) -> Instruction:
        return transfer_checked(
            TransferCheckedParams(
                program_id=TOKEN_2022, source=out_of, mint=mint, dest=into, owner=home.pubkey, amount=500,
                decimals=DECIMALS, signers=[],
            )
        )  # fmt: skip

    await by_itself(village, amina, move(amina, source, to))
    for _ in range(2):  # it is asked once
        await compare(village)
    found = {row["subject"]: row["evidence"] for row in await reviews(village, WALLET_DIFFERS)}
    assert {name: (e["books_wh"], e["chain_wh"]) for name, e in found.items()} == {
        amina.id: (2_000, 1_500),
        brian.id: (0, 500),
    }
    assert "moved past the hub" in found[amina.id]["text"]
    assert (await told(village, amina)).count("wallet_differs") == 1
    assert "wallet_differs" not in await told(village, village.chebet)
    await by_itself(village, brian, move(brian, to, source))  # they were brought back


async def test_an_allowance_that_is_taken_back_is_not_granted_any_more(village: Village) -> None:
    amina = village.amina
    before = await village.allowance(amina)
    assert before > 0
    account = token_account(amina.pubkey, (await village.info()).mint)
    await by_itself(
        village,
        amina,
        revoke(RevokeParams(program_id=TOKEN_2022, account=account, owner=amina.pubkey, signers=[])),
    )
    await compare(village)
    assert await village.allowance(amina) == 0
    rows = [row for row in await village.rows(notification) if row["event"] == "allowance_lost"]
    assert [(row["household_id"], row["data"]) for row in rows] == [(amina.id, {"wh": before})]
    await compare(village)
    assert len([row for row in await village.rows(notification) if row["event"] == "allowance_lost"]) == 1


async def test_while_something_is_on_its_way_nothing_is_compared(village: Village) -> None:
    amina = village.amina
    await village.end_period({amina.id: 1_000})
    await village.send(amina, await village.sell_order(amina, 300, 900))
    await compare(village)
    assert not [w for w in await village.read(lambda c: under_way(c, VILLAGE)) if w.kind == SAGA and w.version]
    await village.chain_works()
    await watch_of(village).look()
    assert [w.version for w in await village.read(lambda c: under_way(c, VILLAGE)) if w.kind == SAGA] == [1]
    assert await village.rows(review) == []


async def test_little_left_for_fees_is_asked_for_and_enough_takes_it_back(village: Village) -> None:
    hub, node = village.keys.hub, Node(village.localnet.client())
    assert not (await watch_of(village).fees()).is_low
    rest = await node.lamports(hub.pubkey()) - chain_watch._LEAST_LAMPORTS
    blockhash, _ = await node.latest_blockhash()
    payment = TransferParams(from_pubkey=hub.pubkey(), to_pubkey=Keypair().pubkey(), lamports=rest)
    message = MessageV0.try_compile(hub.pubkey(), [transfer(payment)], [], blockhash)
    await node.send(bytes(VersionedTransaction(message, [hub])), preflight=True)
    for _ in range(2):
        assert (await watch_of(village).fees()).is_low
    (asked,) = await reviews(village, FEES_LOW)
    assert asked["evidence"]["send_to"] == str(hub.pubkey())
    assert asked["evidence"]["lamports"] < asked["evidence"]["needed_lamports"]
    await node.airdrop(hub.pubkey(), 10**9)
    await watch_of(village).look()
    (asked,) = await reviews(village, FEES_LOW)
    assert (asked["state"], asked["resolved_by"]) == ("resolved", "the hub")
