"""A QR code from text, as a PNG: byte mode, error correction level M, versions 1 to 10."""

import struct
import zlib
from collections.abc import Callable
from typing import Final

# Per version at level M: error-correction codewords per block, then (blocks, data codewords) groups.
_BLOCKS: Final[tuple[tuple[int, tuple[tuple[int, int], ...]], ...]] = (
    *((10, ((1, 16),)), (16, ((1, 28),)), (26, ((1, 44),)), (18, ((2, 32),)), (24, ((2, 43),))),
    *((16, ((4, 27),)), (18, ((4, 31),)), (22, ((2, 38), (2, 39))), (22, ((3, 36), (2, 37)))),
    (26, ((4, 43), (1, 44))),
)
_CENTRES: Final = (
    *((), (6, 18), (6, 22), (6, 26), (6, 30), (6, 34), (6, 22, 38), (6, 24, 42), (6, 26, 46), (6, 28, 50)),
)

type _Grid = list[list[bool | None]]


def _multiply(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11D if a & 0x80 else 0)
        b >>= 1
    return product


def _correction(data: list[int], degree: int) -> list[int]:
    """Return the Reed-Solomon codewords of a block."""
    generator, root = [1], 1
    for _ in range(degree):
        longer = [*generator, 0]
        for place, factor in enumerate(generator):
            longer[place + 1] ^= _multiply(factor, root)
        generator, root = longer, _multiply(root, 2)
    rest = [*data, *([0] * degree)]
    for place in range(len(data)):
        if lead := rest[place]:
            for step, factor in enumerate(generator):
                rest[place + step] ^= _multiply(factor, lead)
    return rest[len(data) :]


def _codewords(text: bytes, version: int) -> list[int]:
    degree, groups = _BLOCKS[version - 1]
    room = sum(blocks * size for blocks, size in groups)
    length_bits = 8 if version < 10 else 16
    bits = f"0100{len(text):0{length_bits}b}" + "".join(f"{byte:08b}" for byte in text)
    bits += "0" * min(4, room * 8 - len(bits))
    bits += "0" * (-len(bits) % 8)
    data = [int(bits[n : n + 8], 2) for n in range(0, len(bits), 8)]
    data += [(0xEC, 0x11)[n % 2] for n in range(room - len(data))]
    blocks: list[list[int]] = []
    for count, size in groups:
        for _ in range(count):
            blocks.append(data[:size])
            data = data[size:]
    checks = [_correction(block, degree) for block in blocks]
    longest = max(len(block) for block in blocks)
    told = [block[n] for n in range(longest) for block in blocks if n < len(block)]
    return told + [check[n] for n in range(degree) for check in checks]


def _checked(value: int, bits: int, generator: int) -> int:
    """Return ``value`` with its BCH remainder behind it."""
    rest = value << bits
    for place in range(value.bit_length() - 1, -1, -1):
        if rest >> (place + bits) & 1:
            rest ^= generator << place
    return value << bits | rest


def _frame(version: int) -> _Grid:
    """Return the grid with its fixed patterns; ``None`` is free for data."""
    size = 17 + 4 * version
    grid: _Grid = [[None] * size for _ in range(size)]
    for n in range(size):
        grid[6][n] = grid[n][6] = n % 2 == 0
    for top, left in ((0, 0), (0, size - 7), (size - 7, 0)):
        for row in range(max(top - 1, 0), min(top + 8, size)):
            for column in range(max(left - 1, 0), min(left + 8, size)):
                ring = max(abs(row - top - 3), abs(column - left - 3))
                grid[row][column] = ring in (0, 1, 3)
    centres = _CENTRES[version - 1]
    for y in centres:
        for x in centres:
            if (y, x) not in ((6, 6), (6, size - 7), (size - 7, 6)):
                for row in range(y - 2, y + 3):
                    for column in range(x - 2, x + 3):
                        grid[row][column] = max(abs(row - y), abs(column - x)) != 1
    if version >= 7:
        told = _checked(version, 12, 0x1F25)
        for n in range(18):
            grid[n // 3][size - 11 + n % 3] = grid[size - 11 + n % 3][n // 3] = bool(told >> n & 1)
    return grid


def _write_format(grid: _Grid) -> None:
    size = len(grid)
    told = _checked(0b00_000 | 0, 10, 0x537) ^ 0x5412  # level M, mask 0
    for n in range(15):
        bit = bool(told >> n & 1)
        grid[n if n < 6 else n + 1 if n < 8 else size - 15 + n][8] = bit
        grid[8][size - 1 - n if n < 8 else 7 if n == 8 else 14 - n] = bit
    grid[size - 8][8] = True


def matrix(text: bytes) -> list[list[bool]]:
    """Return the code of ``text`` as rows of dark (true) squares; one that is too long raises `ValueError`."""
    for version in range(1, 11):
        room = sum(blocks * size for blocks, size in _BLOCKS[version - 1][1])
        if len(text) + (2 if version < 10 else 3) <= room:
            break
    else:
        raise ValueError(f"a QR code here holds 213 bytes, not {len(text)}")
    grid = _frame(version)
    _write_format(grid)
    bits = iter("".join(f"{word:08b}" for word in _codewords(text, version)))
    size = len(grid)
    is_upward = True
    for right in (*range(size - 1, 6, -2), *range(5, 0, -2)):
        for row in range(size - 1, -1, -1) if is_upward else range(size):
            for column in (right, right - 1):
                if grid[row][column] is None:
                    grid[row][column] = (next(bits, "0") == "1") ^ ((row + column) % 2 == 0)
        is_upward = not is_upward
    return [[bool(square) for square in line] for line in grid]


def png(text: bytes, pixels: int) -> bytes:
    """Return a picture of the code, about ``pixels`` wide, with its quiet zone."""
    squares = matrix(text)
    scale = max(pixels // (len(squares) + 8), 1)
    width = (len(squares) + 8) * scale
    quiet = bytes([255]) * width
    lines = [quiet] * (4 * scale)
    for row in squares:
        line = b"".join(bytes([0 if dark else 255]) * scale for dark in (False,) * 4 + tuple(row) + (False,) * 4)
        lines += [line] * scale
    lines += [quiet] * (4 * scale)
    pack: Callable[[bytes, bytes], bytes] = lambda kind, data: (  # noqa: E731 - one line of format
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    )
    head = struct.pack(">IIBBBBB", width, width, 8, 0, 0, 0, 0)
    pixels_data = zlib.compress(b"".join(b"\x00" + line for line in lines))
    return b"\x89PNG\r\n\x1a\n" + pack(b"IHDR", head) + pack(b"IDAT", pixels_data) + pack(b"IEND", b"")
