"""M-Pesa's own account of our money beside the books: what is missing is credited, what differs is shown."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from energy_swap_protocol.units import CENTS_PER_KES
from sqlalchemy import Connection, func, insert, select

from energy_swap_hub import ledger
from energy_swap_hub.ledger import TRUST_CASH
from energy_swap_hub.ledger import tables as books
from energy_swap_hub.mpesa import MPesa, payouts, receipts, reversals
from energy_swap_hub.mpesa.reports import Line, keep_lines, latest_balances, lines_between, read_portal_csv
from energy_swap_hub.mpesa.tables import (
    OPEN_INTENT,
    OPEN_PAYOUT,
    OPEN_REVERSAL,
    PAID,
    REVIEW,
    payment_intent,
    payment_receipt,
    payment_reversal,
    payout,
    reconciliation,
)
from energy_swap_hub.mpesa.wire import Payment, PulledPayment

from .amount_corrections import corrected_cents, received_cents
from .reviews import open_review
from .words import EAST_AFRICA

BOOKS_DIFFER: Final = "books_differ"
_PORTAL: Final = "portal"
_DAY: Final = "day"
# M-Pesa's balance is so at one second of its clock; what moved about then may be in it or not.
_BLUR: Final = timedelta(minutes=2)
# The news of a movement may come so long after it, and a statement ends somewhere.
_EDGE: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something M-Pesa and the books do not agree on; cents as each of them has it (None: not at all).

    Kinds: missing_credit (credited now), other_amount, not_at_mpesa, unknown_out, reversed_unasked, other_charge,
    balance.
    """

    kind: str
    receipt: str
    mpesa_cents: int | None
    books_cents: int | None

    @property
    def subject(self) -> str:
        """What a review about it is called."""
        return f"{self.kind}:{self.receipt}"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a comparison of ``[starts_at, ends_at)`` found; ``credited`` counts what was missing in the books."""

    source: str
    starts_at: datetime
    ends_at: datetime
    matched: int
    credited: int
    differences: tuple[Difference, ...]


def reconcile_statement(
    connection: Connection, mpesa: MPesa, community_id: str, data: bytes, now: datetime
) -> Reconciliation:
    """Take in a statement of the organisation portal (CSV) and compare it; raises `StatementError`.

    The same statement again credits nothing twice.
    """
    lines = read_portal_csv(data)
    keep_lines(connection, lines, _PORTAL, now)
    start = min((line.at for line in lines), default=now)
    end = max((line.at for line in lines), default=now) + timedelta(seconds=1)
    # Asked once the lines are compared: they may tell the true receipt of what was credited under another.
    unlisted = _unlisted(connection, community_id, {line.receipt for line in lines}, start, end)
    return _conclude(connection, mpesa, community_id, _PORTAL, start, end, lines, unlisted, now)


def reconcile_day(connection: Connection, mpesa: MPesa, community_id: str, now: datetime) -> bool:
    """Compare the day before (East Africa Time) with what M-Pesa told of it; False when that was done before."""
    today = now.astimezone(EAST_AFRICA).replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = today - timedelta(days=1), today
    row = reconciliation.c
    done = select(row.id).where(row.community_id == community_id, row.source == _DAY, row.starts_at == start)
    if connection.execute(done).first() is not None:
        return False
    differing = balance_difference(connection, community_id, today)
    if differing is not None:
        payouts.stop(connection, community_id, "M-Pesa's balance is not that of the books.", now)
    lines = lines_between(connection, start, end)
    more = [] if differing is None else [differing]
    _conclude(connection, mpesa, community_id, _DAY, start, end, lines, more, now)
    return True


def balance_difference(connection: Connection, community_id: str, day: datetime) -> Difference | None:
    """Return how M-Pesa's latest balance differs from the books beyond all that is under way; None: it agrees.

    It also agrees while M-Pesa told no balance at all. ``day`` names the difference.
    """
    told = latest_balances(connection)
    if told is None:
        return None
    asked_at, at, cents = told
    entry, posting = books.entry.c, books.posting.c
    moved = (
        select(entry.at, posting.amount)
        .join(books.entry, entry.id == posting.entry_id)
        .where(posting.community_id == community_id, posting.account == TRUST_CASH)
    )
    settled = -ledger.balance(connection, community_id, TRUST_CASH)
    least = most = settled
    for _, amount in connection.execute(moved.where(entry.at >= min(asked_at, at) - _BLUR)):
        # In the books by now, but perhaps not yet at M-Pesa then.
        least, most = least + min(amount, 0), most + max(amount, 0)
    coming, going = _under_way(connection, community_id)
    if least - going <= cents <= most + coming:
        return None
    return Difference("balance", day.astimezone(EAST_AFRICA).date().isoformat(), cents, settled)


def reconciliations(connection: Connection, community_id: str, limit: int) -> list[dict[str, Any]]:
    """Return the latest comparisons, newest first."""
    row = reconciliation.c
    found = connection.execute(
        select(reconciliation).where(row.community_id == community_id).order_by(row.id.desc()).limit(limit)
    )
    return [dict(one) for one in found.mappings()]


def _under_way(connection: Connection, community_id: str) -> tuple[int, int]:
    """Return the cents that may have come or gone without our knowing yet."""

    def total(table: Any, states: Iterable[str]) -> int:
        query = select(func.coalesce(func.sum(table.c.kes), 0)).where(
            table.c.community_id == community_id, table.c.state.in_(states)
        )
        return int(connection.execute(query).scalar_one()) * CENTS_PER_KES

    set_aside = ledger.balance(connection, community_id, ledger.PAYOUT_PENDING)
    open_out = total(payout, (*OPEN_PAYOUT, REVIEW)) + total(payment_reversal, (*OPEN_REVERSAL, REVIEW))
    return total(payment_intent, (*OPEN_INTENT, REVIEW)), max(set_aside, open_out)


def _conclude(
    connection: Connection,
    mpesa: MPesa,
    community_id: str,
    source: str,
    start: datetime,
    end: datetime,
    lines: Iterable[Line],
    more: Iterable[Difference],
    now: datetime,
) -> Reconciliation:
    differences, matched = [], 0
    for line in lines:
        found = _compare(connection, mpesa, community_id, line, source, now)
        matched += found is None
        if found is not None:
            differences.append(found)
    differences += more
    for difference in differences:
        evidence = {"mpesa_cents": difference.mpesa_cents, "books_cents": difference.books_cents, "source": source}
        open_review(
            connection, community_id, kind=BOOKS_DIFFER, subject=difference.subject, evidence=evidence, now=now
        )
    credited = sum(difference.kind == "missing_credit" for difference in differences)
    connection.execute(
        insert(reconciliation).values(
            community_id=community_id,
            source=source,
            starts_at=start,
            ends_at=end,
            made_at=now,
            matched=matched,
            credited=credited,
            differences=[
                {"kind": d.kind, "receipt": d.receipt, "mpesa_cents": d.mpesa_cents, "books_cents": d.books_cents}
                for d in differences
            ],
        )
    )
    return Reconciliation(source, start, end, matched, credited, tuple(differences))


def _compare(
    connection: Connection, mpesa: MPesa, community_id: str, line: Line, source: str, now: datetime
) -> Difference | None:
    match line.kind:
        case "in":
            return _compare_in(connection, mpesa, community_id, line, source, now)
        case "out":
            row = payout.c
            kes = connection.execute(select(row.kes).where(row.receipt == line.receipt)).scalar()
            if kes is None:
                return _unless_booked(connection, community_id, line, "unknown_out")
            ours = -int(kes) * CENTS_PER_KES + corrected_cents(connection, community_id, line.receipt)
            return None if ours == line.cents else Difference("other_amount", line.receipt, line.cents, ours)
        case "charge":
            fee = booked_charge(connection, community_id, line.receipt)
            return None if fee == line.cents else Difference("other_charge", line.receipt, line.cents, fee)
        case "reversal":
            return _compare_reversal(connection, mpesa, community_id, line, now)


def _compare_in(
    connection: Connection, mpesa: MPesa, community_id: str, line: Line, source: str, now: datetime
) -> Difference | None:
    known = receipts.find(connection, line.receipt)
    if known is not None:
        ours = received_cents(connection, community_id, known)
        return None if ours == line.cents else Difference("other_amount", line.receipt, line.cents, ours)
    if line.cents % CENTS_PER_KES:
        return _unless_booked(connection, community_id, line, "other_amount")
    payment = Payment(line.receipt, line.cents // CENTS_PER_KES, line.at)
    if not mpesa.take_in(connection, [PulledPayment(line.reference, payment)], source, now):
        return None  # it is the true receipt of what was credited under another
    return Difference("missing_credit", line.receipt, line.cents, None)


def _compare_reversal(
    connection: Connection, mpesa: MPesa, community_id: str, line: Line, now: datetime
) -> Difference | None:
    row = payment_reversal.c
    if connection.execute(select(row.receipt).where(row.reversal_receipt == line.receipt)).first() is not None:
        return None
    asked = reversals.find(connection, line.reference)
    if asked is not None and reversals.is_under_way(connection, line.reference):
        # The statement knows what nobody told us.
        mpesa.finish_reversal(connection, asked, line.receipt, line.at, now)
        return None
    return _unless_booked(connection, community_id, line, "reversed_unasked")


def _unless_booked(connection: Connection, community_id: str, line: Line, kind: str) -> Difference | None:
    """Return the difference, unless a person had it booked since."""
    booked = ledger.posted(connection, community_id, "mpesa", line.receipt, TRUST_CASH)
    return None if -booked == line.cents else Difference(kind, line.receipt, line.cents, -booked or None)


def booked_charge(connection: Connection, community_id: str, receipt: str) -> int:
    """Return the charge of a payout as the books have it, negative, with what a person booked later."""
    row = payout.c
    kes = connection.execute(select(row.kes).where(row.receipt == receipt)).scalar()
    later = ledger.posted(connection, community_id, "mpesa_charge", receipt, TRUST_CASH)
    if kes is None:
        return -later
    return int(kes) * CENTS_PER_KES - ledger.posted(connection, community_id, "mpesa", receipt, TRUST_CASH) - later


def _unlisted(
    connection: Connection, community_id: str, listed: Collection[str], start: datetime, end: datetime
) -> Iterator[Difference]:
    """Yield what the books have of a time that the (whole) statement of it does not list."""
    row = payment_receipt.c
    came = select(row.receipt, row.kes).where(
        row.community_id == community_id, row.paid_at >= start, row.paid_at < end, row.kes > 0
    )
    out = payout.c
    went = select(out.receipt, -out.kes).where(
        out.community_id == community_id,
        out.state == PAID,
        out.ended_at >= start + _EDGE,
        out.ended_at < end,
    )
    for query in (came, went):
        for receipt, kes in connection.execute(query):
            # A payout that was corrected away, or back to what the statement has, is none that differs.
            is_corrected = kes < 0 and corrected_cents(connection, community_id, receipt)
            if receipt not in listed and not is_corrected:
                ours = kes * CENTS_PER_KES
                yield Difference("not_at_mpesa", receipt, None, ours)
