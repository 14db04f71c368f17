"""B2C: payouts from the Utility account to a subscriber, each originator id once, and their result callbacks."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from .answers import acknowledge, conversation_id, queue_timeout, result
from .books import CHARGES, M_PESA, UTILITY, WORKING, Books, kes_text, subscriber_account
from .business import Business
from .chance import Chance
from .clock import EAT, Clock, dotted, to_micros
from .deliveries import Deliveries
from .faults import Faults
from .initiator import Initiator
from .rules import RuleBook
from .tariff import b2c_charge_kes
from .wire import BOUND, Gate, WireError, answer, field, read_body, url_field


@dataclass(frozen=True, slots=True)
class Payouts:
    """The B2C product, versions 3 (the caller's id) and 1 (no id).

    The business's charge is taken from the Charges Paid account, which therefore goes below zero; the Utility
    account needs the amount alone. That is how results and balances show it (the charges figure is negative).
    """

    books: Books
    business: Business
    rules: RuleBook
    gate: Gate
    faults: Faults
    clock: Clock
    chance: Chance
    deliveries: Deliveries
    initiator: Initiator

    async def pay(self, request: web.Request) -> web.Response:
        """``POST /mpesa/b2c/v3/paymentrequest`` (and v1): take a payout in, unless its id was seen before."""
        self.gate.check(request, "b2c")
        body = await read_body(request)
        if "/v1/" in request.path:
            originator = self.chance.request_id()
        else:
            originator = field(body, "OriginatorConversationID", r"\S{1,100}")
        field(body, "CommandID", "BusinessPayment|SalaryPayment|PromotionPayment")
        kes = int(field(body, "Amount", r"\d{1,9}"))
        field(body, "PartyA", self.business.short_code)
        phone = field(body, "PartyB", r"254\d{9}")
        field(body, "Remarks", r".{2,100}")
        timeout_url = url_field(body, "QueueTimeOutURL")
        result_url = url_field(body, "ResultURL")
        occasion = field(body, "Occassion", r".{1,100}") if body.get("Occassion") else ""
        sealed = field(body, "SecurityCredential", r"\S{1,1000}")
        name = field(body, "InitiatorName", r".{1,100}")
        if self.books.row("SELECT 1 FROM payout WHERE originator = ?", originator) is not None:
            return self._refuse_duplicate(originator)
        now = self.clock()
        conversation = conversation_id(self.chance.of("conversation"), now)
        with self.books.transaction():
            code = self.initiator.check(name, sealed)
            due_at = now + timedelta(seconds=self.chance.of("payout").uniform(2, 6))
            self.books.insert(
                "payout",
                {
                    "originator": originator,
                    "conversation": conversation,
                    "phone": phone,
                    "kes": kes,
                    "initiator_code": code,
                    "result_url": result_url,
                    "timeout_url": timeout_url,
                    "occasion": occasion,
                    "bound": request.headers.get(BOUND, ""),
                    "asked_at": now,
                    "due_at": due_at,
                },
            )
            self.books.later("payout", originator, due_at)
        return answer(acknowledge(originator, conversation))

    def due(self, originator: str, at: datetime) -> None:
        """Carry a payout out, or let it time out in the queue first."""
        payout = self._open(originator)
        if payout is None:
            return
        late = self.faults.happens("F19", "b2c", phone=payout["phone"], bound=payout["bound"])
        if late is None:
            self._carry_out(payout, at)
            return
        self.deliveries.owe(
            payout["timeout_url"], queue_timeout(originator, payout["conversation"]), at, channel="timeout"
        )
        if late.variant == "then-result":
            self.books.later("payout after timeout", originator, at + timedelta(seconds=30))
        elif late.variant == "silent":
            self._carry_out(payout, at, is_told=False)
        else:
            self._end(payout, "expired", None, at)

    def after_timeout(self, originator: str, at: datetime) -> None:
        """Carry out a payout that timed out in the queue before."""
        payout = self._open(originator)
        if payout is not None:
            self._carry_out(payout, at)

    def _open(self, originator: str) -> sqlite3.Row | None:
        return self.books.row("SELECT * FROM payout WHERE originator = ? AND code IS NULL", originator)

    def _refuse_duplicate(self, originator: str) -> web.Response:
        shape = self.rules.now.duplicate_shape
        if shape == "either":
            shape = self.chance.of("duplicate").choice(["error", "response"])
        if shape == "error":
            raise WireError(500, "500.002.1001", "Duplicate OriginatorConversationID.")
        words = {"ResponseCode": "1", "ResponseDescription": "Duplicate OriginatorConversationID."}
        return answer({"ConversationID": "", "OriginatorConversationID": originator, **words})

    def _code(self, payout: sqlite3.Row) -> str:
        phone, kes = payout["phone"], payout["kes"]

        def forced(number: str) -> str | None:
            happening = self.faults.happens(number, "b2c", phone=phone, bound=payout["bound"])
            return None if happening is None else happening.variant.replace("-", "_")

        if (code := forced("F21")) is not None:
            if code == "8006":
                self.initiator.lock()
            return code
        if payout["initiator_code"] != "0":
            return str(payout["initiator_code"])
        if (code := forced("F22")) is not None:
            return code
        if kes < 10:
            return "2"
        if kes > 250_000:
            return "3"
        subscriber = self.books.row("SELECT wallet_limit_kes FROM subscriber WHERE phone = ?", phone)
        if subscriber is None:
            return "2040"
        own = subscriber["wallet_limit_kes"]
        limit_kes = self.rules.now.wallet_limit_kes if own is None else own
        if self.books.balance_cents(subscriber_account(phone)) + kes * 100 > limit_kes * 100:
            return "8"
        return "1" if forced("F20") or self.books.balance_cents(UTILITY) < kes * 100 else "0"

    def _carry_out(self, payout: sqlite3.Row, at: datetime, *, is_told: bool = True) -> None:
        code = self._code(payout)
        parameters: list[tuple[str, Any]] = []
        receipt = None
        if code == "0":
            receipt = self.books.new_receipt(self.chance.of("receipt"), at)
            parameters = self._move(payout, receipt, at)
        self._end(payout, code, receipt, at)
        if not is_told:
            return
        dummy = self.books.new_receipt(self.chance.of("dummy"), at)[:3] + "0000000"
        body = result(
            code,
            originator=payout["originator"],
            conversation=payout["conversation"],
            transaction=receipt or dummy,
            parameters=parameters,
            occasion=payout["occasion"],
        )
        self.deliveries.owe(
            payout["result_url"],
            body,
            at + timedelta(seconds=self.chance.of("payout").uniform(1, 3)),
            channel="b2c",
            subject=payout["originator"],
            phone=payout["phone"],
            bound=payout["bound"],
        )

    def _end(self, payout: sqlite3.Row, code: str, receipt: str | None, at: datetime) -> None:
        self.books.change(
            "UPDATE payout SET code = ?, receipt = ?, ended_at = ? WHERE originator = ?",
            code,
            receipt,
            to_micros(at),
            payout["originator"],
        )

    def _move(self, payout: sqlite3.Row, receipt: str, at: datetime) -> list[tuple[str, Any]]:
        phone, kes = payout["phone"], payout["kes"]
        account = subscriber_account(phone)
        originator = payout["originator"]
        self.books.move("b2c", receipt, UTILITY, account, kes * 100, at=at, phone=phone, reference=originator)
        charge = b2c_charge_kes(kes)
        if charge:
            self.books.move(
                "b2c_charge", receipt, CHARGES, M_PESA, charge * 100, at=at, phone=phone, reference=originator
            )
        self.books.send_sms(
            phone,
            at,
            f"{receipt} Confirmed. You have received Ksh{kes_text(kes * 100)} from {self.business.name} on"
            f" {at.astimezone(EAT):%d/%m/%y at %I:%M %p}."
            f" New M-PESA balance is Ksh{kes_text(self.books.balance_cents(account))}.",
        )
        subscriber = self.books.row("SELECT name FROM subscriber WHERE phone = ?", phone)
        name = "" if subscriber is None else subscriber["name"]
        return [
            ("TransactionAmount", kes),
            ("TransactionReceipt", receipt),
            ("ReceiverPartyPublicName", f"{phone} - {name}"),
            ("TransactionCompletedDateTime", dotted(at)),
            ("B2CUtilityAccountAvailableFunds", self.books.balance_cents(UTILITY) / 100),
            ("B2CWorkingAccountAvailableFunds", self.books.balance_cents(WORKING) / 100),
            ("B2CRecipientIsRegisteredCustomer", "Y"),
            ("B2CChargesPaidAccountAvailableFunds", self.books.balance_cents(CHARGES) / 100),
        ]
