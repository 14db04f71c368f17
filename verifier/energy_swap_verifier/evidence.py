"""What signed readings prove: whose meter, how many Wh, and whether the site could do it. Plain functions only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from energy_swap_protocol.memo import AdmissionMemo
from energy_swap_protocol.period import Period, PeriodCalendar
from energy_swap_protocol.reading import FrameError, Reading, ReadingFlag, decode_frame, frame_from_text

_TOLERANCE_PERCENT: Final = 125  # ratings are nominal
_RESOLUTION_WH: Final = 2
MAX_AHEAD: Final = timedelta(seconds=60)


class EvidenceError(ValueError):
    """Readings do not prove what they are given for; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Run:
    """Two readings of one meter between which its registers ran on; both the same: nothing in between."""

    start: Reading
    end: Reading

    @property
    def net_wh(self) -> int:
        """Export less import."""
        return (self.end.export_wh - self.start.export_wh) - (self.end.import_wh - self.start.import_wh)


@dataclass(frozen=True, slots=True)
class Slot:
    """The period that a mint is named after; its late energy, told afterwards, is minted by itself."""

    period: Period
    is_late: bool

    @property
    def group(self) -> str:
        """What may be minted once: the name without the number of the try."""
        return self.period.id + (".late" if self.is_late else "")


def slot_of(name: str, calendar: PeriodCalendar) -> Slot:
    """Read ``2026-11-20T11:30Z``, ``….late`` and another try of either, ``….2``; raise `EvidenceError`."""
    base, *rest = name.split(".")
    is_late = rest[:1] == ["late"]
    tries = rest[1:] if is_late else rest
    if len(tries) > 1 or not all(part.isdecimal() for part in tries):
        raise EvidenceError(f"{name} names no period")
    try:
        return Slot(calendar.named(base), is_late)
    except ValueError as error:
        raise EvidenceError(str(error)) from None


def read_frames(texts: Sequence[str]) -> tuple[bytes, ...]:
    """Return the frames; raise `EvidenceError` for a text that carries none."""
    try:
        return tuple(frame_from_text(text) for text in texts)
    except FrameError as error:
        raise EvidenceError(f"frame: {error}") from None


def runs_of(frames: Sequence[bytes]) -> tuple[Run, ...]:
    """Return the runs that ``frames`` show, oldest first, each with a true signature; raise `EvidenceError`.

    Usually two frames and one run. Where a meter was replaced or began its registers anew there are more: from one
    meter to the next, and to a reading that starts an epoch, nothing is counted.
    """
    try:
        readings = [decode_frame(frame) for frame in frames]
    except FrameError as error:
        raise EvidenceError(f"frame: {error}") from None
    if len(readings) < 2:
        raise EvidenceError(f"a mint is proven by at least two readings, not {len(readings)}")
    runs = [Run(readings[0], readings[0])]
    for reading in readings[1:]:
        starts = ReadingFlag.REGISTER_EPOCH_STARTED in reading.flags
        if starts or reading.meter != runs[-1].end.meter:
            runs.append(Run(reading, reading))
        else:
            runs[-1] = Run(runs[-1].start, reading)
        if len(runs) > 1 and reading.measured_at < runs[-2].end.measured_at:
            raise EvidenceError("readings are given oldest first")
    return tuple(runs)


def check_runs(runs: Iterable[Run], meters: Mapping[bytes, AdmissionMemo], slot: Slot, now: datetime) -> int:
    """Return the net export that ``runs`` prove for a household with these ``meters``; raise `EvidenceError`."""
    net_wh = 0
    for run in runs:
        admitted = meters.get(run.start.meter)
        if admitted is None:
            raise EvidenceError(f"meter {run.start.meter.hex()} is not admitted with this account")
        if run.start.sequence < admitted.sequence:
            raise EvidenceError(
                f"reading {run.start.sequence} is from before the household's admission ({admitted.sequence})"
            )
        _check_flags(run)
        if run.end != run.start:
            _check_possible(run, admitted)
        _check_time(run, slot, now)
        net_wh += run.net_wh
    return net_wh


def _check_flags(run: Run) -> None:
    for reading in (run.start, run.end):
        flags = reading.flags
        if reading is run.start:
            flags &= ~ReadingFlag.REGISTER_EPOCH_STARTED
        if flags:
            raise EvidenceError(f"the meter itself doubts reading {reading.sequence}: {flags!r}")


def _check_possible(run: Run, admitted: AdmissionMemo) -> None:
    start, end = run.start, run.end
    seconds = end.measured_at - start.measured_at
    if end.sequence <= start.sequence or seconds <= 0:
        raise EvidenceError(f"reading {end.sequence} does not follow reading {start.sequence}")
    for name, gained, watts in (
        ("export", end.export_wh - start.export_wh, admitted.rated_pv_w),
        ("generation", end.generation_wh - start.generation_wh, admitted.rated_pv_w),
        ("import", end.import_wh - start.import_wh, admitted.main_breaker_w),
    ):
        possible = watts * seconds * _TOLERANCE_PERCENT // 360_000 + _RESOLUTION_WH
        if not 0 <= gained <= possible:
            raise EvidenceError(
                f"{name} of {gained} Wh in {seconds} s; this site can do 0 to {possible} Wh ({watts} W)"
            )


def _check_time(run: Run, slot: Slot, now: datetime) -> None:
    end = datetime.fromtimestamp(run.end.measured_at, UTC)
    if end > slot.period.end:
        raise EvidenceError(f"reading {run.end.sequence} is from after the end of period {slot.period.id}")
    if slot.period.end > now + MAX_AHEAD:
        raise EvidenceError(f"period {slot.period.id} is not over")
    begins = datetime.fromtimestamp(run.start.measured_at, UTC)
    # A meter that told nothing for longer than a period is counted late, from its next reading on.
    if not slot.is_late and begins < slot.period.start - slot.period.length:
        raise EvidenceError(f"reading {run.start.sequence} is from long before period {slot.period.id}")


def overlap(one: Run, other: Run) -> bool:
    """Whether two runs show the same energy, even in part."""
    return (
        one.start.meter == other.start.meter
        and one.start.sequence < other.end.sequence
        and other.start.sequence < one.end.sequence
    )


def check_neighbours(reading: Reading, before: Reading | None, after: Reading | None) -> None:
    """Raise `EvidenceError` unless registers only grow from ``before`` over ``reading`` to ``after``."""
    if before is not None and before.sequence == reading.sequence:
        if replace(before, flags=reading.flags) != reading:
            raise EvidenceError(f"meter {reading.meter.hex()} has signed two readings {reading.sequence}")
        return
    for low, high in ((before, reading), (reading, after)):
        if low is None or high is None:
            continue
        grown = (
            high.measured_at - low.measured_at,
            high.export_wh - low.export_wh,
            high.import_wh - low.import_wh,
            high.generation_wh - low.generation_wh,
        )
        if min(grown) < 0:
            raise EvidenceError(
                f"registers of meter {reading.meter.hex()} fall from reading {low.sequence} to {high.sequence}"
            )
