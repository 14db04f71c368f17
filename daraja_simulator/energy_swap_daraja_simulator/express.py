"""M-Pesa Express: STK push, the prompt on a phone, its query and its one callback."""

import base64
import sqlite3
from dataclasses import dataclass
from dataclasses import field as made_by
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

import msgspec
from aiohttp import web

from .books import UTILITY, Books, kes_text, subscriber_account
from .business import Business
from .clock import EAT, Clock, compact, to_micros
from .faults import Faults, lose_answer
from .wire import Gate, WireError, answer, field, read_body, url_field

MOST_KES: Final = 250_000
_MANUAL_WAIT: Final = timedelta(seconds=60)
_TIMESTAMP_TOLERANCE: Final = timedelta(hours=1)  # wide, but a clock in UTC is three hours off

_DESCRIPTIONS: Final = {
    "0": ("The service request is processed successfully.",),
    "1": ("The balance is insufficient for the transaction.",),
    "1032": ("Request cancelled by user.", "Request canceled by user"),
    "1037": ("DS timeout user cannot be reached.", "No response from user."),
    "2001": ("The initiator information is invalid.",),
}


@dataclass(frozen=True, slots=True)
class Express:
    """The STK product.

    ``least_manual_wait``, in ``real_clock``'s time, keeps a manual prompt open for a person when ``clock``
    runs fast.
    """

    books: Books
    business: Business
    gate: Gate
    faults: Faults
    clock: Clock
    random: Random
    least_manual_wait: timedelta = timedelta(0)
    real_clock: Clock | None = None
    _asked_really_at: dict[str, datetime] = made_by(default_factory=dict)

    async def push(self, request: web.Request) -> web.Response:
        """``POST /mpesa/stkpush/v1/processrequest``: accept a prompt. Two equal requests are two prompts."""
        self.gate.check(request, 404, "404.001.03")
        body = await read_body(request)
        self._check_password(body)
        field(body, "TransactionType", "CustomerPayBillOnline|CustomerBuyGoodsOnline")
        kes = int(field(body, "Amount", r"[1-9]\d{0,5}"))
        if kes > MOST_KES:
            raise WireError(400, "400.002.02", "Bad Request - Invalid Amount")
        phone = field(body, "PhoneNumber", r"254\d{9}")
        field(body, "PartyA", phone)
        field(body, "PartyB", self.business.short_code)
        reference = field(body, "AccountReference", r".{1,12}")
        if body.get("TransactionDesc"):
            field(body, "TransactionDesc", r".{1,13}")
        callback = url_field(body, "CallBackURL")
        now = self.clock()
        checkout = f"ws_CO_{now.astimezone(EAT):%d%m%Y%H%M%S}{self.random.randrange(1000):03d}{phone[3:]}"
        merchant = f"{self.random.randrange(10**5):05d}-{self.random.randrange(10**8):08d}-1"
        behaviour = self._behaviour(phone)
        try:
            with self.books.transaction():
                self.books.insert(
                    "prompt",
                    {
                        "checkout": checkout,
                        "merchant": merchant,
                        "phone": phone,
                        "kes": kes,
                        "reference": reference,
                        "callback": callback,
                        "behaviour": behaviour,
                        "asked_at": now,
                        "due_at": now + self._decision_time(behaviour),
                    },
                )
        except sqlite3.IntegrityError as error:
            raise WireError(
                500,
                "500.001.1001",
                "Unable to lock subscriber, a transaction is already in process for the current subscriber",
            ) from error
        if self.real_clock is not None:
            self._asked_really_at[checkout] = self.real_clock()
        if self.faults.happens("F01"):
            lose_answer(request)
        return answer(
            {
                "MerchantRequestID": merchant,
                "CheckoutRequestID": checkout,
                "ResponseCode": "0",
                "ResponseDescription": "Success. Request accepted for processing",
                "CustomerMessage": "Success. Request accepted for processing",
            }
        )

    async def query(self, request: web.Request) -> web.Response:
        """``POST /mpesa/stkpushquery/v1/query``: the result, or one of the two faces of "not yet"."""
        self.gate.check(request, 404, "404.001.03")
        body = await read_body(request)
        self._check_password(body)
        checkout = field(body, "CheckoutRequestID", r"\S{1,100}")
        prompt = self.books.row("SELECT * FROM prompt WHERE checkout = ?", checkout)
        if prompt is None:
            raise WireError(500, "500.001.1001", "The transaction does not Exist")
        # Observed: in flight both faces come; of a finished payment about one poll in five has the second one.
        code = "4999" if prompt["code"] is None else str(prompt["code"])
        if self.random.random() < (0.5 if code == "4999" else 0.2):
            raise WireError(self.random.choice([200, 500]), "500.001.1001", "")
        return answer(
            {
                "ResponseCode": "0",
                "ResponseDescription": "The service request has been accepted successsfully",
                "MerchantRequestID": prompt["merchant"],
                "CheckoutRequestID": checkout,
                "ResultCode": code,
                "ResultDesc": prompt["description"] or "The transaction is still under processing",
            }
        )

    def advance(self) -> None:
        """Let the subscribers whose time has come decide."""
        now = self.clock()
        due = self.books.rows("SELECT * FROM prompt WHERE code IS NULL AND due_at <= ?", to_micros(now))
        for prompt in due:
            match prompt["behaviour"]:
                case "pays":
                    self._pay(prompt, now)
                case "cancels":
                    self._end(prompt, "1032", now)
                case "manual" if self._is_person_deciding(prompt["checkout"]):
                    pass
                case _:
                    self._end(prompt, "1037", now)

    def decide(self, checkout: str, pin: str | None) -> bool:
        """Answer an open prompt by hand: with a PIN, or cancel it with ``None``. False if it is not open."""
        prompt = self.books.row("SELECT * FROM prompt WHERE checkout = ? AND code IS NULL", checkout)
        if prompt is None:
            return False
        subscriber = self.books.row("SELECT pin FROM subscriber WHERE phone = ?", prompt["phone"])
        now = self.clock()
        if pin is None:
            self._end(prompt, "1032", now)
        elif subscriber is None or subscriber["pin"] != pin:
            self._end(prompt, "2001", now)
        else:
            self._pay(prompt, now)
        return True

    def _check_password(self, body: dict[str, Any]) -> None:
        short_code = field(body, "BusinessShortCode", r"\d{5,7}")
        timestamp = field(body, "Timestamp", r"\d{14}")
        expected = base64.b64encode(
            f"{self.business.short_code}{self.business.passkey}{timestamp}".encode()
        ).decode()
        if short_code != self.business.short_code or body.get("Password") != expected:
            raise WireError(500, "500.001.1001", "Wrong credentials")
        try:
            told = datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=EAT)
        except ValueError as error:
            raise WireError(400, "400.002.02", "Bad Request - Invalid Timestamp") from error
        if abs(told - self.clock()) > _TIMESTAMP_TOLERANCE:
            raise WireError(400, "400.002.02", "Bad Request - Invalid Timestamp")

    def _behaviour(self, phone: str) -> str:
        subscriber = self.books.row("SELECT behaviour FROM subscriber WHERE phone = ?", phone)
        return "ignores" if subscriber is None else str(subscriber["behaviour"])

    def _decision_time(self, behaviour: str) -> timedelta:
        if behaviour == "manual":
            return _MANUAL_WAIT
        first, last = (26.0, 60.0) if behaviour == "ignores" else (5.0, 11.0)
        return timedelta(seconds=self.random.uniform(first, last))

    def _is_person_deciding(self, checkout: str) -> bool:
        asked = self._asked_really_at.get(checkout)
        return (
            asked is not None
            and self.real_clock is not None
            and self.real_clock() - asked < self.least_manual_wait
        )

    def _pay(self, prompt: sqlite3.Row, now: datetime) -> None:
        account = subscriber_account(prompt["phone"])
        cents = prompt["kes"] * 100
        if self.books.balance_cents(account) < cents:
            self._end(prompt, "1", now)
            return
        receipt = self.books.new_receipt(self.random, now)
        with self.books.transaction():
            self.books.move(
                "c2b",
                receipt,
                account,
                UTILITY,
                cents,
                at=now,
                phone=prompt["phone"],
                reference=prompt["reference"],
            )
            self._record(prompt, "0", now, receipt)
            self.books.send_sms(
                prompt["phone"],
                now,
                f"{receipt} Confirmed. Ksh{kes_text(cents)} sent to {self.business.name} for account"
                f" {prompt['reference']} on {now.astimezone(EAT):%d/%m/%y at %I:%M %p}."
                f" New M-PESA balance is Ksh{kes_text(self.books.balance_cents(account))}.",
            )

    def _end(self, prompt: sqlite3.Row, code: str, now: datetime) -> None:
        with self.books.transaction():
            self._record(prompt, code, now, None)

    def _record(self, prompt: sqlite3.Row, code: str, now: datetime, receipt: str | None) -> None:
        description = self.random.choice(_DESCRIPTIONS[code])
        self._asked_really_at.pop(prompt["checkout"], None)
        self.books.change(
            "UPDATE prompt SET code = ?, description = ?, receipt = ?, ended_at = ? WHERE checkout = ?",
            code,
            description,
            receipt,
            to_micros(now),
            prompt["checkout"],
        )
        result: dict[str, Any] = {
            "MerchantRequestID": prompt["merchant"],
            "CheckoutRequestID": prompt["checkout"],
            "ResultCode": int(code),
            "ResultDesc": description,
        }
        if receipt is not None:
            result["CallbackMetadata"] = {"Item": self._metadata(prompt, receipt, now)}
        times = 0 if self.faults.happens("F02") else 2 if self.faults.happens("F04") else 1
        due_at = now + timedelta(seconds=self.random.uniform(1, 3))
        body = msgspec.json.encode({"Body": {"stkCallback": result}})
        self.books.deliver_later(prompt["callback"], body, due_at, times=times)

    def _metadata(self, prompt: sqlite3.Row, receipt: str, now: datetime) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = [
            {"Name": "Amount", "Value": float(prompt["kes"])},
            {"Name": "MpesaReceiptNumber", "Value": receipt},
            {"Name": "TransactionDate", "Value": int(compact(now))},
            {"Name": "PhoneNumber", "Value": int(prompt["phone"])},
        ]
        if self.random.random() < 0.5:
            items.insert(2, {"Name": "Balance"})
        return items
