"""Names and numbers that the whole integration shares."""

import logging
from typing import Final

DOMAIN: Final = "energy_swap"
LOGGER: Final = logging.getLogger(__package__)

DEFAULT_PORT: Final = 8480

KES: Final = "KES"
KES_PER_KWH: Final = "KES/kWh"

# What happened, on Home Assistant's event bus: {"entry_id", "device_id", "name", "kind", "at", …}.
EVENT: Final = f"{DOMAIN}_event"

# Options of a household.
CONF_POWER_SECONDS: Final = "power_seconds"
CONF_STATISTICS: Final = "statistics"
CONF_MOST_KES: Final = "most_kes"
CONF_ADMINS_ONLY: Final = "admins_only"
CONF_WEATHER: Final = "weather"
DEFAULT_POWER_SECONDS: Final = 10

# Kinds of subentries.
STANDING_OFFER: Final = "standing_offer"
EXTRA_METER: Final = "extra_meter"
