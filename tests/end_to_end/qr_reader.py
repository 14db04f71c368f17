"""Reads a QR code that a page draws as squares, as a camera that sees it without a fault would (ISO/IEC 18004)."""

import re
from collections.abc import Callable
from typing import Final

_BLOCKS: Final = {1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4}
"""Blocks of equal length into which a code of level M is divided, by version."""
_DATA: Final = {1: 16, 2: 28, 3: 44, 4: 64, 5: 86, 6: 108}
"""Bytes of data in a code of level M, by version."""
_MASKS: Final[tuple[Callable[[int, int], bool], ...]] = (
    lambda y, x: (y + x) % 2 == 0,
    lambda y, _: y % 2 == 0,
    lambda _, x: x % 3 == 0,
    lambda y, x: (y + x) % 3 == 0,
    lambda y, x: (y // 2 + x // 3) % 2 == 0,
    lambda y, x: y * x % 2 + y * x % 3 == 0,
    lambda y, x: (y * x % 2 + y * x % 3) % 2 == 0,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2 == 0,
)


def read_qr(squares: str, size: int) -> str:
    """Return the text in a code of level M, up to version 6, ``size`` squares wide, drawn as an SVG path."""
    dark = {(int(y), int(x)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", squares)}
    version = (size - 17) // 4
    form = "".join(str(int((8, x) in dark)) for x in (0, 1, 2, 3, 4))
    form_bits = int(form, 2) ^ 0b10101
    assert form_bits >> 3 == 0, "level M"
    mask = _MASKS[form_bits & 7]
    bits = "".join(
        str(int(((y, x) in dark) ^ mask(y, x))) for y, x in _way(size) if not _is_pattern(y, x, size, version)
    )
    words = [int(bits[at : at + 8], 2) for at in range(0, _DATA[version] * 8, 8)]
    data = [word for block in range(_BLOCKS[version]) for word in words[block :: _BLOCKS[version]]]
    text = "".join(f"{word:08b}" for word in data)
    assert text[:4] == "0100", "bytes"
    length = int(text[4:12], 2)
    return bytes(int(text[12 + 8 * at : 20 + 8 * at], 2) for at in range(length)).decode()


def _way(size: int) -> list[tuple[int, int]]:
    """Return the squares in the order of the data: pairs of columns from the right, up and down in turn."""
    columns = [right if right > 6 else right - 1 for right in range(size - 1, 0, -2)]
    way = []
    for turn, right in enumerate(columns):
        rows = range(size) if turn % 2 else range(size - 1, -1, -1)
        way += [(y, x) for y in rows for x in (right, right - 1)]
    return way


def _is_pattern(y: int, x: int, size: int, version: int) -> bool:
    """Whether a square is one by which cameras find their way, or tells the form."""
    corner = (y < 9 and x < 9) or (y < 9 and x >= size - 8) or (y >= size - 8 and x < 9)
    near = version > 1 and abs(y - (size - 7)) <= 2 and abs(x - (size - 7)) <= 2
    return corner or near or 6 in (y, x)
