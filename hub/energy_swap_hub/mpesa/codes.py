"""What Daraja's result codes mean to us. Only the code is read: the words beside it differ by channel and day."""

from enum import Enum
from typing import Final


class Meaning(Enum):
    """What a result code says about the money."""

    PAID = "paid"
    FAILED = "failed"  # the money did not move and will not
    OURS_TO_MEND = "ours_to_mend"  # did not move, because of our set-up or float: an operator must act
    OPEN = "open"  # not decided, or not known to us


_PUSH_FAILURES: Final = {
    "1": "There is not enough money on the phone.",
    "2": "The amount is below M-Pesa's minimum.",
    "3": "The amount is above M-Pesa's maximum.",
    "4": "The phone has reached its daily M-Pesa limit.",
    "17": "The same amount was asked for less than two minutes ago. Try again in two minutes.",
    "26": "M-Pesa is busy. Try again in a few minutes.",
    "1001": "The phone is busy with another M-Pesa request. Try again in a minute.",
    "1019": "The request expired. Try again.",
    "1025": "The request could not be sent to the phone. Try again later.",
    "1032": "The request was cancelled on the phone.",
    "1037": "There was no answer from the phone. Switch it on and try again.",
    "2001": "The M-Pesa PIN was wrong.",
    "8006": "The M-Pesa PIN is locked. Call Safaricom.",
    "9999": "The request could not be sent to the phone. Try again later.",
}
# Why a top-up failed that the payer decided: no money, no answer in time, cancelled, PIN wrong or locked.
PAYERS_REASONS: Final = frozenset(_PUSH_FAILURES[code] for code in ("1", "1019", "1032", "2001", "8006"))
_PUSH_OURS: Final = {
    "8": "The community's M-Pesa account is full.",
    "2028": "The community's M-Pesa account is not set up for this.",
    "SFC_IC0003": "The community's M-Pesa account is not set up for this.",
}
_PAYOUT_FAILURES: Final = {
    "2": "The amount is below M-Pesa's minimum.",
    "3": "The amount is above M-Pesa's maximum.",
    "4": "The phone has reached its daily M-Pesa limit.",
    "8": "The phone's M-Pesa account is full.",
    "2040": "The phone is not registered with M-Pesa.",
    "SFC_IC0003": "M-Pesa does not know this phone number.",
}
_PAYOUT_OURS: Final = {
    "1": "The community's M-Pesa account is short of money.",
    "11": "The community's M-Pesa account is not active.",
    "21": "The community's M-Pesa operator lacks a permission.",
    "2001": "The community's M-Pesa operator credentials are wrong, or its password has expired.",
    "2006": "The community's M-Pesa account is not active.",
    "2028": "The community's M-Pesa account may not pay out.",
    "8006": "The community's M-Pesa operator is locked.",
}
_REVERSAL_FAILURES: Final = {
    "1": "The community's M-Pesa account does not hold so much any more.",
    "11": "The community's M-Pesa account is not active.",
    "21": "The community's M-Pesa operator lacks the permission to reverse.",
    "2001": "The community's M-Pesa operator credentials are wrong, or its password has expired.",
    "2006": "The community's M-Pesa account is not active.",
    "2028": "The community's M-Pesa account may not reverse.",
    "8006": "The community's M-Pesa operator is locked.",
    "R000002": "M-Pesa does not know this receipt.",
}
# What M-Pesa calls a payout that did not and will not happen, in a status query.
STATUS_FAILED: Final = frozenset({"cancelled", "declined", "expired", "failed"})
STATUS_PAID: Final = "completed"


def _meaning(code: str, failures: dict[str, str], ours: dict[str, str]) -> tuple[Meaning, str]:
    if code == "0":
        return Meaning.PAID, "Paid."
    if code in failures:
        return Meaning.FAILED, failures[code]
    if code in ours:
        return Meaning.OURS_TO_MEND, ours[code]
    return Meaning.OPEN, f"M-Pesa gave result {code}, which we do not know."


def push_meaning(code: str) -> tuple[Meaning, str]:
    """Return what the result of an STK push means, with a text for the payer. 4999 and unknown codes are open."""
    return _meaning(code, _PUSH_FAILURES, _PUSH_OURS)


def payout_meaning(code: str) -> tuple[Meaning, str]:
    """Return what the result of a B2C payment means, with a text for the receiver."""
    return _meaning(code, _PAYOUT_FAILURES, _PAYOUT_OURS)


def reversal_meaning(code: str) -> tuple[Meaning, str]:
    """Return what the result of a reversal means. That it was reversed before (R000001) does not say by whom."""
    return _meaning(code, _REVERSAL_FAILURES, {})
