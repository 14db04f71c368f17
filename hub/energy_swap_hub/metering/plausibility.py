"""What a site can physically do between two readings of its meter."""

from dataclasses import dataclass
from typing import Final

from energy_swap_protocol.reading import Reading, ReadingFlag

# Ratings are nominal: inverters exceed them on cold clear days, breakers trip late.
_TOLERANCE_PERCENT: Final = 125
_RESOLUTION_WH: Final = 2
_MAX_AHEAD_SECONDS: Final = 60
EPOCH_STARTED: Final = "the meter starts a new register epoch, which an admin must confirm"
_REFUSED_FLAGS: Final = {
    ReadingFlag.CLOCK_NOT_SYNCHRONISED: "the meter's clock is not synchronised",
    ReadingFlag.REGISTER_EPOCH_STARTED: EPOCH_STARTED,
    ReadingFlag.TAMPER: "the meter reports tampering",
    ReadingFlag.SENSOR_FAULT: "the meter reports a sensor fault",
}


@dataclass(frozen=True, slots=True)
class Site:
    """The limits of a household's installation in watts."""

    rated_pv_w: int
    main_breaker_w: int


def reason_to_doubt(reading: Reading, before: Reading | None, site: Site, now: int) -> str | None:
    """Return why ``reading`` cannot be accepted after ``before``, or None when it can. ``now`` is Unix time."""
    for flag, reason in _REFUSED_FLAGS.items():
        # The very first reading of an enrolled meter begins its epoch by nature.
        if flag in reading.flags and not (before is None and flag is ReadingFlag.REGISTER_EPOCH_STARTED):
            return reason
    if reading.measured_at > now + _MAX_AHEAD_SECONDS:
        return f"measured {reading.measured_at - now} s in the future"
    if before is None:
        return None
    if reading.sequence <= before.sequence:
        return f"sequence {reading.sequence} does not follow {before.sequence}"
    if reading.measured_at <= before.measured_at:
        return "measured no later than the reading before it"
    seconds = reading.measured_at - before.measured_at
    for name, gained, watts in (
        ("export", reading.export_wh - before.export_wh, site.rated_pv_w),
        ("generation", reading.generation_wh - before.generation_wh, site.rated_pv_w),
        ("import", reading.import_wh - before.import_wh, site.main_breaker_w),
    ):
        if gained < 0:
            return f"the {name} register falls by {-gained} Wh"
        possible = watts * seconds * _TOLERANCE_PERCENT // 360_000 + _RESOLUTION_WH
        if gained > possible:
            return f"{name} of {gained} Wh in {seconds} s, this site can do {possible} Wh"
    return None
