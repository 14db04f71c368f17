"""What approver devices call: who waits for admission, and the signatures that admit."""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from solders.pubkey import Pubkey
from solders.signature import Signature
from sqlalchemy import Connection

from energy_swap_hub.chain.admission import Admission, admission_for, approve
from energy_swap_hub.chain.directory import NoChainError
from energy_swap_hub.changes import Changes
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership.households import Household, by_id, households, record_audit
from energy_swap_hub.storage import Database

from .doors import Call, Doors
from .route import Route


class Signatures(msgspec.Struct, forbid_unknown_fields=True):
    """An approver's signatures (base58) over the messages of an admission, in their order."""

    signatures: Annotated[list[str], msgspec.Meta(min_length=1, max_length=500)]


class ApproverApi:
    """The routes below ``/api/v1/communities/{community}/admissions``; only approvers' keys open them."""

    def __init__(
        self,
        doors: Doors,
        database: Database,
        community: CommunityConfig,
        clock: Callable[[], datetime],
        changes: Changes,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._community = community
        self._clock = clock
        self._changes = changes
        self._doors = doors
        self._wake = wake

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, doors = f"/api/v1/communities/{self._community.id}/admissions", self._doors
        sign = f"{base}/{{household}}/signatures"
        return [
            doors.approver("GET", base, self._list, says="Who waits for admission, and the messages to sign."),
            doors.approver("POST", sign, self._sign, says="An approver's signatures for an admission."),
        ]

    async def _list(self, call: Call[Pubkey, None]) -> list[dict[str, Any]]:
        approver = call.who

        def query(connection: Connection) -> list[dict[str, Any]]:
            waiting = []
            for household in households(connection, self._community.id, status="applied"):
                try:
                    admission = admission_for(connection, self._community.id, household.id, approver)
                except NoChainError:
                    continue  # its account is still being opened
                waiting.append(_view(household, admission))
            return waiting

        return await self._database.read(query)

    async def _sign(self, call: Call[Pubkey, Signatures]) -> dict[str, int]:
        approver = call.who
        signatures = [_signature(text) for text in call.body.signatures]
        household_id, now = call.request.match_info["household"], self._clock()

        def change(connection: Connection) -> Admission:
            by_id(connection, self._community.id, household_id)
            admission = approve(connection, self._community.id, household_id, approver, signatures, now)
            record_audit(
                connection,
                self._community.id,
                who=str(approver),
                what="signed the admission",
                subject=household_id,
                now=now,
            )
            return admission

        admission = await self._database.write(change)
        self._changes.mark()
        self._wake()
        return {"signatures": len(admission.signed), "needed": admission.needed}


def _view(household: Household, admission: Admission) -> dict[str, Any]:
    return {
        "household": household.id,
        "name": household.name,
        "application": {
            "key": str(Pubkey.from_bytes(household.key)),
            "meter": household.meter.hex(),
            "rated_pv_w": household.rated_pv_w,
            "main_breaker_w": household.main_breaker_w,
        },
        "account": str(admission.account),
        "memo": admission.memo,
        "messages": [base64.b64encode(message).decode() for message in admission.messages],
        "signatures": [str(key) for key in admission.signed],
        "needed": admission.needed,
    }


def _signature(text: str) -> Signature:
    try:
        return Signature.from_string(text)
    except ValueError:
        raise ValueError("a signature is base58 of 64 bytes") from None
