"""Which push services the hub speaks to: addresses come from browsers, and must not lead it anywhere else."""

import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

LONGEST_ENDPOINT: Final = 1_000
# Of Chrome and others on Android, of Firefox, of Safari, of Edge on Windows. "*." is any name below.
KNOWN: Final = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "*.push.services.mozilla.com",
    "web.push.apple.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)


class UnknownPushService(ValueError):  # noqa: N818 - reads as what it is
    """An address that is none of a push service we know; the text says what would be."""


class PushServices:
    """The known services by ``https:`` on their usual port, and the origins that the operator adds."""

    def __init__(self, origins: Sequence[str] = ()) -> None:
        self._origins = frozenset(origins)

    def check(self, endpoint: str) -> str:
        """Return ``endpoint`` when it may be spoken to; raises `UnknownPushService`."""
        if len(endpoint) > LONGEST_ENDPOINT or not endpoint.isascii() or not endpoint.isprintable():
            raise UnknownPushService(f"endpoint: an address of at most {LONGEST_ENDPOINT} plain letters")
        try:
            parts = urlsplit(endpoint)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise UnknownPushService("endpoint: this is no address") from None
        is_own = f"{parts.scheme}://{parts.netloc}" in self._origins
        is_known = parts.scheme == "https" and port in {None, 443} and any(_fits(host, name) for name in KNOWN)
        if parts.username is not None or not (is_own or is_known):
            raise UnknownPushService(
                f"endpoint: {host or 'this'} is no push service known here; the hub's operator can add it "
                f"(hub.json: push.services)"
            )
        return endpoint

    def is_own(self, host: str) -> bool:
        """Whether ``host`` is the operator's own wish, which may lie in a private network."""
        return any(urlsplit(origin).hostname == host for origin in self._origins)


class PublicAddresses(AbstractResolver):
    """Resolves names to public addresses only, but for those that the operator added."""

    def __init__(self, services: PushServices) -> None:
        self._services = services
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of ``host``; raises `OSError` when none is public."""
        found = await self._resolver.resolve(host, port, family)
        if not self._services.is_own(host):
            found = [one for one in found if ipaddress.ip_address(one["host"].partition("%")[0]).is_global]
        if not found:
            raise OSError(None, f"{host} has no public address")
        return found

    async def close(self) -> None:
        """Nothing is held."""
        await self._resolver.close()


def _fits(host: str, name: str) -> bool:
    if not re.fullmatch("[a-z0-9.-]+", host):
        return False
    return host.endswith(name[1:]) if name.startswith("*") else host == name
