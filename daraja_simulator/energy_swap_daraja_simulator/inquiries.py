"""What is asked with an initiator and answered later: transaction status, account balance, reversal."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from aiohttp import web

from .answers import Pairs, acknowledge, conversation_id, queue_timeout, result
from .books import CHARGES, UTILITY, WORKING, Books
from .business import Business
from .chance import Chance
from .clock import Clock, compact, from_micros
from .deliveries import Deliveries
from .faults import Faults
from .initiator import Initiator
from .money import Collections
from .wire import BOUND, Gate, WireError, answer, field, read_body, url_field

_LESS_CENTS: Final = 10_000
_PAYOUT_STATES: Final = {None: "Initiated", "0": "Completed", "expired": "Expired"}


@dataclass(frozen=True, slots=True)
class Inquiries:
    """The three products that answer at ResultURL."""

    books: Books
    business: Business
    gate: Gate
    faults: Faults
    clock: Clock
    chance: Chance
    deliveries: Deliveries
    initiator: Initiator
    collections: Collections

    async def status(self, request: web.Request) -> web.Response:
        """``POST /mpesa/transactionstatus/v1/query``: what became of a transaction, by receipt or conversation."""
        self.gate.check(request, "status")
        body = await read_body(request)
        field(body, "CommandID", "TransactionStatusQuery")
        field(body, "PartyA", self.business.short_code)
        field(body, "IdentifierType", "4")
        if not body.get("TransactionID") and not _conversation(body):
            raise WireError(400, "400.002.02", "Bad Request - Invalid TransactionID")
        return self._take(request, body, "status")

    async def balance(self, request: web.Request) -> web.Response:
        """``POST /mpesa/accountbalance/v1/query``: what the accounts hold."""
        self.gate.check(request, "balance")
        body = await read_body(request)
        field(body, "CommandID", "AccountBalance")
        field(body, "PartyA", self.business.short_code)
        field(body, "IdentifierType", "4")
        return self._take(request, body, "balance")

    async def reversal(self, request: web.Request) -> web.Response:
        """``POST /mpesa/reversal/v1/request``: give a payment in back to its payer, once."""
        self.gate.check(request, "reversal")
        body = await read_body(request)
        field(body, "CommandID", "TransactionReversal")
        field(body, "TransactionID", r"\S{1,40}")
        field(body, "Amount", r"[1-9]\d{0,5}")
        field(body, "ReceiverParty", self.business.short_code)
        field(body, "RecieverIdentifierType", "11")
        field(body, "Remarks", r".{2,100}")
        return self._take(request, body, "reversal")

    def _take(self, request: web.Request, body: dict[str, Any], kind: str) -> web.Response:
        timeout_url = url_field(body, "QueueTimeOutURL")
        result_url = url_field(body, "ResultURL")
        sealed = field(body, "SecurityCredential", r"\S{1,1000}")
        name = field(body, "Initiator", r".{1,100}")
        now = self.clock()
        originator = self.chance.request_id()
        conversation = conversation_id(self.chance.of("conversation"), now)
        asked = {key: value for key, value in body.items() if key != "SecurityCredential"}
        with self.books.transaction():
            code = self.initiator.check(name, sealed)
            self.books.insert(
                "inquiry",
                {
                    "originator": originator,
                    "conversation": conversation,
                    "kind": kind,
                    "request": msgspec.json.encode(asked),
                    "initiator_code": code,
                    "result_url": result_url,
                    "timeout_url": timeout_url,
                    "bound": request.headers.get(BOUND, ""),
                    "asked_at": now,
                },
            )
            self.books.later("inquiry", originator, now + timedelta(seconds=self.chance.of(kind).uniform(1, 3)))
        return answer(acknowledge(originator, conversation))

    def due(self, originator: str, at: datetime) -> None:
        """Answer an inquiry, or let it time out in the queue first."""
        inquiry = self._row(originator)
        late = self.faults.happens("F19", inquiry["kind"], bound=inquiry["bound"])
        if late is None:
            self.after_timeout(originator, at)
            return
        self.deliveries.owe(
            inquiry["timeout_url"], queue_timeout(originator, inquiry["conversation"]), at, channel="timeout"
        )
        if late.variant == "then-result":
            self.books.later("inquiry after timeout", originator, at + timedelta(seconds=30))
        elif late.variant == "silent":
            self._answer(inquiry, at)

    def after_timeout(self, originator: str, at: datetime) -> None:
        """Answer an inquiry."""
        inquiry = self._row(originator)
        code, transaction, parameters = self._answer(inquiry, at)
        asked = msgspec.json.decode(inquiry["request"])
        body = result(
            code,
            originator=originator,
            conversation=inquiry["conversation"],
            transaction=transaction or self.books.new_receipt(self.chance.of("dummy"), at)[:3] + "0000000",
            parameters=parameters if code == "0" else (),
            occasion=str(asked.get("Occasion") or ""),
        )
        due_at = at + timedelta(seconds=self.chance.of(inquiry["kind"]).uniform(1, 3))
        self.deliveries.owe(
            inquiry["result_url"],
            body,
            due_at,
            channel=inquiry["kind"],
            subject=originator,
            bound=inquiry["bound"],
        )

    def reverse_unasked(self, receipt: str, at: datetime) -> None:
        """Take a payment back without anybody at the business asking."""
        self.collections.reverse(receipt, self.books.new_receipt(self.chance.of("receipt"), at), at)

    def _row(self, originator: str) -> sqlite3.Row:
        row = self.books.row("SELECT * FROM inquiry WHERE originator = ?", originator)
        if row is None:
            raise LookupError(f"the books know no inquiry {originator}")
        return row

    def _answer(self, inquiry: sqlite3.Row, at: datetime) -> tuple[str, str, Pairs]:
        """Return the result code, the receipt if there is one, and the result parameters."""
        if happening := self.faults.happens("F21", inquiry["kind"], bound=inquiry["bound"]):
            return happening.variant, "", ()
        if inquiry["initiator_code"] != "0":
            return inquiry["initiator_code"], "", ()
        asked = msgspec.json.decode(inquiry["request"])
        match inquiry["kind"]:
            case "balance":
                return "0", "", self._balances(inquiry, at)
            case "reversal":
                return self._reverse(asked, at)
            case _:
                return self._status_of(asked)

    def _balances(self, inquiry: sqlite3.Row, at: datetime) -> Pairs:
        less = self.faults.happens("F31", "balance", bound=inquiry["bound"])
        accounts = (
            ("Working Account", self.books.balance_cents(WORKING)),
            ("Utility Account", self.books.balance_cents(UTILITY) - (_LESS_CENTS if less else 0)),
            ("Charges Paid Account", self.books.balance_cents(CHARGES)),
        )
        told = "&".join(f"{name}|KES|{cents / 100:.2f}|{cents / 100:.2f}|0.00|0.00" for name, cents in accounts)
        return [("AccountBalance", told), ("BOCompletedTime", int(compact(at)))]

    def _reverse(self, asked: dict[str, Any], at: datetime) -> tuple[str, str, Pairs]:
        original = str(asked["TransactionID"])
        payment = self.books.row("SELECT * FROM movement WHERE receipt = ? AND kind = 'c2b'", original)
        if payment is not None and int(asked["Amount"]) * 100 != payment["cents"]:
            return "25", "", ()
        receipt = self.books.new_receipt(self.chance.of("receipt"), at)
        code = self.collections.reverse(original, receipt, at)
        if code != "0" or payment is None:
            return code, "", ()
        utility = f"{self.books.balance_cents(UTILITY) / 100:.2f}"
        parameters = [
            ("DebitAccountBalance", f"Utility Account|KES|{utility}|{utility}|0.00|0.00"),
            ("Amount", payment["cents"] / 100),
            ("TransCompletedTime", int(compact(at))),
            ("OriginalTransactionID", original),
            ("Charge", 0.0),
            ("CreditPartyPublicName", self._public_name(payment["phone"])),
            ("DebitPartyPublicName", f"{self.business.short_code} - {self.business.name}"),
        ]
        return "0", receipt, parameters

    def _status_of(self, asked: dict[str, Any]) -> tuple[str, str, Pairs]:
        found = self._find_payout(asked)
        if found is not None and found["receipt"] is None:
            return "0", "", self._of_unpaid(found)
        receipt = str(asked.get("TransactionID") or "") if found is None else found["receipt"]
        row = self.books.row(
            "SELECT * FROM movement WHERE receipt = ? AND kind IN ('c2b', 'b2c', 'reversal')", receipt
        )
        if row is None:
            return "R000002", "", ()
        return "0", "", self._of_movement(row, found)

    def _find_payout(self, asked: dict[str, Any]) -> sqlite3.Row | None:
        conversation = _conversation(asked)
        return self.books.row(
            "SELECT * FROM payout WHERE receipt = ? OR originator = ? OR conversation = ?",
            str(asked.get("TransactionID") or "") or None,
            conversation,
            conversation,
        )

    def _of_unpaid(self, payout: sqlite3.Row) -> Pairs:
        state = _PAYOUT_STATES.get(payout["code"], "Declined")
        time = int(compact(from_micros(payout["asked_at"])))
        ended = None if payout["ended_at"] is None else int(compact(from_micros(payout["ended_at"])))
        return [
            ("ReceiptNo", None),
            ("ConversationID", payout["conversation"]),
            ("FinalisedTime", ended),
            ("Amount", payout["kes"]),
            ("TransactionStatus", state),
            ("ReasonType", "Business Payment to Customer via API"),
            ("TransactionReason", None),
            ("DebitPartyCharges", None),
            ("DebitAccountType", "Utility Account"),
            ("InitiatedTime", time),
            ("OriginatorConversationID", payout["originator"]),
            ("DebitPartyName", f"{self.business.short_code} - {self.business.name}"),
            ("DebitPartyName", self._public_name(payout["phone"])),
        ]

    def _of_movement(self, row: sqlite3.Row, payout: sqlite3.Row | None) -> Pairs:
        is_in = row["kind"] == "c2b"
        charge = self.books.row(
            "SELECT cents FROM movement WHERE receipt = ? AND kind = ?", row["receipt"], f"{row['kind']}_charge"
        )
        fee = {"c2b": "Pay Utility Charge", "b2c": "Fee For B2C Payment"}.get(row["kind"], "Fee For Reversal")
        reason = {"c2b": "Pay Bill Online", "b2c": "Business Payment to Customer via API"}.get(
            row["kind"], "Transaction Reversal via API"
        )
        undone = is_in and self.books.row(
            "SELECT 1 FROM movement WHERE kind = 'reversal' AND reference = ?", row["receipt"]
        )
        time = int(compact(from_micros(row["at"])))
        business = f"{self.business.short_code} - {self.business.name}"
        person = self._public_name(row["phone"])
        debit, credit = (person, business) if is_in else (business, person)
        return [
            ("ReceiptNo", row["receipt"]),
            ("ConversationID", payout["conversation"] if payout else ""),
            ("FinalisedTime", time),
            ("Amount", row["cents"] // 100),
            ("TransactionStatus", "Reversed" if undone else "Completed"),
            ("ReasonType", reason),
            ("TransactionReason", None),
            ("DebitPartyCharges", f"{fee}|KES|{charge['cents'] / 100:.2f}" if charge else None),
            ("DebitAccountType", "MMF Account For Customer" if is_in else "Utility Account"),
            ("InitiatedTime", int(compact(from_micros(payout["asked_at"]))) if payout else time),
            ("OriginatorConversationID", payout["originator"] if payout else ""),
            ("DebitPartyName", debit),
            ("DebitPartyName", credit),
        ]

    def _public_name(self, phone: str) -> str:
        person = self.books.row("SELECT name FROM subscriber WHERE phone = ?", phone)
        return f"{phone} - {person['name'] if person else ''}"


def _conversation(asked: dict[str, Any]) -> str | None:
    found = asked.get("OriginalConversationID") or asked.get("OriginatorConversationID")
    return None if not found else str(found)
