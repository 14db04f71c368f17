"""The readings behind every mint, for anybody to check: public, cacheable, and without a name."""

import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec
from aiohttp import web
from sqlalchemy import Connection, select

from energy_swap_hub.chain.directory import community_chain
from energy_swap_hub.chain.published import evidence_of, minted_periods
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.settings import calendar_of, rules
from energy_swap_hub.storage import Database

from .doors import Call, Doors
from .route import Query, Route

_MOST_PERIODS: Final = 1_000
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "public, no-cache"


class ReadingsApi:
    """The routes below ``/api/v1/communities/{community}/readings``; nobody has to sign in for them."""

    def __init__(self, doors: Doors, database: Database, community: CommunityConfig) -> None:
        self._doors = doors
        self._database = database
        self._community = community

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, public = f"/api/v1/communities/{self._community.id}/readings", self._doors.public
        after = Query("after", "only periods after this one, like 2026-11-20T03:00Z")
        return [
            public("GET", base, self._index, says="The periods with mints.", query=(after,)),
            public("GET", f"{base}.jsonl", self._export, says="The evidence of all mints, a line per period."),
            public("GET", f"{base}/{{period}}", self._period, says="The signed readings behind a period's mints."),
        ]

    def _head(self, connection: Connection) -> dict[str, Any]:
        through_time = rules(connection, self._community)
        token = community_chain(connection, self._community.id)
        return {
            "community": self._community.id,
            "genesis": token.genesis,
            "mint": str(token.mint),
            "hub": str(token.hub),
            "hubs_before": list(map(str, token.hubs_before)),
            "trust_program": None if token.program is None else str(token.program),
            "period_minutes": self._community.period_minutes,
            "period_changes": [
                {"from": int(since.timestamp()), "minutes": int(length.total_seconds()) // 60}
                for since, length in through_time.calendar.changes
            ],
            "sells_to_utility": any("grid" in one.stages for one in through_time.all),
        }

    async def _index(self, call: Call[None, None]) -> web.Response:
        after = call.request.query.get("after", "")
        periods = await self._database.read(partial(self._page, after=after))
        following = periods[-1] if len(periods) == _MOST_PERIODS else None
        head = await self._database.read(self._head)
        return _cached(call.request, head | {"periods": periods, "next": following}, _ASK_AGAIN)

    async def _period(self, call: Call[None, None]) -> web.Response:
        name = call.request.match_info["period"]

        def look(connection: Connection) -> dict[str, Any]:
            return self._document(connection, calendar_of(connection, self._community).named(name).id)

        body = await self._database.read(look)
        return _cached(call.request, body, _FOR_EVER if body["is_settled"] else _ASK_AGAIN)

    async def _export(self, call: Call[None, None]) -> web.StreamResponse:
        """Stream the head, then one line per period."""
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl", "Cache-Control": _ASK_AGAIN})
        await response.prepare(call.request)
        await response.write(msgspec.json.encode(await self._database.read(self._head)) + b"\n")
        async for document in self._documents():
            await response.write(msgspec.json.encode(document) + b"\n")
        await response.write_eof()
        return response

    async def _documents(self) -> AsyncIterator[dict[str, Any]]:
        after = ""
        while True:
            page = await self._database.read(partial(self._page, after=after))
            for period in page:
                yield await self._database.read(partial(self._document, period=period))
            if len(page) < _MOST_PERIODS:
                return
            after = page[-1]

    def _page(self, connection: Connection, *, after: str) -> list[str]:
        return minted_periods(connection, self._community.id, after=after, limit=_MOST_PERIODS)

    def _document(self, connection: Connection, period: str) -> dict[str, Any]:
        row = tables.period.c
        query = select(row.state).where(
            row.community_id == self._community.id, row.start == datetime.fromisoformat(period)
        )
        return {
            "period": period,
            "is_settled": connection.execute(query).scalar() == "settled",
            "transactions": evidence_of(connection, self._community.id, period),
        }


def _cached(request: web.Request, value: object, caching: str) -> web.Response:
    body = msgspec.json.encode(value)
    tag = hashlib.sha256(body).hexdigest()[:32]
    known = {tag.value for tag in request.if_none_match or () if not tag.is_weak}
    response = (
        web.Response(status=304) if tag in known else web.Response(body=body, content_type="application/json")
    )
    response.etag = tag
    response.headers["Cache-Control"] = caching
    return response
