"""A statement on paper: the sums and lines of the statement itself, in both languages, page by page."""

import re
import zlib
from dataclasses import replace
from datetime import timedelta

import pytest
from energy_swap_hub.settlement.statements import Statement
from energy_swap_hub.web.statement_pdf import statement_pdf

from tests.hub.village import OPENED, Village, community

from .test_statements import of


def written(pdf: bytes) -> list[str]:
    """Return the texts of a PDF's pages, in their order."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    texts = [zlib.decompress(one).decode("latin-1") for one in streams if one[:1] == b"\x78"]
    found = [text for stream in texts for text in re.findall(r"\((.*?)(?<!\\)\) Tj", stream)]
    return [re.sub(r"\\(.)", r"\1", text) for text in found]


@pytest.fixture
async def month(village: Village) -> tuple[Statement, Statement]:
    """Amina's and Chebet's statement of a day with two traded periods."""
    await village.standing(village.amina, sell=1_000)
    await village.standing(village.chebet, buy=1_500)
    await village.fund(village.chebet, 50_000)
    for wh in (1_200, 800):
        await village.end_period({village.amina.id: wh, village.chebet.id: -wh})
    return await of(village, village.amina), await of(village, village.chebet)


async def test_it_says_what_the_statement_says(month: tuple[Statement, Statement]) -> None:
    seller, buyer = month
    for found, part in ((seller, "sold"), (buyer, "bought")):
        text = written(statement_pdf(found, community(), OPENED))
        cents = found.closing["kes_cents"] + found.closing["kes_held_cents"]
        assert text[0] == "Kisima"
        assert "Simulation: no real money" in text
        assert f"{found.name} ({found.household})" in text
        assert f"Periods (2), {part} 2.000 kWh" in text
        assert text.count(f"{cents / 100:,.2f}") >= 2  # at the end of the sums, and of the lines
    in_swahili = written(statement_pdf(seller, community(), OPENED, "sw"))
    assert "Vipindi (2), umeuza 2.000 kWh" in in_swahili
    assert "Simulation: no real money" not in in_swahili
    assert statement_pdf(seller, community(), OPENED) == statement_pdf(seller, community(), OPENED)


async def test_a_long_one_has_its_head_on_every_page(month: tuple[Statement, Statement]) -> None:
    found, line = month[1], month[1].lines[0]
    lines = [replace(line, entry_id=n, booked_at=OPENED + timedelta(hours=n)) for n in range(150)]
    pdf = statement_pdf(replace(found, lines=lines, name="Chébet Ńjeri 🌞"), community(), OPENED)
    pages = pdf.count(b"/Type /Page\n")
    text = written(pdf)
    assert pages == text.count("Wallet") > 3
    assert text.count("Top-up") + text.count("Other") >= 150
    assert "Chébet Njeri ? (h-003)" in text


async def test_days_without_an_entry_are_said_to_be_so(village: Village) -> None:
    found = await of(village, village.amina, OPENED - timedelta(days=9), OPENED - timedelta(days=8))
    text = written(statement_pdf(found, community(), OPENED))
    assert "Nothing was booked in these days." in text
    assert "2026-11-11 - 2026-11-12" in text
