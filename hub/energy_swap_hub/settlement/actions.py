"""What a person can have done about a review, by name, and a decision that asks for it."""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What a person can have done, by its name in the API."""

    TRY_AGAIN = "try_again"
    ASK_AGAIN = "ask_again"  # M-Pesa, now; the case stays open for its answer
    SEND_AGAIN = "send_again"
    PAY_AGAIN = "pay_again"
    GIVE_BACK = "give_back"
    CREDIT = "credit"
    CLOSE_UNPAID = "close_unpaid"
    PAID = "paid"
    NOT_PAID = "not_paid"
    ASSIGN = "assign"
    REVERSED = "reversed"
    NOT_REVERSED = "not_reversed"
    LET_IN = "let_in"
    TURN_AWAY = "turn_away"
    RESUME_PAYOUTS = "resume_payouts"
    BOOK = "book"


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's decision: the note, and what shall be done (nothing, or an action with what it needs)."""

    note: str
    action: Action | None = None
    receipt: str | None = None
    kes: int | None = None
    household: str | None = None
