"""A household's statement closes on its wallet, whatever happened, and says in words what did."""

import asyncio
import tempfile
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

from energy_swap_hub import ledger
from energy_swap_hub.ledger import Correction, Posting
from energy_swap_hub.settlement.statements import TOTALS, Statement, statement
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hub.village import OPENED, VILLAGE, Home, Village, copy_of, open_village

from .test_any_sequence import Life, step

FIELDS = ("kes_cents", "kes_held_cents", "ekwh_wh", "ekwh_held_wh")
FAR = timedelta(days=30)


async def of(
    village: Village, home: Home, since: datetime = OPENED - FAR, until: datetime = OPENED + FAR
) -> Statement:
    return await village.read(lambda c: statement(c, VILLAGE, home.id, home.name, since, until))


def words(found: Statement) -> list[str]:
    return [line.text for line in found.lines]


def assert_closes(found: Statement) -> None:
    """Opening and lines make closing, line by line, and the totals explain all of it."""
    running = dict(found.opening)
    for line in found.lines:
        running = {name: running[name] + line.change[name] for name in FIELDS}
        assert line.after == running
        # Late energy that was all the utility's touched nothing, and the household is told of it.
        assert any(line.change.values()) or line.kind == "true_up", "an entry that touched nothing is no line"
        assert found.since <= line.booked_at < found.until
    assert running == found.closing
    t = found.totals
    cents = sum(found.closing[n] - found.opening[n] for n in ("kes_cents", "kes_held_cents"))
    wh = sum(found.closing[n] - found.opening[n] for n in ("ekwh_wh", "ekwh_held_wh"))
    came = sum(t[f"{name}_cents"] for name in ("topped_up", "earned", "rewarded", "corrected", "other"))
    assert cents == came - t["paid_out_cents"] - t["payout_fees_cents"] - t["spent_cents"]
    assert wh == t["minted_wh"] + t["bought_wh"] + t["other_wh"] - t["sold_wh"] - t["used_wh"]


async def live_and_read(folder: Path, steps: list[tuple[Any, ...]], cuts: tuple[int, int]) -> None:
    async with open_village(folder) as village:
        for home in village.homes:
            await village.fund(home, 10_000)
        await village.end_period({"h-001": 3_000, "h-002": 2_000})
        await village.standing(village.amina, sell=1_000)
        await village.standing(village.chebet, buy=1_500)
        life = Life(village)
        for one in steps:
            await life.do(one)
        first, second = sorted(OPENED + timedelta(minutes=cut) for cut in cuts)
        for home in village.homes:
            whole = await of(village, home)
            parts = [
                await of(village, home, OPENED - FAR, first),
                await of(village, home, first, second),
                await of(village, home, second, OPENED + FAR),
            ]
            for found in (whole, *parts):
                assert_closes(found)
            assert whole.closing == await village.wallet(home)
            assert set(whole.opening.values()) == {0}
            assert (whole.totals["other_cents"], whole.totals["other_wh"]) == (0, 0)
            assert sorted(line.entry_id for part in parts for line in part.lines) == [
                line.entry_id for line in whole.lines
            ]
            for before, after in pairwise(parts):
                assert before.closing == after.opening
            assert {name: sum(part.totals[name] for part in parts) for name in TOTALS} == whole.totals


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, min_size=3, max_size=12), cuts=st.tuples(st.integers(0, 400), st.integers(0, 400)))
def test_opening_and_lines_make_closing_over_any_range(
    founded: Path, steps: list[tuple[Any, ...]], cuts: tuple[int, int]
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(live_and_read(copy_of(founded, Path(scratch) / "village"), steps, cuts))


async def test_a_day_reads_in_plain_words(village: Village) -> None:
    amina, chebet = village.amina, village.chebet
    await village.fund(chebet, 20_000)
    await village.standing(amina, sell=1_000)
    await village.standing(chebet, buy=1_000)
    await village.end_period({amina.id: 3_000, chebet.id: -800})
    await village.sell(amina, 500, 900)
    await village.buy(chebet, 500, 950)
    await village.chain_works()
    await village.end_period({chebet.id: -200})
    seller, buyer = await of(village, amina), await of(village, chebet)
    assert words(seller) == [
        "Period of 2026-11-20 12:00: sold 0.800 kWh at KES 10.00 per kWh for KES 8.00, kept 2.200 kWh as tokens",
        "Held for a sale on the spot market: 0.500 kWh",
        "Sold 0.500 kWh on the spot market at KES 9.00 per kWh for KES 4.50",
    ]
    assert words(buyer)[1:] == [
        "Period of 2026-11-20 12:00: bought 0.800 kWh at KES 10.00 per kWh, KES 9.60 with fees",
        "Bought 0.500 kWh on the spot market at KES 9.00 per kWh, KES 5.50 with fees",
        "Period of 2026-11-20 12:30: used 0.200 kWh of own tokens",
    ]
    assert words(buyer)[0].startswith("Top-up by M-Pesa, receipt ")
    assert buyer.totals == dict.fromkeys(TOTALS, 0) | {
        "topped_up_cents": 20_000,
        "spent_cents": 960 + 550,
        "bought_wh": 1_300,
        "used_wh": 1_000,
    }
    assert (seller.totals["earned_cents"], seller.totals["minted_wh"], seller.totals["sold_wh"]) == (
        1_250,
        3_000,
        1_300,
    )
    for found in (seller, buyer):
        assert_closes(found)


async def test_payouts_show_what_was_sent_the_fee_and_what_came_back(village: Village) -> None:
    brian = village.brian
    await village.fund(brian, 100_000)
    sent = (await village.pay_out(brian, 500))["payout"]
    lost = (await village.pay_out(brian, 50))["payout"]
    await village.database.write(
        lambda c: village.payments.pay_out_failed(
            c, community_id=VILLAGE, household_id=brian.id, payout_id=lost, reason="the number is not registered"
        )
    )
    await village.database.write(
        lambda c: village.payments.paid_out(
            c, community_id=VILLAGE, household_id=brian.id, payout_id=sent, cents=50_000, fee_cents=300,
            receipt="QK9", at=village.now,
        )
    )  # fmt: skip
    found = await of(village, brian)
    fee = -found.lines[1].change["kes_cents"] - 50_000
    assert fee > 300
    assert words(found)[1:] == [
        f"Payout by M-Pesa: KES 500.00 and its fee of KES {fee // 100}.{fee % 100:02d}",
        "Payout by M-Pesa: KES 50.00",
        "A payout failed, KES 50.00 are back (the number is not registered)",
        f"M-Pesa's fee was lower than expected: KES {(fee - 300) // 100}.{(fee - 300) % 100:02d} back",
    ]
    assert (found.totals["paid_out_cents"], found.totals["payout_fees_cents"]) == (50_000, 300)
    assert_closes(found)


async def test_money_that_is_told_late_is_on_the_statement_of_the_day_it_was_booked(village: Village) -> None:
    david = village.david
    midnight = OPENED.replace(hour=21)
    paid, village.now = midnight - timedelta(minutes=1), midnight + timedelta(minutes=40)
    await village.advance()
    await village.database.write(
        lambda c: village.payments.received(
            c, community_id=VILLAGE, household_id=david.id, cents=5_000, receipt="QK1", at=paid
        )
    )
    assert (await of(village, david, OPENED - FAR, midnight)).lines == []
    [line] = (await of(village, david, midnight, OPENED + FAR)).lines
    assert (line.at, line.booked_at) == (paid, village.now)


async def test_settlement_closes_each_day_when_it_is_over(village: Village) -> None:
    await village.fund(village.amina, 5_000)
    village.now = OPENED.replace(hour=20, minute=59)
    await village.advance()
    assert await village.read(lambda c: ledger.closed_days(c, VILLAGE)) == []
    village.now = OPENED.replace(hour=21)
    await village.advance()
    [day] = await village.read(lambda c: ledger.closed_days(c, VILLAGE))
    assert (day.day, day.ends_at) == ("2026-11-20", village.now)
    assert day.entries
    village.now += timedelta(days=2)
    await village.advance()
    days = await village.read(lambda c: ledger.closed_days(c, VILLAGE))
    assert [day.day for day in days] == ["2026-11-20", "2026-11-21", "2026-11-22"]
    assert await village.read(lambda c: ledger.first_lie(c, VILLAGE)) is None


async def test_a_correction_says_why_and_by_whom(village: Village) -> None:
    postings = (Posting(ledger.FEES, -250), Posting(ledger.kes(village.amina.id), 250))
    correction = Correction(str(uuid4()), postings, "a fee taken twice", "wanjiru")
    await village.database.write(lambda c: ledger.correct(c, VILLAGE, correction, now=village.now))
    found = await of(village, village.amina)
    assert words(found) == ["Correction: a fee taken twice (booked by wanjiru)"]
    assert found.totals["corrected_cents"] == 250
    assert_closes(found)
