"""Names and numbers that the whole integration shares."""

import logging
from typing import Final

DOMAIN: Final = "energy_swap"
LOGGER: Final = logging.getLogger(__package__)

DEFAULT_PORT: Final = 8480
