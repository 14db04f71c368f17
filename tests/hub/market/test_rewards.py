import math
import random
import re
from pathlib import Path

import pytest
from energy_swap_hub.market.rewards import MeasuredPeriod, Reward, rewards, share_in_proportion, stability_index
from hypothesis import given
from hypothesis import strategies as st

WH = st.integers(0, 100_000)
NAMES = st.sampled_from([f"h-{n:03}" for n in range(8)])
PERIODS = st.lists(
    st.builds(MeasuredPeriod, st.floats(0, 5_000), st.dictionaries(NAMES, WH, max_size=8), WH), max_size=8
)
FUND = st.integers(0, 1_000_000)


def test_a_reward_is_what_the_formula_gives_on_paper() -> None:
    noon = MeasuredPeriod(200, {"Amina": 3_000, "Baraka": 1_000}, demand_wh=1_000)  # 80 of 100
    evening = MeasuredPeriod(300, {"Baraka": 500}, demand_wh=4_500)  # 10 of 100
    assert (noon.stability_index, evening.stability_index) == (80, 10)
    amina, baraka = 3 * math.exp(-0.8) * 200, 1 * math.exp(-0.8) * 200 + 0.5 * math.exp(-0.1) * 300
    assert (round(amina), round(baraka)) == (270, 226)
    assert rewards([noon, evening], 10_000, "2026-11-20") == (
        Reward("Amina", 3_000, 270, 270),
        Reward("Baraka", 1_500, 226, 226),
    )
    # 100 cents for 496: Amina's share is 54.44, Baraka's 45.56, so that the last cent is Baraka's.
    assert [r.paid_cents for r in rewards([noon, evening], 100, "2026-11-20")] == [54, 46]
    assert [r.paid_cents for r in rewards([noon, evening], 0, "2026-11-20")] == [0, 0]


def test_the_index_is_high_in_plenty_and_low_in_need() -> None:
    assert stability_index(0, 1_000) == 0
    assert stability_index(1_000, 1_000) == 50
    assert stability_index(1_000, 0) == stability_index(0, 0) == 100
    with pytest.raises(ValueError, match="not negative"):
        stability_index(-1, 0)


@given(WH, WH, WH)
def test_more_supply_never_lowers_the_index_and_more_demand_never_raises_it(
    supply: int, demand: int, more: int
) -> None:
    index = stability_index(supply, demand)
    assert 0 <= index <= 100
    assert stability_index(supply + more, demand) >= index
    assert stability_index(supply, demand + more) <= index


@given(PERIODS, FUND)
def test_the_fund_pays_all_or_everything_it_has_and_nobody_more_than_was_earned(
    day: list[MeasuredPeriod], fund: int
) -> None:
    found = rewards(day, fund, "a day")
    earned, paid = sum(r.earned_cents for r in found), sum(r.paid_cents for r in found)
    assert paid == min(earned, fund)
    assert all(0 <= r.paid_cents <= r.earned_cents for r in found)
    assert sum(r.export_wh for r in found) == sum(sum(period.export_wh.values()) for period in day)
    for r in found:
        share = r.earned_cents * paid / earned if earned else 0
        assert abs(r.paid_cents - share) < 1 + 1e-6, "the same share for all, to the cent"


@given(PERIODS, FUND, st.randoms(use_true_random=False))
def test_the_order_of_periods_and_households_changes_nothing(
    day: list[MeasuredPeriod], fund: int, chance: random.Random
) -> None:
    mixed = []
    for period in day:
        households = list(period.export_wh.items())
        chance.shuffle(households)
        mixed.append(MeasuredPeriod(period.cents_per_kwh, dict(households), period.demand_wh))
    chance.shuffle(mixed)
    assert rewards(mixed, fund, "a day") == rewards(day, fund, "a day")


@given(PERIODS, FUND, FUND)
def test_a_fuller_fund_pays_no_less_in_all(day: list[MeasuredPeriod], fund: int, more: int) -> None:
    before, after = (sum(r.paid_cents for r in rewards(day, cents, "a day")) for cents in (fund, fund + more))
    assert after >= before


def test_equal_remainders_are_drawn_by_lot_anew_each_day() -> None:
    claims = {"Amina": 10, "Baraka": 10, "Chebet": 10}
    winners = set()
    for day in range(1, 31):
        shares = share_in_proportion(10, claims, f"2026-11-{day:02}")
        assert sorted(shares.values()) == [3, 3, 4]
        winners.add(max(shares, key=lambda name: shares[name]))
    assert winners == set(claims)


def test_negative_money_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        share_in_proportion(-1, {}, "a day")
    with pytest.raises(ValueError, match="negative"):
        share_in_proportion(1, {"Amina": -1}, "a day")
    with pytest.raises(ValueError, match="exported_kwh must not be negative"):
        rewards([MeasuredPeriod(100, {"Amina": -1_000, "Baraka": 1_000}, 0)], 1, "a day")


def test_the_example_of_the_document() -> None:
    document = (Path(__file__).parents[3] / "docs" / "markets.md").read_text(encoding="utf-8")
    found = re.search(r"^### Example: a day's rewards\n(.*?)(?=^##|\Z)", document, re.MULTILINE | re.DOTALL)
    assert found, "docs/markets.md has lost its example"
    terms = re.search(
        r"(\S+) per kWh, and (\d+) % of that from (\d+):00 to (\d+):00. The fund holds (\S+)\.", found[1]
    )
    assert terms
    rate, premium, peak_from, peak_until, fund = (int(term.replace(".", "")) for term in terms.groups())
    day = []
    for row in re.findall(r"^\| (\d+):00 \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", found[1], re.MULTILINE):
        hour, amina, baraka, taken, index = map(int, row)
        cents = rate * premium / 100 if peak_from <= hour < peak_until else rate
        day.append(MeasuredPeriod(cents, {"Amina": amina, "Baraka": baraka}, taken))
        assert day[-1].stability_index == index
    paid = [
        (r.household, f"{r.earned_cents / 100:.2f}", f"{r.paid_cents / 100:.2f}")
        for r in rewards(day, fund, "lot")
    ]
    assert paid == re.findall(r"^\| (\w+) \| (\d\.\d\d) \| (\d\.\d\d) \|$", found[1], re.MULTILINE)
    assert len(paid) == 2
