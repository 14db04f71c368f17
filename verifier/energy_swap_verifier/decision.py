"""What a hub asks an approver to sign, in words read from the bytes themselves; what hides more is refused."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import msgspec
from energy_swap_protocol.memo import AdmissionMemo, MemoError
from energy_swap_protocol.transaction import NOBODY, TOKEN_2022, token_account
from energy_swap_protocol.units import WH_PER_KWH
from solders.pubkey import Pubkey

from .transactions import (
    CLOSING,
    FREEZING,
    RECOVERING,
    AdvanceNonce,
    CreateAccount,
    CreateTokenAccount,
    Freeze,
    MakeMultisig,
    Memo,
    Message,
    NewAuthority,
    NotReadableError,
    Operation,
    Other,
    Thaw,
    Transfer,
    read_message,
)
from .trust import Registration, registration

_DIRECTING: Final = (FREEZING, RECOVERING, CLOSING)


class DoubtError(ValueError):
    """A message is not what it should be; the device does not sign. The text says why."""


class Asked(msgspec.Struct, frozen=True):
    """A proposal as the hub tells it to one approver; nothing of it is believed but what the messages do.

    ``messages`` are base64 of the Solana messages to sign, one for each panel that can still complete;
    ``application`` is there for an admission, with the applicant's public ``key`` (base58) and its site.
    """

    proposal: str
    kind: str
    household: str | None
    name: str | None
    reason: str
    asked_by: str
    messages: tuple[str, ...]
    signatures: tuple[str, ...]
    needed: int
    application: Mapping[str, Any] | None = None
    wish: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Community:
    """What a device was told at the community's founding, not by the hub: its token, and the hub's key.

    ``program`` is that of the trust mode, where the community was founded with it.
    """

    mint: Pubkey
    hub: Pubkey
    program: Pubkey | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the messages do, and in words for the person who decides.

    ``account`` is the member's account that it freezes, thaws or empties, and of which the chain must say that it
    is ``household``'s; None where it is about no member. ``meter`` is the one that a recovery names.
    """

    kind: str
    household: str | None
    account: Pubkey | None
    meter: bytes | None
    words: str
    messages: tuple[bytes, ...]


def decide(asked: Asked, me: Pubkey, community: Community) -> Decision:
    """Return what ``asked`` would do if ``me`` signed; raise `DoubtError` when it cannot be told or hides more.

    All messages must do the same, by panels that ``me`` is of, and exclude each other; the hub pays.
    """
    if not asked.messages:
        raise DoubtError("there is nothing to sign")
    raws, effects, nonces = [], set(), set()
    for text in asked.messages:
        raw, message = _read(text)
        if message.signers[0] != community.hub:
            raise DoubtError("somebody else than the hub would pay")
        panel = message.signers[1:]
        if me not in panel:
            raise DoubtError("a message does not ask for this approver's signature")
        effects.add(tuple(_without_panel(operation, panel, community) for operation in message.operations))
        nonces.add(message.blockhash)
        raws.append(raw)
    if len(nonces) != 1:
        raise DoubtError("the messages do not exclude each other")
    if len(effects) != 1:
        raise DoubtError("the messages do different things")
    return replace(_read_effect(effects.pop(), asked, community), messages=tuple(raws))


def _read(text: str) -> tuple[bytes, Message]:
    try:
        raw = base64.b64decode(text, validate=True)
        return raw, read_message(raw)
    except (binascii.Error, ValueError, NotReadableError) as error:
        raise DoubtError(f"a message is no Solana message that can be read: {error}") from None


def _without_panel(
    operation: Operation, panel: Sequence[Pubkey], community: Community
) -> Operation | Registration:
    """Return ``operation`` without who signs it, once that is the whole panel and nobody else."""
    registers = None if community.program is None else registration(operation, community.program)
    if registers is not None:
        if registers.signers != set(panel) or (registers.payer, registers.mint) != (community.hub, community.mint):
            raise DoubtError(
                "a meter is registered for another token, or by others than the approvers and the hub"
            )
        return replace(registers, signers=frozenset())
    if isinstance(operation, Other) and operation.accounts:
        raise DoubtError(
            f"the program {operation.program} is asked for something that this device does not know of"
        )
    if not isinstance(operation, Thaw | Freeze | NewAuthority | Transfer):
        return operation
    if set(operation.signers) != set(panel):
        raise DoubtError("an approver's signature would be for something of its own")
    return replace(operation, signers=())


def _read_effect(all_of_it: tuple[Operation | Registration, ...], asked: Asked, community: Community) -> Decision:
    """Return what the messages do; in the trust mode whoever admits a meter registers it, and nothing else."""
    operations = tuple(one for one in all_of_it if not isinstance(one, Registration))
    registered = [one for one in all_of_it if isinstance(one, Registration)]
    decision = _read_native_effect(operations, asked, community)
    memos = [one.text for one in operations if isinstance(one, Memo) and one.text.startswith("admit:")]
    if community.program is None:
        return decision
    accounts = [one.account for one in operations if isinstance(one, Thaw)]
    is_true = len(registered) == len(memos) and all(
        one.is_of(_admission_memo(memo), accounts[0]) for one, memo in zip(registered, memos, strict=True)
    )
    if not is_true:
        raise DoubtError("the program of the trust mode would not register just the meter that the memo names")
    if registered:
        words = (
            f"{decision.words}. The program {community.program}, which is not audited, mints for this meter then"
        )
        return replace(decision, words=words)
    return decision


def _read_native_effect(operations: tuple[Operation, ...], asked: Asked, community: Community) -> Decision:
    nonce, *rest = operations
    if not isinstance(nonce, AdvanceNonce) or nonce.authority != community.hub:
        raise DoubtError("a message does not begin with the hub's nonce, which lets only one of them happen")
    memos = [operation.text for operation in rest if isinstance(operation, Memo)]
    effects = [operation for operation in rest if not isinstance(operation, Memo)]
    _same_token(effects, community.mint)
    match effects:
        case [Thaw(account)] if len(memos) == 1 and memos[0].startswith("admit:"):
            return _admission(account, memos[0], asked, community.mint)
        case [Thaw(account)] if len(memos) == 1:
            household = _named(memos, "readmit")
            words = f"readmits {_who(asked, household)}: its account {account} may move energy again"
            return Decision("readmit", household, account, None, words, ())
        case [Freeze(account), Thaw(same)] if account == same:
            return _meter(account, memos, asked)
        case [Freeze(account)]:
            household = _named(memos, "suspend")
            words = (
                f"suspends {_who(asked, household)}: its account {account} is frozen, it neither sells nor buys"
            )
            return Decision("suspend", household, account, None, words, ())
        case [Thaw(new)] | [Thaw(new), Thaw(), Transfer(), Freeze()]:
            return _recovery(new, effects[1:], memos, asked, community.mint)
        case [CreateAccount(), MakeMultisig() as made, NewAuthority(), NewAuthority(), NewAuthority()]:
            return _approvers(effects, made, memos, community)
        case [CreateAccount(), MakeMultisig() as made, CreateTokenAccount(), Thaw()]:
            if memos and memos[0].startswith("hub:"):
                return _hub(effects, made, memos, community)
            return _minters(effects, made, memos, community)
        case [CreateAccount(), MakeMultisig() as made, CreateTokenAccount(), Thaw(), CreateTokenAccount(), Thaw()]:
            return _hub(effects, made, memos, community)
    does = ", ".join(type(effect).__name__ for effect in effects) or "nothing"
    raise DoubtError(f"no decision of a community does this: {does}")


def _same_token(effects: Sequence[Operation], mint: Pubkey) -> None:
    """Raise unless all of ``effects`` are about ``mint``, and by one authority."""
    authorities = set()
    for effect in effects:
        names = {field.name for field in fields(effect)}
        if "mint" in names and getattr(effect, "mint") != mint:  # noqa: B009 - of several classes
            raise DoubtError("a message is about another token")
        if "authority" in names:
            authorities.add(getattr(effect, "authority"))  # noqa: B009
    if len(authorities) != 1:
        raise DoubtError("a message acts for more than one authority")


def _admission(account: Pubkey, memo_text: str, asked: Asked, mint: Pubkey) -> Decision:
    memo = _admission_memo(memo_text)
    applied = asked.application or {}
    try:
        own = token_account(Pubkey.from_string(applied["key"]), mint)
    except KeyError, ValueError, TypeError:
        raise DoubtError("the hub does not tell the applicant's key") from None
    if account != own:
        raise DoubtError(f"{account} is not the account of the applicant's key, which is {own}")
    site = (applied.get("meter"), applied.get("rated_pv_w"), applied.get("main_breaker_w"))
    if (memo.meter.hex(), memo.rated_pv_w, memo.main_breaker_w) != site:
        raise DoubtError("the memo names another meter or site than the household applied with")
    who = _who(asked, memo.household)
    words = f"admits {who} with the account {account}, {_site(memo)}"
    return Decision("admit", memo.household, None, None, words, ())


def _recovery(
    new: Pubkey, moved: Sequence[Operation], memos: Sequence[str], asked: Asked, mint: Pubkey
) -> Decision:
    household = _named(memos[:1], "recover")
    memo = _admission_memo(memos[1]) if len(memos) == 2 else None
    if memo is None or memo.household != household:
        raise DoubtError("a recovery admits the same household with its meter")
    try:
        key, old = Pubkey.from_string(asked.wish["owner"]), Pubkey.from_string(asked.wish["account"])
    except KeyError, ValueError, TypeError:
        raise DoubtError("the hub does not tell the key of the new device") from None
    if token_account(key, mint) != new:
        raise DoubtError(f"{new} is not the account of the key {key}")
    wh = 0
    if moved:
        thawed, move, frozen = moved
        assert isinstance(thawed, Thaw)
        assert isinstance(move, Transfer)
        assert isinstance(frozen, Freeze)
        wh = move.wh
        if (thawed.account, move.source, frozen.account, move.to) != (old, old, old, new):
            raise DoubtError("a recovery moves tokens elsewhere than from the old to the new account")
    words = (
        f"binds {_who(asked, household)} to the key {key}, with the account {new}, {_site(memo)}; moves "
        f"{_kwh(wh)} there from {old}, which stays frozen for good. "
        "Look at the household's new device yourself: it must show this key"
    )
    return Decision("recover", household, old, memo.meter, words, ())


def _meter(account: Pubkey, memos: Sequence[str], asked: Asked) -> Decision:
    household = _named(memos[:1], "meter")
    memo = _admission_memo(memos[1]) if len(memos) == 2 else None
    if memo is None or memo.household != household:
        raise DoubtError("a meter is let in for the household that asks for it, and for nothing else")
    words = (
        f"lets readings of the meter {memo.meter.hex()}, from number {memo.sequence} on, prove the energy of "
        f"{_who(asked, household)} (account {account}, panels of {memo.rated_pv_w} W, a breaker of "
        f"{memo.main_breaker_w} W). Look at the household's meter yourself: it must show this key"
    )
    return Decision("meter", household, account, None, words, ())


def _approvers(
    effects: Sequence[Operation], made: MakeMultisig, memos: Sequence[str], community: Community
) -> Decision:
    _named(memos, "approvers")
    _made_here(effects[0], made, community)
    handed = [(o.account, o.kind, o.new) for o in effects if isinstance(o, NewAuthority)]
    if sorted(handed, key=str) != sorted(((community.mint, k, made.account) for k in _DIRECTING), key=str):
        raise DoubtError("not freezing, recovery and closing are handed over, all to the same approvers")
    keys = ", ".join(map(str, made.members))
    words = (
        f"gives the approvers' office to {made.needed} of these {len(made.members)}: {keys}. "
        "Whoever is not named decides nothing any more. Compare each key with what its holder reads aloud"
    )
    return Decision("approvers", None, None, None, words, ())


def _minters(
    effects: Sequence[Operation], made: MakeMultisig, memos: Sequence[str], community: Community
) -> Decision:
    _named(memos, "minters")
    _made_here(effects[0], made, community)
    _opened_for(made.account, effects[2:4], community)
    if made.needed != 2 or len(set(made.members)) != 3 or made.members[0] != community.hub:
        raise DoubtError("minting is for 2 of 3 different keys, one of them the hub's")
    words = (
        f"lets the verifiers {made.members[1]} and {made.members[2]} mint with the hub, any two of the three, in "
        "place of those of now. Compare both keys with what their holders read aloud"
    )
    return Decision("minters", None, None, None, words, ())


def _hub(effects: Sequence[Operation], made: MakeMultisig, memos: Sequence[str], community: Community) -> Decision:
    _named(memos, "hub")
    _made_here(effects[0], made, community)
    _opened_for(made.account, effects[2:4], community)
    if effects[4:]:
        _opened_for(NOBODY, effects[4:], community)
    if made.needed != 2 or len(set(made.members)) != 3:
        raise DoubtError("minting is for 2 of 3 different keys, one of them the hub's")
    words = (
        f"gives the hub's place to the key {made.members[0]}, beside the verifiers {made.members[1]} and "
        f"{made.members[2]}. Compare all three with what their holders read aloud"
    )
    if effects[4:]:
        words += (
            ". The hub's old key is said to be lost: used energy is kept by nobody then, in place of being burned"
        )
    return Decision("hub", None, None, None, words, ())


def _opened_for(owner: Pubkey, effects: Sequence[Operation], community: Community) -> None:
    opened, thawed = effects
    assert isinstance(opened, CreateTokenAccount)
    assert isinstance(thawed, Thaw)
    account = token_account(owner, community.mint)
    if (opened.payer, opened.account, opened.owner, thawed.account) != (community.hub, account, owner, account):
        raise DoubtError("another account than that of the new 2-of-3 is opened or thawed")


def _made_here(created: Operation, made: MakeMultisig, community: Community) -> None:
    if created != CreateAccount(community.hub, made.account, TOKEN_2022):
        raise DoubtError("the new office is not the account that is made for it")


def _named(memos: Sequence[str], kind: str) -> str | None:
    """Return the household in the one memo ``<kind>:[<household>:]<number>``; raise for anything else."""
    parts = memos[0].split(":") if len(memos) == 1 else []
    if not parts or parts[0] != kind or not parts[-1].isdecimal() or len(parts) not in {2, 3}:
        raise DoubtError(f"the memo is not that of what the message does ({kind})")
    return parts[1] if len(parts) == 3 else None


def _admission_memo(text: str) -> AdmissionMemo:
    try:
        return AdmissionMemo.parse(text)
    except MemoError as error:
        raise DoubtError(f"the memo names no meter: {error}") from None


def _who(asked: Asked, household: str | None) -> str:
    if household is None or asked.household != household:
        raise DoubtError(f"the message is about {household}, the hub says {asked.household}")
    return f"{asked.name} ({household})"


def _site(memo: AdmissionMemo) -> str:
    return f"the meter {Pubkey(memo.meter)}, panels of {memo.rated_pv_w} W, a breaker of {memo.main_breaker_w} W"


def _kwh(wh: int) -> str:
    return f"{wh / WH_PER_KWH:,.3f} kWh"
