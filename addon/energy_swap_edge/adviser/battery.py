"""What a household's battery leaves of its surplus and its shortage: it comes before the market."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery in Wh and W. ``charge_wh`` is what is in it now, ``efficiency`` of a whole cycle, 0 to 1.

    Below ``floor_wh`` it is not used.
    """

    capacity_wh: int
    charge_wh: int
    max_power_w: int
    floor_wh: int = 0
    efficiency: float = 0.9


@dataclass(frozen=True, slots=True)
class Slot:
    """A period to come: Wh that are expected to be left over, and to be lacking, by mean and by a cautious figure.

    ``surplus_low_wh`` is exceeded nine times in ten; ``shortage_high_wh`` is exceeded once in ten times.
    """

    start: int
    minutes: int
    surplus_wh: int
    surplus_low_wh: int
    shortage_wh: int
    shortage_high_wh: int

    @property
    def end(self) -> int:
        """The first second after it."""
        return self.start + self.minutes * 60


def after_battery(slots: Sequence[Slot], battery: Battery | None) -> list[Slot]:
    """Return what is left for the market when the battery takes surplus and gives for shortage, in order of time.

    The battery follows the means; the cautious figures shrink by what it takes and gives. No slot gets more
    surplus or more shortage by it.
    """
    if battery is None:
        return list(slots)
    left = []
    charge = float(min(max(battery.charge_wh, 0), battery.capacity_wh))
    for slot in slots:
        most = battery.max_power_w * slot.minutes / 60
        taken = min(slot.surplus_wh, most, (battery.capacity_wh - charge) / battery.efficiency)
        taken = max(taken, 0.0)
        charge += taken * battery.efficiency
        given = max(min(slot.shortage_wh, most, charge - battery.floor_wh), 0.0)
        charge -= given
        left.append(
            replace(
                slot,
                surplus_wh=round(slot.surplus_wh - taken),
                surplus_low_wh=round(max(slot.surplus_low_wh - taken, 0)),
                shortage_wh=round(slot.shortage_wh - given),
                shortage_high_wh=round(max(slot.shortage_high_wh - given, 0)),
            )
        )
    return left
