"""A household's totals are kept as running sums: `Village.check` compares them with all that was ever booked."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from energy_swap_hub.settlement.totals import Change, add, due_cents, household_total, totals
from energy_swap_hub.storage import Database
from energy_swap_hub.storage.migrations.versions.v0007_reward_the_grid import TOTALS_SO_FAR
from sqlalchemy import Connection, delete, text

from tests.hub.conftest import ENGINES
from tests.hub.village import FEES, VILLAGE, Village, homes, summed

STORED = Path(__file__).parents[1] / "stored" / "first_tables.sql"


async def trade_everywhere(village: Village) -> None:
    """Let Amina sell to Chebet in every market that there is."""
    amina, chebet = village.amina, village.chebet
    await village.fund(chebet, 50_000)
    await village.standing(amina, sell=1_000)
    await village.standing(chebet, buy=1_000)
    await village.end_period({amina.id: 4_000, chebet.id: -800})
    # It rests first and so holds its money, as all purchases did when there were no sums.
    await village.buy(chebet, 500, 900)
    await village.sell(amina, 500, 900)
    await village.chain_works()
    auction = await village.start_auction(amina, 700, 1_100, minutes=10)
    await village.bid(chebet, auction, 1_100)
    await village.end_period({chebet.id: -200})


async def test_totals_have_every_market(village: Village) -> None:
    await trade_everywhere(village)
    sold, bought = [
        await village.read(lambda c, h=home: totals(c, VILLAGE, h.id))  # type: ignore[misc]
        for home in (village.amina, village.chebet)
    ]
    earned = 800 + 450 + 770
    assert sold == {
        "exported_wh": 4_000,
        "imported_wh": 0,
        "generated_wh": 4_000,
        "sold_wh": 2_000,
        "bought_wh": 0,
        "earned_cents": earned,
        "spent_cents": 0,
    }
    assert bought == {
        "exported_wh": 0,
        "imported_wh": 1_000,
        "generated_wh": 0,
        "sold_wh": 0,
        "bought_wh": 2_000,
        "earned_cents": 0,
        "spent_cents": earned + 2 * FEES,
    }
    assert await village.read(lambda c: due_cents(c, VILLAGE, "h-001")) == earned
    assert await village.read(lambda c: due_cents(c, VILLAGE, "h-003")) == -earned - 2 * FEES


@pytest.mark.parametrize("founded", ENGINES, indirect=True)
async def test_the_migration_sums_up_what_was_booked_before_there_were_sums(village: Village) -> None:
    await trade_everywhere(village)

    def forget_and_sum_up(connection: Connection) -> None:
        connection.execute(delete(household_total))
        connection.execute(text(TOTALS_SO_FAR))

    def all_totals(connection: Connection) -> list[dict[str, int]]:
        return [totals(connection, VILLAGE, home.id) for home in village.homes]

    before = await village.read(all_totals)
    await village.database.write(forget_and_sum_up)
    assert await village.read(all_totals) == before
    assert any(before[0].values())


async def test_what_an_earlier_program_stored_is_summed_up(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "hub.sqlite")) as file:
        file.executescript(STORED.read_text())
    database = Database.open(tmp_path / "hub.sqlite")
    for home in homes():
        kept, told = await database.read(lambda c, h=home: (totals(c, VILLAGE, h.id), summed(c, h)))  # type: ignore[misc]
        assert kept == told
    assert (await database.read(lambda c: totals(c, VILLAGE, "h-003")))["spent_cents"] == 2_400
    await database.close()


async def test_sums_begin_at_nothing_and_each_community_has_its_own(where: Path | str) -> None:
    database = Database.open(where)
    await database.write(lambda c: add(c, VILLAGE, []))
    await database.write(lambda c: add(c, VILLAGE, [Change("h-001", sold_wh=5), Change("h-001", spent_cents=-1)]))
    await database.write(lambda c: add(c, "mlimani", [Change("h-001", sold_wh=7)]))
    nobody, first = await database.read(lambda c: (totals(c, VILLAGE, "h-002"), totals(c, VILLAGE, "h-001")))
    assert set(nobody.values()) == {0}
    assert first == nobody | {"sold_wh": 5, "spent_cents": -1}
    await database.close()
