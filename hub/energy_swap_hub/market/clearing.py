"""The result of a period's call auction."""

from collections.abc import Sequence
from dataclasses import dataclass

from energy_swap_hub.market.trade import Trade


@dataclass(frozen=True, slots=True)
class Kept:
    """``wh`` that a household on both sides supplied to itself: used, but not traded, paid or charged."""

    household: str
    wh: int


@dataclass(frozen=True, slots=True)
class Clearing:
    """The result of a period.

    ``cents_per_kwh`` is the one price of all trades, None when nothing is traded. ``supply_wh`` and ``demand_wh``
    are all that was offered and wanted, at whatever limit; ``traded_wh`` is the sum of ``trades``, each of which
    a large period makes when it is looked at. ``kept`` is None unless one household was on both sides with
    crossing limits and held more than half of all that could trade.
    """

    cents_per_kwh: int | None
    supply_wh: int
    demand_wh: int
    traded_wh: int
    trades: Sequence[Trade]
    kept: Kept | None = None
