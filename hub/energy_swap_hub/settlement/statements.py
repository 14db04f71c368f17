"""A household's statement: what its wallet held, every entry that touched it in words, what it holds then."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any, Final

from sqlalchemy import Connection, Select, or_, select

from energy_swap_hub import ledger
from energy_swap_hub.ledger import Touch
from energy_swap_hub.market.rewards import Reward
from energy_swap_hub.mpesa.tables import payout

from . import tables
from .rewards import rewards_of
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
    """An entry in plain words: ``change`` and ``after`` have a wallet's fields, ``counts`` some of `TOTALS`."""

    entry_id: int
    at: datetime
    booked_at: datetime
    kind: str
    text: str
    change: Mapping[str, int]
    after: Mapping[str, int]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Statement:
    """What was booked for a household in ``[since, until)``; ``opening`` and all changes make ``closing``."""

    household: str
    name: str
    since: datetime
    until: datetime
    opening: Mapping[str, int]
    lines: Sequence[Line]
    closing: Mapping[str, int]
    totals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Words:
    kind: str
    text: str
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Records:
    """What the rooms recorded beside the ledger, by the names that entries carry."""

    positions: Mapping[datetime, Mapping[str, Any]]
    trades: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
    payouts_kes: Mapping[str, int]
    rewards: Mapping[str, Reward]


def statement(
    connection: Connection, community_id: str, household_id: str, name: str, since: datetime, until: datetime
) -> Statement:
    """Return what was booked for a household in ``[since, until)``.

    ``closing`` is summed from the postings by itself, not from the lines.
    """
    found = ledger.touches(connection, community_id, household_id, since, until)
    records = _records(connection, community_id, household_id, found)
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
    )


def _lines(
    found: Sequence[Touch], records: _Records, household_id: str, opening: Mapping[str, int]
) -> Iterator[Line]:
    after = dict(opening)
    for touch in found:
        after = {name: amount + touch.change[name] for name, amount in after.items()}
        words = _words(touch, records, household_id)
        yield Line(
            touch.entry_id,
            touch.at,
            touch.booked_at,
            words.kind,
            words.text,
            touch.change,
            after,
            words.counts | _unexplained(touch.change, words.counts),
        )


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


def _words(touch: Touch, records: _Records, household_id: str) -> _Words:
    match touch.source:
        case "mpesa":
            return _mpesa(touch)
        case "payout" | "payout_failed":
            return _payout(touch, records)
        case "period":
            return _period(touch, records, household_id)
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
    if touch.text == "top-up":
        text = f"Top-up by M-Pesa, receipt {touch.external_id}: {kes(cents)}"
        return _Words("top_up", text, {"topped_up_cents": cents})
    text = f"M-Pesa's fee was lower than expected: {kes(cents)} back"
    return _Words("payout_fee_returned", text, {"payout_fees_cents": -cents})


def _payout(touch: Touch, records: _Records) -> _Words:
    cents = touch.change["kes_cents"]
    sent = records.payouts_kes.get(touch.external_id, 0) * 100
    if touch.source == "payout":
        fee = -cents - sent
        text = f"Payout by M-Pesa: {kes(sent)}" + (f" and its fee of {kes(fee)}" if fee else "")
        return _Words("payout", text, {"paid_out_cents": sent, "payout_fees_cents": fee})
    text = f"A payout failed, {kes(cents)} are back ({touch.text.partition(': ')[2] or 'no reason given'})"
    return _Words("payout_returned", text, {"paid_out_cents": -sent, "payout_fees_cents": sent - cents})


def _period(touch: Touch, records: _Records, household_id: str) -> _Words:
    start = datetime.fromisoformat(touch.external_id)
    row = records.positions.get(start)
    if row is None:
        return _Words("period", touch.text, {})
    minted = max(row["export_wh"] - row["import_wh"], 0)
    sold, bought, own = row["sold_wh"], row["bought_wh"], row["own_wh"]
    prices = price_range(
        t["cents_per_kwh"]
        for t in records.trades.get(("period", touch.external_id), ())
        if household_id in (t["seller"], t["buyer"])
    )
    parts = []
    if sold:
        parts.append(f"sold {kwh(sold)}{prices} for {kes(row['earned_cents'])}")
    if bought:
        parts.append(f"bought {kwh(bought)}{prices}, {kes(row['paid_cents'])} with fees")
    if own:
        parts.append(f"used {kwh(own)} of own tokens")
    if minted > sold:
        parts.append(f"kept {kwh(minted - sold)} as tokens")
    counts = {
        "minted_wh": minted,
        "sold_wh": sold,
        "bought_wh": bought,
        "used_wh": own + bought,
        "earned_cents": row["earned_cents"],
        "spent_cents": row["paid_cents"],
    }
    return _Words("period", f"Period of {day_and_time(start)}: {', '.join(parts) or 'nothing traded'}", counts)


def _held_trade(touch: Touch, records: _Records, household_id: str) -> _Words:
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
        spent = -touch.change["kes_held_cents"]
        parts.append(f"Bought {kwh(bought)} {where}{prices}, {kes(spent)} with fees")
        counts |= {"bought_wh": bought, "spent_cents": spent}
    return _Words(touch.source, "; ".join(parts) or touch.text, counts)


def _reward(touch: Touch, records: _Records) -> _Words:
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
    }.get(touch.text, touch.text)


def _held_amount(touch: Touch, sign: int) -> str:
    cents, wh = sign * touch.change["kes_held_cents"], sign * touch.change["ekwh_held_wh"]
    return " and ".join([*([kes(cents)] if cents else []), *([kwh(wh)] if wh else [])]) or "nothing"


def _records(connection: Connection, community_id: str, household_id: str, found: Sequence[Touch]) -> _Records:
    def names(*sources: str) -> list[str]:
        return [touch.external_id for touch in found if touch.source in sources]

    stand, trade = tables.position.c, tables.trade.c
    positions = _rows(
        connection,
        [datetime.fromisoformat(period) for period in names("period")],
        lambda starts: select(tables.position).where(
            stand.community_id == community_id, stand.household_id == household_id, stand.start.in_(starts)
        ),
    )
    trades: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in _rows(
        connection,
        names("period", "spot", "auction"),
        lambda references: select(tables.trade).where(
            trade.community_id == community_id,
            trade.reference.in_(references),
            or_(trade.seller == household_id, trade.buyer == household_id),
        ),
    ):
        trades.setdefault((row["market"], row["reference"]), []).append(row)
    payouts = _rows(
        connection,
        names("payout", "payout_failed"),
        lambda ids: select(payout).where(payout.c.community_id == community_id, payout.c.payout_id.in_(ids)),
    )
    return _Records(
        {row["start"]: row for row in positions},
        trades,
        {row["payout_id"]: row["kes"] for row in payouts},
        rewards_of(connection, community_id, household_id, names("reward")),
    )


def _rows(
    connection: Connection, names: Collection[Any], query: Callable[[Sequence[Any]], Select[Any]]
) -> list[Mapping[str, Any]]:
    """Return what ``query`` finds for ``names``, asked in parts that every database takes."""
    return [
        dict(row)
        for part in batched(names, 500, strict=False)
        for row in connection.execute(query(part)).mappings()
    ]
