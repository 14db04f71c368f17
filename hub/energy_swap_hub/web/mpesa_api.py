"""The console's routes on M-Pesa: what came and went, what differs, statements, and giving a payment back."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final, cast
from uuid import uuid4

import msgspec
from sqlalchemy import Connection

from energy_swap_hub import ledger
from energy_swap_hub.changes import Changes
from energy_swap_hub.membership.households import record_audit
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.mpesa import open_payments, payouts, receipts
from energy_swap_hub.mpesa.reports import StatementError, latest_balances
from energy_swap_hub.settlement.desk import Desk
from energy_swap_hub.settlement.office_payouts import pay_out_suspended
from energy_swap_hub.settlement.payments import order_reversal
from energy_swap_hub.settlement.reconciliation import reconcile_statement, reconciliations
from energy_swap_hub.storage import Database

from . import payments_view
from .answers import (
    Comparison,
    DifferenceRow,
    MpesaState,
    PaymentIntents,
    Payouts,
    ReceiptRow,
    Receipts,
)
from .doors import Call, Doors
from .paging import COUNT, SKIP, asked_limit, asked_skip, limit_to
from .payments_view import AFTER, STANDING, asked_payments
from .route import Query, Route
from .tokens import Scope

_MOST_ROWS: Final = 200


class ReversalWish(msgspec.Struct, forbid_unknown_fields=True):
    """Why a payment is given back."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class PayoutWish(msgspec.Struct, forbid_unknown_fields=True):
    """Why a suspended household's money is paid out."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class MPesaApi:
    """The routes below ``base``/mpesa: admins and auditors read, an admin takes statements in and gives back."""

    def __init__(
        self,
        base: str,
        doors: Doors,
        database: Database,
        desk: Desk,
        clock: Callable[[], datetime],
        changes: Changes,
    ) -> None:
        self._base = f"{base}/mpesa"
        self._doors = doors
        self._database = database
        self._desk = desk
        self._community_id = desk.community.id
        self._clock = clock
        self._changes = changes

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, doors = self._base, self._doors
        receipt = f"{base}/receipts/{{receipt}}"
        listed = (limit_to(100), AFTER, SKIP, COUNT, STANDING)
        return [
            doors.auditor(
                base,
                self._get_state,
                says="Open payments, the trust account, M-Pesa's own balance.",
                scope=Scope.MONEY,
            ),
            doors.auditor(
                f"{base}/receipts",
                self._get_receipts,
                says="Payments in, the newest first.",
                query=(limit_to(200), Query("before", "only payments that follow this receipt"), SKIP, COUNT),
                scope=Scope.MONEY,
            ),
            doors.auditor(
                f"{base}/intents",
                self._get_intents,
                says="Payments that phones were asked for, the newest first.",
                query=listed,
                scope=Scope.MONEY,
            ),
            doors.auditor(
                f"{base}/payouts",
                self._get_payouts,
                says="Payouts with their fees, the newest first.",
                query=listed,
                scope=Scope.MONEY,
            ),
            doors.auditor(
                f"{base}/reconciliations",
                self._get_reconciliations,
                says="The newest comparisons.",
                scope=Scope.MONEY,
            ),
            doors.admin(f"{base}/statements", self._post_statement, says="Compare M-Pesa's CSV with the books."),
            doors.admin(f"{receipt}/reverse", self._post_reversal, says="Give a payment back."),
            doors.admin(
                f"{base}/households/{{household}}/payout",
                self._post_payout,
                says="Pay out the money of a suspended household.",
            ),
        ]

    async def _get_state(self, _call: Call[Session, None]) -> MpesaState:
        def query(connection: Connection) -> MpesaState:
            told = latest_balances(connection)
            return {
                "open": open_payments(connection, self._community_id),
                "payouts_stopped": payouts.stopped(connection, self._community_id),
                "trust_cents": -ledger.balance(connection, self._community_id, ledger.TRUST_CASH),
                "suspense_cents": ledger.balance(connection, self._community_id, ledger.SUSPENSE),
                "at_mpesa": None if told is None else {"cents": told[2], "at": int(told[1].timestamp())},
            }

        return await self._database.read(query)

    async def _get_receipts(self, call: Call[Session, None]) -> Receipts:
        limit, (skip, is_counted) = asked_limit(call.request, 200), asked_skip(call.request)
        after, community = call.request.query.get("before"), self._community_id

        def query(connection: Connection) -> Receipts:
            rows = receipts.latest(connection, community, limit, after=after, skip=skip)
            return {
                "receipts": [cast("ReceiptRow", _with_times(row, "paid_at", "recorded_at")) for row in rows],
                "total": receipts.count(connection, community) if is_counted else None,
            }

        return await self._database.read(query)

    async def _get_intents(self, call: Call[Session, None]) -> PaymentIntents:
        wanted, community = asked_payments(call.request), self._community_id
        return await self._database.read(lambda c: payments_view.payment_intents(c, community, wanted))

    async def _get_payouts(self, call: Call[Session, None]) -> Payouts:
        wanted, community = asked_payments(call.request), self._community_id
        return await self._database.read(lambda c: payments_view.payouts(c, community, wanted))

    async def _get_reconciliations(self, _call: Call[Session, None]) -> dict[str, Any]:
        rows = await self._database.read(lambda c: reconciliations(c, self._community_id, _MOST_ROWS))
        return {"reconciliations": [_with_times(r, "starts_at", "ends_at", "made_at") for r in rows]}

    async def _post_statement(self, call: Call[Session, bytes]) -> Comparison:
        user, data, now = call.who.user, call.body, self._clock()

        def change(connection: Connection) -> Comparison:
            found = reconcile_statement(connection, self._desk.mpesa, self._community_id, data, now)
            what = f"took a statement in: {found.matched} agree, {len(found.differences)} differ"
            record_audit(connection, self._community_id, who=user, what=what, subject=found.source, now=now)
            return {
                "matched": found.matched,
                "credited": found.credited,
                "differences": [cast("DifferenceRow", asdict(difference)) for difference in found.differences],
            }

        try:
            body = await self._database.write(change)
        except StatementError as error:
            raise ValueError(str(error)) from error
        self._changes.mark()
        return body

    async def _post_payout(self, call: Call[Session, PayoutWish]) -> dict[str, int]:
        wish, user, now = call.body, call.who.user, self._clock()
        household, payout = call.request.match_info["household"], str(uuid4())
        kes = await self._database.write(
            lambda c: pay_out_suspended(c, self._desk, household, payout, who=user, reason=wish.reason, now=now)
        )
        self._changes.mark()
        return {"kes": kes}

    async def _post_reversal(self, call: Call[Session, ReversalWish]) -> dict[str, str]:
        wish, user, now = call.body, call.who.user, self._clock()
        receipt = call.request.match_info["receipt"]
        await self._database.write(
            lambda c: order_reversal(
                c, self._desk.mpesa, self._community_id, receipt, reason=wish.reason, who=user, now=now
            )
        )
        self._changes.mark()
        return {}


def _with_times(row: dict[str, Any], *times: str) -> dict[str, Any]:
    return row | {name: int(row[name].timestamp()) for name in times}
