"""What a household's contracts for a period came to, in plain words and in a statement's sums."""

from collections.abc import Mapping
from typing import Any

from .words import day_and_time, kes, kwh


def contracts_in_words(row: Mapping[str, Any], prices: str) -> tuple[str, dict[str, int]]:
    """Return the text and the counts of an ``ahead_line``; ``prices`` as `price_range` has them.

    Who deviated bears the difference: it pays where it is below zero.
    """
    is_seller = row["side"] == "sell"
    promised, delivered, difference = row["promised_wh"], row["delivered_wh"], row["difference_cents"]
    did = "sold" if is_seller else "bought"
    parts = [f"{kwh(promised)} {did} ahead, {kwh(delivered)} delivered" + _money(row, prices, is_seller=is_seller)]
    if row["grid_wh"] < 0:
        parts.append(f"{kwh(-row['grid_wh'])} were missing, {kes(-row['grid_cents'])} at the retail tariff")
    if row["grid_wh"] > 0:
        parts.append(f"{kwh(row['grid_wh'])} were left over, {kes(row['grid_cents'])} at the feed-in tariff")
    other = "buyer" if is_seller else "seller"
    if difference < 0:
        fault = "delivered too little" if is_seller else "took too little"
        parts.append(f"{kes(-difference)} to the {other}, because this household {fault}")
    if difference > 0:
        fault = "took too little" if is_seller else "delivered too little"
        parts.append(f"{kes(difference)} from the {other}, who {fault}")
    counts = {
        "earned_cents": row["earned_cents"] + max(difference, 0),
        "spent_cents": row["paid_cents"] + max(-difference, 0),
        # What was delivered was minted for the seller and is used by the buyer.
        **({"minted_wh": delivered, "sold_wh": delivered} if is_seller else {}),
        **({} if is_seller else {"bought_wh": delivered, "used_wh": delivered}),
    }
    return f"Contracts for {day_and_time(row['start'])}: {'; '.join(parts)}", counts


def _money(row: Mapping[str, Any], prices: str, *, is_seller: bool) -> str:
    paid = ""
    if row["delivered_wh"]:
        cents = row["earned_cents"] if is_seller else row["paid_cents"]
        paid = f"{prices} for {kes(cents)}" if is_seller else f"{prices}, {kes(cents)} with fees"
    if not is_seller and row["refunded_cents"]:
        paid += f", {kes(row['refunded_cents'])} refunded"
    return paid
