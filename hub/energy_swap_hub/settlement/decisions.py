"""What a person can decide about a review beyond a note: each action is carried out once, with the review."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, select

from energy_swap_hub.chain.intent import Intent, find
from energy_swap_hub.chain.outbox import can_be_tried_again, enqueue_again
from energy_swap_hub.chain.payload import BurnPeriod, MintPeriod
from energy_swap_hub.mpesa.decisions import undecided_payout, undecided_top_up

from .allowances import allowance_wh, use_allowance
from .chain_outcomes import start_of
from .messages import Desk
from .period_states import await_again
from .reviews import resolve_review
from .tables import review

_PAYOUT_KINDS: Final = {
    "payout_result_missing",
    "payout_result_unclear",
    "payout_result_of_another",
    "payout_refused_later",
}


class Action(StrEnum):
    """What a person can have done, by its name in the API."""

    TRY_AGAIN = "try_again"
    CREDIT = "credit"
    CLOSE_UNPAID = "close_unpaid"
    PAID = "paid"
    NOT_PAID = "not_paid"


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's decision: the note, and what shall be done (nothing, or an action with what it needs)."""

    note: str
    action: Action | None = None
    receipt: str | None = None
    kes: int | None = None


def actions_of(connection: Connection, community_id: str, kind: str, subject: str) -> list[Action]:
    """Return what can be done about an open review now; a payment that resolved by itself leaves the note only."""
    if kind == "chain failed":
        return [Action.TRY_AGAIN] if can_be_tried_again(find(connection, community_id, subject)) else []
    if kind == "top_up_unresolved" and undecided_top_up(connection, community_id, subject):
        return [Action.CREDIT, Action.CLOSE_UNPAID]
    if kind in _PAYOUT_KINDS and undecided_payout(connection, community_id, subject):
        return [Action.PAID, Action.NOT_PAID]
    return []


def decide(
    connection: Connection, desk: Desk, review_id: int, decision: Decision, *, who: str, now: datetime
) -> None:
    """Carry out a decision and close its review, in one transaction.

    Raises `LookupError` when the review is not open, `ValueError` for a missing note or field or an action that
    this review does not have (any more), and `PaymentRefused`; then nothing was done.
    """
    community_id = desk.community.id
    found = connection.execute(
        select(review.c.kind, review.c.subject).where(
            review.c.community_id == community_id, review.c.id == review_id, review.c.state == "open"
        )
    ).first()
    if found is None:
        raise LookupError(f"review {review_id} is not open")
    kind, subject = found
    done = ""
    if decision.action is not None:
        if decision.action not in actions_of(connection, community_id, kind, subject):
            raise ValueError(f"{decision.action} cannot be done here (any more); look at the reviews again")
        done = _do(connection, desk, subject, decision, now)
    resolve_review(connection, community_id, review_id, note=decision.note, done=done, who=who, now=now)


def _do(connection: Connection, desk: Desk, subject: str, decision: Decision, now: datetime) -> str:
    """Carry out an action that `actions_of` allows, and return what was done, in words."""
    community_id = desk.community.id
    match decision.action:
        case Action.TRY_AGAIN:
            intent = find(connection, community_id, subject)
            assert intent is not None, "only an intent that is there can be tried again"
            return f"tried again as {_try_again(connection, intent, now)}"
        case Action.CREDIT | Action.CLOSE_UNPAID:
            top_up = undecided_top_up(connection, community_id, subject)
            assert top_up is not None, "only an undecided top-up is decided"
            if decision.action is Action.CLOSE_UNPAID:
                desk.mpesa.decide_top_up(connection, top_up, paid=None, now=now)
                return "closed as not paid"
            receipt, kes = _receipt(decision), decision.kes
            if kes is None:
                raise ValueError("kes is missing: how much was paid, in whole KES")
            desk.mpesa.decide_top_up(connection, top_up, paid=(receipt, kes), now=now)
            return f"credited KES {kes} by receipt {receipt}"
        case Action.PAID | Action.NOT_PAID:
            item = undecided_payout(connection, community_id, subject)
            assert item is not None, "only an undecided payout is decided"
            is_paid = decision.action is Action.PAID
            receipt_or_none = _receipt(decision) if is_paid else None
            desk.mpesa.decide_payout(connection, item, receipt=receipt_or_none, now=now)
            return (
                f"closed as paid by receipt {receipt_or_none}" if is_paid else "not paid: the money was given back"
            )
        case None:
            return ""


def _receipt(decision: Decision) -> str:
    if decision.receipt is None:
        raise ValueError("receipt is missing: M-Pesa's, as its portal shows it")
    return decision.receipt


def _try_again(connection: Connection, failed: Intent, now: datetime) -> str:
    again = enqueue_again(connection, failed, now)
    if isinstance(failed.payload, MintPeriod | BurnPeriod):
        await_again(connection, failed.community, start_of(failed.payload), failed.id, again)
    if isinstance(failed.payload, BurnPeriod):
        # What was granted since the failure pays for this burn, too. Whether it suffices, the chain will say.
        for burn in failed.payload.burns:
            granted = allowance_wh(connection, failed.community, burn.household)
            use_allowance(connection, failed.community, burn.household, max(min(burn.wh, granted), 0))
    return again
