"""Pictures of the running product for the documentation: the hub's console and a household's Home Assistant.

``script/screenshots`` plays a new neighbourhood to the first afternoon and saves what a person sees as PNG files.
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from PIL import Image

from .browser import Browser
from .conductor import Conductor
from .console_pictures import picture_console
from .founding import found_community
from .home_assistant import HomeAssistant
from .household_pictures import BLUEPRINT_LOAD, HouseholdPictures
from .households import COMMUNITY_START, HOUSEHOLDS
from .neighbourhood import Neighbourhood
from .phone_app import picture_app
from .settings import Folder
from .sheets import Sheet, arranged

ROOT: Final = Path(__file__).resolve().parents[2]
OUTPUT: Final = ROOT / "docs" / "pictures"
MOMENT: Final = COMMUNITY_START + timedelta(hours=13, minutes=10)
# Home Assistant's history runs in real time: what its graphs shall show is played at a steady pace, from the day's
# first price on.
STEADY_FROM: Final = COMMUNITY_START + timedelta(hours=8, minutes=40)
STEADY_SECONDS: Final = 75.0
# What neighbours wish at that moment, so that the market page has something to show: cents per kWh.
OFFERS: Final = (1_100, 1_160, 1_240)
BIDS_TO_BUY: Final = ((980, 300), (920, 500))  # price, Wh
AUCTION: Final = (900, 40)  # start price, minutes
AUCTION_BIDS: Final = (950, 1_020)
MOST_BYTES: Final = 300_000
COLOURS: Final = 256


# Enough prices have been made by then for the comparison with the week.
HOUSEHOLD_MOMENT: Final = COMMUNITY_START + timedelta(hours=15, minutes=10)
# All that the household made is sold by then: it buys some of what is offered, and asks for more at its own price.
OWN_ORDERS: Final = ({"energy": 0.5, "maximum_price": 11}, {"energy": 0.3, "maximum_price": 9.5})


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="script/screenshots", description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=OUTPUT, help="where the pictures go (default: docs/pictures)"
    )
    parser.add_argument("--only", choices=("console", "household"), help="not the others")
    options = parser.parse_args()
    asyncio.run(_take_all(options.output, options.only))


async def _take_all(output: Path, only: str | None) -> None:
    with tempfile.TemporaryDirectory(prefix="energy-swap-") as scratch:
        folder = Folder(Path(scratch))
        settings = folder.settings(edges=len(HOUSEHOLDS), is_fixed=False)
        async with Neighbourhood(folder, settings, ROOT) as neighbourhood:
            await found_community(neighbourhood, say)
            conductor = Conductor(neighbourhood, say)
            await conductor.play(STEADY_FROM)
            home = HomeAssistant(
                folder.home_assistant,
                settings.ports.home_assistant,
                name=HOUSEHOLDS[0].name,
                extra_configuration=BLUEPRINT_LOAD,
            )
            async with home, Browser() as browser:
                await home.onboard()
                code = neighbourhood.pairing_code(1)
                entry_id = await home.add_energy_swap("127.0.0.1", settings.ports.edges[0], code)
                await _play_steadily(conductor, neighbourhood, MOMENT)
                await _open_the_market(neighbourhood)
                if only != "household":
                    async for name, picture in _hub_pages(neighbourhood, browser):
                        _save(picture, output / f"{name}.png")
                if only != "console":
                    await conductor.play(HOUSEHOLD_MOMENT)
                    for order in OWN_ORDERS:
                        await home.call("energy_swap", "buy", order)
                    await _picture_household(home, browser, entry_id, output / "home-assistant")


async def _play_steadily(conductor: Conductor, neighbourhood: Neighbourhood, until: datetime) -> None:
    """Let the minutes to ``until`` pass at one pace, then stop at a full minute."""
    minutes = (until - neighbourhood.clock.now()) / timedelta(minutes=1)
    arrived = asyncio.Event()
    playing = asyncio.create_task(conductor.live(minutes / STEADY_SECONDS, arrived))
    while neighbourhood.clock.now() < until and not playing.done():  # noqa: ASYNC110 - a clock is no event
        await asyncio.sleep(0.1)
    arrived.set()
    await playing


async def _open_the_market(neighbourhood: Neighbourhood) -> None:
    """Let households place spot orders and hold an auction, each through its edge."""
    rows = (await neighbourhood.console.get("households"))["households"]
    edges = {household.name: neighbourhood.edge(household.number) for household in HOUSEHOLDS}
    prosumers = (row for row in rows if row["role"] == "prosumer")  # a consumer can only buy
    by_tokens = sorted(prosumers, key=lambda row: -row["wallet"]["ekwh_wh"])
    sellers, auctioneer = by_tokens[: len(OFFERS)], by_tokens[len(OFFERS)]
    for row, price in zip(sellers, OFFERS, strict=True):
        await edges[row["name"]].command("sell", wh=row["wallet"]["ekwh_wh"] // 2, at_least=price)
    buyers = sorted(rows, key=lambda row: -row["wallet"]["kes_cents"])[:2]
    for row, (price, wh) in zip(buyers, BIDS_TO_BUY, strict=True):
        await edges[row["name"]].command("buy", wh=wh, at_most=price)
    start_price, minutes = AUCTION
    wh = auctioneer["wallet"]["ekwh_wh"] // 2
    started = await edges[auctioneer["name"]].command(
        "start_auction", wh=wh, start_price=start_price, minutes=minutes
    )
    for row, price in zip(buyers, AUCTION_BIDS, strict=True):
        await edges[row["name"]].command("bid", auction=started["auction"], price=price)


async def _hub_pages(neighbourhood: Neighbourhood, browser: Browser) -> AsyncIterator[tuple[str, Image.Image]]:
    """Yield the console's and the app's sheets, and what the README shows of them alone."""
    cookies = {
        cookie.key: cookie.value for cookie in neighbourhood.session.cookie_jar if cookie["domain"] == "127.0.0.1"
    }
    rows = (await neighbourhood.console.get("households"))["households"]
    first = next(row["household"] for row in rows if row["name"] == HOUSEHOLDS[0].name)
    async for sheet in picture_console(browser, neighbourhood.hub_url, cookies, first):
        yield f"console/{sheet.name}", _arranged(sheet)
        if sheet.name == "live":
            yield "console-live", sheet.pictures[0]
    phones = neighbourhood.daraja_url, HOUSEHOLDS[0].phone
    async for sheet in picture_app(browser, neighbourhood.hub_url, *phones):
        yield f"app/{sheet.name}", _arranged(sheet)
        if sheet.name == "home":
            yield "app-home", sheet.pictures[0]


async def _picture_household(home: HomeAssistant, browser: Browser, entry_id: str, output: Path) -> None:
    async for name, picture in HouseholdPictures(home, browser, entry_id).take_all():
        _save(picture, output / f"{name}.png")


def _arranged(sheet: Sheet) -> Image.Image:
    """Return the sheet as one picture; raise `RuntimeError` when a page complained."""
    if sheet.errors:
        raise RuntimeError(f"{sheet.name}: the page's console says {'; '.join(sheet.errors)}")
    return arranged(sheet.pictures)


def _save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    _keep_small(path)


def _keep_small(path: Path) -> None:
    _reduce_colours(path)
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise RuntimeError(f"{path.name} has {size} bytes, more than {MOST_BYTES}")
    say(f"{path}  {size // 1000} kB")


def _reduce_colours(path: Path) -> None:
    """Store the picture with a palette, which nobody sees and which makes it a third as large."""
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


if __name__ == "__main__":
    main()
