"""When the edge learns of its home: once a night by the household's clock, and at once after a start."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from energy_swap_edge.config import EdgeConfig, MqttConfig
from energy_swap_edge.forecast.renewal import ForecastKeeper
from energy_swap_edge.state import LiveState, unix
from energy_swap_edge.store import Store

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)  # the night after, clocks in Berlin go from 02:00 to 03:00
HOUR = timedelta(hours=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A household's store with the quarters of nine days, as they were rolled up from its meter."""
    opened = await Store.open(tmp_path)
    first = int(NOON.timestamp()) - 7 * 86_400

    def fill(db: sqlite3.Connection) -> None:
        rows = [(first + 900 * n, 20, 80, 60 * (6 <= n // 4 % 24 < 18)) for n in range(9 * 96)]
        db.executemany("INSERT INTO quarter VALUES (?, ?, ?, ?, 0, 0, 0)", rows)

    await opened.write(fill)
    yield opened
    await opened.close()


class Household:
    """An edge's forecasts in a household of ``zone``, and its clock."""

    def __init__(self, store: Store, folder: Path, zone: str) -> None:
        self.now = NOON
        self.zone = ZoneInfo(zone)
        self._store = store
        self._config = EdgeConfig(
            data_dir=folder, name="a home", phone="254700000001", hub_url="http://127.0.0.1:1", community="c",
            mqtt=MqttConfig(host="127.0.0.1"), meter="00" * 32, rated_pv_w=3000, main_breaker_w=9200,
            latitude=-1.3, longitude=36.8, time_zone=zone,
        )  # fmt: skip
        self.start()

    def start(self) -> None:
        """Start the edge, again if it ran."""
        self.keeper = ForecastKeeper(self._config, self._store, LiveState(unix(self.clock)), self.clock)

    def clock(self) -> datetime:
        return self.now

    async def live(self, until: datetime) -> list[datetime]:
        """Renew the forecast now and then, each hour of the night; return when the home was learned of."""
        learned = []
        while self.now < until:
            before = self.keeper.learned_at
            await self.keeper.renew()
            assert self.keeper.newest is not None
            assert self.keeper.newest.made_at == self.now
            if self.keeper.learned_at != before:
                assert self.keeper.learned_at == self.now
                learned.append(self.now.astimezone(self.zone))
            is_night = 1 <= self.now.astimezone(self.zone).hour < 3
            self.now += HOUR if is_night else 2 * HOUR
        return learned


@pytest.mark.parametrize("zone", ["Africa/Nairobi", "Europe/Berlin"])
async def test_the_home_is_learned_of_once_a_night_at_two_by_its_own_clock(
    store: Store, tmp_path: Path, zone: str
) -> None:
    home = Household(store, tmp_path, zone)
    first, *nights = await home.live(NOON + timedelta(days=2))
    assert first == NOON
    assert len(nights) == 2
    assert nights[1].date() - nights[0].date() == timedelta(days=1)
    skipped = zone == "Europe/Berlin"  # that night has no two o'clock
    assert [(one.hour, one.minute) for one in nights] == [(3 if skipped else 2, 0), (2, 0)]


async def test_after_a_restart_it_is_done_at_once_and_then_again_once_a_night(
    store: Store, tmp_path: Path
) -> None:
    home = Household(store, tmp_path, "Africa/Nairobi")
    until = [NOON + timedelta(hours=hours) for hours in (3, 20, 36)]
    learned = []
    for moment in until:
        learned += await home.live(moment)
        home.start()
    times = [f"{one:%d %H:%M}" for one in learned]
    assert times == ["28 15:00", "28 19:00", "29 02:00", "29 11:00", "30 02:00"]


async def test_a_clock_that_was_ahead_does_not_keep_the_home_from_being_learned_of(
    store: Store, tmp_path: Path
) -> None:
    home = Household(store, tmp_path, "Africa/Nairobi")
    home.now = NOON + timedelta(days=1)
    await home.keeper.renew()
    home.now = NOON
    assert [one.astimezone(UTC) for one in await home.live(NOON + HOUR)] == [NOON]
