"""Read balances, and book one thing at once through a journal of its own; all on a caller's connection."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from energy_swap_hub.storage import Lookup, is_in

from . import tables
from .entries import Entry, Posting
from .journal import Journal
from .tables import BURNED, MINTED, ekwh, ekwh_held, kes, kes_held

_FREE_AND_HELD: Final = {"kes_cents": kes, "kes_held_cents": kes_held, "ekwh_wh": ekwh, "ekwh_held_wh": ekwh_held}

# What is asked with every order and every look at a household: each statement is made once.
_BALANCE: Final = Lookup(
    select(tables.account_balance.c.balance).where(
        tables.account_balance.c.community_id == bindparam("community_id"),
        tables.account_balance.c.account == bindparam("account"),
    )
)
_BALANCES: Final = Lookup(
    select(tables.account_balance.c.account, tables.account_balance.c.balance)
    .where(tables.account_balance.c.community_id == bindparam("community_id"))
    .order_by(tables.account_balance.c.account)
)
_WALLETS: Final = Lookup(
    select(tables.account_balance.c.account, tables.account_balance.c.balance).where(
        tables.account_balance.c.community_id == bindparam("community_id"),
        is_in(tables.account_balance.c.account, "accounts"),
    )
)
_POSTED: Final = Lookup(
    select(func.sum(tables.posting.c.amount))
    .join(tables.entry, tables.entry.c.id == tables.posting.c.entry_id)
    .where(
        tables.entry.c.community_id == bindparam("community_id"),
        tables.entry.c.source == bindparam("source"),
        tables.entry.c.external_id == bindparam("external_id"),
        tables.posting.c.account == bindparam("account"),
    )
)


def post(connection: Connection, community_id: str, entry: Entry) -> bool:
    """Append ``entry`` as `Journal.post` does, at once."""
    journal = Journal(connection, community_id)
    is_new = journal.post(entry)
    journal.write()
    return is_new


def balance(connection: Connection, community_id: str, account: str) -> int:
    """Return the balance of one account in cents or Wh; 0 when it was never used."""
    return _BALANCE.scalar(connection, community_id=community_id, account=account) or 0


def posted(connection: Connection, community_id: str, source: str, external_id: str, account: str) -> int:
    """Return what one entry put on one account; 0 when there is no such entry."""
    what = {"source": source, "external_id": external_id, "account": account}
    return int(_POSTED.scalar(connection, community_id=community_id, **what) or 0)


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
    return wallets(connection, community_id, (household_id,))[household_id]


def wallets(
    connection: Connection, community_id: str, household_ids: Collection[str]
) -> dict[str, dict[str, int]]:
    """Return what `wallet` returns of each of some households."""
    accounts = [account(household) for household in household_ids for account in _FREE_AND_HELD.values()]
    found: dict[str, int] = dict(_WALLETS.all(connection, community_id=community_id, accounts=accounts))
    return {household: wallet_in(found, household) for household in household_ids}


def wallet_in(balances: Mapping[str, int], household_id: str) -> dict[str, int]:
    """Return what `wallet` returns, from the balances of all accounts."""
    return {name: balances.get(account(household_id), 0) for name, account in _FREE_AND_HELD.items()}


def balances(connection: Connection, community_id: str) -> dict[str, int]:
    """Return every account's balance as it is kept; `trial_balance` proves it from the postings."""
    return {account: int(total) for account, total in _BALANCES.all(connection, community_id=community_id)}


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
    """Reserve ``amount`` as `Journal.hold` does, at once."""
    journal = Journal(connection, community_id)
    journal.hold(hold_id, account, amount, at=at, text=text)
    journal.write()


def hold_remaining(connection: Connection, community_id: str, hold_id: str) -> int:
    """Return what a hold still reserves; 0 when it is closed or unknown."""
    return Journal(connection, community_id).hold_remaining(hold_id)


def spend_hold(connection: Connection, community_id: str, hold_id: str, amount: int) -> Posting:
    """Take ``amount`` out of an open hold as `Journal.spend_hold` does, at once."""
    journal = Journal(connection, community_id)
    posting = journal.spend_hold(hold_id, amount)
    journal.write()
    return posting


def close_hold(connection: Connection, community_id: str, hold_id: str, *, at: datetime, text: str) -> int:
    """Give back what a hold still reserves as `Journal.close_hold` does, at once."""
    journal = Journal(connection, community_id)
    given_back = journal.close_hold(hold_id, at=at, text=text)
    journal.write()
    return given_back
