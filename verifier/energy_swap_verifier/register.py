"""The verifier's own register: admitted meters and locked orders, from the chain alone."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from energy_swap_protocol.memo import AdmissionMemo, MemoError
from energy_swap_protocol.period import LENGTHS_MINUTES, Period, PeriodCalendar
from energy_swap_protocol.transaction import token_account
from solders.pubkey import Pubkey

from .accounts import Token
from .evidence import slot_of
from .rpc import Node, Seen
from .store import SignedRow, Store
from .transactions import MINTING, Memo, Message, NewAuthority, NotReadableError, Transfer
from .trust import appointment

_LOCK: Final = "lock:"
HAND_OVER: Final = "handover:"
OUT_WORDS: Final = ("release:", "refund:")
_ID_LENGTH: Final = 36  # of an order's UUID as text


def admission_in(message: Message, mint: Pubkey, account: Pubkey) -> AdmissionMemo | None:
    """Return what ``message`` says of the meter that it admits with ``account``; None when it admits nothing.

    Whose thaw it is the token program has asked: the approvers of then, who may be others than those of now.
    """
    if account not in message.thawed(mint):
        return None
    for memo in message.memos:
        try:
            return AdmissionMemo.parse(memo)
        except MemoError:
            continue
    return None


async def find_admissions(node: Node, mint: Pubkey, account: Pubkey) -> list[tuple[AdmissionMemo, str]]:
    """Return what the chain says of the admissions of ``account``, oldest first, each with its transaction.

    That the transaction succeeded proves the approvers' signatures: the token program thaws for nobody else.
    """
    found = []
    async for seen in node.history(account):
        if seen.is_successful and "admit:" in seen.memo:
            memo = admission_in(await node.transaction(seen.signature), mint, account)
            if memo is not None:
                found.append((memo, seen.signature))
    return found[::-1]


def escrow_before(message: Message, mint: Pubkey, program: Pubkey | None = None) -> Pubkey | None:
    """Return the escrow account of the 2-of-3 that gives minting away in ``message``; None if none does.

    With the trust mode's ``program`` it gives its office away.
    """
    for operation in message.operations:
        given = None if program is None else appointment(operation, program, mint)
        if given is not None:
            return token_account(given[0], mint)
        if isinstance(operation, NewAuthority) and (operation.account, operation.kind) == (mint, MINTING):
            return token_account(operation.authority, mint)
    return None


async def escrows_of(node: Node, token: Token, history: Sequence[Seen]) -> frozenset[Pubkey]:
    """Return every escrow account that a token has had, the one of now among them, from its whole ``history``."""
    found = {token.escrow}
    for seen in history:
        if seen.is_successful and HAND_OVER in seen.memo:
            before = escrow_before(await node.transaction(seen.signature), token.mint, token.program)
            found |= {before} if before is not None else set()
    return frozenset(found)


def lock_in(
    message: Message, mint: Pubkey, escrows: Collection[Pubkey], hubs: Collection[Pubkey]
) -> tuple[str, Transfer] | None:
    """Return the order that ``message`` locks energy for, and the transfer that does it; None for another.

    Only a lock that the hub has signed, too, is one: else anybody could lock under another's order.
    """
    moves = [o for o in message.operations if isinstance(o, Transfer) and o.to in escrows]
    notes = [o.text for o in message.operations if isinstance(o, Memo) and o.text.startswith(_LOCK)]
    if len(moves) != 1 or len(notes) != 1 or moves[0].mint != mint or message.signers[0] not in hubs:
        return None
    return notes[0].removeprefix(_LOCK), moves[0]


async def read_locks(node: Node, token: Token, hubs: Collection[Pubkey], store: Store) -> None:
    """Read the token's history on from where it was left, and remember each order's lock, in whichever escrow.

    A store that begins here also learns what orders gave out before: its verifier may have lost an older one.
    """
    place = f"locks of {token.mint}"
    known = store.place(place)
    history = [seen async for seen in node.history(token.mint, until=known)]
    newest = history[0].signature if history else None
    escrows = await escrows_of(node, token, history)
    found, given = [], []
    for seen in history:
        if not seen.is_successful or not any(word in seen.memo for word in (_LOCK, *OUT_WORDS)):
            continue
        try:
            message = await node.transaction(seen.signature)
        except NotReadableError:
            continue
        lock = lock_in(message, token.mint, escrows, hubs)
        if lock is not None:
            found.append((lock, seen.signature))
        elif known is None:
            given.append((message, seen.signature))
    with store.changing():
        for (reference, move), signature in reversed(found):
            store.add_lock(reference, str(move.source), move.wh, signature)
        for message, signature in given:
            _remember_given(message, signature, escrows, store)
        if newest is not None:
            store.set_place(place, newest)


def orders_named(memo: str) -> list[str]:
    """Return the orders that the memo of a release or refund names; none for another memo."""
    what, _, rest = memo.partition(":")
    if f"{what}:" not in OUT_WORDS:
        return []
    return [name for name in (rest[:_ID_LENGTH], rest[_ID_LENGTH + 1 : 2 * _ID_LENGTH + 1]) if name]


def _remember_given(message: Message, signature: str, escrows: Collection[Pubkey], store: Store) -> None:
    moved = sum(o.wh for o in message.operations if isinstance(o, Transfer) and o.source in escrows)
    for memo in message.memos:
        order = next((name for name in orders_named(memo) if store.lock(name) is not None), None)
        if order is not None and moved and store.signed(memo) is None:
            row = SignedRow(memo, f"order {order}", "", 0, moved, b"", b"", signature, 0, "landed")
            store.record(row, (), 0)


async def memory_begins(node: Node, token: Token, community: str, judged: Period, store: Store) -> int:
    """Return the Unix time before which this store cannot know what was minted.

    That is the end of the newest period on the chain when the store was made; 0 when there was none. A verifier
    that lost its store would else sign for the same energy again. Periods are as long as the one that is
    ``judged``, of another day as long as any could be.
    """
    place = f"memory of {token.mint}"
    known = store.place(place)
    if known is not None:
        return int(known)
    memo, begins = re.compile(rf"\bes1\|{community}\|([^|. ]+)"), 0
    async for seen in node.history(token.mint):
        for period in memo.findall(seen.memo) if seen.is_successful else ():
            begins = max(begins, int(_end_of(period, judged).timestamp()))
    with store.changing():
        store.set_place(place, str(begins))
    return begins


def _end_of(name: str, judged: Period) -> datetime:
    start = slot_of(name, PeriodCalendar(timedelta(minutes=min(LENGTHS_MINUTES)))).period.start
    if start.date() == judged.start.date():
        return start + judged.length
    longest = max(minutes for minutes in LENGTHS_MINUTES if not start.minute % minutes)
    return start + timedelta(minutes=longest)


async def meters_of(
    node: Node, token: Token, store: Store, account: str, wanted: Collection[bytes] = ()
) -> Mapping[bytes, AdmissionMemo]:
    """Return the meters that the chain admits with ``account``, asking it when one ``wanted`` is not known yet.

    A meter that replaces another is admitted like the first one, by the approvers' thaw of the same account.
    """
    known = store.meters(account)
    if known and all(meter in known for meter in wanted):
        return known
    found = await find_admissions(node, token.mint, Pubkey.from_string(account))
    with store.changing():
        for memo, signature in found:
            store.admit(account, memo, signature)
    return store.meters(account)
