"""What a household's contracts for a period came to, in phrases and in a statement's sums."""

from collections.abc import Mapping
from typing import Any

from .statement_words import Phrase, phrase


def contracts_in_words(row: Mapping[str, Any], prices: Mapping[str, int]) -> tuple[list[Phrase], dict[str, int]]:
    """Return what an ``ahead_line`` says and its counts; ``prices`` as `priced` has them.

    Who deviated bears the difference: it pays where it is below zero.
    """
    is_seller = row["side"] == "sell"
    delivered, difference = row["delivered_wh"], row["difference_cents"]
    says = [phrase("ahead", start_at=int(row["start"].timestamp())), _traded(row, prices, is_seller=is_seller)]
    if not is_seller and row["refunded_cents"]:
        says.append(phrase("ahead_refunded", cents=row["refunded_cents"]))
    if row["grid_wh"] < 0:
        says.append(phrase("ahead_missing", wh=-row["grid_wh"], cents=-row["grid_cents"]))
    if row["grid_wh"] > 0:
        says.append(phrase("ahead_left", wh=row["grid_wh"], cents=row["grid_cents"]))
    other = "buyer" if is_seller else "seller"
    if difference:
        says.append(phrase(f"ahead_{'to' if difference < 0 else 'from'}_{other}", cents=abs(difference)))
    counts = {
        "earned_cents": row["earned_cents"] + max(difference, 0),
        "spent_cents": row["paid_cents"] + max(-difference, 0),
        # What was delivered was minted for the seller and is used by the buyer.
        **({"minted_wh": delivered, "sold_wh": delivered} if is_seller else {}),
        **({} if is_seller else {"bought_wh": delivered, "used_wh": delivered}),
    }
    return says, counts


def _traded(row: Mapping[str, Any], prices: Mapping[str, int], *, is_seller: bool) -> Phrase:
    key = "ahead_sold" if is_seller else "ahead_bought"
    figures = {"promised_wh": row["promised_wh"], "wh": row["delivered_wh"]}
    if not row["delivered_wh"]:
        return Phrase(f"{key}_nothing", figures)
    return Phrase(key, figures | {"cents": row["earned_cents" if is_seller else "paid_cents"]} | dict(prices))
