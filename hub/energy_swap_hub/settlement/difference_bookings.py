"""What a person has booked of M-Pesa's statement that the books do not have: each once, by its receipt."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from energy_swap_protocol.units import CENTS_PER_KES
from sqlalchemy import Connection, select

from energy_swap_hub import ledger
from energy_swap_hub.ledger import FEES, TRUST_CASH, Entry, Posting
from energy_swap_hub.mpesa import payouts, receipts, reversals
from energy_swap_hub.mpesa.reports import line_of
from energy_swap_hub.mpesa.tables import payout

from .amount_corrections import book_amount, book_loss, lacking_cents
from .reconciliation import booked_charge


def can_book(connection: Connection, community_id: str, subject: str) -> bool:
    """Return whether what a comparison found (`Difference.subject`) can be booked now."""
    kind, _, receipt = subject.partition(":")
    return kind in _BOOKABLE and _BOOKABLE[kind][0](connection, community_id, receipt)


def book_difference(connection: Connection, community_id: str, subject: str, now: datetime) -> str:
    """Book what `can_book` allows, and return what was done, in words."""
    kind, _, receipt = subject.partition(":")
    return _BOOKABLE[kind][1](connection, community_id, receipt, now)


def is_booked_twice(connection: Connection, community_id: str, payout_id: str) -> bool:
    """Return whether a payout that left twice is booked so, or is not there at all."""
    is_known = payouts.find(connection, community_id, payout_id) is not None
    return not is_known or ledger.posted(connection, community_id, "payout_twice", payout_id, TRUST_CASH) != 0


def book_twice(connection: Connection, community_id: str, payout_id: str, now: datetime) -> str:
    """Book that a payout left twice: the household's as far as it has it, the rest it owes."""
    item = payouts.find(connection, community_id, payout_id)
    assert item is not None, "it was paid, so it is there"
    entry = Entry("payout_twice", payout_id, now, "paid twice", ())
    book_loss(connection, community_id, item.household_id, item.kes * CENTS_PER_KES, entry)
    return f"KES {item.kes} that left twice booked"


def _is_reversal_open(connection: Connection, community_id: str, receipt: str) -> bool:
    line = line_of(connection, receipt, "reversal")
    # One that was asked for in the meantime has its money set aside, and an end of its own.
    if line is None or reversals.is_under_way(connection, line.reference):
        return False
    return not ledger.posted(connection, community_id, "mpesa", receipt, TRUST_CASH)


def _book_reversal(connection: Connection, community_id: str, receipt: str, now: datetime) -> str:
    line = line_of(connection, receipt, "reversal")
    assert line is not None, "it is listed"
    original = receipts.find(connection, line.reference)
    owner = None if original is None else original.household_id
    text = f"M-Pesa took payment {line.reference} back"
    book_loss(connection, community_id, owner, -line.cents, Entry("mpesa", receipt, now, text, ()))
    if original is not None:
        reversals.record_unasked(connection, original, receipt, -line.cents, now)
    return f"the reversal {receipt} of {line.reference or 'a payment'} booked"


def _is_out_unknown(connection: Connection, community_id: str, receipt: str) -> bool:
    is_ours = connection.execute(select(payout.c.kes).where(payout.c.receipt == receipt)).first() is not None
    is_booked = ledger.posted(connection, community_id, "mpesa", receipt, TRUST_CASH) != 0
    return line_of(connection, receipt, "out") is not None and not is_ours and not is_booked


def _book_out(connection: Connection, community_id: str, receipt: str, now: datetime) -> str:
    line = line_of(connection, receipt, "out")
    assert line is not None, "it is listed"
    text = "left M-Pesa without an order of the hub's"
    book_loss(connection, community_id, None, -line.cents, Entry("mpesa", receipt, now, text, ()))
    return f"the movement {receipt} booked against suspense"


def _charge_difference(connection: Connection, community_id: str, receipt: str) -> int:
    line = line_of(connection, receipt, "charge")
    return 0 if line is None else booked_charge(connection, community_id, receipt) - line.cents


def _book_charge(connection: Connection, community_id: str, receipt: str, now: datetime) -> str:
    cents = _charge_difference(connection, community_id, receipt)
    postings = [Posting(FEES, -cents), Posting(TRUST_CASH, cents)]
    ledger.post(
        connection, community_id, Entry("mpesa_charge", receipt, now, f"M-Pesa's charge for {receipt}", postings)
    )
    return f"the charge for {receipt} booked"


def _is_charge_other(connection: Connection, community_id: str, receipt: str) -> bool:
    is_corrected = ledger.posted(connection, community_id, "mpesa_charge", receipt, TRUST_CASH) != 0
    return not is_corrected and _charge_difference(connection, community_id, receipt) != 0


def _is_amount_other(connection: Connection, community_id: str, receipt: str) -> bool:
    return bool(lacking_cents(connection, community_id, receipt))


type _Test = Callable[[Connection, str, str], bool]
type _Booking = Callable[[Connection, str, str, datetime], str]

_BOOKABLE: Final[dict[str, tuple[_Test, _Booking]]] = {
    "other_amount": (_is_amount_other, book_amount),
    "not_at_mpesa": (_is_amount_other, book_amount),
    "reversed_unasked": (_is_reversal_open, _book_reversal),
    "unknown_out": (_is_out_unknown, _book_out),
    "other_charge": (_is_charge_other, _book_charge),
}
