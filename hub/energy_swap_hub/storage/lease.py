"""Who writes for a community: a lease one hub has at a time, and a number that tells an owner from the one before.

The lease is held by a lock that the database gives to the writer's own session (PostgreSQL) or by the lock on the
data folder (SQLite); it ends with the session, so a killed hub's successor need not wait for a time to pass. The
fencing token grows with every owner and is compared in every transaction that writes: an owner that was away (its
connection was lost, its machine slept) and comes back after another one has had the community writes nothing more.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Connection, Table, Text, bindparam, insert, select, update

from .columns import metadata
from .lookup import Lookup

lease: Final = Table(
    "lease",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("fence", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),  # for people: which machine and process
)


# Asked in every transaction that writes: made once.
_LOCKED: Final = Lookup(
    select(lease.c.fence).where(lease.c.community_id == bindparam("community_id")).with_for_update()
)


class LeaseLost(RuntimeError):  # noqa: N818
    """Another hub has taken the community over; this one must stop. Nothing was written."""


def take(connection: Connection, community_id: str, owner: str) -> int:
    """Make ``owner`` the one who writes for a community and return its fencing token."""
    row = lease
    fence: int | None = _LOCKED.scalar(connection, community_id=community_id)
    if fence is None:
        connection.execute(insert(row).values(community_id=community_id, fence=1, owner=owner))
        return 1
    connection.execute(update(row).where(row.c.community_id == community_id).values(fence=fence + 1, owner=owner))
    return fence + 1


def check(connection: Connection, community_id: str, fence: int) -> None:
    """Raise `LeaseLost` unless ``fence`` is the newest; until this transaction ends nobody can take over."""
    newest = _LOCKED.scalar(connection, community_id=community_id)
    if newest != fence:
        raise LeaseLost(f"another hub has taken over the community {community_id}; this one stops writing")
