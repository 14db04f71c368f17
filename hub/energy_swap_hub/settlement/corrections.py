"""What a person may correct: money between a household's wallet and the community's fees or its suspense."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from energy_swap_hub import ledger
from energy_swap_hub.ledger import FEES, SUSPENSE, Correction, Overdrawn, Posting
from energy_swap_hub.membership import households
from energy_swap_hub.membership.households import record_audit

from .words import kes

_OURS: Final = (FEES, SUSPENSE)


@dataclass(frozen=True, slots=True)
class Transfer:
    """``cents`` from one account to another; ``id`` is the person's name for this decision and counts once."""

    id: str
    account_from: str
    account_to: str
    cents: int
    reason: str
    corrects: int | None = None


def book_correction(
    connection: Connection, community_id: str, transfer: Transfer, *, who: str, now: datetime
) -> bool:
    """Book a correction with its audit; return False, changing nothing, when it was booked before.

    Raises `ValueError` for other accounts or for an id that was used for something else, `LookupError` for an
    unknown household or entry, `Overdrawn` when there is less than is taken.
    """
    _check_accounts(connection, community_id, transfer)
    known = [
        ledger.posted(connection, community_id, "correction", transfer.id, account)
        for account in (transfer.account_from, transfer.account_to)
    ]
    if known == [-transfer.cents, transfer.cents]:
        return False
    if transfer.account_from == SUSPENSE and ledger.balance(connection, community_id, SUSPENSE) < transfer.cents:
        raise Overdrawn(f"suspense holds less than {kes(transfer.cents)}")
    postings = (Posting(transfer.account_from, -transfer.cents), Posting(transfer.account_to, transfer.cents))
    correction = Correction(transfer.id, postings, transfer.reason, who, transfer.corrects)
    if not ledger.correct(connection, community_id, correction, now=now):
        raise ValueError(f"the id {transfer.id} was used for another correction; make a new one")
    what = f"corrected the books, {kes(transfer.cents)} from {transfer.account_from} to {transfer.account_to}"
    record_audit(
        connection,
        community_id,
        who=who,
        what=f"{what}: {transfer.reason.strip()}",
        subject=transfer.id,
        now=now,
    )
    return True


def _check_accounts(connection: Connection, community_id: str, transfer: Transfer) -> None:
    pair = (transfer.account_from, transfer.account_to)
    theirs = [account for account in pair if account not in _OURS]
    household_id, _, name = theirs[0].partition(":") if theirs else ("", "", "")
    if len(theirs) != 1 or name != "kes":
        raise ValueError("a correction goes between a household's account, like h-001:kes, and fees or suspense")
    households.by_id(connection, community_id, household_id)
