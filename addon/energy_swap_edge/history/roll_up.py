"""Turn readings of cumulative registers into energy by quarter of an hour, without losing or inventing a Wh."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from energy_swap_edge.store import Registers

QUARTER_SECONDS: Final = 900
# A gap that is longer says when its energy flowed too badly to be written into quarters.
LONGEST_GAP_SECONDS: Final = 7 * 86_400
# Readings come each minute; a gap beyond this is spread evenly and marked.
_USUAL_GAP_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Quarter:
    """Energy in Wh of the quarter of an hour that begins at ``start`` (Unix seconds)."""

    start: int
    export_wh: int
    import_wh: int
    generation_wh: int
    is_estimated: bool


def quarters(readings: Iterable[Registers], first: int, last: int) -> list[Quarter]:
    """Return the quarters that begin in ``[first, last)`` and that readings reach into, oldest first.

    ``readings`` are in order of time. What flowed between two of them is spread evenly between their times; the
    sum of all quarters is what the registers gained. A register that falls (a new epoch) gains nothing.
    """
    energy: dict[int, list[int]] = {}
    estimated: set[int] = set()
    for before, after in pairwise(readings):
        seconds = after.measured_at - before.measured_at
        gained = (
            after.export_wh - before.export_wh,
            after.import_wh - before.import_wh,
            after.generation_wh - before.generation_wh,
        )
        if not 0 < seconds <= LONGEST_GAP_SECONDS or min(gained) < 0:
            continue
        done = [0, 0, 0]
        start = before.measured_at // QUARTER_SECONDS * QUARTER_SECONDS
        while start < after.measured_at:
            end = min(start + QUARTER_SECONDS, after.measured_at)
            reached = [gain * (end - before.measured_at) // seconds for gain in gained]
            if first <= start < last:
                kept = energy.setdefault(start, [0, 0, 0])
                for n in range(3):
                    kept[n] += reached[n] - done[n]
                if seconds > _USUAL_GAP_SECONDS:
                    estimated.add(start)
            done, start = reached, start + QUARTER_SECONDS
    return [
        Quarter(start, export_wh, import_wh, generation_wh, start in estimated)
        for start, (export_wh, import_wh, generation_wh) in sorted(energy.items())
    ]
