"""Write protocol/vectors/readings.csv: signed readings that every meter must produce to the byte.

The Python protocol package is the definition; the meter's C++ is tested against this file.

.venv/bin/python script/reading_vectors.py
"""

import csv
import io
from pathlib import Path

from energy_swap_protocol.reading import Reading, ReadingFlag, sign_reading
from nacl.signing import SigningKey

FILE = Path(__file__).resolve().parent.parent / "protocol/vectors/readings.csv"
COLUMNS = (
    "name",
    "seed_hex",
    "sequence",
    "measured_at",
    "export_wh",
    "import_wh",
    "generation_wh",
    "flags",
    "frame_hex",
)
LARGEST = 2**63 - 1
ALL_FLAGS = sum(ReadingFlag)

# The columns but the last, with flags at the end.
CASES = (
    ("nothing_measured_yet", bytes(32), 0, 0, 0, 0, 0, 0),
    ("first_reading_of_a_meter", bytes(range(32)), 1, 1_795_174_200, 0, 0, 0, ReadingFlag.REGISTER_EPOCH_STARTED),
    ("a_sunny_noon", bytes(range(32)), 9_001, 1_795_178_400, 12_345_678, 2_345_678, 20_111_222, 0),
    (
        "key_of_rfc_8032_test_1",
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
        42, 1_795_176_000, 1, 2, 3, 0,
    ),
    ("registers_at_32_bits", bytes([7] * 32), 2**32 - 1, 1_795_176_060, 2**32 - 1, 2**32 - 1, 2**32 - 1, 0),
    ("registers_over_32_bits", bytes([7] * 32), 2**32, 1_795_176_120, 2**32, 2**32 + 1, 2**40 + 5, 0),
    ("time_over_32_bits", bytes([8] * 32), 77, 2**32 + 60, 1_000, 2_000, 3_000, 0),
    ("largest_values", bytes([255] * 32), LARGEST, LARGEST, LARGEST, LARGEST, LARGEST, ALL_FLAGS),
    *(
        (f"flag_{flag.name.lower()}", bytes([9] * 32), 100 + flag, 1_795_176_180, 10, 20, 30, flag)
        for flag in ReadingFlag
        if flag.name
    ),
)  # fmt: skip


def vectors() -> str:
    """Return the whole file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, seed, sequence, measured_at, export_wh, import_wh, generation_wh, flags in CASES:
        key = SigningKey(seed)
        values = (sequence, measured_at, export_wh, import_wh, generation_wh, ReadingFlag(flags))
        frame = sign_reading(Reading(bytes(key.verify_key), *values), key)
        writer.writerow([name, seed.hex(), *map(int, values), frame.hex()])
    return text.getvalue()


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(vectors())
