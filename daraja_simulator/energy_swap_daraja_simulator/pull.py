"""Pull: the payments in of the last 48 hours, to a business that registered for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web

from .books import Books
from .business import Business
from .chance import Chance
from .clock import EAT, Clock, from_micros, to_micros, with_false_z
from .faults import Faults
from .rules import RuleBook
from .wire import BOUND, Gate, WireError, answer, field, read_body, url_field

_REACH: Final = timedelta(hours=48)
_PAGE: Final = 100
_TIME: Final = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_REGISTERED: Final = "pull_number"


def _time_field(body: dict[str, Any], name: str) -> datetime:
    try:
        return datetime.strptime(field(body, name, _TIME), "%Y-%m-%d %H:%M:%S").replace(tzinfo=EAT)
    except ValueError as error:
        raise WireError(400, "400.002.02", f"Bad Request - Invalid {name}") from error


@dataclass(frozen=True, slots=True)
class Pull:
    """The Pull Transactions product."""

    books: Books
    business: Business
    rules: RuleBook
    gate: Gate
    faults: Faults
    clock: Clock
    chance: Chance

    async def register(self, request: web.Request) -> web.Response:
        """``POST /pulltransactions/v1/register``: name the number that stands for the business, once."""
        self.gate.check(request, "pull")
        body = await read_body(request)
        field(body, "ShortCode", self.business.short_code)
        field(body, "RequestType", "Pull")
        number = field(body, "NominatedNumber", r"254\d{9}")
        url_field(body, "CallBackURL")
        is_known = bool(self.books.setting(_REGISTERED))
        if not is_known:
            self.books.remember(_REGISTERED, number.encode())
        return answer(
            {
                "ResponseRefID": self.chance.request_id(),
                "ResponseStatus": "1001" if is_known else "1000",
                "ShortCode": self.business.short_code,
                "ResponseDescription": f"ShortCode {self.business.short_code} "
                + ("already Registered" if is_known else "added Successfully"),
            }
        )

    async def query(self, request: web.Request) -> web.Response:
        """``/pulltransactions/v1/query``: payments in between two Nairobi times, at most 48 hours old."""
        self.gate.check(request, "pull")
        body = await read_body(request)
        field(body, "ShortCode", self.business.short_code)
        if self.rules.now.is_pull_registration_needed and not self.books.setting(_REGISTERED):
            raise WireError(400, "400.002.02", "Bad Request - ShortCode is not registered")
        start, end = _time_field(body, "StartDate"), _time_field(body, "EndDate")
        offset = int(field(body, "OffSetValue", r"\d{1,9}"))
        gap = self.faults.happens("F30", "pull", bound=request.headers.get(BOUND, ""))
        rows = self.books.rows(
            "SELECT m.*, s.name FROM movement m LEFT JOIN subscriber s ON s.phone = m.phone"
            " WHERE m.kind = 'c2b' AND m.at >= ? AND m.at <= ? ORDER BY m.at, m.number LIMIT ? OFFSET ?",
            to_micros(max(start, self.clock() - _REACH)),
            to_micros(end) + 999_999,
            1 if gap and gap.variant == "short" else _PAGE,
            offset,
        )
        if gap and gap.variant == "missing":
            rows = rows[:-1]
        if gap and gap.variant == "double":
            rows = rows[:1] + rows
        reference = self.chance.request_id()
        if not rows:
            told: dict[str, Any] = {"ResponseCode": "1001", "ResponseMessage": "No data", "Response": [[]]}
        else:
            told = {
                "ResponseCode": "1000",
                "ResponseMessage": "Success",
                "Response": [[self._row(row) for row in rows]],
            }
        return answer({"ResponseRefID": reference, **told})

    def _row(self, row: Any) -> dict[str, Any]:
        return {
            "transactionId": row["receipt"],
            "trxDate": with_false_z(from_micros(row["at"])),
            "msisdn": int(row["phone"]),
            "sender": row["name"] or "",
            "transactiontype": "c2b-pay-bill-debit",
            "billreference": row["reference"],
            "amount": f"{row['cents'] // 100}.{row['cents'] % 100:02d}",
            "organizationname": self.business.name,
        }
