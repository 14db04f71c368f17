"""The embedded chain keeps a cluster's rules, also where LiteSVM alone would not, and forgets nothing."""

import base64
import json
from datetime import UTC, datetime, timedelta
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import pytest
import solders
from energy_swap_hub.chain.localnet.chain import Localnet
from energy_swap_hub.chain.localnet.journal import JournalInUseError
from energy_swap_hub.chain.localnet.rpc import answer
from energy_swap_hub.chain.localnet.rules import RpcError
from energy_swap_protocol.transaction import memo_instruction
from solana.rpc.async_api import AsyncClient
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0, MessageV1, TransactionConfig
from solders.pubkey import Pubkey
from solders.system_program import (
    AdvanceNonceAccountParams,
    TransferParams,
    advance_nonce_account,
    create_nonce_account,
    transfer,
)
from solders.transaction import VersionedTransaction

PAYER = Keypair.from_seed(bytes([1] * 32))
OTHER = Keypair.from_seed(bytes([2] * 32)).pubkey()
SOL = 10**9


def clock() -> datetime:
    return datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def pay(lamports: int, to: Pubkey = OTHER) -> Instruction:
    return transfer(TransferParams(from_pubkey=PAYER.pubkey(), to_pubkey=to, lamports=lamports))


def signed(blockhash: Hash, *instructions: Instruction, signers: tuple[Keypair, ...] = ()) -> VersionedTransaction:
    message = MessageV0.try_compile(PAYER.pubkey(), instructions, [], blockhash)
    return VersionedTransaction(message, [PAYER, *signers])


def balance(localnet: Localnet, key: Pubkey) -> int:
    account = localnet.account(key)
    return account.lamports if account else 0


def reopened(localnet: Localnet, path: Path) -> Localnet:
    localnet.close()
    return Localnet(path, clock)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chain.sqlite"


@pytest.fixture
def funded(path: Path) -> Localnet:
    localnet = Localnet(path, clock)
    localnet.airdrop(PAYER.pubkey(), 100 * SOL)
    return localnet


def make_nonce(localnet: Localnet) -> Keypair:
    key = Keypair()
    make = create_nonce_account(PAYER.pubkey(), key.pubkey(), PAYER.pubkey(), localnet.rent_lamports(80))
    localnet.send(signed(localnet.blockhash, *make, signers=(key,)), skip_preflight=False)
    localnet.tick()
    return key


def nonce_of(localnet: Localnet, key: Keypair) -> Hash:
    account = localnet.account(key.pubkey())
    assert account is not None
    return Hash(bytes(account.data)[40:72])


def advance(key: Keypair) -> Instruction:
    return advance_nonce_account(
        AdvanceNonceAccountParams(nonce_pubkey=key.pubkey(), authorized_pubkey=PAYER.pubkey())
    )


def test_everything_is_there_after_a_restart(funded: Localnet, path: Path) -> None:
    funded.send(signed(funded.blockhash, pay(SOL)), skip_preflight=False)
    before = (funded.slot, funded.genesis, funded.blockhash, balance(funded, PAYER.pubkey()))
    again = reopened(funded, path)
    assert (again.slot, again.genesis, again.blockhash, balance(again, PAYER.pubkey())) == before
    assert balance(again, OTHER) == SOL
    again.send(signed(before[2], pay(2 * SOL)), skip_preflight=False)
    assert balance(again, OTHER) == 3 * SOL, "a blockhash given out before the restart still counts"
    again.close()


def test_old_transaction_never_executes_again(funded: Localnet, path: Path) -> None:
    transaction = signed(funded.blockhash, pay(SOL))
    funded.send(transaction, skip_preflight=False)
    for _ in range(2):
        assert funded.send(transaction, skip_preflight=True) == transaction.signatures[0]
        with pytest.raises(RpcError, match="already been processed"):
            funded.send(transaction, skip_preflight=False)
        assert balance(funded, OTHER) == SOL
        funded = reopened(funded, path)
    funded.close()


def test_blockhash_dies_after_150_slots(funded: Localnet) -> None:
    old = funded.blockhash
    for _ in range(150):
        funded.tick()
    assert funded.is_blockhash_valid(old)
    funded.tick()
    assert not funded.is_blockhash_valid(old)
    with pytest.raises(RpcError, match="Blockhash not found"):
        funded.send(signed(old, pay(SOL)), skip_preflight=True)


def test_every_blockhash_of_the_last_150_slots_serves_not_only_the_newest(funded: Localnet) -> None:
    seen = [funded.blockhash]
    for _ in range(149):
        funded.tick()
        seen.append(funded.blockhash)
    assert len(set(seen)) == 150, "each slot has a blockhash of its own"
    for number, blockhash in enumerate(seen[::37]):
        funded.send(signed(blockhash, pay(SOL + number)), skip_preflight=False)
    assert balance(funded, OTHER) > 4 * SOL


def test_equal_transactions_in_one_slot_are_one_and_a_memo_tells_them_apart(funded: Localnet) -> None:
    first, again = (signed(funded.blockhash, pay(SOL)) for _ in range(2))
    assert first.signatures == again.signatures
    for transaction in (first, again):
        funded.send(transaction, skip_preflight=True)
    assert balance(funded, OTHER) == SOL
    for number in range(2):
        funded.send(signed(funded.blockhash, pay(SOL), memo_instruction(f"n {number}")), skip_preflight=False)
    assert balance(funded, OTHER) == 3 * SOL


def test_each_airdrop_is_its_own_and_from_the_same_faucet_after_a_restart(funded: Localnet, path: Path) -> None:
    for _ in range(2):
        for _ in range(2):
            funded.airdrop(OTHER, SOL)
        funded = reopened(funded, path)
    assert balance(funded, OTHER) == 4 * SOL
    payers = {
        VersionedTransaction.from_bytes(executed.raw).message.account_keys[0]
        for executed in funded.executed_with(OTHER, 10)
    }
    assert len(payers) == 1
    funded.close()


def test_the_clock_of_the_chain_is_ours_in_every_transaction(path: Path) -> None:
    at = [clock()]
    localnet = Localnet(path, lambda: at[0])
    localnet.airdrop(PAYER.pubkey(), SOL)
    for minutes in (1, 60):
        at[0] += timedelta(minutes=minutes)
        localnet.send(signed(localnet.blockhash, pay(10**7 + minutes)), skip_preflight=False)
        assert localnet._svm.get_clock().unix_timestamp == int(at[0].timestamp())
        assert localnet._svm.get_clock().slot == localnet.slot
    localnet.close()


def test_what_preflight_refuses_costs_nothing_and_leaves_no_trace(funded: Localnet) -> None:
    before = balance(funded, PAYER.pubkey())
    failing = signed(funded.blockhash, pay(SOL), pay(10**6 * SOL))
    with pytest.raises(RpcError, match="simulation failed") as refused:
        funded.send(failing, skip_preflight=False)
    assert refused.value.data["err"] == {"InstructionError": [1, {"Custom": 1}]}
    assert (balance(funded, PAYER.pubkey()), balance(funded, OTHER)) == (before, 0)
    assert funded.executed(failing.signatures[0]) is None
    funded.send(failing, skip_preflight=True)
    executed = funded.executed(failing.signatures[0])
    assert executed is not None
    assert executed.error == refused.value.data["err"]
    assert balance(funded, PAYER.pubkey()) == before - 5000


def test_nonce_survives_what_preflight_refuses(funded: Localnet) -> None:
    key = make_nonce(funded)
    nonce = nonce_of(funded, key)
    with pytest.raises(RpcError, match="simulation failed"):
        funded.send(signed(nonce, advance(key), pay(10**6 * SOL)), skip_preflight=False)
    assert nonce_of(funded, key) == nonce
    funded.send(signed(nonce, advance(key), pay(SOL)), skip_preflight=False)
    assert balance(funded, OTHER) == SOL


def test_two_chains_never_share_a_blockhash(tmp_path: Path) -> None:
    first, second = Localnet(tmp_path / "a", clock), Localnet(tmp_path / "b", clock)
    assert first.blockhash != second.blockhash
    assert first.genesis != second.genesis


def test_transaction_on_a_nonce_lands_any_time_later_and_once(funded: Localnet, path: Path) -> None:
    key = make_nonce(funded)
    transaction = signed(nonce_of(funded, key), advance(key), pay(SOL))
    for _ in range(200):
        funded.tick()
    funded = reopened(funded, path)
    funded.send(transaction, skip_preflight=False)
    assert balance(funded, OTHER) == SOL
    other_on_old_nonce = signed(transaction.message.recent_blockhash, advance(key), pay(2 * SOL))
    with pytest.raises(RpcError, match="Blockhash not found"):
        funded.send(other_on_old_nonce, skip_preflight=True)
    funded.close()


def test_failed_transaction_uses_up_its_nonce_too(funded: Localnet) -> None:
    key = make_nonce(funded)
    before = nonce_of(funded, key)
    failing = signed(before, advance(key), pay(10**6 * SOL))
    signature = funded.send(failing, skip_preflight=True)
    executed = funded.executed(signature)
    assert executed is not None
    assert executed.error == {"InstructionError": [1, {"Custom": 1}]}
    assert nonce_of(funded, key) != before
    assert balance(funded, OTHER) == 0


def test_nonces_of_a_restarted_chain_never_repeat(path: Path) -> None:
    # LiteSVM's own blockhashes repeat in every process; a nonce taken from them would come back.
    seen: set[Hash] = set()
    for _ in range(3):
        localnet = Localnet(path, clock)
        localnet.airdrop(PAYER.pubkey(), SOL)
        key = make_nonce(localnet)
        seen.add(nonce_of(localnet, key))
        localnet.send(signed(nonce_of(localnet, key), advance(key), pay(10**6)), skip_preflight=False)
        seen.add(nonce_of(localnet, key))
        localnet.tick()
        localnet.close()
    assert len(seen) == 6


def test_a_nonce_cannot_be_used_in_the_block_that_made_it(funded: Localnet) -> None:
    key = make_nonce(funded)
    funded.send(signed(nonce_of(funded, key), advance(key), pay(1 * SOL)), skip_preflight=False)
    with pytest.raises(RpcError, match="Blockhash not found"):
        funded.send(signed(nonce_of(funded, key), advance(key), pay(2 * SOL)), skip_preflight=False)


def test_forged_and_malformed_transactions_are_refused(funded: Localnet) -> None:
    transaction = signed(funded.blockhash, pay(SOL))
    transaction.signatures = [Keypair().sign_message(b"x")]
    with pytest.raises(RpcError, match="signature verification") as refused:
        funded.send(transaction, skip_preflight=True)
    assert refused.value.code == -32003
    large = signed(funded.blockhash, memo_instruction("x" * 1200))
    with pytest.raises(RpcError, match="too large"):
        funded.send(large, skip_preflight=True)
    unset = MessageV1.try_compile(PAYER.pubkey(), [pay(SOL)], funded.blockhash, TransactionConfig(0, 1000))
    with pytest.raises(RpcError, match="loaded data size"):
        funded.send(VersionedTransaction(unset, [PAYER]), skip_preflight=True)


def test_second_process_cannot_open_the_same_chain(funded: Localnet, path: Path) -> None:
    with pytest.raises(JournalInUseError, match="in use"):
        Localnet(path, clock)
    funded.close()


def ask(localnet: Localnet, method: str, *params: Any) -> dict[str, Any]:
    request = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
    reply = json.loads(answer(localnet, json.dumps(request).encode()))
    assert isinstance(reply, dict)
    assert reply["id"] == 7
    return reply


def test_rpc_tells_what_the_chain_is(funded: Localnet) -> None:
    version = ask(funded, "getVersion")["result"]
    assert "LiteSVM" in version["localnet"]
    assert "not a Solana cluster" in version["localnet"]
    assert f"solders {installed('solders')}" in version["localnet"]
    library = next(Path(solders.__file__).parent.glob("solders.*.so")).read_bytes()
    assert f"solana-program-runtime-{version['solana-core']}".encode() in library, (
        "the runtime that really executes"
    )
    assert ask(funded, "getHealth")["result"] == "ok"


def test_rpc_says_what_is_wrong(funded: Localnet) -> None:
    assert ask(funded, "getBlockProduction")["error"]["code"] == -32601
    for method, params in (
        ("getBalance", ["not base58"]),
        ("getBalance", []),
        ("sendTransaction", ["AAAA", {"encoding": "base64"}]),
        ("sendTransaction", ["AAAA"]),
        ("isBlockhashValid", ["x"]),
        ("getMultipleAccounts", [[str(OTHER)] * 101]),
        ("getTokenSupply", [str(OTHER)]),
    ):
        assert ask(funded, method, *params)["error"]["code"] == -32602, method
    assert json.loads(answer(funded, b"{"))["error"]["code"] == -32700
    assert json.loads(answer(funded, b"3"))["error"]["code"] == -32600


def test_rpc_answers_batches(funded: Localnet) -> None:
    batch = [{"jsonrpc": "2.0", "id": i, "method": "getSlot"} for i in range(3)]
    assert [r["result"] for r in json.loads(answer(funded, json.dumps(batch).encode()))] == [funded.slot] * 3


def test_history_is_newest_first_with_memos(funded: Localnet) -> None:
    signatures = [
        str(funded.send(signed(funded.blockhash, pay(SOL), memo_instruction(f"n {i}")), skip_preflight=False))
        for i in range(3)
    ]
    found = ask(funded, "getSignaturesForAddress", str(OTHER), {"limit": 2})["result"]
    assert [item["signature"] for item in found] == signatures[:0:-1]
    assert [item["memo"] for item in found] == ["[3] n 2", "[3] n 1"]
    older = ask(funded, "getSignaturesForAddress", str(OTHER), {"before": signatures[1]})["result"]
    assert [item["signature"] for item in older] == signatures[:1]
    raw = ask(funded, "getTransaction", signatures[0], {"maxSupportedTransactionVersion": 0})["result"]
    assert raw["version"] == 0
    assert raw["meta"]["fee"] == 5000
    assert VersionedTransaction.from_bytes(base64.b64decode(raw["transaction"][0])).message.account_keys
    assert ask(funded, "getTransaction", signatures[0])["error"]["code"] == -32015


async def test_the_library_s_own_client_understands_the_chain(client: AsyncClient) -> None:
    key = Keypair().pubkey()
    await client.request_airdrop(key, SOL)
    assert (await client.get_balance(key)).value == SOL
    assert (await client.get_minimum_balance_for_rent_exemption(0)).value > 0
    latest = (await client.get_latest_blockhash()).value
    message = MessageV0.try_compile(key, [memo_instruction("x")], [], latest.blockhash)
    assert (await client.get_fee_for_message(message)).value == 5000
    history = (await client.get_signatures_for_address(key)).value
    assert (await client.get_signature_statuses([history[0].signature])).value[0] is not None
    account = (await client.get_account_info(key)).value
    assert account is not None
    assert account.lamports == SOL
