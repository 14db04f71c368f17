"""What the business may ask about its short code: the last payments in (Pull) and its balances."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from aiohttp import web

from .books import CHARGES, UTILITY, Books
from .business import Business
from .clock import EAT, Clock, compact, from_micros, to_micros, with_false_z
from .credential import decrypt
from .payouts import acknowledge, conversation_id, result
from .wire import Gate, WireError, answer, field, read_body, url_field

_PULL_REACH: Final = timedelta(hours=48)
_PULL_PAGE: Final = 100
_TIME: Final = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def _time_field(body: dict[str, Any], name: str) -> datetime:
    try:
        return datetime.strptime(field(body, name, _TIME), "%Y-%m-%d %H:%M:%S").replace(tzinfo=EAT)
    except ValueError as error:
        raise WireError(400, "400.002.02", f"Bad Request - Invalid {name}") from error


@dataclass(frozen=True, slots=True)
class Reports:
    """Pull transactions and account balance."""

    books: Books
    business: Business
    gate: Gate
    clock: Clock
    random: Random
    key: bytes

    async def pull(self, request: web.Request) -> web.Response:
        """``/pulltransactions/v1/query``: payments in between two Nairobi times, at most 48 hours old."""
        self.gate.check(request, 404, "404.001.03")
        body = await read_body(request)
        field(body, "ShortCode", self.business.short_code)
        start, end = _time_field(body, "StartDate"), _time_field(body, "EndDate")
        offset = int(field(body, "OffSetValue", r"\d{1,9}"))
        rows = self.books.rows(
            "SELECT m.*, s.name FROM movement m LEFT JOIN subscriber s ON s.phone = m.phone"
            " WHERE m.kind = 'c2b' AND m.at >= ? AND m.at <= ? ORDER BY m.at, m.number LIMIT ? OFFSET ?",
            to_micros(max(start, self.clock() - _PULL_REACH)),
            to_micros(end) + 999_999,
            _PULL_PAGE,
            offset,
        )
        reference = f"{self.random.randrange(10**5)}-{self.random.randrange(10**8)}-1"
        if not rows:
            return answer(
                {
                    "ResponseRefID": reference,
                    "ResponseCode": "1001",
                    "ResponseMessage": "No data",
                    "Response": [[]],
                }
            )
        return answer(
            {
                "ResponseRefID": reference,
                "ResponseCode": "1000",
                "ResponseMessage": "Success",
                "Response": [[self._row(row) for row in rows]],
            }
        )

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

    async def balance(self, request: web.Request) -> web.Response:
        """``POST /mpesa/accountbalance/v1/query``: take the question in; the answer goes to ResultURL."""
        self.gate.check(request, 401, "401.002.01")
        body = await read_body(request)
        field(body, "CommandID", "AccountBalance")
        field(body, "PartyA", self.business.short_code)
        field(body, "IdentifierType", "4")
        url_field(body, "QueueTimeOutURL")
        result_url = url_field(body, "ResultURL")
        password = decrypt(self.key, field(body, "SecurityCredential", r"\S{1,1000}"))
        is_true = (body.get("Initiator"), password) == (self.business.initiator, self.business.initiator_password)
        now = self.clock()
        conversation = conversation_id(self.random, now)
        originator = f"{self.random.randrange(10**5)}-{self.random.randrange(10**8)}-1"
        accounts = (
            ("Working Account", 0),
            ("Utility Account", self.books.balance_cents(UTILITY)),
            ("Charges Paid Account", self.books.balance_cents(CHARGES)),
        )
        told = "&".join(f"{name}|KES|{cents / 100:.2f}|{cents / 100:.2f}|0.00|0.00" for name, cents in accounts)
        answered = result(
            "0" if is_true else "2001",
            "The service request is processed successfully."
            if is_true
            else "The initiator information is invalid.",
            originator,
            conversation,
            self.books.new_receipt(self.random, now)[:3] + "0000000",
            {"AccountBalance": told, "BOCompletedTime": int(compact(now))} if is_true else {},
        )
        with self.books.transaction():
            self.books.deliver_later(result_url, answered, now + timedelta(seconds=self.random.uniform(1, 3)))
        return answer(acknowledge(originator, conversation))
