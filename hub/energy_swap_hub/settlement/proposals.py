"""What an admin may ask the approvers for, and what their word does at once to a member."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from energy_swap_protocol.memo import AdmissionMemo
from energy_swap_protocol.reading import frame_to_text
from solders.pubkey import Pubkey
from solders.signature import Signature
from sqlalchemy import Connection

from energy_swap_hub import metering
from energy_swap_hub.chain import approvals, proposal_store
from energy_swap_hub.chain.approvals import Paper
from energy_swap_hub.chain.community import MAX_APPROVERS
from energy_swap_hub.chain.directory import community_chain, household_account
from energy_swap_hub.chain.nonces import community_nonce, household_nonce
from energy_swap_hub.chain.outbox import enqueue_open_new_account, enqueue_pause
from energy_swap_hub.chain.proposal import (
    Admission,
    ApproversChange,
    HubChange,
    MintersChange,
    Readmission,
    Recovery,
    Replacement,
    Suspension,
    Wish,
    kind_of,
)
from energy_swap_hub.chain.proposal_store import ApprovalError, Proposal, Stage
from energy_swap_hub.membership.files import check_complete
from energy_swap_hub.membership.households import Household, by_id, by_key, record_audit
from energy_swap_hub.metering.epochs import first_of_epoch

from .suspensions import suspend

_MANY_LETTERS: Final = 500


def ask_suspension(
    connection: Connection, community_id: str, household_id: str, *, who: str, reason: str, now: datetime
) -> Proposal:
    """Ask for a member's account to be frozen; raise `ApprovalError` when it is no member."""
    household = by_id(connection, community_id, household_id)
    if household.status not in {"admitted", "leaving"}:
        raise ApprovalError(f"{household.id} is {household.status}; only a member can be suspended")
    account = household_account(connection, community_id, household.id)
    wish = Suspension(household.id, str(account.account))
    nonce = household_nonce(connection, community_id, account, now)
    return _ask(connection, community_id, wish, nonce, who=who, reason=reason, now=now)


def ask_readmission(
    connection: Connection, community_id: str, household_id: str, *, who: str, reason: str, now: datetime
) -> Proposal:
    """Ask for a suspended member's account to be thawed; raise `ApprovalError` when it is not suspended."""
    household = _suspended(connection, community_id, household_id, "only a suspended household is readmitted")
    account = household_account(connection, community_id, household.id)
    wish = Readmission(household.id, str(account.account))
    nonce = household_nonce(connection, community_id, account, now)
    return _ask(connection, community_id, wish, nonce, who=who, reason=reason, now=now)


def ask_recovery(
    connection: Connection,
    community_id: str,
    household_id: str,
    key: Pubkey,
    frozen_wh: int,
    *,
    who: str,
    reason: str,
    now: datetime,
) -> Proposal:
    """Ask for a suspended member, with all it has, to be bound to the ``key`` of its new device.

    ``frozen_wh`` is what lies in its frozen account, which cannot change. Its readings count for the new account
    from the last one the hub has. Raises `ApprovalError`.
    """
    why = "suspend it first, so that its account is frozen and nobody moves its tokens meanwhile"
    household = _suspended(connection, community_id, household_id, why)
    if by_key(connection, bytes(key)) is not None:
        raise ApprovalError(f"key: {key} belongs to a household already; give the key that the new device shows")
    if not key.is_on_curve():
        raise ApprovalError(f"key: {key} is nobody's public key; copy it from the new device, do not type it")
    last = metering.latest(connection, household.meter)
    assert last is not None, "a member has been admitted with a reading"
    account = household_account(connection, community_id, household.id)
    memo = AdmissionMemo(
        household.id, household.meter, last.sequence, household.rated_pv_w, household.main_breaker_w
    )
    lamports = community_chain(connection, community_id).meter_lamports
    wish = Recovery(household.id, str(account.account), str(key), frozen_wh, memo.text, lamports)
    nonce = enqueue_open_new_account(connection, community_id, household.id, key, now)
    return _ask(connection, community_id, wish, (nonce, None), who=who, reason=reason, now=now)


def ask_meter(
    connection: Connection,
    community_id: str,
    household_id: str,
    frame: bytes,
    *,
    who: str,
    reason: str,
    now: datetime,
) -> Proposal:
    """Ask for a member's readings to count from ``frame`` on: of a new meter, or of one that counts anew.

    Raises `ValueError` for a frame that cannot begin a register epoch, `ApprovalError` when it is no member.
    """
    first = first_of_epoch(connection, community_id, household_id, frame, now)
    household = by_id(connection, community_id, household_id)
    if not household.is_admitted:
        raise ApprovalError(f"{household.id} is {household.status}; only a member's meter is replaced")
    account = household_account(connection, community_id, household.id)
    memo = AdmissionMemo(household.id, first.meter, first.sequence, household.rated_pv_w, household.main_breaker_w)
    lamports = community_chain(connection, community_id).meter_lamports
    wish = Replacement(household.id, str(account.account), memo.text, frame_to_text(frame), lamports)
    nonce = household_nonce(connection, community_id, account, now)
    return _ask(connection, community_id, wish, nonce, who=who, reason=reason, now=now)


def ask_approvers(
    connection: Connection,
    community_id: str,
    approvers: Sequence[Pubkey],
    needed: int,
    lamports: int,
    *,
    who: str,
    reason: str,
    now: datetime,
) -> Proposal:
    """Ask the approvers of now to give their office to others; ``lamports`` is the rent of a multisig."""
    chain = community_chain(connection, community_id)
    if not 1 <= needed <= len(approvers) <= MAX_APPROVERS or len(set(approvers)) != len(approvers):
        raise ApprovalError(
            f"approvers: give 1 to {MAX_APPROVERS} different keys, and needed from 1 to their number, "
            f"not {needed} of {len(approvers)}"
        )
    if (set(approvers), needed) == (set(chain.approvers), chain.needed):
        raise ApprovalError("approvers: these are the approvers of now")
    wish = ApproversChange(tuple(sorted(map(str, approvers))), needed, lamports)
    nonce = community_nonce(connection, community_id, now)
    return _ask(connection, community_id, wish, nonce, who=who, reason=reason, now=now)


def ask_minters(
    connection: Connection,
    community_id: str,
    verifiers: Sequence[Pubkey],
    lamports: int,
    *,
    who: str,
    reason: str,
    now: datetime,
) -> Proposal:
    """Ask for minting and escrow to go to the hub and these two ``verifiers``, who are those of hub.json."""
    chain = community_chain(connection, community_id)
    if len(verifiers) != 2 or len({chain.hub, *verifiers}) != 3:
        raise ApprovalError("verifiers: configure two with different keys, not the hub's")
    if set(verifiers) == set(chain.verifiers):
        raise ApprovalError("verifiers: hub.json names those who mint now; write the new ones there first")
    wish = MintersChange((str(verifiers[0]), str(verifiers[1])), lamports)
    nonce = community_nonce(connection, community_id, now)
    return _ask(connection, community_id, wish, nonce, who=who, reason=reason, now=now)


def ask_hub(
    connection: Connection,
    community_id: str,
    following: Pubkey | None,
    lamports: int,
    *,
    who: str,
    reason: str,
    now: datetime,
) -> Proposal:
    """Ask for another key in the hub's place: the ``following`` one, or the one that acts for the lost one."""
    chain = community_chain(connection, community_id)
    new, is_lost = chain.acting_hub or following, chain.acting_hub is not None
    if new is None or new == chain.hub:
        raise ApprovalError(
            "hub: there is no next key; make one with energy-swap-hub hub-key hub.json, restart the hub, ask again"
        )
    if new in (*chain.hubs_before, *chain.verifiers, *chain.approvers):
        raise ApprovalError(f"hub: {new} is or was another key of this community; make a new one")
    if chain.handing_over is not None:
        raise ApprovalError(f"hub: {chain.handing_over} is being carried out; wait until that is done")
    verifier_a, verifier_b = map(str, chain.verifiers)
    wish = HubChange(str(new), (verifier_a, verifier_b), lamports, is_lost)
    nonce = community_nonce(connection, community_id, now)
    return _ask(connection, community_id, wish, nonce, who=who, reason=reason, now=now)


def sign_proposal(
    connection: Connection,
    community_id: str,
    proposal_id: str,
    approver: Pubkey,
    signatures: Sequence[Signature],
    now: datetime,
    *,
    needs_evidence: bool = False,
) -> Paper:
    """Count an approver's signatures (`approvals.sign`); a suspension that is complete holds at once.

    Raises `EvidenceRefused` for an admission whose file lacks something, where the community ``needs_evidence``.
    """
    if needs_evidence:
        wish = proposal_store.get(connection, community_id, proposal_id).wish
        if isinstance(wish, Admission):
            check_complete(connection, community_id, wish.household)
    paper = approvals.sign(connection, community_id, proposal_id, approver, signatures, now)
    record_audit(connection, community_id, who=str(approver), what="signed", subject=proposal_id, now=now)
    if paper.proposal.stage is Stage.COMPLETE and isinstance(paper.proposal.wish, Suspension):
        suspend(connection, community_id, paper.proposal, now)
    return paper


def withdraw_proposal(
    connection: Connection, community_id: str, proposal_id: str, *, who: str, reason: str, now: datetime
) -> None:
    """Take back what the approvers were asked and have not decided; raise `ApprovalError` for anything else."""
    what = f"withdrew: {_in_words(reason)}"
    proposal_store.withdraw(connection, community_id, proposal_id, now)
    record_audit(connection, community_id, who=who, what=what, subject=proposal_id, now=now)


def set_pause(
    connection: Connection, community_id: str, *, is_paused: bool, who: str, reason: str, now: datetime
) -> str:
    """Stop every movement of the token, or let it go on, and return the intent's id; raise `ValueError`."""
    what = f"{'paused' if is_paused else 'resumed'} the token: {_in_words(reason)}"
    intent_id = enqueue_pause(connection, community_id, is_paused=is_paused, now=now)
    record_audit(connection, community_id, who=who, what=what, subject=intent_id, now=now)
    return intent_id


def _ask(
    connection: Connection,
    community_id: str,
    wish: Wish,
    nonce: tuple[Pubkey, str | None],
    *,
    who: str,
    reason: str,
    now: datetime,
) -> Proposal:
    words = _in_words(reason)
    if community_chain(connection, community_id).acting_hub is not None and not isinstance(wish, HubChange):
        raise ApprovalError("the hub's key is lost; first the approvers give its place to another one")
    proposal = proposal_store.propose(connection, community_id, wish, nonce, asked_by=who, reason=words, now=now)
    what = f"asked the approvers to {kind_of(wish)}: {words}"
    record_audit(connection, community_id, who=who, what=what, subject=proposal.id, now=now)
    return proposal


def _suspended(connection: Connection, community_id: str, household_id: str, why: str) -> Household:
    household = by_id(connection, community_id, household_id)
    if household.status != "suspended":
        raise ApprovalError(f"{household.id} is {household.status}; {why}")
    return household


def _in_words(reason: str) -> str:
    words = reason.strip()
    if not 1 <= len(words) <= _MANY_LETTERS:
        raise ValueError(f"reason: say why in 1 to {_MANY_LETTERS} letters; the approvers read it")
    return words
