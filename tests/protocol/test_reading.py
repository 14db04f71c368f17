"""Signed readings: the vectors are fresh, true frames open, everything else is refused with a reason."""

import csv
import runpy
import struct
from pathlib import Path

import pytest
from energy_swap_protocol.reading import (
    FRAME_BYTES,
    FrameError,
    Reading,
    ReadingFlag,
    decode_frame,
    frame_from_text,
    frame_to_text,
    sign_reading,
)
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "protocol/vectors/readings.csv"
KEY = SigningKey(bytes(range(32)))
READING = Reading(bytes(KEY.verify_key), 7, 1_795_174_200, 10, 20, 30, ReadingFlag.SENSOR_FAULT)

u63 = st.integers(0, 2**63 - 1)


def rows() -> list[dict[str, str]]:
    with VECTORS.open(newline="") as file:
        return list(csv.DictReader(file))


def test_vectors_are_what_the_protocol_package_produces() -> None:
    script = runpy.run_path(str(ROOT / "script/reading_vectors.py"))
    assert VECTORS.read_text() == script["vectors"](), "run script/reading_vectors.py"


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["name"])
def test_every_vector_opens_to_its_values(row: dict[str, str]) -> None:
    reading = decode_frame(bytes.fromhex(row["frame_hex"]))
    key = SigningKey(bytes.fromhex(row["seed_hex"]))
    columns = ("sequence", "measured_at", "export_wh", "import_wh", "generation_wh", "flags")
    assert reading.meter == bytes(key.verify_key)
    assert [int(getattr(reading, name)) for name in columns] == [int(row[name]) for name in columns]


@given(u63, u63, u63, u63, u63, st.integers(0, 15))
def test_any_reading_survives_the_way_through_frame_and_text(
    sequence: int, measured_at: int, export_wh: int, import_wh: int, generation_wh: int, flags: int
) -> None:
    reading = Reading(
        bytes(KEY.verify_key), sequence, measured_at, export_wh, import_wh, generation_wh, ReadingFlag(flags)
    )
    text = frame_to_text(sign_reading(reading, KEY))
    assert len(text) == 192
    assert decode_frame(frame_from_text(text)) == reading


@given(st.integers(0, FRAME_BYTES * 8 - 1))
def test_one_changed_bit_is_refused(bit: int) -> None:
    frame = bytearray(sign_reading(READING, KEY))
    frame[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FrameError):
        decode_frame(bytes(frame))


@pytest.mark.parametrize("length", [0, 80, 143, 145])
def test_a_frame_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(FrameError, match="144 bytes"):
        decode_frame((sign_reading(READING, KEY) + b"\0")[:length])


@pytest.mark.parametrize("offset", [36, 44, 52, 60, 68])
def test_a_signed_value_of_2_to_the_63_is_out_of_range(offset: int) -> None:
    body = bytearray(READING.signed_bytes())
    struct.pack_into("<Q", body, offset, 2**63)
    with pytest.raises(FrameError, match="out of range"):
        decode_frame(bytes(body) + KEY.sign(bytes(body)).signature)


def test_a_signed_unknown_flag_is_refused_with_what_to_do() -> None:
    body = bytearray(READING.signed_bytes())
    struct.pack_into("<I", body, 76, 16)
    with pytest.raises(FrameError, match="update the hub"):
        decode_frame(bytes(body) + KEY.sign(bytes(body)).signature)


def test_a_reading_is_not_signed_with_another_meters_key() -> None:
    with pytest.raises(ValueError, match="its own meter"):
        sign_reading(READING, SigningKey(bytes(32)))


@pytest.mark.parametrize("text", ["not base64!", "=", "a", "é"])
def test_text_that_is_not_base64url_is_refused(text: str) -> None:
    with pytest.raises(FrameError):
        frame_from_text(text)


def test_time_is_aware_utc() -> None:
    assert READING.time.isoformat() == "2026-11-20T11:30:00+00:00"
