"""A Solana chain of one: LiteSVM executes, our journal makes it durable and keeps the rules LiteSVM leaves out.

LiteSVM alone starts every process with the same blockhashes and an empty history, so an old transaction would
execute again after a restart. Here blockhashes are random and durable, their age and every signature are checked
against the journal, and durable nonces follow our blockhashes. What is acknowledged is on disk and final at once.
"""

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, cast

from energy_swap_protocol.transaction import TOKEN_2022, memo_instruction
from solders.account import Account
from solders.hash import Hash
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import ID as SYSTEM
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import TransactionMetadata

from energy_swap_hub.chain.token2022 import LayoutError, parse_mint, parse_token_account

from .journal import Executed, Journal
from .rules import (
    NONCE,
    AnyMessage,
    RpcError,
    amount_shown,
    check_form,
    error_of,
    is_nonce,
    lamports_of,
    memos,
    preflight_error,
    writable_keys,
)

MAX_AGE_BLOCKS: Final = 150
_FAUCET_LAMPORTS: Final = 500_000_000 * 10**9
_RENT_EXEMPT: Final = 2**64 - 1

type Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a transaction would do now."""

    error: Any
    logs: list[str]
    units_consumed: int


def describe() -> str:
    """Return what this chain is, for everyone who asks for its version."""
    return f"LiteSVM in solders {version('solders')}: one node, final at once, not a Solana cluster"


class Localnet:
    """The chain. Not safe for concurrent calls: give it one thread (see `service`)."""

    def __init__(
        self, path: Path | None, clock: Clock, *, entropy: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        """Open the chain in the SQLite file at ``path``, or begin a new one; ``None`` keeps it in memory."""
        self._clock = clock
        self._entropy = entropy
        # Signatures, age and duplicates are checked here, against what survives a restart.
        self._svm = cast(
            "LiteSVM",
            cast("Any", LiteSVM()).with_sigverify(False).with_blockhash_check(False).with_transaction_history(0),
        )
        self._journal = Journal(path)
        self._is_broken = False
        if self._journal.state("genesis") is None:
            self._begin()
        for key, account in self._journal.accounts():
            self._svm.set_account(key, account)
        self.genesis = Hash(self._stored("genesis"))
        self._faucet = Keypair.from_bytes(self._stored("faucet"))
        self.slot = int(self._journal.state("slot") or b"0")
        blockhash = self._journal.state("blockhash")
        if blockhash is None:
            self.tick()
        else:
            self.blockhash = Hash(blockhash)
            self._set_clock()

    @property
    def block_height(self) -> int:
        """Every slot has a block here."""
        return self.slot

    @property
    def last_valid_block_height(self) -> int:
        """The last block height at which the latest blockhash is accepted."""
        return self.slot + MAX_AGE_BLOCKS

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    def tick(self) -> None:
        """Begin the next slot, with a new blockhash."""
        self._check()
        self.slot += 1
        self.blockhash = Hash(hashlib.sha256(self.slot.to_bytes(8) + self._entropy(32)).digest())
        self._store(lambda: self._journal.record_slot(self.slot, self.blockhash, self.last_valid_block_height))
        self._set_clock()

    def is_blockhash_valid(self, blockhash: Hash) -> bool:
        """Whether a transaction with ``blockhash`` can still be executed."""
        last = self._journal.last_valid_height(blockhash)
        return last is not None and last >= self.block_height

    def account(self, key: Pubkey) -> Account | None:
        """Return an account as it is now."""
        self._check()
        return self._svm.get_account(key)

    def program_accounts(self, program: Pubkey) -> list[tuple[Pubkey, Account]]:
        """Return all accounts that ``program`` owns."""
        self._check()
        return self._svm.get_program_accounts(program)

    def rent_lamports(self, size: int) -> int:
        """Return what an account of ``size`` bytes must hold."""
        return self._svm.minimum_balance_for_rent_exemption(size)

    def executed(self, signature: Signature) -> Executed | None:
        """Return an executed transaction."""
        return self._journal.executed(signature)

    def executed_with(
        self, account: Pubkey, limit: int, before: Signature | None = None, until: Signature | None = None
    ) -> list[Executed]:
        """Return the newest executed transactions that name ``account``, newest first."""
        return self._journal.executed_with(account, limit, before, until)

    def airdrop(self, to: Pubkey, lamports: int) -> Signature:
        """Send play money from the faucet."""
        payment = transfer(TransferParams(from_pubkey=self._faucet.pubkey(), to_pubkey=to, lamports=lamports))
        # A memo makes each airdrop its own transaction: equal ones in a slot would be one.
        memo = memo_instruction(f"airdrop {self._entropy(8).hex()}")
        message = MessageV0.try_compile(self._faucet.pubkey(), [payment, memo], [], self.blockhash)
        return self.send(VersionedTransaction(message, [self._faucet]), skip_preflight=False)

    def simulate(self, transaction: VersionedTransaction, *, replace_blockhash: bool = False) -> Simulation:
        """Say what ``transaction`` would do; nothing changes."""
        self._check()
        check_form(transaction)
        if not replace_blockhash:
            self._check_lifetime(transaction.message)
        result = self._svm.simulate_transaction(transaction)
        meta = result.meta()
        return Simulation(error_of(result), meta.logs(), meta.compute_units_consumed())

    def send(self, transaction: VersionedTransaction, *, skip_preflight: bool) -> Signature:
        """Execute ``transaction`` and make its effect durable; the same one again changes nothing.

        Raises `RpcError` as a node does for what it will not take. A transaction that fails on the way is
        executed, paid and recorded with its error, unless preflight has refused it before.
        """
        self._check()
        check_form(transaction)
        signature = transaction.signatures[0]
        if self._journal.executed(signature) is not None:
            if skip_preflight:
                return signature
            raise preflight_error("AlreadyProcessed", "This transaction has already been processed", [], 0)
        if not all(transaction.verify_with_results()):
            raise RpcError(-32003, "Transaction signature verification failure")
        nonce = self._check_lifetime(transaction.message)
        self._execute(transaction, nonce, is_failure_kept=skip_preflight)
        return signature

    def _execute(self, transaction: VersionedTransaction, nonce: Pubkey | None, *, is_failure_kept: bool) -> None:
        message = transaction.message
        keys = message.account_keys
        self._set_clock()
        before = {key: self._svm.get_account(key) for key in keys}
        result = self._svm.send_transaction(transaction)
        is_done = isinstance(result, TransactionMetadata)
        meta = result if isinstance(result, TransactionMetadata) else result.meta()
        error = error_of(result)
        if not is_done and not is_failure_kept:
            # Preflight by doing: nothing but the payer's balance has changed, and that is given back.
            payer = before[keys[0]]
            if payer is not None:
                self._svm.set_account(keys[0], payer)
            raise preflight_error(error, json.dumps(error), meta.logs(), meta.compute_units_consumed())
        if not is_done and meta.fee() == 0:
            return  # no node would have put it into a block
        writable = writable_keys(message.header, keys)
        self._renew_nonces({key for key in writable if is_done or key == nonce}, before, always=nonce)
        after = {key: self._svm.get_account(key) for key in keys}
        executed = Executed(
            signature=transaction.signatures[0],
            slot=self.slot,
            unix_time=int(self._clock().timestamp()),
            raw=bytes(transaction),
            error=error,
            memo=memos(message),
            meta={
                "err": error,
                "status": {"Ok": None} if error is None else {"Err": error},
                "fee": meta.fee(),
                "preBalances": [lamports_of(before[key]) for key in keys],
                "postBalances": [lamports_of(after[key]) for key in keys],
                "preTokenBalances": self._token_balances(keys, before),
                "postTokenBalances": self._token_balances(keys, after),
                "logMessages": meta.logs(),
                "innerInstructions": [],
                "rewards": [],
                "loadedAddresses": {"writable": [], "readonly": []},
                "computeUnitsConsumed": meta.compute_units_consumed(),
            },
        )
        changed = {key: after[key] for key in writable}
        self._store(lambda: self._journal.record_execution(executed, changed, set(keys)))

    def _check_lifetime(self, message: AnyMessage) -> Pubkey | None:
        """Return the nonce account that keeps ``message`` valid, ``None`` if a recent blockhash does."""
        if self.is_blockhash_valid(message.recent_blockhash):
            return None
        nonce = self._nonce_of(message)
        if nonce is None:
            raise preflight_error("BlockhashNotFound", "Blockhash not found", [], 0)
        return nonce

    def _nonce_of(self, message: AnyMessage) -> Pubkey | None:
        instructions, keys = message.instructions, message.account_keys
        if not instructions or keys[instructions[0].program_id_index] != SYSTEM:
            return None
        if bytes(instructions[0].data)[:4] != b"\x04\x00\x00\x00" or not bytes(instructions[0].accounts):
            return None
        key = keys[bytes(instructions[0].accounts)[0]]
        account = self._svm.get_account(key)
        if account is None or not is_nonce(account):
            return None
        nonce = bytes(account.data)[NONCE]
        # A nonce made in this block cannot be used in it, as on a cluster: it would be renewed to itself.
        is_current = nonce == bytes(message.recent_blockhash) and nonce != self._durable_nonce()
        return key if is_current else None

    def _durable_nonce(self) -> bytes:
        return hashlib.sha256(b"DURABLE_NONCE" + bytes(self.blockhash)).digest()

    def _renew_nonces(
        self, keys: set[Pubkey], before: dict[Pubkey, Account | None], *, always: Pubkey | None
    ) -> None:
        # LiteSVM derives nonces from its own blockhashes, which repeat after a restart, and leaves the nonce of
        # a failed transaction as it was.
        for key in keys:
            account = self._svm.get_account(key)
            if account is None or not is_nonce(account):
                continue
            old = before[key]
            if key != always and old is not None and bytes(old.data)[NONCE] == bytes(account.data)[NONCE]:
                continue
            data = bytearray(account.data)
            data[NONCE] = self._durable_nonce()
            renewed = Account(
                account.lamports, bytes(data), account.owner, executable=False, rent_epoch=_RENT_EXEMPT
            )
            self._svm.set_account(key, renewed)

    def _token_balances(self, keys: list[Pubkey], accounts: dict[Pubkey, Account | None]) -> list[dict[str, Any]]:
        balances = []
        decimals: dict[Pubkey, int] = {}
        for index, key in enumerate(keys):
            account = accounts[key]
            if account is None or account.owner != TOKEN_2022:
                continue
            try:
                holding = parse_token_account(bytes(account.data))
            except LayoutError:
                continue  # a mint or a multisig
            if holding.mint not in decimals:
                decimals[holding.mint] = self._decimals(holding.mint)
            balances.append(
                {
                    "accountIndex": index,
                    "mint": str(holding.mint),
                    "owner": str(holding.owner),
                    "programId": str(TOKEN_2022),
                    "uiTokenAmount": amount_shown(holding.wh, decimals[holding.mint]),
                }
            )
        return balances

    def token_amount(self, mint: Pubkey, amount: int) -> dict[str, Any]:
        """Return ``amount`` of base units as JSON-RPC shows it; raise `RpcError` for an unknown mint."""
        return amount_shown(amount, self._decimals(mint))

    def _decimals(self, mint: Pubkey) -> int:
        account = self._svm.get_account(mint)
        try:
            return parse_mint(bytes(account.data) if account else b"").decimals
        except LayoutError:
            raise RpcError(-32602, "Invalid param: not a Token mint") from None

    def _begin(self) -> None:
        faucet = Keypair.from_seed(self._entropy(32))
        account = Account(_FAUCET_LAMPORTS, b"", SYSTEM, executable=False, rent_epoch=_RENT_EXEMPT)
        states = {"genesis": self._entropy(32), "faucet": bytes(faucet)}
        self._journal.begin_chain(states, {faucet.pubkey(): account})

    def _stored(self, name: str) -> bytes:
        value = self._journal.state(name)
        assert value is not None, f"the journal has no {name}"
        return value

    def _set_clock(self) -> None:
        clock = self._svm.get_clock()
        clock.slot = self.slot
        clock.unix_timestamp = int(self._clock().timestamp())
        self._svm.set_clock(clock)

    def _store(self, change: Callable[[], None]) -> None:
        try:
            change()
        except BaseException:
            # Memory is now ahead of the disk; only a restart, from the disk, is true again.
            self._is_broken = True
            raise

    def _check(self) -> None:
        if self._is_broken:
            raise RpcError(-32603, "the localnet could not write its journal; free disk space and restart it")
