import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from energy_swap_hub import metering
from energy_swap_hub.metering import IntakeResult
from energy_swap_hub.metering.plausibility import Site
from energy_swap_hub.metering.tables import meter_state, quarantine, reading
from energy_swap_protocol.reading import Reading, ReadingFlag
from sqlalchemy import Connection, select

from tests.hub.metering.meter import SITE, START, Meter
from tests.hub.tables import empty_tables

VILLAGE = "village"
LATER = datetime.fromtimestamp(START, UTC) + timedelta(days=1)


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def connection(meter: Meter) -> Iterator[Connection]:
    with empty_tables() as connection:
        metering.claim_meter(connection, VILLAGE, "h-001", meter.public, meter.sign(meter.last))
        yield connection


def deliver(
    connection: Connection, meter: Meter, *frames: bytes, site: Site = SITE, now: datetime = LATER
) -> list[IntakeResult]:
    return metering.accept_frames(
        connection, VILLAGE, "h-001", meter=meter.public, site=site, received=frames, now=now
    )


def statuses(results: list[IntakeResult]) -> list[str]:
    return [result.status for result in results]


def stored(connection: Connection) -> list[bytes]:
    """Return the frames kept after the application's, which is the first."""
    kept = connection.execute(select(reading.c.frame).order_by(reading.c.sequence)).scalars()
    return [bytes(frame) for frame in kept][1:]


def set_aside(connection: Connection) -> list[tuple[bytes, str]]:
    query = select(quarantine.c.frame, quarantine.c.reason).order_by(quarantine.c.id)
    return [(bytes(frame), reason) for frame, reason in connection.execute(query)]


def test_readings_in_sequence_are_accepted_and_kept_with_their_evidence(
    connection: Connection, meter: Meter
) -> None:
    frames = [meter.measure(export_wh=50, generation_wh=60) for _ in range(3)]
    results = deliver(connection, meter, *frames)
    assert results == [IntakeResult(sequence, "accepted") for sequence in (11, 12, 13)]
    assert stored(connection) == frames
    places = [(meter.public, sequence) for sequence in (11, 13, 99)]
    assert metering.frames(connection, places) == {places[0]: frames[0], places[1]: frames[2]}
    assert metering.latest(connection, meter.public) == meter.last
    assert set_aside(connection) == []


def test_lost_sequences_do_not_hold_up_the_next_reading(connection: Connection, meter: Meter) -> None:
    meter.measure(import_wh=30)
    meter.measure(import_wh=30)
    assert deliver(connection, meter, meter.measure(import_wh=30)) == [IntakeResult(13, "accepted")]
    assert metering.latest(connection, meter.public) == meter.last


def test_a_batch_sent_again_is_known(connection: Connection, meter: Meter) -> None:
    frames = [meter.measure(import_wh=10) for _ in range(4)]
    deliver(connection, meter, *frames[:3])
    assert statuses(deliver(connection, meter, *frames)) == ["duplicate"] * 3 + ["accepted"]
    assert statuses(deliver(connection, meter, *frames)) == ["duplicate"] * 4
    assert stored(connection) == frames
    assert set_aside(connection) == []


def test_a_frame_twice_in_one_batch_is_stored_once(connection: Connection, meter: Meter) -> None:
    one, two = meter.measure(import_wh=10), meter.measure(import_wh=10)
    assert statuses(deliver(connection, meter, one, one, two, one)) == [
        "accepted", "duplicate", "accepted", "duplicate",
    ]  # fmt: skip
    assert stored(connection) == [one, two]


def test_the_reading_of_the_application_is_known_now_and_later(connection: Connection, meter: Meter) -> None:
    base = meter.sign(meter.last)
    assert deliver(connection, meter, base) == [IntakeResult(10, "duplicate")]
    assert statuses(deliver(connection, meter, base, meter.measure(import_wh=5))) == ["duplicate", "accepted"]
    assert deliver(connection, meter, base) == [IntakeResult(10, "duplicate")]
    assert set_aside(connection) == []


def test_the_first_reading_of_an_epoch_may_be_the_one_of_the_application() -> None:
    meter = Meter()
    first = Reading(meter.public, 1, START, 0, 0, 0, ReadingFlag.REGISTER_EPOCH_STARTED)
    with empty_tables() as connection:
        metering.claim_meter(connection, VILLAGE, "h-001", meter.public, meter.sign(first))
        assert deliver(connection, meter, meter.sign(first)) == [IntakeResult(1, "duplicate")]
        # The same registers under another flag are another statement of the meter.
        tampered = meter.sign(first, flags=ReadingFlag.TAMPER)
        assert statuses(deliver(connection, meter, tampered)) == ["quarantined"]


def test_an_application_with_the_reading_of_another_meter_is_refused() -> None:
    with empty_tables() as connection, pytest.raises(ValueError, match="another meter"):
        metering.claim_meter(connection, VILLAGE, "h-001", Meter(1).public, Meter(2).sign(Meter(2).last))


def test_a_meter_that_has_counted_for_a_household_is_no_other_ones(connection: Connection, meter: Meter) -> None:
    with pytest.raises(ValueError, match="has counted for a household before"):
        metering.claim_meter(connection, VILLAGE, "h-002", meter.public, meter.measure())


Forge = Callable[[Meter], bytes]


@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (
            lambda m: m.sign(m.last, sequence=12, measured_at=START + 120, export_wh=999),
            "export register falls by 21",
        ),
        (lambda m: m.sign(m.last, sequence=12, measured_at=START + 120, import_wh=0), "import register falls"),
        (
            lambda m: m.sign(m.last, sequence=12, measured_at=START + 120, generation_wh=1),
            "generation register fall",
        ),
        (lambda m: m.sign(m.last, sequence=9, measured_at=START + 120), "sequence 9 does not follow 11"),
        (lambda m: m.sign(m.last, sequence=11, measured_at=START + 120), "sequence 11 does not follow 11"),
        (lambda m: m.sign(m.last, sequence=11, export_wh=1_021), "sequence 11 does not follow 11"),
        (lambda m: m.sign(m.last, sequence=12), "no later than the reading before"),
        (lambda m: m.sign(m.last, sequence=12, measured_at=START + 30), "no later than the reading before"),
        (lambda m: m.sign(m.last, sequence=12, measured_at=START + 86_461), "61 s in the future"),
        (lambda m: m.sign(m.last, sequence=12, measured_at=2**62), "in the future"),
        (lambda m: Meter(2).measure(import_wh=1), "not this household's"),
        (lambda m: m.sign(m.last, sequence=12, measured_at=START + 120, flags=1), "clock is not synchronised"),
        (lambda m: m.sign(m.last, sequence=12, measured_at=START + 120, flags=2), "register epoch"),
        (lambda m: m.sign(m.last, sequence=12, measured_at=START + 120, flags=4), "tampering"),
        (lambda m: m.sign(m.last, sequence=12, measured_at=START + 120, flags=8), "sensor fault"),
        (lambda m: m.sign(m.last, sequence=12, measured_at=START + 120, flags=16), "unknown flags"),
        (lambda m: m.measure(export_wh=107), "export of 107 Wh in 60 s, this site can do 106 Wh"),
        (lambda m: m.measure(generation_wh=107), "generation of 107 Wh in 60 s"),
        (lambda m: m.measure(import_wh=211), "import of 211 Wh in 60 s, this site can do 210 Wh"),
        (lambda m: b"", "144 bytes, not 0"),
        (lambda m: b"\x00" * 144, "begins with"),
        (lambda m: b"not base64 at all", "144 bytes, not 17"),
        (lambda m: m.measure()[:-1], "144 bytes, not 143"),
        (lambda m: m.measure()[:-1] + b"\x00", "signature does not belong"),
        (lambda m: b"ESR1" + b"\xff" * 32 + b"\x01" * 108, "signature does not belong|out of range|unknown flags"),
    ],
)
def test_what_cannot_be_true_is_set_aside_with_its_reason(
    connection: Connection, meter: Meter, forge: Forge, reason: str
) -> None:
    good = meter.measure(export_wh=20)
    deliver(connection, meter, good)
    base = meter.last
    bad = forge(meter)
    (result,) = deliver(connection, meter, bad)
    assert result.status == "quarantined"
    assert result.reason is not None
    assert re.search(reason, result.reason)
    assert set_aside(connection) == [(bad, result.reason)]
    assert stored(connection) == [good]
    assert metering.latest(connection, meter.public) == base
    # It is kept once, however often it comes, and the next good reading is not held up by it.
    assert statuses(deliver(connection, meter, bad, bad)) == ["quarantined"] * 2
    assert len(set_aside(connection)) == 1
    meter.last = base
    assert statuses(deliver(connection, meter, meter.measure(import_wh=1))) == ["accepted"]


@pytest.mark.parametrize(("ahead", "status"), [(60, "accepted"), (61, "quarantined")])
def test_a_clock_may_be_a_minute_ahead(connection: Connection, meter: Meter, ahead: int, status: str) -> None:
    now = datetime.fromtimestamp(START, UTC) + timedelta(seconds=300)
    assert statuses(deliver(connection, meter, meter.measure(seconds=300 + ahead), now=now)) == [status]


@pytest.mark.parametrize(
    ("flow", "status"),
    [
        ({"export_wh": 106, "generation_wh": 106, "import_wh": 210}, "accepted"),
        ({"export_wh": 106, "generation_wh": 107}, "quarantined"),
    ],
)
def test_what_the_site_can_just_do_is_accepted(
    connection: Connection, meter: Meter, flow: dict[str, int], status: str
) -> None:
    assert statuses(deliver(connection, meter, meter.measure(**flow))) == [status]


def test_a_gap_of_hours_may_carry_the_energy_of_hours(connection: Connection, meter: Meter) -> None:
    frame = meter.measure(seconds=6 * 3_600, import_wh=40_000, export_wh=20_000, generation_wh=25_000)
    assert statuses(deliver(connection, meter, frame)) == ["accepted"]
    too_much = meter.measure(seconds=6 * 3_600, export_wh=37_503)
    assert statuses(deliver(connection, meter, too_much)) == ["quarantined"]


def test_a_household_without_panels_cannot_generate(connection: Connection, meter: Meter) -> None:
    site = Site(rated_pv_w=0, main_breaker_w=10_000)
    frame = meter.measure(seconds=3_600, export_wh=3)
    assert statuses(deliver(connection, meter, frame, site=site)) == ["quarantined"]


def test_the_power_shown_is_the_average_since_the_reading_before(connection: Connection, meter: Meter) -> None:
    deliver(connection, meter, meter.measure(import_wh=10), meter.measure(export_wh=50, generation_wh=60))
    power = connection.execute(select(meter_state.c.net_w, meter_state.c.generation_w)).one()
    assert tuple(power) == (-3_000, 3_600)
