"""The console's routes on the community's settings: those of now, every change, and an admin's changing."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypedDict

import msgspec
from sqlalchemy import Connection

from energy_swap_hub.changes import Changes
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.market.fees import tariff_at
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.settlement.legal import moves_real_money
from energy_swap_hub.settlement.settings import (
    Change,
    Recorded,
    change_settings,
    first_change_of_length,
    recorded,
    rules,
    withdraw_change,
)
from energy_swap_hub.storage import Database

from .doors import Call, Doors
from .paging import number_in
from .route import Route

type Words = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """A change of the settings that counts from ``valid_from`` (Unix seconds, a full hour) on.

    ``period_minutes`` counts from 00:00 UTC of a day that lies more than a week ahead.
    """

    valid_from: Annotated[int, msgspec.Meta(ge=0, le=32_503_680_000)]
    reason: Words
    change: Change


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """Why."""

    reason: Words


class Valid(TypedDict):
    """Settings with the time from which they count; for ``tariff`` cents per kWh."""

    period_minutes: int
    grace_minutes: int
    payout_hour: int
    stages: list[str]
    tariff: dict[str, int]
    legal_basis: str
    legal_reference: str
    vat_energy_percent: int
    vat_fees_percent: int


class Row(TypedDict):
    """A change of the settings; times in Unix seconds. ``state`` is founding, valid, coming or withdrawn."""

    id: int | None
    valid_from: int
    change: dict[str, Any]
    reason: str
    who: str
    recorded_at: int | None
    state: str


class Settings(TypedDict):
    """The settings of now and all changes, the newest first.

    ``period_change_from`` is the first time (Unix) from which another length of periods can count.
    """

    now: int
    moves_real_money: bool
    period_change_from: int
    valid: Valid
    history: list[Row]


class SettingsApi:
    """The routes below ``base`` on the community's settings."""

    def __init__(
        self,
        base: str,
        doors: Doors,
        database: Database,
        community: CommunityConfig,
        daraja_url: str,
        clock: Callable[[], datetime],
        changes: Changes,
    ) -> None:
        self._base = base
        self._doors = doors
        self._database = database
        self._community = community
        self._daraja_url = daraja_url
        self._clock = clock
        self._changes = changes

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, admin = f"{self._base}/settings", self._doors.admin
        return [
            self._doors.auditor(base, self._show, says="The community's settings, and every change of them."),
            admin(base, self._change, says="Change settings from a time to come on."),
            admin(f"{base}/{{id}}/withdraw", self._withdraw, says="Take a change back that does not count yet."),
        ]

    async def _show(self, _call: Call[Session, None]) -> Settings:
        now = self._clock()
        return await self._database.read(lambda c: self._settings(c, now))

    async def _change(self, call: Call[Session, Wish]) -> dict[str, int]:
        wish, now = call.body, self._clock()
        valid_from = datetime.fromtimestamp(wish.valid_from, UTC)
        added = await self._database.write(
            lambda c: change_settings(
                c, self._community, wish.change, valid_from, who=call.who.user, reason=wish.reason, now=now
            )
        )
        self._changes.mark()
        return {"id": added}

    async def _withdraw(self, call: Call[Session, Reason]) -> dict[str, str]:
        change_id, now = number_in(call.request.match_info["id"]), self._clock()
        if change_id is None:
            raise LookupError("a change's id is a number")
        await self._database.write(
            lambda c: withdraw_change(
                c, self._community, change_id, who=call.who.user, reason=call.body.reason, now=now
            )
        )
        self._changes.mark()
        return {}

    def _settings(self, connection: Connection, now: datetime) -> Settings:
        through_time = rules(connection, self._community)
        minutes = through_time.calendar.at(now).minutes
        changes = recorded(connection, self._community.id)
        return {
            "now": int(now.timestamp()),
            "moves_real_money": moves_real_money(self._daraja_url),
            "period_change_from": int(first_change_of_length(now).timestamp()),
            "valid": _valid(through_time.at(now), minutes, now),
            "history": [*(_row(one, now) for one in reversed(changes)), self._founding()],
        }

    def _founding(self) -> Row:
        founded = self._community
        at, since = founded.opened_at, min(tariff.valid_from for tariff in founded.tariffs)
        return {
            "id": None,
            "valid_from": int(at.timestamp()),
            "change": dict(_valid(founded, founded.period_minutes, max(at, since))),
            "reason": "",
            "who": "hub.json",
            "recorded_at": None,
            "state": "founding",
        }


def _valid(rules_of_then: CommunityConfig, minutes: int, at: datetime) -> Valid:
    tariff = tariff_at(rules_of_then.tariffs, at)
    prices = {
        "community_fee_cents_per_kwh": tariff.community_fee_cents_per_kwh,
        "grid_fee_cents_per_kwh": tariff.grid_fee_cents_per_kwh,
        "retail_cents_per_kwh": tariff.retail_cents_per_kwh,
        "feed_in_cents_per_kwh": tariff.feed_in_cents_per_kwh,
    }
    return {
        "period_minutes": minutes,
        "grace_minutes": rules_of_then.grace_minutes,
        "payout_hour": rules_of_then.payout_hour,
        "stages": list(rules_of_then.stages),
        "tariff": prices,
        "legal_basis": rules_of_then.legal_basis,
        "legal_reference": rules_of_then.legal_reference,
        "vat_energy_percent": rules_of_then.vat_energy_percent,
        "vat_fees_percent": rules_of_then.vat_fees_percent,
    }


def _row(one: Recorded, now: datetime) -> Row:
    state = "coming" if one.valid_from > now else "valid"
    return {
        "id": one.id,
        "valid_from": int(one.valid_from.timestamp()),
        "change": msgspec.to_builtins(one.change),
        "reason": one.reason,
        "who": one.who,
        "recorded_at": int(one.recorded_at.timestamp()),
        "state": "withdrawn" if one.withdrawn_by is not None else state,
    }
