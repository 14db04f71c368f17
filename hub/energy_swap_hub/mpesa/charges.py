"""The dated table of what M-Pesa charges the business for a payout."""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from typing import Self

from energy_swap_protocol.units import CENTS_PER_KES

from .nairobi import EAT


@dataclass(frozen=True, slots=True)
class Charges:
    """Tariffs by the day they count from, oldest first; bands are (largest KES, charge KES)."""

    tariffs: tuple[tuple[date, tuple[tuple[int, int], ...]], ...]

    @classmethod
    def load(cls) -> Self:
        """Read the table that comes with the program."""
        table = tomllib.loads((files(__package__) / "charges.toml").read_text(encoding="utf-8"))
        tariffs = (
            (t["valid_from"], tuple((most, charge) for most, charge in t["bands"])) for t in table["tariff"]
        )
        return cls(tuple(sorted(tariffs)))

    def payout_cents(self, kes: int, at: datetime) -> int:
        """Return the charge in cents for paying out ``kes``; before the first tariff the first counts.

        Above the largest amount that M-Pesa pays out, the last band's charge is returned.
        """
        day = at.astimezone(EAT).date()
        bands = next((bands for start, bands in reversed(self.tariffs) if start <= day), self.tariffs[0][1])
        return next((charge for most, charge in bands if kes <= most), bands[-1][1]) * CENTS_PER_KES
