"""An invoice as a PDF page that a member can read, in English or Swahili."""

from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.settlement.invoices import Invoice

from .paper import HEAD_WORDS, SOFT, Language, day, facts, kes, line, new_paper, row, words_in

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
}
_WIDTHS: Final = (92.0, 28.0, 30.0, 30.0)


def invoice_pdf(made: Invoice, community: CommunityConfig, language: Language = "en") -> bytes:
    """Return the PDF of an invoice, a note or a draft; ``community`` as its settings were then.

    The same invoice gives the same bytes. Letters beyond western European ones lose
    their accent, or are shown as ``?``.
    """
    word = words_in(language, HEAD_WORDS, _WORDS)
    page = new_paper(f"{word[made.kind]} {number_of(made, community)}", community, made.issued_at, language, word)
    known = [
        (word["number"], number_of(made, community)),
        (word["month"], made.month),
        (word["issued"], day(made.issued_at)),
        (word["member"], f"{made.name} ({made.household})"),
    ]
    if made.corrects is not None:
        known.append((word["corrects"], f"{community.id.upper()}-{made.corrects:06d}"))
    facts(page, word[made.kind] if made.number is not None else word["draft"], known)
    _table(page, made, word)
    if made.kind == "invoice":
        _wallet(page, made, word)
    page.ln(6)
    page.set_font("helvetica", size=9)
    page.set_text_color(*SOFT)
    page.multi_cell(0, 5, word["settled"])
    return bytes(page.output())


def number_of(made: Invoice, community: CommunityConfig) -> str:
    """Return an invoice's number as people see it: KISIMA-000012; a draft has none."""
    return "-" if made.number is None else f"{community.id.upper()}-{made.number:06d}"


def _table(page: FPDF, made: Invoice, word: dict[str, str]) -> None:
    page.set_font("helvetica", "B", 9.5)
    row(page, (word["what"], "kWh", word["amount"], word["vat"]), _WIDTHS, 7.5, border="B")
    page.set_font("helvetica", size=10)
    for item in made.lines:
        vat = f"{kes(item.vat_cents)} ({item.vat_percent} %)" if item.vat_percent else "-"
        energy = f"{item.wh / 1000:,.3f}" if item.wh else ""
        row(page, (word[item.item], energy, kes(item.cents), vat), _WIDTHS, 7.5)
    page.set_font("helvetica", "B", 11)
    title = word["total_due"] if made.total_cents >= 0 else word["total_earned"]
    total = (title, "", kes(abs(made.total_cents)), kes(made.vat_cents) if made.vat_cents else "-")
    row(page, total, _WIDTHS, 7.5, border="T")


def _wallet(page: FPDF, made: Invoice, word: dict[str, str]) -> None:
    before_notes = made.opening_cents + made.topped_up_cents - made.paid_out_cents - made.total_cents
    notes = made.closing_cents - before_notes
    page.ln(8)
    page.set_font("helvetica", "B", 11)
    line(page, word["wallet"], 7)
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
        page.cell(_WIDTHS[2], 6, kes(cents), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
