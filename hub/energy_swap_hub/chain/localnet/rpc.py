"""Solana JSON-RPC over a localnet, whatever carries the bytes.

The methods that a token application needs, with a cluster's shapes and error codes; accounts and transactions
travel as base64. Other methods answer "Method not found".
"""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any, Final

from energy_swap_protocol.transaction import TOKEN_2022
from solders.account import Account
from solders.errors import BincodeError
from solders.hash import Hash, ParseHashError
from solders.message import MessageV0, MessageV1, from_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from energy_swap_hub.chain.token2022 import LayoutError, TokenAccount, parse_mint, parse_token_account

from .chain import Localnet, describe
from .journal import Executed
from .rules import RpcError

_LAMPORTS_PER_SIGNATURE: Final = 5000
_RENT_EXEMPT: Final = 2**64 - 1
_CORE: Final = "4.1.2"  # the Agave version that LiteSVM 0.15 is built on

type Params = list[Any]


def answer(localnet: Localnet, body: bytes) -> bytes:
    """Return the JSON-RPC answer to ``body``, a request or a batch of them."""
    try:
        request = json.loads(body)
    except ValueError:
        return json.dumps(_failure(None, RpcError(-32700, "Parse error"))).encode()
    if isinstance(request, list):
        return json.dumps([_one(localnet, item) for item in request]).encode()
    return json.dumps(_one(localnet, request)).encode()


def _one(localnet: Localnet, request: Any) -> dict[str, Any]:
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        return _failure(None, RpcError(-32600, "Invalid request"))
    params = request.get("params") or []
    try:
        method = _METHODS.get(request["method"])
        if method is None:
            raise RpcError(-32601, "Method not found")
        if not isinstance(params, list):
            raise RpcError(-32602, "Invalid params: a list is expected")
        return {"jsonrpc": "2.0", "id": request.get("id"), "result": method(localnet, params)}
    except RpcError as error:
        return _failure(request.get("id"), error)
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, ParseHashError, BincodeError) as error:
        return _failure(request.get("id"), RpcError(-32602, f"Invalid params: {error}"))


def _failure(request_id: Any, error: RpcError) -> dict[str, Any]:
    content = {"code": error.code, "message": error.message}
    if error.data is not None:
        content["data"] = error.data
    return {"jsonrpc": "2.0", "id": request_id, "error": content}


def _in_context(localnet: Localnet, value: Any) -> dict[str, Any]:
    return {"context": {"slot": localnet.slot, "apiVersion": _CORE}, "value": value}


def _options(params: Params, index: int) -> dict[str, Any]:
    options = params[index] if len(params) > index else None
    return options if isinstance(options, dict) else {}


def _account_json(account: Account | None, options: dict[str, Any]) -> dict[str, Any] | None:
    if account is None:
        return None
    data = bytes(account.data)
    piece = options.get("dataSlice")
    if piece:
        data = data[piece["offset"] : piece["offset"] + piece["length"]]
    return {
        "lamports": account.lamports,
        "owner": str(account.owner),
        "executable": account.executable,
        "rentEpoch": _RENT_EXEMPT,
        "space": len(account.data),
        "data": [base64.b64encode(data).decode(), "base64"],
    }


def _transaction(text: str, options: dict[str, Any]) -> VersionedTransaction:
    if options.get("encoding", "base58") != "base64":
        raise RpcError(-32602, "this localnet takes transactions with encoding base64")
    try:
        return VersionedTransaction.from_bytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, BincodeError) as error:
        raise RpcError(-32602, f"failed to deserialize transaction: {error}") from None


def _version(_localnet: Localnet, _params: Params) -> dict[str, Any]:
    return {"solana-core": _CORE, "feature-set": 0, "localnet": describe()}


def _latest_blockhash(localnet: Localnet, _params: Params) -> dict[str, Any]:
    value = {"blockhash": str(localnet.blockhash), "lastValidBlockHeight": localnet.last_valid_block_height}
    return _in_context(localnet, value)


def _is_blockhash_valid(localnet: Localnet, params: Params) -> dict[str, Any]:
    return _in_context(localnet, localnet.is_blockhash_valid(Hash.from_string(params[0])))


def _fee_for_message(localnet: Localnet, params: Params) -> dict[str, Any]:
    message = from_bytes_versioned(base64.b64decode(params[0], validate=True))
    fee = _LAMPORTS_PER_SIGNATURE * message.header.num_required_signatures
    if isinstance(message, MessageV1):
        fee += message.config.priority_fee or 0
    return _in_context(localnet, fee)


def _prioritization_fees(localnet: Localnet, _params: Params) -> list[dict[str, int]]:
    return [{"slot": localnet.slot, "prioritizationFee": 0}]


def _balance(localnet: Localnet, params: Params) -> dict[str, Any]:
    account = localnet.account(Pubkey.from_string(params[0]))
    return _in_context(localnet, account.lamports if account else 0)


def _account_info(localnet: Localnet, params: Params) -> dict[str, Any]:
    account = localnet.account(Pubkey.from_string(params[0]))
    return _in_context(localnet, _account_json(account, _options(params, 1)))


def _multiple_accounts(localnet: Localnet, params: Params) -> dict[str, Any]:
    if len(params[0]) > 100:
        raise RpcError(-32602, f"Too many inputs provided; max 100, got {len(params[0])}")
    accounts = [localnet.account(Pubkey.from_string(key)) for key in params[0]]
    return _in_context(localnet, [_account_json(account, _options(params, 1)) for account in accounts])


def _program_accounts(localnet: Localnet, params: Params) -> list[dict[str, Any]]:
    options = _options(params, 1)
    filters = options.get("filters") or []
    if any(set(item) != {"dataSize"} for item in filters):
        raise RpcError(-32602, "this localnet filters program accounts by dataSize only")
    return [
        {"pubkey": str(key), "account": _account_json(account, options)}
        for key, account in localnet.program_accounts(Pubkey.from_string(params[0]))
        if all(len(account.data) == item["dataSize"] for item in filters)
    ]


def _token_account(account: Account | None) -> TokenAccount:
    try:
        return parse_token_account(bytes(account.data) if account else b"")
    except LayoutError:
        raise RpcError(-32602, "Invalid param: could not find account, or not a Token account") from None


def _token_account_balance(localnet: Localnet, params: Params) -> dict[str, Any]:
    holding = _token_account(localnet.account(Pubkey.from_string(params[0])))
    return _in_context(localnet, localnet.token_amount(holding.mint, holding.wh))


def _token_supply(localnet: Localnet, params: Params) -> dict[str, Any]:
    mint = Pubkey.from_string(params[0])
    account = localnet.account(mint)
    try:
        supply = parse_mint(bytes(account.data) if account else b"").supply_wh
    except LayoutError:
        raise RpcError(-32602, "Invalid param: not a Token mint") from None
    return _in_context(localnet, localnet.token_amount(mint, supply))


def _token_accounts_by_owner(localnet: Localnet, params: Params) -> dict[str, Any]:
    owner = Pubkey.from_string(params[0])
    mint = Pubkey.from_string(params[1]["mint"]) if "mint" in params[1] else None
    found = []
    for key, account in localnet.program_accounts(TOKEN_2022):
        try:
            holding = parse_token_account(bytes(account.data))
        except LayoutError:
            continue  # a mint or a multisig
        if holding.owner == owner and mint in {None, holding.mint}:
            found.append({"pubkey": str(key), "account": _account_json(account, _options(params, 2))})
    return _in_context(localnet, found)


def _request_airdrop(localnet: Localnet, params: Params) -> str:
    return str(localnet.airdrop(Pubkey.from_string(params[0]), int(params[1])))


def _send_transaction(localnet: Localnet, params: Params) -> str:
    options = _options(params, 1)
    transaction = _transaction(params[0], options)
    return str(localnet.send(transaction, skip_preflight=bool(options.get("skipPreflight"))))


def _simulate_transaction(localnet: Localnet, params: Params) -> dict[str, Any]:
    options = _options(params, 1)
    simulation = localnet.simulate(
        _transaction(params[0], options), replace_blockhash=bool(options.get("replaceRecentBlockhash"))
    )
    value = {
        "err": simulation.error,
        "logs": simulation.logs,
        "unitsConsumed": simulation.units_consumed,
        "accounts": None,
        "returnData": None,
        "innerInstructions": None,
        "replacementBlockhash": None,
    }
    return _in_context(localnet, value)


def _signature_statuses(localnet: Localnet, params: Params) -> dict[str, Any]:
    if len(params[0]) > 256:
        raise RpcError(-32602, f"Too many inputs provided; max 256, got {len(params[0])}")
    return _in_context(localnet, [_status(localnet.executed(Signature.from_string(text))) for text in params[0]])


def _status(executed: Executed | None) -> dict[str, Any] | None:
    if executed is None:
        return None
    # One node and no forks: what is in the journal is final.
    return {
        "slot": executed.slot,
        "confirmations": None,
        "err": executed.error,
        "status": executed.meta["status"],
        "confirmationStatus": "finalized",
    }


def _signatures_for_address(localnet: Localnet, params: Params) -> list[dict[str, Any]]:
    options = _options(params, 1)
    before, until = (
        Signature.from_string(options[name]) if options.get(name) else None for name in ("before", "until")
    )
    limit = min(int(options.get("limit") or 1000), 1000)
    return [
        {
            "signature": str(executed.signature),
            "slot": executed.slot,
            "blockTime": executed.unix_time,
            "err": executed.error,
            "memo": executed.memo,
            "confirmationStatus": "finalized",
        }
        for executed in localnet.executed_with(Pubkey.from_string(params[0]), limit, before, until)
    ]


def _get_transaction(localnet: Localnet, params: Params) -> dict[str, Any] | None:
    executed = localnet.executed(Signature.from_string(params[0]))
    if executed is None:
        return None
    options = _options(params, 1)
    message = VersionedTransaction.from_bytes(executed.raw).message
    version = 1 if isinstance(message, MessageV1) else 0 if isinstance(message, MessageV0) else "legacy"
    newest = options.get("maxSupportedTransactionVersion")
    if isinstance(version, int) and (newest is None or newest < version):
        raise RpcError(
            -32015,
            f"Transaction version ({version}) is not supported by the requesting client. Please try the request "
            f'again with the following configuration parameter: "maxSupportedTransactionVersion": {version}',
        )
    return {
        "slot": executed.slot,
        "blockTime": executed.unix_time,
        "version": version,
        "transaction": [base64.b64encode(executed.raw).decode(), "base64"],
        "meta": executed.meta,
    }


_METHODS: Final[dict[str, Callable[[Localnet, Params], Any]]] = {
    "getHealth": lambda _localnet, _params: "ok",
    "getVersion": _version,
    "getGenesisHash": lambda localnet, _params: str(localnet.genesis),
    "getSlot": lambda localnet, _params: localnet.slot,
    "getBlockHeight": lambda localnet, _params: localnet.block_height,
    "getLatestBlockhash": _latest_blockhash,
    "isBlockhashValid": _is_blockhash_valid,
    "getMinimumBalanceForRentExemption": lambda localnet, params: localnet.rent_lamports(int(params[0])),
    "getFeeForMessage": _fee_for_message,
    "getRecentPrioritizationFees": _prioritization_fees,
    "getBalance": _balance,
    "getAccountInfo": _account_info,
    "getMultipleAccounts": _multiple_accounts,
    "getProgramAccounts": _program_accounts,
    "getTokenAccountBalance": _token_account_balance,
    "getTokenSupply": _token_supply,
    "getTokenAccountsByOwner": _token_accounts_by_owner,
    "requestAirdrop": _request_airdrop,
    "sendTransaction": _send_transaction,
    "simulateTransaction": _simulate_transaction,
    "getSignatureStatuses": _signature_statuses,
    "getSignaturesForAddress": _signatures_for_address,
    "getTransaction": _get_transaction,
}
