"""CSV for spreadsheets: exact decimals, and no text that a spreadsheet would take for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from aiohttp import web

CONTENT_TYPE: Final = "text/csv"
# What begins a formula in one spreadsheet or another, the full-width signs included.
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - these are meant

type Cell = str | int | Decimal | None


def csv_bytes(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return the rows as CSV (RFC 4180, UTF-8): numbers as they are, text such that it stays text."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([_cell(cell) for cell in row])
    return text.getvalue().encode()


def as_file(response: web.StreamResponse, name: str) -> None:
    """Let a browser save the response under ``name``, and nobody keep it."""
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Decimal():
            return f"{cell:f}"
        case int():
            return str(cell)
        case _:
            return _text(cell)


def _text(cell: str) -> str:
    # An apostrophe in front tells a spreadsheet that what follows is text. White space could hide the sign.
    plain = "".join(character if character.isprintable() else " " for character in cell)
    return f"'{plain}" if plain.lstrip().startswith(_FORMULA) else plain
