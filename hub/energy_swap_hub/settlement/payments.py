"""What M-Pesa's outcomes mean for the ledger."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from energy_swap_protocol.units import CENTS_PER_KES
from sqlalchemy import Connection

from energy_swap_hub import ledger
from energy_swap_hub.ledger import PAYOUT_PENDING, SUSPENSE, TRUST_CASH, Entry, Posting
from energy_swap_hub.membership import households
from energy_swap_hub.membership.files import confirm_phone
from energy_swap_hub.mpesa import MPesa, PaymentRefused, receipts
from energy_swap_hub.mpesa.tables import TOP_UP

from .notifications import Event, Notification, notify
from .payers import member
from .reviews import close_reviews, open_review

UNKNOWN_PAYER: Final = "unknown payer"
# What M-Pesa's own word decides, also when it comes after a person was asked.
_WAIT_FOR_WORD: Final = (
    "top_up_unresolved",
    "callback_differs",
    "payment_unconfirmed",
    "payout_result_missing",
    "payout_result_unclear",
    "payout_result_of_another",
    "payout_refused_later",
    "reversal_unresolved",
)
PHONE: Final = "phone:"  # the purpose of a payment that confirms a household's phone, with its id
_PROOF_KES: Final = 1
_PROOF_MINUTES: Final = 10


def ask_phone_proof(
    connection: Connection, mpesa: MPesa, phone: str, community_id: str, household_id: str, now: datetime
) -> str:
    """Ask the household's phone for KES 1, which goes to its wallet: who pays it holds the phone.

    Raises `PaymentRefused` while the phone has an open payment.
    """
    return mpesa.request_payment(
        connection,
        community_id=community_id,
        household_id=household_id,
        phone=phone,
        kes=_PROOF_KES,
        purpose=f"{PHONE}{household_id}",
        now=now,
        expires_at=now + timedelta(minutes=_PROOF_MINUTES),
    )


def assign_payment(
    connection: Connection, community_id: str, receipt: str, household_id: str, now: datetime
) -> int:
    """Move a payment in suspense to its owner's wallet and return its KES.

    Raises `LookupError` when the household is not there, or the payment is not or is somebody's already.
    """
    owner = households.by_id(connection, community_id, household_id).id
    received = receipts.find(connection, receipt)
    if received is None or received.community_id != community_id:
        raise LookupError(f"no payment {receipt} waits for an owner")
    receipts.assign(connection, receipt, owner)
    cents = received.kes * CENTS_PER_KES
    postings = [Posting(SUSPENSE, -cents), Posting(ledger.kes(owner), cents)]
    entry = Entry("mpesa_assigned", receipt, now, f"payment {receipt} found its owner", postings)
    ledger.post(connection, community_id, entry)
    return received.kes


def order_reversal(
    connection: Connection, mpesa: MPesa, community_id: str, receipt: str, *, reason: str, who: str, now: datetime
) -> None:
    """Give a payment that came by mistake back to its payer: its money is set aside first, then asked for once.

    Raises `LookupError` for a receipt that is not in the books, `Overdrawn` when the wallet holds less, and
    `PaymentRefused` when it was ordered before.
    """
    if not reason.strip():
        raise ValueError("reason is missing: say in a few words why the payment is given back")
    received = receipts.find(connection, receipt)
    if received is None or received.community_id != community_id:
        raise LookupError(f"no payment {receipt} is in the books")
    if received.kes == 0:
        raise PaymentRefused(f"M-Pesa never had the payment {receipt}: there is nothing to give back.")
    cents = received.kes * CENTS_PER_KES
    if received.household_id is None and ledger.balance(connection, community_id, SUSPENSE) < cents:
        raise PaymentRefused(f"There is less in suspense than the payment {receipt} brought.")
    mpesa.request_reversal(connection, received, now)
    account = SUSPENSE if received.household_id is None else ledger.kes(received.household_id)
    postings = [Posting(account, -cents), Posting(PAYOUT_PENDING, cents)]
    text = f"payment {receipt} goes back: {reason.strip()} (ordered by {who})"
    ledger.post(connection, community_id, Entry("reversal", receipt, now, text, postings))
    households.record_audit(
        connection, community_id, who=who, what=f"gave a payment back: {reason.strip()}", subject=receipt, now=now
    )


class Purchases(Protocol):
    """Who is told, in the same transaction, what became of a payment for something (`MPesa.request_payment`)."""

    def paid(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str,
        purpose: str,
        cents: int,
        at: datetime,
    ) -> None:
        """The money for ``purpose`` is in the household's wallet now; ``cents`` may differ from what was asked."""

    def not_paid(
        self, connection: Connection, *, community_id: str, household_id: str, purpose: str, reason: str
    ) -> None:
        """What ``purpose`` names is given up; money that comes later stays in the wallet."""


class PaymentBook:
    """The outcomes of payments, posted inside the transaction in which M-Pesa's room records them."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        on_change: Callable[[str], None],
        purchases: Purchases | None = None,
    ) -> None:
        self._clock = clock
        self._on_change = on_change
        self._purchases = purchases

    def received(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str | None,
        cents: int,
        receipt: str,
        at: datetime,
        purpose: str = TOP_UP,
        is_late: bool = False,
        reference: str = "",
        name: str = "",
    ) -> None:
        """Credit the household, once by the payment's name; nobody's money waits in suspense, with a review."""
        owner = member(connection, community_id, household_id)
        if owner is None:
            account = SUSPENSE
            self._ask_whose(connection, community_id, household_id, cents, receipt, reference)
        else:
            account = ledger.kes(owner)
        postings = [Posting(account, cents), Posting(TRUST_CASH, -cents)]
        text = "top-up" if purpose == TOP_UP else f"late paid for {purpose}" if is_late else f"paid for {purpose}"
        entry = Entry("mpesa", name or receipt, at, text, postings, booked_at=self._clock())
        is_new = ledger.post(connection, community_id, entry)
        if is_new and owner is not None:
            data = {"cents": cents, "receipt": receipt}
            self._tell(connection, community_id, owner, Event.TOPPED_UP, data)
        if is_new and owner is not None and purpose == f"{PHONE}{owner}":
            # The prompt went to the household's own phone, and whoever holds it has paid.
            confirm_phone(connection, community_id, owner, by=f"payment {receipt}", now=self._clock())
        if is_new and self._purchases is not None and owner is not None and purpose != TOP_UP and not is_late:
            self._purchases.paid(
                connection, community_id=community_id, household_id=owner, purpose=purpose, cents=cents, at=at
            )
        self._on_change(owner or "")

    def receive_failed(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str,
        intent_id: str,
        reason: str,
        purpose: str = TOP_UP,
    ) -> None:
        """Nothing was posted for a payment that failed, so nothing is undone; its purpose is given up."""
        del intent_id
        self._tell(connection, community_id, household_id, Event.PAYMENT_FAILED, {"reason": reason})
        if self._purchases is not None and purpose != TOP_UP:
            self._purchases.not_paid(
                connection, community_id=community_id, household_id=household_id, purpose=purpose, reason=reason
            )
        self._on_change(household_id)

    def reversed_(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str | None,
        receipt: str,
        cents: int,
        reversal_receipt: str,
        at: datetime,
    ) -> None:
        """What was set aside has left the trust account."""
        postings = [Posting(PAYOUT_PENDING, -cents), Posting(TRUST_CASH, cents)]
        text = f"payment {receipt} was given back"
        entry = Entry("mpesa", reversal_receipt, at, text, postings, booked_at=self._clock())
        ledger.post(connection, community_id, entry)
        self._on_change(household_id or "")

    def reverse_failed(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str | None,
        receipt: str,
        cents: int,
        reason: str,
    ) -> None:
        """The money never left: what was set aside goes back to where it was."""
        if household_id is None:
            account = SUSPENSE
            received = receipts.find(connection, receipt)
            reference = "" if received is None else received.reference
            self._ask_whose(connection, community_id, None, cents, receipt, reference)
        else:
            account = ledger.kes(household_id)
        postings = [Posting(PAYOUT_PENDING, -cents), Posting(account, cents)]
        text = f"payment {receipt} was not given back: {reason}"
        ledger.post(connection, community_id, Entry("reversal_failed", receipt, self._clock(), text, postings))
        self._on_change(household_id or "")

    def paid_out(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str,
        payout_id: str,
        cents: int,
        fee_cents: int,
        receipt: str,
        at: datetime,
    ) -> None:
        """Money and fee have left the trust account; a fee other than expected is settled with the household."""
        pending = ledger.posted(connection, community_id, "payout", payout_id, PAYOUT_PENDING)
        spent = cents + fee_cents
        postings = [Posting(PAYOUT_PENDING, -pending), Posting(TRUST_CASH, spent)]
        if pending > spent:
            postings.append(Posting(ledger.kes(household_id), pending - spent))
        elif pending < spent:
            # The community bears what the tariff did not announce, never the seller's wallet.
            postings.append(Posting(ledger.FEES, pending - spent))
        text = f"payout {payout_id} arrived"
        entry = Entry("mpesa", receipt, at, text, postings, booked_at=self._clock())
        if ledger.post(connection, community_id, entry):
            data = {"cents": cents, "receipt": receipt}
            self._tell(connection, community_id, household_id, Event.PAID_OUT, data)
        self._on_change(household_id)

    def pay_out_failed(
        self, connection: Connection, *, community_id: str, household_id: str, payout_id: str, reason: str
    ) -> None:
        """The money never left: what was set aside goes back to the wallet."""
        pending = ledger.posted(connection, community_id, "payout", payout_id, PAYOUT_PENDING)
        postings = [Posting(PAYOUT_PENDING, -pending), Posting(ledger.kes(household_id), pending)]
        text = f"payout {payout_id} failed: {reason}"
        if ledger.post(connection, community_id, Entry("payout_failed", payout_id, self._clock(), text, postings)):
            self._tell(connection, community_id, household_id, Event.PAYOUT_FAILED, {"reason": reason})
        self._on_change(household_id)

    def _ask_whose(
        self,
        connection: Connection,
        community_id: str,
        household_id: str | None,
        cents: int,
        receipt: str,
        reference: str,
    ) -> None:
        """Put money in suspense in front of a person, also where it comes back there after all was decided."""
        evidence = {"household": household_id, "cents": cents, "receipt": receipt, "reference": reference}
        open_review(
            connection, community_id, kind=UNKNOWN_PAYER, subject=receipt, evidence=evidence, now=self._clock()
        )

    def _tell(
        self, connection: Connection, community_id: str, household_id: str, event: Event, data: dict[str, Any]
    ) -> None:
        notify(connection, community_id, [Notification(household_id, event, data)], self._clock())

    def needs_review(
        self, connection: Connection, *, community_id: str, kind: str, subject: str, evidence: Mapping[str, Any]
    ) -> None:
        """Put an unknown outcome in front of a person."""
        open_review(
            connection, community_id, kind=kind, subject=subject, evidence=dict(evidence), now=self._clock()
        )

    def answered(self, connection: Connection, *, community_id: str, subject: str, word: str) -> None:
        """Take back from the queue what waited for M-Pesa's word only."""
        close_reviews(connection, community_id, _WAIT_FOR_WORD, subject, note=word, now=self._clock())
