"""Carry out a household's signed message: once, in one transaction, with the signed bytes kept as evidence."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from energy_swap_protocol.message import (
    AnyMessage,
    Application,
    Bid,
    BuyAhead,
    BuyOrder,
    CancelOrder,
    ChoosePartners,
    Envelope,
    GrantAllowance,
    Leave,
    MessageError,
    PayOut,
    SellAhead,
    SellOrder,
    StandingOrder,
    StartAuction,
    SwitchConnection,
    TopUp,
)
from energy_swap_protocol.reading import FrameError, decode_frame, frame_from_text
from sqlalchemy import Connection, bindparam, select

from energy_swap_hub import metering
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.explained import Explained
from energy_swap_hub.membership import households
from energy_swap_hub.membership.households import Household
from energy_swap_hub.storage import Lookup, insert_rows

from . import ahead, auctions, partners, relays, spot, tables
from .answers import answer
from .departures import begin_leaving
from .desk import Desk
from .device_scope import check_phone_may, note_spending
from .groups import Outcome, carry_out_group, store_messages
from .opening import Opened, open_message
from .payouts import pay_out
from .purchases import begin_purchase
from .refusals import check_may_sell

# A message that moves money or tokens now must not come back later; a standing wish may wait in an edge for days.
_PATIENT: Final = (Application, StandingOrder, ChoosePartners, GrantAllowance)
_MAX_AGE: Final = 15 * 60  # seconds
_MAX_PATIENT_AGE: Final = 14 * 86_400
_MAX_AHEAD: Final = 5 * 60
_STANDING_ORDER: Final = ("community_id", "household_id", "sell_at_least", "buy_at_most", "valid_from")
_KNOWN: Final = Lookup(
    select(tables.message.c.signer, tables.message.c.payload, tables.message.c.details).where(
        tables.message.c.community_id == bindparam("community_id"), tables.message.c.id == bindparam("message_id")
    )
)


class MessageRefused(Explained, MessageError):  # noqa: N818 - reads as the answer it is
    """A true message that cannot be acted on now, or here; the text says why."""


def receive(connection: Connection, desk: Desk, envelope: Envelope, now: datetime) -> dict[str, Any]:
    """Carry out the message in ``envelope`` and return its answer; the same message again only returns the answer.

    Raises what the message's rules raise; then nothing was done and the message may be sent again.
    """
    outcome = receive_group(connection, desk, [open_message(desk, envelope)], now)[0]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def receive_group(connection: Connection, desk: Desk, opened: Sequence[Opened], now: datetime) -> list[Outcome]:
    """Carry out messages in their order, each by itself; return each one's answer, or its refusal.

    A refused message leaves nothing behind and changes nothing for the others.
    """
    return carry_out_group(connection, desk, opened, now, check=_check, carry_out=_receive_one)


def _receive_one(
    connection: Connection, desk: Desk, opened: Opened, household: Household | None, now: datetime
) -> dict[str, Any]:
    """Carry out a message that is no order of the spot market, or answer one that is known."""
    signer, message = opened.signer, opened.message
    known = _KNOWN.first(connection, community_id=desk.community.id, message_id=str(message.id))
    if known is not None:
        if bytes(known[0]) != signer:
            text = f"the message id {message.id} was used by somebody else; make a new one"
            raise MessageRefused(text, "message_id_used")
        if desk.phones.open(bytes(known[1])) != opened.payload:
            text = f"the message id {message.id} was used for another message; make a new one"
            raise MessageRefused(text, "message_id_used")
        return answer(connection, desk, signer, message, known[2])
    _check(desk, message, now)
    if isinstance(message, Application) and not opened.by_phone:
        details = _apply(connection, desk, signer, message, now)
    else:
        member = households.admitted(household, may_leave=isinstance(message, GrantAllowance))
        if _offers_energy(message):
            check_may_sell(member)
        if opened.by_phone:
            check_phone_may(connection, desk, signer, message, now)
        if isinstance(message, Leave):
            begin_leaving(connection, desk.community.id, member.id, who=member.id, reason=message.reason, now=now)
            details = {"status": "leaving"}
        else:
            details = _carry_out(connection, desk, member, message, now)
        if opened.by_phone:
            note_spending(connection, desk, signer, message, details, now)
    store_messages(connection, desk.community.id, [(opened, details)], now)
    return answer(connection, desk, signer, message, details)


def _apply(
    connection: Connection, desk: Desk, signer: bytes, message: Application, now: datetime
) -> dict[str, Any]:
    try:
        frame = frame_from_text(message.frame)
        first = decode_frame(frame)
        if first.meter.hex() != message.meter:
            raise MessageError("frame: signed by another meter than the one applied for")
    except FrameError as error:
        raise MessageError(f"frame: {error}") from None
    if households.by_key(connection, signer) is not None:
        return {}
    if households.claim(connection, desk.community.id, message, signer=signer, phones=desk.phones, now=now):
        return {}
    household = households.apply(
        connection, desk.community.id, message, signer=signer, phones=desk.phones, now=now
    )
    metering.claim_meter(connection, desk.community.id, household.id, household.meter, frame)
    desk.tokens.open_account(connection, desk.community.id, household, first, now)
    return {}


def _carry_out(
    connection: Connection, desk: Desk, household: Household, message: AnyMessage, now: datetime
) -> dict[str, Any]:
    community = desk.community
    match message:
        case StandingOrder():
            limits = (community.id, household.id, message.sell_at_least, message.buy_at_most, now)
            insert_rows(connection, tables.standing_order, _STANDING_ORDER, [limits])
        case StartAuction():
            auctions.start(connection, community, household, message, now)
            desk.tokens.lock(connection, community.id, household, message.lock, message.wh, message.id, now)
        case ChoosePartners():
            partners.choose_partners(connection, community.id, household, message.partners, now)
        case SellAhead() | BuyAhead():
            ahead.place(connection, community, household, message, now)
        case CancelOrder():
            _cancel(connection, community, household, str(message.order), now)
        case Bid():
            auctions.bid(connection, community, household, message, now)
        case TopUp():
            intent = desk.mpesa.request_top_up(
                connection,
                community_id=community.id,
                household_id=household.id,
                phone=desk.phone_of(connection, community.id, household.id),
                kes=message.kes,
                now=now,
            )
            return {"intent": intent, "status": "queued"}
        case PayOut():
            kes = pay_out(connection, desk, household, str(message.id), message.kes, now)
            return {"payout": str(message.id), "kes": kes}
        case GrantAllowance():
            desk.tokens.allow(connection, community.id, household, message.approval, message.wh, message.id, now)
            return {"wh": message.wh}
        case SwitchConnection():
            return relays.ask(connection, community, household, on=message.on, now=now)
        case BuyOrder():
            return begin_purchase(connection, desk, household, message, now)
        case Application() | SellOrder() | Leave():
            raise AssertionError("applications and other orders of the spot market are handled before")
    return {}


def _offers_energy(message: AnyMessage) -> bool:
    if isinstance(message, StandingOrder):
        return message.sell_at_least is not None
    return isinstance(message, SellAhead | StartAuction)


def _cancel(
    connection: Connection, community: CommunityConfig, household: Household, order_id: str, now: datetime
) -> None:
    """Take back an order of whichever market has it."""
    if ahead.order_row(connection, community.id, order_id) is not None:
        ahead.cancel(connection, community, household, order_id, now)
    elif auctions.auction_row(connection, community.id, order_id) is not None:
        auctions.cancel(connection, community, household, order_id, now)
    else:
        spot.cancel(connection, community, household, order_id, now)


def _check(desk: Desk, message: AnyMessage, now: datetime) -> None:
    if message.community != desk.community.id:
        text = f"community: this hub serves the community {desk.community.id}, not {message.community}"
        raise MessageRefused(text, "another_community")
    _check_age(message, now)


def _check_age(message: AnyMessage, now: datetime) -> None:
    age = int(now.timestamp()) - message.sent_at
    most = _MAX_PATIENT_AGE if isinstance(message, _PATIENT) else _MAX_AGE
    if age > most:
        text = f"sent_at: that was {age} s ago, too old to act on; give a time of the last {most} s and sign again"
        raise MessageRefused(text, "sent_too_long_ago", minutes=age // 60)
    if -age > _MAX_AHEAD:
        text = (
            f"sent_at: that is {-age} s in the future by the hub's clock, and {_MAX_AHEAD} s are allowed; set the "
            "sender's clock and sign again"
        )
        raise MessageRefused(text, "sent_in_the_future", minutes=-age // 60)
