"""B2C: payouts from the Utility account to a subscriber, each originator id once, and their result callbacks."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

import msgspec
from aiohttp import web

from .books import CHARGES, M_PESA, UTILITY, Books, kes_text, subscriber_account
from .business import Business
from .clock import EAT, Clock, dotted, to_micros
from .credential import decrypt
from .faults import Faults, lose_answer
from .tariff import b2c_charge_kes
from .wire import Gate, WireError, answer, field, read_body, url_field

_DESCRIPTIONS: Final = {
    "0": "The service request is processed successfully.",
    "1": "The balance is insufficient for the transaction.",
    "2": "Declined due to limit rule: less than the minimum transaction amount.",
    "3": "Declined due to limit rule: greater than the maximum transaction amount.",
    "2001": "The initiator information is invalid.",
    "2040": "Credit Party customer type (Unregistered or Registered Customer) can't be supported by the service .",
}


def conversation_id(random: Random, now: datetime) -> str:
    """Return a new ``AG_...`` id."""
    return f"AG_{now.astimezone(EAT):%Y%m%d}_{random.getrandbits(80):020x}"


def acknowledge(originator: str, conversation: str) -> dict[str, str]:
    """Return the body that says a request was taken in."""
    return {
        "ConversationID": conversation,
        "OriginatorConversationID": originator,
        "ResponseCode": "0",
        "ResponseDescription": "Accept the service request successfully.",
    }


def result(
    code: str, description: str, originator: str, conversation: str, transaction: str, parameters: dict[str, Any]
) -> bytes:
    """Return the body of a result callback; failures carry no parameters."""
    body: dict[str, Any] = {
        "ResultType": 0,
        "ResultCode": int(code),
        "ResultDesc": description,
        "OriginatorConversationID": originator,
        "ConversationID": conversation,
        "TransactionID": transaction,
    }
    if parameters:
        body["ResultParameters"] = {
            "ResultParameter": [{"Key": key, "Value": value} for key, value in parameters.items()]
        }
    body["ReferenceData"] = {
        "ReferenceItem": {
            "Key": "QueueTimeoutURL",
            "Value": "https://internalapi.safaricom.co.ke/mpesa/b2cresults/v1/submit",
        }
    }
    return msgspec.json.encode({"Result": body})


@dataclass(frozen=True, slots=True)
class Payouts:
    """The B2C product, version 3.

    The business's charge is taken from the Charges Paid account, which therefore goes below zero; the Utility
    account needs the amount alone. That is how results and balances show it (the charges figure is negative).
    """

    books: Books
    business: Business
    gate: Gate
    faults: Faults
    clock: Clock
    random: Random
    key: bytes

    async def pay(self, request: web.Request) -> web.Response:
        """``POST /mpesa/b2c/v3/paymentrequest``: take a payout in, unless its id was seen before."""
        self.gate.check(request, 401, "401.002.01")
        body = await read_body(request)
        originator = field(body, "OriginatorConversationID", r"\S{1,100}")
        field(body, "CommandID", "BusinessPayment|SalaryPayment|PromotionPayment")
        kes = int(field(body, "Amount", r"\d{1,9}"))
        field(body, "PartyA", self.business.short_code)
        phone = field(body, "PartyB", r"254\d{9}")
        field(body, "Remarks", r".{2,100}")
        url_field(body, "QueueTimeOutURL")
        result_url = url_field(body, "ResultURL")
        password = decrypt(self.key, field(body, "SecurityCredential", r"\S{1,1000}"))
        initiator = field(body, "InitiatorName", r".{1,100}")
        is_true = (initiator, password) == (self.business.initiator, self.business.initiator_password)
        now = self.clock()
        conversation = conversation_id(self.random, now)
        try:
            with self.books.transaction():
                self.books.insert(
                    "payout",
                    {
                        "originator": originator,
                        "conversation": conversation,
                        "phone": phone,
                        "kes": kes,
                        "is_initiator_true": is_true,
                        "result_url": result_url,
                        "asked_at": now,
                        "due_at": now + timedelta(seconds=self.random.uniform(2, 6)),
                    },
                )
        except sqlite3.IntegrityError as error:
            raise WireError(500, "500.002.1001", "Duplicate OriginatorConversationID.") from error
        if self.faults.happens("F17"):
            lose_answer(request)
        return answer(acknowledge(originator, conversation))

    def advance(self) -> None:
        """Carry out the payouts whose time has come."""
        now = self.clock()
        for payout in self.books.rows("SELECT * FROM payout WHERE code IS NULL AND due_at <= ?", to_micros(now)):
            with self.books.transaction():
                self._carry_out(payout, now)

    def _code(self, payout: sqlite3.Row) -> str:
        if not payout["is_initiator_true"]:
            return "2001"
        if payout["kes"] < 10:
            return "2"
        if payout["kes"] > 250_000:
            return "3"
        if self.books.row("SELECT 1 FROM subscriber WHERE phone = ?", payout["phone"]) is None:
            return "2040"
        return "1" if self.books.balance_cents(UTILITY) < payout["kes"] * 100 else "0"

    def _carry_out(self, payout: sqlite3.Row, now: datetime) -> None:
        code = self._code(payout)
        parameters: dict[str, Any] = {}
        receipt = None
        if code == "0":
            receipt = self.books.new_receipt(self.random, now)
            parameters = self._move(payout, receipt, now)
        self.books.change(
            "UPDATE payout SET code = ?, receipt = ?, ended_at = ? WHERE originator = ?",
            code,
            receipt,
            to_micros(now),
            payout["originator"],
        )
        if self.faults.happens("F18"):
            return
        dummy = self.books.new_receipt(self.random, now)[:3] + "0000000"
        body = result(
            code, _DESCRIPTIONS[code], payout["originator"], payout["conversation"], receipt or dummy, parameters
        )
        self.books.deliver_later(payout["result_url"], body, now + timedelta(seconds=self.random.uniform(1, 3)))

    def _move(self, payout: sqlite3.Row, receipt: str, now: datetime) -> dict[str, Any]:
        phone, kes = payout["phone"], payout["kes"]
        account = subscriber_account(phone)
        originator = payout["originator"]
        self.books.move("b2c", receipt, UTILITY, account, kes * 100, at=now, phone=phone, reference=originator)
        charge = b2c_charge_kes(kes)
        if charge:
            self.books.move(
                "b2c_charge", receipt, CHARGES, M_PESA, charge * 100, at=now, phone=phone, reference=originator
            )
        self.books.send_sms(
            phone,
            now,
            f"{receipt} Confirmed. You have received Ksh{kes_text(kes * 100)} from {self.business.name} on"
            f" {now.astimezone(EAT):%d/%m/%y at %I:%M %p}."
            f" New M-PESA balance is Ksh{kes_text(self.books.balance_cents(account))}.",
        )
        subscriber = self.books.row("SELECT name FROM subscriber WHERE phone = ?", phone)
        name = "" if subscriber is None else subscriber["name"]
        return {
            "TransactionAmount": kes,
            "TransactionReceipt": receipt,
            "ReceiverPartyPublicName": f"{phone} - {name}",
            "TransactionCompletedDateTime": dotted(now),
            "B2CUtilityAccountAvailableFunds": self.books.balance_cents(UTILITY) / 100,
            "B2CWorkingAccountAvailableFunds": 0.0,
            "B2CRecipientIsRegisteredCustomer": "Y",
            "B2CChargesPaidAccountAvailableFunds": self.books.balance_cents(CHARGES) / 100,
        }
