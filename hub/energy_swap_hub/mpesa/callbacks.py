"""What a stored callback means for the payment that it is about."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from . import hooks, intents, payouts, receipts, reports, reversals
from .charges import Charges
from .config import MPesaConfig
from .events import PayerOf, PaymentEvents
from .hooks import Callback
from .intents import Intent
from .receipts import Asked
from .tables import PAID
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


@dataclass(frozen=True, slots=True)
class Claim:
    """Money in that an unsigned callback tells of, and what M-Pesa must be asked before it counts."""

    ask_about: Intent | None = None  # the push, by query
    needs_list: bool = False  # the list of payments


def claim_of(connection: Connection, callback: Callback, confirm_above_kes: int) -> Claim:
    """Return what must be asked about a callback before it can be understood.

    A push is asked about. A payment by hand cannot be asked about: it counts at once, as long as all that count so
    and are not on M-Pesa's list yet stay within ``confirm_above_kes``; so does what comes on top of a paid push.
    """
    try:
        match callback.channel:
            case hooks.PUSH:
                intent = intents.find(connection, callback.subject)
                payment = read_push_result(callback.body).payment
            case hooks.CONFIRMATION:
                told = read_confirmation(callback.body)
                payment, intent = told.payment, intents.find_by_reference(connection, told.reference)
            case _:
                return Claim()
    except Unreadable:
        return Claim()
    if payment is None or receipts.find(connection, payment.receipt) is not None:
        return Claim()
    if intent is None:
        unproven = receipts.unproven_kes(connection, callback.community_id, callback.received_at)
        return Claim(needs_list=payment.kes + unproven > confirm_above_kes)
    return Claim(needs_list=True) if intent.state == PAID else Claim(ask_about=intent)


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
            return _record_push(connection, config, events, callback, asked), False
        case hooks.PAYOUT:
            result = read_payout_result(callback.body)
            item = payouts.find_by_conversation(connection, callback.subject)
            if item is None:
                return _NOTHING, False
            return payouts.record_result(
                *(connection, events, charges, item, result, at), confirm_above_kes=config.confirm_above_kes
            ), False
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
            return _receive(connection, config, events, payer_of, callback, asked)
        case _:
            return "queue time-out: the outcome is still open", False


def _record_push(
    connection: Connection, config: MPesaConfig, events: PaymentEvents, callback: Callback, asked: Asked
) -> str:
    push, at = read_push_result(callback.body), callback.received_at
    intent = intents.find(connection, callback.subject)
    if intent is None:
        return _NOTHING
    if push.code != "0":
        return intents.record_code(connection, events, intent, push.code, at)
    return receipts.record_success(
        *(connection, events, intent, push.payment, receipts.CALLBACK, at),
        confirm_above_kes=config.confirm_above_kes,
        asked=asked,
    )


def _receive(
    connection: Connection,
    config: MPesaConfig,
    events: PaymentEvents,
    payer_of: PayerOf | None,
    callback: Callback,
    asked: Asked,
) -> tuple[str, bool]:
    told, at, most = read_confirmation(callback.body), callback.received_at, config.confirm_above_kes
    intent = intents.find_by_reference(connection, told.reference)
    if intent is not None:
        return receipts.record_success(
            *(connection, events, intent, told.payment, receipts.BY_HAND, at), confirm_above_kes=most, asked=asked
        ), False
    is_credited = receipts.find(connection, told.payment.receipt) is not None
    unproven = receipts.unproven_kes(connection, callback.community_id, at)
    if not is_credited and told.payment.kes + unproven > most:
        events.needs_review(
            connection,
            community_id=callback.community_id,
            kind="payment_unconfirmed",
            subject=told.payment.receipt,
            evidence={"kes": told.payment.kes, "reference": masked(told.reference), "callback": callback.number},
        )
        return "so much waits for the list of payments", False
    return receipts.receive(connection, events, payer_of, told, receipts.BY_HAND, at), False
