"""The address of an edge, as forms ask for it and as people write it."""

from collections.abc import Mapping
from typing import Any, Final

import probatio
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.helpers import config_validation as cv
from yarl import URL

from .api import EdgeAddress
from .const import DEFAULT_PORT

ADDRESS_SCHEMA: Final = probatio.Schema(
    {probatio.Required(CONF_HOST): cv.string, probatio.Required(CONF_PORT, default=DEFAULT_PORT): cv.port}
)


def address_of(data: Mapping[str, Any]) -> EdgeAddress:
    """Take the host as people write it, even as a pasted URL, whose port then counts."""
    host, port = data[CONF_HOST].strip(), data[CONF_PORT]
    if "://" in host:
        try:
            url = URL(host)
        except ValueError:
            return EdgeAddress(host, port)
        host, port = url.host or host, url.explicit_port or port
    return EdgeAddress(host, port)
