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
from .statement_words import FREED, HELD_FOR, Phrase, in_english, phrase, priced

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
    """An entry and what it ``says``: ``change`` and ``after`` have a wallet's fields, ``counts`` some of `TOTALS`.

    ``of`` is the time whose prices count: a period's start, or else when it happened.
    """

    entry_id: int
    at: datetime
    of: datetime
    booked_at: datetime
    kind: str
    says: Sequence[Phrase]
    change: Mapping[str, int]
    after: Mapping[str, int]
    counts: Mapping[str, int]

    @property
    def text(self) -> str:
        """What it says, in plain English."""
        return in_english(self.says)


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
    says: Sequence[Phrase]
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
            words.says,
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
            key, _ = HELD_FOR.get(touch.text, ("held", ""))
            return _Words("hold", (_held(key, touch, 1),), {})
        case "release_hold":
            return _Words("release", (_held(FREED.get(touch.text, "freed"), touch, -1),), {})
        case "reward":
            return _reward(touch, records)
        case "correction":
            says = (phrase("correction", note=touch.text),)
            return _Words("correction", says, {"corrected_cents": touch.change["kes_cents"]})
        case _:
            return _as_the_ledger_says("other", touch)


def _as_the_ledger_says(kind: str, touch: Touch) -> _Words:
    return _Words(kind, (phrase("other", note=touch.text),), {})


def _mpesa(touch: Touch) -> _Words:
    cents = touch.change["kes_cents"]
    if touch.text == "top-up" or touch.source == "mpesa_assigned":
        says = (phrase("top_up", receipt=touch.external_id, cents=cents),)
        return _Words("top_up", says, {"topped_up_cents": cents})
    if touch.text.startswith(("paid for ", "late paid for ")):
        says = (phrase("paid_for", receipt=touch.external_id, note=touch.text, cents=cents),)
        return _Words("top_up", says, {"topped_up_cents": cents})
    if not touch.text.startswith("payout "):
        return _Words("other", (phrase("other_money", note=touch.text, cents=cents),), {})
    return _Words("payout_fee_returned", (phrase("fee_returned", cents=cents),), {"payout_fees_cents": -cents})


def _payout(touch: Touch, records: Records) -> _Words:
    cents = touch.change["kes_cents"]
    sent = records.payouts_kes.get(touch.external_id, 0) * 100
    if touch.source == "payout":
        fee = -cents - sent
        says = phrase("payout_with_fee", cents=sent, fee_cents=fee) if fee else phrase("payout", cents=sent)
        return _Words("payout", (says,), {"paid_out_cents": sent, "payout_fees_cents": fee})
    reason = touch.text.partition(": ")[2] or "no reason given"
    says = phrase("payout_failed", cents=cents, reason=reason)
    return _Words("payout_returned", (says,), {"paid_out_cents": -sent, "payout_fees_cents": sent - cents})


def _period(touch: Touch, records: Records, household_id: str) -> _Words:
    start = datetime.fromisoformat(touch.external_id)
    row = records.positions.get(start)
    if row is None:
        return _as_the_ledger_says("period", touch)
    contracts = records.contracts.get(start)
    delivered = contracts["delivered_wh"] if contracts is not None and contracts["side"] == "sell" else 0
    # What was delivered ahead was minted, too; the contracts' own line counts it.
    minted = max(row["export_wh"] - row["import_wh"], 0) - max(row["grid_wh"], 0) - delivered
    sold, bought, own = row["sold_wh"], row["bought_wh"], row["own_wh"]
    with_partners = records.trades.get(("partner", touch.external_id), ())
    trades = [*records.trades.get(("period", touch.external_id), ()), *with_partners]
    prices = priced(t["cents_per_kwh"] for t in trades if household_id in (t["seller"], t["buyer"]))
    partners_wh = sum(t["wh"] for t in with_partners)
    of_it = [phrase("partners", wh=partners_wh)] if partners_wh else []
    parts: list[Phrase] = []
    if sold:
        parts += [phrase("sold", wh=sold, cents=row["earned_cents"], **prices), *of_it]
    if bought:
        parts += [phrase("bought", wh=bought, cents=row["paid_cents"], **prices), *of_it]
    if own:
        parts.append(phrase("own", wh=own))
    if minted > sold:
        parts.append(phrase("kept", wh=minted - sold))
    if row["grid_wh"] > 0 and not row["grid_cents"]:
        parts.append(phrase("utility_took", wh=row["grid_wh"]))
    elif row["grid_wh"] > 0:
        parts.append(phrase("utility_bought", wh=row["grid_wh"], cents=row["grid_cents"]))
    if row["grid_wh"] < 0:
        parts.append(phrase("utility_delivered", wh=-row["grid_wh"], cents=-row["grid_cents"]))
    counts = {
        "minted_wh": minted,
        "sold_wh": sold,
        "bought_wh": bought,
        "used_wh": own + bought,
        "earned_cents": row["earned_cents"],
        "spent_cents": row["paid_cents"],
    }
    says = [phrase("period", start_at=int(start.timestamp())), *(parts or [phrase("nothing")])]
    return _Words("period", says, counts)


def _contracts(touch: Touch, records: Records) -> _Words:
    row = records.contracts.get(datetime.fromisoformat(touch.external_id))
    if row is None:
        return _as_the_ledger_says("ahead", touch)
    trades = records.trades.get(("ahead", touch.external_id), ())
    return _Words("ahead", *contracts_in_words(row, priced(t["cents_per_kwh"] for t in trades)))


def _true_up(touch: Touch, records: Records) -> _Words:
    row = records.true_ups.get(touch.external_id)
    if row is None:
        return _as_the_ledger_says("true_up", touch)
    minted, burned, grid = row["minted_wh"], row["burned_wh"], row["grid_wh"]
    says = [
        phrase("late", start_at=int(row["start"].timestamp())),
        *([phrase("kept", wh=minted)] if minted else []),
        *([phrase("own", wh=burned)] if burned else []),
        *([phrase("grid_delivered", wh=grid)] if grid > 0 else []),
        *([phrase("utility_took", wh=-grid)] if grid < 0 else []),
    ]
    return _Words("true_up", says, {"minted_wh": minted, "used_wh": burned})


def _held_trade(touch: Touch, records: Records, household_id: str) -> _Words:
    trades = records.trades.get((touch.source, touch.external_id), ())
    prices = priced(trade["cents_per_kwh"] for trade in trades)
    counts: dict[str, int] = {}
    says = []
    sold = sum(trade["wh"] for trade in trades if trade["seller"] == household_id)
    bought = sum(trade["wh"] for trade in trades if trade["buyer"] == household_id)
    if sold:
        earned = touch.change["kes_cents"]
        says.append(phrase(f"{touch.source}_sold", wh=sold, cents=earned, **prices))
        counts |= {"sold_wh": sold, "earned_cents": earned}
    if bought:
        spent = -touch.change["kes_cents"] - touch.change["kes_held_cents"]
        says.append(phrase(f"{touch.source}_bought", wh=bought, cents=spent, **prices))
        counts |= {"bought_wh": bought, "spent_cents": spent}
    return _Words(touch.source, says, counts) if says else _as_the_ledger_says(touch.source, touch)


def _reward(touch: Touch, records: Records) -> _Words:
    cents = touch.change["kes_cents"]
    says = [phrase("reward", day=touch.external_id, cents=cents)]
    reward = records.rewards.get(touch.external_id)
    if reward is not None:
        says.append(phrase("rewarded_energy", wh=reward.export_wh))
        if reward.paid_cents < reward.earned_cents:
            says.append(phrase("reward_part", cents=reward.earned_cents))
    return _Words("reward", says, {"rewarded_cents": cents})


def _held(key: str, touch: Touch, sign: int) -> Phrase:
    cents, wh = sign * touch.change["kes_held_cents"], sign * touch.change["ekwh_held_wh"]
    return phrase(key, note=touch.text, cents=cents, wh=wh)
