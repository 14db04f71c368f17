"""A village of any size, opened as a hub opens its own, on a database that may die after a commit."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, override

from energy_swap_hub.chain.localnet.service import LocalnetService
from energy_swap_hub.config import CommunityConfig, RewardPolicy
from energy_swap_hub.data_folder import locked_data_folder
from energy_swap_hub.settlement.settings import Change, change_settings
from energy_swap_hub.storage import Database
from solana.rpc.async_api import AsyncClient
from solders.pubkey import Pubkey
from sqlalchemy import Connection

from tests.hub.village import APPROVERS, MPESA, OPENED, VILLAGE, Home, Village, community, database_of

from .mortality import Mortality, Place


@dataclass(frozen=True, slots=True)
class Times:
    """When a neighbourhood's market opens, by which rules, and from when its periods last an hour, if ever."""

    opens: datetime
    rules: CommunityConfig
    lengthened: datetime | None = None


def _times(opens: datetime, lengthened: datetime | None = None, **rules: Any) -> Times:
    rewards = RewardPolicy(cents_per_kwh=100, fund_percent=40)
    return Times(opens, community(opened_at=opens, rewards=rewards, **rules), lengthened)


AT_NOON: Final = _times(OPENED)
# Five hours before a midnight at which periods become an hour long, with the evening's payouts on the way.
ACROSS_LENGTHS: Final = _times(OPENED + timedelta(hours=10), datetime(2026, 11, 21, tzinfo=UTC), payout_hour=23)
# Members order a week ahead, and know by then how long the periods are.
_NOTICE: Final = timedelta(days=10)


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
        rules: CommunityConfig,
    ) -> None:
        super().__init__(folder, database, localnet, client, now, rules, MPESA)
        self.homes = homes

    @property
    def approvers(self) -> list[Pubkey]:
        return [key.pubkey() for key in APPROVERS]


@asynccontextmanager
async def open_neighbourhood(
    folder: Path,
    homes: tuple[Home, ...],
    now: datetime,
    mortality: Mortality | None = None,
    rules: CommunityConfig = AT_NOON.rules,
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
        neighbourhood = Neighbourhood(folder, database, localnet, client, now, homes, rules)
        opened.append(neighbourhood)
        await neighbourhood.chain.open_community(VILLAGE, neighbourhood.approvers, 2)
        yield neighbourhood


def found(folder: Path, homes: tuple[Home, ...], times: Times) -> None:
    """Found the neighbourhood whose database is named in ``folder``, a minute after its market opened."""

    async def run() -> None:
        now = times.opens + timedelta(minutes=1)
        async with open_neighbourhood(folder, homes, now, rules=times.rules) as neighbourhood:
            await neighbourhood.found()
            if times.lengthened is not None:
                said: dict[str, Any] = {"who": "office", "reason": "fewer bills", "now": now - _NOTICE}
                wish, since = Change(period_minutes=60), times.lengthened
                await neighbourhood.database.write(lambda c: change_settings(c, times.rules, wish, since, **said))

    asyncio.run(run())
