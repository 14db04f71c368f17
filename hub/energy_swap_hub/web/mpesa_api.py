"""The console's routes on M-Pesa: what came and went, what differs, statements, and giving a payment back."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from energy_swap_hub import ledger
from energy_swap_hub.changes import Changes
from energy_swap_hub.membership.households import record_audit
from energy_swap_hub.mpesa import open_payments, payouts, receipts
from energy_swap_hub.mpesa.reports import StatementError, latest_balances
from energy_swap_hub.settlement.messages import Desk
from energy_swap_hub.settlement.payments import order_reversal
from energy_swap_hub.settlement.reconciliation import reconcile_statement, reconciliations
from energy_swap_hub.storage import Database

from .ledger_api import Sessions
from .problem import json_response

_MOST_ROWS: Final = 200


class ReversalWish(msgspec.Struct, forbid_unknown_fields=True):
    """Why a payment is given back."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class MPesaApi:
    """The routes below ``base``/mpesa: admins and auditors read, an admin takes statements in and gives back."""

    def __init__(
        self,
        base: str,
        database: Database,
        desk: Desk,
        clock: Callable[[], datetime],
        changes: Changes,
        session: Sessions,
    ) -> None:
        self._base = f"{base}/mpesa"
        self._database = database
        self._desk = desk
        self._community_id = desk.community.id
        self._clock = clock
        self._changes = changes
        self._session = session

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get(self._base, self._get_state),
            web.get(f"{self._base}/receipts", self._get_receipts),
            web.get(f"{self._base}/reconciliations", self._get_reconciliations),
            web.post(f"{self._base}/statements", self._post_statement),
            web.post(f"{self._base}/receipts/{{receipt}}/reverse", self._post_reversal),
        ]

    async def _get_state(self, request: web.Request) -> web.Response:
        await self._session(request)

        def query(connection: Connection) -> dict[str, Any]:
            told = latest_balances(connection)
            return {
                "open": open_payments(connection, self._community_id),
                "payouts_stopped": payouts.stopped(connection, self._community_id),
                "trust_cents": -ledger.balance(connection, self._community_id, ledger.TRUST_CASH),
                "suspense_cents": ledger.balance(connection, self._community_id, ledger.SUSPENSE),
                "at_mpesa": None if told is None else {"cents": told[2], "at": int(told[1].timestamp())},
            }

        return json_response(await self._database.read(query))

    async def _get_receipts(self, request: web.Request) -> web.Response:
        await self._session(request)
        rows = await self._database.read(lambda c: receipts.latest(c, self._community_id, _MOST_ROWS))
        return json_response({"receipts": [_with_times(row, "paid_at", "recorded_at") for row in rows]})

    async def _get_reconciliations(self, request: web.Request) -> web.Response:
        await self._session(request)
        rows = await self._database.read(lambda c: reconciliations(c, self._community_id, _MOST_ROWS))
        return json_response(
            {"reconciliations": [_with_times(r, "starts_at", "ends_at", "made_at") for r in rows]}
        )

    async def _post_statement(self, request: web.Request) -> web.Response:
        user, now = await self._admin(request, "takes statements in"), self._clock()
        data = await request.read()

        def change(connection: Connection) -> dict[str, Any]:
            found = reconcile_statement(connection, self._desk.mpesa, self._community_id, data, now)
            what = f"took a statement in: {found.matched} agree, {len(found.differences)} differ"
            record_audit(connection, self._community_id, who=user, what=what, subject=found.source, now=now)
            return {
                "matched": found.matched,
                "credited": found.credited,
                "differences": [msgspec.to_builtins(difference) for difference in found.differences],
            }

        try:
            body = await self._database.write(change)
        except StatementError as error:
            raise ValueError(str(error)) from error
        self._changes.mark()
        return json_response(body)

    async def _post_reversal(self, request: web.Request) -> web.Response:
        user, now = await self._admin(request, "gives payments back"), self._clock()
        wish = msgspec.json.decode(await request.read(), type=ReversalWish)
        receipt = request.match_info["receipt"]
        await self._database.write(
            lambda c: order_reversal(
                c, self._desk.mpesa, self._community_id, receipt, reason=wish.reason, who=user, now=now
            )
        )
        self._changes.mark()
        return json_response({})

    async def _admin(self, request: web.Request, does: str) -> str:
        session = await self._session(request, change=True)
        if session.role != "admin":
            raise web.HTTPForbidden(reason=f"only an admin {does}")
        return session.user


def _with_times(row: dict[str, Any], *times: str) -> dict[str, Any]:
    return row | {name: int(row[name].timestamp()) for name in times}
