"""Settings from variables, from an app's options, and from the Supervisor."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml  # type: ignore[import-untyped]
from aiohttp import web
from energy_swap_edge.__main__ import configuration
from energy_swap_edge.config import ConfigError, MqttConfig, config_from, options_of_environment
from energy_swap_edge.keys import keep_passphrase
from energy_swap_edge.supervisor import mqtt_service, set_options

ADDON = Path(__file__).parents[2] / "addon"
OPTIONS: dict[str, Any] = {
    "name": "Amina's house", "phone": "254712345678", "hub_url": "https://hub.example/", "community": "umoja",
    "meter": "AB" * 32, "rated_pv_w": 3000, "main_breaker_w": 9200, "mqtt_host": "core-mosquitto",
}  # fmt: skip


@asynccontextmanager
async def supervisor(*routes: web.RouteDef) -> AsyncIterator[str]:
    """Serve what the Supervisor answers; give its address."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_variables_go_before_the_apps_options(tmp_path: Path) -> None:
    options = tmp_path / "options.json"
    options.write_bytes(msgspec.json.encode(OPTIONS | {"sell_at_least": 1500, "latitude": -1.3, "passphrase": ""}))
    environment = {"ENERGY_SWAP_NAME": "Baraka", "ENERGY_SWAP_API_PORT": "0", "ENERGY_SWAP_ZEROCONF": "yes"}
    config = await configuration(environment, options)
    assert (config.name, config.api_port, config.zeroconf) == ("Baraka", 0, True)
    assert (config.sell_at_least, config.buy_at_most, config.latitude) == (1500, None, -1.3)
    assert (config.hub_url, config.meter) == ("https://hub.example", "ab" * 32)
    assert config.mqtt == MqttConfig(host="core-mosquitto")
    assert config.passphrase is None
    assert config.data_dir == tmp_path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": None}, "ENERGY_SWAP_NAME"),
        ({"meter": "xyz"}, "64 lower-case hex"),
        ({"phone": "0712345678"}, "M-Pesa"),
        ({"rated_pv_w": "3 kW"}, "whole number"),
        ({"hub_url": "hub.example"}, "http"),
        ({"mqtt_host": ""}, "mqtt_host"),
        ({"time_zone": "Africa/Nowhere"}, "Nairobi"),
        ({"sell_at_least": 200_000}, "cents per kWh"),
        ({"latitude": "south"}, "degrees"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config_from(OPTIONS | change, data_dir=tmp_path)


def test_secrets_do_not_show(tmp_path: Path) -> None:
    given = OPTIONS | {"mqtt_password": "hush-mqtt", "passphrase": "hush-pass"}
    assert "hush" not in repr(config_from(given, data_dir=tmp_path))


def test_only_our_variables_count() -> None:
    assert options_of_environment({"HOME": "/", "ENERGY_SWAP_HUB_URL": "x"}) == {"hub_url": "x"}


async def test_the_supervisor_names_the_broker() -> None:
    asked: list[str] = []

    async def service(request: web.Request) -> web.Response:
        asked.append(request.headers["Authorization"])
        if len(asked) > 1:
            return web.json_response({"result": "error"}, status=400)
        data = {
            "host": "core-mosquitto",
            "port": 8883,
            "username": "u",
            "password": "p",
            "ssl": True,
            "addon": "x",
        }
        return web.json_response({"result": "ok", "data": data})

    async with supervisor(web.get("/services/mqtt", service)) as url:
        found = await mqtt_service("token", url)
        assert found == MqttConfig(host="core-mosquitto", port=8883, username="u", password="p", tls=True)
        assert asked == ["Bearer token"]
        with pytest.raises(ConfigError, match="Mosquitto"):
            await mqtt_service("token", url)


async def test_the_supervisor_is_given_other_options() -> None:
    given: list[tuple[str, Any]] = []

    async def options(request: web.Request) -> web.Response:
        given.append((request.headers["Authorization"], await request.json()))
        return web.json_response({"result": "ok"}, status=200 if len(given) == 1 else 400)

    async with supervisor(web.post("/addons/self/options", options)) as url:
        assert await set_options("token", {"name": "Amina"}, url)
        assert given == [("Bearer token", {"options": {"name": "Amina"}})]
        assert not await set_options("token", {"nick": "Amina"}, url)
    assert not await set_options("token", {}, url)  # the Supervisor is away


async def test_the_passphrase_that_the_app_keeps_is_taken_unless_another_is_given(tmp_path: Path) -> None:
    options = tmp_path / "options.json"
    options.write_bytes(msgspec.json.encode(OPTIONS))
    keep_passphrase(tmp_path, "kept")
    assert (await configuration({}, options)).passphrase == "kept"
    options.write_bytes(msgspec.json.encode(OPTIONS | {"passphrase": "new"}))
    assert (await configuration({}, options)).passphrase == "new"


def test_the_apps_options_are_the_edges_options() -> None:
    app = yaml.safe_load((ADDON / "config.yaml").read_text())
    for language in ("en", "sw"):
        texts = yaml.safe_load((ADDON / f"translations/{language}.yaml").read_text())
        assert set(texts["configuration"]) == set(app["schema"]), language
        assert all(set(text) == {"name", "description"} for text in texts["configuration"].values()), language
    example = {
        name: OPTIONS.get(name) or app["options"].get(name) or {"float?": 1.0}.get(kind, 2)
        for name, kind in app["schema"].items()
    }
    example |= {"time_zone": "Africa/Nairobi", "mqtt_tls": False, "mqtt_version": "5"}
    config = config_from(example, data_dir=Path("/data"))
    read = {"latitude", "longitude", "sell_at_least", "buy_at_most", "time_zone", "rated_pv_w", "main_breaker_w"}
    assert all(getattr(config, name) is not None for name in read)
    assert app["slug"] == "energy_swap_edge"
    assert set(app["options"]) <= set(app["schema"])
