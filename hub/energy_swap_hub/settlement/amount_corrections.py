"""A payment whose amount M-Pesa's statement tells otherwise than the books: put right by an entry of its own.

Nothing comes into being: what the statement shows, counts, and a payment that it does not show is taken back.
"""

from datetime import datetime
from typing import Final

from energy_swap_protocol.units import CENTS_PER_KES
from sqlalchemy import Connection, func, select

from energy_swap_hub import ledger
from energy_swap_hub.ledger import SUSPENSE, TRUST_CASH, Entry, Posting
from energy_swap_hub.ledger.tables import entry, posting
from energy_swap_hub.mpesa import receipts
from energy_swap_hub.mpesa.receipts import Receipt
from energy_swap_hub.mpesa.reports import line_of
from energy_swap_hub.mpesa.tables import PAID, payout

# Owed to the community: M-Pesa took money back, or gave it twice, after it was spent.
RECEIVABLE: Final = "reversal_receivable"
_SOURCE: Final = "mpesa_amount"


def corrected_cents(connection: Connection, community_id: str, receipt: str) -> int:
    """Return by how many cents a payment's amount in the ledger was put right so far; money in is positive."""
    query = (
        select(func.sum(posting.c.amount))
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(
            entry.c.community_id == community_id,
            entry.c.source == _SOURCE,
            entry.c.external_id >= f"{receipt}:",
            entry.c.external_id < f"{receipt};",  # the sign after the colon
            posting.c.account == TRUST_CASH,
        )
    )
    return -int(connection.execute(query).scalar() or 0)


def received_cents(connection: Connection, community_id: str, received: Receipt) -> int:
    """Return what the books have of a payment in: its whole KES, and the cents that a correction brought."""
    return (
        received.kes * CENTS_PER_KES + corrected_cents(connection, community_id, received.receipt) % CENTS_PER_KES
    )


def lacking_cents(connection: Connection, community_id: str, receipt: str) -> int | None:
    """Return what M-Pesa's statement has more for a receipt than the books; None: it is in neither."""
    booked = _booked(connection, community_id, receipt)
    listed = line_of(connection, receipt, "in") or line_of(connection, receipt, "out")
    if booked is None and listed is None:
        return None
    return (0 if listed is None else listed.cents) - (0 if booked is None else booked[1])


def book_amount(connection: Connection, community_id: str, receipt: str, now: datetime) -> str:
    """Put the amount of a payment right, as `lacking_cents` has it, and return what was done, in words."""
    lacking = lacking_cents(connection, community_id, receipt)
    assert lacking, "it differs"
    booked = _booked(connection, community_id, receipt)
    if booked is None:  # cents, which no payment of ours has: the community keeps them until a person gives them
        postings = [Posting(SUSPENSE, lacking), Posting(TRUST_CASH, -lacking)]
        text = "paid with cents: waits for its owner"
        ledger.post(connection, community_id, Entry("mpesa", receipt, now, text, postings))
        return f"KES {lacking / CENTS_PER_KES:,.2f} of payment {receipt} are in suspense"
    owner, _ = booked
    listed = line_of(connection, receipt, "in") or line_of(connection, receipt, "out")
    text = f"the amount of payment {receipt}, as M-Pesa's statement has it"
    if listed is None:
        text = f"payment {receipt} is not on M-Pesa's statement"
    if (came := receipts.find(connection, receipt)) is not None:
        whole = (received_cents(connection, community_id, came) + lacking) // CENTS_PER_KES
        receipts.set_amount(connection, receipt, whole)
    number = 1 + _count(connection, community_id, receipt)
    correction = Entry(_SOURCE, f"{receipt}:{number}", now, text, ())
    if lacking < 0:
        book_loss(connection, community_id, owner, -lacking, correction)
    else:
        account = SUSPENSE if owner is None else ledger.kes(owner)
        postings = [Posting(account, lacking), Posting(TRUST_CASH, -lacking)]
        ledger.post(connection, community_id, Entry(_SOURCE, correction.external_id, now, text, postings))
    return f"KES {lacking / CENTS_PER_KES:+,.2f} booked for payment {receipt}"


def book_loss(
    connection: Connection, community_id: str, household_id: str | None, cents: int, correction: Entry
) -> None:
    """Book money that left M-Pesa: the household's as far as it has it, the rest it owes; else suspense."""
    if household_id is None:
        parts = [Posting(SUSPENSE, -cents)]
    else:
        account = ledger.kes(household_id)
        taken = min(cents, ledger.balance(connection, community_id, account))
        parts = [Posting(account, -taken), Posting(RECEIVABLE, taken - cents)]
    postings = [*parts, Posting(TRUST_CASH, cents)]
    new = Entry(correction.source, correction.external_id, correction.at, correction.text, postings)
    ledger.post(connection, community_id, new)


def _booked(connection: Connection, community_id: str, receipt: str) -> tuple[str | None, int] | None:
    """Return whose a payment is and its cents in the books (out is negative); None: it is in no book."""
    corrected = corrected_cents(connection, community_id, receipt)
    came = receipts.find(connection, receipt)
    if came is not None:
        return came.household_id, received_cents(connection, community_id, came)
    row = payout.c
    went = connection.execute(
        select(row.household_id, row.kes).where(
            row.community_id == community_id, row.receipt == receipt, row.state == PAID
        )
    ).first()
    if went is not None:
        return went.household_id, -int(went.kes) * CENTS_PER_KES + corrected
    in_suspense = -ledger.posted(connection, community_id, "mpesa", receipt, TRUST_CASH)
    return (None, in_suspense + corrected) if in_suspense else None


def _count(connection: Connection, community_id: str, receipt: str) -> int:
    row = entry.c
    query = select(func.count()).where(
        row.community_id == community_id,
        row.source == _SOURCE,
        row.external_id >= f"{receipt}:",
        row.external_id < f"{receipt};",
    )
    return connection.execute(query).scalar_one()
