"""What a person can decide about money at M-Pesa, and how it is carried out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from energy_swap_hub.membership.households import by_id
from energy_swap_hub.mpesa import MPesa, hooks, payouts, receipts, reversals
from energy_swap_hub.mpesa.decisions import undecided_payout, undecided_reversal, undecided_top_up
from energy_swap_hub.mpesa.tables import FAILED, REVIEW

from .actions import Action, Decision
from .difference_bookings import book_difference, book_twice, can_book, is_booked_twice
from .payment_cases import asked_about
from .payments import UNKNOWN_PAYER, assign_payment, order_reversal
from .reconciliation import BOOKS_DIFFER

_DOUBTED: Final = "callback_differs"
_PAYOUT_KINDS: Final = {
    "payout_result_missing",
    "payout_result_unclear",
    "payout_result_of_another",
    "payout_refused_later",
}


def payment_actions(connection: Connection, community_id: str, kind: str, subject: str) -> list[Action]:
    """Return what can be done about an open review on a payment now."""
    match kind:
        case "top_up_unresolved" | "callback_differs" if undecided_top_up(
            connection, community_id, subject, is_doubted=kind == _DOUBTED
        ):
            return [Action.CREDIT, Action.CLOSE_UNPAID, Action.ASK_AGAIN]
        case "payment_unconfirmed" if receipts.find(connection, subject) is None:
            return [Action.CREDIT, Action.CLOSE_UNPAID, Action.ASK_AGAIN]
        case _ if kind in _PAYOUT_KINDS and (item := undecided_payout(connection, community_id, subject)):
            can_send = item.state == REVIEW and payouts.stopped(connection, community_id) is None
            again = [Action.SEND_AGAIN] if can_send else []
            return [Action.PAID, Action.NOT_PAID, Action.ASK_AGAIN, *again]
        case "callback_unreadable":
            return [] if asked_about(connection, community_id, subject) is None else [Action.ASK_AGAIN]
        case "reversal_unresolved" if undecided_reversal(connection, community_id, subject):
            return [Action.REVERSED, Action.NOT_REVERSED]
        case "callback_held" if subject.isdecimal() and hooks.is_held(connection, int(subject)):
            return [Action.LET_IN, Action.TURN_AWAY]
        case "payout_set_up":
            is_stopped = payouts.stopped(connection, community_id) is not None
            go = [Action.RESUME_PAYOUTS] if is_stopped else []
            return go + ([Action.PAY_AGAIN] if can_pay_again(connection, community_id, subject) else [])
        case "payout_paid_after_end" if not is_booked_twice(connection, community_id, subject):
            return [Action.BOOK]
        case _ if kind == UNKNOWN_PAYER:
            is_ours = receipts.waits_for_owner(connection, subject)
            can_go_back = is_ours and reversals.find(connection, subject) is None
            return [Action.ASSIGN] * is_ours + [Action.GIVE_BACK] * can_go_back
        case _ if kind == BOOKS_DIFFER:
            return _difference_actions(connection, community_id, subject)
        case _:
            return []


def _difference_actions(connection: Connection, community_id: str, subject: str) -> list[Action]:
    if subject.startswith("balance:"):
        return [Action.RESUME_PAYOUTS] if payouts.stopped(connection, community_id) is not None else []
    return [Action.BOOK] if can_book(connection, community_id, subject) else []


def can_pay_again(connection: Connection, community_id: str, payout_id: str) -> bool:
    """Return whether a payout that failed can be ordered once more: it was not yet, and its household is here."""
    item = payouts.find(connection, community_id, payout_id)
    if item is None or item.state != FAILED or payouts.find(connection, community_id, again(payout_id)):
        return False
    return by_id(connection, community_id, item.household_id).status in ("admitted", "suspended")


def again(payout_id: str) -> str:
    """Return the name of the payout that is ordered in the place of one that failed: there is one at most."""
    return f"{payout_id}/again"


@dataclass(frozen=True, slots=True)
class Case:
    """A review on a payment that is decided: its evidence, what a person found, who, and when."""

    connection: Connection
    mpesa: MPesa
    community_id: str
    kind: str
    subject: str
    evidence: Mapping[str, Any]
    decision: Decision
    who: str
    now: datetime

    @property
    def receipt(self) -> str:
        """M-Pesa's receipt, as the person found it. Raises `ValueError`."""
        if self.decision.receipt is None:
            raise ValueError("receipt is missing: M-Pesa's, as its portal shows it")
        return self.decision.receipt

    @property
    def kes(self) -> int:
        """How much was paid, as the person found it. Raises `ValueError`."""
        if self.decision.kes is None:
            raise ValueError("kes is missing: how much was paid, in whole KES")
        return self.decision.kes


def decide_payment(case: Case) -> str:
    """Carry out an action that `payment_actions` allows, and return what was done, in words."""
    assert case.decision.action is not None, "a note alone moves nothing"
    return _CARRIED_OUT[case.decision.action](case)


def _credit(case: Case) -> str:
    if case.kind == "payment_unconfirmed":
        return _credit_announced(case)
    top_up = undecided_top_up(case.connection, case.community_id, case.subject, is_doubted=case.kind == _DOUBTED)
    assert top_up is not None, "only an undecided top-up is decided"
    receipt, kes = case.receipt, case.kes
    case.mpesa.decide_top_up(case.connection, top_up, paid=(receipt, kes), now=case.now)
    return f"credited KES {kes} by receipt {receipt}"


def _credit_announced(case: Case) -> str:
    """Credit a payment by hand that was announced and that a person found at M-Pesa, under its own receipt."""
    receipt, kes = case.receipt, case.kes
    if receipt != case.subject:
        raise ValueError(f"receipt: this case is about {case.subject}; type it as M-Pesa's portal shows it")
    reference = str(case.evidence.get("reference", ""))
    is_known = case.mpesa.credit_announced(
        case.connection, reference=reference, receipt=receipt, kes=kes, now=case.now
    )
    return f"credited KES {kes} by receipt {receipt}" + ("" if is_known else ": nobody's yet, in suspense")


def _close_unpaid(case: Case) -> str:
    if case.kind == "payment_unconfirmed":
        return "not at M-Pesa: nothing is credited"
    top_up = undecided_top_up(case.connection, case.community_id, case.subject, is_doubted=case.kind == _DOUBTED)
    assert top_up is not None, "only an undecided top-up is decided"
    case.mpesa.decide_top_up(case.connection, top_up, paid=None, now=case.now)
    return "closed as not paid"


def _end_payout(case: Case) -> str:
    item = undecided_payout(case.connection, case.community_id, case.subject)
    assert item is not None, "only an undecided payout is decided"
    found = case.receipt if case.decision.action is Action.PAID else None
    case.mpesa.decide_payout(case.connection, item, receipt=found, now=case.now)
    return "not paid: the money was given back" if found is None else f"closed as paid by receipt {found}"


def _send_again(case: Case) -> str:
    item = undecided_payout(case.connection, case.community_id, case.subject)
    assert item is not None, "only an undecided payout is sent again"
    payouts.send_again(case.connection, item, case.now)
    return "sent again under the same id"


def _end_reversal(case: Case) -> str:
    reversal = undecided_reversal(case.connection, case.community_id, case.subject)
    assert reversal is not None, "only an undecided reversal is decided"
    found = case.receipt if case.decision.action is Action.REVERSED else None
    case.mpesa.decide_reversal(case.connection, reversal, receipt=found, now=case.now)
    return "not given back: the money stays" if found is None else f"closed as given back by {found}"


def _assign(case: Case) -> str:
    household = case.decision.household
    if household is None:
        raise ValueError("household is missing: whose the payment is, like h-001")
    kes = assign_payment(case.connection, case.community_id, case.subject, household, case.now)
    return f"KES {kes} credited to {household}"


def _give_back(case: Case) -> str:
    order_reversal(
        *(case.connection, case.mpesa, case.community_id, case.subject),
        reason=case.decision.note,
        who=case.who,
        now=case.now,
    )
    return "goes back to its payer"


def _let_in(case: Case) -> str:
    hooks.let_in(case.connection, int(case.subject))
    return "the callback counts"


def _turn_away(case: Case) -> str:
    hooks.turn_away(case.connection, int(case.subject), case.now)
    return "the callback does not count"


def _resume_payouts(case: Case) -> str:
    payouts.let_go(case.connection, case.community_id)
    return "payouts go again"


def _book(case: Case) -> str:
    book = book_difference if case.kind == BOOKS_DIFFER else book_twice
    return book(case.connection, case.community_id, case.subject, case.now)


_CARRIED_OUT: Final[dict[Action, Callable[[Case], str]]] = {
    Action.CREDIT: _credit,
    Action.CLOSE_UNPAID: _close_unpaid,
    Action.PAID: _end_payout,
    Action.NOT_PAID: _end_payout,
    Action.SEND_AGAIN: _send_again,
    Action.REVERSED: _end_reversal,
    Action.NOT_REVERSED: _end_reversal,
    Action.ASSIGN: _assign,
    Action.GIVE_BACK: _give_back,
    Action.LET_IN: _let_in,
    Action.TURN_AWAY: _turn_away,
    Action.RESUME_PAYOUTS: _resume_payouts,
    Action.BOOK: _book,
}
