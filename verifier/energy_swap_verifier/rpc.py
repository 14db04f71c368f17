"""The few Solana JSON-RPC calls that checking takes, through a node of the verifier's own choice."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from .accounts import Token, authorities, read_token
from .transactions import Message, read
from .trust import check_program, content_address, in_office

_CONFIRMED: Final = {"commitment": "confirmed"}
_TOO_MANY: Final = 429
_WAIT_SECONDS: Final = 10.0  # where a node does not say
_LONGEST_WAIT_SECONDS: Final = 300.0
_PAGE: Final = 1_000
_ACCOUNTS: Final = 100


class NodeError(Exception):
    """The node could not be asked or refused to answer; the same call may succeed later."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A transaction in the chain's history."""

    signature: str
    is_successful: bool
    memo: str


class Node:
    """One Solana node."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self._quiet_until = 0.0  # by the loop's clock: a node that is asked too often is left alone so long

    async def call(self, method: str, *params: Any) -> Any:
        """Return the result of a method; raise `NodeError`, also while the node wants to be left alone."""
        wait = self._quiet_until - asyncio.get_running_loop().time()
        if wait > 0:
            raise NodeError(f"{method}: the node is left alone for {wait:.0f} s, as it asked")
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        try:
            async with self._session.post(self._url, json=body) as response:
                if response.status == _TOO_MANY:
                    said = response.headers.get("Retry-After", "")
                    seconds = min(float(said), _LONGEST_WAIT_SECONDS) if said.isdecimal() else _WAIT_SECONDS
                    self._quiet_until = asyncio.get_running_loop().time() + seconds
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise NodeError(f"{method}: the node cannot be asked ({type(error).__name__})") from None
        if not isinstance(answer, dict) or "result" not in answer:
            told = answer.get("error") if isinstance(answer, dict) else answer
            raise NodeError(f"{method}: the node answered {told}")
        return answer["result"]

    async def block_height(self, commitment: str) -> int:
        """Return the block height at that commitment."""
        return int(await self.call("getBlockHeight", {"commitment": commitment}))

    async def is_blockhash_valid(self, blockhash: str) -> bool:
        """Whether a transaction with ``blockhash`` can land now."""
        return bool((await self.call("isBlockhashValid", blockhash, _CONFIRMED))["value"])

    async def accounts(self, keys: Sequence[Pubkey]) -> list[bytes | None]:
        """Return the data of each account."""
        found: list[bytes | None] = []
        for start in range(0, len(keys), _ACCOUNTS):
            texts = [str(key) for key in keys[start : start + _ACCOUNTS]]
            value = (await self.call("getMultipleAccounts", texts, {"encoding": "base64"} | _CONFIRMED))["value"]
            found += [None if item is None else base64.b64decode(item["data"][0]) for item in value]
        return found

    async def token(self, mint: Pubkey, program: Pubkey | None = None) -> Token:
        """Return a token with its authorities; raise `WrongTokenError` when it is none of ours.

        With the trust mode's ``program``, that must be ours, unchangeable, and mint; in its office are 2 of 3.
        """
        data = (await self.accounts([mint]))[0]
        authority, freezer, _ = authorities(data)
        if program is not None:
            content = content_address(program)
            pointer, deployed, office = await self.accounts([program, content, authority])
            check_program(program, pointer, deployed)
            authority = in_office(program, mint, authority, office)
        minting, admitting = await self.accounts([authority, freezer])
        return read_token(mint, data, authority, minting, admitting, program)

    async def outcome(self, signature: str) -> bool | None:
        """Return whether a transaction landed and had its effect; None: the chain does not know it."""
        options = {"searchTransactionHistory": True}
        status = (await self.call("getSignatureStatuses", [signature], options))["value"][0]
        return None if status is None else status["err"] is None

    async def history(self, account: Pubkey, *, until: str | None = None) -> AsyncIterator[Seen]:
        """Yield every transaction that names ``account``, newest first, down to ``until`` (left out)."""
        before: str | None = None
        while True:
            options: dict[str, Any] = {"limit": _PAGE} | _CONFIRMED
            options |= {"until": until} if until else {}
            options |= {"before": before} if before else {}
            page = await self.call("getSignaturesForAddress", str(account), options)
            for item in page:
                yield Seen(item["signature"], item["err"] is None, item["memo"] or "")
            if len(page) < _PAGE:
                return
            before = page[-1]["signature"]

    async def transaction(self, signature: str) -> Message:
        """Return what a transaction of the history does; raise `NodeError` when the node does not have it."""
        options = {"encoding": "base64", "maxSupportedTransactionVersion": 1} | _CONFIRMED
        value = await self.call("getTransaction", signature, options)
        if value is None:
            raise NodeError(
                f"the node does not have the transaction {signature} any more; ask one with all history"
            )
        return read(VersionedTransaction.from_bytes(base64.b64decode(value["transaction"][0])).message)
