#!/usr/bin/env python3
"""Write the bitmap fonts of the meter's display from the letters drawn below: no font is fetched from anywhere.

.venv/bin/python script/meter_font.py
"""

from pathlib import Path
from typing import Final

FOLDER = Path(__file__).resolve().parent.parent / "esphome/fonts"
WIDTH, HEIGHT = 5, 7

# Seven rows of five dots for each letter, a row a number of two hex digits.
LETTERS: Final = {
    " ": "00000000000000", "!": "04040404040004", "'": "04040800000000", "(": "02040808080402",
    ")": "08040202020408", "+": "0004041f040400", ",": "000000000c0408", "-": "0000001f000000",
    ".": "00000000000c0c", "/": "00010204081000", "%": "18190204081303", ":": "000c0c000c0c00",
    "?": "0e110102040004", "=": "00001f001f0000", "0": "0e11131519110e", "1": "040c040404040e",
    "2": "0e11010204081f", "3": "1f02040201110e", "4": "02060a121f0202", "5": "1f101e0101110e",
    "6": "0608101e11110e", "7": "1f010204080808", "8": "0e11110e11110e", "9": "0e11110f01020c",
    "A": "0e1111111f1111", "B": "1e11111e11111e", "C": "0e11101010110e", "D": "1c12111111121c",
    "E": "1f10101e10101f", "F": "1f10101e101010", "G": "0e11101711110f", "H": "1111111f111111",
    "I": "0e04040404040e", "J": "0702020202120c", "K": "11121418141211", "L": "1010101010101f",
    "M": "111b1515111111", "N": "11111915131111", "O": "0e11111111110e", "P": "1e11111e101010",
    "Q": "0e11111115120d", "R": "1e11111e141211", "S": "0f10100e01011e", "T": "1f040404040404",
    "U": "1111111111110e", "V": "11111111110a04", "W": "1111111515150a", "X": "11110a040a1111",
    "Y": "1111110a040404", "Z": "1f01020408101f", "a": "00000e010f110f", "b": "1010161911111e",
    "c": "00000e1010110e", "d": "01010d1311110f", "e": "00000e111f100e", "f": "0609081c080808",
    "g": "000f11110f010e", "h": "10101619111111", "i": "04000c0404040e", "j": "0200060202120c",
    "k": "10101214181412", "l": "0c04040404040e", "m": "00001a15151111", "n": "00001619111111",
    "o": "00000e1111110e", "p": "00001e111e1010", "q": "00000d130f0101", "r": "00001619101010",
    "s": "00000e100e011e", "t": "08081c08080906", "u": "0000111111130d", "v": "00001111110a04",
    "w": "0000111115150a", "x": "0000110a040a11", "y": "000011110f010e", "z": "00001f0204081f",
}  # fmt: skip


def font(scale: int) -> str:
    """Return the font in BDF, each dot ``scale`` dots wide and high, one such dot between letters."""
    advance, height = (WIDTH + 1) * scale, HEIGHT * scale
    lines = [
        "STARTFONT 2.1",
        f"FONT -energyswap-meter-medium-r-normal--{height}-{height * 10}-75-75-c-{advance * 10}-iso10646-1",
        f"SIZE {height} 75 75",
        f"FONTBOUNDINGBOX {WIDTH * scale} {height} 0 0",
        "STARTPROPERTIES 4",
        f"PIXEL_SIZE {height}",
        f"FONT_ASCENT {height}",
        "FONT_DESCENT 0",
        'CHARSET_REGISTRY "ISO10646"',
        "ENDPROPERTIES",
        f"CHARS {len(LETTERS)}",
    ]
    row_bytes = (WIDTH * scale + 7) // 8
    for letter, rows in sorted(LETTERS.items()):
        lines += [
            f"STARTCHAR U+{ord(letter):04X}",
            f"ENCODING {ord(letter)}",
            f"SWIDTH {advance * 1000 // height} 0",
            f"DWIDTH {advance} 0",
            f"BBX {WIDTH * scale} {height} 0 0",
            "BITMAP",
        ]
        for row in bytes.fromhex(rows):
            dots = "".join(str(row >> (WIDTH - 1 - i) & 1) * scale for i in range(WIDTH)).ljust(8 * row_bytes, "0")
            lines += [f"{int(dots, 2):0{2 * row_bytes}X}"] * scale
        lines.append("ENDCHAR")
    return "\n".join([*lines, "ENDFONT"]) + "\n"


def main() -> None:
    """Write the small and the large font."""
    FOLDER.mkdir(exist_ok=True)
    for name, scale in (("small", 1), ("large", 2)):
        (FOLDER / f"{name}.bdf").write_text(font(scale))


if __name__ == "__main__":
    main()
