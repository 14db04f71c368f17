"""Proposals as the hub keeps them: asked for, signed by one approver after the other, complete, carried out.

A proposal waits until its nonce account is there, is open while approvers sign, and complete when all of a panel
have. Its transaction then goes through the outbox like any other. Two proposals bound to one nonce exclude
each other: when one has been carried out, the other is outdated and must be asked for anew.
"""

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from solders.pubkey import Pubkey
from solders.signature import Signature
from sqlalchemy import Connection, RowMapping, func, insert, select, update

from .community import CommunityChain
from .directory import community_chain
from .intent import enqueue
from .panels import Panel, all_panels, panels_to_sign
from .payload import Approved, decode, encode
from .proposal import Suspension, Wish, decode_wish, encode_wish, household_of, kind_of, memos_of, message_of
from .tables import chain_proposal, chain_signature


class ApprovalError(ValueError):
    """An approval cannot be counted, or a proposal not be made; the text says why."""


class Stage(StrEnum):
    """How far a proposal has come; the last four are final."""

    WAITING = "waiting"  # for its nonce account
    OPEN = "open"
    COMPLETE = "complete"  # signed by a panel; its transaction is on its way
    DONE = "done"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    OUTDATED = "outdated"  # another decision took its nonce


UNDER_WAY: Final = (Stage.WAITING, Stage.OPEN, Stage.COMPLETE)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What approvers are asked to decide. ``approved`` is what a panel has signed, once one has."""

    number: int
    community: str
    id: str
    wish: Wish
    reason: str
    asked_by: str
    asked_at: datetime
    nonce_account: Pubkey
    nonce: str | None
    stage: Stage
    approved: Approved | None
    ended_at: datetime | None

    @property
    def kind(self) -> str:
        """The name of what it asks for."""
        return kind_of(self.wish)

    @property
    def household(self) -> str | None:
        """The household that it is about; None: the community itself."""
        return household_of(self.wish)


@dataclass(frozen=True, slots=True)
class Paper:
    """A proposal as one approver sees it.

    ``messages`` are the bytes this approver signs, all of them, in this order; none once it has signed.
    ``signed`` are the approvers who have, of whom ``needed`` must.
    """

    proposal: Proposal
    memos: tuple[str, ...]
    messages: tuple[bytes, ...]
    signed: tuple[Pubkey, ...]
    needed: int


def propose(
    connection: Connection,
    community: str,
    wish: Wish,
    nonce: tuple[Pubkey, str | None],
    *,
    asked_by: str,
    reason: str,
    now: datetime,
) -> Proposal:
    """Ask the approvers for ``wish``, bound to ``nonce``: an account, and what is in it once it is there.

    Raises `ApprovalError` while the same kind of thing is asked for about the same household.
    """
    kind, household = kind_of(wish), household_of(wish)
    for other in proposals(connection, community, UNDER_WAY):
        if (other.kind, other.household) == (kind, household):
            raise ApprovalError(f"{other.id} asks for that already; wait for it or withdraw it")
    row = chain_proposal.c
    last = connection.execute(select(func.max(row.number)).where(row.community_id == community)).scalar() or 0
    proposal_id = ":".join(part for part in (kind, household, str(last + 1)) if part is not None)
    account, value = nonce
    connection.execute(
        insert(chain_proposal).values(
            community_id=community,
            number=last + 1,
            id=proposal_id,
            kind=kind,
            household_id=household,
            wish=encode_wish(wish),
            reason=reason,
            asked_by=asked_by,
            asked_at=now,
            nonce_account=str(account),
            nonce=value,
            state=Stage.WAITING if value is None else Stage.OPEN,
        )
    )
    return get(connection, community, proposal_id)


def find(connection: Connection, community: str, proposal_id: str) -> Proposal | None:
    """Return a proposal."""
    row = chain_proposal.c
    query = select(chain_proposal).where(row.community_id == community, row.id == proposal_id)
    found = connection.execute(query).mappings().one_or_none()
    return None if found is None else _proposal(found)


def get(connection: Connection, community: str, proposal_id: str) -> Proposal:
    """Return a proposal; raise `LookupError` when there is none."""
    found = find(connection, community, proposal_id)
    if found is None:
        raise LookupError(f"there is no proposal {proposal_id}")
    return found


def proposals(
    connection: Connection, community: str, stages: Collection[Stage], *, newest: int = 1_000
) -> list[Proposal]:
    """Return the proposals that have come so far, the newest first."""
    row = chain_proposal.c
    query = (
        select(chain_proposal)
        .where(row.community_id == community, row.state.in_(stages))
        .order_by(row.number.desc())
        .limit(newest)
    )
    return [_proposal(found) for found in connection.execute(query).mappings()]


def paper_for(connection: Connection, proposal: Proposal, approver: Pubkey) -> Paper:
    """Return what ``approver`` is to sign; raise `ApprovalError` for a stranger."""
    chain = community_chain(connection, proposal.community)
    position = _position(chain, approver)
    signed = signers_of(connection, proposal, chain)
    panels: tuple[Panel, ...] = ()
    if proposal.stage is Stage.OPEN and position not in signed:
        panels = panels_to_sign(len(chain.approvers), chain.needed, position, signed)
    return Paper(
        proposal=proposal,
        memos=memos_of(proposal.wish, proposal.id),
        messages=tuple(_message(chain, proposal, panel) for panel in panels),
        signed=tuple(chain.approvers[i] for i in signed),
        needed=chain.needed,
    )


def sign(
    connection: Connection,
    community: str,
    proposal_id: str,
    approver: Pubkey,
    signatures: Sequence[Signature],
    now: datetime,
) -> Paper:
    """Count an approver's ``signatures`` over the messages of `paper_for`, in their order.

    When a panel is complete, its transaction is enqueued, but for a suspension: what the household has open must
    be given back before its account is frozen, so `send_approved` is called when that is done. The same signatures
    again change nothing. Raises `ApprovalError` if a signature belongs to none of the messages, or none was given.
    """
    proposal = get(connection, community, proposal_id)
    chain = community_chain(connection, community)
    position = _position(chain, approver)
    if not signatures:
        raise ApprovalError("an approval is one or more signatures")
    if proposal.stage is Stage.COMPLETE or (proposal.stage is Stage.DONE):
        return paper_for(connection, proposal, approver)
    if proposal.stage is not Stage.OPEN:
        raise ApprovalError(f"{proposal_id} is {proposal.stage.value}; fetch what is open now")
    # Others may have signed since this approver looked: any panel with the approver counts.
    everybody = all_panels(len(chain.approvers), chain.needed)
    panels = iter([panel for panel in everybody if position in panel])
    for signature in signatures:
        panel = next((p for p in panels if signature.verify(approver, _message(chain, proposal, p))), None)
        if panel is None:
            raise ApprovalError(
                "a signature is not one over this proposal's messages in their order; fetch and sign them again"
            )
        _store(connection, proposal, panel, approver, signature)
    known = _signatures(connection, proposal, chain)
    complete = next((p for p in everybody if all((p, i) in known for i in p)), None)
    if complete is not None:
        _complete(connection, proposal, chain, complete, known, now)
    return paper_for(connection, get(connection, community, proposal_id), approver)


def send_approved(connection: Connection, proposal: Proposal, now: datetime) -> str:
    """Enqueue the transaction that a panel has signed and return the intent's id; again changes nothing."""
    assert proposal.approved is not None, "only what a panel has signed can be sent"
    return enqueue(connection, proposal.community, proposal.id, proposal.approved, now)


def withdraw(connection: Connection, community: str, proposal_id: str, now: datetime) -> None:
    """Take a proposal back; raise `ApprovalError` when a panel has signed it or it is over."""
    proposal = get(connection, community, proposal_id)
    if proposal.stage not in (Stage.WAITING, Stage.OPEN):
        raise ApprovalError(f"{proposal_id} is {proposal.stage.value}; only an open proposal can be withdrawn")
    end(connection, proposal, Stage.WITHDRAWN, now)


def end(connection: Connection, proposal: Proposal, stage: Stage, now: datetime) -> None:
    """Say what became of a proposal."""
    _change(connection, proposal.community, proposal.id, state=stage, ended_at=now)


def nonce_changed(connection: Connection, community: str, account: str, nonce: str, now: datetime) -> None:
    """Open what waited for a nonce ``account``; outdate what is bound to an earlier ``nonce`` of it."""
    row = chain_proposal.c
    bound = (row.community_id == community, row.nonce_account == account)
    connection.execute(
        update(chain_proposal)
        .where(*bound, row.state == Stage.WAITING)
        .values(nonce=nonce, state=Stage.OPEN.value)
    )
    connection.execute(
        update(chain_proposal)
        .where(*bound, row.state.in_((Stage.OPEN, Stage.COMPLETE)), row.nonce != nonce)
        .values(state=Stage.OUTDATED.value, ended_at=now)
    )


def outdate_open(connection: Connection, community: str, now: datetime) -> list[Proposal]:
    """End all open proposals, which were to be signed by approvers that no longer are; return them."""
    ended = proposals(connection, community, (Stage.WAITING, Stage.OPEN))
    for proposal in ended:
        end(connection, proposal, Stage.OUTDATED, now)
    return ended


def signers_of(connection: Connection, proposal: Proposal, chain: CommunityChain) -> list[int]:
    """Return the positions of the approvers who have signed."""
    return sorted({i for _, i in _signatures(connection, proposal, chain)})


def signed_counts(connection: Connection, community: str, kind: str) -> dict[str, int]:
    """Return by household how many approvers signed the newest proposal of this ``kind``."""
    row, signed = chain_proposal.c, chain_signature.c
    newest = (
        select(func.max(row.number))
        .where(row.community_id == community, row.kind == kind)
        .group_by(row.household_id)
    )
    query = (
        select(row.household_id, func.count(signed.approver.distinct()))
        .join_from(
            chain_proposal,
            chain_signature,
            (signed.community_id == row.community_id) & (signed.proposal_id == row.id),
        )
        .where(row.community_id == community, row.number.in_(newest))
        .group_by(row.household_id)
    )
    return {str(household): int(count) for household, count in connection.execute(query)}


def _complete(
    connection: Connection,
    proposal: Proposal,
    chain: CommunityChain,
    panel: Panel,
    known: dict[tuple[Panel, int], str],
    now: datetime,
) -> None:
    assert proposal.nonce is not None, "an open proposal has a nonce"
    approved = Approved(
        proposal=proposal.id,
        memo=memos_of(proposal.wish, proposal.id)[0],
        account=str(proposal.nonce_account),
        nonce=proposal.nonce,
        message=base64.b64encode(_message(chain, proposal, panel)).decode(),
        panel=tuple(str(chain.approvers[i]) for i in panel),
        signatures=tuple(known[panel, i] for i in panel),
    )
    _change(connection, proposal.community, proposal.id, state=Stage.COMPLETE, approved=encode(approved))
    if not isinstance(proposal.wish, Suspension):
        send_approved(connection, get(connection, proposal.community, proposal.id), now)


def _change(connection: Connection, community: str, proposal_id: str, **values: Any) -> None:
    row = chain_proposal.c
    connection.execute(
        update(chain_proposal).where(row.community_id == community, row.id == proposal_id).values(**values)
    )


def _position(chain: CommunityChain, approver: Pubkey) -> int:
    if approver not in chain.approvers:
        raise ApprovalError(f"{approver} is not an approver of {chain.community}")
    return chain.approvers.index(approver)


def _message(chain: CommunityChain, proposal: Proposal, panel: Panel) -> bytes:
    assert proposal.nonce is not None, "an open proposal has a nonce"
    members = [chain.approvers[i] for i in panel]
    nonce = (proposal.nonce_account, proposal.nonce)
    return message_of(chain, proposal.wish, proposal.id, nonce, members)


def _signatures(connection: Connection, proposal: Proposal, chain: CommunityChain) -> dict[tuple[Panel, int], str]:
    position = {str(key): i for i, key in enumerate(chain.approvers)}
    row = chain_signature.c
    rows = connection.execute(
        select(row.panel, row.approver, row.signature).where(
            row.community_id == proposal.community, row.proposal_id == proposal.id
        )
    )
    # Whoever signed before the approvers changed is none any more.
    return {
        (tuple(map(int, panel.split(","))), position[approver]): text
        for panel, approver, text in rows
        if approver in position
    }


def _store(
    connection: Connection, proposal: Proposal, panel: Panel, approver: Pubkey, signature: Signature
) -> None:
    key = {
        "community_id": proposal.community,
        "proposal_id": proposal.id,
        "panel": ",".join(map(str, panel)),
        "approver": str(approver),
    }
    columns = chain_signature.c
    is_known = connection.execute(
        select(columns.approver).where(*(columns[name] == value for name, value in key.items()))
    ).first()
    if is_known is None:
        connection.execute(insert(chain_signature).values(**key, signature=str(signature)))


def _proposal(row: RowMapping) -> Proposal:
    approved = None if row["approved"] is None else decode(row["approved"])
    assert approved is None or isinstance(approved, Approved)
    return Proposal(
        row["number"],
        row["community_id"],
        row["id"],
        decode_wish(row["wish"]),
        row["reason"],
        row["asked_by"],
        row["asked_at"],
        Pubkey.from_string(row["nonce_account"]),
        row["nonce"],
        Stage(row["state"]),
        approved,
        row["ended_at"],
    )
