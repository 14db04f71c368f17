"""Money in: what a payment to the business moves, what it costs, what may forbid it, and the SMS about it."""

from datetime import datetime, timedelta

from .books import CHARGES, M_PESA, UTILITY, Books, kes_text, subscriber_account
from .business import Business
from .clock import EAT, to_micros
from .faults import Faults
from .rules import RuleBook
from .tariff import c2b_charges_kes

MOST_KES = 250_000
_REVERSED_AFTER_SECONDS = 600.0


class Collections:
    """Payments from subscribers to the Utility account."""

    def __init__(self, books: Books, business: Business, rules: RuleBook, faults: Faults) -> None:
        self._books = books
        self._business = business
        self._rules = rules
        self._faults = faults

    def refusal(self, phone: str, kes: int, at: datetime) -> str | None:
        """Return the result code that forbids a subscriber to pay ``kes``, or ``None``."""
        subscriber = self._books.row("SELECT * FROM subscriber WHERE phone = ?", phone)
        rules = self._rules.now
        if subscriber is not None and subscriber["pin_failures"] >= 3:
            return "8006"
        if kes > MOST_KES:
            return "3"
        customer, _ = c2b_charges_kes(kes, rules.bouquet)
        if self._books.balance_cents(subscriber_account(phone)) < (kes + customer) * 100:
            return "1"
        morning = at.astimezone(EAT).replace(hour=0, minute=0, second=0, microsecond=0)
        today = self._books.row(
            "SELECT coalesce(sum(cents), 0) AS cents FROM movement WHERE phone = ? AND kind = 'c2b' AND at >= ?",
            phone,
            to_micros(morning),
        )
        own = None if subscriber is None else subscriber["daily_limit_kes"]
        daily_limit_kes = rules.daily_limit_kes if own is None else own
        if today is not None and today["cents"] + kes * 100 > daily_limit_kes * 100:
            return "4"
        since = at - timedelta(seconds=rules.same_amount_window_seconds)
        same = "SELECT 1 FROM movement WHERE phone = ? AND kind = 'c2b' AND at > ? AND cents = ?"
        if rules.same_amount_window_seconds and self._books.row(same, phone, to_micros(since), kes * 100):
            return "17"
        return None

    def collect(self, receipt: str, phone: str, kes: int, reference: str, at: datetime, bound: str = "") -> None:
        """Move the money. Call inside a transaction, after `refusal` found nothing."""
        account = subscriber_account(phone)
        self._books.move("c2b", receipt, account, UTILITY, kes * 100, at=at, phone=phone, reference=reference)
        customer, business = c2b_charges_kes(kes, self._rules.now.bouquet)
        for kind, payer, charge in (("c2b_fee", account, customer), ("c2b_charge", CHARGES, business)):
            if charge:
                self._books.move(
                    kind, receipt, payer, M_PESA, charge * 100, at=at, phone=phone, reference=reference
                )
        self._books.send_sms(
            phone,
            at,
            f"{receipt} Confirmed. Ksh{kes_text(kes * 100)} sent to {self._business.name} for account"
            f" {reference} on {at.astimezone(EAT):%d/%m/%y at %I:%M %p}."
            f" New M-PESA balance is Ksh{kes_text(self._books.balance_cents(account))}."
            f" Transaction cost, Ksh{kes_text(customer * 100)}.",
        )
        if later := self._faults.happens("F28", "c2b", phone=phone, bound=bound):
            seconds = _REVERSED_AFTER_SECONDS if later.seconds is None else later.seconds
            self._books.later("reversal", receipt, at + timedelta(seconds=seconds))

    def reverse(self, receipt: str, new_receipt: str, at: datetime) -> str:
        """Give a payment back to its payer and return the result code: ``0``, or why not.

        ``R000001``: was reversed before; ``R000002``: there is no such payment; ``1``: Utility is short.
        """
        payment = self._books.row("SELECT * FROM movement WHERE receipt = ? AND kind = 'c2b'", receipt)
        if payment is None:
            return "R000002"
        if self._books.row("SELECT 1 FROM movement WHERE kind = 'reversal' AND reference = ?", receipt):
            return "R000001"
        if self._books.balance_cents(UTILITY) < payment["cents"]:
            return "1"
        account = payment["source"]
        self._books.move(
            "reversal",
            new_receipt,
            UTILITY,
            account,
            payment["cents"],
            at=at,
            phone=payment["phone"],
            reference=receipt,
        )
        self._books.send_sms(
            payment["phone"],
            at,
            f"{new_receipt} Confirmed. Transaction {receipt} of Ksh{kes_text(payment['cents'])} has been reversed."
            f" New M-PESA balance is Ksh{kes_text(self._books.balance_cents(account))}.",
        )
        return "0"
