"""Until which reading each household is settled, from its admission on."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final

from energy_swap_protocol.reading import Reading
from sqlalchemy import ColumnElement, Connection, select

from energy_swap_hub import metering
from energy_swap_hub.membership.households import Household
from energy_swap_hub.metering.registers import Epochs, register_epochs
from energy_swap_hub.metering.tables import reading
from energy_swap_hub.storage import put_rows

from .allowances import open_allowance
from .tables import settled_register

_COLUMNS: Final = (
    "community_id",
    "household_id",
    "meter",
    "sequence",
    "measured_at",
    "export_wh",
    "import_wh",
    "generation_wh",
)


def start_registers(connection: Connection, community_id: str, household: Household) -> None:
    """Remember from which registers a newly admitted household is settled: what flowed before is its own."""
    last = metering.latest(connection, household.meter)
    assert last is not None, "a household is admitted with the reading of its application"
    carried = register_epochs(connection, community_id).carried(last)
    settle_until(connection, community_id, {household.id: carried})
    open_allowance(connection, community_id, household.id)


def start_at_admission(
    connection: Connection,
    community_id: str,
    members: Collection[Household],
    settled: Mapping[str, Reading],
    epochs: Epochs,
    length: timedelta,
) -> dict[str, Reading]:
    """Return, and remember, from where members begin whose readings from before their admission came after it.

    An edge sends what it has stored once its household is admitted, which is settled from the last reading before;
    where there is none since its application, more than a period's ``length`` ago, from the first one after.
    """
    begun: dict[str, Reading] = {}
    for member in members:
        last = settled[member.id]
        assert member.admitted_at is not None, "a member has been admitted"
        admitted = int(member.admitted_at.timestamp())
        if last.measured_at >= admitted:
            continue
        row = reading.c
        first = _reading(connection, last, row.measured_at <= admitted, row.sequence.desc())
        if first is None and last.measured_at < admitted - int(length.total_seconds()):
            first = _reading(connection, last, row.measured_at > admitted, row.sequence)
        if first is not None:
            begun[member.id] = epochs.carried(first)
    settle_until(connection, community_id, begun)
    return begun


def settled_readings(connection: Connection, community_id: str) -> dict[str, Reading]:
    """Return the reading until which each household is settled, with the household's registers."""
    row = settled_register.c
    query = select(*(row[name] for name in _COLUMNS[1:])).where(row.community_id == community_id)
    return {member_id: Reading(bytes(meter), *numbers) for member_id, meter, *numbers in connection.execute(query)}


def settle_until(connection: Connection, community_id: str, readings: Mapping[str, Reading]) -> None:
    """Remember until which reading each of these households is settled; with the household's registers."""
    rows = [
        (community_id, name, r.meter, r.sequence, r.measured_at, r.export_wh, r.import_wh, r.generation_wh)
        for name, r in readings.items()
    ]
    put_rows(connection, settled_register, _COLUMNS, rows)


def _reading(
    connection: Connection, after: Reading, when: ColumnElement[bool], order: ColumnElement[int]
) -> Reading | None:
    row = reading.c
    query = (
        select(row.sequence, row.measured_at, row.export_wh, row.import_wh, row.generation_wh)
        .where(row.meter == after.meter, row.sequence > after.sequence, when)
        .order_by(order)
        .limit(1)
    )
    found = connection.execute(query).first()
    return None if found is None else Reading(after.meter, *found)
