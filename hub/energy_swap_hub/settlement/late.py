"""The rule for late readings: what still counts for the running period, and what is trued up for those before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from energy_swap_protocol.period import Period
from energy_swap_protocol.reading import Reading

from .netting import Means, Position, position_between


@dataclass(frozen=True, slots=True)
class Span:
    """The first and the last reading of a household within the period that starts at ``start``."""

    start: datetime
    first: Reading
    last: Reading


@dataclass(frozen=True, slots=True)
class Late:
    """Energy between two readings that was not there when its period was booked; ``start`` is the period's."""

    start: datetime
    before: Reading
    after: Reading


@dataclass(frozen=True, slots=True)
class Count:
    """What a household's meter counted: late energy, and from ``before`` to ``after`` in the running period.

    All readings are with the household's registers, which go on through every register epoch.
    """

    late: Sequence[Late]
    before: Reading
    after: Reading

    def position(self, household: str) -> Position:
        """Return what counts for the running period."""
        return position_between(household, self.before, self.after)


def count(settled: Reading, spans: Iterable[Span], period: Period) -> Count:
    """Return what a household's ``spans``, oldest first, count after the reading until which it is ``settled``.

    What was measured until the period's start is late: it belongs to periods that are booked. Of a meter that told
    nothing for longer than a whole period before this one, nobody can say how much of what the next reading shows
    is this period's, so that is late too, and the position starts from that reading.
    """
    late: list[Late] = []
    last = settled
    for span in spans:
        if span.start < period.start:
            late.append(Late(span.start, last, span.last))
            last = span.last
            continue
        before = last
        if before.measured_at < int((period.start - period.length).timestamp()):
            late.append(Late(span.start, before, span.first))
            before = span.first
        return Count(tuple(late), before, span.last)
    return Count(tuple(late), last, last)


@dataclass(frozen=True, slots=True)
class TrueUp:
    """What late energy came to: tokens minted for net export, or own tokens burned for net import.

    ``grid_wh`` is what own tokens did not cover: the grid delivered it, and the utility bills it. Below zero it is
    net export that the utility has, by a net-metering contract.
    """

    late: Late
    position: Position
    minted_wh: int
    burned_wh: int
    grid_wh: int


def true_up_id(start: datetime, household: str, epoch: int, sequence: int) -> str:
    """Return what the entry of a true-up is called: ``2026-11-20T11:30Z/h-001/77``, by period, household, reading.

    After a change of meter it is ``…/77.1``, with the register epoch's number, as sequences may begin again.
    """
    return f"{start:%Y-%m-%dT%H:%MZ}/{household}/{sequence}" + (f".{epoch}" if epoch else "")


def true_up(late: Late, household: str, means: Means, *, is_net_metered: bool = False) -> tuple[TrueUp, Means]:
    """Return what becomes of late energy, and what the household has then.

    It is not traded, or a household could choose its price by being late.
    """
    position = position_between(household, late.before, late.after)
    if is_net_metered and position.net_export_wh:
        return TrueUp(late, position, 0, 0, -position.net_export_wh), means
    minted = position.net_export_wh
    burned = min(position.net_import_wh, means.ekwh_wh, max(means.allowance_wh, 0))
    left = replace(means, ekwh_wh=means.ekwh_wh + minted - burned, allowance_wh=means.allowance_wh - burned)
    return TrueUp(late, position, minted, burned, position.net_import_wh - burned), left
