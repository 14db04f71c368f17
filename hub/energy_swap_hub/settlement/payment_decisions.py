"""What a person can decide about money at M-Pesa, and how it is carried out."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from energy_swap_protocol.units import CENTS_PER_KES
from sqlalchemy import Connection, select

from energy_swap_hub import ledger
from energy_swap_hub.ledger import FEES, SUSPENSE, TRUST_CASH, Entry, Posting
from energy_swap_hub.mpesa import MPesa, hooks, payouts, receipts, reversals
from energy_swap_hub.mpesa.decisions import undecided_payout, undecided_reversal, undecided_top_up
from energy_swap_hub.mpesa.reports import line_of
from energy_swap_hub.mpesa.tables import payout

from .actions import Action, Decision
from .payments import UNKNOWN_PAYER, assign_payment
from .reconciliation import BOOKS_DIFFER, booked_charge

# Owed to the community: M-Pesa took money back, or gave it twice, after it was spent.
RECEIVABLE: Final = "reversal_receivable"

_PAYOUT_KINDS: Final = {
    "payout_result_missing",
    "payout_result_unclear",
    "payout_result_of_another",
    "payout_refused_later",
}


def payment_actions(connection: Connection, community_id: str, kind: str, subject: str) -> list[Action]:
    """Return what can be done about an open review on a payment now."""
    match kind:
        case "top_up_unresolved" if undecided_top_up(connection, community_id, subject):
            return [Action.CREDIT, Action.CLOSE_UNPAID]
        case _ if kind in _PAYOUT_KINDS and undecided_payout(connection, community_id, subject):
            return [Action.PAID, Action.NOT_PAID]
        case "reversal_unresolved" if undecided_reversal(connection, community_id, subject):
            return [Action.REVERSED, Action.NOT_REVERSED]
        case "callback_held" if subject.isdecimal() and hooks.is_held(connection, int(subject)):
            return [Action.LET_IN, Action.TURN_AWAY]
        case "payout_set_up" if payouts.stopped(connection, community_id) is not None:
            return [Action.RESUME_PAYOUTS]
        case "payout_paid_after_end" if not _is_booked_twice(connection, community_id, subject):
            return [Action.BOOK]
        case _ if kind == UNKNOWN_PAYER:
            return [Action.ASSIGN] if receipts.waits_for_owner(connection, subject) else []
        case _ if kind == BOOKS_DIFFER:
            return _difference_actions(connection, community_id, subject)
        case _:
            return []


def _difference_actions(connection: Connection, community_id: str, subject: str) -> list[Action]:
    kind, _, receipt = subject.partition(":")
    if kind == "balance":
        return [Action.RESUME_PAYOUTS] if payouts.stopped(connection, community_id) is not None else []
    if kind in _BOOKABLE and _BOOKABLE[kind][0](connection, community_id, receipt):
        return [Action.BOOK]
    return []


def decide_payment(
    connection: Connection,
    mpesa: MPesa,
    community_id: str,
    kind: str,
    subject: str,
    decision: Decision,
    now: datetime,
) -> str:
    """Carry out an action that `payment_actions` allows, and return what was done, in words."""
    match decision.action:
        case Action.CREDIT | Action.CLOSE_UNPAID:
            top_up = undecided_top_up(connection, community_id, subject)
            assert top_up is not None, "only an undecided top-up is decided"
            if decision.action is Action.CLOSE_UNPAID:
                mpesa.decide_top_up(connection, top_up, paid=None, now=now)
                return "closed as not paid"
            receipt, kes = _receipt(decision), decision.kes
            if kes is None:
                raise ValueError("kes is missing: how much was paid, in whole KES")
            mpesa.decide_top_up(connection, top_up, paid=(receipt, kes), now=now)
            return f"credited KES {kes} by receipt {receipt}"
        case Action.PAID | Action.NOT_PAID:
            item = undecided_payout(connection, community_id, subject)
            assert item is not None, "only an undecided payout is decided"
            found = _receipt(decision) if decision.action is Action.PAID else None
            mpesa.decide_payout(connection, item, receipt=found, now=now)
            return "not paid: the money was given back" if found is None else f"closed as paid by receipt {found}"
        case Action.REVERSED | Action.NOT_REVERSED:
            reversal = undecided_reversal(connection, community_id, subject)
            assert reversal is not None, "only an undecided reversal is decided"
            found = _receipt(decision) if decision.action is Action.REVERSED else None
            mpesa.decide_reversal(connection, reversal, receipt=found, now=now)
            return "not given back: the money stays" if found is None else f"closed as given back by {found}"
        case Action.ASSIGN:
            if decision.household is None:
                raise ValueError("household is missing: whose the payment is, like h-001")
            kes = assign_payment(connection, community_id, subject, decision.household, now)
            return f"KES {kes} credited to {decision.household}"
        case Action.LET_IN:
            hooks.let_in(connection, int(subject))
            return "the callback counts"
        case Action.TURN_AWAY:
            hooks.turn_away(connection, int(subject), now)
            return "the callback does not count"
        case Action.RESUME_PAYOUTS:
            payouts.let_go(connection, community_id)
            return "payouts go again"
        case Action.BOOK:
            return _book(connection, community_id, kind, subject, now)
        case _:
            raise AssertionError("no action about a payment")


def _receipt(decision: Decision) -> str:
    if decision.receipt is None:
        raise ValueError("receipt is missing: M-Pesa's, as its portal shows it")
    return decision.receipt


def _book(connection: Connection, community_id: str, kind: str, subject: str, now: datetime) -> str:
    if kind == BOOKS_DIFFER:
        difference, _, receipt = subject.partition(":")
        return _BOOKABLE[difference][1](connection, community_id, receipt, now)
    item = payouts.find(connection, community_id, subject)
    assert item is not None, "it was paid, so it is there"
    cents = item.kes * CENTS_PER_KES
    _book_loss(
        connection, community_id, item.household_id, cents, Entry("payout_twice", subject, now, "paid twice", ())
    )
    return f"KES {item.kes} that left twice booked"


def _is_booked_twice(connection: Connection, community_id: str, payout_id: str) -> bool:
    is_known = payouts.find(connection, community_id, payout_id) is not None
    return not is_known or ledger.posted(connection, community_id, "payout_twice", payout_id, TRUST_CASH) != 0


def _book_loss(
    connection: Connection, community_id: str, household_id: str | None, cents: int, entry: Entry
) -> None:
    """Book money that left M-Pesa: the household's as far as it has it, the rest it owes; else suspense."""
    if household_id is None:
        parts = [Posting(SUSPENSE, -cents)]
    else:
        account = ledger.kes(household_id)
        taken = min(cents, ledger.balance(connection, community_id, account))
        parts = [Posting(account, -taken), Posting(RECEIVABLE, taken - cents)]
    postings = [*parts, Posting(TRUST_CASH, cents)]
    ledger.post(connection, community_id, Entry(entry.source, entry.external_id, entry.at, entry.text, postings))


def _is_reversal_open(connection: Connection, community_id: str, receipt: str) -> bool:
    line = line_of(connection, receipt, "reversal")
    # One that was asked for in the meantime has its money set aside, and an end of its own.
    if line is None or reversals.is_under_way(connection, line.reference):
        return False
    return not ledger.posted(connection, community_id, "mpesa", receipt, TRUST_CASH)


def _book_reversal(connection: Connection, community_id: str, receipt: str, now: datetime) -> str:
    line = line_of(connection, receipt, "reversal")
    assert line is not None, "it is listed"
    original = receipts.find(connection, line.reference)
    owner = None if original is None else original.household_id
    text = f"M-Pesa took payment {line.reference} back"
    _book_loss(connection, community_id, owner, -line.cents, Entry("mpesa", receipt, now, text, ()))
    if original is not None:
        reversals.record_unasked(connection, original, receipt, -line.cents, now)
    return f"the reversal {receipt} of {line.reference or 'a payment'} booked"


def _is_out_unknown(connection: Connection, community_id: str, receipt: str) -> bool:
    is_ours = connection.execute(select(payout.c.kes).where(payout.c.receipt == receipt)).first() is not None
    is_booked = ledger.posted(connection, community_id, "mpesa", receipt, TRUST_CASH) != 0
    return line_of(connection, receipt, "out") is not None and not is_ours and not is_booked


def _book_out(connection: Connection, community_id: str, receipt: str, now: datetime) -> str:
    line = line_of(connection, receipt, "out")
    assert line is not None, "it is listed"
    text = "left M-Pesa without an order of the hub's"
    _book_loss(connection, community_id, None, -line.cents, Entry("mpesa", receipt, now, text, ()))
    return f"the movement {receipt} booked against suspense"


def _charge_difference(connection: Connection, community_id: str, receipt: str) -> int:
    line = line_of(connection, receipt, "charge")
    return 0 if line is None else booked_charge(connection, community_id, receipt) - line.cents


def _book_charge(connection: Connection, community_id: str, receipt: str, now: datetime) -> str:
    cents = _charge_difference(connection, community_id, receipt)
    postings = [Posting(FEES, -cents), Posting(TRUST_CASH, cents)]
    ledger.post(
        connection, community_id, Entry("mpesa_charge", receipt, now, f"M-Pesa's charge for {receipt}", postings)
    )
    return f"the charge for {receipt} booked"


def _is_charge_other(connection: Connection, community_id: str, receipt: str) -> bool:
    is_corrected = ledger.posted(connection, community_id, "mpesa_charge", receipt, TRUST_CASH) != 0
    return not is_corrected and _charge_difference(connection, community_id, receipt) != 0


type _Test = Callable[[Connection, str, str], bool]
type _Booking = Callable[[Connection, str, str, datetime], str]

_BOOKABLE: Final[dict[str, tuple[_Test, _Booking]]] = {
    "reversed_unasked": (_is_reversal_open, _book_reversal),
    "unknown_out": (_is_out_unknown, _book_out),
    "other_charge": (_is_charge_other, _book_charge),
}
