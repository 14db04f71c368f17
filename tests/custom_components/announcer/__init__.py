"""Lets a test announce an edge as multicast DNS and the Supervisor would, where there is neither."""

from ipaddress import ip_address

from homeassistant.config_entries import SOURCE_HASSIO, SOURCE_ZEROCONF
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from homeassistant.helpers.typing import ConfigType


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Register ``announcer.announce`` (``address``, ``port``, the TXT ``properties``) and ``announcer.discover``.

    ``discover`` has the ``config`` that an app told the Supervisor.
    """

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

    async def discover(call: ServiceCall) -> None:
        await hass.config_entries.flow.async_init(
            "energy_swap",
            context={"source": SOURCE_HASSIO},
            data=HassioServiceInfo(
                config=call.data["config"], name="Energy Swap", slug="local_energy_swap", uuid="5ee5"
            ),
        )

    hass.services.async_register("announcer", "announce", announce)
    hass.services.async_register("announcer", "discover", discover)
    return True
