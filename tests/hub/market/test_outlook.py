"""The outlook: what a kWh is worth now, the price to expect by hour, and what neighbours had for each other."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.market.guidance import Balance, PastPeriod
from energy_swap_hub.market.outlook import Outlook, look_ahead

DAY = datetime(2026, 11, 20, tzinfo=UTC)
DOCUMENT = (Path(__file__).parents[3] / "docs" / "markets.md").read_text(encoding="utf-8")
TARIFF = Tariff(DAY, 0, 150, 2_100, 800)


def cents(kes: str) -> int:
    return int(kes.replace(".", ""))


def week(*periods: tuple[int, int, int, int, int], days: int = 6) -> list[tuple[datetime, PastPeriod]]:
    """Return periods at these hours of each day, each with price, offered, wanted and traded Wh."""
    return [
        (DAY + timedelta(days=day, hours=hour), PastPeriod(*said))
        for day in range(days)
        for hour, *said in periods
    ]


def test_the_example_on_paper() -> None:
    found = re.search(
        r"^### Example: a week of noons and evenings\n(.*?)(?=^##|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL
    )
    assert found, "docs/markets.md has lost its example"
    text = " ".join(found[1].split())
    rows = re.findall(r"^\| (\d+):00 \| (\S+) \| (\d+) \| (\d+) \| (\d+) \|$", found[1], re.MULTILINE)
    past = week(*((int(h), cents(price), int(o), int(w), int(t)) for h, price, o, w, t in rows))
    terms = re.search(r"retail tariff is (\S+), the feed-in tariff (\S+) and the fees are (\S+) per kWh", text)
    pairs = re.search(r"(\d+) of (\d+) pairs", text)
    now = re.search(r"Now ([\d,]+) Wh are offered and ([\d,]+) Wh wanted", text)
    result = re.search(
        r"\*\*A kWh is worth (\S+) now; dearest at (\d+):00, (\S+), cheapest at (\d+):00, (\S+); (\d+) % of what",
        text,
    )
    assert terms
    assert pairs
    assert now
    assert result
    outlook = look_ahead(
        past,
        Balance(*(int(wh.replace(",", "")) for wh in now.groups())),
        int(pairs[1]) / int(pairs[2]),
        Tariff(DAY, 0, cents(terms[3]), cents(terms[1]), cents(terms[2])),
    )
    assert outlook.worth_now == cents(result[1])
    assert (outlook.dearest_hour, outlook.cheapest_hour) == (int(result[2]), int(result[4]))
    assert (outlook.by_hour[int(result[2])], outlook.by_hour[int(result[4])]) == (
        cents(result[3]),
        cents(result[5]),
    )
    assert outlook.given_percent == int(result[6])
    assert len(outlook.by_hour) == 24


def test_nothing_is_said_of_a_new_community() -> None:
    assert look_ahead([], None, 0.0, TARIFF) == Outlook()
    assert Outlook().dearest_hour is None
    few = look_ahead(week((12, 1_000, 500, 1_000, 500), days=11), None, 0.0, TARIFF)
    assert few == Outlook(given_percent=50)


def test_what_is_not_known_now_has_no_worth_but_the_hours_have_prices() -> None:
    outlook = look_ahead(week((12, 1_000, 500, 1_000, 500), days=12), None, 0.0, TARIFF)
    assert outlook.worth_now is None
    assert set(outlook.by_hour) == {1_000}, "one price all week does not sway"


@pytest.mark.parametrize("price", [100, 5_000])
def test_prices_stay_between_what_the_grid_gives_and_what_it_asks(price: int) -> None:
    past = week((3, price, 500, 1_000, 500), (15, 2 * price, 500, 1_000, 500))
    outlook = look_ahead(past, Balance(0, 1_000), 1.0, TARIFF)
    assert outlook.worth_now is not None
    assert all(800 <= cents_per_kwh <= 1_950 for cents_per_kwh in (*outlook.by_hour, outlook.worth_now))


def test_without_a_price_better_than_the_grid_there_are_no_prices() -> None:
    dear = Tariff(DAY, 1_000, 1_000, 2_100, 800)
    assert look_ahead(week((12, 1_000, 500, 1_000, 500), days=12), None, 0.0, dear) == Outlook(given_percent=50)


def test_more_neighbours_to_choose_from_make_prices_lower() -> None:
    past = week((7, 900, 500, 1_000, 500), (19, 1_500, 500, 1_000, 500))
    few, many = (look_ahead(past, None, density, TARIFF).by_hour for density in (0.0, 1.0))
    assert few[19] > many[19] > few[7] > many[7]
