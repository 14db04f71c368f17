"""What a stored callback means for the payment that it is about."""

from typing import Final

from sqlalchemy import Connection

from . import hooks, intents, payouts, receipts, reports, reversals
from .charges import Charges
from .config import MPesaConfig
from .events import PayerOf, PaymentEvents
from .hooks import Callback
from .receipts import Asked
from .wire import (
    Unreadable,
    masked,
    read_balances,
    read_confirmation,
    read_payout_result,
    read_push_result,
    read_reversal,
    read_status,
)

_NOTHING: Final = "nothing of ours"


def waits_for_list(callback: Callback, confirm_above_kes: int) -> bool:
    """Return whether a payment by hand is so large that M-Pesa's own list must show it: callbacks are unsigned."""
    if callback.channel != hooks.CONFIRMATION:
        return False
    try:
        return read_confirmation(callback.body).payment.kes > confirm_above_kes
    except Unreadable:
        return False


def says_paid(callback: Callback) -> bool:
    """Return whether a callback tells of the success of a payment that a phone was asked for."""
    if callback.channel != hooks.PUSH:
        return False
    try:
        return read_push_result(callback.body).payment is not None
    except Unreadable:
        return False


def understand(
    connection: Connection,
    config: MPesaConfig,
    events: PaymentEvents,
    charges: Charges,
    payer_of: PayerOf | None,
    callback: Callback,
    asked: Asked,
) -> tuple[str, bool]:
    """Carry out what a callback says; return what it meant, and whether its body must be kept for a person."""
    try:
        return _understand(connection, config, events, charges, payer_of, callback, asked)
    except Unreadable as error:
        if callback.community_id:
            events.needs_review(
                connection,
                community_id=callback.community_id,
                kind="callback_unreadable",
                subject=callback.subject,
                evidence={"callback": callback.number, "problem": str(error)},
            )
        return f"unreadable: {error}", True


def _understand(
    connection: Connection,
    config: MPesaConfig,
    events: PaymentEvents,
    charges: Charges,
    payer_of: PayerOf | None,
    callback: Callback,
    asked: Asked,
) -> tuple[str, bool]:
    at = callback.received_at
    match callback.channel:
        case hooks.PUSH:
            push = read_push_result(callback.body)
            intent = intents.find(connection, callback.subject)
            if intent is None:
                return _NOTHING, False
            most = config.confirm_above_kes
            return receipts.record_push_result(
                connection, events, intent, push, at, confirm_above_kes=most, asked=asked
            ), False
        case hooks.PAYOUT:
            result = read_payout_result(callback.body)
            item = payouts.find_by_conversation(connection, callback.subject)
            if item is None:
                return _NOTHING, False
            return payouts.record_result(connection, events, charges, item, result, at), False
        case hooks.STATUS:
            status = read_status(callback.body)
            item = payouts.find_by_conversation(connection, callback.subject)
            if item is None:
                return _NOTHING, False
            return payouts.record_status(connection, events, charges, item, status, at), False
        case hooks.REVERSAL:
            reversed_ = read_reversal(callback.body)
            reversal = reversals.find(connection, callback.subject.upper())
            if reversal is None:
                return _NOTHING, False
            return reversals.record_result(connection, events, reversal, reversed_, at), False
        case hooks.BALANCE:
            balances = read_balances(callback.body)
            if balances is None:
                return "no balances", False
            reports.record_balances(connection, int(callback.subject), balances, at)
            return "balances", False
        case hooks.CONFIRMATION:
            return _receive(connection, config, events, payer_of, callback)
        case _:
            return "queue time-out: the outcome is still open", False


def _receive(
    connection: Connection,
    config: MPesaConfig,
    events: PaymentEvents,
    payer_of: PayerOf | None,
    callback: Callback,
) -> tuple[str, bool]:
    told = read_confirmation(callback.body)
    is_credited = receipts.find(connection, told.payment.receipt) is not None
    if told.payment.kes > config.confirm_above_kes and not is_credited:
        events.needs_review(
            connection,
            community_id=callback.community_id,
            kind="payment_unconfirmed",
            subject=told.payment.receipt,
            evidence={"kes": told.payment.kes, "reference": masked(told.reference), "callback": callback.number},
        )
        return "so much waits for the list of payments", False
    return receipts.receive(connection, events, payer_of, told, "c2b", callback.received_at), False
