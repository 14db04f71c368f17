"""The durable schedule: what has to happen when, one transaction per step, taken up again wherever a hub stopped.

A saga is a piece of work with a life of its own: a period to be booked, a gate to be closed, a purchase that
waits for its payment. It is known by (kind, subject) and has a state, a version, and a time at which its next step
is due. A step runs the kind's rule and stores what the rule did, the saga's new state and a line of its journal in
one transaction. It is a compare-and-set on the version, so that of two who try the same step only one does it. The
database's lease sees to it that only the hub that owns the community writes at all (`Database.take_lease`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update

from energy_swap_hub.storage import Lookup

from .machine_tables import saga, saga_step

_FIRST_REST: Final = timedelta(seconds=5)
_LONGEST_REST: Final = timedelta(minutes=5)

_DUE: Final = Lookup(  # asked many times a second: made once
    select(saga.c.kind, saga.c.subject, saga.c.state, saga.c.version, saga.c.attempts, saga.c.due_at)
    .where(saga.c.community_id == bindparam("community_id"), saga.c.due_at <= bindparam("now"))
    .order_by(saga.c.due_at, saga.c.kind, saga.c.subject)
    .limit(bindparam("most"))
)

WAITING: Final = "waiting"  # at the beginning, and of what comes again and again


@dataclass(frozen=True, slots=True)
class Work:
    """A saga as its next step finds it; ``attempts`` are the steps that failed since the last one that did not."""

    kind: str
    subject: str
    state: str
    version: int
    attempts: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Next:
    """How a step leaves its saga: the new state and when the next step is due (None: nothing more to do).

    ``is_rest``: it only looked, and will look again; the journal keeps no line of that.
    """

    state: str
    due_at: datetime | None = None
    is_rest: bool = False


def rest(state: str, until: datetime) -> Next:
    """Return that a saga waits in ``state`` for something, and looks again then."""
    return Next(state, until, is_rest=True)


type Rule = Callable[[Connection, Work, datetime], Next | None]
"""What a kind of saga does when it is due; None: it cannot be done yet, and nothing was changed."""


def schedule(connection: Connection, community_id: str, kind: str, subject: str, due_at: datetime) -> None:
    """Have a step of (kind, subject) taken at ``due_at`` or, if one is due before that, then.

    A new saga begins as `WAITING`. One that was left `WAITING` with nothing due goes on; one that ended in any
    other state never begins again.
    """
    key = (saga.c.community_id == community_id, saga.c.kind == kind, saga.c.subject == subject)
    known = connection.execute(select(saga.c.due_at, saga.c.state).where(*key)).first()
    if known is None:
        values = {"community_id": community_id, "kind": kind, "subject": subject, "due_at": due_at}
        connection.execute(insert(saga).values(**values, state=WAITING, version=0, attempts=0))
    elif known[1] == WAITING if known[0] is None else due_at < known[0]:
        connection.execute(update(saga).where(*key).values(due_at=due_at))


def due_work(connection: Connection, community_id: str, now: datetime, limit: int = 100) -> list[Work]:
    """Return the sagas that are due, the longest due first."""
    return [Work(*found) for found in _DUE.all(connection, community_id=community_id, now=now, most=limit)]


def take_step(connection: Connection, community_id: str, work: Work, rule: Rule, now: datetime) -> bool:
    """Do the next step of ``work`` unless one was done since it was looked up; return whether this one was."""
    current = connection.execute(
        select(saga.c.version, saga.c.due_at).where(*_key(community_id, work)).with_for_update()
    ).first()
    if current is None or current[0] != work.version or current[1] is None or current[1] > now:
        return False
    after = rule(connection, work, now)
    if after is None:
        return False
    _advance(
        connection,
        community_id,
        work,
        now,
        state=after.state,
        due_at=after.due_at,
        attempts=0,
        error=None,
        is_kept=not after.is_rest,
    )
    return True


def record_failure(connection: Connection, community_id: str, work: Work, error: str, now: datetime) -> None:
    """Let ``work`` rest after a step that failed: 5 s at first, then twice as long each time, at most 5 min."""
    rest = min(_FIRST_REST * 2 ** min(work.attempts, 10), _LONGEST_REST)
    _advance(
        connection,
        community_id,
        work,
        now,
        state=work.state,
        due_at=now + rest,
        attempts=work.attempts + 1,
        error=error,
    )


def _advance(
    connection: Connection,
    community_id: str,
    work: Work,
    now: datetime,
    *,
    state: str,
    due_at: datetime | None,
    attempts: int,
    error: str | None,
    is_kept: bool = True,
) -> None:
    version = work.version + 1
    changed = connection.execute(
        update(saga)
        .where(*_key(community_id, work), saga.c.version == work.version)
        .values(state=state, due_at=due_at, attempts=attempts, version=version)
    )
    if not changed.rowcount:
        # The rule itself may have asked for an earlier step of its own saga, but never taken one.
        raise RuntimeError(f"somebody else took step {version} of {work.kind} {work.subject}")
    if not is_kept:
        return
    connection.execute(
        insert(saga_step).values(
            community_id=community_id,
            kind=work.kind,
            subject=work.subject,
            version=version,
            state=state,
            error=error,
            at=now,
        )
    )


def under_way(connection: Connection, community_id: str, *, newest: int = 100) -> Sequence[Work]:
    """Return the sagas that still have something to do, the next due first."""
    row = saga.c
    query = (
        select(row.kind, row.subject, row.state, row.version, row.attempts, row.due_at)
        .where(row.community_id == community_id, row.due_at.is_not(None))
        .order_by(row.due_at, row.kind, row.subject)
        .limit(newest)
    )
    return [Work(*found) for found in connection.execute(query)]


def _key(community_id: str, work: Work) -> tuple[ColumnElement[bool], ...]:
    return saga.c.community_id == community_id, saga.c.kind == work.kind, saga.c.subject == work.subject
