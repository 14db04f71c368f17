"""A neighbourhood of twelve households that trades measured days with everything real behind it.

``script/demo`` keeps it running (one second is one minute); ``script/demo --day --report report.json`` runs one
day as fast as it can and succeeds only if energy, money and tokens are conserved.
"""

import argparse
import asyncio
import json
import shutil
import signal
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from .conductor import Conductor
from .founding import found_community
from .happenings import NAIROBI
from .home_assistant import HomeAssistant
from .households import COMMUNITY_START, HOUSEHOLDS
from .invariants import check, gather
from .neighbourhood import Neighbourhood
from .report import books, make_report
from .settings import Folder

_ROOT: Final = Path(__file__).resolve().parents[2]
_FIRST_MORNING: Final = COMMUNITY_START + timedelta(hours=6)


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    parser.add_argument("--day", action="store_true", help="run one day as fast as possible, check it and stop")
    parser.add_argument("--report", type=Path, help="write the report (JSON) to this file")
    parser.add_argument(
        "--home-assistant", action="store_true", help="also start a Home Assistant for household 1"
    )
    parser.add_argument("--folder", type=Path, help="where the demo keeps its data (default: .demo)")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated minutes per second (default: 1)")
    parser.add_argument("--fresh", action="store_true", help="forget what the folder holds and begin again")
    parser.add_argument("--kill-hub-at", metavar="HH:MM", action="append", default=[],
                        help="with --day: kill -9 the hub at this time of the day; may repeat")  # fmt: skip
    options = parser.parse_args()
    if options.day:
        sys.exit(asyncio.run(_day(options)))
    asyncio.run(_live(options))


async def _day(options: argparse.Namespace) -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="energy-swap-") as scratch:
        folder = Folder(options.folder or Path(scratch))
        if options.fresh:
            shutil.rmtree(folder.path, ignore_errors=True)
        until = COMMUNITY_START + timedelta(days=1)
        settings = folder.settings(edges=len(HOUSEHOLDS), is_fixed=False)
        async with Neighbourhood(folder, settings, _ROOT) as neighbourhood:
            say(f"Everything runs after {time.monotonic() - began:.1f} s: {neighbourhood.metering.note}")
            await found_community(neighbourhood, say)
            kills = {_time_of_day(text): neighbourhood.kill_hub for text in options.kill_hub_at}
            await Conductor(neighbourhood, say).play(until, at_minute=kills)
            evidence = await gather(neighbourhood)
            checks = check(evidence, neighbourhood.profiles, until)
        report = make_report(
            evidence, checks, start=COMMUNITY_START, until=until, seconds=time.monotonic() - began
        )
    _print_report(report)
    if options.report:
        options.report.write_text(json.dumps(report | {"books": books(evidence)}, indent=1) + "\n")
        say(f"report: {options.report}")
    return 0 if report["is_sound"] else 1


async def _live(options: argparse.Namespace) -> None:
    folder = Folder(options.folder or Path.cwd() / ".demo")
    if options.fresh:
        shutil.rmtree(folder.path, ignore_errors=True)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    is_new = folder.is_new
    settings = folder.settings(edges=len(HOUSEHOLDS), is_fixed=True)
    async with Neighbourhood(folder, settings, _ROOT) as neighbourhood:
        say(neighbourhood.metering.note)
        if is_new:
            say("A new community: its households apply, its approvers sign.")
        await found_community(neighbourhood, say)
        say(f"Hub console      {neighbourhood.hub_url}   admin / {settings.secrets.admin}"
            f"   auditor / {settings.secrets.auditor}")  # fmt: skip
        say(f"Household app    {neighbourhood.hub_url}/app   the code comes to the simulated phone below")
        say(f"Phones (M-Pesa)  {neighbourhood.daraja_url}/_simulator/phone/{HOUSEHOLDS[0].phone}")
        say(f"Edge of house 1  {neighbourhood.edge_url(1)}   pairing code {neighbourhood.pairing_code(1)}")
        home = await _home_assistant(neighbourhood) if options.home_assistant else None
        conductor = Conductor(neighbourhood, say)
        if neighbourhood.clock.now() < _FIRST_MORNING:
            say("The first night passes quickly.")
            await conductor.play(_FIRST_MORNING)
        local = neighbourhood.clock.now().astimezone(NAIROBI)
        say(f"It is {local:%A %H:%M} in Nairobi. Ctrl-C stops; the next start goes on where this one stopped.")
        try:
            await conductor.live(options.speed, stopped)
        finally:
            say("stopping")
            if home is not None:
                await home.stop()


async def _home_assistant(neighbourhood: Neighbourhood) -> HomeAssistant:
    """Start Home Assistant with the integration set up for household 1."""
    name = HOUSEHOLDS[0].name
    home = HomeAssistant(neighbourhood.folder.home_assistant, neighbourhood.ports.home_assistant, name=name)
    await home.start()
    credentials = await home.onboard()
    if not await home.command("config_entries/get", domain="energy_swap"):
        code = neighbourhood.pairing_code(1)
        await home.add_energy_swap("127.0.0.1", neighbourhood.ports.edges[0], code)
    await home.begin_with_page()
    say(f"Home Assistant   {home.page}   {credentials.username} / {credentials.password}")
    return home


def _time_of_day(text: str) -> datetime:
    hour, minute = text.split(":")
    return COMMUNITY_START + timedelta(hours=int(hour), minutes=int(minute))


def _print_report(report: dict[str, object]) -> None:
    say("")
    say(f"{'':22}{'made':>8}{'used':>8}{'sold':>8}{'bought':>8} kWh {'in':>8}{'out':>8}{'saved':>8} KES")
    for row in report["households"]:  # type: ignore[attr-defined]
        say(
            f"{row['name']:22}{row['generated_kwh']:8.2f}{row['consumed_kwh']:8.2f}{row['sold_kwh']:8.2f}"
            f"{row['bought_kwh']:8.2f}     {row['paid_in_kes']:8.2f}{row['paid_out_kes']:8.2f}"
            f"{row['saved_against_grid_kes']:8.2f}"
        )
    say(json.dumps(report["totals"], indent=1))
    for item in report["checks"]:  # type: ignore[attr-defined]
        say(f"{'ok  ' if item['is_met'] else 'FAIL'} {item['name']}" + ("" if item["is_met"] else f": {item}"))
    say(f"{report['duration_seconds']} s")


if __name__ == "__main__":
    main()
