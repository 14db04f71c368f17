"""What the edge keeps for longer than a moment: forecasts, prices, statements, its history and the market."""

import asyncio
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import aiohttp

from .edge import EdgeAddress, json_object
from .errors import (
    CannotConnectError,
    CommandRefusedError,
    EdgeError,
    NotAnEdgeError,
    NotKeptError,
    TokenRefusedError,
)

READ_SECONDS = 60
LONGEST_SPAN = timedelta(days=399)


class EdgeRecords:
    """Reads what the edge keeps.

    Every call raises CannotConnectError, TokenRefusedError, NotKeptError, NotAnEdgeError, or CommandRefusedError
    with the edge's own reason.
    """

    def __init__(self, session: aiohttp.ClientSession, address: EdgeAddress, token: str) -> None:
        self._session = session
        self._address = address
        self._token = token

    async def forecast(self) -> dict[str, Any]:
        """Return the expected production, consumption and surplus of the periods to come."""
        return await self._object("forecast", {})

    async def prices(self, span: tuple[datetime, datetime] | None) -> dict[str, Any]:
        """Return the prices of past periods, those of the edge's last day unless said, and of those to come."""
        return await self._object("prices", {} if span is None else _between(*span))

    async def statement(self, first: date | None, last: date | None) -> dict[str, Any]:
        """Return the hub's statement of these days, both included; without them, this month until today."""
        return await self._object("statement", _days(first, last))

    async def statement_csv(self, first: date | None, last: date | None) -> str:
        """Return the hub's statement of these days as CSV."""
        return (await self._read("statement.csv", _days(first, last))).decode()

    async def invoices(self) -> list[dict[str, Any]]:
        """Return the household's invoices, the newest first; a draft of the running month has no number."""
        invoices = (await self._object("invoices", {})).get("invoices")
        if not isinstance(invoices, list):
            raise NotAnEdgeError("the answer has no invoices")
        return invoices

    async def invoice_pdf(self, number: int, language: str) -> bytes:
        """Return an invoice as a PDF."""
        return await self._read(f"invoices/{number}.pdf", {"language": language})

    async def history(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """Return what was measured and traded in each period, oldest first, asked for in parts the edge takes."""
        found: list[dict[str, Any]] = []
        while start < end:
            until = min(end, start + LONGEST_SPAN)
            periods = (await self._object("history", _between(start, until))).get("periods")
            if not isinstance(periods, list):
                raise NotAnEdgeError("the history has no periods")
            found += periods
            start = until
        return found

    async def market(self) -> dict[str, Any]:
        """Return the order book by levels and the newest trades."""
        return await self._object("market", {})

    async def _object(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        try:
            return json_object(json.loads(await self._read(path, query)))
        except ValueError as err:
            raise NotAnEdgeError(f"{path} is not JSON") from err

    async def _read(self, path: str, query: Mapping[str, str]) -> bytes:
        try:
            async with (
                asyncio.timeout(READ_SECONDS),
                self._session.get(
                    self._address.url(path, query),
                    headers={"Authorization": f"Bearer {self._token}"},
                    allow_redirects=False,
                ) as response,
            ):
                body = await response.read()
                if response.status != 200:
                    raise refusal(response.status, path, body)
                return body
        except (aiohttp.ClientError, TimeoutError, OSError) as err:
            raise CannotConnectError(str(err) or f"{self._address} does not answer") from err


def _between(start: datetime, end: datetime) -> dict[str, str]:
    return {"from": str(int(start.timestamp())), "to": str(int(end.timestamp()))}


def _days(first: date | None, last: date | None) -> dict[str, str]:
    return {name: day.isoformat() for name, day in (("from", first), ("to", last)) if day is not None}


def refusal(status: int, path: str, body: bytes) -> EdgeError:
    """Return what an answer that is no record says."""
    try:
        reason = json.loads(body)
    except ValueError:
        reason = {}
    reason = reason if isinstance(reason, dict) else {}
    code = str(reason.get("code", ""))
    if status == 401:
        return TokenRefusedError()
    if status == 404 and code in {"", "not_found"}:
        return NotKeptError(f"this edge does not know {path}")
    message = reason.get("message") or reason.get("detail")
    if not message:
        return CannotConnectError(f"{path} was answered with status {status}")
    numbers = reason.get("numbers")
    return CommandRefusedError(
        code, str(message), str(reason.get("key", "")), numbers if isinstance(numbers, dict) else {}
    )
