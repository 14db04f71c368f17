"""Since when the hub has been up: what households stored while it was down is on its way for a while then."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select

from energy_swap_hub.storage import put_rows

from .machine_tables import uptime

BREAK: Final = timedelta(minutes=5)
"""A shorter time without the hub counts as none: edges bridge it by themselves, well within the grace time."""

STAMP: Final = timedelta(minutes=1)
"""How often a running hub says that it is up."""


def come_up(connection: Connection, community_id: str, now: datetime) -> datetime:
    """Store that the hub is up and return since when it has been; a break counts only if it was long."""
    row = uptime.c
    known = connection.execute(select(row.since, row.seen_at).where(row.community_id == community_id)).first()
    since = now if known is None or now - known.seen_at > BREAK else known.since
    _store(connection, community_id, since, now)
    return since


def stay_up(connection: Connection, community_id: str, since: datetime, now: datetime) -> None:
    """Store that the hub is still up."""
    _store(connection, community_id, since, now)


def _store(connection: Connection, community_id: str, since: datetime, now: datetime) -> None:
    put_rows(connection, uptime, ("community_id", "since", "seen_at"), [(community_id, since, now)])
