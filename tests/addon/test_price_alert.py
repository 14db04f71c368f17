"""A price far from the week's average is told when it gets there, once, and not anew by a restart."""

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from energy_swap_edge.config import config_from
from energy_swap_edge.counsel import Counsel
from energy_swap_edge.events import EventLog
from energy_swap_edge.history.periods import History
from energy_swap_edge.housekeeping import Housekeeping
from energy_swap_edge.hub_client import HubClient
from energy_swap_edge.outlook import Outlook
from energy_swap_edge.settings import OwnSettings
from energy_swap_edge.state import LiveState
from energy_swap_edge.store import Store

from .test_config import OPTIONS

START = 1_795_168_800
AVERAGE = 1_000


class Neighbourhood:
    """What an edge hears of prices, period by period; it can be started anew."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._now = START

    async def start(self) -> None:
        self._state = LiveState(self._now)
        tariffs = {"retail_tariff": 2_500, "feed_in_tariff": 500, "fees": 100, "period_minutes": 30}
        self._state.set("tariffs", tariffs | {"period_change": None})
        history, self._events = History(self._store), EventLog(self._store)

        def clock() -> datetime:
            return datetime.fromtimestamp(self._now, UTC)

        hub = cast("HubClient", None)  # who advises asks nobody
        housekeeping = Housekeeping(
            self._store, history, self._events, hub, state=self._state, clock=clock, rolled_up=lambda: None
        )
        config = config_from(OPTIONS, data_dir=self._folder)
        settings = await OwnSettings.load(self._store)
        self._counsel = Counsel(
            config, history, self._events, Outlook(), housekeeping, settings, state=self._state, clock=clock
        )

    async def clears_at(self, cents: int | None, average: int | None = AVERAGE) -> list[int]:
        """Let a period clear; return the percentages of all alerts so far."""
        self._now += 1_800
        period = datetime.fromtimestamp(self._now - 1_800, UTC).strftime("%Y-%m-%dT%H:%MZ")
        self._state.set("market", {"period": period, "clearing_cents_per_kwh": cents})
        self._state.set("guidance", {"week_average": average})
        for _ in range(2):  # an edge advises more often than periods are settled
            await self._counsel.renew()
        return [event["data"]["percent"] for event in await self._events.after(0)]

    def nothing_for(self, seconds: int) -> None:
        self._now += seconds


async def test_an_alert_is_told_when_the_price_leaves_the_weeks_average(tmp_path: Path) -> None:
    store = await Store.open(tmp_path)
    prices = Neighbourhood(store, tmp_path)
    await prices.start()
    assert await prices.clears_at(1_300, average=None) == []  # nobody knows yet what is usual
    assert await prices.clears_at(None) == []
    assert await prices.clears_at(850) == [-15]  # far from the average as soon as there is one
    assert await prices.clears_at(700) == [-15]
    assert await prices.clears_at(1_200) == [-15, 20]
    assert await prices.clears_at(1_140) == [-15, 20]
    assert await prices.clears_at(1_150) == [-15, 20, 15]

    await prices.start()
    assert await prices.clears_at(1_400) == [-15, 20, 15]  # it was told shortly before the restart
    assert await prices.clears_at(800) == [-15, 20, 15, -20]
    prices.nothing_for(86_400)
    await prices.start()
    assert await prices.clears_at(800) == [-15, 20, 15, -20, -20]  # that was yesterday
    await store.close()
