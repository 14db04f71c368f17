"""A meter whose registers are integers and whose readings are signed."""

import esphome.codegen as cg
import esphome.config_validation as cv
import esphome.final_validate as fv
from esphome.const import CONF_ID, CONF_POWER, CONF_TIME_ID, ENTITY_CATEGORY_DIAGNOSTIC
from esphome.core import CORE
from esphome.types import ConfigType

from esphome.components import sensor, text_sensor, time

CODEOWNERS = ["@energy-swap"]
DEPENDENCIES = ["sensor", "time"]

CONF_BROKER = "broker"
CONF_FEED = "feed"
CONF_GENERATION = "generation"
CONF_PUBLIC_KEY = "public_key"

# The port by Espressif contains Ed25519 signing; the one of ESPHome (esphome/libsodium) leaves it out.
LIBSODIUM_VERSION = "1.0.22"

energy_swap_meter_ns = cg.esphome_ns.namespace("energy_swap_meter")
EnergySwapMeter = energy_swap_meter_ns.class_("EnergySwapMeter", cg.Component)


def AUTO_LOAD() -> list[str]:  # noqa: N802 ESPHome's name
    """Return the components that are always needed."""
    return ["text_sensor"]


def _on_its_platform(config: ConfigType) -> ConfigType:
    if CORE.is_host:
        return cv.has_at_least_one_key(CONF_BROKER)(config)
    for key in (CONF_BROKER, CONF_FEED):
        if key in config:
            raise cv.Invalid(
                "only for the host platform; a device uses the mqtt component and sensors", path=[key]
            )
    return cv.requires_component("mqtt")(config)


CONFIG_SCHEMA = cv.All(
    cv.Schema(
        {
            cv.GenerateID(): cv.declare_id(EnergySwapMeter),
            cv.GenerateID(CONF_TIME_ID): cv.use_id(time.RealTimeClock),
            # Watts; the household's import is positive and its export negative.
            cv.Required(CONF_POWER): cv.use_id(sensor.Sensor),
            cv.Optional(CONF_GENERATION): cv.use_id(sensor.Sensor),
            cv.Optional(CONF_PUBLIC_KEY): text_sensor.text_sensor_schema(
                icon="mdi:key", entity_category=ENTITY_CATEGORY_DIAGNOSTIC
            ),
            # "[user[:password]@]host:port" and "host:port"; ENERGY_SWAP_MQTT and ENERGY_SWAP_FEED win over them.
            cv.Optional(CONF_BROKER): cv.string_strict,
            cv.Optional(CONF_FEED): cv.string_strict,
        }
    ).extend(cv.COMPONENT_SCHEMA),
    cv.only_on(["esp32", "host"]),
    _on_its_platform,
)


def FINAL_VALIDATE_SCHEMA(config: ConfigType) -> ConfigType:  # noqa: N802 ESPHome's name
    """Refuse what would link a libsodium that cannot sign."""
    if CORE.is_esp32 and "noise" in fv.full_config.get():
        raise cv.Invalid(
            "api or ota encryption brings a libsodium without signing, under the same name; "
            "leave encryption out and keep the meter on MQTT with TLS"
        )
    return config


async def to_code(config: ConfigType) -> None:
    """Write the C++ that sets the meter up."""
    var = cg.new_Pvariable(config[CONF_ID])
    await cg.register_component(var, config)
    cg.add(var.set_clock(await cg.get_variable(config[CONF_TIME_ID])))
    cg.add(var.set_power_sensor(await cg.get_variable(config[CONF_POWER])))
    if CONF_GENERATION in config:
        cg.add(var.set_generation_sensor(await cg.get_variable(config[CONF_GENERATION])))
    if CONF_PUBLIC_KEY in config:
        cg.add(var.set_public_key_sensor(await text_sensor.new_text_sensor(config[CONF_PUBLIC_KEY])))
    if CORE.is_host:
        cg.add_build_flag("-lsodium")
        cg.add(var.set_broker(config[CONF_BROKER]))
        if CONF_FEED in config:
            cg.add(var.set_feed(config[CONF_FEED]))
    else:
        from esphome.components.esp32 import add_idf_component

        add_idf_component(name="espressif/libsodium", ref=LIBSODIUM_VERSION)
