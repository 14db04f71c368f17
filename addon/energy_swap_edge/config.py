"""What one household's edge must be told, from the environment or from a Home Assistant app's options."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

PREFIX: Final = "ENERGY_SWAP_"
_METER_KEY: Final = re.compile(r"[0-9a-f]{64}")
_PHONE: Final = re.compile(r"254[17][0-9]{8}")


class ConfigError(ValueError):
    """A setting is missing or wrong; the text names it and says what it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttConfig:
    """Where the meter's MQTT broker is. ``ca_file`` replaces the system's certificate authorities.

    ``version`` auto: MQTT 5, and 3.1.1 with a broker that does not know it.
    """

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca_file: Path | None = None
    version: Literal["auto", "5", "3.1.1"] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeConfig:
    """One household.

    ``meter`` is the meter's public key in lower-case hex, ``phone`` an M-Pesa number as ``2547…``,
    ``sell_at_least`` and ``buy_at_most`` (cents per kWh) become the standing order at first admission,
    ``api_port`` 0 takes any free port. ``latitude`` and ``longitude`` are degrees, north and east positive;
    without ``latitude`` there is no forecast before three days have been measured. ``panel_tilt`` is degrees
    from level, ``panel_azimuth`` clockwise from north; unsaid, they are guessed and what is wrong is learned.
    ``weather_url`` is Open-Meteo's or a server that answers like it; without it forecasts use no weather.
    ``passphrase`` protects the household's key; without it a secret file beside the key does.
    The status page is served at ``status_port`` (None: not at all), to ``status_peers`` only where they are given.
    A battery of ``battery_wh`` that charges and gives at most ``battery_power_w`` is not used below
    ``battery_floor_wh``; 0: there is none. The hub may burn up to ``allowance_wh`` for consumption; below
    ``allowance_low_wh`` it is granted anew.
    """

    data_dir: Path
    name: str
    phone: str
    hub_url: str
    community: str
    mqtt: MqttConfig
    meter: str
    rated_pv_w: int
    main_breaker_w: int
    api_host: str = "0.0.0.0"
    api_port: int = 8480
    zeroconf: bool = False
    latitude: float | None = None
    longitude: float | None = None
    panel_tilt: float | None = None
    panel_azimuth: float | None = None
    weather_url: str | None = None
    weather_api_key: str | None = field(default=None, repr=False)
    time_zone: str = "Africa/Nairobi"
    sell_at_least: int | None = None
    buy_at_most: int | None = None
    passphrase: str | None = field(default=None, repr=False)
    allowance_wh: int = 50_000
    allowance_low_wh: int = 20_000
    status_host: str = "127.0.0.1"
    status_port: int | None = None
    status_peers: tuple[str, ...] | None = None
    battery_wh: int = 0
    battery_power_w: int = 0
    battery_floor_wh: int = 0

    def __post_init__(self) -> None:
        if not _METER_KEY.fullmatch(self.meter):
            raise ConfigError("meter is the meter's public key: 64 lower-case hex digits, printed by the meter")
        if not _PHONE.fullmatch(self.phone):
            raise ConfigError("phone is an M-Pesa number such as 254712345678")
        if not self.hub_url.startswith(("http://", "https://")):
            raise ConfigError("hub_url begins with http:// or https://")
        if not 1 <= len(self.name) <= 80 or not 1 <= len(self.community) <= 80:
            raise ConfigError("name and community have 1 to 80 characters")
        if not 0 <= self.rated_pv_w <= 1_000_000 or not 0 < self.main_breaker_w <= 1_000_000:
            raise ConfigError("rated_pv_w and main_breaker_w are watts, at most 1000000")
        for limit in (self.sell_at_least, self.buy_at_most):
            if limit is not None and not 0 < limit <= 100_000:
                raise ConfigError("sell_at_least and buy_at_most are cents per kWh, 1 to 100000")
        if not 0 <= self.battery_floor_wh <= self.battery_wh <= 10_000_000:
            raise ConfigError("battery_floor_wh lies between 0 and battery_wh, at most 10000000")
        if self.battery_wh and not 0 < self.battery_power_w <= 1_000_000:
            raise ConfigError("battery_power_w is watts, 1 to 1000000, where there is a battery")
        _check_forecast_settings(self)
        if not 0 < self.allowance_low_wh <= self.allowance_wh <= 10_000_000:
            raise ConfigError("allowance_low_wh lies between 1 and allowance_wh, at most 10000000")
        try:
            ZoneInfo(self.time_zone)
        except ZoneInfoNotFoundError, ValueError:
            raise ConfigError(f"time_zone {self.time_zone!r} is unknown; an example is Africa/Nairobi") from None


def _check_forecast_settings(config: EdgeConfig) -> None:
    if config.panel_tilt is not None and not 0 <= config.panel_tilt <= 90:
        raise ConfigError("panel_tilt is degrees from level, 0 to 90")
    if config.panel_azimuth is not None and not 0 <= config.panel_azimuth <= 360:
        raise ConfigError("panel_azimuth is degrees clockwise from north, 0 to 360; south is 180")
    if config.weather_url is not None and not config.weather_url.startswith(("http://", "https://")):
        raise ConfigError("weather_url begins with http:// or https://, for example https://api.open-meteo.com")


def config_from(options: Mapping[str, Any], *, data_dir: Path, mqtt: MqttConfig | None = None) -> EdgeConfig:
    """Return the configuration in flat ``options`` (JSON values or environment texts).

    ``mqtt`` is used where the options name no ``mqtt_host``. Empty texts count as not given. Raises `ConfigError`.
    """
    given = {name: value for name, value in options.items() if value is not None and value != ""}
    if "mqtt_host" in given:
        ca_file = given.get("mqtt_ca_file")
        mqtt = MqttConfig(
            host=str(given["mqtt_host"]),
            port=_whole(given, "mqtt_port", 1883),
            username=_text(given, "mqtt_username"),
            password=_text(given, "mqtt_password"),
            tls=_is_true(given, "mqtt_tls"),
            ca_file=Path(ca_file) if ca_file else None,
            version=_mqtt_version(given),
        )
    if mqtt is None:
        raise ConfigError("mqtt_host is missing: the address of the MQTT broker")
    config = EdgeConfig(
        data_dir=Path(given.get("data_dir", data_dir)),
        name=_needed(given, "name"),
        phone=_needed(given, "phone"),
        hub_url=_needed(given, "hub_url").rstrip("/"),
        community=_needed(given, "community"),
        mqtt=mqtt,
        meter=_needed(given, "meter").lower(),
        rated_pv_w=_whole(given, "rated_pv_w", None),
        main_breaker_w=_whole(given, "main_breaker_w", None),
        zeroconf=_is_true(given, "zeroconf"),
        latitude=_decimal(given, "latitude"),
        longitude=_decimal(given, "longitude"),
        panel_tilt=_decimal(given, "panel_tilt"),
        panel_azimuth=_decimal(given, "panel_azimuth"),
        weather_url=_text(given, "weather_url"),
        weather_api_key=_text(given, "weather_api_key"),
        sell_at_least=_whole(given, "sell_at_least", 0) or None,
        buy_at_most=_whole(given, "buy_at_most", 0) or None,
        passphrase=_text(given, "passphrase"),
    )
    return replace(
        config,
        api_host=str(given.get("api_host", config.api_host)),
        api_port=_whole(given, "api_port", config.api_port),
        time_zone=str(given.get("time_zone", config.time_zone)),
        allowance_wh=_whole(given, "allowance_wh", config.allowance_wh),
        allowance_low_wh=_whole(given, "allowance_low_wh", config.allowance_low_wh),
        status_host=str(given.get("status_host", config.status_host)),
        status_port=_whole(given, "status_port", -1) if "status_port" in given else None,
        battery_wh=_whole(given, "battery_wh", 0),
        battery_power_w=_whole(given, "battery_power_w", 0),
        battery_floor_wh=_whole(given, "battery_floor_wh", 0),
    )


def options_of_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the options in ``ENERGY_SWAP_*`` variables: ``ENERGY_SWAP_HUB_URL`` is ``hub_url``."""
    return {
        name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name.startswith(PREFIX)
    }


def _text(given: Mapping[str, Any], name: str) -> str | None:
    return str(given[name]) if name in given else None


def _needed(given: Mapping[str, Any], name: str) -> str:
    if name not in given:
        raise ConfigError(f"{name} is missing (option {name} or variable {PREFIX}{name.upper()})")
    return str(given[name])


def _whole(given: Mapping[str, Any], name: str, otherwise: int | None) -> int:
    if name not in given and otherwise is not None:
        return otherwise
    text = _needed(given, name)
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f"{name} is a whole number, not {text!r}") from None


def _decimal(given: Mapping[str, Any], name: str) -> float | None:
    if name not in given:
        return None
    try:
        return float(given[name])
    except ValueError:
        raise ConfigError(f"{name} is a number of degrees, not {given[name]!r}") from None


def _mqtt_version(given: Mapping[str, Any]) -> Literal["auto", "5", "3.1.1"]:
    match str(given.get("mqtt_version", "auto")):
        case "auto" | "5" | "3.1.1" as version:
            return version
        case other:
            raise ConfigError(f"mqtt_version is auto, 5 or 3.1.1, not {other!r}")


def _is_true(given: Mapping[str, Any], name: str) -> bool:
    return str(given.get(name, "false")).lower() in {"1", "true", "yes", "on"}
