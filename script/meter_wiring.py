#!/usr/bin/env python3
"""Draw the wiring pictures of docs/meters: what is clamped or wired at the mains, the chip, and the ESP32's pins.

.venv/bin/python script/meter_wiring.py
"""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

FOLDER = Path(__file__).resolve().parent.parent / "docs/meters"
ROW, TOP = 34, 70
MAINS_X, CHIP_X, ESP_X = 20, 330, 640
MAINS_WIDTH, CHIP_WIDTH, ESP_WIDTH = 210, 170, 140
LEGEND: Final = "red: supply, black: ground, blue: signal, ochre: mains voltage, for an electrician only"
COLOURS: Final = {"power": "#c0392b", "ground": "#34495e", "signal": "#2471a3", "mains": "#b7791f"}


@dataclass(frozen=True, slots=True)
class Wire:
    """One line of the picture, from the left box's text to the right box's."""

    left: str
    right: str
    kind: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A board: the chip between the mains and the ESP32."""

    file: str
    title: str
    chip: str
    mains: tuple[Wire, ...]
    pins: tuple[Wire, ...]


SUPPLY: Final = (Wire("VCC", "3V3", "power"), Wire("GND", "GND", "ground"))
PICTURES: Final = (
    Picture(
        "ade7953", "ADE7953: two clamps and the voltage", "ADE7953",
        (
            Wire("Clamp on the grid's line", "IA+ / IA-", "signal"),
            Wire("Clamp on the inverter's line", "IB+ / IB-", "signal"),
            Wire("Line, by the board's fuse", "VP", "mains"),
            Wire("Neutral", "VN", "mains"),
        ),
        (
            *SUPPLY, Wire("SDA", "GPIO26", "signal"), Wire("SCL", "GPIO25", "signal"),
            Wire("IRQ", "GPIO27", "signal"),
        ),
    ),
    Picture(
        "atm90e32-6ch", "Two ATM90E32: six clamps", "two ATM90E32",
        (
            Wire("Clamps 1-3 on the grid's lines", "CT1 CT2 CT3", "signal"),
            Wire("Clamps 4-6 on the inverter's", "CT4 CT5 CT6", "signal"),
            Wire("9 V AC transformer", "VOLTAGE", "mains"),
        ),
        (
            *SUPPLY, Wire("CLK", "GPIO18", "signal"), Wire("SDO", "GPIO19", "signal"),
            Wire("SDI", "GPIO23", "signal"), Wire("CS of 1-3", "GPIO5", "signal"),
            Wire("CS of 4-6", "GPIO4", "signal"),
        ),
    ),
    Picture(
        "sdm", "Eastron SDM120 or SDM630 on RS-485", "RS-485 driver",
        (
            Wire("SDM, in the grid's line: A", "A", "signal"),
            Wire("SDM: B", "B", "signal"),
            Wire("SDM: G", "GND", "ground"),
        ),
        (
            *SUPPLY, Wire("DI", "GPIO17 (TX)", "signal"), Wire("RO", "GPIO16 (RX)", "signal"),
            Wire("DE + RE", "GPIO4", "signal"),
        ),
    ),
    Picture(
        "pzem-004t", "PZEM-004T at the inverter: generation only", "PZEM-004T v3",
        (
            Wire("Clamp on the inverter's line", "CT", "signal"),
            Wire("Line", "L", "mains"),
            Wire("Neutral", "N", "mains"),
        ),
        (
            Wire("5V", "5V", "power"), Wire("GND", "GND", "ground"), Wire("RX", "GPIO17 (TX)", "signal"),
            Wire("TX, divided to 3.3 V", "GPIO16 (RX)", "signal"),
        ),
    ),
    Picture(
        "pulse", "Meters with a pulse output (S0)", "S0 outputs",
        (
            Wire("Meter in the grid's line, import", "S0+ / S0-", "signal"),
            Wire("its export output", "S0+ / S0-", "signal"),
        ),
        (
            Wire("import S0+", "GPIO32", "signal"), Wire("export S0+", "GPIO33", "signal"),
            Wire("both S0-", "GND", "ground"),
        ),
    ),
    Picture(
        "relay-and-display", "Relay and display, with any board", "Parts",
        (
            Wire("Line from the grid's side", "contactor COM", "mains"),
            Wire("Line to the household", "contactor NC (closed)", "mains"),
        ),
        (
            Wire("relay IN", "GPIO13", "signal"), Wire("relay VCC", "5V", "power"),
            Wire("display SDA", "GPIO21", "signal"), Wire("display SCL", "GPIO22", "signal"),
            Wire("display VCC", "3V3", "power"), Wire("GND of both", "GND", "ground"),
        ),
    ),
)  # fmt: skip


def text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal", size: int = 13) -> str:
    """Return one line of text."""
    style = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}"'
    return f'<text x="{x}" y="{y}" {style}>{escape(words)}</text>'


def box(x: int, width: int, height: int, title: str) -> list[str]:
    """Return a box with its name above."""
    return [
        f'<rect x="{x}" y="{TOP - 10}" width="{width}" height="{height}" rx="8" fill="#f4f6f7" stroke="#566573"/>',
        text(x + width / 2, TOP - 18, title, anchor="middle", weight="bold"),
    ]


def wires(wired: tuple[Wire, ...], left_end: int, right_start: int) -> list[str]:
    """Return the lines between two boxes with the names of their ends inside the boxes."""
    lines = []
    for number, wire in enumerate(wired):
        y = TOP + 14 + ROW * number
        colour = COLOURS[wire.kind]
        lines += [
            f'<line x1="{left_end}" y1="{y}" x2="{right_start}" y2="{y}" stroke="{colour}" stroke-width="3"/>',
            f'<circle cx="{left_end}" cy="{y}" r="4" fill="{colour}"/>',
            f'<circle cx="{right_start}" cy="{y}" r="4" fill="{colour}"/>',
            text(left_end - 8, y + 4, wire.left, anchor="end"),
            text(right_start + 8, y + 4, wire.right),
        ]
    return lines


def drawn(picture: Picture) -> str:
    """Return the picture as SVG."""
    # The chip's box has the mains' terminals in its upper half and the pins to the ESP32 below them.
    rows = len(picture.mains) + len(picture.pins)
    height = ROW * rows + 10
    shifted = f"translate(0 {ROW * len(picture.mains)})"
    pins = wires(picture.pins, CHIP_X + CHIP_WIDTH, ESP_X)
    parts = [
        *box(MAINS_X, MAINS_WIDTH, ROW * len(picture.mains) + 10, "Mains side"),
        *box(CHIP_X, CHIP_WIDTH, height, picture.chip),
        *box(ESP_X, ESP_WIDTH, height, "ESP32"),
        *wires(picture.mains, MAINS_X + MAINS_WIDTH, CHIP_X),
        f'<g transform="{shifted}">',
        *pins,
        "</g>",
    ]
    total = TOP + height + 40
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 {total}" font-family="sans-serif">',
            f"<title>{escape(picture.title)}</title>",
            f'<rect width="800" height="{total}" fill="white"/>',
            text(20, 26, picture.title, weight="bold", size=16),
            *parts,
            text(
                20,
                total - 14,
                LEGEND,
                size=12,
            ),
            "</svg>\n",
        ]
    )


def main() -> None:
    """Write every picture."""
    for picture in PICTURES:
        (FOLDER / f"{picture.file}.svg").write_text(drawn(picture))


if __name__ == "__main__":
    main()
