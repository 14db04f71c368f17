"""The organisation's statement as a CSV in the form of the M-Pesa portal's export."""

import csv
import io
from datetime import datetime
from typing import Any, Final

from .books import CHARGES, UTILITY, Books, kes_text
from .business import Business
from .clock import EAT, from_micros, to_micros

COLUMNS: Final = (
    *("Receipt No.", "Completion Time", "Initiation Time", "Details", "Transaction Status", "Paid In"),
    *("Withdrawn", "Balance", "Balance Confirmed", "Reason Type", "Other Party Info"),
    *("Linked Transaction ID", "A/C No."),
)
_REASONS: Final = {
    "c2b": "Pay Bill Online",
    "c2b_charge": "Pay Utility Charge",
    "b2c": "Business Payment to Customer via API",
    "b2c_charge": "Business Payment Charge",
    "reversal": "Transaction Reversal via API",
    "withdrawal": "Organization Withdrawal",
    "funding": "Organization Deposit",
}


def statement(books: Books, business: Business, start: datetime, end: datetime, account: str = UTILITY) -> str:
    """Return the movements of Utility (and the charges beside it) in ``[start, end]``, the newest first.

    ``Balance`` is Utility's after each movement; charges are told without one, as they leave another account.
    """
    balance = opening = closing = 0
    lines: list[list[str]] = []
    for row in books.rows(
        "SELECT m.*, s.name FROM movement m LEFT JOIN subscriber s ON s.phone = m.phone"
        " WHERE ? IN (source, target) OR source = ? ORDER BY m.at, m.number",
        account,
        CHARGES,
    ):
        change = row["cents"] if row["target"] == account else -row["cents"]
        if row["source"] != CHARGES:
            balance += change
        if row["at"] < to_micros(start):
            opening = closing = balance
        elif row["at"] <= to_micros(end):
            closing = balance
            lines.append(_line(row, change, balance))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows(
        [
            ["Organization Name:", business.name],
            ["Short Code:", business.short_code],
            ["Account:", "Utility Account"],
            ["Time Period:", f"From {_portal(start)} To {_portal(end)}"],
            ["Opening Balance:", kes_text(opening)],
            ["Closing Balance:", kes_text(closing)],
            [],
            COLUMNS,
            *reversed(lines),
        ]
    )
    return text.getvalue()


def _portal(at: datetime) -> str:
    return at.astimezone(EAT).strftime("%d-%m-%Y %H:%M:%S")


def _line(row: Any, change: int, balance: int) -> list[str]:
    at = _portal(from_micros(row["at"]))
    reason = _REASONS.get(row["kind"], row["kind"])
    party = f"{row['phone']} - {row['name'] or ''}" if row["phone"] else ""
    amount = kes_text(abs(change))
    is_payment = row["kind"] in ("c2b", "c2b_charge")
    details = {
        "c2b": f"Pay Bill from {party} Acc. {row['reference']}",
        "b2c": f"Business Payment to {party}",
        "reversal": f"Reversal of {row['reference']} to {party}",
    }.get(row["kind"], reason)
    return [
        row["receipt"],
        at,
        at,
        details,
        "Completed",
        amount if change > 0 else "",
        amount if change < 0 else "",
        "" if row["source"] == CHARGES else kes_text(balance),
        "true",
        reason,
        party,
        row["reference"] if row["kind"] == "reversal" else "",
        row["reference"] if is_payment else "",
    ]
