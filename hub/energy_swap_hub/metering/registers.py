"""A household's registers, which go on where they ended when its meter is replaced or begins to count anew."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from energy_swap_protocol.reading import Reading
from sqlalchemy import Connection, select

from .tables import register_epoch


@dataclass(frozen=True, slots=True)
class Epoch:
    """One change of a household's registers, by the approvers' word.

    It begins with the reading ``first_sequence`` of ``meter``, measured at ``since`` (Unix seconds), after the
    reading ``closed_sequence`` of ``closed_meter``. The carried Wh added to the meter's registers make the
    household's: they go on where they ended.
    """

    household: str
    number: int
    meter: bytes
    first_sequence: int
    since: int
    closed_meter: bytes
    closed_sequence: int
    carried_export_wh: int
    carried_import_wh: int
    carried_generation_wh: int


class Epochs:
    """All register epochs of a community; most households have none but the first, which is not stored."""

    def __init__(self, epochs: Iterable[Epoch]) -> None:
        self._by_meter: dict[bytes, list[Epoch]] = defaultdict(list)
        self._by_household: dict[str, list[Epoch]] = defaultdict(list)
        for epoch in sorted(epochs, key=lambda e: e.since):
            self._by_meter[epoch.meter].append(epoch)
            self._by_household[epoch.household].append(epoch)

    def carried(self, read: Reading) -> Reading:
        """Return a meter's reading with its household's registers, which never fall from epoch to epoch."""
        export_wh, import_wh, generation_wh = self.carried_wh(read.meter, read.sequence)
        if not (export_wh or import_wh or generation_wh):
            return read
        return replace(
            read,
            export_wh=read.export_wh + export_wh,
            import_wh=read.import_wh + import_wh,
            generation_wh=read.generation_wh + generation_wh,
        )

    def carried_wh(self, meter: bytes, sequence: int) -> tuple[int, int, int]:
        """Return the Wh (export, import, generation) to be added to the registers of a meter's reading."""
        began = [e for e in self._by_meter.get(meter, ()) if e.first_sequence <= sequence]
        if not began:
            return 0, 0, 0
        return began[-1].carried_export_wh, began[-1].carried_import_wh, began[-1].carried_generation_wh

    def number(self, household: str, read: Reading) -> int:
        """Return the number of the epoch that a reading of the household belongs to; 0 is the first."""
        began = [e.number for e in self._by_household.get(household, ()) if e.since <= read.measured_at]
        return max(began, default=0)

    def between(self, household: str, start: Reading, until: int) -> list[Epoch]:
        """Return the household's epochs that began after ``start`` and at or before ``until`` (Unix seconds)."""
        return [e for e in self._by_household.get(household, ()) if start.measured_at < e.since <= until]

    def evidence(self, household: str, start: Reading, end: Reading) -> tuple[tuple[bytes, int], ...]:
        """Return (meter, sequence) of the readings that prove what was counted from ``start`` to ``end``.

        The differences between neighbours of the same meter add up to it, but not to one that starts an epoch.
        """
        changes = self.between(household, start, end.measured_at)
        inner = [
            place for e in changes for place in ((e.closed_meter, e.closed_sequence), (e.meter, e.first_sequence))
        ]
        places = [(start.meter, start.sequence), *inner, (end.meter, end.sequence)]
        return tuple(dict.fromkeys(places))


def register_epochs(connection: Connection, community_id: str) -> Epochs:
    """Return the register epochs of a community's households."""
    row = register_epoch.c
    query = select(
        row.household_id,
        row.number,
        row.meter,
        row.first_sequence,
        row.measured_at,
        row.closed_meter,
        row.closed_sequence,
        row.carried_export_wh,
        row.carried_import_wh,
        row.carried_generation_wh,
    ).where(row.community_id == community_id)
    return Epochs(Epoch(*found) for found in connection.execute(query))
