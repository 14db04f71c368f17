"""What will go wrong next: faults armed for a number of times, by probability, or by the request itself."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from .catalogue import FAULTS, SCENARIOS, find

PRODUCTS = ("any", "stk", "query", "b2c", "c2b", "status", "balance", "reversal", "pull", "qr", "oauth")

AT_ONCE = ("F33", "F34")


@dataclass(slots=True)
class _Armed:
    number: str
    variant: str
    times: int | None
    probability: float
    product: str
    phone: str
    seconds: float | None

    def is_for(self, number: str, product: str, phone: str) -> bool:
        # Tokens are fetched in between: what is to befall any product must not be used up by them.
        is_any = self.product == "any" and product != "oauth"
        return self.number == number and (self.product == product or is_any) and self.phone in ("", phone)


@dataclass(frozen=True, slots=True)
class Happening:
    """A fault that happens now: its variant, and the seconds it was armed with, if any."""

    variant: str
    seconds: float | None = None


class Faults:
    """What will go wrong next."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._armed: list[_Armed] = []
        self._at_once: dict[str, Callable[[str, float | None], None]] = {}
        self.outage_until: datetime | None = None
        self.happened: Counter[tuple[str, str]] = Counter()  # how often each number and variant has happened

    def teach(self, number: str, act: Callable[[str, float | None], None]) -> None:
        """Say what a fault does at the moment it is armed, given its variant and seconds."""
        self._at_once[number] = act

    def arm(
        self,
        fault: str,
        times: int | None = 1,
        *,
        variant: str = "",
        probability: float = 1.0,
        product: str = "",
        phone: str = "",
        seconds: float | None = None,
    ) -> str:
        """Let ``fault`` (number or name) happen and return its number.

        It happens ``times`` more (``None``: until disarmed), each chance with ``probability``, for ``product`` and
        ``phone`` alone where they are given. What is unknown raises `ValueError`.
        """
        number = find(fault)
        known = FAULTS[number]
        variant = variant or next(iter(known.variants))
        if variant not in known.variants:
            raise ValueError(f"variant must be one of {', '.join(known.variants)} for {number}, not {variant}")
        if product and product not in PRODUCTS:
            raise ValueError(f"product must be one of {', '.join(PRODUCTS)}, not {product}")
        if not 0 < probability <= 1:
            raise ValueError(f"probability must be above 0 and at most 1, not {probability}")
        if times is not None and times < 1:
            raise ValueError(f"times must be at least 1, not {times}")
        if number in AT_ONCE:
            self._at_once[number](variant, seconds)
            self.happened[number, variant] += 1
            return number
        entry = _Armed(number, variant, times, probability, product or known.product, phone, seconds)
        self._armed.append(entry)
        return number

    def play(self, scenario: str) -> None:
        """Disarm everything and arm a named scenario; an unknown name raises `ValueError`."""
        if scenario not in SCENARIOS:
            raise ValueError(f"scenario must be one of {', '.join(SCENARIOS)}, not {scenario}")
        self.disarm()
        for number, probability in SCENARIOS[scenario].items():
            self.arm(number, None, probability=probability)

    def disarm(self) -> None:
        """Let nothing happen any more."""
        self._armed.clear()
        self.outage_until = None

    def happens(self, number: str, product: str = "any", *, phone: str = "", bound: str = "") -> Happening | None:
        """Return what happens now, and use it up; ``bound`` are the faults that the request asked for itself."""
        for name, variant in parse_bound(bound):
            if name == number:
                self.happened[number, variant] += 1
                return Happening(variant)
        for entry in self._armed:
            if entry.is_for(number, product, phone) and self._is_drawn(entry):
                self.happened[number, entry.variant] += 1
                return Happening(entry.variant, entry.seconds)
        return None

    def armed(self) -> list[dict[str, Any]]:
        """Return what is still to happen."""
        return [
            {
                "fault": entry.number,
                "variant": entry.variant,
                "times": entry.times,
                "probability": entry.probability,
                "product": entry.product,
                "phone": entry.phone,
            }
            for entry in self._armed
        ]

    def _is_drawn(self, entry: _Armed) -> bool:
        if entry.probability < 1 and self._random.random() >= entry.probability:
            return False
        if entry.times is not None:
            entry.times -= 1
            if not entry.times:
                self._armed.remove(entry)
        return True


def parse_bound(text: str) -> list[tuple[str, str]]:
    """Read ``F02, F13/1019``: numbers or names with variants. What is unknown raises `ValueError`."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, variant = part.partition("/")
        number = find(name)
        if number in AT_ONCE:
            raise ValueError(f"{number} happens to everyone at once; arm it by POST /_simulator/faults")
        variants = FAULTS[number].variants
        if variant and variant not in variants:
            raise ValueError(f"variant must be one of {', '.join(variants)} for {number}, not {variant}")
        found.append((number, variant or next(iter(variants))))
    return found
