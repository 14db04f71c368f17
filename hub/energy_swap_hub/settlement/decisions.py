"""What a person can decide about a review beyond a note: each action is carried out once, with the review."""

from datetime import datetime

from sqlalchemy import Connection

from energy_swap_hub.chain.intent import Intent, find
from energy_swap_hub.chain.outbox import can_be_tried_again, enqueue_again
from energy_swap_hub.chain.payload import BurnPeriod, MintPeriod

from .actions import Action, Decision
from .allowances import allowance_wh, use_allowance
from .chain_outcomes import start_of
from .departures import is_leaving_burn
from .messages import Desk
from .payment_decisions import decide_payment, payment_actions
from .period_states import await_again
from .reviews import resolve_review, take_review

__all__ = ["Action", "Decision", "actions_of", "decide"]


def actions_of(connection: Connection, community_id: str, kind: str, subject: str) -> list[Action]:
    """Return what can be done about an open review now; a payment that resolved by itself leaves the note only."""
    if kind == "chain failed":
        return [Action.TRY_AGAIN] if can_be_tried_again(find(connection, community_id, subject)) else []
    return payment_actions(connection, community_id, kind, subject)


def decide(
    connection: Connection, desk: Desk, review_id: int, decision: Decision, *, who: str, now: datetime
) -> None:
    """Carry out a decision and close its review, in one transaction.

    Raises `LookupError` when the review is not open, `ValueError` for a missing note or field or an action that
    this review does not have (any more), and `PaymentRefused`; then nothing was done.
    """
    community_id = desk.community.id
    kind, subject = take_review(connection, community_id, review_id)
    done = ""
    if decision.action is not None:
        if decision.action not in actions_of(connection, community_id, kind, subject):
            raise ValueError(f"{decision.action} cannot be done here (any more); look at the reviews again")
        done = _do(connection, desk, kind, subject, decision, now)
    resolve_review(connection, community_id, review_id, note=decision.note, done=done, who=who, now=now)


def _do(connection: Connection, desk: Desk, kind: str, subject: str, decision: Decision, now: datetime) -> str:
    """Carry out an action that `actions_of` allows, and return what was done, in words."""
    community_id = desk.community.id
    if decision.action is not Action.TRY_AGAIN:
        return decide_payment(connection, desk.mpesa, community_id, kind, subject, decision, now)
    intent = find(connection, community_id, subject)
    assert intent is not None, "only an intent that is there can be tried again"
    return f"tried again as {_try_again(connection, intent, now)}"


def _try_again(connection: Connection, failed: Intent, now: datetime) -> str:
    again = enqueue_again(connection, failed, now)
    if isinstance(failed.payload, MintPeriod | BurnPeriod) and not is_leaving_burn(failed.payload):
        await_again(connection, failed.community, start_of(failed.payload), failed.id, again)
    if isinstance(failed.payload, BurnPeriod):
        # What was granted since the failure pays for this burn, too. Whether it suffices, the chain will say.
        for burn in failed.payload.burns:
            granted = allowance_wh(connection, failed.community, burn.household)
            use_allowance(connection, failed.community, burn.household, max(min(burn.wh, granted), 0))
    return again
