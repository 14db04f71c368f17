"""One household's Home Assistant in a real neighbourhood, for all tests that follow its day."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from energy_swap_demo.clock import SharedClock
from energy_swap_demo.conductor import Conductor
from energy_swap_demo.founding import found_community
from energy_swap_demo.home_assistant import PATIENCE_SECONDS, CommandFailedError, HomeAssistant
from energy_swap_demo.households import COMMUNITY_START, HOUSEHOLDS
from energy_swap_demo.neighbourhood import Neighbourhood
from energy_swap_demo.settings import Folder
from energy_swap_edge.store import FILE, Registers

from tests.custom_components.log import log_lines

ROOT = Path(__file__).parents[2]
SELLER, BUYER = 1, 9  # Amina has solar and this Home Assistant; Mwende has neither
# The neighbours' first surplus; Amina's comes at noon. After the twelve half-hours with a price that guidance asks
# for, energy is still cheaper than it was in the morning.
BEGIN = COMMUNITY_START + timedelta(hours=7, minutes=50)
PERIOD = timedelta(minutes=30)
BALANCES = {"token_balance": ("ekwh_wh", 3), "kes_balance": ("kes_cents", 2)}  # of what the hub says of a wallet


@dataclass
class AminasHouse:
    """Household 1's Home Assistant, and the neighbourhood around it."""

    neighbourhood: Neighbourhood
    home: HomeAssistant
    entry_id: str
    entities: dict[str, str]
    household: str

    @property
    def now(self) -> datetime:
        """What time it is in the neighbourhood."""
        return self.neighbourhood.clock.now()

    async def play(self, until: datetime) -> None:
        """Let the time pass that has not passed yet."""
        await Conductor(self.neighbourhood, print).play(until)

    async def play_to_next_period(self) -> None:
        """Let the running period end and be settled; payments that were begun end with it."""
        await self.play(COMMUNITY_START + ((self.now - COMMUNITY_START) // PERIOD + 1) * PERIOD)

    async def value(self, key: str) -> Decimal:
        """Return the number an entity shows, once it shows one; of a balance, once it is what the hub says."""

        async def number() -> Decimal | None:
            state = await self.home.state(self.entities[key])
            if state is None or not state["state"][-1].isdigit():
                return None
            shown = Decimal(state["state"])
            if key not in BALANCES:
                return shown
            field, places = BALANCES[key]
            at_the_hub = Decimal((await self.at_the_hub())["wallet"][field]).scaleb(-places)
            return shown if shown == at_the_hub else None

        return await until(number)

    async def told(self, key: str, event_type: str) -> dict[str, Any]:
        """Wait until an event entity tells of such an event, and return its attributes."""

        async def attributes() -> dict[str, Any] | None:
            state = await self.home.state(self.entities[key])
            if state is None or state["attributes"].get("event_type") != event_type:
                return None
            return dict(state["attributes"])

        return await until(attributes)

    async def shows(self, key: str, wanted: str | Decimal, *, within: int = 0) -> None:
        """Wait until the entity shows ``wanted``; numbers are compared as numbers, text as text."""

        def is_reached(state: str) -> bool:
            if isinstance(wanted, str):
                return state == wanted
            return state[-1].isdigit() and abs(Decimal(state) - wanted) <= within

        await self.home.wait_for(self.entities[key], is_reached)

    async def use(self, domain: str, action: str, key: str, **fields: Any) -> None:
        """Perform an action on one of the household's entities, once it can be: else nothing would happen."""
        await self.home.wait_for(self.entities[key], lambda state: state != "unavailable")
        await self.home.call(domain, action, {"entity_id": self.entities[key], **fields}, with_response=False)

    async def at_the_hub(self) -> dict[str, Any]:
        """Return what the hub's console says of this household."""
        rows = (await self.neighbourhood.console.get("households"))["households"]
        return next(row for row in rows if row["household"] == self.household)

    def registers_by_the_meter(self, at: Sequence[datetime]) -> list[Registers]:
        """Return what the meter signed at each of these times, as its edge keeps it."""
        data = self.neighbourhood.folder.edges / str(SELLER)
        with closing(sqlite3.connect(f"file:{data / FILE}?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT measured_at, export_wh, import_wh, generation_wh FROM frame")
            found = {row[0]: Registers(*row) for row in rows}
        return [found[int(moment.timestamp())] for moment in at]

    async def offers(self, side: str = "sell") -> list[dict[str, Any]]:
        """Return this household's open orders at the hub."""
        book = (await self.neighbourhood.console.get("market"))["book"]
        return [order for order in book[side] if order["household"] == self.household]

    async def offers_at(self, cents_per_kwh: int, side: str = "sell") -> dict[str, Any]:
        """Wait until the hub has this household's order at a price, and return it."""

        async def order() -> dict[str, Any] | None:
            return next((one for one in await self.offers(side) if one["cents_per_kwh"] == cents_per_kwh), None)

        return await until(order)

    async def take_back_all_orders(self) -> None:
        """Cancel every open order, as a person does who looks at the market, until the hub has none."""

        async def are_gone() -> bool:
            market = await self.home.call("energy_swap", "get_market", {})
            assert market is not None
            for order in market["orders"]:
                with suppress(CommandFailedError):  # it was filled meanwhile, or cancelled and not heard of yet
                    await self.home.call("energy_swap", "cancel_order", {"order": order["id"]})
            return not await self.offers("sell") and not await self.offers("buy")

        await until(are_gone)
        await self.shows("open_orders", Decimal(0))

    async def richest_neighbour(self) -> int:
        """Return the number of the other household that has most tokens."""
        rows = (await self.neighbourhood.console.get("households"))["households"]
        others = [row for row in rows if row["household"] != self.household]
        name = max(others, key=lambda row: row["wallet"]["ekwh_wh"])["name"]
        return next(household.number for household in HOUSEHOLDS if household.name == name)

    async def household_of(self, number: int) -> str:
        """Return what the hub calls a household of the demo."""
        rows = (await self.neighbourhood.console.get("households"))["households"]
        return next(str(row["household"]) for row in rows if row["name"] == HOUSEHOLDS[number - 1].name)


async def until[T](ask: Callable[[], Awaitable[T | None]]) -> T:
    """Ask other processes again and again, and return the first answer that is one (not None, not False)."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (answer := await ask()) is None or answer is False:  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.05)
    return answer


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AminasHouse]:
    """Found the community and set Amina's Home Assistant up; its log must have nothing against us in the end."""
    folder = Folder(tmp_path_factory.mktemp("neighbourhood"))
    settings = folder.settings(edges=len(HOUSEHOLDS), is_fixed=False)
    SharedClock.create(folder.clock, BEGIN).close()
    async with Neighbourhood(folder, settings, ROOT) as neighbourhood:
        neighbourhood.clock.set(BEGIN + timedelta(minutes=1))
        await neighbourhood.metering.publish_minute(BEGIN + timedelta(minutes=1))  # with it the households apply
        await found_community(neighbourhood, print)
        async with HomeAssistant(folder.home_assistant, settings.ports.home_assistant) as home:
            await home.onboard()
            code = neighbourhood.pairing_code(SELLER)
            entry_id = await home.add_energy_swap("127.0.0.1", settings.ports.edges[SELLER - 1], code)
            house = AminasHouse(neighbourhood, home, entry_id, await home.entities(entry_id), "")
            house.household = await house.household_of(SELLER)
            # Mwende's money, without which nobody would buy and nothing had a price.
            await neighbourhood.edge(BUYER).command("top_up", kes=500)
            yield house
        assert complaints(home) == []


def complaints(home: HomeAssistant) -> list[str]:
    """Return what Home Assistant's log has against the integration."""
    lines = [line for line in log_lines(home) if "energy_swap" in line]
    # Of a traceback only the lines that lead through our files name us; whoever logged it may be another logger.
    errors = [line for line in lines if " ERROR " in line or 'File "' in line]
    # Home Assistant says of every custom integration that it has not been tested.
    return errors + [line for line in lines if " WARNING " in line and "not been tested" not in line]
