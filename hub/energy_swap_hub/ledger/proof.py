"""The whole ledger recomputed from its postings: the first thing that is not true is told."""

from collections import defaultdict
from itertools import groupby

from sqlalchemy import Connection, func, select

from . import tables
from .book import balances, trial_balance
from .days import verify_days
from .tables import currency_of


def first_lie(connection: Connection, community_id: str) -> str | None:
    """Return in words the first of the ledger's standing rules that is broken; None when it is sound."""
    lies = verify_days(connection, community_id)
    if lies:
        return lies[0]
    return (
        _unbalanced_entry(connection, community_id)
        or _wrong_balance(connection, community_id)
        or _wrong_hold(connection, community_id)
    )


def sums(totals: dict[str, int]) -> dict[str, int]:
    """Return what all accounts together hold per currency; zero each, when the books are right."""
    by_currency = {"KES": 0, "eKWh": 0}
    for account, total in totals.items():
        by_currency[currency_of(account)] += total
    return by_currency


def _unbalanced_entry(connection: Connection, community_id: str) -> str | None:
    row = tables.posting.c
    query = (
        select(row.entry_id, row.account, row.amount)
        .where(row.community_id == community_id)
        .order_by(row.entry_id, row.leg)
    )
    for entry_id, legs in groupby(connection.execute(query), key=lambda leg: leg[0]):
        left: dict[str, int] = defaultdict(int)
        for _, account, amount in legs:
            left[currency_of(account)] += amount
        if any(left.values()):
            return f"entry {entry_id} does not sum to zero: {dict(left)}"
    return None


def _wrong_balance(connection: Connection, community_id: str) -> str | None:
    proven, kept = trial_balance(connection, community_id), balances(connection, community_id)
    for account in sorted(proven.keys() | kept.keys()):
        summed, stored = proven.get(account, 0), kept.get(account, 0)
        if summed != stored:
            return f"{account}: its postings sum to {summed}, its balance is kept as {stored}"
        if summed < 0 and ":" in account:
            return f"{account} is below zero: {summed}"
    return None


def _wrong_hold(connection: Connection, community_id: str) -> str | None:
    row = tables.hold.c
    query = select(row.account, func.sum(row.remaining)).where(row.community_id == community_id)
    reserved = {
        f"{account}_held": int(total) for account, total in connection.execute(query.group_by(row.account))
    }
    held = {a: total for a, total in trial_balance(connection, community_id).items() if a.endswith("_held")}
    for account in sorted(reserved.keys() | held.keys()):
        if reserved.get(account, 0) != held.get(account, 0):
            return f"{account} holds {held.get(account, 0)}, its open holds reserve {reserved.get(account, 0)}"
    return None
