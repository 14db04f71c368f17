"""One life of a hub process: it goes through the script from where the world stands until the end, or is killed.

Phase by phase, everything has one order: each phase of a tick asks for the same when it is begun again, and is
durable in the order in which it asks, so the books must be those of a process that lived through it once. At once,
all of it runs side by side as in a hub: orders of events differ by right, and only the invariants can be proved.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from energy_swap_hub import ledger
from energy_swap_hub.chain.intent import open_intents
from energy_swap_hub.chain.payload import HouseholdTransaction
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger.tables import entry
from energy_swap_hub.market.auction import BidError
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.mpesa.tables import payout
from energy_swap_hub.settlement import messages
from energy_swap_hub.settlement.machine import due_work
from energy_swap_hub.settlement.spot import OrderRefused
from energy_swap_protocol.message import Envelope, GrantAllowance, MessageError, sign_message
from energy_swap_protocol.reading import sign_reading
from energy_swap_protocol.transaction import TransactionError, allowance_message, lock_message
from sqlalchemy import Connection, select

from tests.hub.village import VILLAGE, Home

from .books import finish_books, prove, prove_money, write_books
from .mortality import Mortality
from .neighbourhood import Neighbourhood, open_neighbourhood
from .outside import Outside
from .script import STEP, Receipt, Tick, Wish

# What a household is told when its wish cannot be carried out; nothing was done then.
_REFUSALS: Final = (ledger.Overdrawn, OrderRefused, BidError, PaymentRefused, MessageError, TransactionError)
_PROVEN_EVERY: Final = 500  # ticks


class _Alarm(logging.Handler):
    """Ends the process at the first error that it would only have logged."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")
        sys.stderr.flush()
        os._exit(3)


def run_life(
    folder: Path,
    ticks: Sequence[Tick],
    homes: tuple[Home, ...],
    slots_away: int,
    mortality: Mortality,
    rules: CommunityConfig,
    *,
    at_once: bool,
) -> None:
    """Live from where the world in ``folder`` stands to the end of the script, and write the books there."""
    logging.getLogger().addHandler(_Alarm(logging.ERROR))
    go_through = _all_at_once if at_once else _one_by_one
    asyncio.run(_live(folder, ticks, homes, slots_away, mortality, rules, go_through))


async def _live(
    folder: Path,
    ticks: Sequence[Tick],
    homes: tuple[Home, ...],
    slots_away: int,
    mortality: Mortality,
    rules: CommunityConfig,
    go_through: Callable[[Neighbourhood, Sequence[Tick], Outside, Mortality], Awaitable[None]],
) -> None:
    outside = Outside(folder)
    begun_at, _ = outside.position
    # A hub that comes up waits for missing readings the whole grace time anew, and may so book a period later, by
    # right. No time passes here between a death and the next start: it wakes with the time of the tick before.
    async with open_neighbourhood(folder, homes, ticks[begun_at].since, mortality, rules) as neighbourhood:
        await prove(neighbourhood)
        await _sleep(neighbourhood, outside, slots_away)
        await go_through(neighbourhood, ticks[begun_at:], outside, mortality)
        await neighbourhood.check()
        await prove_money(neighbourhood, (receipt for tick in ticks for receipt in tick.receipts))
        await write_books(neighbourhood, folder, outside)
    outside.close()
    finish_books(folder)


async def _one_by_one(
    neighbourhood: Neighbourhood, ticks: Sequence[Tick], outside: Outside, mortality: Mortality
) -> None:
    _, phase = outside.position
    for tick in ticks:
        neighbourhood.now = tick.since if phase == 0 else tick.at
        while phase < len(PHASES):
            mortality.reach(tick.number, phase)
            await PHASES[phase](neighbourhood, tick, outside)
            phase += 1
            outside.go_to(tick.number, phase)
        phase = 0
        if tick.is_chain_up and tick.number % _PROVEN_EVERY == 0:
            await neighbourhood.check()


async def _all_at_once(
    neighbourhood: Neighbourhood, ticks: Sequence[Tick], outside: Outside, mortality: Mortality
) -> None:
    async with asyncio.TaskGroup() as group:
        jobs = (neighbourhood.chain.run(), neighbourhood.settlement.run(), neighbourhood.localnet.run_slots())
        work = [group.create_task(job) for job in jobs]
        for tick in ticks:
            neighbourhood.now = tick.at
            mortality.reach(tick.number, 0)
            wishes = (_say(neighbourhood, wish, outside) for wish in tick.wishes)
            await asyncio.gather(
                _take_in(neighbourhood, tick, outside), _pay(neighbourhood, tick, outside), *wishes
            )
            await _rest(neighbourhood)
            outside.go_to(tick.number, 0)
        for task in work:
            task.cancel()


async def _rest(neighbourhood: Neighbourhood) -> None:
    """Wait until all is done that can be done now."""
    while True:
        if not await neighbourhood.read(lambda c: _is_busy(c, neighbourhood.now)):
            return
        await asyncio.sleep(0.01)


def _is_busy(connection: Connection, now: datetime) -> bool:
    """Whether the chain has something to do, or the schedule something other than to wait for readings."""
    waits_for = ("period", "payouts", "rewards")
    due = [work for work in due_work(connection, VILLAGE, now) if work.kind not in waits_for]
    return bool(due or open_intents(connection, VILLAGE, 1))


async def _sleep(neighbourhood: Neighbourhood, outside: Outside, slots: int) -> None:
    """Let the chain go on as if the hub had been away: what was sent and did not land expires, and is signed anew.

    Not while something that a household has signed is under way: it would expire, too, and be signed again by the
    household, which changes the books by right.
    """
    waiting = await neighbourhood.read(lambda c: open_intents(c, VILLAGE, 1_000))
    is_signed = any(isinstance(intent.payload, HouseholdTransaction) for intent in waiting)
    if not is_signed and not outside.is_anything_unanswered():
        await neighbourhood.localnet.tick(slots)


# The phases of a tick


async def _wait(neighbourhood: Neighbourhood, tick: Tick, _outside: Outside) -> None:
    """Time passes. Everything that the schedule knows is due at a full step, so nothing waits unseen for the next.

    (What waited together is done in the order in which it became due, which a start may change: it looks at some
    of it anew.)
    """
    while neighbourhood.now < tick.at:
        neighbourhood.now += STEP
        await neighbourhood.advance()


async def _take_in(neighbourhood: Neighbourhood, tick: Tick, outside: Outside) -> None:
    """Readings, M-Pesa's news and standing orders come in together, as from many edges at once."""
    homes = neighbourhood.homes
    news: list[Awaitable[Any]] = []
    for who, readings in sorted(tick.readings.items()):
        frames = [sign_reading(reading, homes[who].meter_key) for reading in readings]
        news.append(neighbourhood.deliver(homes[who], *frames))
    news += [_receive(neighbourhood, receipt) for receipt in tick.receipts]
    news += [_say(neighbourhood, wish, outside) for wish in tick.standing]
    await asyncio.gather(*news)


async def _receive(neighbourhood: Neighbourhood, receipt: Receipt) -> None:
    await neighbourhood.database.write(
        lambda c: neighbourhood.payments.received(
            c,
            community_id=VILLAGE,
            household_id=neighbourhood.homes[receipt.who].id,
            cents=receipt.cents,
            receipt=receipt.receipt,
            at=receipt.paid_at,
        )
    )


async def _hear(neighbourhood: Neighbourhood, tick: Tick, outside: Outside) -> None:
    """Wishes come one after the other: whether one is refused may depend on the one before."""
    for wish in tick.wishes:
        await _say(neighbourhood, wish, outside)


async def _say(neighbourhood: Neighbourhood, wish: Wish, outside: Outside) -> None:
    """A household signs once and sends until it is answered."""
    name = str(wish.id)
    if outside.is_answered(name):
        return
    envelope = outside.said(name)
    if envelope is None:
        envelope = await _signed(neighbourhood, wish)
        outside.say(name, envelope)
    try:
        answer = await neighbourhood.database.write(
            lambda c: messages.receive(c, neighbourhood.desk, envelope, neighbourhood.now)
        )
    except _REFUSALS as refusal:
        answer = {"refused": f"{type(refusal).__name__}: {refusal}"}
    outside.answer(name, answer)


async def _signed(neighbourhood: Neighbourhood, wish: Wish) -> Envelope:
    home, fields = neighbourhood.homes[wish.who], dict(wish.fields)
    if wish.needs_signature:
        is_allowance = wish.kind is GrantAllowance
        build = allowance_message if is_allowance else lock_message
        info = await neighbourhood.info()
        text = home.sign(lambda chain: build(chain, home.pubkey, fields["wh"], wish.id), info)
        fields["approval" if is_allowance else "lock"] = text
    return sign_message(wish.kind(**neighbourhood.head(wish.id), **fields), home.key)


async def _pay(neighbourhood: Neighbourhood, _tick: Tick, _outside: Outside) -> None:
    """M-Pesa has carried the payouts out, or for one in seven says that it did not."""
    for payout_id, household_id, kes in await neighbourhood.read(_open_payouts):
        news: dict[str, Any] = {"community_id": VILLAGE, "household_id": household_id, "payout_id": payout_id}
        if sum(payout_id.encode()) % 7 == 0:
            tell = partial(neighbourhood.payments.pay_out_failed, **news, reason="the receiver is not registered")
        else:
            fee = neighbourhood.desk.charges.payout_cents(kes, neighbourhood.now)
            tell = partial(
                neighbourhood.payments.paid_out,
                **news,
                cents=kes * 100,
                fee_cents=fee,
                receipt=_receipt(payout_id),
                at=neighbourhood.now,
            )
        await neighbourhood.database.write(tell)


def _open_payouts(connection: Connection) -> list[tuple[str, str, int]]:
    """Return the payouts that M-Pesa has not told the outcome of: id, household and KES."""
    booked = connection.execute(
        select(entry.c.source, entry.c.external_id).where(entry.c.source.in_(("mpesa", "payout_failed")))
    )
    ended = {external_id for _, external_id in booked}
    row = payout.c
    ordered = connection.execute(select(row.payout_id, row.household_id, row.kes).order_by(row.payout_id))
    return [tuple(item) for item in ordered if not {item[0], _receipt(item[0])} & ended]


def _receipt(payout_id: str) -> str:
    return f"P/{payout_id}"


async def _settle(neighbourhood: Neighbourhood, _tick: Tick, _outside: Outside) -> None:
    await neighbourhood.advance()


async def _chain(neighbourhood: Neighbourhood, tick: Tick, _outside: Outside) -> None:
    """Where the chain answers, all that waits for it is done; where not, it waits with what comes later."""
    if tick.is_chain_up:
        while await neighbourhood.read(lambda c: open_intents(c, VILLAGE, 1)):
            await neighbourhood.chain_works()


type _Phase = Callable[[Neighbourhood, Tick, Outside], Awaitable[None]]
PHASES: Final[tuple[_Phase, ...]] = (_wait, _take_in, _hear, _pay, _settle, _chain, _settle, _chain)
