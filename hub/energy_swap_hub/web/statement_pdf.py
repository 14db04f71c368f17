"""A household's statement as PDF pages that a member can read and keep, in English or Swahili."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.settlement.statements import Line, Statement
from energy_swap_hub.settlement.words import EAST_AFRICA

from .paper import HEAD_WORDS, SOFT, Language, Words, day, facts, kes, line, new_paper, plain, row, words_in

_WORDS: Final = {
    "statement": ("Statement", "Taarifa"),
    "days": ("Days", "Siku"),
    "made": ("Made", "Imetolewa"),
    "member": ("Member", "Mwanachama"),
    "money": ("Money, in KES", "Pesa, kwa KES"),
    "energy": ("Energy you own, in kWh", "Umeme wako, kwa kWh"),
    "opening": ("At the beginning", "Mwanzoni"),
    "topped_up_cents": ("Topped up by M-Pesa", "Iliyowekwa kwa M-Pesa"),
    "earned_cents": ("Earned from neighbours", "Umepata kwa majirani"),
    "spent_cents": ("Paid to neighbours, with fees", "Umelipa majirani, pamoja na ada"),
    "rewarded_cents": ("Rewards", "Zawadi"),
    "paid_out_cents": ("Paid out by M-Pesa", "Iliyotolewa kwa M-Pesa"),
    "payout_fees_cents": ("M-Pesa's fees for it", "Ada za M-Pesa"),
    "corrected_cents": ("Corrections by the office", "Marekebisho ya ofisi"),
    "other_cents": ("Other", "Nyingine"),
    "minted_wh": ("Given by your panels", "Uliotolewa na paneli zako"),
    "sold_wh": ("Sold", "Uliouzwa"),
    "bought_wh": ("Bought", "Ulionunuliwa"),
    "used_wh": ("Used up", "Uliotumika"),
    "other_wh": ("Other", "Nyingine"),
    "closing": ("At the end", "Mwishoni"),
    "entries": ("What was booked", "Yaliyoandikwa"),
    "when": ("When", "Lini"),
    "what": ("What", "Nini"),
    "wallet": ("Wallet", "Pochi"),
    "none": ("Nothing was booked in these days.", "Hakuna kilichoandikwa siku hizi."),
    "note": (
        "The periods of a day are one line; money and energy kept for orders are yours and counted. The table "
        "(CSV) has each entry by itself.",
        "Vipindi vya siku moja ni mstari mmoja; pesa na umeme uliowekwa kwa maagizo ni wako na umehesabiwa. "
        "Jedwali (CSV) lina kila ingizo peke yake.",
    ),
    "top_up": ("Top-up", "Kuweka pesa"),
    "payout": ("Pay-out", "Kutoa pesa"),
    "payout_returned": ("Pay-out came back", "Pesa zimerudi"),
    "payout_fee_returned": ("Fee came back", "Ada imerudi"),
    "period": ("Periods", "Vipindi"),
    "true_up": ("Late readings", "Vipimo vya kuchelewa"),
    "ahead": ("Trade ahead", "Biashara ya mapema"),
    "spot": ("Trade on the spot", "Biashara ya papo hapo"),
    "auction": ("Auction", "Mnada"),
    "reward": ("Reward", "Zawadi"),
    "correction": ("Correction by the office", "Marekebisho ya ofisi"),
    "other": ("Other", "Nyingine"),
    "sold_part": ("sold", "umeuza"),
    "bought_part": ("bought", "umenunua"),
}
# What comes and what goes, in the order of a page; a sign for what lessens the wallet.
_MONEY: Final = (
    ("topped_up_cents", 1),
    ("earned_cents", 1),
    ("rewarded_cents", 1),
    ("spent_cents", -1),
    ("paid_out_cents", -1),
    ("payout_fees_cents", -1),
    ("corrected_cents", 1),
    ("other_cents", 1),
)
_ENERGY: Final = (("minted_wh", 1), ("bought_wh", 1), ("sold_wh", -1), ("used_wh", -1), ("other_wh", 1))
_BY_DAY: Final = ("period", "true_up")
_WIDTHS: Final = (34.0, 74.0, 24.0, 24.0, 24.0)
_HEIGHT: Final = 6.0


class _Row(NamedTuple):
    when: str
    what: str
    wh: int
    cents: int
    after_cents: int


def statement_pdf(
    found: Statement, community: CommunityConfig, made_at: datetime, language: Language = "en"
) -> bytes:
    """Return the PDF of a statement; the same statement made at the same time gives the same bytes."""
    word = words_in(language, HEAD_WORDS, _WORDS)
    page = new_paper(f"{word['statement']} {found.household}", community, made_at, language, word)
    known = [
        (word["member"], f"{found.name} ({found.household})"),
        (word["days"], f"{day(found.since)} - {day(found.until - timedelta(seconds=1))}"),
        (word["made"], f"{made_at.astimezone(EAST_AFRICA):%Y-%m-%d %H:%M}"),
    ]
    facts(page, word["statement"], known)
    _sums(page, found, word)
    _entries(page, list(_rows(found, word)), word)
    page.ln(4)
    page.set_font("helvetica", size=9)
    page.set_text_color(*SOFT)
    page.multi_cell(0, 5, word["note"])
    return bytes(page.output())


def _sums(page: FPDF, found: Statement, word: Words) -> None:
    money = (_cents(found.opening), _cents(found.closing), _MONEY)
    energy = (_wh(found.opening), _wh(found.closing), _ENERGY)
    for title, (opening, closing, parts) in (("money", money), ("energy", energy)):
        page.set_text_color(0)
        page.set_font("helvetica", "B", 11)
        line(page, word[title], 7)
        page.set_font("helvetica", size=10)
        shown = kes if title == "money" else _kwh
        sums = [(name, sign * found.totals[name]) for name, sign in parts if found.totals[name]]
        for name, amount in (("opening", opening), *sums, ("closing", closing)):
            page.set_font("helvetica", "B" if name == "closing" else "", 10)
            page.cell(90, 6, word[name], border="T" if name == "closing" else 0)
            page.cell(
                35, 6, shown(amount), border="T" if name == "closing" else 0, align="R",
                new_x=XPos.LMARGIN, new_y=YPos.NEXT,
            )  # fmt: skip
        page.ln(3)


def _entries(page: FPDF, rows: list[_Row], word: Words) -> None:
    page.ln(2)
    page.set_text_color(0)
    page.set_font("helvetica", "B", 11)
    line(page, word["entries"], 7)
    if not rows:
        page.set_font("helvetica", size=10)
        line(page, word["none"])
        return
    _table_head(page, word)
    for one in rows:
        if page.will_page_break(_HEIGHT):
            page.add_page()
            _table_head(page, word)
        energy = _kwh(one.wh) if one.wh else ""
        page.cell(_WIDTHS[0], _HEIGHT, one.when)
        page.cell(_WIDTHS[1], _HEIGHT, plain(one.what))
        for text, width in zip((energy, kes(one.cents), kes(one.after_cents)), _WIDTHS[2:], strict=True):
            page.cell(width, _HEIGHT, text, align="R")
        page.ln()


def _table_head(page: FPDF, word: Words) -> None:
    page.set_font("helvetica", "B", 9.5)
    page.cell(_WIDTHS[0], _HEIGHT, word["when"], border="B")
    page.cell(_WIDTHS[1], _HEIGHT, word["what"], border="B")
    row(page, ("", "kWh", "KES", word["wallet"]), (0.01, *_WIDTHS[2:]), _HEIGHT, border="B")
    page.set_font("helvetica", size=9.5)


def _rows(found: Statement, word: Words) -> Iterator[_Row]:
    """Yield what a page shows: the periods of a day in one row, nothing that only moved within the wallet."""

    def group(one: Line) -> tuple[str, str, int]:
        on, kind = day(one.booked_at), one.kind
        return on, kind, 0 if kind in _BY_DAY else one.entry_id

    for (on, kind, _), of_one in groupby(found.lines, group):
        lines = list(of_one)
        wh, cents = sum(_wh(one.change) for one in lines), sum(_cents(one.change) for one in lines)
        parts = [
            f"{word[f'{name}_part']} {_kwh(amount)} kWh"
            for name in ("sold", "bought")
            if (amount := sum(one.counts.get(f"{name}_wh", 0) for one in lines))
        ]
        if not (wh or cents or parts):
            continue
        last = lines[-1].booked_at.astimezone(EAST_AFRICA)
        when = on if len(lines) > 1 else f"{last:%Y-%m-%d %H:%M}"
        many = f" ({len(lines)})" if len(lines) > 1 else ""
        what = ", ".join([f"{word.get(kind, word['other'])}{many}", *parts])
        yield _Row(when, what, wh, cents, _cents(lines[-1].after))


def _cents(wallet: Mapping[str, int]) -> int:
    return wallet["kes_cents"] + wallet["kes_held_cents"]


def _wh(wallet: Mapping[str, int]) -> int:
    return wallet["ekwh_wh"] + wallet["ekwh_held_wh"]


def _kwh(wh: int) -> str:
    return f"{wh / 1000:,.3f}"
