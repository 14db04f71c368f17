"""How much of a wallet may be paid out, and that it is set aside."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from energy_swap_hub import ledger
from energy_swap_hub.ledger import PAYOUT_PENDING, Entry, Posting
from energy_swap_hub.mpesa.payouts import LEAST_KES, MOST_KES

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
