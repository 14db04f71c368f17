"""Take signed frames in: verify, compare with the meter's last reading, store or quarantine."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any, Final, Literal

from energy_swap_protocol.reading import FrameError, Reading, decode_frame
from sqlalchemy import Connection, insert, select, tuple_, update

from energy_swap_hub.storage import Lookup, is_in

from .plausibility import Site, reason_to_doubt
from .tables import meter_state, quarantine, reading

_AT_ONCE: Final = 500
_LATEST: Final = Lookup(
    select(
        meter_state.c.meter,
        meter_state.c.sequence,
        meter_state.c.measured_at,
        meter_state.c.export_wh,
        meter_state.c.import_wh,
        meter_state.c.generation_wh,
    ).where(is_in(meter_state.c.meter, "meters"))
)
FOREIGN_METER: Final = "signed by a meter that is not this household's"


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What became of one frame; in all three cases the hub has it durably."""

    sequence: int | None
    status: Literal["accepted", "duplicate", "quarantined"]
    reason: str | None = None


def claim_meter(connection: Connection, community_id: str, household_id: str, meter: bytes, frame: bytes) -> None:
    """Bind ``meter`` to its household with the reading of its application, the base of all that follows.

    Raises `FrameError` for a frame that is none, `ValueError` for one that another meter signed, and for a meter
    that has counted for a household before.
    """
    first = decode_frame(frame)
    if first.meter != meter:
        raise ValueError("the application's reading was signed by another meter")
    if latest(connection, meter) is not None:
        raise ValueError("this meter has counted for a household before; apply with one that has not")
    connection.execute(
        insert(meter_state).values(
            meter=meter, community_id=community_id, household_id=household_id, **_registers(first)
        )
    )
    connection.execute(insert(reading).values(community_id=community_id, **_row(first, frame)))


def accept_frames(
    connection: Connection,
    community_id: str,
    household_id: str,
    *,
    meter: bytes,
    site: Site,
    received: Sequence[bytes],
    now: datetime,
) -> list[IntakeResult]:
    """Take the ``received`` frames, oldest first, of the household's one ``meter`` and say what became of each."""
    last = latest(connection, meter)
    results: list[IntakeResult] = []
    accepted: list[tuple[Reading, bytes]] = []
    power: tuple[int, int] | None = None
    for frame in received:
        try:
            new = decode_frame(frame)
        except FrameError as error:
            results.append(_set_aside(connection, community_id, household_id, frame, None, str(error), now))
            continue
        reason = FOREIGN_METER if new.meter != meter else reason_to_doubt(new, last, site, int(now.timestamp()))
        if reason is None:
            accepted.append((new, frame))
            power = _power(last, new)
            last = new
            results.append(IntakeResult(new.sequence, "accepted"))
        elif _is_known(connection, household_id, new, frame, accepted):
            results.append(IntakeResult(new.sequence, "duplicate"))
        else:
            results.append(_set_aside(connection, community_id, household_id, frame, new.sequence, reason, now))
    if accepted:
        _store(connection, community_id, accepted, power)
    return results


def latest(connection: Connection, meter: bytes) -> Reading | None:
    """Return the meter's last accepted reading (or the one it was claimed with)."""
    return latest_of(connection, (meter,)).get(meter)


def latest_of(connection: Connection, meters: Collection[bytes]) -> dict[bytes, Reading]:
    """Return what `latest` returns of each of ``meters`` that has been claimed."""
    return {found[0]: Reading(*found) for found in _LATEST.all(connection, meters=meters)}


def frames(connection: Connection, places: Iterable[tuple[bytes, int]]) -> dict[tuple[bytes, int], bytes]:
    """Return the signed frames at these (meter, sequence); one that is not stored is left out."""
    row = reading.c
    found: dict[tuple[bytes, int], bytes] = {}
    for part in batched(places, _AT_ONCE, strict=False):
        query = select(row.meter, row.sequence, row.frame).where(tuple_(row.meter, row.sequence).in_(part))
        for meter, sequence, frame in connection.execute(query):
            found[bytes(meter), sequence] = bytes(frame)
    return found


def _is_known(
    connection: Connection,
    household_id: str,
    new: Reading,
    frame: bytes,
    accepted: Sequence[tuple[Reading, bytes]],
) -> bool:
    """Whether the household's meter, this one or one before it, has delivered ``frame`` already."""
    if any(frame == other for _, other in accepted):
        return True
    query = (
        select(reading.c.frame)
        .join(meter_state, meter_state.c.meter == reading.c.meter)
        .where(
            reading.c.measured_at == new.measured_at,
            reading.c.meter == new.meter,
            meter_state.c.household_id == household_id,
        )
    )
    stored = connection.execute(query).scalar()
    return stored is not None and bytes(stored) == frame


def _power(before: Reading | None, new: Reading) -> tuple[int, int] | None:
    if before is None:
        return None
    seconds = new.measured_at - before.measured_at
    net_wh = (new.import_wh - before.import_wh) - (new.export_wh - before.export_wh)
    return net_wh * 3600 // seconds, (new.generation_wh - before.generation_wh) * 3600 // seconds


def _registers(r: Reading) -> dict[str, int]:
    return {
        "sequence": r.sequence,
        "measured_at": r.measured_at,
        "export_wh": r.export_wh,
        "import_wh": r.import_wh,
        "generation_wh": r.generation_wh,
    }


def _row(r: Reading, frame: bytes) -> dict[str, Any]:
    return {"meter": r.meter, "frame": frame, **_registers(r)}


def _store(
    connection: Connection,
    community_id: str,
    accepted: Sequence[tuple[Reading, bytes]],
    power: tuple[int, int] | None,
) -> None:
    rows = [{"community_id": community_id, **_row(r, frame)} for r, frame in accepted]
    connection.execute(insert(reading), rows)
    last = accepted[-1][0]
    net_w, generation_w = power if power is not None else (None, None)
    connection.execute(
        update(meter_state)
        .where(meter_state.c.meter == last.meter)
        .values(net_w=net_w, generation_w=generation_w, **_registers(last))
    )


def _set_aside(
    connection: Connection,
    community_id: str,
    household_id: str,
    frame: bytes,
    sequence: int | None,
    reason: str,
    now: datetime,
) -> IntakeResult:
    known = select(quarantine.c.id).where(
        quarantine.c.community_id == community_id,
        quarantine.c.household_id == household_id,
        quarantine.c.frame == frame,
    )
    if connection.execute(known).first() is None:
        connection.execute(
            insert(quarantine).values(
                community_id=community_id, household_id=household_id, received_at=now, reason=reason, frame=frame
            )
        )
    return IntakeResult(sequence, "quarantined", reason)
