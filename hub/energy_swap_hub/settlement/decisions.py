"""What a person can decide about a review beyond a note: each action is carried out once, with the review."""

from datetime import datetime

from sqlalchemy import Connection

from energy_swap_hub.chain.intent import Intent, find
from energy_swap_hub.chain.outbox import can_be_tried_again, enqueue_again
from energy_swap_hub.chain.payload import BurnPeriod, MintPeriod
from energy_swap_hub.membership.households import by_id
from energy_swap_hub.mpesa import payouts

from .actions import Action, Decision
from .allowances import allowance_wh, use_allowance
from .chain_outcomes import start_of
from .departures import is_leaving_burn
from .desk import Desk
from .payment_cases import ask_again
from .payment_decisions import Case, again, decide_payment, payment_actions
from .payouts import pay_out
from .period_states import await_again
from .reviews import leave_open, resolve_review, take_review

__all__ = ["Action", "Decision", "actions_of", "decide"]


def actions_of(connection: Connection, community_id: str, kind: str, subject: str) -> list[Action]:
    """Return what can be done about an open review now; a payment that resolved by itself leaves the note only."""
    if kind == "chain failed":
        return [Action.TRY_AGAIN] if can_be_tried_again(find(connection, community_id, subject)) else []
    return payment_actions(connection, community_id, kind, subject)


def decide(
    connection: Connection, desk: Desk, review_id: int, decision: Decision, *, who: str, now: datetime
) -> None:
    """Carry out a decision and close its review, in one transaction; asking M-Pesa again leaves it open.

    Raises `LookupError` when the review is not open, `ValueError` for a missing note or field or an action that
    this review does not have (any more), and `PaymentRefused`; then nothing was done.
    """
    community_id = desk.community.id
    kind, subject, evidence = take_review(connection, community_id, review_id)
    done = ""
    if decision.action is not None:
        if decision.action not in actions_of(connection, community_id, kind, subject):
            raise ValueError(f"{decision.action} cannot be done here (any more); look at the reviews again")
        if decision.action is Action.ASK_AGAIN:
            ask_again(connection, community_id, subject, now)
            leave_open(connection, community_id, review_id, done="asked M-Pesa again", who=who, now=now)
            return
        case = Case(connection, desk.mpesa, community_id, kind, subject, evidence, decision, who, now)
        done = _do(desk, case)
    resolve_review(connection, community_id, review_id, note=decision.note, done=done, who=who, now=now)


def _do(desk: Desk, case: Case) -> str:
    """Carry out an action that `actions_of` allows, and return what was done, in words."""
    match case.decision.action:
        case Action.TRY_AGAIN:
            intent = find(case.connection, case.community_id, case.subject)
            assert intent is not None, "only an intent that is there can be tried again"
            return f"tried again as {_try_again(case.connection, intent, case.now)}"
        case Action.PAY_AGAIN:
            return _pay_again(desk, case)
        case _:
            return decide_payment(case)


def _pay_again(desk: Desk, case: Case) -> str:
    """Order a payout that M-Pesa refused once more, out of the wallet where its money is, and let payouts go."""
    failed = payouts.find(case.connection, case.community_id, case.subject)
    assert failed is not None, "only a payout that is there is paid again"
    household = by_id(case.connection, case.community_id, failed.household_id)
    pay_out(case.connection, desk, household, again(failed.payout_id), failed.kes, case.now)
    payouts.let_go(case.connection, case.community_id)
    return f"KES {failed.kes} paid out again, as {again(failed.payout_id)}"


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
