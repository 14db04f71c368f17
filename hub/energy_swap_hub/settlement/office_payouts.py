"""A suspended household's shillings, paid out by an admin: it can ask for nothing, and they are its own."""

from datetime import datetime

from sqlalchemy import Connection

from energy_swap_hub.membership.households import by_id, record_audit

from .desk import Desk
from .payouts import pay_out


def pay_out_suspended(
    connection: Connection, desk: Desk, household_id: str, payout_id: str, *, who: str, reason: str, now: datetime
) -> int:
    """Send all that is free in a suspended household's wallet to its own phone; return the KES.

    What its orders still hold comes free as they end. Raises `LookupError` for no household, `ValueError` for one
    that can ask for its money itself or without a reason, `PaymentRefused` when there is too little to send.
    """
    household, words = by_id(connection, desk.community.id, household_id), reason.strip()
    if household.status != "suspended":
        raise ValueError(
            f"household: {household.id} is {household.status}; only a suspended one is paid out by you"
        )
    if not words:
        raise ValueError("reason: say why; it is in the audit")
    kes = pay_out(connection, desk, household, payout_id, None, now)
    what = f"paid out KES {kes} of a suspended household: {words}"
    record_audit(connection, desk.community.id, who=who, what=what, subject=household.id, now=now)
    return kes
