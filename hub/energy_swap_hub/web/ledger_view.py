"""What the console shows of the ledger: entries, the trial balance, and whether it is sound."""

from typing import cast

import msgspec
from sqlalchemy import Connection, select

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import BURNED, FUND, MINTED, TRUST_CASH
from energy_swap_hub.ledger.tables import entry, posting
from energy_swap_hub.settlement.rewards import last_rewards

from .answers import (
    AccountBalance,
    AccountMove,
    AccountMoves,
    Entries,
    EntryRow,
    Fund,
    LedgerHealth,
    Leg,
    Policy,
    RewardDay,
    TrialBalance,
)
from .paging import Page, rows_of


def entries(connection: Connection, community_id: str, page: Page) -> Entries:
    """Return a page of the ledger: entries with their postings, newest first."""
    found, total = rows_of(connection, select(entry).where(entry.c.community_id == community_id), entry.c.id, page)
    legs: dict[int, list[Leg]] = {row["id"]: [] for row in found}
    for leg in connection.execute(
        select(posting.c.entry_id, posting.c.account, posting.c.amount)
        .where(posting.c.entry_id.in_(legs))
        .order_by(posting.c.entry_id, posting.c.leg)
    ):
        legs[leg[0]].append({"account": leg[1], "currency": ledger.currency_of(leg[1]), "amount": leg[2]})
    rows: list[EntryRow] = [
        {
            "id": row["id"],
            "at": int(row["at"].timestamp()),
            "source": row["source"],
            "external_id": row["external_id"],
            "text": row["text"],
            "booked_at": int(row["booked_at"].timestamp()),
            "corrects": row["corrects_entry_id"],
            "postings": legs[row["id"]],
        }
        for row in found
    ]
    return {"entries": rows, "next": page.following([row["id"] for row in rows]), "total": total}


def account_moves(connection: Connection, community_id: str, account: str, page: Page) -> AccountMoves:
    """Return a page of what moved an account, newest first, each with the balance after it.

    Raises `LookupError` for an account that nothing ever moved.
    """
    query = ledger.moves_query(community_id, account)
    found, total = rows_of(connection, query, posting.c.entry_id, page)
    if not found and connection.execute(query.limit(1)).first() is None:
        raise LookupError(f"nothing ever moved an account {account}; the trial balance lists all that there are")
    moves = ledger.moves(connection, community_id, account, {row["entry_id"]: int(row["amount"]) for row in found})
    rows: list[AccountMove] = [
        {
            "id": one.entry_id,
            "at": int(one.at.timestamp()),
            "booked_at": int(one.booked_at.timestamp()),
            "source": one.source,
            "external_id": one.external_id,
            "text": one.text,
            "amount": one.amount,
            "balance": one.balance,
        }
        for one in moves
    ]
    following = page.following([row["id"] for row in rows])
    return {
        "account": account,
        "currency": ledger.currency_of(account),
        "moves": rows,
        "next": following,
        "total": total,
    }


def trial_balance(connection: Connection, community_id: str) -> TrialBalance:
    """Return every account with its balance, summed from the postings and compared with what is kept."""
    proven = ledger.trial_balance(connection, community_id)
    kept = {account: total for account, total in ledger.balances(connection, community_id).items() if total}
    accounts: list[AccountBalance] = [
        {"account": account, "currency": ledger.currency_of(account), "balance": total}
        for account, total in proven.items()
    ]
    is_proven = kept == {account: total for account, total in proven.items() if total}
    return {"accounts": accounts, "is_balanced": is_proven and ledger_health(proven)["is_balanced"]}


def fund(connection: Connection, community: CommunityConfig) -> Fund:
    """Return what the community's fund holds, by which policy it pays, and the last 14 days with rewards."""
    return {
        "fund_cents": ledger.balance(connection, community.id, FUND),
        "policy": None if community.rewards is None else cast("Policy", msgspec.structs.asdict(community.rewards)),
        "rewards": cast("list[RewardDay]", last_rewards(connection, community.id, newest=14)),
    }


def ledger_health(balances: dict[str, int]) -> LedgerHealth:
    """Return cash in trust, what is owed, tokens outstanding, and whether everything sums to zero."""
    sums = {"KES": 0, "eKWh": 0}
    for account, total in balances.items():
        sums[ledger.currency_of(account)] += total
    cash = -balances.get(TRUST_CASH, 0)
    return {
        "trust_cash_cents": cash,
        "owed_cents": sums["KES"] + cash,
        "ekwh_outstanding_wh": -balances.get(MINTED, 0) - balances.get(BURNED, 0),
        "is_balanced": not any(sums.values()),
    }
