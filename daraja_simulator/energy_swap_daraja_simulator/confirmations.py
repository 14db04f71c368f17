"""C2B's registered addresses and what is posted there: validation questions and confirmations, payer masked."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from .books import UTILITY, Books
from .business import Business
from .chance import Chance
from .clock import compact
from .deliveries import Deliveries

_KEPT_AS = "c2b_urls"


class Registration(msgspec.Struct, frozen=True):
    """What was registered, with the version of the API that it was registered by."""

    version: int
    response_type: str
    confirmation_url: str
    validation_url: str


class Confirmations:
    """The C2B messages to the business."""

    def __init__(self, books: Books, business: Business, deliveries: Deliveries, chance: Chance) -> None:
        self._books = books
        self._business = business
        self._deliveries = deliveries
        self._chance = chance

    def registration(self) -> Registration | None:
        """Return what is registered."""
        kept = self._books.setting(_KEPT_AS)
        return None if not kept else msgspec.json.decode(kept, type=Registration)

    def register(self, registration: Registration | None) -> None:
        """Keep the addresses; ``None`` forgets them."""
        self._books.remember(_KEPT_AS, b"" if registration is None else msgspec.json.encode(registration))

    def ask(self, number: int, receipt: str, phone: str, kes: int, reference: str, at: datetime) -> None:
        """Ask ValidationURL about a payment. Call inside a transaction."""
        registration = self.registration()
        if registration is not None:
            body = self._body(registration, receipt, phone, kes, reference, at, "", "")
            self._deliveries.post(registration.validation_url, body, at, channel="validation", subject=str(number))

    def confirm(
        self,
        receipt: str,
        phone: str,
        kes: int,
        reference: str,
        at: datetime,
        *,
        third_party: str = "",
        bound: str = "",
        after_seconds: float | None = None,
    ) -> None:
        """Owe ConfirmationURL, if there is one, the news of a payment. Call inside a transaction."""
        registration = self.registration()
        if registration is None:
            return
        balance = f"{self._books.balance_cents(UTILITY) / 100:.2f}"
        body = self._body(registration, receipt, phone, kes, reference, at, balance, third_party)
        if after_seconds is None:
            after_seconds = self._chance.of("confirmation").uniform(1, 3)
        self._deliveries.owe(
            registration.confirmation_url,
            body,
            at + timedelta(seconds=after_seconds),
            channel="c2b",
            phone=phone,
            bound=bound,
        )

    def _body(
        self,
        registration: Registration,
        receipt: str,
        phone: str,
        kes: int,
        reference: str,
        at: datetime,
        balance: str,
        third_party: str,
    ) -> dict[str, Any]:
        person = self._books.row("SELECT name FROM subscriber WHERE phone = ?", phone)
        names = (person["name"] if person else "").upper().split()
        middle = " ".join(names[1:-1])
        # Version 1 tells a hash of the number, version 2 its first and last digits.
        payer = sha256(phone.encode()).hexdigest()
        return {
            "TransactionType": "Pay Bill",
            "TransID": receipt,
            "TransTime": compact(at),
            "TransAmount": f"{kes}.00",
            "BusinessShortCode": self._business.short_code,
            "BillRefNumber": reference,
            "InvoiceNumber": "",
            "OrgAccountBalance": balance,
            "ThirdPartyTransID": third_party,
            "MSISDN": payer if registration.version == 1 else f"{phone[:4]} ***** {phone[-3:]}",
            "FirstName": names[0] if names else "",
            "MiddleName": middle,
            "LastName": names[-1] if len(names) > 1 else "",
        }
