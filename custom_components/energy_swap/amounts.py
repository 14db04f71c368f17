"""Exact conversion of what people write (kWh, KES per kWh) to what is traded (Wh, cents per kWh)."""

from decimal import Decimal, InvalidOperation
from enum import StrEnum

WH_PER_KWH = 1000
CENTS_PER_KES = 100
LARGEST = 1_000_000  # kWh or KES per kWh: far above any order, far below what an integer on the wire can hold


class Problem(StrEnum):
    """Why an amount cannot be taken."""

    NOT_A_NUMBER = "not_a_number"
    NOT_POSITIVE = "not_positive"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    TOO_FINE = "too_fine"


class AmountError(ValueError):
    """An amount that cannot be taken; ``problem`` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


def whole_units(amount: object, units: int, *, may_be_zero: bool = False) -> int:
    """Return ``amount`` times ``units``, which must be a whole number above zero, or zero where that is taken.

    A float counts as the decimal number it prints as, so 12.35 is 1235 hundredths and nothing is ever rounded.
    Raises AmountError.
    """
    if isinstance(amount, bool) or not isinstance(amount, int | float | str | Decimal):
        raise AmountError(Problem.NOT_A_NUMBER)
    try:
        exact = Decimal(str(amount).strip())
    except InvalidOperation as err:
        raise AmountError(Problem.NOT_A_NUMBER) from err
    if not exact.is_finite():
        raise AmountError(Problem.NOT_A_NUMBER)
    if exact < 0 or (exact == 0 and not may_be_zero):
        raise AmountError(Problem.NOT_POSITIVE)
    if exact > LARGEST:
        raise AmountError(Problem.TOO_LARGE)
    whole = exact * units
    if whole != whole.to_integral_value():
        raise AmountError(Problem.TOO_FINE)
    return int(whole)
