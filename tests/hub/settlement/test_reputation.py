import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from energy_swap_hub.mpesa.codes import PAYERS_REASONS, push_meaning
from energy_swap_hub.mpesa.tables import TOP_UP, payment_intent
from energy_swap_hub.settlement.ahead_tables import contract
from energy_swap_hub.settlement.reputation import MOST_OF_A_KIND, Facts, facts_of, reputation
from energy_swap_hub.settlement.spot_tables import spot_order
from energy_swap_hub.settlement.tables import auction
from energy_swap_hub.storage import Database
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, insert, select

from tests.hub.village import OPENED, VILLAGE

DOCUMENT = (Path(__file__).parents[3] / "docs" / "markets.md").read_text(encoding="utf-8")
CANCELLED_ON_THE_PHONE = push_meaning("1032")[1]
MPESA_IS_BUSY = push_meaning("26")[1]


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    contracts = draw(st.integers(0, 60))
    promised = draw(st.integers(1, 100_000)) if contracts else 0
    top_ups, ended = draw(st.integers(0, 60)), draw(st.integers(0, 60))
    return Facts(
        contracts,
        promised,
        draw(st.integers(0, promised)),
        top_ups,
        draw(st.integers(0, top_ups)),
        ended,
        draw(st.integers(0, ended)),
    )


def score(**known: int) -> int:
    return reputation(Facts(**known)).basis_points


def test_a_newcomer_starts_in_the_upper_part() -> None:
    newcomer = reputation(Facts())
    assert newcomer.basis_points == 8_000
    assert newcomer.reason == "Nothing is known yet, and everybody starts at 80 %."


def test_one_fact_moves_little_and_many_move_much() -> None:
    assert score(top_ups=1, paid=0) == 6_667  # 8 of 12
    assert score(top_ups=20, paid=0) == 1_600  # 8 of 50
    assert score(top_ups=1, paid=1) == 8_333  # 10 of 12
    assert score(top_ups=20, paid=20) == 9_600  # 48 of 50


def test_a_contract_weighs_more_than_a_top_up_and_that_more_than_an_order() -> None:
    broken = (
        score(contracts=5, promised_wh=5_000),
        score(top_ups=5, paid=0),
        score(ended=5, cancelled=5),
    )
    assert broken == (3_200, 4_000, 5_333)


def test_a_contract_delivered_in_part_counts_in_part() -> None:
    assert score(contracts=10, promised_wh=10_000, delivered_wh=9_000) == 8_750  # 8 + 27 of 40


def test_a_thousand_small_orders_do_not_hide_unpaid_top_ups() -> None:
    assert score(top_ups=20, paid=0, ended=1_000) == score(top_ups=20, paid=0, ended=MOST_OF_A_KIND) == 4_000


def test_the_reason_names_what_is_known_and_only_that() -> None:
    assert reputation(Facts(top_ups=10, paid=9)).reason == "In the last 90 days: paid 9 of 10 requests by M-Pesa."
    assert reputation(Facts(4, 8_000, 7_600, 10, 9, 20, 2)).reason == (
        "In the last 90 days: kept 95 % of the 8000 Wh promised ahead, paid 9 of 10 requests by M-Pesa, "
        "cancelled 2 of 20 orders and auctions."
    )


@pytest.mark.parametrize(
    "impossible",
    [
        {"top_ups": 1, "paid": 2},
        {"ended": 1, "cancelled": 2},
        {"contracts": 1, "promised_wh": 1, "delivered_wh": 2},
        {"contracts": 1},
        {"promised_wh": 1},
        {"contracts": -1},
        {"top_ups": 1, "paid": -1},
    ],
)
def test_facts_that_cannot_be_are_refused(impossible: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"cannot be more|contracts promise"):
        Facts(**impossible)


@given(facts())
def test_a_score_stays_between_nothing_and_all_and_one_more_kept_word_never_lowers_it(known: Facts) -> None:
    before = reputation(known).basis_points
    assert 0 <= before <= 10_000
    if known.paid < known.top_ups:
        better = Facts(
            known.contracts,
            known.promised_wh,
            known.delivered_wh,
            known.top_ups,
            known.paid + 1,
            known.ended,
            known.cancelled,
        )
        assert reputation(better).basis_points >= before
    if known.cancelled:
        better = Facts(
            known.contracts,
            known.promised_wh,
            known.delivered_wh,
            known.top_ups,
            known.paid,
            known.ended,
            known.cancelled - 1,
        )
        assert reputation(better).basis_points >= before


def test_the_example_of_the_document() -> None:
    found = re.search(
        r"^### Example: Dalia's last three months\n(.*?)(?=^##|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL
    )
    assert found, "docs/markets.md has lost its example"
    text = " ".join(found[1].split())
    told = re.search(r"paid (\d+) of (\d+) top-ups, and cancelled (\d+) of (\d+) orders", text)
    result = re.search(r"\*\*(\d+)\.(\d\d) %\*\*", text)
    assert told
    assert result
    paid, top_ups, cancelled, ended = map(int, told.groups())
    assert score(top_ups=top_ups, paid=paid, ended=ended, cancelled=cancelled) == int(result[1] + result[2])


# What the tables tell


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    opened = Database.open(None)
    yield opened
    await opened.close()


def top_up(c: Connection, state: str, reason: str | None = None, at: datetime = OPENED, **changes: Any) -> None:
    row = {
        "community_id": VILLAGE,
        "household_id": "h-001",
        "kes": 100,
        "created_at": at,
        "purpose": TOP_UP,
        "phone_key": "a phone",
    } | changes
    number = uuid4().hex
    c.execute(
        insert(payment_intent).values(
            intent_id=number, account_reference=number, state=state, reason=reason, **row
        )
    )


def order(c: Connection, status: str, at: datetime = OPENED, **changes: Any) -> None:
    row = {"community_id": VILLAGE, "household_id": "h-001", "placed_at": at} | changes
    c.execute(
        insert(spot_order).values(
            id=uuid4().hex, number=1, side="buy", wh=100, remaining_wh=50, limit=900, status=status, **row
        )
    )


def sale(c: Connection, status: str, at: datetime = OPENED, **changes: Any) -> None:
    row = {"community_id": VILLAGE, "seller": "h-001", "ends_at": at} | changes
    c.execute(insert(auction).values(id=uuid4().hex, wh=100, start_price=900, status=status, **row))


def promise(c: Connection, **changes: Any) -> None:
    """Store a contract between Amina and Chebet, settled where it says what was delivered."""
    number = c.execute(select(func.count()).select_from(contract)).scalar_one() + 1
    row: dict[str, Any] = {
        "community_id": VILLAGE,
        "start": OPENED,
        "number": number,
        "seller": "h-001",
        "buyer": "h-003",
        "cents_per_kwh": 1_000,
        "concluded_at": OPENED - timedelta(days=92),
    }
    if "delivered_wh" in changes:
        row["settled_at"] = OPENED
    row |= dict.fromkeys(("delivered_wh", "backfill_wh", "spare_wh"), 0)
    c.execute(insert(contract).values(row | changes))


async def known(database: Database) -> dict[str, Facts]:
    return await database.read(lambda c: facts_of(c, VILLAGE, OPENED + timedelta(minutes=1)))


async def test_only_top_ups_that_the_payer_decided_are_facts(database: Database) -> None:
    def past(c: Connection) -> None:
        top_up(c, "paid")
        top_up(c, "failed", CANCELLED_ON_THE_PHONE)
        top_up(c, "failed", MPESA_IS_BUSY)
        top_up(c, "failed", "The community's M-Pesa account is not set up for this.")
        top_up(c, "prompted")
        top_up(c, "review", "M-Pesa did not say.", household_id="h-002")

    await database.write(past)
    assert await known(database) == {"h-001": Facts(top_ups=2, paid=1)}
    assert CANCELLED_ON_THE_PHONE in PAYERS_REASONS
    assert MPESA_IS_BUSY not in PAYERS_REASONS


async def test_orders_and_auctions_count_once_they_have_ended(database: Database) -> None:
    def past(c: Connection) -> None:
        for status in ("filled", "expired", "cancelled", "open", "pending_lock", "refused"):
            order(c, status)
        for status in ("sold", "unsold", "cancelled", "open", "pending_lock", "refused"):
            sale(c, status)
        sale(c, "sold", seller="h-002")

    await database.write(past)
    assert await known(database) == {"h-001": Facts(ended=6, cancelled=2), "h-002": Facts(ended=1)}


async def test_of_a_contract_each_side_keeps_what_its_own_meter_showed(database: Database) -> None:
    def past(c: Connection) -> None:
        promise(c, wh=1_000, delivered_wh=700, backfill_wh=300, spare_wh=0)  # the seller had too little
        promise(c, wh=1_000, delivered_wh=400, backfill_wh=0, spare_wh=600)  # the buyer took too little
        promise(c, wh=5_000)  # not over yet
        promise(c, wh=1_000, delivered_wh=0, backfill_wh=0, spare_wh=0, settled_at=OPENED - timedelta(days=91))

    await database.write(past)
    assert await known(database) == {
        "h-001": Facts(contracts=2, promised_wh=2_000, delivered_wh=1_700),
        "h-003": Facts(contracts=2, promised_wh=2_000, delivered_wh=1_400),
    }
    asked = await database.read(lambda c: facts_of(c, VILLAGE, OPENED + timedelta(minutes=1), ["h-003"]))
    assert set(asked) == {"h-003"}


async def test_what_is_long_ago_or_elsewhere_does_not_count(database: Database) -> None:
    long_ago = OPENED - timedelta(days=91)

    def past(c: Connection) -> None:
        top_up(c, "paid", at=long_ago)
        order(c, "cancelled", at=long_ago)
        sale(c, "sold", at=long_ago)
        top_up(c, "paid", community_id="mlimani")
        order(c, "cancelled", community_id="mlimani")
        sale(c, "sold", community_id="mlimani")

    await database.write(past)
    assert await known(database) == {}
