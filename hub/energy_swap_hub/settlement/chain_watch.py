"""The hub's own look at the chain: every night each wallet beside the books, and all day what is left for fees.

A household's tokens are its own: with some SOL it can move them or take its allowance back past the hub. Nothing
prevents that and nothing of it is a mistake of the books, so a person is asked and the household is told plainly.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from solders.pubkey import Pubkey
from sqlalchemy import Connection, func, select

from energy_swap_hub import ledger
from energy_swap_hub.chain import Chain, Holding, NodeUnavailableError
from energy_swap_hub.chain.directory import community_chain, token_accounts
from energy_swap_hub.chain.intent import open_intents
from energy_swap_hub.chain.tables import chain_intent
from energy_swap_hub.changes import Changes
from energy_swap_hub.storage import Database, LeaseLost

from .allowances import allowances, set_allowance
from .machine import WAITING, Next, Work, due_work, schedule, take_step
from .notifications import Event, Notification, notify
from .reviews import open_review, resolve_review
from .tables import review
from .words import EAST_AFRICA, kwh

_LOG: Final = logging.getLogger(__name__)
SAGA: Final = "wallets"
_SUBJECT: Final = "compare"
FEES_LOW: Final = "fees_low"
WALLET_DIFFERS: Final = "wallet_differs"
_LOOK_SECONDS: Final = 20.0
_AFTER_MIDNIGHT: Final = timedelta(hours=1, minutes=30)
# What opens five households' accounts; beyond it, twice what a week took.
_LEAST_LAMPORTS: Final = 20_000_000
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Fees:
    """What the hub has to pay fees and rent with, what it should have, and what a week took, in lamports."""

    has: int
    needed: int
    week: int

    @property
    def is_low(self) -> bool:
        """Whether somebody should send some."""
        return self.has < self.needed


@dataclass(frozen=True, slots=True)
class _Books:
    """What the books say is on the chain when nothing is under way: Wh by household, and all of it."""

    accounts: Mapping[str, str]
    free: Mapping[str, int]
    allowed: Mapping[str, int]
    held_wh: int
    outstanding_wh: int


def fees_needed(connection: Connection, community_id: str, now: datetime) -> tuple[int, int]:
    """Return the lamports that the hub should have, and what the last week's transactions cost."""
    row = chain_intent.c
    query = select(func.coalesce(func.sum(row.fee_lamports), 0)).where(
        row.community_id == community_id, row.finished_at > now - _WEEK
    )
    week = int(connection.execute(query).scalar_one())
    return max(_LEAST_LAMPORTS, 2 * week), week


class ChainWatch:
    """Looks at the chain now and then; everything it finds is in the review queue."""

    def __init__(
        self,
        database: Database,
        chain: Chain,
        community_id: str,
        clock: Callable[[], datetime],
        changes: Changes,
    ) -> None:
        self._database = database
        self._chain = chain
        self._community_id = community_id
        self._clock = clock
        self._changes = changes

    async def run(self) -> None:
        """Look until cancelled."""
        now = self._clock()
        await self._database.write(lambda c: schedule(c, self._community_id, SAGA, _SUBJECT, _night_after(now)))
        while True:
            try:
                await self.look()
            except LeaseLost:
                raise
            except NodeUnavailableError as error:
                _LOG.info("the chain cannot be looked at: %s", error)
            except Exception:  # noqa: BLE001 - the process's edge: a look that failed must not end the hub
                _LOG.exception("the chain could not be looked at; it is tried again")
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Look at the fees, and at the wallets when that is due and nothing is under way."""
        now = self._clock()
        await self.fees()
        due = await self._database.read(lambda c: due_work(c, self._community_id, now))
        for work in due:
            if work.kind == SAGA:
                await self._compare(work, now)

    async def fees(self) -> Fees:
        """Return what is left for fees; ask for more when it is little, and take that back when it came."""
        now, community_id = self._clock(), self._community_id
        has = await self._chain.fee_balance_lamports(community_id)
        needed, week = await self._database.read(lambda c: fees_needed(c, community_id, now))
        fees = Fees(has, needed, week)
        asked = await self._database.read(lambda c: _open_reviews(c, community_id, FEES_LOW))
        if fees.is_low and not asked:
            key = (await self._database.read(lambda c: community_chain(c, community_id))).payer
            evidence = {"lamports": has, "needed_lamports": needed, "send_to": str(key), "week_lamports": week}
            await self._database.write(
                lambda c: open_review(c, community_id, kind=FEES_LOW, subject=str(key), evidence=evidence, now=now)
            )
            self._changes.mark()
        if asked and not fees.is_low:
            note = f"{has} lamports are there"

            def take_back(connection: Connection) -> None:
                for review_id in asked:
                    resolve_review(connection, community_id, review_id, note=note, who="the hub", now=now)

            await self._database.write(take_back)
            self._changes.mark()
        return fees

    async def _compare(self, work: Work, now: datetime) -> None:
        before = await self._database.read(lambda c: _books(c, self._community_id))
        if before is None:
            return  # something is under way: the next look may find it quiet
        accounts = [Pubkey.from_string(account) for account in before.accounts.values()]
        found = await self._chain.holdings(accounts)
        holdings = dict(zip(before.accounts, found, strict=True))
        escrow_wh = await self._chain.escrow_wh(self._community_id)
        supply_wh = await self._chain.supply_wh(self._community_id)

        def rule(connection: Connection, _work: Work, at: datetime) -> Next | None:
            if _books(connection, self._community_id) != before:
                return None  # the books went on while the chain was asked
            self._conclude(connection, before, holdings, escrow_wh, supply_wh, at)
            return Next(WAITING, _night_after(at))

        if await self._database.write(lambda c: take_step(c, self._community_id, work, rule, now)):
            self._changes.mark()

    def _conclude(
        self,
        connection: Connection,
        books: _Books,
        holdings: Mapping[str, Holding | None],
        escrow_wh: int,
        supply_wh: int,
        now: datetime,
    ) -> None:
        for household, account in books.accounts.items():
            holding = holdings[household]
            chain_wh = 0 if holding is None else holding.wh
            self._wallet(connection, household, account, books.free[household], chain_wh, now)
            allowed = 0 if holding is None else holding.allowance_wh
            if allowed < books.allowed.get(household, 0):
                self._allowance(connection, household, books.allowed[household], allowed, now)
        for subject, booked, there in (
            ("escrow", books.held_wh, escrow_wh),
            ("supply", books.outstanding_wh, supply_wh),
        ):
            if booked != there:
                self._ask(connection, subject, {"books_wh": booked, "chain_wh": there}, now)

    def _wallet(
        self, connection: Connection, household: str, account: str, books_wh: int, chain_wh: int, now: datetime
    ) -> None:
        if books_wh == chain_wh:
            return
        text = (
            f"The books have {kwh(books_wh)}, the account on the chain {kwh(chain_wh)}. Tokens were moved past "
            "the hub by whoever holds the household's key. The books follow nobody but the hub: have the tokens "
            "brought back, or suspend the household."
        )
        evidence = {"account": account, "books_wh": books_wh, "chain_wh": chain_wh, "text": text}
        if self._ask(connection, household, evidence, now):
            data = {"books_wh": books_wh, "chain_wh": chain_wh}
            told = Notification(household, Event.WALLET_DIFFERS, data)
            notify(connection, self._community_id, [told], now)

    def _allowance(
        self, connection: Connection, household: str, books_wh: int, chain_wh: int, now: datetime
    ) -> None:
        """What was taken back is not granted: without it the household buys nothing."""
        set_allowance(connection, self._community_id, household, chain_wh)
        told = Notification(household, Event.ALLOWANCE_LOST, {"wh": books_wh - chain_wh})
        notify(connection, self._community_id, [told], now)

    def _ask(self, connection: Connection, subject: str, evidence: dict[str, object], now: datetime) -> bool:
        """Put a difference in front of a person; whether it is new."""
        is_new = not _open_reviews(connection, self._community_id, WALLET_DIFFERS, subject)
        open_review(
            connection, self._community_id, kind=WALLET_DIFFERS, subject=subject, evidence=evidence, now=now
        )
        return is_new


def _books(connection: Connection, community_id: str) -> _Books | None:
    """Return what should be on the chain; None while something is on its way there."""
    if open_intents(connection, community_id, 1):
        return None
    accounts = token_accounts(connection, community_id)
    wallets = {household: ledger.wallet(connection, community_id, household) for household in accounts}
    return _Books(
        accounts=accounts,
        free={household: wallet["ekwh_wh"] for household, wallet in wallets.items()},
        allowed=allowances(connection, community_id, accounts),
        held_wh=sum(wallet["ekwh_held_wh"] for wallet in wallets.values()),
        outstanding_wh=ledger.ekwh_outstanding(connection, community_id),
    )


def _open_reviews(connection: Connection, community_id: str, kind: str, subject: str | None = None) -> list[int]:
    row = review.c
    query = select(row.id).where(row.community_id == community_id, row.kind == kind, row.state == "open")
    if subject is not None:
        query = query.where(row.subject == subject)
    return list(connection.execute(query).scalars())


def _night_after(now: datetime) -> datetime:
    """Return the next half past one in East Africa, when little is under way."""
    local = now.astimezone(EAST_AFRICA)
    night = local.replace(hour=0, minute=0, second=0, microsecond=0) + _AFTER_MIDNIGHT
    return night if night > local else night + timedelta(days=1)
