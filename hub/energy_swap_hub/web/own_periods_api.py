"""What a household's edge reads for its own history and for its simulations: own periods, prices, the market."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership import households
from energy_swap_hub.membership.households import Household
from energy_swap_hub.settlement.settings import calendar_of
from energy_swap_hub.storage import Database

from .doors import Call, Doors
from .own_periods_view import SPAN, asked_span, market_without_names, own_periods, own_trades, price_rows
from .route import Route


class OwnPeriodsApi:
    """The routes of a household's own periods and of the market without names."""

    def __init__(
        self, doors: Doors, database: Database, community: CommunityConfig, clock: Callable[[], datetime]
    ) -> None:
        self._doors = doors
        self._database = database
        self._community = community
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, household = f"/api/v1/communities/{self._community.id}", self._doors.household
        own = f"{base}/household/periods"
        return [
            household("GET", own, self._own_periods, says="Its booked periods with their money.", query=SPAN),
            household("GET", f"{base}/prices", self._prices, says="The booked periods' prices.", query=SPAN),
            household("GET", f"{base}/market", self._market, says="The open book and new trades, without names."),
        ]

    async def _own_periods(self, call: Call[bytes, None]) -> dict[str, Any]:
        since, until = asked_span(call.request)
        community, now = self._community, self._clock()

        def look(connection: Connection, household: Household) -> dict[str, Any]:
            return {
                "period_minutes": calendar_of(connection, community).at(now).minutes,
                "periods": own_periods(connection, community, household.id, since, until),
                "trades": own_trades(connection, community, household.id, since, until),
            }

        return await self._read(call, look)

    async def _prices(self, call: Call[bytes, None]) -> dict[str, Any]:
        since, until = asked_span(call.request)
        community, now = self._community, self._clock()

        def look(connection: Connection, _household: Household) -> dict[str, Any]:
            periods = price_rows(connection, community, since, until)
            minutes = calendar_of(connection, community).at(now).minutes
            return {"period_minutes": minutes, "periods": periods}

        return await self._read(call, look)

    async def _market(self, call: Call[bytes, None]) -> dict[str, Any]:
        now = self._clock()
        return await self._read(call, lambda c, _household: market_without_names(c, self._community, now))

    async def _read[T](self, call: Call[bytes, None], look: Callable[[Connection, Household], T]) -> T:
        def query(connection: Connection) -> T:
            household = households.by_key(connection, call.who)
            if household is None:
                raise households.stranger()
            return look(connection, household)

        return await self._database.read(query)
