"""What a net-metered household exports is the utility's: never minted, never sold, never paid twice."""

from datetime import timedelta

import pytest
from energy_swap_hub.config import RewardPolicy
from energy_swap_hub.membership.households import by_id, set_net_metering
from energy_swap_hub.membership.tables import audit
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.late import Late, true_up
from energy_swap_hub.settlement.netting import Means
from energy_swap_hub.settlement.refusals import OrderRefused
from energy_swap_hub.settlement.rewards import measured_periods
from energy_swap_hub.settlement.statements import statement
from energy_swap_hub.web.household_view import household_state
from energy_swap_hub.web.own_periods_view import own_periods
from energy_swap_protocol.reading import Reading

from tests.hub.village import GRACE, OPENED, PERIOD, VILLAGE, Home, Village

MONEY = 100_000


@pytest.fixture
async def market(village: Village) -> Village:
    """Amina sells from 10.00 and Chebet, who has money, buys up to 20.00."""
    await village.standing(village.amina, sell=1_000)
    await village.standing(village.chebet, buy=2_000)
    await village.fund(village.chebet, MONEY)
    return village


async def note(village: Village, home: Home, *, is_on: bool = True) -> None:
    """Say at the office that the contract counts from now on, or has ended."""
    await village.database.write(
        lambda c: set_net_metering(
            c, VILLAGE, home.id, is_on=is_on, who="wanjiru", contract="KPLC 12/77", now=village.now
        )
    )


async def last_line(village: Village, home: Home) -> str:
    found = await village.read(
        lambda c: statement(c, VILLAGE, home.id, home.name, OPENED, village.now + timedelta(days=1))
    )
    assert (found.totals["other_wh"], found.totals["other_cents"]) == (0, 0)
    return found.lines[-1].text


async def test_what_it_exports_is_neither_minted_nor_sold_while_the_contract_lasts(market: Village) -> None:
    amina, brian, chebet = market.amina, market.brian, market.chebet
    await market.end_period({amina.id: 1_000, chebet.id: -600})
    assert (await market.wh(amina), await market.cents(amina)) == (400, 600)
    await note(market, amina)
    covered = await market.end_period({amina.id: 3_000, brian.id: 0, chebet.id: -500})
    row = await market.position(covered, amina)
    assert (row["export_wh"], row["grid_wh"], row["sold_wh"], row["grid_cents"]) == (3_000, 3_000, 0, 0)
    assert (await market.wh(amina), await market.cents(amina), await market.on_chain(amina)) == (400, 600, 400)
    assert (await market.position(covered, chebet))["bought_wh"] == 0
    shown = await market.read(
        lambda c: own_periods(c, market.community, amina.id, OPENED, market.now + timedelta(days=1))
    )
    assert [(one["export_wh"], one["minted_wh"], one["grid_wh"]) for one in shown] == [
        (1_000, 1_000, 0),
        (3_000, 0, 3_000),
    ]
    # She buys and uses her own tokens as before.
    await market.end_period({amina.id: -300})
    assert await market.wh(amina) == 100
    await note(market, amina, is_on=False)
    await market.end_period({amina.id: 200})
    assert await market.wh(amina) == 300


async def test_the_period_in_which_it_is_noted_is_still_sold(market: Village) -> None:
    amina, chebet = market.amina, market.chebet
    market.now = OPENED + PERIOD / 2
    await note(market, amina)
    await market.end_period({amina.id: 1_000, chebet.id: -400})
    assert (await market.wh(amina), await market.cents(amina)) == (600, 400)


async def test_late_export_of_a_covered_period_is_the_utilitys_and_has_its_line(market: Village) -> None:
    amina = market.amina
    await note(market, amina)
    await market.end_period()
    stored = amina.measure(OPENED + 2 * PERIOD, export_wh=900)
    market.now = OPENED + 2 * PERIOD
    for home in market.homes[1:]:
        await market.report(home)
    market.now += GRACE
    await market.advance()
    await market.deliver(amina, stored)
    await market.end_period()
    [row] = await market.rows(tables.true_up)
    assert (row["export_wh"], row["minted_wh"], row["burned_wh"], row["grid_wh"]) == (900, 0, 0, -900)
    assert (await market.wh(amina), await market.on_chain(amina)) == (0, 0)
    assert "Late readings" in (line := await last_line(market, amina))
    assert line.endswith("the utility took 0.900 kWh, which it credits by its own rules")
    [shown] = await market.read(
        lambda c: own_periods(c, market.community, amina.id, OPENED + PERIOD, OPENED + 2 * PERIOD)
    )
    assert (shown["export_wh"], shown["minted_wh"], shown["grid_wh"], shown["grid_cents"]) == (900, 0, 900, 0)


def test_late_import_uses_tokens_as_without_a_contract() -> None:
    before = Reading(bytes(32), 1, 0, 0, 0, 0)
    after = Reading(bytes(32), 2, 900, 100, 700, 0)
    means = Means(0, 500, 10_000)
    late = Late(OPENED, before, after)
    assert true_up(late, "h-001", means, is_net_metered=True) == true_up(late, "h-001", means)


async def test_it_cannot_sell_ahead_and_what_it_had_sold_counts_as_not_delivered(market: Village) -> None:
    amina, chebet = market.amina, market.chebet
    await market.fund(amina, MONEY)
    period = market.period_after(2)
    await market.sell_ahead(amina, period, 1_000, at_least=1_000)
    await market.buy_ahead(chebet, period, 1_000, at_most=1_500)
    await note(market, amina)
    with pytest.raises(OrderRefused, match="net-metering contract: what it exports") as refused:
        await market.sell_ahead(amina, market.period_after(3), 500, at_least=1_000)
    assert refused.value.key == "net_metered"
    while market.now < period.start:
        await market.end_period()
    await market.end_period({amina.id: 2_000, chebet.id: -1_000})
    assert (await market.wh(amina), await market.wh(chebet)) == (0, 0)
    assert await market.cents(amina) < MONEY  # she bears what the grid cost Chebet more
    assert (await market.position(period.id, amina))["grid_wh"] == 2_000


async def test_the_fund_pays_no_reward_for_it(market: Village) -> None:
    amina, brian = market.amina, market.brian
    await note(market, amina)
    await market.end_period()
    await market.end_period({amina.id: 2_000, brian.id: 500})
    found = await market.read(
        lambda c: measured_periods(c, market.community, RewardPolicy(cents_per_kwh=100), OPENED.date())
    )
    assert [dict(one.export_wh) for one in found] == [{brian.id: 500}]


async def test_the_office_notes_it_once_with_its_name_and_only_where_there_are_panels(market: Village) -> None:
    amina, david = market.amina, market.david
    await note(market, amina)
    with pytest.raises(ValueError, match="noted as net-metered already"):
        await note(market, amina)
    with pytest.raises(ValueError, match="has no panels"):
        await note(market, david)
    with pytest.raises(ValueError, match="noted as not net-metered already"):
        await note(market, market.brian, is_on=False)
    with pytest.raises(LookupError):
        await market.database.write(
            lambda c: set_net_metering(c, VILLAGE, "h-404", is_on=True, who="w", contract="x", now=market.now)
        )
    acts = [row for row in await market.rows(audit) if "net metering" in row["what"]]
    assert [(row["who"], row["what"], row["subject"]) for row in acts] == [
        ("wanjiru", "net metering on: KPLC 12/77", amina.id)
    ]
    household = await market.read(lambda c: by_id(c, VILLAGE, amina.id))
    state = await market.read(lambda c: household_state(c, market.community, household, market.now))
    assert state["is_net_metered"]
