"""What M-Pesa's outcomes mean for the ledger, and what may be paid out."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from energy_swap_hub import ledger
from energy_swap_hub.ledger import PAYOUT_PENDING, SUSPENSE, TRUST_CASH, Entry, Posting
from energy_swap_hub.membership import households
from energy_swap_hub.mpesa.payouts import LEAST_KES, MOST_KES

from .reviews import open_review

# Below the first fee band a payout costs nothing; between the bands the fee is out of proportion (docs/mpesa.md).
_FREE_KES: Final = 100
_WORTH_A_FEE_KES: Final = 500


def most_kes(cents: int, charge_cents: Callable[[int], int]) -> int:
    """Return the most whole KES that ``cents`` pay out together with their charge."""
    kes = max(min(cents // 100, MOST_KES), 0)
    while kes and kes * 100 + charge_cents(kes) > cents:
        kes -= 1
    return kes


def payable_kes(cents: int, charge_cents: Callable[[int], int]) -> int:
    """Return the whole KES that a scheduled payout of at most ``cents`` sends; 0 when it is not sensible.

    Up to KES 100 travels free; above that nothing below KES 500 is worth its charge. What stays is carried
    forward.
    """
    kes = most_kes(cents, charge_cents)
    if kes < LEAST_KES:
        return 0
    return kes if kes <= _FREE_KES or kes >= _WORTH_A_FEE_KES else _FREE_KES


def book_pay_out(
    connection: Connection,
    community_id: str,
    household_id: str,
    payout_id: str,
    *,
    kes: int,
    fee_cents: int,
    now: datetime,
) -> None:
    """Set ``kes`` and the expected fee aside for a payout; raises `Overdrawn` when the wallet has less."""
    total = kes * 100 + fee_cents
    postings = [Posting(ledger.kes(household_id), -total), Posting(PAYOUT_PENDING, total)]
    ledger.post(connection, community_id, Entry("payout", payout_id, now, f"payout of KES {kes}", postings))


class PaymentBook:
    """The outcomes of payments, posted inside the transaction in which M-Pesa's room records them."""

    def __init__(self, clock: Callable[[], datetime], on_change: Callable[[str], None]) -> None:
        self._clock = clock
        self._on_change = on_change

    def received(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str,
        cents: int,
        receipt: str,
        at: datetime,
    ) -> None:
        """Credit the household by receipt; money for nobody we know waits in suspense, with a review."""
        try:
            account = ledger.kes(households.by_id(connection, community_id, household_id).id)
        except LookupError:
            account = SUSPENSE
            evidence = {"household": household_id, "cents": cents, "receipt": receipt}
            open_review(connection, community_id, kind="unknown payer", subject=receipt, evidence=evidence, now=at)
        postings = [Posting(account, cents), Posting(TRUST_CASH, -cents)]
        entry = Entry("mpesa", receipt, at, "top-up", postings, booked_at=self._clock())
        ledger.post(connection, community_id, entry)
        self._on_change(household_id)

    def receive_failed(
        self, connection: Connection, *, community_id: str, household_id: str, intent_id: str, reason: str
    ) -> None:
        """Nothing was posted for a top-up that failed, so nothing is undone."""
        del connection, community_id, intent_id, reason
        self._on_change(household_id)

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
        ledger.post(connection, community_id, Entry("mpesa", receipt, at, text, postings, booked_at=self._clock()))
        self._on_change(household_id)

    def pay_out_failed(
        self, connection: Connection, *, community_id: str, household_id: str, payout_id: str, reason: str
    ) -> None:
        """The money never left: what was set aside goes back to the wallet."""
        pending = ledger.posted(connection, community_id, "payout", payout_id, PAYOUT_PENDING)
        postings = [Posting(PAYOUT_PENDING, -pending), Posting(ledger.kes(household_id), pending)]
        text = f"payout {payout_id} failed: {reason}"
        ledger.post(connection, community_id, Entry("payout_failed", payout_id, self._clock(), text, postings))
        self._on_change(household_id)

    def needs_review(
        self, connection: Connection, *, community_id: str, kind: str, subject: str, evidence: Mapping[str, Any]
    ) -> None:
        """Put an unknown outcome in front of a person."""
        open_review(
            connection, community_id, kind=kind, subject=subject, evidence=dict(evidence), now=self._clock()
        )
