"""Relay frames: the vectors are fresh, true frames open, everything else is refused with a reason."""

import csv
import runpy
from pathlib import Path

import pytest
from energy_swap_protocol.relay import (
    COMMAND_BYTES,
    REPORT_BYTES,
    Action,
    Outcome,
    Reason,
    RelayCommand,
    RelayError,
    RelayReport,
    claim_meter,
    decode_command,
    decode_report,
    from_text,
    sign_command,
    sign_report,
    to_text,
)
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "protocol/vectors/relay.csv"
METER, AUTHORITY = SigningKey(bytes(range(32))), SigningKey(bytes(range(100, 132)))
COMMAND = RelayCommand(bytes(METER.verify_key), 7, 1000, 1900, Action.OPEN, Reason.PREPAID_USED_UP, 87_400)
REPORT = RelayReport(bytes(METER.verify_key), 1000, 7, 87_400, True, False, Outcome.DONE, Reason.PREPAID_USED_UP)


def test_vectors_are_what_the_protocol_package_produces() -> None:
    script = runpy.run_path(str(ROOT / "script/relay_vectors.py"))
    assert VECTORS.read_text() == script["vectors"](), "run script/relay_vectors.py"


def test_every_vector_opens_to_its_values() -> None:
    with VECTORS.open(newline="") as file:
        for row in csv.DictReader(file):
            frame = bytes.fromhex(row["frame_hex"])
            if row["kind"] == "command":
                command = decode_command(frame, bytes(AUTHORITY.verify_key))
                assert (command.sequence, command.open_until) == (int(row["sequence"]), int(row["third"]))
                assert command.action == int(row["action_or_open"])
            elif row["kind"] == "report":
                report = decode_report(frame)
                assert (report.sequence, report.at) == (int(row["sequence"]), int(row["first"]))
                assert report.outcome == int(row["outcome"])


def test_frames_survive_the_way_through_text() -> None:
    frame = sign_command(COMMAND, AUTHORITY)
    assert decode_command(from_text(to_text(frame)), bytes(AUTHORITY.verify_key)) == COMMAND
    assert decode_report(from_text(to_text(sign_report(REPORT, METER)))) == REPORT
    with pytest.raises(RelayError, match="base64url"):
        from_text("?")


@given(st.integers(0, COMMAND_BYTES * 8 - 1))
def test_one_changed_bit_of_a_command_is_refused(bit: int) -> None:
    frame = bytearray(sign_command(COMMAND, AUTHORITY))
    frame[bit // 8] ^= 1 << bit % 8
    with pytest.raises(RelayError):
        decode_command(bytes(frame), bytes(AUTHORITY.verify_key))


@given(st.integers(0, REPORT_BYTES * 8 - 1))
def test_one_changed_bit_of_a_report_is_refused(bit: int) -> None:
    frame = bytearray(sign_report(REPORT, METER))
    frame[bit // 8] ^= 1 << bit % 8
    with pytest.raises(RelayError):
        decode_report(bytes(frame))


def test_only_the_authority_commands_and_only_the_meter_reports() -> None:
    with pytest.raises(RelayError, match="signature"):
        decode_command(sign_command(COMMAND, METER), bytes(AUTHORITY.verify_key))
    with pytest.raises(ValueError, match="its own meter"):
        sign_report(REPORT, AUTHORITY)


def test_a_claim_is_made_with_eight_digits() -> None:
    meter, authority = bytes(METER.verify_key), bytes(AUTHORITY.verify_key)
    claim = claim_meter(meter, authority, "2048 1632")
    assert claim == claim_meter(meter, authority, "20481632")
    assert claim != claim_meter(meter, authority, "20481633")
    for code in ("", "1234567", "123456789", "1234567x", "١٢٣٤٥٦٧٨"):
        with pytest.raises(ValueError, match="eight digits"):
            claim_meter(meter, authority, code)
