"""C2B: registered addresses, payments from the subscriber's own menu, validation before them."""

from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from .books import Books
from .business import Business
from .chance import Chance
from .clock import Clock, from_micros
from .confirmations import Confirmations, Registration
from .faults import Faults
from .money import MOST_KES, Collections
from .rules import RuleBook
from .wire import BOUND, Gate, WireError, answer, field, read_body, url_field

_REFUSALS = ("C2B00011", "C2B00012", "C2B00013", "C2B00014", "C2B00015", "C2B00016")


class CustomerPayments:
    """The C2B product. A payment from the menu (Lipa na M-PESA, Pay Bill) needs no request of the business."""

    def __init__(
        self,
        books: Books,
        business: Business,
        rules: RuleBook,
        gate: Gate,
        faults: Faults,
        clock: Clock,
        chance: Chance,
        collections: Collections,
        confirmations: Confirmations,
    ) -> None:
        self._books = books
        self._business = business
        self._rules = rules
        self._gate = gate
        self._faults = faults
        self._clock = clock
        self._chance = chance
        self._collections = collections
        self._confirmations = confirmations

    async def register(self, request: web.Request) -> web.Response:
        """``POST /mpesa/c2b/v2/registerurl`` (and v1): once; then only the portal can delete the addresses."""
        self._gate.check(request, "c2b")
        body = await read_body(request)
        field(body, "ShortCode", self._business.short_code)
        response_type = field(body, "ResponseType", "Completed|Cancelled")
        confirmation = url_field(body, "ConfirmationURL")
        validation = url_field(body, "ValidationURL")
        if self._confirmations.registration() is not None:
            raise WireError(500, "500.003.1001", "Urls are already registered.")
        version = 1 if "/v1/" in request.path else 2
        self._confirmations.register(Registration(version, response_type, confirmation, validation))
        return answer(
            {
                "OriginatorCoversationID": self._chance.request_id(),
                "ResponseCode": "0",
                "ResponseDescription": "Success",
            }
        )

    async def simulate(self, request: web.Request) -> web.Response:
        """``POST /mpesa/c2b/v2/simulate`` (sandbox only): a subscriber pays from the menu."""
        self._gate.check(request, "c2b")
        body = await read_body(request)
        field(body, "ShortCode", self._business.short_code)
        field(body, "CommandID", "CustomerPayBillOnline|CustomerBuyGoodsOnline")
        kes = int(field(body, "Amount", r"[1-9]\d{0,5}"))
        phone = field(body, "Msisdn", r"254\d{9}")
        reference = field(body, "BillRefNumber", r".{0,20}") if "BillRefNumber" in body else ""
        self.pay(phone, kes, reference, bound=request.headers.get(BOUND, ""))
        return answer(
            {
                "OriginatorCoversationID": self._chance.request_id(),
                "ResponseCode": "0",
                "ResponseDescription": "Accept the service request successfully.",
            }
        )

    def pay(self, phone: str, kes: int, reference: str, *, bound: str = "") -> int:
        """Let a subscriber pay from the menu; return the payment's number, by which `told` tells its end."""
        at = self._clock()
        if mistake := self._faults.happens("F24", "c2b", phone=phone, bound=bound):
            kes, reference = _mistype(kes, reference, mistake.variant)
        with self._books.transaction():
            receipt = self._books.new_receipt(self._chance.of("receipt"), at)
            self._books.insert(
                "menu_payment",
                {
                    "phone": phone,
                    "kes": kes,
                    "reference": reference,
                    "receipt": receipt,
                    "asked_at": at,
                    "bound": bound,
                },
            )
            row = self._books.row("SELECT last_insert_rowid() AS number")
            number = int(row["number"]) if row else 0
            if self._rules.now.is_validation_on and self._confirmations.registration() is not None:
                self._confirmations.ask(number, receipt, phone, kes, reference, at)
            else:
                self._finish(number, at)
        return number

    def told(self, number: int) -> dict[str, Any]:
        """Return what became of a payment from the menu: ``code`` is ``None`` while it is open."""
        row = self._books.row("SELECT * FROM menu_payment WHERE number = ?", number)
        shown = ("number", "phone", "kes", "reference", "receipt", "code")
        return {} if row is None else {key: row[key] for key in shown}

    def validated(self, subject: str, body: bytes | None) -> None:
        """Go on with a payment after ValidationURL answered (``None``: it did not)."""
        payment = self._books.row("SELECT * FROM menu_payment WHERE number = ? AND code IS NULL", int(subject))
        if payment is None:
            return
        code, third_party = _verdict(body)
        registration = self._confirmations.registration()
        if code == "":
            is_completed = registration is not None and registration.response_type == "Completed"
            code = "0" if is_completed else "C2B00016"
        if code == "0":
            self._books.change(
                "UPDATE menu_payment SET third_party = ? WHERE number = ?", third_party, payment["number"]
            )
            self._finish(payment["number"], max(self._clock(), from_micros(payment["asked_at"])))
        else:
            self._refuse(payment["number"], payment["phone"], code, self._clock())

    def _finish(self, number: int, at: datetime) -> None:
        payment = self._books.row("SELECT * FROM menu_payment WHERE number = ?", number)
        if payment is None:
            return
        phone, kes, reference = payment["phone"], payment["kes"], payment["reference"]
        if code := self._collections.refusal(phone, kes, at):
            self._refuse(number, phone, code, at)
            return
        self._books.change("UPDATE menu_payment SET code = '0' WHERE number = ?", number)
        bound = payment["bound"]
        self._collections.collect(payment["receipt"], phone, kes, reference, at, bound)
        self._confirmations.confirm(
            payment["receipt"], phone, kes, reference, at, third_party=payment["third_party"], bound=bound
        )

    def _refuse(self, number: int, phone: str, code: str, at: datetime) -> None:
        self._books.change("UPDATE menu_payment SET code = ? WHERE number = ?", code, number)
        self._books.send_sms(
            phone,
            at,
            f"Failed. Your payment to {self._business.name} was not accepted ({code}). No money was taken.",
        )


def _verdict(body: bytes | None) -> tuple[str, str]:
    """Return the validation's result code ("" when nothing usable came) and its ThirdPartyTransID."""
    try:
        told = msgspec.json.decode(body or b"", type=dict[str, Any])
    except msgspec.DecodeError, UnicodeDecodeError, RecursionError:
        return "", ""
    code = str(told.get("ResultCode", ""))
    if code in _REFUSALS:
        return code, ""
    return ("0" if code == "0" else ""), str(told.get("ThirdPartyTransID") or "")[:100]


def _mistype(kes: int, reference: str, variant: str) -> tuple[int, str]:
    match variant:
        case "missing":
            return kes, ""
        case "partial":
            return max(kes // 2, 1), reference
        case "over":
            return min(kes * 2, MOST_KES), reference
        case _:
            swapped = reference[:-2] + reference[-1:] + reference[-2:-1]
            return kes, swapped if swapped != reference else f"{reference[:-1]}X"
