"""Weather by tier, against a server that answers as Open-Meteo does."""

import logging
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from energy_swap_edge.forecast.history import History, Site
from energy_swap_edge.forecast.model import make_forecast
from energy_swap_edge.forecast.weather.home_assistant import HomeAssistantWeather, weather_of
from energy_swap_edge.forecast.weather.keeper import FILE, WeatherKeeper
from energy_swap_edge.forecast.weather.open_meteo import OpenMeteo
from energy_swap_edge.forecast.weather.source import WeatherError

from .conftest import MakeEdge
from .test_local_api import connected

NOW = datetime(2026, 11, 20, 9, 10, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0, minute=0)


class Server:
    """Open-Meteo's shape: preceding-hour means for radiation, Unix times, nulls where a model ends."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: Any = None
        self.radiation = 500.0
        self.url = ""

    def document(self) -> dict[str, Any]:
        start = int((MIDNIGHT - timedelta(days=1)).timestamp())
        hours = 24 * 5
        return {
            "latitude": -1.25,
            "longitude": 36.75,
            "generationtime_ms": 0.3,
            "utc_offset_seconds": 0,
            "hourly_units": {"time": "unixtime", "shortwave_radiation": "W/m²"},
            "hourly": {
                "time": [start + 3600 * n for n in range(hours)],
                "shortwave_radiation": [self.radiation + n for n in range(hours)],
                "direct_normal_irradiance": [300.0] * hours,
                "diffuse_radiation": [100.0] * hours,
                "precipitation": [0.0] * hours,
                "temperature_2m": [20.0 + n for n in range(hours - 1)] + [None],
                "cloud_cover": [50] * hours,
                "relative_humidity_2m": [60] * hours,
                "wind_speed_10m": [9.5] * hours,
            },
        }

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        body = self.document() if self.body is None else self.body
        return web.json_response(body, status=self.status, headers=self.headers)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_get("/v1/forecast", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def source(server: Server) -> AsyncIterator[OpenMeteo]:
    async with aiohttp.ClientSession() as session:
        yield OpenMeteo(session, -1.286412, 36.817223, url=server.url)


async def test_radiation_is_moved_to_the_hour_it_was_measured_in(source: OpenMeteo, server: Server) -> None:
    weather = await source.fetch(NOW)
    assert weather.tier == "live"
    assert weather.start == MIDNIGHT - timedelta(days=1)
    assert weather.columns["shortwave_radiation"][:2].tolist() == [501.0, 502.0]
    assert weather.columns["temperature_2m"][:2].tolist() == [20.0, 21.0]
    assert math.isnan(weather.columns["temperature_2m"][-1])
    assert server.asked[0]["latitude"] == "-1.29"
    assert server.asked[0]["timeformat"] == "unixtime"
    assert "apikey" not in server.asked[0]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": True, "reason": "no"}, "something else"),
        (
            {"hourly": {"time": [0, 3600], "shortwave_radiation": [1.0]}},
            "1 values of shortwave_radiation for 2 hours",
        ),
        ({"hourly": {"time": [0, 1800], "shortwave_radiation": [1.0, 2.0]}}, "full hours"),
        ({"hourly": {"time": [0, 3600], "shortwave_radiation": [None, None]}}, "no shortwave_radiation"),
    ],
)
async def test_what_is_no_forecast_is_refused(source: OpenMeteo, server: Server, body: Any, words: str) -> None:
    server.body = body
    with pytest.raises(WeatherError, match=words):
        await source.fetch(NOW)


async def test_a_fresh_forecast_serves_until_it_is_old_and_the_source_is_asked_once_an_hour(
    source: OpenMeteo, server: Server, tmp_path: Path
) -> None:
    keeper = WeatherKeeper([source], tmp_path)
    for minutes in range(0, 60, 5):
        assert (await keeper.weather(NOW + timedelta(minutes=minutes))).tier == "live"
    assert len(server.asked) == 1
    await keeper.weather(NOW + timedelta(minutes=61))
    assert len(server.asked) == 2


async def test_tiers_follow_one_another_when_the_source_fails(
    source: OpenMeteo, server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = WeatherKeeper([source], tmp_path)
    await keeper.weather(NOW)
    server.status = 503
    tiers = [(await keeper.weather(NOW + timedelta(hours=hours))).tier for hours in range(1, 60)]
    assert tiers[0] == "live"
    assert tiers[10] == "cached"
    assert tiers[-1] == "history"
    assert len(server.asked) < 20
    assert len([one for one in caplog.records if one.levelno == logging.WARNING]) == 1
    # Restarted without network: what was kept is there.
    server.status = 503
    again = WeatherKeeper([source], tmp_path)
    weather = again.known(NOW + timedelta(hours=10))
    assert weather.tier == "cached"
    assert weather.source == "Open-Meteo"
    assert weather.issued_at == NOW


async def test_told_to_wait_the_source_is_left_alone(source: OpenMeteo, server: Server, tmp_path: Path) -> None:
    server.status, server.headers = 429, {"Retry-After": "7200"}
    keeper = WeatherKeeper([source], tmp_path)
    for minutes in range(0, 115, 5):
        await keeper.weather(NOW + timedelta(minutes=minutes))
    assert len(server.asked) == 1


async def test_the_past_is_kept_as_it_was_forecast_not_as_it_was_known_later(
    source: OpenMeteo, server: Server, tmp_path: Path
) -> None:
    keeper = WeatherKeeper([source], tmp_path)
    await keeper.weather(NOW)
    server.radiation = 900.0
    later = NOW + timedelta(hours=30)
    weather = await keeper.weather(later)
    hour = int((later - weather.start).total_seconds()) // 3600
    assert weather.columns["shortwave_radiation"][hour - 3] < 800
    assert weather.columns["shortwave_radiation"][hour + 1] > 900


async def test_a_broken_cache_is_begun_anew(source: OpenMeteo, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"PK\x03\x04 not a cache")
    keeper = WeatherKeeper([source], tmp_path)
    assert keeper.known(NOW).tier == "history"
    assert (await keeper.weather(NOW)).tier == "live"


async def test_home_assistant_stands_in_where_the_server_cannot_be_reached(
    source: OpenMeteo, server: Server, tmp_path: Path
) -> None:
    server.status = 500
    home = HomeAssistantWeather()
    home.put(
        [
            {"datetime": (MIDNIGHT + timedelta(hours=n)).isoformat(), "condition": "cloudy", "temperature": 21.5}
            for n in range(48)
        ],
        NOW,
    )
    weather = await WeatherKeeper([source, home], tmp_path).weather(NOW)
    assert (weather.tier, weather.source) == ("live", "Home Assistant")
    assert np.nanmax(weather.columns["cloud_cover"]) == 90


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [{"datetime": "soon", "condition": "sunny"}] * 2,
        [{"datetime": f"2026-11-20T0{n}:00:00", "condition": "sunny"} for n in range(3)],
        [{"datetime": f"2026-11-20T0{n}:00:00+00:00", "temperature": 3} for n in range(3)],
        [{"datetime": f"20{n}6-11-20T00:00:00+00:00", "condition": "sunny"} for n in range(2, 4)],
    ],
)
def test_what_home_assistant_cannot_mean_is_refused(entries: list[dict[str, Any]]) -> None:
    with pytest.raises(WeatherError):
        weather_of(entries, NOW)


async def test_the_first_day_follows_the_weather_by_physics(
    source: OpenMeteo, server: Server, tmp_path: Path
) -> None:
    site = Site(ZoneInfo("Africa/Nairobi"), rated_w=3000, latitude=-1.29, longitude=36.82)
    nothing = History(NOW.replace(minute=0), np.zeros(0), np.zeros(0))
    made = {}
    for radiation in (50.0, 500.0):
        server.radiation = radiation
        (folder := tmp_path / str(radiation)).mkdir()
        weather = await WeatherKeeper([source], folder).weather(NOW)
        made[radiation] = make_forecast(nothing, site, weather, NOW)
    assert [one.tier for one in made.values()] == ["live", "live"]
    assert [one.weather_source for one in made.values()] == ["Open-Meteo", "Open-Meteo"]
    assert made[500.0].days[1].production_wh.p50 > 2 * made[50.0].days[1].production_wh.p50


async def test_a_paired_client_hands_in_the_weather(make_edge: MakeEdge) -> None:
    hours = [
        {"datetime": f"2026-11-20T{hour:02}:00:00+03:00", "condition": "sunny", "temperature": 24}
        for hour in range(12)
    ]
    async with make_edge() as edge, connected(edge) as client:
        assert (await client.command("report_weather", forecast=hours))["result"] == {"hours": 12}
        told = await edge.weather.fetch(datetime(2026, 11, 20, 2, tzinfo=UTC))
        assert told.columns["temperature_2m"][0] == 24
        for wrong in ({}, {"forecast": "sunny"}, {"forecast": [1]}, {"forecast": [{"datetime": "noon"}]}):
            refused = await client.command("report_weather", **wrong)
            assert refused["error"]["code"] == "invalid_data"
            assert refused["error"]["message"].startswith("forecast: ")
