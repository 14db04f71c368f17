"""Approvals: approvers sign a proposal one after the other, each alone; it is sent when all of a panel have."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from solders.pubkey import Pubkey
from solders.signature import Signature
from sqlalchemy import Connection, Select, bindparam, func, insert, select

from energy_swap_hub.storage import Lookup

from .community import CommunityChain
from .directory import community_chain
from .intent import enqueue
from .panels import Panel, all_panels, panels_to_sign
from .payload import Approved, encode
from .proposal import Suspension, memos_of, message_of
from .proposal_store import ApprovalError, Proposal, Stage, change, get
from .tables import chain_proposal, chain_signature


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


def signers_of(connection: Connection, proposal: Proposal, chain: CommunityChain) -> list[int]:
    """Return the positions of the approvers who have signed."""
    return sorted({i for _, i in _signatures(connection, proposal, chain)})


def _signed_counts() -> Select[Any]:
    row, signed, newest = chain_proposal.c, chain_signature.c, chain_proposal.alias()
    last = (
        select(func.max(newest.c.number))
        .where(newest.c.community_id == bindparam("community"), newest.c.kind == bindparam("kind"))
        .group_by(newest.c.household_id)
    )
    return (
        select(row.household_id, func.count(signed.approver.distinct()))
        .join_from(
            chain_proposal,
            chain_signature,
            (signed.community_id == row.community_id) & (signed.proposal_id == row.id),
        )
        .where(row.community_id == bindparam("community"), row.number.in_(last))
        .group_by(row.household_id)
    )


_SIGNED_COUNTS: Final = Lookup(_signed_counts())


def signed_counts(connection: Connection, community: str, kind: str) -> dict[str, int]:
    """Return by household how many approvers signed the newest proposal of this ``kind``."""
    found = _SIGNED_COUNTS.all(connection, community=community, kind=kind)
    return {str(household): int(count) for household, count in found}


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
    change(connection, proposal.community, proposal.id, state=Stage.COMPLETE, approved=encode(approved))
    if not isinstance(proposal.wish, Suspension):
        send_approved(connection, get(connection, proposal.community, proposal.id), now)


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
