"""From two readings to a position, and from a position to what the household wants in the period market."""

from dataclasses import dataclass

from energy_swap_protocol.reading import Reading
from energy_swap_protocol.units import affordable_wh


@dataclass(frozen=True, slots=True)
class Position:
    """What one household's meter counted in a period, in Wh."""

    household: str
    export_wh: int
    import_wh: int
    generation_wh: int
    sequence_from: int
    sequence_to: int

    @property
    def net_export_wh(self) -> int:
        """What the household gave to its neighbours, after its own use within the period."""
        return max(self.export_wh - self.import_wh, 0)

    @property
    def net_import_wh(self) -> int:
        """What the household took."""
        return max(self.import_wh - self.export_wh, 0)


def position_between(household: str, settled: Reading, end: Reading | None) -> Position:
    """Return the difference of the registers; no reading since the settled one is a position of zero.

    Registers are cumulative: what a missing reading would have shown is in the next one, so that its energy
    arrives later and is never lost.
    """
    if end is None or end.measured_at <= settled.measured_at:
        return Position(household, 0, 0, 0, settled.sequence, settled.sequence)
    return Position(
        household,
        end.export_wh - settled.export_wh,
        end.import_wh - settled.import_wh,
        end.generation_wh - settled.generation_wh,
        settled.sequence,
        end.sequence,
    )


@dataclass(frozen=True, slots=True)
class Means:
    """What a household can pay with: free cents, free tokens (Wh), and what the hub may burn for it (Wh).

    The allowance is below zero when a new, smaller one came while more was booked to be burned.
    """

    kes_cents: int
    ekwh_wh: int
    allowance_wh: int


def split_import(position: Position, means: Means, all_in_cents_per_kwh: int | None) -> tuple[int, int]:
    """Return (Wh covered by the household's own tokens, Wh it wants to buy).

    Tokens that it has already are used first. It buys what it can pay at its limit with fees
    (``all_in_cents_per_kwh``, None when it does not buy) and what the hub may burn for it: a bought token that
    could not be burned would be used twice.
    """
    allowance_wh = max(means.allowance_wh, 0)
    own = min(position.net_import_wh, means.ekwh_wh, allowance_wh)
    if all_in_cents_per_kwh is None:
        return own, 0
    payable = affordable_wh(means.kes_cents, all_in_cents_per_kwh)
    return own, min(position.net_import_wh - own, allowance_wh - own, payable)
