"""Why a command is not carried out: in English, and by a key with figures for other languages."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

# msgspec's words for a number outside its field's limits, as it answers `msgspec.convert`.
_OUT_OF_RANGE: Final = re.compile(r"Expected `int` (>=|<=) (\d+) - at `\$\.(\w+)`")
_MINUTES_A_DAY: Final = 24 * 60
_PRICES: Final = {
    "at_least",
    "at_most",
    "sell_at_least",
    "buy_at_most",
    "price",
    "start_price",
    "reserve_price",
    "minimum_step",
}


class CommandError(Exception):
    """A command was not carried out, or not surely; ``code`` is for programs, ``message`` for people.

    ``key`` and ``numbers``, where there are any, say more to programs that speak another language than the code.
    """

    def __init__(self, code: str, message: str, key: str = "", numbers: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.key = key
        self.numbers = numbers or {}


def invalid_data(error: msgspec.ValidationError) -> CommandError:
    """Return the refusal of a command with a wrong value; its key says what is out of which limit."""
    found = _OUT_OF_RANGE.search(str(error))
    key, numbers = ("", {}) if found is None else _limit(found[3], int(found[2]), is_least=found[1] == ">=")
    return CommandError("invalid_data", str(error), key, numbers)


def _limit(field: str, limit: int, *, is_least: bool) -> tuple[str, dict[str, int]]:
    name = "least" if is_least else "most"
    if field in {"wh", "charge_wh"}:
        return ("energy_too_little" if is_least else "energy_too_much"), {f"{name}_wh": limit}
    if field in _PRICES:
        return ("price_too_low" if is_least else "price_too_high"), {f"{name}_cents": limit}
    if field == "kes":
        return ("money_too_little" if is_least else "money_too_much"), {f"{name}_kes": limit}
    if field in {"minutes", "valid_for_minutes"} and not is_least:
        return "time_too_long", {"most_days": limit // _MINUTES_A_DAY}
    return "", {}
