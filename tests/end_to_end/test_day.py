"""A whole day of the neighbourhood: nothing is lost or invented, not even by a hub that is killed."""

import asyncio
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from energy_swap_demo.conductor import Conductor
from energy_swap_demo.founding import found_community
from energy_swap_demo.happenings import PHONE_BUYER
from energy_swap_demo.households import COMMUNITY_START, HOUSEHOLDS, PromptHabit
from energy_swap_demo.invariants import check, gather
from energy_swap_demo.neighbourhood import Neighbourhood
from energy_swap_demo.report import books, make_report
from energy_swap_demo.settings import Folder
from energy_swap_hub.mpesa.tables import QUEUED, SENDING

pytestmark = [pytest.mark.end_to_end, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[2]

# When the hub is killed with SIGKILL, and how many real seconds it may work before that: from the beginning of the
# minute, then from each restart. At full half-hours it is then settling a period: clearing, ledger, mint, burn.
# No prompt is between the hub and M-Pesa then: one that was never heard of waits for a person, as it must.
KILLS: dict[str, tuple[float, ...]] = {
    "06:31": (0,),  # M-Pesa prompts are on their way
    "08:30": (0.05,),  # the first trades
    "09:30": (0.1, 0.2),
    "11:00": (0.3,),
    "12:30": (0, 0.05, 0.1, 0.2, 0.4),
    "14:00": (0.15, 0.15),
    "16:05": (0,),  # just after an order and its purchase on the spot market
    "16:27": (0.05,),  # a prompt for a purchase is on its way, and what it buys is kept for it
    "16:36": (0,),  # an auction has two bids
    "16:55": (0.05,),  # the auction ends
    "17:30": (0.1, 0.25),
    "19:01": (0,),  # the evening's burns
}

# When the verifier is killed, too: at the beginning of the minute in which a period is minted, and just after.
VERIFIER_KILLS: dict[str, tuple[float, ...]] = {
    "10:00": (0,),
    "10:30": (0.1,),
    "13:00": (0, 0.1),
    "15:30": (0.05,),
}

PHONE_KES = 4  # 0.3 kWh at KES 10 with KES 1.90 of fees are KES 3.57; a prompt asks for whole shillings

FIGURES = (
    "generated_kwh",
    "consumed_kwh",
    "sold_kwh",
    "bought_kwh",
    "paid_in_kes",
    "paid_out_kes",
    "saved_against_grid_kes",
)


@dataclass(frozen=True)
class Days:
    """The reports of the same day of the same community: left alone, and with a hub that is killed."""

    undisturbed: dict[str, Any]
    return_code: int
    with_kills: dict[str, Any]
    hub_starts: int


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def days(tmp_path_factory: pytest.TempPathFactory) -> Days:
    # Households get their numbers in the order in which their applications arrive, so both days need one founding.
    folder = Folder(tmp_path_factory.mktemp("day") / "undisturbed")
    async with Neighbourhood(
        folder, folder.settings(edges=len(HOUSEHOLDS), is_fixed=False), ROOT
    ) as neighbourhood:
        await found_community(neighbourhood, print)
    copy = Folder(folder.path.with_name("with-kills"))
    shutil.copytree(folder.path, copy.path)
    return_code, undisturbed = await play_day(folder)
    starts_before = hub_starts(copy)
    with_kills = await play_day_with_kills(copy)
    return Days(undisturbed, return_code, with_kills, hub_starts(copy) - starts_before)


async def play_day(folder: Folder) -> tuple[int, dict[str, Any]]:
    """Play the day with the command that ``script/demo`` runs; return its exit code and report."""
    report = folder.path / "report.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "energy_swap_demo", "--day", "--folder", folder.path, "--report", report
    )
    return_code = await process.wait()
    assert report.exists(), "the day did not come to its end"
    return return_code, json.loads(report.read_text())


async def play_day_with_kills(folder: Folder) -> dict[str, Any]:
    """Play the day and kill the hub as in ``KILLS``; return a report as the command writes it."""
    until = COMMUNITY_START + timedelta(days=1)
    async with Neighbourhood(
        folder, folder.settings(edges=len(HOUSEHOLDS), is_fixed=False), ROOT
    ) as neighbourhood:

        async def kill(delays: tuple[float, ...]) -> None:
            for delay in delays:
                await asyncio.sleep(delay)
                await until_prompts_have_left(folder)
                await neighbourhood.kill_hub()

        async def kill_verifier(delays: tuple[float, ...]) -> None:
            for delay in delays:
                await asyncio.sleep(delay)
                await neighbourhood.kill_verifier()

        kills: dict[datetime, Callable[[], Any]] = {}
        kills.update((time_of_day(text), partial(kill, delays)) for text, delays in KILLS.items())
        kills.update(
            (time_of_day(text), partial(kill_verifier, delays)) for text, delays in VERIFIER_KILLS.items()
        )
        await Conductor(neighbourhood, print).play(until, at_minute=kills)
        evidence = await gather(neighbourhood)
        checks = check(evidence, neighbourhood.profiles, until)
    report = make_report(evidence, checks, start=COMMUNITY_START, until=until, seconds=0)
    return dict(json.loads(json.dumps(report | {"books": books(evidence)})))


async def until_prompts_have_left(folder: Folder) -> None:
    """Wait until M-Pesa has answered to every prompt that the hub was asked for."""
    query = "SELECT count(*) FROM payment_intent WHERE state IN (?, ?)"
    async with asyncio.timeout(60):
        with closing(sqlite3.connect(f"file:{folder.hub}/hub.sqlite?mode=ro", uri=True)) as database:
            while True:
                if not database.execute(query, (QUEUED, SENDING)).fetchone()[0]:
                    return
                await asyncio.sleep(0.02)


def time_of_day(text: str) -> datetime:
    hour, minute = text.split(":")
    return COMMUNITY_START + timedelta(hours=int(hour), minutes=int(minute))


def hub_starts(folder: Folder) -> int:
    return (folder.logs / "hub.log").read_text().count(" hub of ")


def failed_checks(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in report["checks"] if not item["is_met"]]


async def test_a_day_by_the_command_is_sound(days: Days) -> None:
    report = days.undisturbed
    assert failed_checks(report) == []
    assert len(report["checks"]) > 20
    assert report["is_sound"]
    assert days.return_code == 0


async def test_the_report_tells_every_households_day(days: Days) -> None:
    rows, totals = days.undisturbed["households"], days.undisturbed["totals"]
    assert {row["name"] for row in rows} == {household.name for household in HOUSEHOLDS}
    assert len(rows) == len(HOUSEHOLDS)
    for row in rows:
        household = HOUSEHOLDS[row["number"] - 1]
        assert all(row[figure] >= 0 for figure in FIGURES), row
        assert row["consumed_kwh"] > 5
        assert (row["generated_kwh"] > 0) is household.has_solar
        assert (row["sold_kwh"] > 0) is household.has_solar
        # Who cancels the prompt has no money, and who has no money buys nothing.
        cancels = household.habit is PromptHabit.CANCELS
        by_phone = PHONE_KES if household.number == PHONE_BUYER else 0
        assert row["paid_in_kes"] == (0 if cancels else household.top_up_kes) + by_phone
        assert (row["saved_against_grid_kes"] > 0) is (row["bought_kwh"] > 0)
        assert not (cancels and row["bought_kwh"])
    for figure, total in (
        ("sold_kwh", "traded_kwh"),
        ("bought_kwh", "traded_kwh"),
        ("paid_in_kes", "paid_in_kes"),
        ("paid_out_kes", "paid_out_kes"),
    ):
        assert sum(Decimal(str(row[figure])) for row in rows) == Decimal(str(totals[total])), figure
    assert totals["periods"] == 48
    assert totals["mean_clearing_price_kes_per_kwh"] is not None
    assert all(totals["trades"][market] for market in ("period", "partner", "ahead", "spot", "auction"))
    assert totals["paid_out_kes"] > 0


async def test_a_hub_killed_again_and_again_ends_the_day_with_the_same_books(days: Days) -> None:
    killed = days.with_kills
    assert days.hub_starts == 1 + sum(map(len, KILLS.values()))
    assert failed_checks(killed) == []
    for part, wanted in days.undisturbed["books"].items():
        assert killed["books"][part] == wanted, part
    assert killed["households"] == days.undisturbed["households"]
