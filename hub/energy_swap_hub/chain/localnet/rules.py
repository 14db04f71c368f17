"""What a Solana node checks and tells of a transaction before and after executing it: plain rules, no state."""

import json
from collections.abc import Sequence
from typing import Any, Final

from energy_swap_protocol.transaction import MEMO
from solders.account import Account
from solders.message import Message, MessageHeader, MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.transaction import SanitizeError, VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

NONCE: Final = slice(40, 72)  # where a nonce account keeps its nonce
_NONCE_BYTES: Final = 80
_MAX_BYTES: Final = 1232
_MAX_BYTES_V1: Final = 4096

type AnyMessage = Message | MessageV0 | MessageV1


class RpcError(Exception):
    """What a Solana node would answer with: a JSON-RPC error code, a text, and optional data."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


def check_form(transaction: VersionedTransaction) -> None:
    """Refuse what no node would take, whatever its state."""
    message = transaction.message
    is_v1 = isinstance(message, MessageV1)
    size, limit = len(bytes(transaction)), _MAX_BYTES_V1 if is_v1 else _MAX_BYTES
    if size > limit:
        raise RpcError(-32602, f"transaction too large: {size} bytes (max: {limit} bytes)")
    if isinstance(message, MessageV1) and message.config.loaded_accounts_data_size_limit is None:
        # A cluster reads an unset limit as zero; LiteSVM would let it pass.
        raise preflight_error("MaxLoadedAccountsDataSizeExceeded", "loaded data size limit is not set", [], 0)
    if isinstance(message, MessageV0) and message.address_table_lookups:
        raise RpcError(-32602, "this localnet knows no address lookup tables; use a version 1 transaction")
    try:
        transaction.sanitize()
    except SanitizeError as error:
        raise RpcError(-32602, f"invalid transaction: {error}") from None


def preflight_error(error: Any, text: str, logs: list[str], units: int) -> RpcError:
    """Return the answer to a transaction that would fail with ``error``."""
    data = {"err": error, "logs": logs, "unitsConsumed": units, "accounts": None, "returnData": None}
    return RpcError(-32002, f"Transaction simulation failed: {text}", data)


def error_of(result: Any) -> Any:
    """Return Solana's error value of a LiteSVM result, ``None`` for success."""
    return json.loads(result.to_json())["err"] if isinstance(result, FailedTransactionMetadata) else None


def writable_keys(header: MessageHeader, keys: Sequence[Pubkey]) -> set[Pubkey]:
    """Return those of a message's ``keys`` that it may change."""
    signed = keys[: header.num_required_signatures - header.num_readonly_signed_accounts]
    unsigned = keys[header.num_required_signatures : len(keys) - header.num_readonly_unsigned_accounts]
    return {*signed, *unsigned}


def amount_shown(amount: int, decimals: int) -> dict[str, Any]:
    """Return ``amount`` of base units as JSON-RPC shows it."""
    digits = str(amount).rjust(decimals + 1, "0")
    text = f"{digits[:-decimals]}.{digits[-decimals:]}".rstrip("0").rstrip(".") if decimals else digits
    return {"amount": str(amount), "decimals": decimals, "uiAmount": float(text), "uiAmountString": text}


def is_nonce(account: Account) -> bool:
    """Whether ``account`` is a nonce account."""
    return account.owner == SYSTEM and len(account.data) == _NONCE_BYTES


def lamports_of(account: Account | None) -> int:
    """Return the balance; an account that is not there has none."""
    return account.lamports if account else 0


def memos(message: AnyMessage) -> str | None:
    """Return the memos as `getSignaturesForAddress` shows them: ``[length] text``, joined by ``; ``."""
    keys = message.account_keys
    memos = [bytes(i.data) for i in message.instructions if keys[i.program_id_index] == MEMO]
    return "; ".join(f"[{len(memo)}] {memo.decode(errors='replace')}" for memo in memos) or None
