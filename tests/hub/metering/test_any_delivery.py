from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from energy_swap_hub import metering
from energy_swap_hub.metering.tables import meter_state, quarantine, reading
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.hub.metering.meter import SITE, START, Meter
from tests.hub.tables import empty_tables

LATER = datetime.fromtimestamp(START, UTC) + timedelta(days=1)
flows = st.fixed_dictionaries(
    {
        "seconds": st.integers(1, 120),
        "export_wh": st.integers(0, 2),
        "import_wh": st.integers(0, 2),
        "generation_wh": st.integers(0, 2),
    }
)


type Row = tuple[object, ...]


def delivered(batches: Sequence[Sequence[bytes]]) -> tuple[list[str], list[Row], Row, list[bytes]]:
    """Deliver the batches to an empty hub; return statuses, readings, the meter's state and the quarantine."""
    meter = Meter()
    with empty_tables() as connection:
        metering.claim_meter(connection, "village", "h-001", meter.public, meter.sign(meter.last))
        statuses = [
            str(result.status)
            for batch in batches
            for result in metering.accept_frames(
                connection, "village", "h-001", meter=meter.public, site=SITE, received=batch, now=LATER
            )
        ]
        readings = [tuple(row) for row in connection.execute(select(reading).order_by(reading.c.sequence))]
        kept = select(quarantine.c.frame).order_by(quarantine.c.id)
        state = tuple(connection.execute(select(meter_state)).one())
        aside = [bytes(f) for f in connection.execute(kept).scalars()]
        return statuses, readings, state, aside


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[bytes], list[tuple[bytes, str]], list[int]]:
    """Draw clean frames; the same frames among duplicates and garbage, with what must become of each; cuts."""
    meter, other = Meter(), Meter(2)
    known = [meter.sign(meter.last)]
    clean: list[bytes] = []
    mixed: list[tuple[bytes, str]] = []
    for flow in draw(st.lists(flows, min_size=1, max_size=8)):
        for _ in range(draw(st.integers(0, 3))):
            kind = draw(st.sampled_from(["duplicate", "bytes", "bit", "other", "flag", "impossible", "future"]))
            last = meter.last
            following = replace(last, sequence=last.sequence + 1, measured_at=last.measured_at + 1)
            match kind:
                case "duplicate":
                    mixed.append((draw(st.sampled_from(known)), "duplicate"))
                    continue
                case "bytes":
                    noise = draw(st.binary(max_size=150))
                case "bit":
                    body = bytearray(meter.sign(following))
                    body[draw(st.integers(0, 143))] ^= 1 << draw(st.integers(0, 7))
                    noise = bytes(body)
                case "other":
                    noise = other.sign(replace(following, meter=other.public))
                case "flag":
                    noise = meter.sign(following, flags=draw(st.sampled_from([1, 2, 4, 8])))
                case "impossible":
                    noise = meter.sign(following, export_wh=last.export_wh + 10_000)
                case _:
                    noise = meter.sign(following, measured_at=START + 200_000)
            mixed.append((noise, "quarantined"))
        frame = meter.measure(**flow)
        clean.append(frame)
        known.append(frame)
        mixed.append((frame, "accepted"))
    cuts = sorted(draw(st.sets(st.integers(1, len(mixed)), max_size=5)))
    return clean, mixed, cuts


@settings(max_examples=60, deadline=None)
@given(deliveries())
def test_duplicates_and_garbage_change_nothing_about_what_is_stored(
    delivery: tuple[list[bytes], list[tuple[bytes, str]], list[int]],
) -> None:
    clean, mixed, cuts = delivery
    frames = [frame for frame, _ in mixed]
    edges = [0, *cuts, len(frames)]
    batches = [frames[a:b] for a, b in pairwise(edges)]
    clean_statuses, clean_readings, clean_state, clean_aside = delivered([clean])
    assert set(clean_statuses) == {"accepted"}
    assert clean_aside == []
    statuses, readings, state, aside = delivered(batches)
    assert statuses == [expected for _, expected in mixed]
    assert readings == clean_readings
    assert state == clean_state
    garbage = [frame for frame, expected in mixed if expected == "quarantined"]
    assert aside == list(dict.fromkeys(garbage))
