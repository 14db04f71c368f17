"""What a person found out about a payment that M-Pesa left open; its own word may still come and is recognised."""

import re
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from . import intents, payouts, receipts, reversals
from .charges import Charges
from .events import PayerOf, PaymentEvents, PaymentRefused
from .intents import Intent
from .payouts import Payout
from .reversals import Reversal
from .tables import ACCEPTED, CONFIRMED, FAILED, REVIEW, payment_receipt, payment_reversal, payout
from .wire import Payment, PayoutResult, PulledPayment

_RECEIPT: Final = re.compile(r"[A-Z0-9]{8,20}")
_NOT_FOUND: Final = "A person looked it up at M-Pesa: it was not paid."


def undecided_top_up(
    connection: Connection, community_id: str, intent_id: str, *, is_doubted: bool = False
) -> Intent | None:
    """Return a top-up that waits for a person; None when there is none, or M-Pesa's word came.

    ``is_doubted``: a success was told that does not fit it, which may be true though its end was told otherwise.
    """
    states = (CONFIRMED, FAILED, REVIEW) if is_doubted else (CONFIRMED, REVIEW)
    intent = intents.find(connection, intent_id)
    is_here = intent is not None and intent.community_id == community_id
    return intent if is_here and intent is not None and intent.state in states else None


def undecided_payout(connection: Connection, community_id: str, payout_id: str) -> Payout | None:
    """Return a payout that waits for a person; None when there is none, or M-Pesa's word came."""
    item = payouts.find(connection, community_id, payout_id)
    if item is None or not (item.state == REVIEW or (item.state == ACCEPTED and item.is_overdue)):
        return None
    return item


def undecided_reversal(connection: Connection, community_id: str, receipt: str) -> Reversal | None:
    """Return a reversal that waits for a person; None when there is none, or M-Pesa's word came."""
    item = reversals.find(connection, receipt)
    return item if item and item.community_id == community_id and item.state == REVIEW else None


def credit_top_up(
    connection: Connection, events: PaymentEvents, intent: Intent, *, receipt: str, kes: int, now: datetime
) -> None:
    """Credit an undecided top-up with the receipt that a person found; raises `PaymentRefused`."""
    _check_payment(connection, receipt, kes)
    receipts.credit(connection, events, intent, Payment(receipt, kes, None), "person", now)


def close_top_up(connection: Connection, events: PaymentEvents, intent: Intent, now: datetime) -> None:
    """End an undecided top-up without money. A receipt that comes later is still credited."""
    intents.fail(connection, events, intent, _NOT_FOUND, now, states=(CONFIRMED, REVIEW))


def credit_announced(
    connection: Connection,
    events: PaymentEvents,
    payer_of: PayerOf,
    *,
    reference: str,
    receipt: str,
    kes: int,
    now: datetime,
) -> bool:
    """Credit a payment by hand that a person found at M-Pesa, to the account that its payer named.

    Return whether its owner is known: else it waits in suspense. Raises `PaymentRefused`.
    """
    _check_payment(connection, receipt, kes)
    told = PulledPayment(reference, Payment(receipt, kes, None))
    return receipts.receive(connection, events, payer_of, told, "person", now) == receipts.CREDITED


def close_payout_as_paid(
    connection: Connection, events: PaymentEvents, charges: Charges, item: Payout, *, receipt: str, now: datetime
) -> None:
    """End an undecided payout by a receipt that a person found, at the expected fee; raises `PaymentRefused`."""
    _check_receipt(connection, receipt)
    found = PayoutResult("0", item.originator_conversation_id, Payment(receipt, item.kes, None), None)
    payouts.pay(connection, events, charges, item, found, now)


def close_payout_as_unpaid(connection: Connection, events: PaymentEvents, item: Payout, now: datetime) -> None:
    """End an undecided payout: the money goes back. M-Pesa's later word that it was paid goes into a review."""
    payouts.fail(connection, events, item, _NOT_FOUND, now)


def close_reversal(
    connection: Connection, events: PaymentEvents, item: Reversal, *, receipt: str | None, now: datetime
) -> None:
    """End an undecided reversal by the receipt that a person found, or as not done; raises `PaymentRefused`."""
    if receipt is None:
        reversals.fail(connection, events, item, "A person looked it up at M-Pesa: it was not given back.", now)
        return
    _check_receipt(connection, receipt)
    reversals.finish(connection, events, item, receipt, now, now)


def _check_payment(connection: Connection, receipt: str, kes: int) -> None:
    _check_receipt(connection, receipt)
    if not 1 <= kes <= intents.MOST_KES:
        raise PaymentRefused(f"A payment is between 1 and {intents.MOST_KES:,} KES.")


def _check_receipt(connection: Connection, receipt: str) -> None:
    if not _RECEIPT.fullmatch(receipt):
        raise PaymentRefused("A receipt is 8 to 20 capital letters and digits, like SKJ4H7T2QX.")
    for known in (payment_receipt.c.receipt, payout.c.receipt, payment_reversal.c.reversal_receipt):
        if connection.execute(select(known).where(known == receipt)).first() is not None:
            raise PaymentRefused(f"The receipt {receipt} is in the books already.")
