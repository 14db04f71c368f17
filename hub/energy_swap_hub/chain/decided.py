"""What a final decision about accounts and authorities changes in what the hub knows of the chain."""

from datetime import datetime
from typing import Final

from energy_swap_protocol.memo import AdmissionMemo
from energy_swap_protocol.transaction import token_account
from solders.pubkey import Pubkey
from sqlalchemy import Connection

from . import proposal_store
from .directory import (
    HouseholdAccount,
    NoChainError,
    bind_household,
    change_community,
    community_chain,
    forget_nonces,
    household_account,
    owners,
    set_nonce,
)
from .intent import Intent, State, enqueue
from .nonces import household_nonce, nonce_account
from .payload import Admit, Approved, HandOver, Pause
from .proposal import (
    Admission,
    ApproversChange,
    HubChange,
    MintersChange,
    Recovery,
    new_approvers_authority,
    new_minting_authority,
)
from .proposal_store import Proposal, Stage, propose

HUB: Final = "the hub"


def carry_over(connection: Connection, intent: Intent, nonce: tuple[str, str] | None, now: datetime) -> None:
    """Change accounts, authorities and proposals as a final ``intent`` says; ``nonce`` is (account, value) now."""
    is_done = intent.state is State.CONFIRMED
    match intent.payload:
        case Approved() as payload:
            proposal = proposal_store.get(connection, intent.community, payload.proposal)
            proposal_store.end(connection, proposal, Stage.DONE if is_done else Stage.FAILED, now)
            if is_done:
                _decided(connection, proposal, now)
        case HandOver() as payload:
            if is_done:
                change_community(
                    connection,
                    intent.community,
                    authority=payload.authority,
                    escrow=payload.escrow,
                    verifiers=" ".join(payload.verifiers),
                )
                if payload.hub:
                    _take_office(connection, intent.community, payload, now)
            change_community(connection, intent.community, handing_over=None)
        case Pause(is_paused=is_paused) if is_done:
            change_community(connection, intent.community, paused_at=now if is_paused else None)
        case _:
            pass
    if nonce is not None:
        set_nonce(connection, intent.community, *nonce)
        proposal_store.nonce_changed(connection, intent.community, *nonce, now)
    _ask_again(connection, intent, now)


def propose_admission(connection: Connection, community: str, account: HouseholdAccount, now: datetime) -> None:
    """Ask the approvers to admit a household with its account."""
    lamports = community_chain(connection, community).meter_lamports
    wish = Admission(account.household, str(account.account), account.memo, lamports)
    try:
        nonce = household_nonce(connection, community, account, now)
    except NoChainError:
        nonce = (account.nonce_account, None)
    propose(connection, community, wish, nonce, asked_by=HUB, reason="the household has applied", now=now)


def _decided(connection: Connection, proposal: Proposal, now: datetime) -> None:
    community = proposal.community
    chain = community_chain(connection, community)
    match proposal.wish:
        case Recovery() as wish:
            owner = Pubkey.from_string(wish.owner)
            account = HouseholdAccount(
                household=wish.household,
                owner=owner,
                account=token_account(owner, chain.mint),
                nonce_account=proposal.nonce_account,
                nonce=proposal.nonce,
                admission=AdmissionMemo.parse(wish.memo),
            )
            bind_household(connection, community, account)
        case ApproversChange() as wish:
            members = sorted(wish.approvers, key=str)
            change_community(
                connection,
                community,
                approvers=" ".join(members),
                needed=wish.needed,
                approvers_authority=str(new_approvers_authority(chain, proposal.id)),
            )
            # What was asked of the approvers of before is asked of those of now.
            _ask_anew(connection, community, now)
        case MintersChange() | HubChange() as wish:
            authority = new_minting_authority(chain, proposal.id)
            payload = HandOver(
                memo=f"handover:{proposal.number}",
                authority=str(authority),
                escrow=str(token_account(authority, chain.mint)),
                verifiers=wish.verifiers,
                hub=wish.hub if isinstance(wish, HubChange) else "",
                is_lost=isinstance(wish, HubChange) and wish.is_lost,
            )
            change_community(connection, community, handing_over=proposal.id)
            enqueue(connection, community, payload.memo, payload, now)
        case _:
            pass


def _take_office(connection: Connection, community: str, payload: HandOver, now: datetime) -> None:
    """Another key is the hub's: whatever waits for a nonce of the old one is asked for anew."""
    chain = community_chain(connection, community)
    lost = chain.lost_hub or (chain.hub if payload.is_lost else None)
    change_community(
        connection,
        community,
        hub=payload.hub,
        hubs_before=" ".join(map(str, (*chain.hubs_before, chain.hub))),
        acting_hub=None,
        lost_hub=None if lost is None else str(lost),
    )
    if not payload.is_lost:
        change_community(connection, community, nonce_account=None, nonce=None)
    after = community_chain(connection, community)
    accounts = {name: nonce_account(after, name, owner) for name, owner in owners(connection, community).items()}
    forget_nonces(connection, community, accounts)
    _ask_anew(connection, community, now)


def _ask_anew(connection: Connection, community: str, now: datetime) -> None:
    """End what is open, and ask once more for the admissions among it."""
    for ended in proposal_store.outdate_open(connection, community, now):
        if isinstance(ended.wish, Admission):
            account = household_account(connection, community, ended.wish.household)
            propose_admission(connection, community, account, now)


def lose_hub(connection: Connection, community: str, acting: Pubkey, now: datetime) -> None:
    """The hub's own key is lost: ``acting`` pays from now on; the approvers can give it the hub's place.

    What is open is bound to nonces of the lost key. Admissions stay, to be asked for anew by the next key.
    """
    change_community(connection, community, acting_hub=str(acting), nonce_account=None, nonce=None)
    for proposal in proposal_store.proposals(connection, community, (Stage.WAITING, Stage.OPEN)):
        if not isinstance(proposal.wish, Admission):
            proposal_store.end(connection, proposal, Stage.OUTDATED, now)


def find_hub_again(
    connection: Connection, community: str, nonce: tuple[Pubkey, str] | None, now: datetime
) -> None:
    """The hub's own key was not lost; ``nonce`` is the community's account of that key, and what is in it."""
    account, value = nonce or (None, None)
    change_community(
        connection,
        community,
        acting_hub=None,
        nonce_account=None if account is None else str(account),
        nonce=value,
    )
    for proposal in proposal_store.proposals(connection, community, (Stage.WAITING, Stage.OPEN)):
        if isinstance(proposal.wish, HubChange):
            proposal_store.end(connection, proposal, Stage.OUTDATED, now)


def _ask_again(connection: Connection, intent: Intent, now: datetime) -> None:
    """An admission that failed or was forestalled is asked for again, with the nonce as it is now."""
    if intent.state is not State.FAILED:
        return
    match intent.payload:
        case Approved(proposal=proposal_id):
            wish = proposal_store.get(connection, intent.community, proposal_id).wish
            household = wish.household if isinstance(wish, Admission) else None
        case Admit(household=household):
            pass
        case _:
            return
    if household is not None:
        account = household_account(connection, intent.community, household)
        propose_admission(connection, intent.community, account, now)
