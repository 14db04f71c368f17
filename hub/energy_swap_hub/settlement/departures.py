"""A household begins to leave, by its own word or the office's; an applicant is turned away."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert

from energy_swap_hub.chain import proposal_store
from energy_swap_hub.chain.payload import BurnPeriod, MintPeriod
from energy_swap_hub.chain.proposal_store import UNDER_WAY, Stage
from energy_swap_hub.explained import Explained
from energy_swap_hub.membership.households import by_id, record_audit, set_status
from energy_swap_hub.membership.push_subscriptions import unsubscribe_household

from .machine import schedule
from .notifications import Event, Notification, notify
from .office_tables import departure

SAGA: Final = "leaving"
_MANY_LETTERS: Final = 500
_BURN: Final = "left"


class LeavingRefused(Explained, ValueError):  # noqa: N818 - reads as the answer it is
    """A household that cannot leave now; the text says why."""


def begin_leaving(
    connection: Connection, community_id: str, household_id: str, *, who: str, reason: str, now: datetime
) -> None:
    """Let a household leave from now on: it places nothing and is not booked any more.

    One that only applied is turned away, and its data is erased at once. Raises `LeavingRefused` or `LookupError`.
    """
    household, words = by_id(connection, community_id, household_id), reason.strip()
    if household.status not in {"applied", "admitted", "suspended"}:
        raise LeavingRefused(f"{household.id} is {household.status} already", "leaving_already")
    if not 1 <= len(words) <= _MANY_LETTERS:
        text = f"reason: say why in 1 to {_MANY_LETTERS} letters"
        raise LeavingRefused(text, "say_why", letters=_MANY_LETTERS)
    for proposal in proposal_store.proposals(connection, community_id, UNDER_WAY):
        if proposal.household != household.id:
            continue
        if proposal.stage is Stage.COMPLETE:
            text = f"{proposal.id} is signed and on its way to the chain; try again in a minute"
            raise LeavingRefused(text, "proposal_under_way")
        proposal_store.withdraw(connection, community_id, proposal.id, now)
    connection.execute(
        insert(departure).values(
            community_id=community_id,
            household_id=household.id,
            asked_by=who,
            reason=words,
            asked_at=now,
            was=household.status,
            burned_wh=0,
            tokens_cents=0,
            paid_kes=0,
            remainder_cents=0,
        )
    )
    set_status(connection, community_id, household.id, "leaving", now=now)
    unsubscribe_household(connection, community_id, household.id)
    what = "turned away" if household.status == "applied" else "began to leave"
    record_audit(connection, community_id, who=who, what=f"{what}: {words}", subject=household.id, now=now)
    notify(connection, community_id, [Notification(household.id, Event.LEAVING, {"reason": words})], now)
    schedule(connection, community_id, SAGA, household.id, now)


def leaving_burn(household_id: str, now: datetime) -> str:
    """Return what the burn of the tokens of who leaves is called: like a period's, but of no period."""
    return f"{now:%Y-%m-%dT%H:%MZ}.{_BURN}.{household_id}-{now:%S%f}"


def is_leaving_burn(payload: MintPeriod | BurnPeriod) -> bool:
    """Whether ``payload`` burns the tokens of a household that leaves."""
    return payload.period.split(".")[1:2] == [_BURN]
