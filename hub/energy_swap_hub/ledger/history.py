"""What touched one household's wallet, and what the wallet held at any time, both from the postings."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from energy_swap_hub.storage import is_among

from . import tables
from .tables import ekwh, ekwh_held, kes, kes_held


@dataclass(frozen=True, slots=True)
class Touch:
    """An entry with what it did to a household's wallet, by the wallet's fields: cents or Wh, zeros included."""

    entry_id: int
    source: str
    external_id: str
    at: datetime
    booked_at: datetime
    text: str
    change: dict[str, int]


def wallet_before(connection: Connection, community_id: str, household_id: str, time: datetime) -> dict[str, int]:
    """Return a household's wallet, as `wallet` does, from all that was booked before ``time``."""
    fields = _fields(household_id)
    query = (
        select(tables.posting.c.account, func.sum(tables.posting.c.amount))
        .join(tables.entry, tables.entry.c.id == tables.posting.c.entry_id)
        .where(
            tables.posting.c.community_id == community_id,
            tables.posting.c.account.in_(fields),
            tables.entry.c.booked_at < time,
        )
        .group_by(tables.posting.c.account)
    )
    held = dict.fromkeys(fields.values(), 0)
    return held | {fields[account]: int(total) for account, total in connection.execute(query)}


def touches(
    connection: Connection,
    community_id: str,
    household_id: str,
    since: datetime,
    until: datetime,
    *,
    also: Mapping[str, Collection[str]] | None = None,
) -> list[Touch]:
    """Return the entries booked in ``[since, until)`` that touched a household's wallet, as posted.

    ``also``, external ids by source, are about the household though they moved nothing of its wallet.
    """
    fields = _fields(household_id)
    row = tables.entry.c
    query = (
        select(row.id, row.source, row.external_id, row.at, row.booked_at, row.text)
        .add_columns(tables.posting.c.account, tables.posting.c.amount)
        .join(tables.posting, row.id == tables.posting.c.entry_id)
        .where(
            tables.posting.c.community_id == community_id,
            tables.posting.c.account.in_(fields),
            row.booked_at >= since,
            row.booked_at < until,
        )
        .order_by(row.id, tables.posting.c.leg)
    )
    found: dict[int, Touch] = {}
    for entry_id, source, external_id, at, booked_at, text, account, amount in connection.execute(query):
        if entry_id not in found:
            nothing = dict.fromkeys(fields.values(), 0)
            found[entry_id] = Touch(entry_id, source, external_id, at, booked_at, text, nothing)
        touch = found[entry_id]
        touch.change[fields[account]] += amount
    for source, names in (also or {}).items():
        query = select(row.id, row.external_id, row.at, row.booked_at, row.text).where(
            row.community_id == community_id,
            row.source == source,
            is_among(connection, row.external_id, names),
            row.booked_at >= since,
            row.booked_at < until,
        )
        for entry_id, external_id, at, booked_at, text in connection.execute(query):
            nothing = dict.fromkeys(fields.values(), 0)
            found.setdefault(entry_id, Touch(entry_id, source, external_id, at, booked_at, text, nothing))
    return [found[entry_id] for entry_id in sorted(found)]


@dataclass(frozen=True, slots=True)
class Leg:
    """One posting with its entry; an entry that moved nothing has one leg without account."""

    entry_id: int
    at: datetime
    booked_at: datetime
    source: str
    external_id: str
    text: str
    corrects: int | None
    account: str | None
    amount: int | None


def legs(connection: Connection, community_id: str, *, after: int, entries: int) -> Iterator[Leg]:
    """Yield the postings of at most ``entries`` entries with an id above ``after``, in the order of posting."""
    row = tables.entry.c
    wanted = (
        select(row.id)
        .where(row.community_id == community_id, row.id > after)
        .order_by(row.id)
        .limit(entries)
        .subquery()
    )
    query = (
        select(row.id, row.at, row.booked_at, row.source, row.external_id, row.text, row.corrects_entry_id)
        .add_columns(tables.posting.c.account, tables.posting.c.amount)
        .join(wanted, wanted.c.id == row.id)
        .join(tables.posting, tables.posting.c.entry_id == row.id, isouter=True)
        .order_by(row.id, tables.posting.c.leg)
    )
    for found in connection.execute(query):
        yield Leg(*found)


@dataclass(frozen=True, slots=True)
class Move:
    """What an entry did to one account, and what it held then: cents or Wh."""

    entry_id: int
    at: datetime
    booked_at: datetime
    source: str
    external_id: str
    text: str
    amount: int
    balance: int


def moves_query(community_id: str, account: str) -> Select[Any]:
    """Return the query for the ids of the entries that moved an account, each with its ``amount``."""
    row = tables.posting.c
    query = select(row.entry_id, func.sum(row.amount).label("amount"))
    return query.where(row.community_id == community_id, row.account == account).group_by(row.entry_id)


def moves(connection: Connection, community_id: str, account: str, amounts: Mapping[int, int]) -> list[Move]:
    """Return what entries did to an account, the newest first; ``amounts`` are by entry, without gaps between."""
    if not amounts:
        return []
    held, row = tables.posting.c, tables.entry.c
    total = select(func.sum(held.amount)).where(
        held.community_id == community_id, held.account == account, held.entry_id <= max(amounts)
    )
    balance = int(connection.execute(total).scalar_one())
    query = select(row.id, row.at, row.booked_at, row.source, row.external_id, row.text)
    found = []
    for entry in connection.execute(
        query.where(is_among(connection, row.id, list(amounts))).order_by(row.id.desc())
    ):
        found.append(
            Move(
                entry_id=entry.id,
                at=entry.at,
                booked_at=entry.booked_at,
                source=entry.source,
                external_id=entry.external_id,
                text=entry.text,
                amount=amounts[entry.id],
                balance=balance,
            )
        )
        balance -= amounts[entry.id]
    return found


def _fields(household_id: str) -> dict[str, str]:
    """Return the accounts of a household and what `wallet` calls them."""
    return {
        kes(household_id): "kes_cents",
        kes_held(household_id): "kes_held_cents",
        ekwh(household_id): "ekwh_wh",
        ekwh_held(household_id): "ekwh_held_wh",
    }
