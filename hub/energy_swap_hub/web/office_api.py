"""The console's routes on the office itself: who did what, and what the hub has to do."""

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict, cast

from sqlalchemy import Connection, func, select

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.membership.tables import audit
from energy_swap_hub.settlement.machine_tables import saga, uptime
from energy_swap_hub.storage import Database

from .doors import Call, Doors
from .paging import asked_page, paged, rows_of
from .route import Route
from .tokens import Scope


class Act(TypedDict):
    """Who did what to which subject; ``at`` in Unix seconds of the hub's clock."""

    id: int
    at: int
    who: str
    what: str
    subject: str


class Acts(TypedDict):
    """A page of the audit, newest first; ``next`` is the ``before`` of what follows; ``total`` if asked for."""

    acts: list[Act]
    next: int | None
    total: int | None


class Work(TypedDict):
    """One kind of durable work: how much waits for its time, is due, and failed before; the oldest that is due."""

    kind: str
    waiting: int
    due: int
    retried: int
    oldest_due_at: int | None


class Health(TypedDict):
    """How the hub itself is; ``up_since`` in Unix seconds."""

    up_since: int | None
    work: list[Work]


class OfficeApi:
    """The routes below ``base`` on the audit and on the hub's own health."""

    def __init__(
        self,
        base: str,
        doors: Doors,
        database: Database,
        community: CommunityConfig,
        clock: Callable[[], datetime],
    ) -> None:
        self._base = base
        self._doors = doors
        self._database = database
        self._community_id = community.id
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, read = self._base, self._doors.auditor
        return [
            read(
                f"{base}/audit",
                self._audit,
                says="Who did what, newest first.",
                query=paged(100),
                scope=Scope.OFFICE,
            ),
            read(
                f"{base}/health",
                self._health,
                says="What the hub has to do, and what is late.",
                scope=Scope.OFFICE,
            ),
        ]

    async def _audit(self, call: Call[Session, None]) -> Acts:
        page = asked_page(call.request, 100)

        def look(connection: Connection) -> Acts:
            row = audit.c
            query = select(row.id, row.at, row.who, row.what, row.subject)
            found, total = rows_of(connection, query.where(row.community_id == self._community_id), row.id, page)
            acts = [cast("Act", {**act, "at": int(act["at"].timestamp())}) for act in found]
            return {"acts": acts, "next": page.following([act["id"] for act in acts]), "total": total}

        return await self._database.read(look)

    async def _health(self, _call: Call[Session, None]) -> Health:
        now = self._clock()

        def look(connection: Connection) -> Health:
            since = connection.execute(
                select(uptime.c.since).where(uptime.c.community_id == self._community_id)
            ).scalar()
            return {
                "up_since": None if since is None else int(since.timestamp()),
                "work": work_of(connection, self._community_id, now),
            }

        return await self._database.read(look)


def work_of(connection: Connection, community_id: str, now: datetime) -> list[Work]:
    """Return what the community's durable schedule holds, by kind."""
    row = saga.c
    is_due = row.due_at <= now
    query = (
        select(
            row.kind,
            func.count().filter(row.due_at > now),
            func.count().filter(is_due),
            func.count().filter(row.attempts > 0),
            func.min(row.due_at).filter(is_due),
        )
        .where(row.community_id == community_id, row.due_at.is_not(None))
        .group_by(row.kind)
        .order_by(row.kind)
    )
    return [
        {
            "kind": kind,
            "waiting": waiting,
            "due": due,
            "retried": retried,
            "oldest_due_at": None if oldest is None else int(oldest.timestamp()),
        }
        for kind, waiting, due, retried, oldest in connection.execute(query)
    ]
