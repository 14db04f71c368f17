"""An approver's device tells from the bytes alone what it would sign, and signs nothing that hides behind it."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import msgspec
import pytest
from energy_swap_hub.chain.community import CommunityChain, plan_community
from energy_swap_hub.chain.proposal import (
    Admission,
    ApproversChange,
    MintersChange,
    Readmission,
    Recovery,
    Replacement,
    Suspension,
    Wish,
    message_of,
)
from energy_swap_hub.chain.token2022 import Authority, set_authority
from energy_swap_hub.chain.trust import register_meter
from energy_swap_protocol.memo import AdmissionMemo
from energy_swap_protocol.transaction import TOKEN_2022, memo_instruction, token_account
from energy_swap_verifier.decision import Asked, Community, DoubtError, decide
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0, MessageV1, from_bytes_versioned, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import (
    AdvanceNonceAccountParams,
    TransferParams,
    advance_nonce_account,
    transfer,
)
from spl.token.instructions import thaw_account
from spl.token.models import ThawAccountParams


def key(number: int) -> Pubkey:
    return Keypair.from_seed(bytes([number]) * 32).pubkey()


NONCE = (Pubkey(b"n" * 32), str(Hash(bytes(range(32)))))
METER = bytes(key(8))
CHAIN = plan_community("umoja", "genesis", key(1), [key(2), key(3)], [key(4), key(5), key(6)], 2)
COMMUNITY = Community(CHAIN.mint, CHAIN.hub)
ME = CHAIN.approvers[0]
APPLICANT, NEW_KEY = key(7), key(9)
ACCOUNT = token_account(APPLICANT, CHAIN.mint)
MEMO = AdmissionMemo("h-001", METER, 1, 3000, 8000).text
APPLICATION = {"key": str(APPLICANT), "meter": METER.hex(), "rated_pv_w": 3000, "main_breaker_w": 8000}
ADMISSION = Admission("h-001", str(ACCOUNT), MEMO)
WISHES: list[tuple[Wish, str, Sequence[str]]] = [
    (ADMISSION, "admit:h-001:1", ["admits Amina (h-001)", str(Pubkey(METER)), "3000 W"]),
    (Suspension("h-001", str(ACCOUNT)), "suspend:h-001:2", ["suspends Amina (h-001)", str(ACCOUNT)]),
    (Readmission("h-001", str(ACCOUNT)), "readmit:h-001:3", ["readmits Amina (h-001)"]),
    (
        Recovery("h-001", str(ACCOUNT), str(NEW_KEY), 1_234, MEMO),
        "recover:h-001:4",
        [f"to the key {NEW_KEY}", "moves 1.234 kWh there", "frozen for good", "must show this key"],
    ),
    (Recovery("h-001", str(ACCOUNT), str(NEW_KEY), 0, MEMO), "recover:h-001:5", ["moves 0.000 kWh"]),
    (
        Replacement("h-001", str(ACCOUNT), MEMO, "the frame"),
        "meter:h-001:8",
        [f"the meter {METER.hex()}, from number 1 on", "energy of Amina (h-001)", "must show this key"],
    ),
    (ApproversChange((str(key(4)), str(key(10))), 2, 5), "approvers:6", ["to 2 of these 2", str(key(10))]),
    (
        MintersChange((str(key(11)), str(key(12))), 5),
        "minters:7",
        [str(key(11)), str(key(12)), "mint with the hub"],
    ),
]


def text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def asked(wish: Wish, name: str, **changed: Any) -> Asked:
    """What the hub tells the first approver."""
    panels = [panel for panel in combinations(CHAIN.approvers, 2) if ME in panel]
    told = Asked(
        proposal=name,
        kind=name.partition(":")[0],
        household=None if isinstance(wish, ApproversChange | MintersChange) else "h-001",
        name="Amina",
        reason="why",
        asked_by="office",
        messages=tuple(text(message_of(CHAIN, wish, name, NONCE, panel)) for panel in panels),
        signatures=(),
        needed=2,
        application=APPLICATION,
        wish=msgspec.to_builtins(wish),
    )
    return msgspec.structs.replace(told, **changed)


@pytest.mark.parametrize(("wish", "name", "words"), WISHES, ids=[name for _, name, _ in WISHES])
def test_what_the_hub_asks_is_told_in_words(wish: Wish, name: str, words: Sequence[str]) -> None:
    told = asked(wish, name)
    decision = decide(told, ME, COMMUNITY)
    assert decision.kind == name.partition(":")[0]
    assert [text(message) for message in decision.messages] == list(told.messages)
    assert len(decision.messages) == 2, "one for each panel"
    for word in words:
        assert word in decision.words
    assert (decision.account == ACCOUNT) == (decision.kind in {"suspend", "readmit", "recover", "meter"})


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"application": {}}, "applicant's key"),
        ({"application": APPLICATION | {"key": str(Pubkey(b"x" * 32))}}, "not the account"),
        ({"household": "h-002"}, "the hub says h-002"),
        ({"application": APPLICATION | {"meter": "00" * 32}}, "another meter"),
        ({"application": APPLICATION | {"rated_pv_w": 9_000}}, "another meter or site"),
        ({"messages": ()}, "nothing to sign"),
        ({"messages": ("AAAA",)}, "no Solana message"),
        ({"messages": ("not base64",)}, "no Solana message"),
    ],
)
def test_a_hub_that_tells_something_else_is_refused(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(DoubtError, match=reason):
        decide(asked(ADMISSION, "admit:h-001:1", **changed), ME, COMMUNITY)


def message(*instructions: Instruction, hub: Pubkey = CHAIN.hub, nonce: bool = True, memo: str = MEMO) -> str:
    account, value = NONCE
    first = advance_nonce_account(AdvanceNonceAccountParams(nonce_pubkey=account, authorized_pubkey=hub))
    all_of_it = [*([first] if nonce else []), memo_instruction(memo), *instructions]
    return text(to_bytes_versioned(MessageV0.try_compile(hub, all_of_it, [], Hash.from_string(value))))


def thaw(
    account: Pubkey = ACCOUNT, mint: Pubkey = CHAIN.mint, signers: Sequence[Pubkey] = CHAIN.approvers[:2]
) -> Instruction:
    return thaw_account(
        ThawAccountParams(
            program_id=TOKEN_2022, account=account, mint=mint, authority=CHAIN.approvers_authority,
            multi_signers=list(signers),
        )
    )  # fmt: skip


def test_whatever_hides_behind_an_admission_is_refused() -> None:
    decide(asked(ADMISSION, "admit:h-001:1", messages=(message(thaw()),)), ME, COMMUNITY)
    steal = transfer(TransferParams(from_pubkey=ME, to_pubkey=CHAIN.hub, lamports=1))
    freeze = Instruction(TOKEN_2022, bytes([10]), [AccountMeta(ME, is_signer=True, is_writable=False)])
    seize = set_authority(CHAIN.mint, Authority.FREEZE, CHAIN.approvers_authority, CHAIN.hub, CHAIN.approvers[:2])
    other = token_account(CHAIN.approvers[2], CHAIN.mint)
    thief = key(66)
    for made, reason in (
        (message(thaw(), steal), "more than one authority|no decision"),
        (message(thaw(), freeze), "more than one authority|no decision"),
        (message(thaw(), seize), "no decision"),
        (message(thaw(), memo_instruction("admit:h-002")), "memo"),
        (message(thaw(other)), "not the account"),
        (message(thaw(), thaw(other)), "no decision"),
        (message(thaw(mint=other)), "another token"),
        (message(thaw(signers=[ME])), ""),
        (message(thaw(), nonce=False), "begin with the hub's nonce"),
        (message(thaw(), hub=thief), "somebody else than the hub would pay"),
        (message(thaw(signers=CHAIN.approvers[1:])), "does not ask for this approver"),
        (message(thaw(), memo="readmit:h-002:3"), "the hub says h-001"),
        (message(thaw(), memo="suspend:h-001:3"), "memo is not that"),
    ):
        told = asked(ADMISSION, "admit:h-001:1", messages=(made,))
        if reason:
            with pytest.raises(DoubtError, match=reason):
                decide(told, ME, COMMUNITY)
        else:
            decide(told, ME, COMMUNITY)


def test_messages_of_two_nonces_or_of_two_kinds_are_refused() -> None:
    told = asked(ADMISSION, "admit:h-001:1")
    [first, second] = told.messages
    later = from_bytes_versioned(base64.b64decode(second))
    assert isinstance(later, MessageV1)
    moved = MessageV1(later.header, later.config, Hash(bytes(32)), later.account_keys, later.instructions)
    with pytest.raises(DoubtError, match="exclude each other"):
        decide(msgspec.structs.replace(told, messages=(first, text(to_bytes_versioned(moved)))), ME, COMMUNITY)
    freezing = asked(Suspension("h-001", str(ACCOUNT)), "suspend:h-001:2").messages[0]
    with pytest.raises(DoubtError, match="different things"):
        decide(msgspec.structs.replace(told, messages=(first, freezing)), ME, COMMUNITY)


def changed_chain(**changes: Any) -> CommunityChain:
    return replace(CHAIN, **changes)


def test_tokens_go_nowhere_but_to_the_account_of_the_key_that_is_told() -> None:
    wish, name = WISHES[3][:2]
    told = asked(wish, name)
    elsewhere = msgspec.structs.replace(told, wish={**told.wish, "owner": str(key(99))})
    with pytest.raises(DoubtError, match="not the account of the key"):
        decide(elsewhere, ME, COMMUNITY)


def test_an_office_that_goes_to_somebody_else_is_refused() -> None:
    wish = ApproversChange((str(key(4)),), 1, 5)
    panel = CHAIN.approvers[:2]
    raw = message_of(CHAIN, wish, "approvers:6", NONCE, panel)
    thief = bytes(key(66))
    new = next(i for i in from_bytes_versioned(raw).instructions if bytes(i.data)[:1] == b"\x06")
    for old in (bytes(new.data)[3:],):
        forged = raw.replace(b"\x06\x08\x01" + old, b"\x06\x08\x01" + thief)
        assert forged != raw
        with pytest.raises(DoubtError, match="not freezing, recovery and closing"):
            decide(asked(wish, "approvers:6", messages=(text(forged),)), ME, COMMUNITY)


def test_minting_goes_to_nobody_without_the_hub_or_with_two_keys_of_one() -> None:
    for verifiers in ((str(key(11)), str(key(11))), (str(CHAIN.hub), str(key(11)))):
        with pytest.raises(DoubtError, match="2 of 3 different keys"):
            decide(asked(MintersChange(verifiers, 5), "minters:7"), ME, COMMUNITY)


# A community that was founded with the trust mode

PROGRAM = key(20)
TRUSTING = replace(CHAIN, program=PROGRAM)
TRUSTING_COMMUNITY = replace(COMMUNITY, program=PROGRAM)
MEMBER = AdmissionMemo("h-001", METER, 1, 3000, 8000)


def asked_of_trusting(wish: Wish, name: str, chain: CommunityChain = TRUSTING) -> Asked:
    panels = [panel for panel in combinations(chain.approvers, 2) if ME in panel]
    messages = tuple(text(message_of(chain, wish, name, NONCE, panel)) for panel in panels)
    return asked(wish, name, messages=messages)


@pytest.mark.parametrize(("wish", "name", "words"), WISHES, ids=[name for _, name, _ in WISHES])
def test_a_meter_is_registered_with_the_program_as_its_admission_names_it(
    wish: Wish, name: str, words: Sequence[str]
) -> None:
    decision = decide(asked_of_trusting(wish, name), ME, TRUSTING_COMMUNITY)
    for word in words:
        assert word in decision.words
    names_a_meter = isinstance(wish, Admission | Recovery | Replacement)
    assert ("which is not audited, mints for this meter then" in decision.words) == names_a_meter


def registering(memo: AdmissionMemo, account: Pubkey = ACCOUNT, **changed: Any) -> str:
    """An admission whose program registers something of the hub's own choice."""
    panel = list(CHAIN.approvers[:2])
    told: dict[str, Any] = {
        "payer": CHAIN.hub, "mint": CHAIN.mint, "approvers": CHAIN.approvers_authority, "signers": panel,
        "meter": memo.meter, "account": account, "rated_w": memo.rated_pv_w, "first_sequence": memo.sequence,
        "rent_lamports": 5,
    }  # fmt: skip
    return message(thaw(ACCOUNT), register_meter(PROGRAM, **(told | changed)))


@pytest.mark.parametrize(
    "wrong",
    [
        registering(replace(MEMBER, meter=bytes(key(30)))),
        registering(replace(MEMBER, rated_pv_w=9_000)),
        registering(replace(MEMBER, sequence=7)),
        registering(MEMBER, account=token_account(NEW_KEY, CHAIN.mint)),
        registering(MEMBER, mint=Pubkey(b"t" * 32)),
        registering(MEMBER, payer=ME),
        message(thaw(ACCOUNT)),
    ],
)
def test_a_registration_of_anything_else_is_not_signed(wrong: str) -> None:
    assert decide(asked(ADMISSION, "admit:h-001:1", messages=(registering(MEMBER),)), ME, TRUSTING_COMMUNITY)
    with pytest.raises(DoubtError):
        decide(asked(ADMISSION, "admit:h-001:1", messages=(wrong,)), ME, TRUSTING_COMMUNITY)


def test_a_device_that_knows_of_no_program_registers_nothing() -> None:
    with pytest.raises(DoubtError, match="does not know of"):
        decide(asked_of_trusting(ADMISSION, "admit:h-001:1"), ME, COMMUNITY)
    other = replace(TRUSTING, program=key(21))
    with pytest.raises(DoubtError, match="does not know of"):
        decide(asked_of_trusting(ADMISSION, "admit:h-001:1", other), ME, TRUSTING_COMMUNITY)
