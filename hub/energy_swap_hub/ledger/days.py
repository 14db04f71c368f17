"""Closed days: all that was booked in a day is hashed with the day before, so that no past changes unseen.

The hash is the SHA-256 of lines of ASCII JSON, each ended by a newline: first
``["energy-swap/ledger-day/1", community, day, starts_at, ends_at, hash of the day before]`` (the first day has
``""`` there), then for each entry, by id, ``[id, source, external_id, at, booked_at, text, corrects_entry_id,
[[leg, account, amount], ...]]``. Times are microseconds since 1970. An entry belongs to the day of ``booked_at``.
"""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, bindparam, func, insert, select, type_coerce

from energy_swap_hub.storage.lookup import Lookup

from . import tables

_FORMAT: Final = "energy-swap/ledger-day/1"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Day:
    """A closed day: ``hash`` (hex) covers its ``entries`` and, by the hash of the day before, all earlier ones."""

    day: str
    starts_at: datetime
    ends_at: datetime
    entries: int
    first_entry_id: int | None
    last_entry_id: int | None
    hash: str


_OPEN_SINCE: Final = Lookup(
    select(tables.day.c.ends_at)
    .where(tables.day.c.community_id == bindparam("community_id"))
    .order_by(tables.day.c.day.desc())
    .limit(1)
)


def open_since(connection: Connection, community_id: str) -> datetime | None:
    """Return when the last closed day ended; None before the first is closed."""
    found: datetime | None = _OPEN_SINCE.scalar(connection, community_id=community_id)
    return found


def closed_days(connection: Connection, community_id: str, *, newest: int | None = None) -> list[Day]:
    """Return the closed days, oldest first; only the ``newest`` ones when that is given."""
    row = tables.day.c
    columns = [row[name] for name in Day.__slots__]
    query = select(*columns).where(row.community_id == community_id).order_by(row.day.desc()).limit(newest)
    return [Day(*found) for found in connection.execute(query)][::-1]


def close_days(connection: Connection, community_id: str, zone: tzinfo, now: datetime) -> list[Day]:
    """Close every calendar day of ``zone`` that is over and return those that were still open.

    The chain begins with the day of the first entry; days without entries are in it too.
    """
    last = closed_days(connection, community_id, newest=1)
    if last:
        name, starts_at, previous = date.fromisoformat(last[0].day) + timedelta(1), last[0].ends_at, last[0].hash
    else:
        first = _first_booked(connection, community_id)
        if first is None:
            return []
        name, previous = first.astimezone(zone).date(), ""
        starts_at = _midnight(name, zone)
    closed = []
    while (ends_at := _midnight(name + timedelta(1), zone)) <= now:
        found = _recompute(connection, community_id, name.isoformat(), starts_at, ends_at, previous)
        values = {field: getattr(found, field) for field in Day.__slots__}
        connection.execute(insert(tables.day).values(community_id=community_id, closed_at=now, **values))
        closed.append(found)
        name, starts_at, previous = name + timedelta(1), ends_at, found.hash
    return closed


def verify_days(connection: Connection, community_id: str) -> list[str]:
    """Recompute every closed day from its entries; return the first lie found, in words, or nothing.

    All days after a lie rest on it, so only the first is told. Whoever can write the file can also compute a
    new chain: compare a hash that was noted elsewhere to find that.
    """
    before: Day | None = None
    for kept in closed_days(connection, community_id):
        lie = _lie(connection, community_id, kept, before)
        if lie is not None:
            return [f"{kept.day}: {lie}"]
        before = kept
    return []


def _lie(connection: Connection, community_id: str, kept: Day, before: Day | None) -> str | None:
    if before is None:
        first = _first_booked(connection, community_id)
        if first is not None and first < kept.starts_at:
            return "an entry is dated before this first day"
    elif kept.starts_at != before.ends_at:
        return f"it begins at {kept.starts_at.isoformat()}, but {before.day} ended at {before.ends_at.isoformat()}"
    found = _recompute(
        connection, community_id, kept.day, kept.starts_at, kept.ends_at, "" if before is None else before.hash
    )
    if found.entries != kept.entries:
        return f"it was closed with {kept.entries} entries and now has {found.entries}"
    if found != kept:
        return f"its entries hash to {found.hash}, it was closed with {kept.hash}: an entry was changed"
    return None


def _recompute(
    connection: Connection, community_id: str, day: str, starts_at: datetime, ends_at: datetime, previous: str
) -> Day:
    entry, posting = tables.entry.c, tables.posting.c
    in_day = (entry.community_id == community_id, entry.booked_at >= starts_at, entry.booked_at < ends_at)
    legs: dict[int, list[list[Any]]] = defaultdict(list)
    for entry_id, leg, account, amount in connection.execute(
        select(posting.entry_id, posting.leg, posting.account, posting.amount)
        .join(tables.entry, entry.id == posting.entry_id)
        .where(*in_day, posting.community_id == community_id)
        .order_by(posting.entry_id, posting.leg)
    ):
        legs[entry_id].append([leg, account, amount])
    # As stored, not as times: what somebody made of the column must change the hash, not end the check.
    at, booked_at = type_coerce(entry.at, BigInteger), type_coerce(entry.booked_at, BigInteger)
    rows = connection.execute(
        select(entry.id, entry.source, entry.external_id, at, booked_at, entry.text, entry.corrects_entry_id)
        .where(*in_day)
        .order_by(entry.id)
    ).all()
    digest = hashlib.sha256()
    digest.update(_line([_FORMAT, community_id, day, _microseconds(starts_at), _microseconds(ends_at), previous]))
    for row in rows:
        digest.update(_line([*row, legs[row[0]]]))
    first, last = (rows[0][0], rows[-1][0]) if rows else (None, None)
    return Day(day, starts_at, ends_at, len(rows), first, last, digest.hexdigest())


def _first_booked(connection: Connection, community_id: str) -> datetime | None:
    query = select(func.min(tables.entry.c.booked_at)).where(tables.entry.c.community_id == community_id)
    found: datetime | None = connection.execute(query).scalar()
    return found


def _line(values: list[Any]) -> bytes:
    return (json.dumps(values, separators=(",", ":"), default=repr) + "\n").encode()


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
