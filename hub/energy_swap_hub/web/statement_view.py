"""A household's statement as the API gives it: the days that are asked for, JSON, and CSV."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from energy_swap_hub.membership.households import Household
from energy_swap_hub.settlement.statements import Statement, statement
from energy_swap_hub.settlement.words import EAST_AFRICA

from .route import Query
from .spreadsheet import CONTENT_TYPE, Cell, as_file, csv_bytes

_MOST_DAYS: Final = 366
_HEAD: Final = ("booked_at", "happened_at", "entry", "kind", "text")
# A wallet's fields as columns: KES with 2 decimals, kWh with 3.
_COLUMNS: Final = {
    "kes_cents": ("kes", -2),
    "kes_held_cents": ("kes_held", -2),
    "ekwh_wh": ("ekwh_kwh", -3),
    "ekwh_held_wh": ("ekwh_held_kwh", -3),
}

DAYS: Final = (
    Query("from", "the first day, like 2026-11-01 (East Africa Time); without it, the first of that month"),
    Query("to", "the last day; without it, today"),
)


@dataclass(frozen=True, slots=True)
class Days:
    """The days from ``first`` to ``last``, both included, in East Africa."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        """When the first day begins."""
        return datetime.combine(self.first, time(), EAST_AFRICA).astimezone(UTC)

    @property
    def until(self) -> datetime:
        """When the last day is over."""
        return datetime.combine(self.last + timedelta(1), time(), EAST_AFRICA).astimezone(UTC)


def asked_days(request: web.Request, now: datetime) -> Days:
    """Return the days between ``from`` and ``to`` of a request; without them, this month until today."""
    today = now.astimezone(EAST_AFRICA).date()
    last = _day(request, "to", today)
    first = _day(request, "from", last.replace(day=1))
    if not first <= last < first + timedelta(_MOST_DAYS):
        raise web.HTTPBadRequest(reason=f"from comes before to, and a statement has at most {_MOST_DAYS} days")
    return Days(first, last)


def read(connection: Connection, community_id: str, household: Household, days: Days) -> Statement:
    """Return the household's statement of these days."""
    return statement(connection, community_id, household.id, household.name, days.since, days.until)


def body(found: Statement) -> dict[str, Any]:
    """Return the statement in cents, Wh and Unix seconds."""
    days = _days(found)
    return {
        "household": found.household,
        "name": found.name,
        "from": days.first.isoformat(),
        "to": days.last.isoformat(),
        "opening": found.opening,
        "lines": [
            {
                "entry": line.entry_id,
                "at": int(line.at.timestamp()),
                "booked_at": int(line.booked_at.timestamp()),
                "kind": line.kind,
                "text": line.text,
                "says": [{"key": one.key, "figures": one.figures} for one in line.says],
                "change": line.change,
                "after": line.after,
            }
            for line in found.lines
        ],
        "closing": found.closing,
        "totals": found.totals,
        "grid": found.grid,
    }


def csv_response(found: Statement) -> web.Response:
    """Return the statement as CSV: opening balance, every line with the wallet after it, closing balance."""
    none = dict.fromkeys(_COLUMNS, None)
    names = [name for name, _ in _COLUMNS.values()]
    rows: list[list[Cell]] = [[*_HEAD, *names, *(f"{name}_after" for name in names)]]
    rows.append([_local(found.since), None, None, "opening", None, *none.values(), *_amounts(found.opening)])
    for line in found.lines:
        head: list[Cell] = [_local(line.booked_at), _local(line.at), line.entry_id, line.kind, line.text]
        rows.append([*head, *_amounts(line.change), *_amounts(line.after)])
    rows.append([_local(found.until), None, None, "closing", None, *none.values(), *_amounts(found.closing)])
    response = web.Response(body=csv_bytes(rows), content_type=CONTENT_TYPE, charset="utf-8")
    as_file(response, f"{_file_name(found)}.csv")
    return response


def pdf_response(found: Statement, pages: bytes) -> web.Response:
    """Return the statement's PDF as a file to keep."""
    response = web.Response(body=pages, content_type="application/pdf")
    as_file(response, f"{_file_name(found)}.pdf")
    return response


def _day(request: web.Request, name: str, otherwise: date) -> date:
    if name not in request.query:
        return otherwise
    try:
        day = datetime.strptime(request.query[name], "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        day = date.min
    if not 2000 <= day.year < 3000:
        raise web.HTTPBadRequest(reason=f"{name} is a day like 2026-11-20")
    return day


def _file_name(found: Statement) -> str:
    days = _days(found)
    return f"{found.household}-{days.first.isoformat()}-{days.last.isoformat()}"


def _days(found: Statement) -> Days:
    last = found.until.astimezone(EAST_AFRICA) - timedelta(1)
    return Days(found.since.astimezone(EAST_AFRICA).date(), last.date())


def _amounts(wallet: Any) -> list[Cell]:
    return [Decimal(wallet[name]).scaleb(places) for name, (_, places) in _COLUMNS.items()]


def _local(at: datetime) -> str:
    return at.astimezone(EAST_AFRICA).isoformat(timespec="seconds")
