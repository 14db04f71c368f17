"""Read the hub as an auditor does: sign in to the console's API and look."""

import asyncio
from typing import Any, Final

import aiohttp

_PATIENCE_SECONDS: Final = 60.0


class HubConsole:
    """The console's API behind a session of its own; a hub that restarts is waited for."""

    def __init__(self, session: aiohttp.ClientSession, url: str, user: str, password: str) -> None:
        self._session = session
        self._url = url
        self._credentials = {"user": user, "password": password}

    async def get(self, page: str) -> Any:
        """Return a page of the console's API, such as ``overview`` or ``ledger/entries?limit=5``."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                try:
                    async with self._session.get(f"{self._url}/api/v1/console/{page}") as response:
                        if response.status == 200:
                            return await response.json()
                        if response.status != 401:
                            raise RuntimeError(f"{page}: {response.status} {await response.text()}")
                    await self._sign_in()
                except aiohttp.ClientError:
                    await asyncio.sleep(0.1)

    async def all(self, page: str, key: str) -> list[dict[str, Any]]:
        """Return all rows of a page with a cursor, newest first."""
        rows: list[dict[str, Any]] = []
        before = ""
        while True:
            body = await self.get(f"{page}?limit=500{before}")
            rows += body[key]
            if body["next"] is None:
                return rows
            before = f"&before={body['next']}"

    async def chain(self, community: str) -> dict[str, Any]:
        """Return the public facts of the community's chain."""
        async with self._session.get(f"{self._url}/api/v1/communities/{community}/chain") as response:
            response.raise_for_status()
            return dict(await response.json())

    async def _sign_in(self) -> None:
        async with self._session.post(f"{self._url}/api/v1/console/sign-in", json=self._credentials) as response:
            if response.status != 200:
                raise RuntimeError(f"sign-in: {response.status} {await response.text()}")
