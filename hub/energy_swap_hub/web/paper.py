"""What the hub's PDF pages share: a community's letterhead, facts, amounts, and letters that every reader has."""

import unicodedata
from datetime import datetime
from typing import Final, Literal

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.settlement.words import EAST_AFRICA

from .route import Query

LANGUAGE: Final = Query("language", "sw; without it, English")

type Language = Literal["en", "sw"]
type Words = dict[str, str]

GREEN: Final = (20, 110, 80)
SOFT: Final = (105, 115, 110)
RULE: Final = (205, 212, 208)
HEAD_WORDS: Final = {
    "tax_number": ("Tax number (PIN)", "Nambari ya kodi (PIN)"),
    "licence": ("Licence or agreement", "Leseni au makubaliano"),
    "simulation": ("Simulation: no real money", "Majaribio: si pesa halisi"),
}


def words_in(language: Language, *dictionaries: dict[str, tuple[str, str]]) -> Words:
    """Return the words of one language."""
    which = 0 if language == "en" else 1
    return {name: words[which] for words_of in dictionaries for name, words in words_of.items()}


def new_paper(title: str, community: CommunityConfig, made_at: datetime, language: Language, word: Words) -> FPDF:
    """Return a PDF whose first page has the community's letterhead; its bytes depend on nothing but what is given.

    ``word`` holds `HEAD_WORDS`.
    """
    page = FPDF(format="A4")
    page.set_creation_date(made_at)
    page.set_title(plain(title))
    page.set_author(plain(community.name))
    page.set_lang(language)
    page.set_margins(15, 16, 15)
    page.set_draw_color(*RULE)
    page.add_page()
    page.set_font("helvetica", "B", 20)
    page.set_text_color(*GREEN)
    page.cell(0, 10, plain(community.name), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.set_font("helvetica", size=9)
    page.set_text_color(*SOFT)
    if community.tax_number:
        line(page, f"{word['tax_number']}: {community.tax_number}")
    if community.legal_basis == "simulation":
        line(page, word["simulation"])
    else:
        line(page, f"{word['licence']}: {community.legal_reference}")
    page.ln(6)
    return page


def facts(page: FPDF, title: str, known: list[tuple[str, str]]) -> None:
    """Write a title and what is known below it, name by name."""
    page.set_text_color(0)
    page.set_font("helvetica", "B", 15)
    page.cell(0, 8, title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.set_font("helvetica", size=10.5)
    for name, value in known:
        page.set_text_color(*SOFT)
        page.cell(45, 6, name)
        page.set_text_color(0)
        page.cell(0, 6, plain(value), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.ln(5)


def line(page: FPDF, text: str, height: float = 5) -> None:
    """Write one line."""
    page.cell(0, height, plain(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def row(
    page: FPDF, cells: tuple[str, ...], widths: tuple[float, ...], height: float, border: Literal["T", "B", 0] = 0
) -> None:
    """Write a row of a table: the first cell from the left, the others to the right."""
    for number, (text, width) in enumerate(zip(cells, widths, strict=True)):
        page.cell(width, height, plain(text), border=border, align="R" if number else "L")
    page.ln()


def kes(cents: int) -> str:
    """Return an amount like 1,234.50."""
    return f"{cents / 100:,.2f}" if cents >= 0 else f"-{-cents / 100:,.2f}"


def day(time: datetime) -> str:
    """Return the day in East Africa."""
    return f"{time.astimezone(EAST_AFRICA):%Y-%m-%d}"


def plain(text: str) -> str:
    """Return ``text`` in the letters that every PDF reader has: an accent that they lack is left out."""
    return "".join(map(_letter, text))


def _letter(letter: str) -> str:
    for candidate in (letter, unicodedata.normalize("NFKD", letter)[0]):
        if candidate.isprintable() and ord(candidate) < 256:
            return candidate
    return "?"
