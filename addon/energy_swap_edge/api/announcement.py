"""Tell the local network that an edge is here (zeroconf), for a Home Assistant that runs elsewhere."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from ifaddr import get_adapters
from zeroconf import Error, InterfaceChoice
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

_LOGGER = logging.getLogger(__name__)
SERVICE_TYPE: Final = "_energy-swap._tcp.local."


@asynccontextmanager
async def announced(edge_id: str, name: str, host: str, port: int) -> AsyncIterator[None]:
    """Announce the edge while the context lasts; a network without multicast is logged and no reason to stop."""
    zeroconf: AsyncZeroconf | None = None
    try:
        zeroconf = AsyncZeroconf(interfaces=_interfaces(host))
        await zeroconf.async_register_service(
            AsyncServiceInfo(
                SERVICE_TYPE,
                f"{edge_id}.{SERVICE_TYPE}",
                port=port,
                addresses=[address.packed for address in _addresses(host)],
                properties={"id": edge_id, "name": name, "api": "1"},
                server=f"energy-swap-{edge_id}.local.",
            )
        )
    except (OSError, Error) as error:
        _LOGGER.warning("this edge cannot be announced on the network (%s); enter its address by hand", error)
    try:
        yield
    finally:
        if zeroconf is not None:
            await zeroconf.async_unregister_all_services()
            await zeroconf.async_close()


def _interfaces(host: str) -> InterfaceChoice | list[str]:
    """Return where to announce: where the API listens, everywhere if it listens everywhere."""
    try:
        address = ip_address(host)
    except ValueError:
        return InterfaceChoice.All
    return InterfaceChoice.All if address.is_unspecified else [host]


def _addresses(host: str) -> list[IPv4Address | IPv6Address]:
    try:
        address = ip_address(host)
    except ValueError:
        pass  # a host name: announce every address of this machine
    else:
        if not address.is_unspecified:
            return [address]
    own = [ip_address(ip.ip) for adapter in get_adapters() for ip in adapter.ips if isinstance(ip.ip, str)]
    return [address for address in own if not address.is_loopback]
