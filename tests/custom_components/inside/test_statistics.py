"""What the Energy dashboard is given: statistics that follow corrections, and the solar forecast."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from homeassistant.components.recorder.statistics import list_statistic_ids, statistics_during_period
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.energy_swap.energy import async_get_solar_forecast
from custom_components.energy_swap.statistics import SERIES, corrections, hourly
from tests.custom_components.contract_edge import ContractEdge

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SOLD, EARNED = (next(series for series in SERIES if series.key == key) for key in ("sold", "sold_compensation"))


def period(start: datetime, **amounts: int) -> dict[str, Any]:
    nothing = dict.fromkeys(
        ("export_wh", "import_wh", "generation_wh", "sold_wh", "bought_wh", "earned_cents", "paid_cents"), 0
    )
    return {"start": int(start.timestamp()), **nothing, **amounts}


def test_half_hours_add_up_to_hours_and_the_last_revision_counts() -> None:
    half = timedelta(minutes=30)
    periods = [
        period(NOON, sold_wh=400),
        period(NOON + half, sold_wh=300),
        period(NOON + 3 * half, sold_wh=100),
        period(NOON, sold_wh=450) | {"revision": 1},
        period(NOON + half, sold_wh=999) | {"revision": -1},
    ]
    assert hourly(periods, SOLD) == {NOON: 0.75, NOON + timedelta(hours=1): 0.1}
    assert hourly([period(NOON, earned_cents=1_235)], EARNED) == {NOON: 12.35}


def test_only_what_differs_is_written_again_and_everything_after_it() -> None:
    one, two, three = (NOON + timedelta(hours=hour) for hour in range(3))
    wanted = {one: 1.0, two: 2.0, three: 3.0}
    present = {one: (1.0, 11.0), two: (2.0, 13.0), three: (3.0, 16.0)}
    assert corrections(wanted, present, 10.0) == []
    assert corrections({**wanted, two: 2.5}, present, 10.0) == [
        {"start": two, "state": 2.5, "sum": 13.5},
        {"start": three, "state": 3.0, "sum": 16.5},
    ]
    assert [row["start"] for row in corrections(wanted, {one: (1.0, 11.0)}, 10.0)] == [two, three]
    assert [row["sum"] for row in corrections(wanted, present, 0.0)] == [1.0, 3.0, 6.0]  # the sums were wrong


@pytest.fixture
async def recorded(recorder_mock: Any, hass: HomeAssistant) -> HomeAssistant:
    """A Home Assistant with a recorder."""
    return hass


async def rows(hass: HomeAssistant, key: str) -> list[tuple[Any, Any]]:
    recorder = get_instance(hass)
    await recorder.async_block_till_done()
    name = f"energy_swap:0123456789abcdef_{key}"
    found = await recorder.async_add_executor_job(
        statistics_during_period, hass, NOON - timedelta(days=9), None, {name}, "hour", None, {"state", "sum"}
    )
    return [(row["state"], row["sum"]) for row in found.get(name, [])]


async def until_rows(hass: HomeAssistant, key: str, wanted: list[tuple[float, float]]) -> None:
    found: list[tuple[Any, Any]] = []
    try:
        async with asyncio.timeout(60):
            while (found := await rows(hass, key)) != wanted:
                await asyncio.sleep(0.02)
    except TimeoutError:
        assert found == wanted


async def test_statistics_are_filled_in_go_on_and_are_corrected(
    recorded: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge
) -> None:
    hass = recorded
    periods = [
        period(NOON, generation_wh=1_300, export_wh=1_000, sold_wh=800, earned_cents=1_200, grid_cents=165),
        period(
            NOON + timedelta(hours=1),
            export_wh=500,
            import_wh=300,
            sold_wh=500,
            bought_wh=200,
            paid_cents=300,
            grid_cents=-210,
        ),
    ]
    edge.records["history"] = {"periods": periods}
    edge.state["last_settlement"]["period"] = "2026-11-20T13:30Z"
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await until_rows(hass, "sold", [(0.8, 0.8), (0.5, 1.3)])
    await until_rows(hass, "sold_compensation", [(12.0, 12.0), (0.0, 12.0)])
    await until_rows(hass, "bought", [(0.0, 0.0), (0.2, 0.2)])
    await until_rows(hass, "bought_cost", [(0.0, 0.0), (3.0, 3.0)])
    await until_rows(hass, "utility_export", [(0.2, 0.2), (0.0, 0.2)])
    await until_rows(hass, "utility_import", [(0.0, 0.0), (0.1, 0.1)])
    await until_rows(hass, "utility_cost", [(0.0, 0.0), (2.1, 2.1)])
    await until_rows(hass, "utility_compensation", [(1.65, 1.65), (0.0, 1.65)])
    await until_rows(hass, "generation", [(1.3, 1.3), (0.0, 1.3)])

    # A settlement is told: the newest hours are asked for, and go on from what was there.
    newer = period(NOON + timedelta(hours=2), export_wh=700, sold_wh=700, earned_cents=900)
    edge.records["history"] = {"periods": [periods[1], newer]}
    edge.questions.clear()
    await edge.change(last_settlement={**edge.state["last_settlement"], "period": "2026-11-20T14:30Z"})
    await until_rows(hass, "sold", [(0.8, 0.8), (0.5, 1.3), (0.7, 2.0)])
    ((_, asked),) = edge.questions
    assert int(asked["from"]) == int((NOON + timedelta(hours=2) - timedelta(days=3)).timestamp())

    # An event says that a trade was settled late: the hour before is another one now.
    edge.records["history"] = {"periods": [period(NOON + timedelta(hours=1), sold_wh=600), newer]}
    await edge.happen("trade_settled")
    await until_rows(hass, "sold", [(0.8, 0.8), (0.6, 1.4), (0.7, 2.1)])

    # The edge itself learns of some trades a little later than we of them.
    edge.records["history"]["periods"][-1]["sold_wh"] = 750
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=21))
    await until_rows(hass, "sold", [(0.8, 0.8), (0.6, 1.4), (0.75, 2.15)])

    # A slow one, later still.
    edge.records["history"]["periods"][-1]["sold_wh"] = 800
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=2, seconds=21))
    await until_rows(hass, "sold", [(0.8, 0.8), (0.6, 1.4), (0.8, 2.2)])

    # Once a day everything is compared, however long ago it was.
    edge.records["history"] = {"periods": [period(NOON, sold_wh=900), *edge.records["history"]["periods"]]}
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(days=1, seconds=1))
    await until_rows(hass, "sold", [(0.9, 0.9), (0.6, 1.5), (0.8, 2.3)])
    await hass.config_entries.async_unload(entry.entry_id)


async def test_every_wh_of_the_meter_is_in_one_grid_once_and_late_energy_is_corrected(
    recorded: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge
) -> None:
    """Tokens are kept, traded and used: energy counts when it flows, money when it is paid."""
    hass, hour = recorded, timedelta(hours=1)

    def flows(minted: int, burned: int, utility_import: int, utility_export: int) -> dict[str, int]:
        return {
            "minted_wh": minted,
            "burned_wh": burned,
            "utility_import_wh": utility_import,
            "utility_export_wh": utility_export,
            "import_wh": burned + utility_import,
            "export_wh": minted + utility_export,
        }

    kept = period(NOON, **flows(900, 0, 100, 100), sold_wh=300, earned_cents=330)
    spot_sale = period(NOON + hour, **flows(0, 0, 200, 0), sold_wh=400, earned_cents=480, grid_cents=-420)
    spot_purchase = period(NOON + 2 * hour, **flows(0, 0, 0, 0), bought_wh=250, paid_cents=300)
    used = period(NOON + 3 * hour, **flows(0, 450, 150, 0), bought_wh=0, grid_cents=-315)
    # The edge has not added up the end of this hour yet, which the hub has counted.
    used |= {"generation_wh": 450, "made_wh": 500}
    periods = [kept, spot_sale, spot_purchase, used]
    edge.records["history"] = {"periods": periods}
    edge.state["last_settlement"]["period"] = "2026-11-20T15:30Z"
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await until_rows(hass, "neighbour_export", [(0.9, 0.9), (0.0, 0.9), (0.0, 0.9), (0.0, 0.9)])
    await until_rows(hass, "neighbour_import", [(0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.45, 0.45)])
    await until_rows(hass, "utility_import", [(0.1, 0.1), (0.2, 0.3), (0.0, 0.3), (0.15, 0.45)])
    await until_rows(hass, "utility_export", [(0.1, 0.1), (0.0, 0.1), (0.0, 0.1), (0.0, 0.1)])
    await until_rows(hass, "utility_cost", [(0.0, 0.0), (4.2, 4.2), (0.0, 4.2), (3.15, 7.35)])
    await until_rows(hass, "sold_compensation", [(3.3, 3.3), (4.8, 8.1), (0.0, 8.1), (0.0, 8.1)])
    await until_rows(hass, "bought_cost", [(0.0, 0.0), (0.0, 0.0), (3.0, 3.0), (0.0, 3.0)])
    await until_rows(hass, "generation", [(0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.5, 0.5)])
    for way in ("import", "export"):
        sums = [(await rows(hass, f"{source}_{way}"))[-1][1] for source in ("neighbour", "utility")]
        assert sum(sums) == pytest.approx(sum(one[f"{way}_wh"] for one in periods) / 1000)

    # A week later an hour turns out to have been another one: the hub has heard of 300 Wh that came late.
    edge.state["last_settlement"]["period"] = "2026-11-29T15:30Z"
    edge.records["history"] = {"periods": [kept, spot_sale, spot_purchase | flows(300, 0, 0, 0), used]}
    told = async_capture_events(hass, "energy_swap_event")
    await edge.happen("trued_up")
    async with asyncio.timeout(60):
        while not told:
            await asyncio.sleep(0.01)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=21))
    await until_rows(hass, "neighbour_export", [(0.9, 0.9), (0.0, 0.9), (0.3, 1.2), (0.0, 1.2)])
    await hass.config_entries.async_unload(entry.entry_id)


async def test_statistics_are_called_in_the_language_of_the_household(
    recorded: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge
) -> None:
    hass = recorded
    hass.config.language = "sw"
    edge.records["history"] = {"periods": [period(NOON, sold_wh=800)]}
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await until_rows(hass, "sold", [(0.8, 0.8)])
    recorder = get_instance(hass)
    told = await recorder.async_add_executor_job(list_statistic_ids, hass)
    names = {one["statistic_id"].partition("_")[2].partition("_")[2]: one["name"] for one in told}
    assert names["sold"] == "Amina's house: imeuzwa kwa majirani"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_part_without_anything_before_it_makes_everything_be_asked_for(
    recorded: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge
) -> None:
    hass = recorded
    edge.records["history"] = {"periods": []}
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await until_rows(hass, "sold", [])
    edge.records["history"] = {"periods": [period(NOON, sold_wh=800)]}
    await edge.change(last_settlement={**edge.state["last_settlement"], "period": "2026-11-20T12:30Z"})
    await until_rows(hass, "sold", [(0.8, 0.8)])
    await hass.config_entries.async_unload(entry.entry_id)


async def test_no_history_and_no_wish_for_statistics_are_no_errors(
    recorded: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge, caplog: pytest.LogCaptureFixture
) -> None:
    hass = recorded
    edge.state["last_settlement"] = None
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)  # this edge keeps no history
    await edge.happen("trade_settled")
    async with asyncio.timeout(60):
        while len(edge.questions) < 2:
            await asyncio.sleep(0.01)
    hass.config_entries.async_update_entry(entry, options={"statistics": False})
    await hass.config_entries.async_reload(entry.entry_id)
    edge.questions.clear()
    await edge.happen("trade_settled")
    await hass.async_block_till_done()
    assert edge.questions == []
    assert not [
        record
        for record in caplog.records
        if record.levelname in {"WARNING", "ERROR"} and "energy_swap" in record.name
    ]
    await hass.config_entries.async_unload(entry.entry_id)


async def test_the_solar_forecast_is_by_the_hour(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    assert await async_get_solar_forecast(hass, household.entry_id) is None  # this edge has no forecast
    edge.records["forecast"] = {
        "made_at": 1795160000,
        "periods": [
            {"start": int(NOON.timestamp()), "minutes": 30, "production_wh": {"p10": 300, "p50": 500, "p90": 700}},
            {"start": int(NOON.timestamp()) + 1800, "minutes": 30, "production_wh": {"p50": 400}},
            {"start": int(NOON.timestamp()) + 3600, "minutes": 30, "production_wh": None},
        ],
    }
    assert await async_get_solar_forecast(hass, household.entry_id) == {
        "wh_hours": {"2026-11-20T12:00:00+00:00": 900, "2026-11-20T13:00:00+00:00": 0}
    }
    assert await async_get_solar_forecast(hass, "nobody") is None
    await hass.config_entries.async_unload(household.entry_id)
    assert await async_get_solar_forecast(hass, household.entry_id) is None
