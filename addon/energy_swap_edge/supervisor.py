"""Home Assistant's Supervisor: where the MQTT broker is, where this edge is, and what the app's options are."""

from collections.abc import Mapping
from typing import Any, Final

import aiohttp
import msgspec

from .config import ConfigError, MqttConfig

URL: Final = "http://supervisor"
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)


class _Service(msgspec.Struct, frozen=True):
    host: str
    port: int
    username: str | None = None
    password: str | None = None
    ssl: bool = False


class _Answer(msgspec.Struct, frozen=True):
    data: _Service


async def mqtt_service(token: str, url: str = URL) -> MqttConfig:
    """Return the broker that Home Assistant's MQTT app offers; raises `ConfigError` where there is none."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.get(f"{url}/services/mqtt", headers={"Authorization": f"Bearer {token}"}) as response,
        ):
            if response.status != 200:
                raise ConfigError(
                    "Home Assistant has no MQTT broker; install the Mosquitto broker app, or set mqtt_host"
                )
            service = msgspec.json.decode(await response.read(), type=_Answer).data
    except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
        raise ConfigError(f"the Supervisor does not say where the MQTT broker is: {error}") from None
    return MqttConfig(
        host=service.host,
        port=service.port,
        username=service.username,
        password=service.password,
        tls=service.ssl,
    )


async def announce(token: str, config: dict[str, Any], url: str = URL) -> bool:
    """Tell Home Assistant where this edge is and how to come in; return whether the Supervisor took it."""
    return await _post(token, f"{url}/discovery", {"service": "energy_swap", "config": config})


async def set_options(token: str, options: Mapping[str, Any], url: str = URL) -> bool:
    """Give this app other options, all of them; return whether the Supervisor took them."""
    return await _post(token, f"{url}/addons/self/options", {"options": options})


async def _post(token: str, url: str, body: Mapping[str, Any]) -> bool:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.post(url, data=msgspec.json.encode(body), headers=headers) as response,
        ):
            return response.status == 200
    except aiohttp.ClientError, TimeoutError:
        return False
