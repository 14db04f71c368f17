"""Lets a test announce an edge as multicast DNS would, on machines and in tests that have no multicast."""

from ipaddress import ip_address

from homeassistant.config_entries import SOURCE_ZEROCONF
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from homeassistant.helpers.typing import ConfigType


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Register the action ``announcer.announce`` with ``address``, ``port`` and the TXT ``properties``."""

    async def announce(call: ServiceCall) -> None:
        address = ip_address(call.data["address"])
        kind = "_energy-swap._tcp.local."
        await hass.config_entries.flow.async_init(
            "energy_swap",
            context={"source": SOURCE_ZEROCONF},
            data=ZeroconfServiceInfo(
                ip_address=address,
                ip_addresses=[address],
                port=call.data["port"],
                hostname="edge.local.",
                type=kind,
                name=f"edge.{kind}",
                properties=call.data["properties"],
            ),
        )

    hass.services.async_register("announcer", "announce", announce)
    return True
