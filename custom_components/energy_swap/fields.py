"""What people fill in, exactly as the edge takes it, or the reason why it cannot be taken."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util

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
RESERVE: Final = Measure("kWh", WH_PER_KWH, least=0, most=1_000_000)
DAILY_CAP: Final = Measure("KES", 1, least=0, most=250_000)


def amount(field: str, value: object, measure: Measure) -> int:
    """Return an amount in the edge's units; raises ServiceValidationError."""
    try:
        units = whole_units(value, measure.units, may_be_zero=measure.least == 0)
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


def days(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """Return the first and last day of a report, this month until today unless said.

    Raises ServiceValidationError.
    """
    last = last or today
    first = first or last.replace(day=1)
    _check_order(first, last)
    return first, last


def check_days(first: date | None, last: date | None) -> None:
    """Look at days whose defaults the community knows best; raises ServiceValidationError."""
    if first is not None and last is not None:
        _check_order(first, last, LONGEST - timedelta(days=1))  # both days count


def span(
    start: datetime | None, end: datetime | None, now: datetime, around: tuple[timedelta, timedelta]
) -> tuple[datetime, datetime]:
    """Return when a span of time begins and ends, ``around`` now unless said; raises ServiceValidationError."""
    start = now - around[0] if start is None else dt_util.as_utc(start)
    end = now + around[1] if end is None else dt_util.as_utc(end)
    _check_order(start, end)
    return start, end


def _check_order[Moment: (date, datetime)](start: Moment, end: Moment, longest: timedelta = LONGEST) -> None:
    if end < start or end - start > longest:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="ends_before_start" if end < start else "span_too_long",
            translation_placeholders={"start": str(start), "end": str(end), "longest": str(LONGEST.days)},
        )


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
