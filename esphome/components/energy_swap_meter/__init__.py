"""A meter whose registers are integers and whose readings are signed."""

import esphome.codegen as cg
import esphome.config_validation as cv
import esphome.final_validate as fv
from esphome.const import (
    CONF_ID,
    CONF_POWER,
    CONF_SENSOR,
    CONF_TIME_ID,
    DEVICE_CLASS_CONNECTIVITY,
    DEVICE_CLASS_ENERGY,
    ENTITY_CATEGORY_DIAGNOSTIC,
    STATE_CLASS_MEASUREMENT,
    STATE_CLASS_TOTAL_INCREASING,
    UNIT_KILOWATT_HOURS,
)
from esphome.core import CORE
from esphome.types import ConfigType

from esphome.components import binary_sensor, output, sensor, text_sensor, time

CODEOWNERS = ["@energy-swap"]
DEPENDENCIES = ["sensor", "time"]

CONF_AFTER_POWER_CUT = "after_power_cut"
CONF_BROKER = "broker"
CONF_CLAIM_CODE = "claim_code"
CONF_CONNECTED = "connected"
CONF_COUNTERS = "counters"
CONF_DIRECTION = "direction"
CONF_DISPLAY_ENERGY = "display_energy"
CONF_DISPLAY_MONEY = "display_money"
CONF_DISPLAY_NOTE = "display_note"
CONF_EXPORT_ENERGY = "export_energy"
CONF_FEED = "feed"
CONF_GENERATED_ENERGY = "generated_energy"
CONF_GENERATION = "generation"
CONF_IMPORT_ENERGY = "import_energy"
CONF_LARGEST_POWER = "largest_power"
CONF_NO_LOAD = "no_load"
CONF_PROTECTED = "protected"
CONF_PUBLIC_KEY = "public_key"
CONF_PULSES_PER_KWH = "pulses_per_kwh"
CONF_RELAY = "relay"
CONF_TAMPER = "tamper"
CONF_UNIT = "unit"
CONF_UNSENT = "unsent_readings"

# The port by Espressif contains Ed25519 signing; the one of ESPHome (esphome/libsodium) leaves it out.
LIBSODIUM_VERSION = "1.0.22"
# 96 pages of flash for key, state and a week of period ends; docs/meters/README.md computes how long they last.
PARTITION_BYTES = 0x60000

MICROWATT_SECONDS_PER_WH = 3_600_000_000
MOST_COUNTERS = 12

energy_swap_meter_ns = cg.esphome_ns.namespace("energy_swap_meter")
EnergySwapMeter = energy_swap_meter_ns.class_("EnergySwapMeter", cg.Component)
Direction = energy_swap_meter_ns.enum("Direction", is_class=True)
CounterKind = energy_swap_meter_ns.enum("CounterKind", is_class=True)

DIRECTIONS = {
    "import": Direction.IMPORT,
    "export": Direction.EXPORT,
    "generation": Direction.GENERATION,
}
AFTER_POWER_CUT = {
    "keeps": CounterKind.KEEPS,
    "starts at zero": CounterKind.STARTS_AT_ZERO,
}
UNITS = {"Wh": MICROWATT_SECONDS_PER_WH, "kWh": 1000 * MICROWATT_SECONDS_PER_WH}

watts = cv.float_with_unit("power", "(W|w|watt|watts)")

COUNTER = cv.All(
    cv.Schema(
        {
            cv.Required(CONF_SENSOR): cv.use_id(sensor.Sensor),
            cv.Required(CONF_DIRECTION): cv.enum(DIRECTIONS, lower=True),
            # Whether the chip's counter goes on where it was, or begins at zero with the meter.
            cv.Required(CONF_AFTER_POWER_CUT): cv.enum(AFTER_POWER_CUT, lower=True),
            cv.Exclusive(CONF_UNIT, CONF_UNIT): cv.one_of(*UNITS),
            cv.Exclusive(CONF_PULSES_PER_KWH, CONF_UNIT): cv.int_range(min=1, max=1_000_000),
        }
    ),
    cv.has_exactly_one_key(CONF_UNIT, CONF_PULSES_PER_KWH),
)


def AUTO_LOAD() -> list[str]:  # noqa: N802 ESPHome's name
    """Return the components that are always needed."""
    return ["binary_sensor", "output", "text_sensor"]


def _on_its_platform(config: ConfigType) -> ConfigType:
    if CORE.is_host:
        return cv.has_at_least_one_key(CONF_BROKER)(config)
    for key in (CONF_BROKER, CONF_FEED):
        if key in config:
            raise cv.Invalid(
                "only for the host platform; a device uses the mqtt component and sensors", path=[key]
            )
    return cv.requires_component("mqtt")(config)


def _diagnostic_text(icon: str) -> cv.Schema:
    return text_sensor.text_sensor_schema(icon=icon, entity_category=ENTITY_CATEGORY_DIAGNOSTIC)


def _energy() -> cv.Schema:
    return sensor.sensor_schema(
        unit_of_measurement=UNIT_KILOWATT_HOURS,
        device_class=DEVICE_CLASS_ENERGY,
        state_class=STATE_CLASS_TOTAL_INCREASING,
        accuracy_decimals=3,
    )


CONFIG_SCHEMA = cv.All(
    cv.Schema(
        {
            cv.GenerateID(): cv.declare_id(EnergySwapMeter),
            cv.GenerateID(CONF_TIME_ID): cv.use_id(time.RealTimeClock),
            # Watts; the household's import is positive and its export negative. Without it only generation counts.
            cv.Optional(CONF_POWER): cv.use_id(sensor.Sensor),
            cv.Optional(CONF_GENERATION): cv.use_id(sensor.Sensor),
            # The chip's own energy counters, if it has some: their directions are not integrated from power.
            cv.Optional(CONF_COUNTERS, default=[]): cv.All(cv.ensure_list(COUNTER), cv.Length(max=MOST_COUNTERS)),
            # Less power than this is noise of the sensor and counts as none.
            cv.Optional(CONF_NO_LOAD, default="0W"): cv.All(watts, cv.Range(min=0, max=100)),
            # A counter that rises faster is not believed.
            cv.Optional(CONF_LARGEST_POWER, default="50kW"): cv.All(watts, cv.Range(min=1, max=1_000_000)),
            # On while the meter's housing is open.
            cv.Optional(CONF_TAMPER): cv.use_id(binary_sensor.BinarySensor),
            # Energised means: the connection is open.
            cv.Optional(CONF_RELAY): cv.use_id(output.BinaryOutput),
            # Whatever anybody commands, this household is never cut off.
            cv.Optional(CONF_PROTECTED, default=False): cv.boolean,
            cv.Optional(CONF_PUBLIC_KEY): _diagnostic_text("mdi:key"),
            cv.Optional(CONF_CLAIM_CODE): _diagnostic_text("mdi:lock-open-outline"),
            cv.Optional(CONF_DISPLAY_MONEY): text_sensor.text_sensor_schema(icon="mdi:cash"),
            cv.Optional(CONF_DISPLAY_ENERGY): text_sensor.text_sensor_schema(icon="mdi:lightning-bolt"),
            cv.Optional(CONF_DISPLAY_NOTE): text_sensor.text_sensor_schema(icon="mdi:message-text"),
            cv.Optional(CONF_IMPORT_ENERGY): _energy(),
            cv.Optional(CONF_EXPORT_ENERGY): _energy(),
            cv.Optional(CONF_GENERATED_ENERGY): _energy(),
            cv.Optional(CONF_UNSENT): sensor.sensor_schema(
                icon="mdi:tray-full",
                accuracy_decimals=0,
                state_class=STATE_CLASS_MEASUREMENT,
                entity_category=ENTITY_CATEGORY_DIAGNOSTIC,
            ),
            cv.Optional(CONF_CONNECTED): binary_sensor.binary_sensor_schema(
                device_class=DEVICE_CLASS_CONNECTIVITY
            ),
            # "[user[:password]@]host:port"; "host:port" or a file. The environment wins over them.
            cv.Optional(CONF_BROKER): cv.string_strict,
            cv.Optional(CONF_FEED): cv.string_strict,
        }
    ).extend(cv.COMPONENT_SCHEMA),
    cv.only_on(["esp32", "host"]),
    cv.has_at_least_one_key(CONF_POWER, CONF_GENERATION),
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
    if CONF_POWER in config:
        cg.add(var.set_power_sensor(await cg.get_variable(config[CONF_POWER])))
    if CONF_GENERATION in config:
        cg.add(var.set_generation_sensor(await cg.get_variable(config[CONF_GENERATION])))
    for counter in config[CONF_COUNTERS]:
        if CONF_UNIT in counter:
            unit = UNITS[counter[CONF_UNIT]]
        else:
            unit = round(1000 * MICROWATT_SECONDS_PER_WH / counter[CONF_PULSES_PER_KWH])
        counted = await cg.get_variable(counter[CONF_SENSOR])
        kind = counter[CONF_AFTER_POWER_CUT]
        cg.add(var.add_counter(counted, counter[CONF_DIRECTION], cg.RawExpression(f"{unit}ULL"), kind))
    cg.add(var.set_no_load(round(1000 * config[CONF_NO_LOAD])))
    cg.add(var.set_largest_power(round(1000 * config[CONF_LARGEST_POWER])))
    cg.add(var.set_protected(config[CONF_PROTECTED]))
    for key, setter in ((CONF_TAMPER, var.set_tamper_sensor), (CONF_RELAY, var.set_relay)):
        if key in config:
            cg.add(setter(await cg.get_variable(config[key])))
    await _make_entities(var, config)
    if CORE.is_host:
        cg.add_build_flag("-lsodium")
        cg.add(var.set_broker(config[CONF_BROKER]))
        if CONF_FEED in config:
            cg.add(var.set_feed(config[CONF_FEED]))
    else:
        from esphome.components.esp32 import add_idf_component, add_partition

        add_idf_component(name="espressif/libsodium", ref=LIBSODIUM_VERSION)
        add_partition("energy_swap", "data", "nvs", PARTITION_BYTES)


async def _make_entities(var: cg.MockObj, config: ConfigType) -> None:
    texts = {
        CONF_PUBLIC_KEY: var.set_public_key_sensor,
        CONF_CLAIM_CODE: var.set_claim_code_sensor,
        CONF_DISPLAY_MONEY: var.set_money_sensor,
        CONF_DISPLAY_ENERGY: var.set_energy_sensor,
        CONF_DISPLAY_NOTE: var.set_note_sensor,
    }
    numbers = {
        CONF_IMPORT_ENERGY: var.set_import_sensor,
        CONF_EXPORT_ENERGY: var.set_export_sensor,
        CONF_GENERATED_ENERGY: var.set_generated_sensor,
        CONF_UNSENT: var.set_unsent_sensor,
    }
    for key, setter in texts.items():
        if key in config:
            cg.add(setter(await text_sensor.new_text_sensor(config[key])))
    for key, setter in numbers.items():
        if key in config:
            cg.add(setter(await sensor.new_sensor(config[key])))
    if CONF_CONNECTED in config:
        cg.add(var.set_connected_sensor(await binary_sensor.new_binary_sensor(config[CONF_CONNECTED])))
