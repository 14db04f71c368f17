"""The review queue: what no rule can decide waits here, with its evidence, for a person."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from energy_swap_hub.membership.households import record_audit

from .tables import review


def open_review(
    connection: Connection, community_id: str, *, kind: str, subject: str, evidence: dict[str, Any], now: datetime
) -> None:
    """Put something in front of a person; the same kind and subject is asked once while it is open."""
    known = select(review.c.id).where(
        review.c.community_id == community_id,
        review.c.kind == kind,
        review.c.subject == subject,
        review.c.state == "open",
    )
    if connection.execute(known).first() is None:
        connection.execute(
            insert(review).values(
                community_id=community_id,
                kind=kind,
                subject=subject,
                evidence=evidence,
                opened_at=now,
                state="open",
            )
        )


def close_reviews(
    connection: Connection, community_id: str, kinds: Collection[str], subject: str, *, note: str, now: datetime
) -> None:
    """Close what waits for a person about ``subject`` and is of one of ``kinds``: it has answered itself."""
    row = review.c
    waiting = select(row.id).where(
        row.community_id == community_id, row.kind.in_(kinds), row.subject == subject, row.state == "open"
    )
    for review_id in connection.execute(waiting).scalars().all():
        resolve_review(connection, community_id, review_id, note=note, who="the hub", now=now)


def take_review(connection: Connection, community_id: str, review_id: int) -> tuple[str, str, dict[str, Any]]:
    """Take a review for a decision that ends in this transaction; return its kind, subject and evidence.

    It ends with `resolve_review` or `leave_open`.

    Raises `LookupError` when it is not open.
    """
    taken = connection.execute(
        update(review)
        .where(review.c.community_id == community_id, review.c.id == review_id, review.c.state == "open")
        .values(state="taken")
        .returning(review.c.kind, review.c.subject, review.c.evidence)
    ).first()
    if taken is None:
        raise LookupError(f"review {review_id} is not open")
    return taken.kind, taken.subject, taken.evidence


def leave_open(
    connection: Connection, community_id: str, review_id: int, *, done: str, who: str, now: datetime
) -> None:
    """Put a review back that was taken: what was ``done`` does not decide it."""
    row = review.c
    connection.execute(
        update(review).where(row.community_id == community_id, row.id == review_id).values(state="open")
    )
    record_audit(connection, community_id, who=who, what=f"{done} about a review", subject=str(review_id), now=now)


def resolve_review(
    connection: Connection,
    community_id: str,
    review_id: int,
    *,
    note: str,
    who: str,
    now: datetime,
    done: str = "",
) -> None:
    """Close a review with the person's note and what was ``done``; raises `LookupError` when it is not open."""
    if not note.strip():
        raise ValueError("say in a few words what was decided and why")
    resolution = f"{done}: {note.strip()}" if done else note.strip()
    changed = connection.execute(
        update(review)
        .where(
            review.c.community_id == community_id, review.c.id == review_id, review.c.state.in_(("open", "taken"))
        )
        .values(state="resolved", resolution=resolution, resolved_by=who, resolved_at=now)
    )
    if not changed.rowcount:
        raise LookupError(f"review {review_id} is not open")
    record_audit(
        connection,
        community_id,
        who=who,
        what=f"resolved a review: {resolution}",
        subject=str(review_id),
        now=now,
    )
