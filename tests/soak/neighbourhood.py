"""A village of any size, opened as a hub opens its own, on a database that may die after a commit."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, override

from energy_swap_hub.chain.localnet.service import LocalnetService
from energy_swap_hub.config import RewardPolicy
from energy_swap_hub.data_folder import locked_data_folder
from energy_swap_hub.storage import Database
from solana.rpc.async_api import AsyncClient
from solders.pubkey import Pubkey
from sqlalchemy import Connection

from tests.hub.village import APPROVERS, MPESA, VILLAGE, Home, Village, community, database_of

from .mortality import Mortality, Place

RULES: Final = community(rewards=RewardPolicy(cents_per_kwh=100, fund_percent=40))


def many_homes(count: int) -> tuple[Home, ...]:
    """Return ``count`` households, 2 in 5 with panels, as they are before they apply; 99 are possible."""
    return tuple(
        Home(f"h-{number:03d}", f"Home {number}", number, 8_000 if number % 5 in (1, 3) else 0)
        for number in range(1, count + 1)
    )


class MortalDatabase(Database):
    """A database in a process that may end between a commit and the news of it."""

    mortality: Mortality | None = None

    @override
    async def write[T](self, change: Callable[[Connection], T]) -> T:
        result = await super().write(change)
        if self.mortality is not None:
            self.mortality.at(Place.COMMITTED)
        return result


class Neighbourhood(Village):
    """The village's rooms with more homes."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        localnet: LocalnetService,
        client: AsyncClient,
        now: datetime,
        homes: tuple[Home, ...],
    ) -> None:
        super().__init__(folder, database, localnet, client, now, RULES, MPESA)
        self.homes = homes

    @property
    def approvers(self) -> list[Pubkey]:
        return [key.pubkey() for key in APPROVERS]


@asynccontextmanager
async def open_neighbourhood(
    folder: Path, homes: tuple[Home, ...], now: datetime, mortality: Mortality | None = None
) -> AsyncIterator[Neighbourhood]:
    """Open the neighbourhood in ``folder`` as a hub opens its own: lock, tables, lease, chain, token."""
    async with AsyncExitStack() as stack:
        stack.enter_context(locked_data_folder(folder))
        database = MortalDatabase.open(database_of(folder))
        database.mortality = mortality
        stack.push_async_callback(database.close)
        await database.take_lease(VILLAGE, "soak")
        opened: list[Neighbourhood] = []
        localnet = await LocalnetService.open(folder / "localnet.sqlite", lambda: opened[0].now if opened else now)
        stack.push_async_callback(localnet.close)
        client = localnet.client()
        stack.push_async_callback(client.close)
        neighbourhood = Neighbourhood(folder, database, localnet, client, now, homes)
        opened.append(neighbourhood)
        await neighbourhood.chain.open_community(VILLAGE, neighbourhood.approvers, 2)
        yield neighbourhood


def found(folder: Path, homes: tuple[Home, ...], now: datetime) -> None:
    """Found the neighbourhood whose database is named in ``folder``."""

    async def run() -> None:
        async with open_neighbourhood(folder, homes, now) as neighbourhood:
            await neighbourhood.found()

    asyncio.run(run())
