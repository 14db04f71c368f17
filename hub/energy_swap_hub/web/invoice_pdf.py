"""An invoice as a PDF page that a member can read, in English or Swahili."""

import unicodedata
from datetime import datetime
from typing import Final, Literal

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.settlement.invoices import Invoice
from energy_swap_hub.settlement.words import EAST_AFRICA

type Language = Literal["en", "sw"]

_WORDS: Final = {
    "invoice": ("Invoice", "Ankara"),
    "credit_note": ("Credit note", "Hati ya kurudisha"),
    "debit_note": ("Debit note", "Hati ya nyongeza"),
    "draft": ("Draft: the month is not over", "Rasimu: mwezi haujaisha"),
    "number": ("Number", "Nambari"),
    "month": ("Month", "Mwezi"),
    "issued": ("Issued", "Imetolewa"),
    "member": ("Member", "Mwanachama"),
    "corrects": ("Changes invoice", "Inabadilisha ankara"),
    "tax_number": ("Tax number (PIN)", "Nambari ya kodi (PIN)"),
    "licence": ("Licence or agreement", "Leseni au makubaliano"),
    "what": ("What", "Nini"),
    "amount": ("KES", "KES"),
    "vat": ("VAT in it", "VAT ndani yake"),
    "energy": ("Energy bought from neighbours", "Umeme ulionunuliwa kwa majirani"),
    "community_fee": ("Community fee", "Ada ya jumuiya"),
    "grid_fee": ("Grid fee", "Ada ya mtandao"),
    "sold": ("Energy sold to neighbours (self-billed)", "Umeme uliouzwa kwa majirani"),
    "reward": ("Grid reward", "Zawadi ya mtandao"),
    "payout_fee": ("M-Pesa's payout fees", "Ada za M-Pesa"),
    "correction": ("Corrections", "Masahihisho"),
    "other": ("Other", "Mengine"),
    "late_energy": ("Late readings (tokens, no money)", "Vipimo vilivyochelewa (tokeni, bila pesa)"),
    "total_due": ("Total charged", "Jumla iliyotozwa"),
    "total_earned": ("Total credited", "Jumla iliyolipwa"),
    "wallet": ("Wallet", "Pochi"),
    "opening": ("At the beginning", "Mwanzoni"),
    "topped_up": ("Topped up by M-Pesa", "Iliyowekwa kwa M-Pesa"),
    "paid_out": ("Paid out by M-Pesa", "Iliyotolewa kwa M-Pesa"),
    "this": ("This invoice", "Ankara hii"),
    "notes": ("Notes to earlier months", "Hati za miezi iliyopita"),
    "closing": ("At the end", "Mwishoni"),
    "settled": (
        "Everything on it was taken from or added to the wallet when it happened; nothing is left to pay.",
        "Kila kitu kilitolewa au kuwekwa kwenye pochi kilipotokea; hakuna cha kulipa tena.",
    ),
    "simulation": ("Simulation: no real money", "Majaribio: si pesa halisi"),
}
_GREEN: Final = (20, 110, 80)
_SOFT: Final = (105, 115, 110)
_WIDTHS: Final = (92.0, 28.0, 30.0, 30.0)


def invoice_pdf(made: Invoice, community: CommunityConfig, language: Language = "en") -> bytes:
    """Return the PDF of an invoice, a note or a draft; ``community`` as its settings were then.

    The same invoice gives the same bytes. Letters beyond western European ones lose
    their accent, or are shown as ``?``.
    """
    word = {name: words[0 if language == "en" else 1] for name, words in _WORDS.items()}
    page = FPDF(format="A4")
    page.set_creation_date(made.issued_at)
    page.set_title(f"{word[made.kind]} {number_of(made, community)}")
    page.set_author(_plain(community.name))
    page.set_lang(language)
    page.set_margins(15, 16, 15)
    page.add_page()
    _head(page, made, community, word)
    _table(page, made, word)
    if made.kind == "invoice":
        _wallet(page, made, word)
    page.ln(6)
    page.set_font("helvetica", size=9)
    page.set_text_color(*_SOFT)
    page.multi_cell(0, 5, word["settled"])
    return bytes(page.output())


def number_of(made: Invoice, community: CommunityConfig) -> str:
    """Return an invoice's number as people see it: KISIMA-000012; a draft has none."""
    return "-" if made.number is None else f"{community.id.upper()}-{made.number:06d}"


def _head(page: FPDF, made: Invoice, community: CommunityConfig, word: dict[str, str]) -> None:
    page.set_font("helvetica", "B", 20)
    page.set_text_color(*_GREEN)
    page.cell(0, 10, _plain(community.name), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.set_font("helvetica", size=9)
    page.set_text_color(*_SOFT)
    if community.tax_number:
        _line(page, f"{word['tax_number']}: {community.tax_number}")
    if community.legal_basis == "simulation":
        _line(page, word["simulation"])
    else:
        _line(page, f"{word['licence']}: {community.legal_reference}")
    page.ln(6)
    page.set_text_color(0)
    page.set_font("helvetica", "B", 15)
    title = word[made.kind] if made.number is not None else word["draft"]
    page.cell(0, 8, title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.set_font("helvetica", size=10.5)
    facts = [
        (word["number"], number_of(made, community)),
        (word["month"], made.month),
        (word["issued"], _day(made.issued_at)),
        (word["member"], f"{made.name} ({made.household})"),
    ]
    if made.corrects is not None:
        facts.append((word["corrects"], f"{community.id.upper()}-{made.corrects:06d}"))
    for name, value in facts:
        page.set_text_color(*_SOFT)
        page.cell(45, 6, name)
        page.set_text_color(0)
        page.cell(0, 6, _plain(value), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.ln(5)


def _table(page: FPDF, made: Invoice, word: dict[str, str]) -> None:
    page.set_draw_color(205, 212, 208)
    page.set_font("helvetica", "B", 9.5)
    _row(page, (word["what"], "kWh", word["amount"], word["vat"]), border="B")
    page.set_font("helvetica", size=10)
    for line in made.lines:
        vat = f"{_kes(line.vat_cents)} ({line.vat_percent} %)" if line.vat_percent else "-"
        energy = f"{line.wh / 1000:,.3f}" if line.wh else ""
        _row(page, (word[line.item], energy, _kes(line.cents), vat))
    page.set_font("helvetica", "B", 11)
    title = word["total_due"] if made.total_cents >= 0 else word["total_earned"]
    _row(
        page, (title, "", _kes(abs(made.total_cents)), _kes(made.vat_cents) if made.vat_cents else "-"), border="T"
    )


def _wallet(page: FPDF, made: Invoice, word: dict[str, str]) -> None:
    before_notes = made.opening_cents + made.topped_up_cents - made.paid_out_cents - made.total_cents
    notes = made.closing_cents - before_notes
    page.ln(8)
    page.set_font("helvetica", "B", 11)
    _line(page, word["wallet"], 7)
    page.set_font("helvetica", size=10)
    for name, cents in (
        ("opening", made.opening_cents),
        ("topped_up", made.topped_up_cents),
        ("paid_out", -made.paid_out_cents),
        ("this", -made.total_cents),
        ("notes", notes),
        ("closing", made.closing_cents),
    ):
        if name == "notes" and not cents:
            continue
        page.cell(_WIDTHS[0] + _WIDTHS[1], 6, word[name])
        page.cell(_WIDTHS[2], 6, _kes(cents), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _row(page: FPDF, cells: tuple[str, str, str, str], border: Literal["T", "B", 0] = 0) -> None:
    for text, width in zip(cells, _WIDTHS, strict=True):
        page.cell(width, 7.5, text, border=border, align="L" if width == _WIDTHS[0] else "R")
    page.ln()


def _line(page: FPDF, text: str, height: float = 5) -> None:
    page.cell(0, height, _plain(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _kes(cents: int) -> str:
    return f"{cents / 100:,.2f}" if cents >= 0 else f"-{-cents / 100:,.2f}"


def _day(time: datetime) -> str:
    return f"{time.astimezone(EAST_AFRICA):%Y-%m-%d}"


def _plain(text: str) -> str:
    """Return ``text`` in the letters that every PDF reader has: an accent that they lack is left out."""
    return "".join(map(_letter, text))


def _letter(letter: str) -> str:
    for candidate in (letter, unicodedata.normalize("NFKD", letter)[0]):
        if candidate.isprintable() and ord(candidate) < 256:
            return candidate
    return "?"
