"""M-Pesa's own account of our money: what its accounts hold, and the lines of its statement."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from energy_swap_protocol.units import CENTS_PER_KES
from sqlalchemy import Connection, insert, select, update

from energy_swap_hub.storage import insert_rows, is_among

from .nairobi import parse
from .tables import account_report, payment_receipt, statement_line
from .wire import AccountBalances, PulledPayment, as_reference, masked

type LineKind = Literal["in", "out", "charge", "reversal"]

# The columns of the organisation portal, by the spellings that were seen; case and dots do not count.
_COLUMNS: Final = {
    "receipt": ("receipt no", "receipt", "transaction id"),
    "at": ("completion time", "completed time"),
    "details": ("details", "description"),
    "status": ("transaction status", "status"),
    "paid_in": ("paid in",),
    "withdrawn": ("withdrawn", "withdrawal"),
    "linked": ("linked transaction id",),
    "account": ("a/c no", "account no"),
}
_NEEDED: Final = ("receipt", "at", "paid_in", "withdrawn")
_MOST_BYTES: Final = 8 * 1024 * 1024
_AT_ONCE: Final = 500  # receipts in one question to the database


class StatementError(ValueError):
    """A file that is no statement; the text says what is missing and what is accepted."""


@dataclass(frozen=True, slots=True)
class Line:
    """A movement as M-Pesa's statement tells it: money in is positive.

    ``reference``: the account a payer named; for a reversal, the receipt that was reversed (if it says).
    """

    receipt: str
    kind: LineKind
    cents: int
    at: datetime
    reference: str


def read_portal_csv(data: bytes) -> tuple[Line, ...]:
    """Read a statement that the organisation portal exported as CSV; raises `StatementError`.

    What stands above the heading (name, short code, sums) is skipped, as are movements that did not complete.
    Names and phones are not read.
    """
    if len(data) > _MOST_BYTES:
        raise StatementError(f"a statement has at most {_MOST_BYTES // 2**20} MiB; export fewer days at once")
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except UnicodeDecodeError:
        raise StatementError("the statement is not UTF-8 text; export it as CSV, not as a spreadsheet") from None
    except csv.Error as error:
        raise StatementError(f"the statement is no CSV: {error}") from None
    for number, row in enumerate(rows):
        columns = _columns(row)
        if all(name in columns for name in _NEEDED):
            found = (_line(columns, cells, number + 2 + n) for n, cells in enumerate(rows[number + 1 :]))
            return tuple(line for line in found if line is not None)
    raise StatementError(
        "no heading found; a statement has the columns Receipt No., Completion Time, Paid In and Withdrawn"
    )


def _columns(row: list[str]) -> dict[str, int]:
    titles = [" ".join(cell.replace(".", " ").lower().split()) for cell in row]
    return {name: titles.index(title) for name, known in _COLUMNS.items() for title in known if title in titles}


def _line(columns: dict[str, int], cells: list[str], number: int) -> Line | None:
    def cell(name: str) -> str:
        place = columns.get(name)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    if not cell("receipt") or cell("status").lower() not in ("", "completed"):
        return None
    at = parse(cell("at"))
    if at is None:
        raise StatementError(
            f"line {number}: the completion time {cell('at')!r} is no date like 20-11-2026 14:30:01"
        )
    cents = _amount(cell("paid_in"), number) - abs(_amount(cell("withdrawn"), number))
    details, account = cell("details").lower(), as_reference(cell("account"))
    kind: LineKind = "in" if cents > 0 else "out"
    if "reversal" in details:
        kind, account = "reversal", as_reference(cell("linked"))
    elif "charge" in details or "fee" in details.split():
        kind = "charge"
    return Line(as_reference(cell("receipt")), kind, cents, at, account) if cents else None


def _amount(cell: str, number: int) -> int:
    try:
        cents = Decimal(cell.replace(",", "") or "0") * CENTS_PER_KES
    except InvalidOperation:
        raise StatementError(f"line {number}: {cell!r} is no amount like 1,250.00") from None
    if not cents.is_finite() or cents != int(cents):
        raise StatementError(f"line {number}: {cell!r} is no amount in whole cents")
    return int(cents)


def pulled_lines(rows: Iterable[PulledPayment], now: datetime) -> tuple[Line, ...]:
    """Return the rows of a Pull answer as lines."""
    return tuple(
        Line(row.payment.receipt, "in", row.payment.kes * CENTS_PER_KES, row.payment.at or now, row.reference)
        for row in rows
    )


def keep_lines(connection: Connection, lines: Iterable[Line], source: str, now: datetime) -> int:
    """Keep the lines that are not known yet; return how many are new. A known line never changes."""
    new = {(line.receipt, line.kind): line for line in reversed(list(lines))}
    row, receipts = statement_line.c, sorted({receipt for receipt, _ in new})
    for start in range(0, len(receipts), _AT_ONCE):
        some = receipts[start : start + _AT_ONCE]
        known = select(row.receipt, row.kind).where(is_among(connection, row.receipt, some))
        for receipt, kind in connection.execute(known).tuples():
            new.pop((receipt, kind), None)
    rows = [
        (line.receipt, line.kind, line.cents, line.at, masked(line.reference), source, now)
        for line in reversed(new.values())
    ]
    names = ("receipt", "kind", "cents", "at", "reference", "source", "read_at")
    insert_rows(connection, statement_line, names, rows)
    return len(rows)


def kept_receipts(connection: Connection, receipts: Sequence[str], source: str) -> set[str]:
    """Return which of these payments in are lines that ``source`` told of before and that are in the books."""
    row, kept = statement_line.c, set[str]()
    booked = payment_receipt.c.receipt == row.receipt
    for start in range(0, len(receipts), _AT_ONCE):
        some = receipts[start : start + _AT_ONCE]
        query = select(row.receipt).join_from(statement_line, payment_receipt, booked)
        found = connection.execute(query.where(row.receipt.in_(some), row.kind == "in", row.source == source))
        kept.update(found.scalars())
    return kept


def lines_between(connection: Connection, start: datetime, end: datetime) -> list[Line]:
    """Return the known lines of a half-open time, oldest first."""
    row = statement_line.c
    found = connection.execute(
        select(statement_line).where(row.at >= start, row.at < end).order_by(row.at, row.receipt, row.kind)
    )
    return [Line(**{name: row[name] for name in Line.__slots__}) for row in found.mappings()]


def line_of(connection: Connection, receipt: str, kind: LineKind) -> Line | None:
    """Return what the statement says of one movement."""
    row = statement_line.c
    found = connection.execute(select(statement_line).where(row.receipt == receipt, row.kind == kind)).mappings()
    first = found.first()
    return None if first is None else Line(**{name: first[name] for name in Line.__slots__})


def begin_question(connection: Connection, now: datetime) -> int:
    """Write down that the accounts are asked for, and return the question's number."""
    added = insert(account_report).values(asked_at=now).returning(account_report.c.number)
    return int(connection.execute(added).scalar_one())


def record_balances(connection: Connection, number: int, told: AccountBalances, now: datetime) -> None:
    """Record the answer to a question."""
    row = account_report.c
    connection.execute(
        update(account_report)
        .where(row.number == number, row.at.is_(None))
        .values(
            at=told.at or now,
            utility_cents=told.utility_cents,
            working_cents=told.working_cents,
            charges_cents=told.charges_cents,
        )
    )


def latest_balances(connection: Connection) -> tuple[datetime, datetime, int] | None:
    """Return the latest answer: when it was asked, when it was so, and the cents of all our accounts together."""
    row = account_report.c
    found = connection.execute(
        select(row.asked_at, row.at, row.utility_cents + row.working_cents + row.charges_cents)
        .where(row.at.is_not(None))
        .order_by(row.number.desc())
        .limit(1)
    ).first()
    return None if found is None else (found[0], found[1], int(found[2]))
