"""What a month costs and brings a member: the lines of its invoice, from what its statement has counted.

Everything is taken from entries of the ledger, each once: the lines of an invoice sum to what the month changed in
the member's wallet, without what M-Pesa brought in or took out, which is no supply.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from energy_swap_protocol.units import cost_cents

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.market.fees import tariff_at

from .statements import Line
from .words import EAST_AFRICA


class Item(StrEnum):
    """What a line is for; those above zero are charged to the member, those below are its own earnings."""

    ENERGY = "energy"  # bought from neighbours
    COMMUNITY_FEE = "community_fee"
    GRID_FEE = "grid_fee"
    SOLD = "sold"  # to neighbours; the member supplies it, the community bills itself for it
    REWARD = "reward"
    PAYOUT_FEE = "payout_fee"  # M-Pesa's
    CORRECTION = "correction"
    OTHER = "other"
    LATE_ENERGY = "late_energy"  # no money: what late readings minted and burned


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A line; ``cents`` is charged (below zero: credited) and includes ``vat_cents`` at ``vat_percent``."""

    item: Item
    wh: int
    cents: int
    vat_percent: int
    vat_cents: int


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of East Africa."""

    year: int
    month: int

    @classmethod
    def of(cls, time: datetime) -> Month:
        """Return the month that contains an aware time."""
        local = time.astimezone(EAST_AFRICA)
        return cls(local.year, local.month)

    @classmethod
    def named(cls, name: str) -> Month:
        """Return the month that is called like 2026-11; raises `ValueError`."""
        try:
            first = date.fromisoformat(f"{name}-01")
        except ValueError:
            raise ValueError(f"month: {name!r} is none; write it like 2026-11") from None
        return cls(first.year, first.month)

    @property
    def name(self) -> str:
        """What it is called: 2026-11."""
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def next(self) -> Month:
        """The month that follows."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def begins(self) -> datetime:
        """Its first instant."""
        return datetime(self.year, self.month, 1, tzinfo=EAST_AFRICA)

    @property
    def ends(self) -> datetime:
        """The first instant after it."""
        return self.next.begins


@dataclass(slots=True)
class _Sum:
    wh: int = 0
    cents: int = 0


def lines_of(entries: Iterable[Line], rules: CommunityConfig) -> list[InvoiceLine]:
    """Return the lines that a member's ``entries`` make; ``rules`` has the tariffs of all times, and the VAT.

    Fees are those of the tariff when the energy was used, on the Wh of each entry; the rest of what was spent is
    the energy's, with the cent of rounding.
    """
    sums: dict[Item, _Sum] = {item: _Sum() for item in Item}

    def add(item: Item, wh: int, cents: int) -> None:
        sums[item].wh += wh
        sums[item].cents += cents

    for entry in entries:
        count = entry.counts.get
        spent, bought = count("spent_cents", 0), count("bought_wh", 0)
        if spent or bought:
            tariff = tariff_at(rules.tariffs, entry.of)
            community = min(cost_cents(bought, tariff.community_fee_cents_per_kwh), max(spent, 0))
            grid = min(cost_cents(bought, tariff.grid_fee_cents_per_kwh), max(spent, 0) - community)
            add(Item.COMMUNITY_FEE, bought, community)
            add(Item.GRID_FEE, bought, grid)
            add(Item.ENERGY, bought, spent - community - grid)
        if count("earned_cents", 0) or count("sold_wh", 0):
            add(Item.SOLD, count("sold_wh", 0), -count("earned_cents", 0))
        add(Item.REWARD, 0, -count("rewarded_cents", 0))
        add(Item.PAYOUT_FEE, 0, count("payout_fees_cents", 0))
        add(Item.CORRECTION, 0, -count("corrected_cents", 0))
        add(Item.OTHER, 0, -count("other_cents", 0))
        if entry.kind == "true_up":
            add(Item.LATE_ENERGY, count("minted_wh", 0) + count("used_wh", 0), 0)
    return [_line(item, found, rules) for item, found in sums.items() if found.wh or found.cents]


def _line(item: Item, found: _Sum, rules: CommunityConfig) -> InvoiceLine:
    if item is Item.ENERGY:
        percent = rules.vat_energy_percent
    elif item in {Item.COMMUNITY_FEE, Item.GRID_FEE}:
        percent = rules.vat_fees_percent
    else:
        percent = 0  # a member's own supply, and money that is no supply: not the community's tax
    return InvoiceLine(item, found.wh, found.cents, percent, _vat_in(found.cents, percent))


def _vat_in(cents: int, percent: int) -> int:
    """Return the tax in a price that includes it, half-even to the cent."""
    over, base = cents * percent, 100 + percent
    whole, rest = divmod(over, base)
    return whole + (2 * rest > base or (2 * rest == base and whole % 2 == 1))


def total_cents(lines: Sequence[InvoiceLine]) -> int:
    """Return what lines sum to: above zero the member was charged, below it earned."""
    return sum(line.cents for line in lines)
