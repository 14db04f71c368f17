"""The verifier's judgement: what it signs, what it refuses, and what it cannot decide yet."""

import base64
import binascii
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from energy_swap_protocol.memo import AdmissionMemo, MemoError
from energy_swap_protocol.period import Period, PeriodCalendar
from energy_swap_protocol.transaction import token_account
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from .accounts import Token, WrongTokenError, balance_wh, is_frozen, members, mint_address
from .config import VerifierConfig
from .evidence import (
    MAX_AHEAD,
    EvidenceError,
    Run,
    check_neighbours,
    check_runs,
    overlap,
    read_frames,
    runs_of,
    slot_of,
)
from .proposal import HandOver, MintPeriod, Release, Request, Signed, Wish, digest_of, memo_of
from .register import memory_begins, meters_of, read_locks
from .rpc import Node
from .store import SignedRow, Store
from .transactions import (
    BURNING,
    MINTING,
    PAUSING,
    Memo,
    Message,
    MintTo,
    NewAuthority,
    NotReadableError,
    Operation,
    Pay,
    Transfer,
    read_message,
)
from .trust import appointed, attested

_BLOCKS_VALID: Final = 150
_LAG: Final = timedelta(minutes=2)
_CLOCKS_DIFFER: Final = timedelta(minutes=10)
_HAND_OVER: Final = re.compile(r"handover:\d+")
_ID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_OUT: Final = re.compile(rf"(release|refund):({_ID})(?:/({_ID}))?([/.].*)?")


class RefusedError(Exception):
    """A wish that is not signed, however often it is asked for; the text says why."""


class NotNowError(Exception):
    """A wish that cannot be decided now; the text says what it waits for."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """What is remembered of a wish that holds."""

    name: str
    group: str
    part: str
    minted_wh: int
    moved_wh: int
    runs: tuple[tuple[str, Run], ...]


class Judge:
    """Decides about one request after another; the caller lets no two in at once."""

    def __init__(
        self, config: VerifierConfig, key: Keypair, store: Store, node: Node, clock: Callable[[], datetime]
    ) -> None:
        self._config = config
        self._key = key
        self._hubs = config.hubs
        self._length = timedelta(minutes=config.period_minutes)
        self._store = store
        self._node = node
        self._clock = clock
        self._missed: dict[str, datetime] = {}

    async def sign(self, request: Request) -> Signed:
        """Return the signature; raises `RefusedError`, `NotNowError` or `NodeError`."""
        try:
            return await self._sign(request)
        except (EvidenceError, MemoError, NotReadableError, WrongTokenError) as error:
            raise RefusedError(str(error)) from None

    async def _sign(self, request: Request) -> Signed:
        if request.community != self._config.community:
            raise RefusedError(f"this verifier signs for {self._config.community}, not {request.community}")
        raw, wish = _bytes(request.message), request.payload
        hub = next((key for key in self._hubs if _signature(request.signature).verify(key, raw)), None)
        if hub is None:
            raise RefusedError("the hub has not signed this message itself")
        token = await self._token()
        self._check_hub(hub, wish, token)
        name, digest = _name(wish), digest_of(wish)
        earlier = self._store.signed(name)
        if earlier is not None:
            earlier = await self._resolved(earlier)
            if earlier.digest != digest and earlier.state != "expired":
                raise RefusedError(f"{name} was signed before and asked for something else")
            if earlier.state in {"signed", "landed"}:
                # The same effect must not be possible twice: only these bytes, which execute once.
                return self._answer(earlier.message)
            if earlier.state == "failed":
                raise RefusedError(f"{name} was on the chain and failed; another try has a name of its own")
        message = read_message(raw)
        self._check_message(message, wish, token, hub)
        checked = await self._check(wish, message, token)
        if not await self._node.is_blockhash_valid(str(message.blockhash)):
            raise NotNowError("the verifier's node does not know the message's blockhash, or not any more")
        last_height = await self._node.block_height("confirmed") + _BLOCKS_VALID
        row = SignedRow(
            checked.name, checked.group, checked.part, checked.minted_wh, checked.moved_wh, digest, raw,
            request.signature, last_height, "signed",
        )  # fmt: skip
        with self._store.changing():
            self._store.record(row, checked.runs, int(self._clock().timestamp()))
        return self._answer(raw)

    def _answer(self, raw: bytes) -> Signed:
        return Signed(str(self._key.sign_message(raw)), base64.b64encode(raw).decode())

    async def _token(self) -> Token:
        token = await self._node.token(mint_address(self._hubs[0], self._config.community), self._config.program)
        if self._key.pubkey() not in token.minters or not set(self._hubs) & set(token.minters):
            raise WrongTokenError("the token's 2-of-3 does not hold both the hub's key and this verifier's")
        approvers = {Pubkey.from_string(key) for key in self._config.approvers}
        if (set(token.approvers), token.approvals_needed) != (approvers, self._config.approvals_needed):
            raise WrongTokenError("households are admitted by other approvers than those configured here")
        return token

    async def _resolved(self, row: SignedRow) -> SignedRow:
        """Return the row with what became of its transaction."""
        if row.state != "signed":
            return row
        height = await self._node.block_height("finalized")  # before the look: what is not there then never comes
        outcome = await self._node.outcome(row.id)
        if outcome is None and height <= row.last_height:
            return row
        state = "expired" if outcome is None else "landed" if outcome else "failed"
        with self._store.changing():
            self._store.set_state(row.name, state)
        return replace(row, state=state)

    async def _check(self, wish: Wish, message: Message, token: Token) -> _Checked:
        match wish:
            case MintPeriod():
                return await self._check_mint(wish, token)
            case Release():
                return await self._check_release(wish, token)
            case HandOver():
                return await self._check_hand_over(wish, message, token)

    def _check_hub(self, hub: Pubkey, wish: Wish, token: Token) -> None:
        """Raise unless the key ``hub`` may ask for ``wish``: that of now, or the one in a lost one's place."""
        if not isinstance(wish, HandOver) or not wish.hub:
            if hub not in token.minters:
                raise RefusedError(f"{hub} is not the hub's key now: it is none of the token's 2 of 3")
            return
        if _key(wish.hub) != self._hubs[-1] or wish.hub in map(str, token.minters):
            raise NotNowError(
                f"{wish.hub} shall be the hub's key; this verifier's configuration names {self._hubs[-1]}"
            )
        if wish.is_lost == (hub in token.minters):
            raise RefusedError("the hub's old key signs when it is there, and the new one when it is lost")

    def _check_message(self, message: Message, wish: Wish, token: Token, hub: Pubkey) -> None:
        """Raise unless ``message`` does what ``wish`` says, all of it and nothing else."""
        signers: tuple[Pubkey, ...] = (hub, self._key.pubkey())
        also = [_key(wish.hub)] if isinstance(wish, HandOver) and wish.hub else []
        if isinstance(wish, HandOver) and wish.is_lost:
            signers = tuple(map(_key, wish.verifiers))
        if message.signers[0] != hub or set(message.signers) != {hub, *signers, *also}:
            raise RefusedError(
                "the message is signed by the hub, which pays, and by this verifier, and nobody else"
            )

        def out(account: str, wh: int) -> Transfer:
            return Transfer(token.escrow, token.mint, _key(account), token.authority, wh, signers)

        wanted: list[Operation] = [Memo(memo_of(self._config.community, wish))]
        if isinstance(wish, MintPeriod):
            if token.program is not None:
                for mint in wish.mints:
                    frames = read_frames(mint.frames)
                    wanted += attested(token, _key(mint.account), mint.wh, frames, signers, len(wanted))
            elif wish.mints:
                minted_wh = sum(mint.wh for mint in wish.mints)
                wanted.append(MintTo(token.mint, token.escrow, token.authority, minted_wh, signers))
            wanted += [out(move.account, move.wh) for move in wish.releases]
        elif isinstance(wish, Release):
            wanted.append(out(wish.transfer.account, wish.transfer.wh))
        else:
            wanted += [out(wish.escrow, wh) for wh in amounts(message)]
            wanted.append(_given_away(token, hub, _key(wish.authority), signers))
            wanted += [one for one in _left_by(hub, wish, token.mint) if one in message.operations]
        if len(message.operations) != len(wanted):
            raise RefusedError(f"the message has {len(message.operations)} instructions, not {len(wanted)}")
        for number, (found, expected) in enumerate(zip(message.operations, wanted, strict=True)):
            if found != expected:
                raise RefusedError(f"instruction {number} is {found}, not {expected}")

    async def _check_mint(self, wish: MintPeriod, token: Token) -> _Checked:
        calendar = PeriodCalendar(self._length if wish.minutes is None else timedelta(minutes=wish.minutes))
        slot, name, part = slot_of(wish.period, calendar), _name(wish), f"{wish.part}/{wish.parts}"
        self._check_length(slot.period)
        ahead = slot.period.end - self._clock()
        if MAX_AHEAD < ahead <= _CLOCKS_DIFFER:
            raise NotNowError(f"period {slot.group} is over in {ahead}; if it is, set the verifier's clock")
        others = await self._others(slot.group, name)
        for other in others:
            if other.part == part or other.part.partition("/")[2] != str(wish.parts):
                raise _again(other, f"period {slot.group}, part {part}")
        runs: list[tuple[str, Run]] = []
        begins = await memory_begins(self._node, token, self._config.community, slot.period, self._store)
        paid = set() if slot.is_late else {a for other in others for a in self._store.accounts_of(other.name)}
        for mint in wish.mints:
            proven = runs_of(read_frames(mint.frames))
            admitted = await self._meters(token, mint.account, {run.start.meter for run in proven})
            net_wh = check_runs(proven, admitted, slot, self._clock())
            if mint.wh > net_wh or (mint.wh < net_wh and not self._config.sells_to_utility):
                raise RefusedError(f"{mint.account}: {mint.wh} Wh to be minted, the readings prove {net_wh} Wh")
            if mint.account in paid and not slot.is_late:
                raise RefusedError(f"{mint.account}: minted twice in period {slot.group}")
            paid.add(mint.account)
            if any(run.start.measured_at < begins for run in proven if run.start != run.end):
                since = f"{datetime.fromtimestamp(begins, UTC):%Y-%m-%dT%H:%MZ}"
                raise RefusedError(
                    f"{mint.account}: energy from before {since}, when this verifier's memory begins; restore its "
                    "verifier.sqlite from the backup"
                )
            await self._check_new(name, mint.account, proven, runs)
            runs += [(mint.account, run) for run in proven]
        for move in wish.releases:
            await self._meters(token, move.account)
        minted, moved = sum(m.wh for m in wish.mints), sum(m.wh for m in wish.releases)
        left = minted - moved + sum(other.minted_wh - other.moved_wh for other in others)
        if left < 0:
            raise RefusedError(f"period {slot.group} would give out {-left} Wh more than it has minted")
        self._check_length(slot.period, is_checked=True)
        return _Checked(name, slot.group, part, minted, moved, tuple(runs))

    def _check_length(self, period: Period, *, is_checked: bool = False) -> None:
        """Raise unless all periods of a day are told with one length, as it changes at a midnight UTC only.

        The first of a day that ``is_checked`` for all else says which.
        """
        place, minutes = f"minutes of the periods of {period.start:%Y-%m-%d}", str(period.minutes)
        known = self._store.place(place)
        if known is None and is_checked:
            with self._store.changing():
                self._store.set_place(place, minutes)
        if known not in {None, minutes}:
            raise RefusedError(f"period {period.id} lasts {known} minutes, as others of its day, not {minutes}")

    async def _check_new(
        self, name: str, account: str, proven: Sequence[Run], in_this: Sequence[tuple[str, Run]]
    ) -> None:
        """Raise unless no Wh of ``proven`` was minted before, and the registers go with all seen so far."""
        for run in proven:
            for reading in (run.start, run.end):
                check_neighbours(reading, *self._store.neighbours(reading))
            if any(overlap(run, other) for _, other in in_this):
                raise RefusedError(f"{account}: the same energy is minted twice in this transaction")
            for row in self._store.overlapping(run):
                if row.name == name:
                    continue
                row = await self._resolved(row)  # noqa: PLW2901 - the same row, known better
                if row.state in {"signed", "landed"}:
                    span = f"readings {run.start.sequence} to {run.end.sequence}"
                    raise _again(row, f"energy of {account} ({span})")

    async def _check_hand_over(self, wish: HandOver, message: Message, token: Token) -> _Checked:
        """Give minting away only to a 2-of-3 with the hub that the approvers let in, with all that is locked."""
        authority = _key(wish.authority)
        if _HAND_OVER.fullmatch(wish.memo) is None or _key(wish.escrow) != token_account(authority, token.mint):
            raise RefusedError("minting goes to a new 2-of-3, and what is locked to its escrow account")
        made, escrow, locked = await self._node.accounts([authority, _key(wish.escrow), token.escrow])
        needed, minters = members(made)
        verifiers = set(map(_key, wish.verifiers))
        if wish.hub and verifiers != set(token.minters) - set(self._hubs):
            raise RefusedError("with another hub the verifiers stay those of now")
        hubs = {_key(wish.hub)} if wish.hub else set(self._hubs) & set(token.minters)
        if (needed, len(set(minters))) != (2, 3) or set(minters) != hubs | verifiers:
            raise RefusedError("minting goes to 2 of 3 with the hub and the named verifiers, and to nobody else")
        if is_frozen(escrow):
            raise RefusedError("the approvers have not let the new 2-of-3 in: its escrow account is frozen")
        if sum(amounts(message)) != balance_wh(locked):
            raise NotNowError(f"the escrow holds {balance_wh(locked)} Wh, all of which go to the new one")
        return _Checked(wish.memo, wish.memo, "", 0, sum(amounts(message)), ())

    async def _check_release(self, wish: Release, token: Token) -> _Checked:
        found = _OUT.fullmatch(wish.memo)
        if found is None:
            raise RefusedError("out of the escrow goes what release:<order> or refund:<order> names")
        what = found[1]
        # A trade is named by the order that came and the one that waited: one of the two is the sale.
        order, lock = await self._lock(token, [name for name in (found[2], found[3]) if name])
        await self._meters(token, wish.transfer.account)
        if what == "refund" and wish.transfer.account != lock[0]:
            raise RefusedError(f"order {order} was locked by {lock[0]}; a refund goes nowhere else")
        group = f"order {order}"
        given = sum(other.moved_wh for other in await self._others(group, wish.memo))
        if given + wish.transfer.wh > lock[1]:
            raise RefusedError(f"order {order} locked {lock[1]} Wh and has given out {given} Wh of them")
        return _Checked(wish.memo, group, "", 0, wish.transfer.wh, ())

    async def _lock(self, token: Token, orders: Sequence[str]) -> tuple[str, tuple[str, int]]:
        """Return the one of ``orders`` that locked energy, with the account that did and the Wh."""
        found = self._locks(orders)
        if not found:
            await read_locks(self._node, token, self._hubs, self._store)
            found = self._locks(orders)
        name = " or ".join(orders)
        if len(found) > 1:
            raise RefusedError(f"both orders {' and '.join(orders)} have locked energy; which one is sold?")
        if found:
            self._missed.pop(name, None)
            return found[0]
        # Two nodes do not see a transaction at the same time.
        if self._clock() - self._missed.setdefault(name, self._clock()) > _LAG:
            raise RefusedError(f"nothing on the chain locks energy for order {name}")
        raise NotNowError(f"the verifier's node does not show the lock of order {name} yet")

    def _locks(self, orders: Sequence[str]) -> list[tuple[str, tuple[str, int]]]:
        return [(order, lock) for order in orders if (lock := self._store.lock(order)) is not None]

    async def _others(self, group: str, name: str) -> list[SignedRow]:
        """Return what else of a group has had its effect, or may still have it."""
        rows = [await self._resolved(row) for row in self._store.group(group) if row.name != name]
        return [row for row in rows if row.state in {"signed", "landed"}]

    async def _meters(
        self, token: Token, account: str, wanted: Collection[bytes] = ()
    ) -> Mapping[bytes, AdmissionMemo]:
        """Return the meters of an admitted account; raise `RefusedError` for any other."""
        admitted = await meters_of(self._node, token, self._store, str(_key(account)), wanted)
        if not admitted:
            raise RefusedError(f"{account} is no account of a household whose admission names a meter")
        return admitted


def _given_away(token: Token, payer: Pubkey, new: Pubkey, signers: tuple[Pubkey, ...]) -> Operation:
    """Return how minting goes to another 2-of-3: in the trust mode the office of its program."""
    if token.program is not None:
        return appointed(token, payer, new, signers)
    return NewAuthority(token.mint, MINTING, token.authority, new, signers)


def _left_by(hub: Pubkey, wish: HandOver, mint: Pubkey) -> list[Operation]:
    """Return what else a hub's key may give to the one that takes its place."""
    if not wish.hub or wish.is_lost:
        return []
    new = _key(wish.hub)
    return [*(NewAuthority(mint, kind, hub, new, ()) for kind in (BURNING, PAUSING)), Pay(hub, new)]


def amounts(message: Message) -> list[int]:
    """Return the Wh that a message moves, transfer by transfer."""
    return [operation.wh for operation in message.operations if isinstance(operation, Transfer)]


def _name(wish: Wish) -> str:
    if isinstance(wish, Release | HandOver):
        return wish.memo
    return f"mint:{wish.period}" + (f":{wish.part}/{wish.parts}" if wish.parts > 1 else "")


def _again(row: SignedRow, what: str) -> Exception:
    if row.state == "landed":
        return RefusedError(f"{what} was minted before, by {row.name} ({row.id})")
    return NotNowError(f"{what} may still be minted by {row.name}; until block {row.last_height} nobody can say")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise RefusedError("the message is not base64") from None


def _signature(text: str) -> Signature:
    try:
        return Signature.from_string(text)
    except ValueError:
        raise RefusedError("the hub's signature is base58 of 64 bytes") from None


def _key(text: str) -> Pubkey:
    try:
        return Pubkey.from_string(text)
    except ValueError:
        raise RefusedError(f"{text!r} is not a base58 public key") from None
