"""The Solana calls that the hub makes, as plain values; the node may be a cluster's or the localnet.

Answers are read as JSON: the typed parsers of the library panic on some errors that real nodes send.
"""

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from energy_swap_protocol.transaction import TOKEN_2022
from pydantic import ValidationError
from solana.exceptions import SolanaRpcException
from solana.rpc.async_api import AsyncClient
from solana.rpc.jsonrpc import JsonRpcRequest, SolanaJsonRpcError
from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

NONCE_ACCOUNT_BYTES: Final = 80
_NONCE: Final = slice(40, 72)  # where the nonce is in its account
_CONFIRMED: Final = {"commitment": "confirmed"}
_FINALIZED: Final = {"commitment": "finalized"}
_ACCOUNTS_PER_CALL: Final = 100
_STATUSES_PER_CALL: Final = 256
_MEMOS_SEARCHED: Final = 1_000
_REFUSED_FOR_GOOD: Final = {-32602, -32003, -32006}  # not a transaction, or not truly signed
_FAILS_FOR_GOOD: Final = ("SanitizeFailure", "UnsupportedVersion", "MaxLoadedAccountsDataSizeExceeded")
_TOO_MANY: Final = 429
_WAIT_SECONDS: Final = 10.0  # where a node does not say; public ones count requests in windows of 10 s
_LONGEST_WAIT_SECONDS: Final = 300.0
_SAID: Final = "Program log: Error: "
_TOKEN_FAILED: Final = f"Program {TOKEN_2022} failed"
_TOKEN_ERRORS: Final = {
    1: "insufficient funds, or more than the allowance",
    4: "not the owner or its delegate",
    12: "burning takes the hub's signature",
    17: "the account is frozen",
    67: "the token is paused",
}


class NodeUnavailableError(Exception):
    """The node could not be asked or gave no sensible answer; the call may succeed after ``wait_seconds``."""

    def __init__(self, text: str, wait_seconds: float = 0.0) -> None:
        super().__init__(text)
        self.wait_seconds = wait_seconds


class NodeRefusedError(Exception):
    """The node answered with an error; ``reason`` is the transaction error of a preflight, if it was one.

    ``is_for_good`` says that the same transaction would be refused again: it is not the node or the fees.
    """

    def __init__(self, code: int, message: str, data: Any) -> None:
        super().__init__(message)
        self.code = code
        self.reason = data.get("err") if isinstance(data, dict) else None
        self.is_for_good = (
            code in _REFUSED_FOR_GOOD
            or self.reason in _FAILS_FOR_GOOD
            or (isinstance(self.reason, dict) and "InstructionError" in self.reason)
        )
        self.logs: list[str] = (data.get("logs") or []) if isinstance(data, dict) else []


@dataclass(frozen=True, slots=True)
class Status:
    """What became of a transaction that a node knows; ``error`` is Solana's error value or ``None``."""

    error: Any
    is_confirmed: bool
    is_final: bool


@dataclass(frozen=True, slots=True)
class Landed:
    """A transaction in the chain's history."""

    fee_lamports: int
    logs: list[str]
    fee_payer: Pubkey


def connect(url: str) -> AsyncClient:
    """Return a client for the node at ``url``.

    It never repeats a request by itself: a repeated send would be preflighted against its own effect.
    """
    return AsyncClient(url, max_transport_retries=0, http2=False, timeout=30)


class Node:
    """One Solana node behind `AsyncClient`."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._quiet_until = 0.0  # by the loop's clock: a node that is asked too often is left alone so long

    async def call(self, method: str, *params: Any) -> Any:
        """Return the raw result of a JSON-RPC method.

        After a node has said that it is asked too often (HTTP 429), nothing is asked of it until it may be.
        """
        wait = self._quiet_until - asyncio.get_running_loop().time()
        if wait > 0:
            raise NodeUnavailableError(f"{method}: the node is left alone for {wait:.0f} s, as it asked", wait)
        try:
            return await self._client.send_rpc_request(JsonRpcRequest(method=method, params=list(params)), Any)
        except SolanaJsonRpcError as error:
            raise NodeRefusedError(error.code, str(error), error.data) from None
        except (SolanaRpcException, ValidationError) as error:
            cause = error.__cause__ or error
            wait = _asked_to_wait(cause)
            self._quiet_until = asyncio.get_running_loop().time() + wait if wait else self._quiet_until
            # The transport's own words name the node's address, and with it perhaps an API key.
            raise NodeUnavailableError(f"{method}: {_transport_error(cause)}", wait) from None

    async def version(self) -> dict[str, Any]:
        """Return what the node says it is."""
        return dict(await self.call("getVersion"))

    async def genesis(self) -> str:
        """Return the hash that identifies the chain."""
        return str(await self.call("getGenesisHash"))

    async def slot(self) -> int:
        """Return the newest confirmed slot."""
        return int(await self.call("getSlot", _CONFIRMED))

    async def block_height(self) -> int:
        """Return the finalized block height: what has expired by it can never land."""
        return int(await self.call("getBlockHeight", _FINALIZED))

    async def latest_blockhash(self) -> tuple[Hash, int]:
        """Return a blockhash to sign with and the last block height that accepts it."""
        value = (await self.call("getLatestBlockhash", _CONFIRMED))["value"]
        return Hash.from_string(value["blockhash"]), int(value["lastValidBlockHeight"])

    async def is_blockhash_valid(self, blockhash: Hash) -> bool:
        """Whether a transaction with ``blockhash`` can still land."""
        return bool((await self.call("isBlockhashValid", str(blockhash), _CONFIRMED))["value"])

    async def rent_lamports(self, size: int) -> int:
        """Return what an account of ``size`` bytes must hold."""
        return int(await self.call("getMinimumBalanceForRentExemption", size))

    async def lamports(self, key: Pubkey) -> int:
        """Return the balance that pays fees."""
        return int((await self.call("getBalance", str(key), _CONFIRMED))["value"])

    async def airdrop(self, key: Pubkey, lamports: int) -> None:
        """Ask for play money; only localnets and test clusters give it."""
        await self.call("requestAirdrop", str(key), lamports)

    async def accounts(self, keys: Sequence[Pubkey]) -> list[bytes | None]:
        """Return the data of each account, ``None`` for one that does not exist."""
        found: list[bytes | None] = []
        for start in range(0, len(keys), _ACCOUNTS_PER_CALL):
            found += (await self.accounts_at(keys[start : start + _ACCOUNTS_PER_CALL]))[1]
        return found

    async def accounts_at(self, keys: Sequence[Pubkey]) -> tuple[int, list[bytes | None]]:
        """Return the newest confirmed slot, and the data of at most 100 accounts in it."""
        answer = await self.call(
            "getMultipleAccounts", [str(key) for key in keys], {"encoding": "base64"} | _CONFIRMED
        )
        found = [None if item is None else base64.b64decode(item["data"][0]) for item in answer["value"]]
        return int(answer["context"]["slot"]), found

    async def nonce(self, account: Pubkey) -> str | None:
        """Return the nonce in a durable nonce ``account``; None when there is no such account."""
        data = (await self.accounts([account]))[0]
        return None if data is None or len(data) != NONCE_ACCOUNT_BYTES else str(Hash(data[_NONCE]))

    async def send(self, raw: bytes, *, preflight: bool) -> None:
        """Hand a signed transaction to the node; the same bytes again are harmless."""
        options = {
            "encoding": "base64",
            "skipPreflight": not preflight,
            "preflightCommitment": "confirmed",
            "maxRetries": 0,
        }
        await self.call("sendTransaction", base64.b64encode(raw).decode(), options)

    async def units_consumed(self, raw: bytes) -> int | None:
        """Return the compute units that a transaction would take; None when it would fail, or nobody can say."""
        options = {"encoding": "base64", "sigVerify": False, "replaceRecentBlockhash": True} | _CONFIRMED
        value = (await self.call("simulateTransaction", base64.b64encode(raw).decode(), options))["value"]
        units = value.get("unitsConsumed")
        return None if value["err"] is not None or not units else int(units)

    async def statuses(self, signatures: Sequence[str], *, search_history: bool = False) -> list[Status | None]:
        """Return what became of each transaction, ``None`` for one that the node does not know."""
        found: list[Status | None] = []
        for start in range(0, len(signatures), _STATUSES_PER_CALL):
            texts = list(signatures[start : start + _STATUSES_PER_CALL])
            value = await self.call("getSignatureStatuses", texts, {"searchTransactionHistory": search_history})
            found += [None if item is None else _status(item) for item in value["value"]]
        return found

    async def landed(self, signature: str) -> Landed | None:
        """Return a transaction from the chain's history."""
        options = {"encoding": "base64", "maxSupportedTransactionVersion": 1} | _CONFIRMED
        value = await self.call("getTransaction", signature, options)
        if value is None:
            return None
        message = VersionedTransaction.from_bytes(base64.b64decode(value["transaction"][0])).message
        meta = value["meta"]
        return Landed(int(meta["fee"]), meta.get("logMessages") or [], message.account_keys[0])

    async def transaction(self, signature: str) -> bytes | None:
        """Return a transaction's bytes from the chain's history; None: the node does not have it."""
        options = {"encoding": "base64", "maxSupportedTransactionVersion": 1} | _CONFIRMED
        value = await self.call("getTransaction", signature, options)
        return None if value is None else base64.b64decode(value["transaction"][0])

    async def newest_with_memo(self, account: Pubkey) -> tuple[str, str] | None:
        """Return the newest successful transaction of ``account`` that says something: its signature and memos."""
        value = await self.call(
            "getSignaturesForAddress", str(account), {"limit": _ACCOUNTS_PER_CALL} | _CONFIRMED
        )
        said = (item for item in value if item["err"] is None and item["memo"])
        return next(((str(item["signature"]), str(item["memo"])) for item in said), None)

    async def signatures_with_memo(self, account: Pubkey, memo: str) -> list[str]:
        """Return the newest successful transactions that name ``account`` and say exactly ``memo``."""
        value = await self.call("getSignaturesForAddress", str(account), {"limit": _MEMOS_SEARCHED} | _CONFIRMED)
        wanted = f"[{len(memo.encode())}] {memo}"
        return [item["signature"] for item in value if item["err"] is None and item["memo"] == wanted]


def _asked_to_wait(error: BaseException) -> float:
    """Return for how many seconds a node wants to be left alone; 0: it says nothing of the kind."""
    response = getattr(error, "response", None)
    if getattr(response, "status_code", None) != _TOO_MANY:
        return 0.0
    told = response.headers.get("Retry-After", "") if response is not None else ""
    return min(float(told), _LONGEST_WAIT_SECONDS) if told.isascii() and told.isdecimal() else _WAIT_SECONDS


def _transport_error(error: BaseException) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return type(error).__name__ + ("" if status is None else f" with HTTP status {status}")


def _status(item: dict[str, Any]) -> Status:
    level = item.get("confirmationStatus")
    return Status(item["err"], is_confirmed=level in {"confirmed", "finalized"}, is_final=level == "finalized")


def describe_error(error: Any, logs: Sequence[str]) -> str:
    """Return a transaction error in words: what the failing program said, then Solana's error value."""
    said = [line.removeprefix(_SAID) for line in logs if line.startswith(_SAID)]
    match error:
        case {"InstructionError": [_, {"Custom": int(code)}]} if any(_TOKEN_FAILED in line for line in logs):
            words = _TOKEN_ERRORS.get(code)
        case _:
            words = None
    words = words or (said[-1] if said else None)
    return f"{words} ({json.dumps(error)})" if words else json.dumps(error)
