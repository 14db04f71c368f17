"""A household's statement: what its wallet held, every entry that touched it in words, what it holds then."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from energy_swap_hub import ledger
from energy_swap_hub.ledger import Touch

from .ahead_words import contracts_in_words
from .statement_records import Records, grid_sums, records_of, true_ups_by_the_grid
from .words import day_and_time, kes, kwh, price_range

# What a statement adds up. Money: what came and went; "other" is what no rule here knows. Energy: what the
# household gave to the grid and was minted, sold, bought, and used up (own tokens and those bought in periods).
TOTALS: Final = (
    "topped_up_cents",
    "paid_out_cents",
    "payout_fees_cents",
    "earned_cents",
    "spent_cents",
    "rewarded_cents",
    "corrected_cents",
    "other_cents",
    "minted_wh",
    "sold_wh",
    "bought_wh",
    "used_wh",
    "other_wh",
)


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in plain words: ``change`` and ``after`` have a wallet's fields, ``counts`` some of `TOTALS`.

    ``of`` is the time whose prices count: a period's start, or else when it happened.
    """

    entry_id: int
    at: datetime
    of: datetime
    booked_at: datetime
    kind: str
    text: str
    change: Mapping[str, int]
    after: Mapping[str, int]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Statement:
    """What was booked for a household in ``[since, until)``; ``opening`` and all changes make ``closing``.

    ``grid`` is what the utility bought and sold in the periods booked then, which it pays and bills itself.
    """

    household: str
    name: str
    since: datetime
    until: datetime
    opening: Mapping[str, int]
    lines: Sequence[Line]
    closing: Mapping[str, int]
    totals: Mapping[str, int]
    grid: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Words:
    kind: str
    text: str
    counts: dict[str, int]


def statement(
    connection: Connection, community_id: str, household_id: str, name: str, since: datetime, until: datetime
) -> Statement:
    """Return what was booked for a household in ``[since, until)``.

    ``closing`` is summed from the postings by itself, not from the lines.
    """
    late = true_ups_by_the_grid(connection, community_id, household_id)
    found = ledger.touches(connection, community_id, household_id, since, until, also={"true_up": late})
    records = records_of(connection, community_id, household_id, found)
    opening = ledger.wallet_before(connection, community_id, household_id, since)
    lines = list(_lines(found, records, household_id, opening))
    return Statement(
        household_id,
        name,
        since,
        until,
        opening,
        lines,
        ledger.wallet_before(connection, community_id, household_id, until),
        {total: sum(line.counts.get(total, 0) for line in lines) for total in TOTALS},
        grid_sums(connection, community_id, household_id, since, until),
    )


def _lines(
    found: Sequence[Touch], records: Records, household_id: str, opening: Mapping[str, int]
) -> Iterator[Line]:
    after = dict(opening)
    for touch in found:
        after = {name: amount + touch.change[name] for name, amount in after.items()}
        words = _words(touch, records, household_id)
        yield Line(
            touch.entry_id,
            touch.at,
            _of(touch),
            touch.booked_at,
            words.kind,
            words.text,
            touch.change,
            after,
            words.counts | _unexplained(touch.change, words.counts),
        )


def _of(touch: Touch) -> datetime:
    if touch.source in {"period", "ahead", "true_up"}:
        return datetime.fromisoformat(touch.external_id.partition("/")[0])
    return touch.at


def _unexplained(change: Mapping[str, int], counts: Mapping[str, int]) -> dict[str, int]:
    """Return what an entry changed beyond its counts, so that the totals always make up the whole change."""

    def count(*names: str) -> int:
        return sum(counts.get(name, 0) for name in names)

    cents = change["kes_cents"] + change["kes_held_cents"]
    cents -= count("topped_up_cents", "earned_cents", "rewarded_cents", "corrected_cents")
    cents += count("paid_out_cents", "payout_fees_cents", "spent_cents")
    wh = change["ekwh_wh"] + change["ekwh_held_wh"]
    wh += count("sold_wh", "used_wh") - count("minted_wh", "bought_wh")
    return {name: amount for name, amount in (("other_cents", cents), ("other_wh", wh)) if amount}


def _words(touch: Touch, records: Records, household_id: str) -> _Words:
    match touch.source:
        case "mpesa" | "mpesa_assigned":
            return _mpesa(touch)
        case "payout" | "payout_failed":
            return _payout(touch, records)
        case "period":
            return _period(touch, records, household_id)
        case "true_up":
            return _true_up(touch, records)
        case "ahead":
            return _contracts(touch, records)
        case "spot" | "auction":
            return _held_trade(touch, records, household_id)
        case "hold":
            return _Words("hold", f"Held for {_of_what(touch)}: {_held_amount(touch, 1)}", {})
        case "release_hold":
            return _Words("release", f"Free again ({touch.text}): {_held_amount(touch, -1)}", {})
        case "reward":
            return _reward(touch, records)
        case "correction":
            return _Words(
                "correction", f"Correction: {touch.text}", {"corrected_cents": touch.change["kes_cents"]}
            )
        case _:
            return _Words("other", touch.text, {})


def _mpesa(touch: Touch) -> _Words:
    cents = touch.change["kes_cents"]
    if touch.text == "top-up" or touch.source == "mpesa_assigned":
        text = f"Top-up by M-Pesa, receipt {touch.external_id}: {kes(cents)}"
        return _Words("top_up", text, {"topped_up_cents": cents})
    if touch.text.startswith(("paid for ", "late paid for ")):
        text = f"Paid by M-Pesa, receipt {touch.external_id} ({touch.text}): {kes(cents)}"
        return _Words("top_up", text, {"topped_up_cents": cents})
    if not touch.text.startswith("payout "):
        return _Words("other", f"{touch.text}: {kes(cents)}", {})
    text = f"M-Pesa's fee was lower than expected: {kes(cents)} back"
    return _Words("payout_fee_returned", text, {"payout_fees_cents": -cents})


def _payout(touch: Touch, records: Records) -> _Words:
    cents = touch.change["kes_cents"]
    sent = records.payouts_kes.get(touch.external_id, 0) * 100
    if touch.source == "payout":
        fee = -cents - sent
        text = f"Payout by M-Pesa: {kes(sent)}" + (f" and its fee of {kes(fee)}" if fee else "")
        return _Words("payout", text, {"paid_out_cents": sent, "payout_fees_cents": fee})
    text = f"A payout failed, {kes(cents)} are back ({touch.text.partition(': ')[2] or 'no reason given'})"
    return _Words("payout_returned", text, {"paid_out_cents": -sent, "payout_fees_cents": sent - cents})


def _period(touch: Touch, records: Records, household_id: str) -> _Words:
    start = datetime.fromisoformat(touch.external_id)
    row = records.positions.get(start)
    if row is None:
        return _Words("period", touch.text, {})
    contracts = records.contracts.get(start)
    delivered = contracts["delivered_wh"] if contracts is not None and contracts["side"] == "sell" else 0
    # What was delivered ahead was minted, too; the contracts' own line counts it.
    minted = max(row["export_wh"] - row["import_wh"], 0) - max(row["grid_wh"], 0) - delivered
    sold, bought, own = row["sold_wh"], row["bought_wh"], row["own_wh"]
    with_partners = records.trades.get(("partner", touch.external_id), ())
    trades = [*records.trades.get(("period", touch.external_id), ()), *with_partners]
    prices = price_range(t["cents_per_kwh"] for t in trades if household_id in (t["seller"], t["buyer"]))
    partners_wh = sum(t["wh"] for t in with_partners)
    of_it = f", {kwh(partners_wh)} of it with partners" if partners_wh else ""
    parts = []
    if sold:
        parts.append(f"sold {kwh(sold)}{prices} for {kes(row['earned_cents'])}{of_it}")
    if bought:
        parts.append(f"bought {kwh(bought)}{prices}, {kes(row['paid_cents'])} with fees{of_it}")
    if own:
        parts.append(f"used {kwh(own)} of own tokens")
    if minted > sold:
        parts.append(f"kept {kwh(minted - sold)} as tokens")
    if row["grid_wh"] > 0 and not row["grid_cents"]:
        parts.append(f"the utility took {kwh(row['grid_wh'])}, which it credits by its own rules")
    elif row["grid_wh"] > 0:
        parts.append(f"the utility bought {kwh(row['grid_wh'])} and credits {kes(row['grid_cents'])} itself")
    if row["grid_wh"] < 0:
        parts.append(f"the utility delivered {kwh(-row['grid_wh'])} and bills {kes(-row['grid_cents'])} itself")
    counts = {
        "minted_wh": minted,
        "sold_wh": sold,
        "bought_wh": bought,
        "used_wh": own + bought,
        "earned_cents": row["earned_cents"],
        "spent_cents": row["paid_cents"],
    }
    return _Words("period", f"Period of {day_and_time(start)}: {', '.join(parts) or 'nothing traded'}", counts)


def _contracts(touch: Touch, records: Records) -> _Words:
    row = records.contracts.get(datetime.fromisoformat(touch.external_id))
    if row is None:
        return _Words("ahead", touch.text, {})
    trades = records.trades.get(("ahead", touch.external_id), ())
    return _Words("ahead", *contracts_in_words(row, price_range(t["cents_per_kwh"] for t in trades)))


def _true_up(touch: Touch, records: Records) -> _Words:
    row = records.true_ups.get(touch.external_id)
    if row is None:
        return _Words("true_up", touch.text, {})
    minted, burned, grid = row["minted_wh"], row["burned_wh"], row["grid_wh"]
    parts = [
        *([f"kept {kwh(minted)} as tokens"] if minted else []),
        *([f"used {kwh(burned)} of own tokens"] if burned else []),
        *([f"the grid delivered {kwh(grid)}, which the utility bills"] if grid > 0 else []),
        *([f"the utility took {kwh(-grid)}, which it credits by its own rules"] if grid < 0 else []),
    ]
    text = f"Late readings for the period of {day_and_time(row['start'])}: {', '.join(parts)}"
    return _Words("true_up", text, {"minted_wh": minted, "used_wh": burned})


def _held_trade(touch: Touch, records: Records, household_id: str) -> _Words:
    trades = records.trades.get((touch.source, touch.external_id), ())
    prices = price_range(trade["cents_per_kwh"] for trade in trades)
    where = "on the spot market" if touch.source == "spot" else "by auction"
    counts: dict[str, int] = {}
    parts = []
    sold = sum(trade["wh"] for trade in trades if trade["seller"] == household_id)
    bought = sum(trade["wh"] for trade in trades if trade["buyer"] == household_id)
    if sold:
        earned = touch.change["kes_cents"]
        parts.append(f"Sold {kwh(sold)} {where}{prices} for {kes(earned)}")
        counts |= {"sold_wh": sold, "earned_cents": earned}
    if bought:
        spent = -touch.change["kes_cents"] - touch.change["kes_held_cents"]
        parts.append(f"Bought {kwh(bought)} {where}{prices}, {kes(spent)} with fees")
        counts |= {"bought_wh": bought, "spent_cents": spent}
    return _Words(touch.source, "; ".join(parts) or touch.text, counts)


def _reward(touch: Touch, records: Records) -> _Words:
    cents = touch.change["kes_cents"]
    text = f"Grid reward for {touch.external_id}: {kes(cents)}"
    reward = records.rewards.get(touch.external_id)
    if reward is not None:
        text += f" for {kwh(reward.export_wh)} given to the neighbourhood"
        if reward.paid_cents < reward.earned_cents:
            text += f" (they earned {kes(reward.earned_cents)}, the fund could pay a part)"
    return _Words("reward", text, {"rewarded_cents": cents})


def _of_what(touch: Touch) -> str:
    return {
        "spot sale": "a sale on the spot market",
        "spot purchase": "a purchase on the spot market",
        "auction": "an auction",
        "auction bid": "a bid",
        "ahead purchase": "a purchase ahead",
        "ahead sale": "what a sale ahead can cost",
    }.get(touch.text, touch.text)


def _held_amount(touch: Touch, sign: int) -> str:
    cents, wh = sign * touch.change["kes_held_cents"], sign * touch.change["ekwh_held_wh"]
    return " and ".join([*([kes(cents)] if cents else []), *([kwh(wh)] if wh else [])]) or "nothing"
