import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.market.guidance import PERIODS_NEEDED, Balance, Guidance, PastPeriod, Sentence, guide
from hypothesis import given
from hypothesis import strategies as st

DOCUMENT = (Path(__file__).parents[3] / "docs" / "markets.md").read_text(encoding="utf-8")
DAY = datetime(2026, 11, 20, tzinfo=UTC)
TARIFF = Tariff(DAY, 50, 150, retail_cents_per_kwh=2_500, feed_in_cents_per_kwh=300)
STEADY = [PastPeriod(1_300, 2_000, 2_000, 1_000)] * PERIODS_NEEDED

prices = st.one_of(st.none(), st.integers(0, 5_000))
amounts = st.integers(0, 50_000)


@st.composite
def past_periods(draw: st.DrawFn) -> PastPeriod:
    supply, demand, price = draw(amounts), draw(amounts), draw(prices)
    most = min(supply, demand)
    return PastPeriod(price, supply, demand, 0 if price is None else draw(st.integers(0, most)))


def limits(guidance: Guidance) -> tuple[int | None, int | None]:
    return guidance.suggested_sell, guidance.suggested_buy


def test_a_steady_week_with_as_much_offered_as_wanted_suggests_its_price() -> None:
    assert guide(STEADY, Balance(1_500, 1_500), TARIFF) == Guidance(Sentence.LIKE_WEEK, {}, 1_300, 1_300, 1_300, 0)
    assert limits(guide(STEADY, Balance(0, 0), TARIFF)) == (1_300, 1_300), "nobody there presses on the price"


def test_much_sun_makes_it_cheaper_and_a_dark_evening_dearer() -> None:
    noon = guide(STEADY, Balance(supply_wh=3_000, demand_wh=2_000), TARIFF)
    assert (noon.sentence, noon.numbers, noon.now_against_week_percent) == ("below_week", {"percent": 20}, -20)
    assert limits(noon) == (1_040, 1_040)
    evening = guide(STEADY, Balance(supply_wh=2_000, demand_wh=3_000), TARIFF)
    assert (evening.sentence, evening.numbers, evening.now_against_week_percent) == (
        "above_week",
        {"percent": 20},
        20,
    )
    assert limits(evening) == (1_560, 1_560)


def test_no_limit_is_suggested_that_the_grid_beats() -> None:
    nobody_sells = guide(STEADY, Balance(0, 5_000), TARIFF)
    assert limits(nobody_sells) == (2_300, 2_300), "the buyer pays 200 cents of fees on top: 2500 as from the grid"
    assert limits(guide(STEADY, Balance(5_000, 0), TARIFF)) == (300, 300)


def test_an_unsteady_week_keeps_the_limits_further_apart() -> None:
    unsteady = [PastPeriod(1_300 + sign * 200, 2_000, 2_000, 1_000) for sign in (-1, 1)] * (PERIODS_NEEDED // 2)
    sell, buy = limits(guide(unsteady, Balance(1_000, 1_000), TARIFF))
    # 25 % x sqrt((200 / 1300) / (1000 / 2000)) = 13.87 %
    assert (sell, buy) == (1_300 - 180, 1_300 + 180)


def test_a_period_counts_by_what_it_traded() -> None:
    week = [*STEADY, PastPeriod(2_000, 6_000, 6_000, 6_000), PastPeriod(None, 9_000, 9_000, 0)]
    assert guide(week, Balance(1, 1), TARIFF).week_average == (12 * 1_300 + 6 * 2_000) // 18


def test_too_little_data_suggests_nothing_and_says_how_much_there_is() -> None:
    week = [*STEADY[1:], *[PastPeriod(None, 500, 0, 0)] * 40]
    nothing = guide(week, Balance(1_000, 1_000), TARIFF)
    assert nothing == Guidance(Sentence.TOO_LITTLE_DATA, {"periods": 11, "needed": 12})
    assert guide([], None, TARIFF).numbers == {"periods": 0, "needed": 12}


def test_without_news_of_now_only_the_average_is_told() -> None:
    assert guide(STEADY, None, TARIFF) == Guidance(Sentence.NOTHING_RECENT, week_average=1_300)


def test_where_fees_eat_the_gap_to_the_grid_nothing_is_suggested() -> None:
    narrow = Tariff(DAY, 1_000, 1_300, retail_cents_per_kwh=2_500, feed_in_cents_per_kwh=300)
    assert guide(STEADY, Balance(1, 1), narrow) == Guidance(Sentence.NO_ROOM, week_average=1_300)


@given(st.lists(past_periods(), max_size=40), st.builds(Balance, amounts, amounts))
def test_suggestions_beat_the_grid_and_meet(week: list[PastPeriod], now: Balance) -> None:
    guidance = guide(week, now, TARIFF)
    if guidance.suggested_sell is None or guidance.suggested_buy is None:
        assert guidance.sentence is Sentence.TOO_LITTLE_DATA
        assert (guidance.suggested_sell, guidance.suggested_buy, guidance.week_average) == (None, None, None)
    else:
        assert 300 <= guidance.suggested_sell <= guidance.suggested_buy <= 2_300


@given(st.lists(past_periods(), min_size=12, max_size=40), st.builds(Balance, amounts, amounts), amounts)
def test_more_supply_never_raises_a_suggestion(week: list[PastPeriod], now: Balance, more: int) -> None:
    less = guide(week, now, TARIFF)
    sunnier = guide(week, Balance(now.supply_wh + more, now.demand_wh), TARIFF)
    if less.suggested_buy is None or sunnier.suggested_buy is None or not now.supply_wh + now.demand_wh:
        return
    assert less.suggested_sell is not None
    assert sunnier.suggested_sell is not None
    assert sunnier.suggested_sell <= less.suggested_sell
    assert sunnier.suggested_buy <= less.suggested_buy


@pytest.mark.parametrize("wrong", [Balance(-5, 1), Balance(1, -5)])
def test_negative_energy_is_refused(wrong: Balance) -> None:
    with pytest.raises(ValueError, match="must"):
        guide(STEADY, wrong, TARIFF)


def cents(kes: str) -> int:
    return int(kes.replace(".", ""))


def test_the_example_of_the_document() -> None:
    found = re.search(r"^### Example: a sunny noon\n(.*?)(?=^##|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found, "docs/markets.md has lost its example"
    text = " ".join(found[1].split())
    week = []
    for row in re.findall(r"^\| (\d+) \| (\S+) \| (\d+) \| (\d+) \| (\d+) \|$", found[1], re.MULTILINE):
        week += [PastPeriod(cents(row[1]), int(row[2]), int(row[3]), int(row[4]))] * int(row[0])
    terms = re.search(r"retail tariff is (\S+), the feed-in tariff (\S+) and the fees are (\S+) per kWh", text)
    now = re.search(r"Now ([\d,]+) Wh are offered and ([\d,]+) Wh wanted", text)
    assert terms
    assert now
    tariff = Tariff(DAY, 0, cents(terms[3]), cents(terms[1]), cents(terms[2]))
    guidance = guide(week, Balance(*(int(wh.replace(",", "")) for wh in now.groups())), tariff)

    average = re.search(r"average is (\d+\.\d\d)\.", text)
    result = re.search(r"\*\*Sell at least (\S+), buy at most (\S+); (\d+) % below the week's average\*\*", text)
    assert average
    assert result
    assert guidance == Guidance(
        Sentence.BELOW_WEEK,
        {"percent": int(result[3])},
        cents(result[1]),
        cents(result[2]),
        cents(average[1]),
        -int(result[3]),
    )
