import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from energy_swap_hub.market.balancing import DAYS_NEEDED, Balancing, Carbon, Window, suggest
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.market.guidance import PastPeriod
from hypothesis import given
from hypothesis import strategies as st

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
TARIFF = Tariff(MONDAY, 50, 150, retail_cents_per_kwh=2_500, feed_in_cents_per_kwh=300)
NOON = PastPeriod(1_000, 1_000, 400, 400)
EVENING = PastPeriod(1_800, 200, 1_000, 200)
QUIET = PastPeriod(None, 0, 0, 0)

type Past = list[tuple[datetime, PastPeriod]]


def days(number: int, at: dict[int, PastPeriod], *, periods_an_hour: int = 2) -> Past:
    """Return so many days of half hours that are ``at`` their hour what is given, and quiet otherwise."""
    return [
        (MONDAY + timedelta(days=day, hours=hour, minutes=60 // periods_an_hour * part), at.get(hour, QUIET))
        for day in range(number)
        for hour in range(24)
        for part in range(periods_an_hour)
    ]


def sunny(number: int = 4) -> Past:
    return days(number, dict.fromkeys(range(10, 14), NOON) | dict.fromkeys(range(18, 21), EVENING))


def test_it_says_when_there_is_energy_left_and_when_some_is_lacking() -> None:
    found = suggest(sunny(), TARIFF)
    assert found.days == 4
    assert found.surplus == Window(10, 14, 4 * 2 * 600)
    assert found.shortage == Window(18, 21, 3 * 2 * 800)
    assert found.worth_cents_per_kwh == 1_800
    # 6,000 Wh are needed; neighbours have 1,200; the battery gives back 90 % of 4,800; the grid the rest.
    assert found.mix == {"neighbours": 1_200, "battery": 4_320, "grid": 480}
    assert found.battery_wh == 4_320


def test_with_too_few_days_it_says_nothing() -> None:
    assert suggest(sunny(DAYS_NEEDED - 1), TARIFF) == Balancing(DAYS_NEEDED - 1)
    assert suggest([], TARIFF) == Balancing(0)


def test_an_hour_that_was_seldom_measured_is_not_known() -> None:
    past = [(start, period) for start, period in sunny() if start.hour != 12 or start.day < 18]
    found = suggest(past, TARIFF)
    assert found.surplus == Window(10, 12, 2 * 2 * 600)


def test_where_little_is_left_or_lacking_it_says_nothing() -> None:
    even = PastPeriod(1_000, 500, 500, 500)
    assert suggest(days(3, dict.fromkeys(range(24), even)), TARIFF) == Balancing(3)
    tiny = PastPeriod(None, 40, 0, 0)
    assert suggest(days(3, {12: tiny}), TARIFF) == Balancing(3)


def test_a_window_may_lie_beyond_midnight() -> None:
    found = suggest(days(3, dict.fromkeys((22, 23, 0, 1), EVENING)), TARIFF)
    assert found.shortage == Window(22, 2, 4 * 2 * 800)
    assert found.shortage.hours == [22, 23, 0, 1]
    assert found.mix == {"neighbours": 4 * 2 * 200, "grid": 4 * 2 * 800}, "nothing is left over to store"
    whole = suggest(days(3, dict.fromkeys(range(24), EVENING)), TARIFF).shortage
    assert whole is not None
    assert sorted(whole.hours) == list(range(24))


def test_a_battery_that_costs_more_than_the_grid_is_not_suggested() -> None:
    dear = replace(NOON, cents_per_kwh=2_200)
    past = days(3, dict.fromkeys(range(10, 14), dear) | dict.fromkeys(range(18, 21), EVENING))
    assert suggest(past, TARIFF).mix == {"neighbours": 1_200, "grid": 4_800}
    # 2,200 / 0.9 + 200 are 2,645 cents; with 2 cents for each of 100 grams the grid costs 2,700.
    clean = suggest(past, TARIFF, Carbon(cents_per_kg=2_000, grid_grams_per_kwh=100))
    assert clean.mix == {"neighbours": 1_200, "battery": 4_320, "grid": 480}


def test_without_a_trade_then_the_grid_sets_what_it_is_worth() -> None:
    unmet = PastPeriod(None, 0, 1_000, 0)
    assert suggest(days(3, {19: unmet}), TARIFF).worth_cents_per_kwh == 2_300
    assert suggest(days(3, {19: replace(EVENING, cents_per_kwh=9_000)}), TARIFF).worth_cents_per_kwh == 2_300


@given(
    st.lists(
        st.tuples(
            st.integers(0, 24 * 7 - 1).map(lambda hours: MONDAY + timedelta(hours=hours)),
            st.builds(
                PastPeriod,
                st.one_of(st.none(), st.integers(0, 5_000)),
                st.integers(0, 50_000),
                st.integers(0, 50_000),
                st.integers(0, 50_000),
            ),
        ),
        max_size=120,
    )
)
def test_whatever_was_measured_the_advice_holds_together(past: Past) -> None:
    found = suggest(past, TARIFF)
    assert suggest(past[::-1], TARIFF) == found
    if found.shortage is None:
        assert (found.mix, found.worth_cents_per_kwh) == ({}, None)
        return
    assert found.worth_cents_per_kwh is not None
    assert 0 <= found.worth_cents_per_kwh <= 2_300
    assert found.days >= DAYS_NEEDED
    assert sum(found.mix.values()) >= found.shortage.wh >= 100
    if found.surplus is not None:
        assert not set(found.surplus.hours) & set(found.shortage.hours)


def test_the_example_of_the_document() -> None:
    document = (Path(__file__).parents[3] / "docs" / "markets.md").read_text(encoding="utf-8")
    found = re.search(r"^### Example: a week of sunny days\n(.*?)(?=^##|\Z)", document, re.MULTILINE | re.DOTALL)
    assert found, "docs/markets.md has lost its example"
    text = " ".join(found[1].split())
    at: dict[int, PastPeriod] = {}
    for row in re.findall(
        r"^\| (\d+):00 \| (\d+):00 \| (\S+) \| (\d+) \| (\d+) \| (\d+) \|$", found[1], re.MULTILINE
    ):
        offered, wanted, traded = map(int, row[3:])
        at |= dict.fromkeys(range(int(row[0]), int(row[1])), PastPeriod(cents(row[2]), offered, wanted, traded))
    terms = re.search(r"retail tariff is (\S+), the feed-in tariff (\S+) and the fees are (\S+) per kWh", text)
    left = re.search(r"Left from (\d+):00 to (\d+):00: (\d+) Wh", text)
    lacking = re.search(r"lacking from (\d+):00 to (\d+):00: (\d+) Wh, worth (\S+) per kWh", text)
    assert terms
    assert left
    assert lacking
    tariff = Tariff(MONDAY, 0, cents(terms[3]), cents(terms[1]), cents(terms[2]))
    *shortage, worth = lacking.groups()
    assert suggest(days(3, at), tariff) == Balancing(
        3,
        Window(*map(int, left.groups())),
        Window(*map(int, shortage)),
        {source: int(wh) for source, wh in re.findall(r"^\| ([a-z]+) \| (\d+) \|$", found[1], re.MULTILINE)},
        cents(worth),
    )


def cents(kes: str) -> int:
    return int(kes.replace(".", ""))
