"""Register epochs: the approvers' word lets a replaced or restarted meter go on where the last one ended."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from energy_swap_protocol.reading import FrameError, Reading, ReadingFlag, decode_frame
from sqlalchemy import Connection, delete, insert, select, update

from energy_swap_hub.membership.households import Household, by_id, record_audit, set_meter

from .intake import FOREIGN_METER, accept_frames, latest
from .plausibility import EPOCH_STARTED, Site, reason_to_doubt
from .registers import Epoch, register_epochs
from .tables import meter_state, quarantine, reading, register_epoch

_LISTED: Final = 20_000  # quarantined frames that are looked through for candidates
_METER: Final = slice(4, 36)  # of a frame


def first_of_epoch(
    connection: Connection, community_id: str, household_id: str, frame: bytes, now: datetime
) -> Reading:
    """Return the reading in ``frame``, with which the household's next register epoch can begin.

    Raises `LookupError` when there is no such household and `ValueError` for a frame that cannot begin an epoch.
    """
    household = by_id(connection, community_id, household_id)
    last = latest(connection, household.meter)
    assert last is not None, "a household's meter is claimed with the reading of its application"
    try:
        first = decode_frame(frame)
    except FrameError as error:
        raise ValueError(f"frame: {error}") from None
    refusal = _refusal(connection, community_id, household, last, first, now)
    if refusal is not None:
        raise ValueError(f"frame: {refusal}")
    return first


def start_approved(
    connection: Connection,
    community_id: str,
    household_id: str,
    frame: bytes,
    *,
    proposal: str,
    who: str,
    reason: str,
    now: datetime,
) -> Epoch:
    """Start the epoch that the approvers decided on, with ``frame`` or the next one of its meter that can.

    While they signed, the old meter may have gone on. Raises `ValueError` when no frame can begin one.
    """
    first = decode_frame(frame)
    waiting = [
        (read.sequence, other)
        for other in _quarantined(connection, community_id, household_id)
        if (read := _decoded(other)) is not None and read.meter == first.meter and read.sequence > first.sequence
    ]
    refusals = []
    for candidate in (frame, *(other for _, other in sorted(waiting))):
        try:
            first_of_epoch(connection, community_id, household_id, candidate, now)
        except ValueError as refusal:
            refusals.append(str(refusal))
            continue
        return start_epoch(
            connection, community_id, household_id, candidate, proposal=proposal, who=who, reason=reason, now=now
        )
    raise ValueError(refusals[0])


def start_epoch(
    connection: Connection,
    community_id: str,
    household_id: str,
    frame: bytes,
    *,
    who: str,
    reason: str,
    now: datetime,
    proposal: str | None = None,
) -> Epoch:
    """Close a household's registers at their last accepted reading and go on from ``frame``; return the epoch.

    ``frame`` is the first reading to count from: of the same meter with the flag of a new register epoch, or of
    the meter that replaces it. From then on readings are taken from that meter only; those that were quarantined
    meanwhile are taken in at once. What flowed between the two readings was counted by no meter. ``proposal`` is
    what the approvers signed.
    Raises `LookupError` when there is no such household and `ValueError` for a frame that cannot begin an epoch.
    """
    first = first_of_epoch(connection, community_id, household_id, frame, now)
    household = by_id(connection, community_id, household_id)
    last = latest(connection, household.meter)
    assert last is not None, "it was looked at just now"
    ended = register_epochs(connection, community_id).carried(last)
    epoch = Epoch(
        household_id,
        _next_number(connection, community_id, household_id),
        first.meter,
        first.sequence,
        first.measured_at,
        last.meter,
        last.sequence,
        ended.export_wh - first.export_wh,
        ended.import_wh - first.import_wh,
        ended.generation_wh - first.generation_wh,
    )
    _record(connection, community_id, epoch, first, frame, (who, reason, proposal, now))
    if first.meter != household.meter:
        set_meter(connection, community_id, household_id, first.meter)
    record_audit(
        connection,
        community_id,
        who=who,
        what=f"started register epoch {epoch.number} with meter {first.meter.hex()}: {reason}",
        subject=household_id,
        now=now,
    )
    _take_in(connection, community_id, household, first, now)
    return epoch


@dataclass(frozen=True, slots=True)
class Candidate:
    """The first quarantined frame of a meter that could begin a household's next register epoch."""

    household: str
    first: Reading
    frame: bytes
    reason: str
    received_at: datetime
    frames: int  # how many frames of this meter wait in quarantine


def candidates(connection: Connection, community_id: str, now: datetime) -> list[Candidate]:
    """Return the frames in quarantine that an admin could start a register epoch with, oldest first."""
    row = quarantine.c
    query = (
        select(row.household_id, row.frame, row.reason, row.received_at)
        .where(row.community_id == community_id, row.reason.in_((FOREIGN_METER, EPOCH_STARTED)))
        .order_by(row.id)
        .limit(_LISTED)
    )
    waiting: dict[tuple[str, bytes], list[tuple[bytes, str, datetime]]] = defaultdict(list)
    for household_id, frame, reason, received_at in connection.execute(query):
        waiting[household_id, bytes(frame)[_METER]].append((bytes(frame), reason, received_at))
    found = []
    for (household_id, _), frames in waiting.items():
        household = by_id(connection, community_id, household_id)
        last = latest(connection, household.meter)
        for frame, reason, received_at in frames:
            first = decode_frame(frame)
            if last is not None and _refusal(connection, community_id, household, last, first, now) is None:
                found.append(Candidate(household_id, first, frame, reason, received_at, len(frames)))
                break
    return found


def _refusal(
    connection: Connection, community_id: str, household: Household, last: Reading, first: Reading, now: datetime
) -> str | None:
    """Return why ``first`` cannot begin an epoch after ``last``, and what would be taken; None when it can."""
    other_flags = replace(first, flags=first.flags & ~ReadingFlag.REGISTER_EPOCH_STARTED)
    doubt = reason_to_doubt(other_flags, None, Site(0, 0), int(now.timestamp()))
    if doubt is not None:
        return f"{doubt}; take a later reading without that"
    if first.meter == household.meter:
        if ReadingFlag.REGISTER_EPOCH_STARTED not in first.flags:
            return "of the household's own meter only a reading with the flag of a new register epoch begins one"
        if first.sequence <= last.sequence:
            return f"sequence {first.sequence} does not follow {last.sequence}; a meter never repeats a sequence"
    else:
        state = meter_state.c
        query = select(state.household_id, state.community_id, state.sequence).where(state.meter == first.meter)
        known = connection.execute(query).first()
        if known is not None and (known[0], known[1]) != (household.id, community_id):
            return "this meter belongs to another household; a household's new meter has a key of its own"
        if known is not None and first.sequence <= known[2]:
            return f"sequence {first.sequence} of this meter was there before; take one after {known[2]}"
    if first.measured_at <= last.measured_at:
        return (
            f"measured at {first.measured_at}, but the readings until {last.measured_at} are already counted; "
            "take a later one of this meter"
        )
    return None


def _next_number(connection: Connection, community_id: str, household_id: str) -> int:
    row = register_epoch.c
    query = select(row.number).where(row.community_id == community_id, row.household_id == household_id)
    return max(connection.execute(query).scalars(), default=0) + 1


def _record(
    connection: Connection,
    community_id: str,
    epoch: Epoch,
    first: Reading,
    frame: bytes,
    word: tuple[str, str, str | None, datetime],
) -> None:
    who, reason, proposal, now = word
    registers = {
        "sequence": first.sequence,
        "measured_at": first.measured_at,
        "export_wh": first.export_wh,
        "import_wh": first.import_wh,
        "generation_wh": first.generation_wh,
    }
    connection.execute(
        insert(register_epoch).values(
            community_id=community_id,
            household_id=epoch.household,
            number=epoch.number,
            meter=epoch.meter,
            first_sequence=epoch.first_sequence,
            **{name: value for name, value in registers.items() if name != "sequence"},
            closed_meter=epoch.closed_meter,
            closed_sequence=epoch.closed_sequence,
            carried_export_wh=epoch.carried_export_wh,
            carried_import_wh=epoch.carried_import_wh,
            carried_generation_wh=epoch.carried_generation_wh,
            who=who,
            reason=reason,
            proposal=proposal,
            at=now,
        )
    )
    connection.execute(
        insert(reading).values(community_id=community_id, meter=first.meter, frame=frame, **registers)
    )
    state = registers | {"net_w": None, "generation_w": None}
    if not connection.execute(
        update(meter_state).where(meter_state.c.meter == first.meter).values(state)
    ).rowcount:
        keys = {"meter": first.meter, "community_id": community_id, "household_id": epoch.household}
        connection.execute(insert(meter_state).values(keys | state))
    _release(connection, community_id, epoch.household, [frame])


def _take_in(
    connection: Connection, community_id: str, household: Household, first: Reading, now: datetime
) -> None:
    """Take in what the meter of the new epoch has sent since its first reading and was set aside."""
    later = [
        (new.sequence, frame)
        for frame in _quarantined(connection, community_id, household.id)
        if frame[_METER] == first.meter and (new := _decoded(frame)) is not None and new.sequence > first.sequence
    ]
    if not later:
        return
    received = [frame for _, frame in sorted(later)]
    results = accept_frames(
        connection,
        community_id,
        household.id,
        meter=first.meter,
        site=Site(household.rated_pv_w, household.main_breaker_w),
        received=received,
        now=now,
    )
    accepted = [f for f, result in zip(received, results, strict=True) if result.status == "accepted"]
    _release(connection, community_id, household.id, accepted)


def _quarantined(connection: Connection, community_id: str, household_id: str) -> list[bytes]:
    row = quarantine.c
    query = select(row.frame).where(row.community_id == community_id, row.household_id == household_id)
    return [bytes(frame) for frame in connection.execute(query.order_by(row.id)).scalars()]


def _release(connection: Connection, community_id: str, household_id: str, frames: Sequence[bytes]) -> None:
    """Take frames out of quarantine that are readings now."""
    row = quarantine.c
    for frame in frames:
        connection.execute(
            delete(quarantine).where(
                row.community_id == community_id, row.household_id == household_id, row.frame == frame
            )
        )


def _decoded(frame: bytes) -> Reading | None:
    try:
        return decode_frame(frame)
    except FrameError:
        return None
