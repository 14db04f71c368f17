"""Many households' messages in one transaction: each has its own answer or refusal, as if it had come alone.

Orders of the spot market that stand together are carried out on one `SpotMarket`; every other message, and one
that was received before, is carried out by itself between them.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from energy_swap_protocol.message import AnyMessage, BuyOrder, CancelOrder, SellOrder
from energy_swap_protocol.transaction import TransactionError
from sqlalchemy import Connection, bindparam, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from energy_swap_hub.chain.community import CommunityChain
from energy_swap_hub.chain.directory import community_chain
from energy_swap_hub.membership.devices import by_device_keys
from energy_swap_hub.membership.households import Household, admitted, by_keys
from energy_swap_hub.storage import Lookup, insert_rows, is_in

from . import tables
from .desk import Desk
from .device_scope import check_phone_may, note_spending
from .opening import Lock, Opened, lock_of
from .spot_market import SpotMarket, Wish
from .tokens import check_locks_are_taken

_LOG = logging.getLogger(__name__)

type Outcome = dict[str, Any] | Exception
type Members = dict[tuple[bytes, bool], Household]  # by the key, and whether it is a phone's
type Check = Callable[[Desk, AnyMessage, datetime], None]
type CarryOut = Callable[[Connection, Desk, Opened, Household | None, datetime], dict[str, Any]]


_KNOWN: Final = Lookup(
    select(tables.message.c.id).where(
        tables.message.c.community_id == bindparam("community_id"), is_in(tables.message.c.id, "ids")
    )
)
_MESSAGE: Final = ("community_id", "id", "signer", "kind", "received_at", "payload", "signature", "details")


def carry_out_group(
    connection: Connection,
    desk: Desk,
    opened: Sequence[Opened],
    now: datetime,
    *,
    check: Check,
    carry_out: CarryOut,
) -> list[Outcome]:
    """Carry out ``opened`` in order; return each one's answer, or what its rules raised.

    ``check`` refuses a message before it is looked at, ``carry_out`` does one that is no order of the spot market.
    """
    if len(opened) > 1:
        try:
            with connection.begin_nested():
                return _Group(connection, desk, now, check, carry_out).outcomes(opened)
        except Exception as error:  # one message must not fail the others: each is tried by itself
            if _is_the_databases(error):
                raise
            _LOG.exception("a group of %d messages failed as a whole", len(opened))
    return [_alone(connection, desk, one, now, check, carry_out) for one in opened]


def store_messages(
    connection: Connection, community_id: str, carried_out: Sequence[tuple[Opened, dict[str, Any]]], now: datetime
) -> None:
    """Keep messages that were carried out as evidence, with what is told of them besides what can be looked up."""
    rows = [
        (
            community_id,
            one.id,
            one.signer,
            one.message.__struct_config__.tag,
            now,
            one.sealed,
            one.signature.encode(),
            details,
        )
        for one, details in carried_out
    ]
    insert_rows(connection, tables.message, _MESSAGE, rows)


def _alone(
    connection: Connection, desk: Desk, one: Opened, now: datetime, check: Check, carry_out: CarryOut
) -> Outcome:
    try:
        with connection.begin_nested():
            outcome = _Group(connection, desk, now, check, carry_out).outcomes([one])[0]
    except Exception as error:
        if _is_the_databases(error):
            raise
        return error
    return outcome


def _is_the_databases(error: Exception) -> bool:
    """Whether it is about the database itself and not about the values of a statement."""
    return isinstance(error, DBAPIError) and not isinstance(error, IntegrityError | DataError)


class _Group:
    def __init__(
        self, connection: Connection, desk: Desk, now: datetime, check: Check, carry_out: CarryOut
    ) -> None:
        self._connection = connection
        self._desk = desk
        self._now = now
        self._check = check
        self._carry_out = carry_out
        self._market = SpotMarket(connection, desk.community, now)
        self._carried_out: list[tuple[Opened, dict[str, Any]]] = []
        self._done: set[str] = set()
        self._chain: CommunityChain | None = None

    def outcomes(self, opened: Sequence[Opened]) -> list[Outcome]:
        members = self._members(opened)
        are_orders = self._which_are_orders(opened)
        outcomes: list[Outcome] = []
        for place, one in enumerate(opened):
            household = members.get((one.signer, one.by_phone))
            # The same message twice in one group: the second is answered, unless the first was refused.
            if not are_orders[place] or one.id in self._done:
                outcomes.append(self._do_alone(one, household))
                if household is None:  # it may have applied
                    members |= self._members([one])
                continue
            if place == 0 or not are_orders[place - 1]:
                self._expect(opened[place:], are_orders[place:], members)
            outcomes.append(self._do_order(one, household))
        self._write()
        return outcomes

    def _members(self, opened: Sequence[Opened]) -> Members:
        households = by_keys(self._connection, {one.signer for one in opened if not one.by_phone})
        phones = by_device_keys(self._connection, {one.signer for one in opened if one.by_phone})
        found: Members = {(key, False): household for key, household in households.items()}
        return found | {(key, True): household for key, household in phones.items()}

    def _which_are_orders(self, opened: Sequence[Opened]) -> list[bool]:
        """Tell the new messages about spot orders from all others."""
        ids = [one.id for one in opened]
        found = _KNOWN.all(self._connection, community_id=self._desk.community.id, ids=ids)
        known = {message_id for (message_id,) in found}
        self._market.read_orders([str(o.message.order) for o in opened if isinstance(o.message, CancelOrder)])
        placed: set[str] = set()
        are_orders = []
        for message_id, one in zip(ids, opened, strict=True):
            match one.message:
                case SellOrder() | BuyOrder(pay="wallet"):
                    is_order = message_id not in known
                    placed.add(message_id)
                case CancelOrder(order=order):
                    is_order = message_id not in known and (str(order) in placed or self._market.has(str(order)))
                case _:
                    is_order = False
            are_orders.append(is_order)
        return are_orders

    def _expect(self, opened: Sequence[Opened], are_orders: Sequence[bool], members: Members) -> None:
        wishes: list[tuple[Household, Wish]] = []
        for one, is_order in zip(opened, are_orders, strict=True):
            if not is_order:
                break
            household = members.get((one.signer, one.by_phone))
            if household is not None and isinstance(one.message, SellOrder | BuyOrder | CancelOrder):
                wishes.append((household, one.message))
        self._market.expect(wishes)

    def _do_order(self, one: Opened, household: Household | None) -> Outcome:
        try:
            self._check(self._desk, one.message, self._now)
            member = admitted(household)
            if one.by_phone:
                check_phone_may(self._connection, self._desk, one.signer, one.message, self._now)
            answer = self._order(member, one)
        except Exception as error:
            if self._market.is_halfway or isinstance(error, DBAPIError):
                raise
            return error
        if one.by_phone:
            note_spending(self._connection, self._desk, one.signer, one.message, {}, self._now)
        self._carried_out.append((one, {}))
        self._done.add(one.id)
        return {"id": one.id, "status": "accepted", **answer}

    def _order(self, household: Household, one: Opened) -> dict[str, Any]:
        message = one.message
        match message:
            case SellOrder():
                order = self._market.place_sell(household, message, lambda: self._lock(one, message))
            case BuyOrder():
                order = self._market.place_buy(household, message)
            case CancelOrder(order=order_id):
                order = self._market.cancel(household, str(order_id))
            case _:
                raise AssertionError("only orders of the spot market come here")
        return self._market.answer(order)

    def _lock(self, one: Opened, sale: SellOrder) -> Lock:
        lock = one.lock
        check_locks_are_taken(self._community_chain())
        if lock is None:
            lock = lock_of(self._desk, self._community_chain(), one.signer, sale)
        if isinstance(lock, TransactionError):
            raise lock
        return lock

    def _do_alone(self, one: Opened, household: Household | None) -> Outcome:
        self._write()
        try:
            with self._connection.begin_nested():
                return self._carry_out(self._connection, self._desk, one, household, self._now)
        except Exception as error:
            if _is_the_databases(error):
                raise
            # What it changed in the book is undone in the database; this reads it anew.
            self._market = SpotMarket(self._connection, self._desk.community, self._now)
            return error

    def _write(self) -> None:
        self._market.write()
        store_messages(self._connection, self._desk.community.id, self._carried_out, self._now)
        self._carried_out.clear()

    def _community_chain(self) -> CommunityChain:
        if self._chain is None:
            self._chain = community_chain(self._connection, self._desk.community.id)
        return self._chain
