"""What a line of a statement says: phrases with their figures, for programs to word, and the same in English."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from .words import day_and_time, kes, kwh, price_range


@dataclass(frozen=True, slots=True)
class Phrase:
    """A part of what a line says.

    A figure whose name ends in ``wh`` is energy, in ``cents`` money, in ``_at`` a time in Unix seconds;
    ``low_price`` and ``high_price`` are cents per kWh. Any other is text: a receipt, a day, what somebody wrote
    (``note``).
    """

    key: str
    figures: Mapping[str, int | str]


# What an entry was held for, and why it was given back, by the text that the ledger has for it.
HELD_FOR: Final = {
    "spot sale": ("held_spot_sale", "a sale on the spot market"),
    "spot purchase": ("held_spot_purchase", "a purchase on the spot market"),
    "auction": ("held_auction", "an auction"),
    "auction bid": ("held_bid", "a bid"),
    "ahead purchase": ("held_ahead_purchase", "a purchase ahead"),
    "ahead sale": ("held_ahead_sale", "what a sale ahead can cost"),
}
FREED: Final = {
    "bought below the limit": "freed_below_limit",
    "order cancelled": "freed_cancelled",
    "order withdrawn": "freed_cancelled",
    "order expired": "freed_expired",
    "outbid": "freed_outbid",
    "the gate has closed": "freed_gate",
    "contracts settled": "freed_settled",
    "nothing was sold": "freed_auction",
    "auction stopped": "freed_auction",
    "auction ended": "freed_auction",
}
_ENGLISH: Final = {
    "top_up": "Top-up by M-Pesa, receipt {receipt}: {money}",
    "paid_for": "Paid by M-Pesa, receipt {receipt} ({note}): {money}",
    "fee_returned": "M-Pesa's fee was lower than expected: {money} back",
    "payout": "Payout by M-Pesa: {money}",
    "payout_with_fee": "Payout by M-Pesa: {money} and its fee of {fee}",
    "payout_failed": "A payout failed, {money} are back ({reason})",
    "period": "Period of {start}",
    "late": "Late readings for the period of {start}",
    "sold": "sold {energy}{prices} for {money}",
    "bought": "bought {energy}{prices}, {money} with fees",
    "partners": "{energy} of it with partners",
    "own": "used {energy} of own tokens",
    "kept": "kept {energy} as tokens",
    "utility_bought": "the utility bought {energy} and credits {money} itself",
    "utility_delivered": "the utility delivered {energy} and bills {money} itself",
    "utility_took": "the utility took {energy}, which it credits by its own rules",
    "grid_delivered": "the grid delivered {energy}, which the utility bills",
    "nothing": "nothing traded",
    "ahead": "Contracts for {start}",
    "ahead_sold": "{promised} sold ahead, {energy} delivered{prices} for {money}",
    "ahead_sold_nothing": "{promised} sold ahead, {energy} delivered",
    "ahead_bought": "{promised} bought ahead, {energy} delivered{prices}, {money} with fees",
    "ahead_bought_nothing": "{promised} bought ahead, {energy} delivered",
    "ahead_refunded": "{money} refunded",
    "ahead_missing": "{energy} were missing, {money} at the retail tariff",
    "ahead_left": "{energy} were left over, {money} at the feed-in tariff",
    "ahead_to_buyer": "{money} to the buyer, because this household delivered too little",
    "ahead_to_seller": "{money} to the seller, because this household took too little",
    "ahead_from_buyer": "{money} from the buyer, who took too little",
    "ahead_from_seller": "{money} from the seller, who delivered too little",
    "spot_sold": "Sold {energy} on the spot market{prices} for {money}",
    "spot_bought": "Bought {energy} on the spot market{prices}, {money} with fees",
    "auction_sold": "Sold {energy} by auction{prices} for {money}",
    "auction_bought": "Bought {energy} by auction{prices}, {money} with fees",
    **{key: f"Held for {what}: {{amount}}" for key, what in HELD_FOR.values()},
    "held": "Held for {note}: {amount}",
    **dict.fromkeys((*FREED.values(), "freed"), "Free again ({note}): {amount}"),
    "reward": "Grid reward for {day}: {money}",
    "rewarded_energy": "for {energy} given to the neighbourhood",
    "reward_part": "(they earned {money}, the fund could pay a part)",
    "correction": "Correction: {note}",
    "other": "{note}",
    "other_money": "{note}: {money}",
}
KEYS: Final = frozenset(_ENGLISH)
_HEADS: Final = {"period", "late", "ahead"}
_JOINTS: Final = {
    **dict.fromkeys((key for key in _ENGLISH if key.startswith("ahead_") and key != "ahead_refunded"), "; "),
    **dict.fromkeys(("spot_bought", "auction_bought"), "; "),
    **dict.fromkeys(("rewarded_energy", "reward_part"), " "),
}


def phrase(key: str, **figures: int | str) -> Phrase:
    """Return the phrase ``key`` with its figures."""
    return Phrase(key, figures)


def priced(cents_per_kwh: Iterable[int]) -> dict[str, int]:
    """Return the lowest and the highest price as figures; none without a price."""
    prices = sorted(cents_per_kwh)
    return {"low_price": prices[0], "high_price": prices[-1]} if prices else {}


def in_english(says: Sequence[Phrase]) -> str:
    """Return what the phrases say, as one text."""
    text, is_after_head = "", False
    for one in says:
        if text:
            text += ": " if is_after_head else _JOINTS.get(one.key, ", ")
        text += _english(one)
        is_after_head = one.key in _HEADS
    return text


def _english(said: Phrase) -> str:
    figures = said.figures
    blanks = {_blank(name): _shown(name, figure) for name, figure in figures.items()}
    amounts = [blanks[_blank(name)] for name in ("cents", "wh") if figures.get(name)]
    blanks["amount"] = " and ".join(amounts) or "nothing"
    prices = [int(figures[name]) for name in ("low_price", "high_price") if name in figures]
    return _ENGLISH[said.key].format(**blanks, prices=price_range(prices))


def _blank(name: str) -> str:
    """Return a figure's name without its unit: ``fee_cents`` fills ``{fee}``, and bare ``cents`` ``{money}``."""
    bare = {"cents": "money", "wh": "energy"}.get(name, name)
    return bare.removesuffix("_cents").removesuffix("_wh").removesuffix("_at")


def _shown(name: str, figure: int | str) -> str:
    if isinstance(figure, str):
        return figure
    if name.endswith("cents"):
        return kes(figure)
    return day_and_time(datetime.fromtimestamp(figure, UTC)) if name.endswith("_at") else kwh(figure)
