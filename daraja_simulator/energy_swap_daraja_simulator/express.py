"""M-Pesa Express on the wire: STK push and its query."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web

from .answers import stk_words
from .books import Books
from .business import Business
from .chance import Chance
from .clock import EAT, Clock
from .faults import Faults
from .money import MOST_KES
from .prompts import Prompts
from .wire import BOUND, Gate, WireError, answer, field, read_body, url_field

_TIMESTAMP_TOLERANCE: Final = timedelta(hours=1)  # wide, but a clock in UTC is three hours off
_FLAPS: Final = {"success": "0", "timeout": "1037"}
_IN_FLIGHT: Final = {"empty-200": 200, "empty-500": 500}


@dataclass(frozen=True, slots=True)
class Express:
    """The STK product. ``deliver_now`` sends the callbacks that are due and returns when they are through."""

    books: Books
    business: Business
    gate: Gate
    faults: Faults
    clock: Clock
    chance: Chance
    prompts: Prompts
    deliver_now: Callable[[], Awaitable[int]]

    async def push(self, request: web.Request) -> web.Response:
        """``POST /mpesa/stkpush/v1/processrequest``: accept a prompt. Two equal requests are two prompts."""
        self.gate.check(request, "stk")
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
        bound = request.headers.get(BOUND, "")
        double = self.faults.happens("F12", "stk", phone=phone, bound=bound)
        variant = "" if double is None else double.variant
        open_prompt = self.books.row("SELECT 1 FROM prompt WHERE phone = ? AND code IS NULL", phone)
        if variant == "lock" or (open_prompt is not None and variant != "both"):
            raise WireError(
                500,
                "500.001.1001",
                "Unable to lock subscriber, a transaction is already in process for the current subscriber",
            )
        if variant in ("17", "1001"):
            bound = f"F12/{variant}, {bound}"
        now = self.clock()
        stream = self.chance.of("push")
        checkout = f"ws_CO_{now.astimezone(EAT):%d%m%Y%H%M%S}{stream.randrange(1000):03d}{phone[3:]}"
        merchant = f"{stream.randrange(10**5):05d}-{stream.randrange(10**8):08d}-1"
        with self.books.transaction():
            self.prompts.open(
                {
                    "checkout": checkout,
                    "merchant": merchant,
                    "phone": phone,
                    "kes": kes,
                    "reference": reference,
                    "callback": callback,
                    "asked_at": now,
                    "bound": bound,
                }
            )
        if self.faults.happens("F05", "stk", phone=phone, bound=bound):
            self.prompts.end_at_once(checkout)
            await self.deliver_now()
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
        self.gate.check(request, "query")
        body = await read_body(request)
        self._check_password(body)
        checkout = field(body, "CheckoutRequestID", r"\S{1,100}")
        prompt = self.books.row("SELECT * FROM prompt WHERE checkout = ?", checkout)
        if prompt is None:
            raise WireError(500, "500.001.1001", "The transaction does not Exist")
        code = self._shown_code(prompt["code"], prompt["phone"], request.headers.get(BOUND, ""))
        stream = self.chance.of("query prose")
        words = "The transaction is still under processing" if code == "4999" else stk_words(code, stream)
        return answer(
            {
                "ResponseCode": "0",
                "ResponseDescription": "The service request has been accepted successsfully",
                "MerchantRequestID": prompt["merchant"],
                "CheckoutRequestID": checkout,
                "ResultCode": code,
                "ResultDesc": words,
            }
        )

    def _shown_code(self, code: str | None, phone: str, bound: str) -> str:
        """Return the code to tell. Raises `WireError` where the query says nothing."""
        stream = self.chance.of("query")
        if code is None:
            if face := self.faults.happens("F06", "query", phone=phone, bound=bound):
                if face.variant in _IN_FLIGHT:
                    raise WireError(_IN_FLIGHT[face.variant], "500.001.1001", "")
                return "4999"
            # Observed: in flight both faces come.
            if stream.random() < 0.5:
                raise WireError(stream.choice([200, 500]), "500.001.1001", "")
            return "4999"
        if flap := self.faults.happens("F07", "query", phone=phone, bound=bound):
            if flap.variant in _FLAPS:
                return _FLAPS[flap.variant]
            raise WireError(stream.choice([200, 500]), "500.001.1001", "")
        # Observed: of a finished payment about one poll in five says nothing.
        if stream.random() < 0.2:
            raise WireError(stream.choice([200, 500]), "500.001.1001", "")
        return code

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
        if self.faults.happens("F27", "stk"):
            raise WireError(500, "500.001.1001", "Wrong credentials")
