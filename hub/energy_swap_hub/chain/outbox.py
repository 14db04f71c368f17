"""What other rooms ask of the chain: each call stores durable intents in the caller's own DB transaction.

Every call is idempotent by the id it is given: the same again changes nothing, something else under a known id
raises `IntentConflictError`. Nothing is sent here; wake the chain after the commit.
"""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from energy_swap_protocol.memo import AdmissionMemo
from energy_swap_protocol.reading import frame_from_text
from energy_swap_protocol.transaction import token_account
from msgspec.structs import replace
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from sqlalchemy import Connection, select

from . import merkle
from .decided import propose_admission
from .directory import HouseholdAccount, add_household, community_chain, find_household
from .intent import Intent, IntentConflictError, State, enqueue, enqueue_all
from .nonces import nonce_account
from .payload import (
    Burn,
    BurnPeriod,
    HouseholdTransaction,
    Mint,
    MintPeriod,
    OpenAccount,
    Pause,
    Payload,
    Release,
    Transfer,
    decode,
)
from .tables import chain_intent
from .trust.minting import readings_verified

# A transaction locks at most 64 accounts. A mint needs seven besides those that receive: two signers, the 2-of-3,
# the mint, the escrow, two programs; a burn needs four.
MAX_RELEASES: Final = 57
MAX_BURNS: Final = 60
# What is minted takes no room, whoever exported it; this bounds what a verifier is shown at once (about 120 kB).
MAX_MINTS: Final = 240
# In the trust mode each export takes its own instructions and signed readings: about 480 bytes of 4,096 for two
# readings, and 52 for each who receives.
MAX_READINGS: Final = 12
MAX_RELEASES_BESIDE: Final = 10


def enqueue_open_account(
    connection: Connection,
    community: str,
    household: str,
    owner: Pubkey,
    now: datetime,
    admission: AdmissionMemo | None = None,
) -> Pubkey:
    """Open a frozen token account for ``household``, owned by its key, and return the account's address.

    ``admission`` is what the approvers will sign: which meter they admit with it. A verifier mints for no other.
    """
    chain = community_chain(connection, community)
    known = find_household(connection, community, household)
    account = known
    if account is None:
        account = HouseholdAccount(
            household=household,
            owner=owner,
            account=token_account(owner, chain.mint),
            nonce_account=nonce_account(chain, household, owner),
            nonce=None,
            admission=admission,
        )
        add_household(connection, community, account)
    elif account.owner != owner:
        raise IntentConflictError(f"household {household} of {community} already has an account of another key")
    enqueue(connection, community, f"open:{household}", OpenAccount(household, str(owner)), now)
    if known is None:
        propose_admission(connection, community, account, now)
    return account.account


def enqueue_open_new_account(
    connection: Connection, community: str, household: str, owner: Pubkey, now: datetime
) -> Pubkey:
    """Open a frozen account for the new key of a member that has lost its device; return its nonce account."""
    chain = community_chain(connection, community)
    intent_id = f"open:{household}:{str(owner)[:8]}"
    enqueue(connection, community, intent_id, OpenAccount(household, str(owner), intent_id), now)
    return nonce_account(chain, household, owner)


def enqueue_pause(connection: Connection, community: str, *, is_paused: bool, now: datetime) -> str:
    """Stop every movement of the token, or let it go on, and return the intent's id.

    While the same is on its way that one is meant. Raises `ValueError` when the token is so already.
    """
    chain, row = community_chain(connection, community), chain_intent.c
    if chain.lost_hub is not None:
        raise ValueError(f"nobody can pause or resume the token any more: that took the lost key {chain.lost_hub}")
    query = select(row.id, row.payload, row.state).where(row.community_id == community, row.kind == "pause")
    known = connection.execute(query.order_by(row.number)).all()
    last = known[-1] if known else None
    if last is not None and last[2] in (State.QUEUED, State.SENT):
        if decode(last[1]) == Pause(last[0], is_paused):
            return str(last[0])
    elif chain.is_paused == is_paused:
        raise ValueError("the token is paused already" if is_paused else "the token is not paused")
    intent_id = f"{'pause' if is_paused else 'resume'}:{len(known) + 1}"
    return enqueue(connection, community, intent_id, Pause(intent_id, is_paused), now)


def enqueue_mint_period(
    connection: Connection,
    community: str,
    period: str,
    mints: Sequence[Mint],
    releases: Sequence[Transfer],
    now: datetime,
    *,
    minutes: int | None = None,
) -> tuple[str, ...]:
    """Mint a period's exports into the escrow, then give the Wh out; return the intents' ids.

    ``period`` is the period's id; for another try after a failure take one of its own, such as
    ``2026-11-20T11:30Z.2``. It lasts ``minutes``. The releases may not give out more than the mints bring in: the
    rest of the escrow belongs to open orders. What does not fit into one transaction is split, in order.
    """
    if not mints:
        raise ValueError(f"period {period} has nothing to mint")
    if sum(release.wh for release in releases) > sum(mint.wh for mint in mints):
        raise ValueError(f"period {period} would release more than it mints")
    is_attested = community_chain(connection, community).program is not None
    pieces = _attested_pieces(mints, releases) if is_attested else _pieces(mints, releases)
    wanted: list[tuple[str, Payload]] = [
        (
            _part_id("mint", period, part, len(pieces)),
            mint_part(period, part, len(pieces), *piece, minutes=minutes),
        )
        for part, piece in enumerate(pieces, start=1)
    ]
    enqueue_all(connection, community, wanted, now)
    return tuple(intent_id for intent_id, _ in wanted)


type _Piece = tuple[Sequence[Mint], Sequence[Transfer]]


def _pieces(mints: Sequence[Mint], releases: Sequence[Transfer]) -> list[_Piece]:
    """Split so that each transaction fits, and none gives out more than it and those before it have minted."""
    batches = [mints[i : i + MAX_MINTS] for i in range(0, len(mints), MAX_MINTS)]
    return _with_releases(batches, releases, MAX_RELEASES)


def _attested_pieces(mints: Sequence[Mint], releases: Sequence[Transfer]) -> list[_Piece]:
    """Split as `_pieces` does, by how many readings the chain verifies in a transaction."""
    batches: list[list[Mint]] = []
    room = 0
    for mint in mints:
        takes = readings_verified(mint)
        if takes > room:
            batches.append([])
            room = MAX_READINGS
        batches[-1].append(mint)
        room -= takes
    return _with_releases(batches, releases, MAX_RELEASES_BESIDE)


def _with_releases(batches: Sequence[Sequence[Mint]], releases: Sequence[Transfer], beside: int) -> list[_Piece]:
    """Give out with each batch what is there by then, to ``beside`` at most, and what is left after all."""
    pieces: list[_Piece] = []
    released = kept_wh = 0
    while len(pieces) < len(batches) or released < len(releases):
        some = batches[len(pieces)] if len(pieces) < len(batches) else ()
        kept_wh += sum(mint.wh for mint in some)
        first, most = released, beside if some else MAX_RELEASES
        while released < min(len(releases), first + most) and releases[released].wh <= kept_wh:
            kept_wh -= releases[released].wh
            released += 1
        pieces.append((some, releases[first:released]))
    return pieces


def mint_part(
    period: str,
    part: int,
    parts: int,
    mints: Sequence[Mint],
    releases: Sequence[Transfer],
    *,
    minutes: int | None = None,
) -> MintPeriod:
    """Return one transaction's share of a period, with the root over its own mints."""
    root = merkle.root([mint_leaf(mint) for mint in mints]) if mints else b""
    return MintPeriod(
        period=period,
        part=part,
        parts=parts,
        leaves=len(mints),
        root=base64.urlsafe_b64encode(root).decode().rstrip("="),
        mints=tuple(mints),
        releases=tuple(releases),
        minutes=minutes,
    )


def mint_leaf(mint: Mint) -> bytes:
    """Return the Merkle leaf that commits to one mint and its evidence."""
    return merkle.mint_leaf(
        [frame_from_text(text) for text in mint.frames], bytes(Pubkey.from_string(mint.account)), mint.wh
    )


def enqueue_burn_period(
    connection: Connection, community: str, period: str, burns: Sequence[Burn], now: datetime
) -> tuple[str, ...]:
    """Burn what households consumed in a period, within their allowances; return the intents' ids.

    The burns of one transaction succeed or fail together; ask the chain's `holdings` first and leave out whoever
    lacks balance or allowance or is frozen. ``period`` as in `enqueue_mint_period`.
    """
    pieces = [tuple(burns[i : i + MAX_BURNS]) for i in range(0, len(burns), MAX_BURNS)]
    wanted: list[tuple[str, Payload]] = [
        (_part_id("burn", period, part, len(pieces)), BurnPeriod(period, part, len(pieces), piece))
        for part, piece in enumerate(pieces, start=1)
    ]
    enqueue_all(connection, community, wanted, now)
    return tuple(intent_id for intent_id, _ in wanted)


def enqueue_household_transaction(
    connection: Connection, community: str, intent_id: str, transaction: VersionedTransaction, now: datetime
) -> str:
    """Send a transaction that the household signed and `complete_as_hub` completed.

    ``intent_id`` is the transaction's memo: ``lock:<order>`` or ``allow:<message>``.
    """
    return enqueue(connection, community, *household_transaction(intent_id, transaction), now)


def household_transaction(intent_id: str, transaction: VersionedTransaction) -> tuple[str, HouseholdTransaction]:
    """Return the wish that `enqueue_household_transaction` stores, to be stored with others at once."""
    text = base64.b64encode(bytes(transaction)).decode()
    return intent_id, HouseholdTransaction(intent_id, text)


def enqueue_release(
    connection: Connection, community: str, order: str, account: Pubkey, wh: int, now: datetime
) -> str:
    """Give ``wh`` of a locked order to its buyer's ``account``.

    ``order`` is the order's id; an order that is filled in parts needs an id per part, such as ``<order>/2``.
    """
    return enqueue(connection, community, *out_of_escrow("release", order, str(account), wh), now)


def enqueue_refund(
    connection: Connection, community: str, order: str, account: Pubkey, wh: int, now: datetime
) -> str:
    """Give back ``wh`` of a locked order to its seller's ``account``; ``order`` as in `enqueue_release`."""
    return enqueue(connection, community, *out_of_escrow("refund", order, str(account), wh), now)


def out_of_escrow(what: Literal["release", "refund"], order: str, account: str, wh: int) -> tuple[str, Release]:
    """Return the wish that `enqueue_release` or `enqueue_refund` stores, to be stored with others at once."""
    memo = f"{what}:{order}"
    return memo, Release(memo, Transfer(account, wh))


def can_be_tried_again(intent: Intent | None) -> bool:
    """Whether ``intent`` failed for good and asked for something that the hub can ask for anew by itself."""
    return (
        intent is not None
        and intent.state is State.FAILED
        and isinstance(intent.payload, MintPeriod | BurnPeriod | Release)
    )


def enqueue_again(connection: Connection, intent: Intent, now: datetime) -> str:
    """Ask once more for what a failed ``intent`` asked for, under an id and memo of its own, and return that id.

    The same again changes nothing. ``2026-11-20T11:30Z`` is followed by ``2026-11-20T11:30Z.2``, then ``.3``;
    releases likewise. Raises `ValueError` for one that cannot be tried again.
    """
    if not can_be_tried_again(intent):
        raise ValueError(f"{intent.id} of {intent.community} did not fail, or takes other signatures to try again")
    match intent.payload:
        case MintPeriod(period=name) | BurnPeriod(period=name) as payload:
            again = _next_try(name)
            intent_id = _part_id(intent.id.partition(":")[0], again, payload.part, payload.parts)
            return enqueue(connection, intent.community, intent_id, replace(payload, period=again), now)
        case Release() as payload:
            again = _next_try(payload.memo)
            return enqueue(connection, intent.community, again, replace(payload, memo=again), now)
        case _:
            raise AssertionError("unreachable: the payload was checked")


def _next_try(name: str) -> str:
    first, _, last = name.rpartition(".")
    return f"{first}.{int(last) + 1}" if first and last.isdecimal() else f"{name}.2"


def _part_id(what: str, period: str, part: int, parts: int) -> str:
    return f"{what}:{period}:{part}/{parts}" if parts > 1 else f"{what}:{period}"
