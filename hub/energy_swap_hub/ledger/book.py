"""Post balanced entries, read balances, reserve and spend holds; all on a caller's connection."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from . import tables
from .days import open_since
from .tables import BURNED, MINTED, currency_of, ekwh, ekwh_held, kes, kes_held


class Overdrawn(ValueError):  # noqa: N818
    """A household does not have what an entry would take; nothing was posted."""


@dataclass(frozen=True, slots=True)
class Posting:
    """A signed amount on one account: cents or Wh, as the account counts."""

    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A set of postings that sums to zero in each currency; (source, external_id) is used once for ever.

    ``at`` is when it happened and ``booked_at`` when it enters the books (None: at the same time). ``corrects``
    is the id of an earlier entry that this one puts right.
    """

    source: str
    external_id: str
    at: datetime
    text: str
    postings: Sequence[Posting]
    booked_at: datetime | None = None
    corrects: int | None = None


def post(connection: Connection, community_id: str, entry: Entry) -> bool:
    """Append ``entry``; return False, changing nothing, when its (source, external_id) was posted before.

    What comes with a time inside a closed day is booked at the beginning of the open one: money that is there
    is never refused for being late, and a closed day never changes.
    Raises `Overdrawn` when a household account would fall below zero and `ValueError` when it does not balance.
    """
    net = _net(entry.postings)
    known = select(tables.entry.c.id).where(
        tables.entry.c.community_id == community_id,
        tables.entry.c.source == entry.source,
        tables.entry.c.external_id == entry.external_id,
    )
    if connection.execute(known).first() is not None:
        return False
    with connection.begin_nested():  # a refusal that the caller catches leaves no half of an entry behind
        _append(connection, community_id, entry, net)
    return True


def _append(connection: Connection, community_id: str, entry: Entry, net: dict[str, int]) -> None:
    added = insert(tables.entry).values(
        community_id=community_id,
        source=entry.source,
        external_id=entry.external_id,
        at=entry.at,
        booked_at=_booked_at(connection, community_id, entry),
        text=entry.text,
        corrects_entry_id=entry.corrects,
    )
    entry_id = connection.execute(added.returning(tables.entry.c.id)).scalar_one()
    rows = [
        {"entry_id": entry_id, "leg": leg, "community_id": community_id, "account": p.account, "amount": p.amount}
        for leg, p in enumerate(p for p in entry.postings if p.amount)
    ]
    if rows:
        connection.execute(insert(tables.posting), rows)
    for account in sorted(net):
        _add(connection, community_id, account, net[account])


def _booked_at(connection: Connection, community_id: str, entry: Entry) -> datetime:
    wanted = entry.booked_at or entry.at
    closed_until = open_since(connection, community_id)
    return wanted if closed_until is None else max(wanted, closed_until)


def _net(postings: Iterable[Posting]) -> dict[str, int]:
    net: dict[str, int] = defaultdict(int)
    sums: dict[str, int] = defaultdict(int)
    for p in postings:
        net[p.account] += p.amount
        sums[currency_of(p.account)] += p.amount
    if any(sums.values()):
        raise ValueError(f"an entry must sum to zero, this one leaves {dict(sums)}")
    return {account: amount for account, amount in net.items() if amount}


def _add(connection: Connection, community_id: str, account: str, amount: int) -> None:
    row = tables.account_balance
    takes = amount < 0 and ":" in account
    change = update(row).where(row.c.community_id == community_id, row.c.account == account)
    if takes:
        change = change.where(row.c.balance >= -amount)
    if connection.execute(change.values(balance=row.c.balance + amount)).rowcount:
        return
    if takes:
        have = balance(connection, community_id, account)
        raise Overdrawn(f"{account} holds {have} {_unit(account)}, {-amount} are needed")
    connection.execute(insert(row).values(community_id=community_id, account=account, balance=amount))


def _unit(account: str) -> str:
    return "cents" if currency_of(account) == "KES" else "Wh"


def balance(connection: Connection, community_id: str, account: str) -> int:
    """Return the balance of one account in cents or Wh; 0 when it was never used."""
    row = tables.account_balance
    query = select(row.c.balance).where(row.c.community_id == community_id, row.c.account == account)
    return connection.execute(query).scalar() or 0


def posted(connection: Connection, community_id: str, source: str, external_id: str, account: str) -> int:
    """Return what one entry put on one account; 0 when there is no such entry."""
    query = (
        select(func.sum(tables.posting.c.amount))
        .join(tables.entry, tables.entry.c.id == tables.posting.c.entry_id)
        .where(
            tables.entry.c.community_id == community_id,
            tables.entry.c.source == source,
            tables.entry.c.external_id == external_id,
            tables.posting.c.account == account,
        )
    )
    return int(connection.execute(query).scalar() or 0)


def posted_by(connection: Connection, community_id: str, account: str, sources: Collection[str]) -> int:
    """Return the sum that entries of these sources put on one account."""
    query = (
        select(func.sum(tables.posting.c.amount))
        .join(tables.entry, tables.entry.c.id == tables.posting.c.entry_id)
        .where(
            tables.posting.c.community_id == community_id,
            tables.posting.c.account == account,
            tables.entry.c.source.in_(sources),
        )
    )
    return int(connection.execute(query).scalar() or 0)


def wallet(connection: Connection, community_id: str, household_id: str) -> dict[str, int]:
    """Return a household's free and held money (cents) and tokens (Wh)."""
    return {
        "kes_cents": balance(connection, community_id, kes(household_id)),
        "kes_held_cents": balance(connection, community_id, kes_held(household_id)),
        "ekwh_wh": balance(connection, community_id, ekwh(household_id)),
        "ekwh_held_wh": balance(connection, community_id, ekwh_held(household_id)),
    }


def balances(connection: Connection, community_id: str) -> dict[str, int]:
    """Return every account's balance as it is kept; `trial_balance` proves it from the postings."""
    row = tables.account_balance.c
    query = select(row.account, row.balance).where(row.community_id == community_id).order_by(row.account)
    return {account: int(total) for account, total in connection.execute(query)}


def trial_balance(connection: Connection, community_id: str) -> dict[str, int]:
    """Return every account's balance, summed from the postings themselves."""
    row = tables.posting
    query = (
        select(row.c.account, func.sum(row.c.amount))
        .where(row.c.community_id == community_id)
        .group_by(row.c.account)
        .order_by(row.c.account)
    )
    return {account: int(total) for account, total in connection.execute(query)}


def ekwh_outstanding(connection: Connection, community_id: str) -> int:
    """Return the Wh minted and not burned, as the ledger knows them."""
    return -balance(connection, community_id, MINTED) - balance(connection, community_id, BURNED)


def hold(
    connection: Connection, community_id: str, hold_id: str, account: str, amount: int, *, at: datetime, text: str
) -> None:
    """Reserve ``amount`` of a household's free account; raises `Overdrawn` when it has less.

    A hold is opened once: the same ``hold_id`` again is a `ValueError`, as is an amount below zero.
    """
    if amount < 0:
        raise ValueError(f"a hold reserves something, not {amount}")
    postings = [Posting(account, -amount), Posting(f"{account}_held", amount)]
    if not post(connection, community_id, Entry("hold", hold_id, at, text, postings)):
        raise ValueError(f"hold {hold_id} exists")
    connection.execute(
        insert(tables.hold).values(
            community_id=community_id, id=hold_id, account=account, remaining=amount, is_open=1
        )
    )


def hold_remaining(connection: Connection, community_id: str, hold_id: str) -> int:
    """Return what a hold still reserves; 0 when it is closed or unknown."""
    row = _hold_row(connection, community_id, hold_id)
    return row[1] if row is not None and row[2] else 0


def spend_hold(connection: Connection, community_id: str, hold_id: str, amount: int) -> Posting:
    """Take ``amount`` out of an open hold and return the posting that the caller's entry must carry.

    Raises `Overdrawn` when the hold reserves less or is closed, and `ValueError` for an amount below zero.
    """
    if amount < 0:
        raise ValueError(f"a hold is spent, not filled: {amount}")
    row = _hold_row(connection, community_id, hold_id)
    if row is None or not row[2] or row[1] < amount:
        raise Overdrawn(f"hold {hold_id} does not reserve {amount}")
    _set_hold(connection, community_id, hold_id, row[1] - amount, is_open=True)
    return Posting(f"{row[0]}_held", -amount)


def close_hold(connection: Connection, community_id: str, hold_id: str, *, at: datetime, text: str) -> int:
    """Give back what a hold still reserves and close it for ever; return the amount. Closed ones give 0."""
    row = _hold_row(connection, community_id, hold_id)
    if row is None or not row[2]:
        return 0
    account, remaining, _ = row
    _set_hold(connection, community_id, hold_id, 0, is_open=False)
    if remaining:
        postings = [Posting(f"{account}_held", -remaining), Posting(account, remaining)]
        post(connection, community_id, Entry("release_hold", hold_id, at, text, postings))
    return remaining


def _hold_row(connection: Connection, community_id: str, hold_id: str) -> tuple[str, int, int] | None:
    row = tables.hold
    query = select(row.c.account, row.c.remaining, row.c.is_open).where(
        row.c.community_id == community_id, row.c.id == hold_id
    )
    found = connection.execute(query).first()
    return None if found is None else (found[0], found[1], found[2])


def _set_hold(connection: Connection, community_id: str, hold_id: str, remaining: int, *, is_open: bool) -> None:
    row = tables.hold
    connection.execute(
        update(row)
        .where(row.c.community_id == community_id, row.c.id == hold_id)
        .values(remaining=remaining, is_open=int(is_open))
    )
