"""How much of a wallet may be paid out, that it is set aside, and that M-Pesa is asked to send it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from energy_swap_hub import ledger
from energy_swap_hub.ledger import PAYOUT_PENDING, Entry, Posting
from energy_swap_hub.membership.households import Household
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.mpesa.payouts import LEAST_KES, MOST_KES

from .desk import Desk

# Below the first fee band a payout costs nothing; between the bands the fee is out of proportion (docs/mpesa.md).
_FREE_KES: Final = 100
_WORTH_A_FEE_KES: Final = 500


def most_kes(cents: int, charge_cents: Callable[[int], int]) -> int:
    """Return the most whole KES that ``cents`` pay out together with their charge."""
    kes = max(min(cents // 100, MOST_KES), 0)
    while kes and kes * 100 + charge_cents(kes) > cents:
        kes -= 1
    return kes


def payable_kes(cents: int, charge_cents: Callable[[int], int]) -> int:
    """Return the whole KES that a scheduled payout of at most ``cents`` sends; 0 when it is not sensible.

    Up to KES 100 travels free; above that nothing below KES 500 is worth its charge. What stays is carried
    forward.
    """
    kes = most_kes(cents, charge_cents)
    if kes < LEAST_KES:
        return 0
    return kes if kes <= _FREE_KES or kes >= _WORTH_A_FEE_KES else _FREE_KES


def book_pay_out(
    connection: Connection,
    community_id: str,
    household_id: str,
    payout_id: str,
    *,
    kes: int,
    fee_cents: int,
    now: datetime,
) -> None:
    """Set ``kes`` and the expected fee aside for a payout; raises `Overdrawn` when the wallet has less."""
    total = kes * 100 + fee_cents
    postings = [Posting(ledger.kes(household_id), -total), Posting(PAYOUT_PENDING, total)]
    ledger.post(connection, community_id, Entry("payout", payout_id, now, f"payout of KES {kes}", postings))


def pay_out(
    connection: Connection, desk: Desk, household: Household, payout_id: str, kes: int | None, now: datetime
) -> int:
    """Set money aside, order its payout and return the KES; None means all that can be sent with its fee."""
    cents = ledger.wallet(connection, desk.community.id, household.id)["kes_cents"]
    if kes is None:
        kes = most_kes(cents, lambda kes: desk.charges.payout_cents(kes, now))
    if kes < LEAST_KES:
        text = f"M-Pesa pays out KES {LEAST_KES} or more; this would be KES {kes}"
        raise PaymentRefused(text, "payout_too_small", least_kes=LEAST_KES, kes=kes)
    fee = desk.charges.payout_cents(kes, now)
    book_pay_out(connection, desk.community.id, household.id, payout_id, kes=kes, fee_cents=fee, now=now)
    desk.mpesa.request_pay_out(
        connection,
        community_id=desk.community.id,
        household_id=household.id,
        payout_id=payout_id,
        phone=desk.phone_of(connection, desk.community.id, household.id),
        kes=kes,
        now=now,
    )
    return kes
