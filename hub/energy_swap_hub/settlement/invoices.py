"""Invoices: one per member and month, numbered without a gap; what changes an earlier month is a note to it.

A month's invoice holds what was booked in the month. The days of the ledger are closed before it is issued, so
nothing can be booked into it later: a correction of an earlier month's entry, and late energy of an earlier month,
become a note to that month's invoice (a credit note when it gives money back).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, insert, select

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger.tables import entry
from energy_swap_hub.membership.households import Household, households

from .invoice_rules import InvoiceLine, Month, lines_of, total_cents
from .machine import Next, Work, schedule
from .office_tables import invoice
from .settings import settings_at
from .statements import Line, Statement, statement
from .words import EAST_AFRICA

SAGA: Final = "invoices"
_AFTER: Final = timedelta(hours=1)  # what M-Pesa tells of the last day it has told by then


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice, or a note to the invoice ``corrects``; None as number: a draft of a month that is not over.

    ``opening``, what came in and went out by M-Pesa, and ``total_cents`` make ``closing``, all in cents.
    """

    number: int | None
    kind: str  # invoice, credit_note, debit_note
    household: str
    name: str
    month: str
    booked_in: str
    corrects: int | None
    issued_at: datetime
    lines: tuple[InvoiceLine, ...]
    total_cents: int
    vat_cents: int
    opening_cents: int
    topped_up_cents: int
    paid_out_cents: int
    closing_cents: int


def schedule_invoices(connection: Connection, community: CommunityConfig) -> None:
    """Have the first month invoiced when it is over; each month schedules the next."""
    first = Month.of(community.opened_at)
    schedule(connection, community.id, SAGA, first.name, first.ends + _AFTER)


def invoice_month(connection: Connection, community: CommunityConfig, work: Work, now: datetime) -> Next:
    """Issue a month that is over, and schedule the next."""
    month = Month.named(work.subject)
    ledger.close_days(connection, community.id, EAST_AFRICA, now)
    issue(connection, community, month, now)
    schedule(connection, community.id, SAGA, month.next.name, month.next.ends + _AFTER)
    return Next("issued")


def issue(connection: Connection, community: CommunityConfig, month: Month, now: datetime) -> int:
    """Issue what is not issued yet of a month that is over and closed; return how many were issued."""
    if now < month.ends:
        raise ValueError(f"{month.name} is not over; it is invoiced from {month.ends.isoformat()} on")
    row = invoice.c
    done = set(
        connection.execute(
            select(row.household_id).where(row.community_id == community.id, row.booked_in == month.name)
        ).scalars()
    )
    number = connection.execute(select(func.max(row.number)).where(row.community_id == community.id)).scalar() or 0
    rows = []
    for household in households(connection, community.id):
        if household.admitted_at is None or household.id in done:
            continue
        for made in _of_month(connection, community, household, month, now):
            number += 1
            rows.append(_row(community.id, replace(made, number=number)))
    if rows:
        connection.execute(insert(invoice), rows)
    return len(rows)


def draft(
    connection: Connection, community: CommunityConfig, household: Household, now: datetime
) -> Invoice | None:
    """Return what the running month comes to so far, without a number; None where nothing happened."""
    made = _of_month(connection, community, household, Month.of(now), now)
    return next((one for one in made if one.kind == "invoice"), None)


def invoices(
    connection: Connection, community_id: str, *, household: str | None = None, month: str | None = None
) -> list[Invoice]:
    """Return the invoices and notes of a household, or of those issued for a month, by number."""
    row = invoice.c
    query = select(invoice).where(row.community_id == community_id).order_by(row.number)
    if household is not None:
        query = query.where(row.household_id == household)
    if month is not None:
        query = query.where(row.booked_in == month)
    return [_invoice(found) for found in connection.execute(query)]


def get(connection: Connection, community_id: str, number: int) -> Invoice:
    """Return one by its number; raises `LookupError`."""
    row = invoice.c
    found = connection.execute(
        select(invoice).where(row.community_id == community_id, row.number == number)
    ).first()
    if found is None:
        raise LookupError(f"there is no invoice {number}")
    return _invoice(found)


def _of_month(
    connection: Connection, community: CommunityConfig, household: Household, month: Month, now: datetime
) -> list[Invoice]:
    """Return a member's invoice of a month, and the notes to earlier ones, without numbers."""
    found = statement(connection, community.id, household.id, household.name, month.begins, month.ends)
    rules = settings_at(connection, community, month.begins)
    known = {
        one.month: one.number
        for one in invoices(connection, community.id, household=household.id)
        if one.kind == "invoice"
    }
    own: list[Line] = []
    notes: dict[str, list[Line]] = defaultdict(list)
    earlier = _corrected(connection, found.lines)
    for line in found.lines:
        belongs = Month.of(line.of) if line.kind == "true_up" else earlier.get(line.entry_id)
        name = None if belongs is None else belongs.name
        if name is not None and name != month.name and name in known:
            notes[name].append(line)
        else:
            own.append(line)
    made = []
    lines = lines_of(own, rules)
    if lines or any(line.kind in {"top_up", "payout", "payout_returned"} for line in own):
        made.append(_made(household, month, month.name, None, lines, found, now))
    for name in sorted(notes):
        lines = lines_of(notes[name], settings_at(connection, community, Month.named(name).begins))
        made.append(_made(household, month, name, known[name], lines, None, now))
    return made


def _corrected(connection: Connection, lines: Sequence[Line]) -> dict[int, Month]:
    """Return of each correction that names an entry the month in which that was booked."""
    wrong = entry.alias("wrong")
    query = (
        select(entry.c.id, wrong.c.booked_at)
        .join(wrong, wrong.c.id == entry.c.corrects_entry_id)
        .where(entry.c.id.in_([line.entry_id for line in lines if line.kind == "correction"]))
    )
    return {number: Month.of(booked_at) for number, booked_at in connection.execute(query)}


def _made(
    household: Household,
    booked_in: Month,
    month: str,
    corrects: int | None,
    lines: Sequence[InvoiceLine],
    found: Statement | None,
    now: datetime,
) -> Invoice:
    total = total_cents(lines)
    kind = "invoice" if corrects is None else "debit_note" if total > 0 else "credit_note"
    totals = {} if found is None else found.totals
    return Invoice(
        None,
        kind,
        household.id,
        household.name,
        month,
        booked_in.name,
        corrects,
        now,
        tuple(lines),
        total,
        sum(line.vat_cents for line in lines),
        0 if found is None else _cents(found.opening),
        totals.get("topped_up_cents", 0),
        totals.get("paid_out_cents", 0),
        0 if found is None else _cents(found.closing),
    )


def _cents(wallet: Any) -> int:
    return int(wallet["kes_cents"] + wallet["kes_held_cents"])


def _row(community_id: str, made: Invoice) -> dict[str, Any]:
    return {
        "community_id": community_id,
        "number": made.number,
        "kind": made.kind,
        "household_id": made.household,
        "name": made.name,
        "month": made.month,
        "booked_in": made.booked_in,
        "corrects": made.corrects,
        "issued_at": made.issued_at,
        "lines": msgspec.to_builtins(made.lines),
        "total_cents": made.total_cents,
        "vat_cents": made.vat_cents,
        "opening_cents": made.opening_cents,
        "topped_up_cents": made.topped_up_cents,
        "paid_out_cents": made.paid_out_cents,
        "closing_cents": made.closing_cents,
    }


def _invoice(found: Any) -> Invoice:
    return Invoice(
        found.number,
        found.kind,
        found.household_id,
        found.name,
        found.month,
        found.booked_in,
        found.corrects,
        found.issued_at,
        msgspec.convert(found.lines, tuple[InvoiceLine, ...]),
        found.total_cents,
        found.vat_cents,
        found.opening_cents,
        found.topped_up_cents,
        found.paid_out_cents,
        found.closing_cents,
    )
