"""Amounts, prices and times as people read them: exact decimals, East Africa Time."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

EAST_AFRICA: Final = ZoneInfo("Africa/Nairobi")


def decimal_kes(cents: int) -> str:
    """Return cents as KES: ``-0.05``."""
    return f"{Decimal(cents).scaleb(-2):f}"


def decimal_kwh(wh: int) -> str:
    """Return Wh as kWh: ``0.800``."""
    return f"{Decimal(wh).scaleb(-3):f}"


def kes(cents: int) -> str:
    """Return ``KES 12.30``."""
    return f"KES {decimal_kes(cents)}"


def kwh(wh: int) -> str:
    """Return ``0.800 kWh``."""
    return f"{decimal_kwh(wh)} kWh"


def price_range(cents_per_kwh: Iterable[int]) -> str:
    """Return `` at KES 10.03 per kWh``, from the lowest to the highest where they differ; empty for none."""
    prices = sorted(set(cents_per_kwh))
    if not prices:
        return ""
    last = f" to {decimal_kes(prices[-1])}" if len(prices) > 1 else ""
    return f" at {kes(prices[0])}{last} per kWh"


def day_and_time(at: datetime) -> str:
    """Return ``2026-11-20 14:30`` in East Africa."""
    return f"{at.astimezone(EAST_AFRICA):%Y-%m-%d %H:%M}"
