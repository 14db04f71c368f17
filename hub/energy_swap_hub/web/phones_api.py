"""The office's routes on paired phones: which there are, and taking one away."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec
from sqlalchemy import Connection

from energy_swap_hub.config import utc_now
from energy_swap_hub.membership import devices
from energy_swap_hub.membership.households import record_audit
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.storage import Database

from .doors import Call, Doors
from .phone_session_api import PairedPhones, listed_phone
from .route import Query, Route


class Revocation(msgspec.Struct, forbid_unknown_fields=True):
    """Why a phone is taken away."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class PhonesApi:
    """The routes below ``base`` on all households' phones."""

    def __init__(
        self, base: str, doors: Doors, database: Database, community_id: str, clock: Callable[[], datetime]
    ) -> None:
        self._base = f"{base}/phones"
        self._doors = doors
        self._database = database
        self._community_id = community_id
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            self._doors.auditor(
                self._base,
                self._list,
                says="All phones that were ever paired, newest first.",
                query=(Query("household", "only those of this household"),),
            ),
            self._doors.admin(f"{self._base}/{{id}}/revoke", self._revoke, says="Take a household's phone away."),
        ]

    async def _list(self, call: Call[Session, None]) -> PairedPhones:
        household = call.request.query.get("household")
        found = await self._database.read(
            lambda c: devices.devices(c, self._community_id, household, with_revoked=True)
        )
        return {"phones": [listed_phone(device) for device in found]}

    async def _revoke(self, call: Call[Session, Revocation]) -> dict[str, str]:
        device_id, who, reason = call.request.match_info["id"], call.who.user, call.body.reason.strip()
        if not reason:
            raise ValueError("reason: say in a few words why the phone is taken away; it is in the audit")

        def revoke(connection: Connection) -> None:
            household = devices.revoke_device(connection, self._community_id, device_id, who=who, now=utc_now())
            record_audit(
                connection,
                self._community_id,
                who=who,
                what=f"removed a phone of {household}: {reason}",
                subject=device_id,
                now=self._clock(),
            )

        await self._database.write(revoke)
        return {}
