"""The verifier's own register: admitted meters and locked orders, from the chain and the approvers' signatures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from energy_swap_protocol.memo import AdmissionMemo, MemoError
from solders.pubkey import Pubkey
from solders.signature import Signature

from .accounts import Token
from .rpc import Node
from .store import Store
from .transactions import Memo, Message, NotReadableError, Thaw, Transfer

_DOMAIN: Final = b"energy-swap/meter/1\n"
_LOCK: Final = "lock:"


class Endorsement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A household's new meter, in the word of the approvers: each signs `endorsed_bytes` with the key that admits.

    ``memo`` reads like the memo of an admission; its sequence is the new meter's first reading that counts.
    """

    account: str
    memo: str
    signatures: dict[str, str]


def endorsed_bytes(community: str, account: str, memo: str) -> bytes:
    """Return the bytes that an approver signs to let another meter prove a household's energy."""
    return _DOMAIN + f"{community}\n{account}\n{memo}".encode()


def endorsed(path: Path, community: str, token: Token) -> dict[str, dict[bytes, AdmissionMemo]]:
    """Return by account the meters that enough approvers signed for in the file at ``path``, which may be missing.

    Raises `MemoError` for an entry that cannot be read or has too few true signatures.
    """
    found: dict[str, dict[bytes, AdmissionMemo]] = {}
    if not path.exists():
        return found
    try:
        entries = msgspec.json.decode(path.read_bytes(), type=list[Endorsement])
    except msgspec.DecodeError as error:
        raise MemoError(f"{path.name}: {error}") from None
    for entry in entries:
        signed = endorsed_bytes(community, entry.account, entry.memo)
        true = [key for key, text in entry.signatures.items() if _is_by(key, text, signed, token)]
        if len(true) < token.approvals_needed:
            raise MemoError(
                f"{path.name}: {len(true)} of {token.approvals_needed} approvers have signed for {entry.memo}"
            )
        memo = AdmissionMemo.parse(entry.memo)
        found.setdefault(entry.account, {})[memo.meter] = memo
    return found


def _is_by(key: str, text: str, signed: bytes, token: Token) -> bool:
    try:
        approver = Pubkey.from_string(key)
        return approver in token.approvers and Signature.from_string(text).verify(approver, signed)
    except ValueError:
        return False


def admission_in(message: Message, token: Token, account: Pubkey) -> AdmissionMemo | None:
    """Return what ``message`` says of the meter that it admits with ``account``; None when it admits nothing."""
    if Thaw(account, token.mint, token.admitting) not in message.operations:
        return None
    for memo in message.memos:
        try:
            return AdmissionMemo.parse(memo)
        except MemoError:
            continue
    return None


async def find_admissions(node: Node, token: Token, account: Pubkey) -> list[tuple[AdmissionMemo, str]]:
    """Return what the chain says of the admissions of ``account``, oldest first, each with its transaction.

    That the transaction succeeded proves the approvers' signatures: the token program thaws for nobody else.
    """
    found = []
    async for seen in node.history(account):
        if seen.is_successful and "admit:" in seen.memo:
            memo = admission_in(await node.transaction(seen.signature), token, account)
            if memo is not None:
                found.append((memo, seen.signature))
    return found[::-1]


def lock_in(message: Message, token: Token, hub: Pubkey) -> tuple[str, Transfer] | None:
    """Return the order that ``message`` locks energy for, and the transfer that does it; None for another.

    Only a lock that the hub has signed, too, is one: else anybody could lock under another's order.
    """
    moves = [o for o in message.operations if isinstance(o, Transfer) and o.to == token.escrow]
    notes = [o.text for o in message.operations if isinstance(o, Memo) and o.text.startswith(_LOCK)]
    if len(moves) != 1 or len(notes) != 1 or moves[0].mint != token.mint or message.signers[0] != hub:
        return None
    return notes[0].removeprefix(_LOCK), moves[0]


async def read_locks(node: Node, token: Token, hub: Pubkey, store: Store) -> None:
    """Read the escrow's history on from where it was left, and remember each order's lock."""
    place = f"locks of {token.escrow}"
    newest: str | None = None
    found = []
    async for seen in node.history(token.escrow, until=store.place(place)):
        newest = newest or seen.signature
        if not seen.is_successful or _LOCK not in seen.memo:
            continue
        try:
            lock = lock_in(await node.transaction(seen.signature), token, hub)
        except NotReadableError:
            continue
        if lock is not None:
            found.append((lock, seen.signature))
    with store.changing():
        for (reference, move), signature in reversed(found):
            store.add_lock(reference, str(move.source), move.wh, signature)
        if newest is not None:
            store.set_place(place, newest)


async def meters_of(node: Node, token: Token, store: Store, account: str) -> Mapping[bytes, AdmissionMemo]:
    """Return the meters that the chain admits with ``account``, asking it for what is not known yet."""
    known = store.meters(account)
    if known:
        return known
    found = await find_admissions(node, token, Pubkey.from_string(account))
    with store.changing():
        for memo, signature in found:
            store.admit(account, memo, signature)
    return store.meters(account)
