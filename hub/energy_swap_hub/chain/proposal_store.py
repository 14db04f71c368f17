"""Proposals as the hub keeps them: asked for, open, complete, carried out.

A proposal waits until its nonce account is there, is open while approvers sign (`approvals.py`), and complete when
all of a panel have. Its transaction then goes through the outbox like any other. Two proposals bound to one nonce
exclude each other: when one has been carried out, the other is outdated and must be asked for anew.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from solders.pubkey import Pubkey
from sqlalchemy import Connection, RowMapping, func, insert, select, update

from .payload import Approved, decode
from .proposal import Wish, decode_wish, encode_wish, household_of, kind_of
from .tables import chain_proposal


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


def withdraw(connection: Connection, community: str, proposal_id: str, now: datetime) -> None:
    """Take a proposal back; raise `ApprovalError` when a panel has signed it or it is over."""
    proposal = get(connection, community, proposal_id)
    if proposal.stage not in (Stage.WAITING, Stage.OPEN):
        raise ApprovalError(f"{proposal_id} is {proposal.stage.value}; only an open proposal can be withdrawn")
    end(connection, proposal, Stage.WITHDRAWN, now)


def end(connection: Connection, proposal: Proposal, stage: Stage, now: datetime) -> None:
    """Say what became of a proposal."""
    change(connection, proposal.community, proposal.id, state=stage, ended_at=now)


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


def change(connection: Connection, community: str, proposal_id: str, **values: Any) -> None:
    """Change what is stored of a proposal: columns of `chain_proposal`."""
    row = chain_proposal.c
    connection.execute(
        update(chain_proposal).where(row.community_id == community, row.id == proposal_id).values(**values)
    )


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
