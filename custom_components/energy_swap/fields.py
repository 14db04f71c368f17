"""What people fill in, exactly as the edge takes it, or the reason why it cannot be taken."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from homeassistant.exceptions import ServiceValidationError

from .amounts import CENTS_PER_KES, WH_PER_KWH, AmountError, Problem, whole_units
from .const import DOMAIN

LONGEST: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Measure:
    """A unit that people write, how many of the edge's units it has, and how many of those the edge takes."""

    unit: str
    units: int
    least: int
    most: int

    def text(self, units: int) -> str:
        """Return a number of the edge's units as people write it."""
        return f"{Decimal(units) / self.units} {self.unit}"


ENERGY: Final = Measure("kWh", WH_PER_KWH, least=100, most=10_000_000)
PRICE: Final = Measure("KES/kWh", CENTS_PER_KES, least=1, most=100_000)
MONEY: Final = Measure("KES", 1, least=1, most=250_000)


def amount(field: str, value: object, measure: Measure) -> int:
    """Return an amount in the edge's units; raises ServiceValidationError."""
    try:
        units = whole_units(value, measure.units)
        if units < measure.least:
            raise AmountError(Problem.TOO_SMALL)
        if units > measure.most:
            raise AmountError(Problem.TOO_LARGE)
    except AmountError as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key=f"amount_{err.problem}",
            translation_placeholders={
                "field": field,
                "value": str(value),
                "step": measure.text(1),
                "smallest": measure.text(measure.least),
                "largest": measure.text(measure.most),
            },
        ) from err
    return units


def minutes(duration: timedelta) -> int:
    """Return a duration in minutes; raises ServiceValidationError."""
    whole, rest = divmod(duration, timedelta(minutes=1))
    if rest or whole < 1 or duration > LONGEST:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="duration_not_minutes" if duration <= LONGEST else "duration_too_long",
            translation_placeholders={"value": str(duration), "longest": str(LONGEST.days)},
        )
    return whole


def identity(field: str, value: str) -> str:
    """Return the id of an order or auction; raises ServiceValidationError."""
    try:
        return str(UUID(value.strip()))
    except ValueError as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_an_id",
            translation_placeholders={"field": field, "value": value},
        ) from err
