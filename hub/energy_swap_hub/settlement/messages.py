"""Carry out a household's signed message: once, in one transaction, with the signed bytes kept as evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    open_envelope,
    read_checked,
)
from energy_swap_protocol.reading import FrameError, decode_frame, frame_from_text
from energy_swap_protocol.transaction import TransactionError
from sqlalchemy import Connection, bindparam, select

from energy_swap_hub import ledger, metering
from energy_swap_hub.chain.community import CommunityChain
from energy_swap_hub.chain.payload import HouseholdTransaction
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.explained import Explained
from energy_swap_hub.membership import households
from energy_swap_hub.membership.households import Household
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.mpesa import MPesa, PaymentRefused
from energy_swap_hub.mpesa.charges import Charges
from energy_swap_hub.mpesa.payouts import LEAST_KES
from energy_swap_hub.storage import Lookup, insert_rows

from . import ahead, auctions, partners, relays, spot, tables, tokens
from .departures import begin_leaving
from .device_scope import check_phone_may, note_spending
from .groups import Lock, Opened, Outcome, carry_out_group, lock_of, store_messages
from .payouts import book_pay_out, most_kes
from .purchases import begin_purchase
from .refusals import check_may_sell

# A message that moves money or tokens now must not come back later; a standing wish may wait in an edge for days.
_PATIENT: Final = (Application, StandingOrder, ChoosePartners, GrantAllowance)
_MAX_AGE: Final = timedelta(minutes=15)
_MAX_PATIENT_AGE: Final = timedelta(days=14)
_STANDING_ORDER: Final = ("community_id", "household_id", "sell_at_least", "buy_at_most", "valid_from")
_KNOWN: Final = Lookup(
    select(tables.message.c.signer, tables.message.c.payload, tables.message.c.details).where(
        tables.message.c.community_id == bindparam("community_id"), tables.message.c.id == bindparam("message_id")
    )
)
_MAX_AHEAD: Final = timedelta(minutes=5)


class MessageRefused(Explained, MessageError):  # noqa: N818 - reads as the answer it is
    """A true message that cannot be acted on now, or here; the text says why."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What carrying out messages needs besides the database."""

    community: CommunityConfig
    phones: PhoneBook
    mpesa: MPesa
    charges: Charges
    tokens: tokens.TokenDesk
    phone_daily_cents: int = 500_000  # what one paired phone may move in a day

    def phone_of(self, connection: Connection, community_id: str, household_id: str) -> str:
        """Return a household's phone number, for M-Pesa's eyes only."""
        return self.phones.open(households.sealed_phone(connection, community_id, household_id))


def receive(connection: Connection, desk: Desk, envelope: Envelope, now: datetime) -> dict[str, Any]:
    """Carry out the message in ``envelope`` and return its answer; the same message again only returns the answer.

    Raises what the message's rules raise; then nothing was done and the message may be sent again.
    """
    outcome = receive_group(connection, desk, [open_message(desk, envelope)], now)[0]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def open_message(desk: Desk, envelope: Envelope, chain: CommunityChain | None = None) -> Opened:
    """Return what a true envelope says, and what is kept of it; raises `MessageError`. Any thread may do this.

    With ``chain`` the lock of a sale is completed too, which else happens when the sale is carried out.
    """
    signer, message = open_envelope(envelope)
    lock = None if chain is None or not isinstance(message, SellOrder) else lock_of(desk, chain, signer, message)
    return _opened(desk, envelope, signer, message, lock)


def open_checked(desk: Desk, envelope: Envelope, lock: str | TransactionError | None) -> Opened:
    """Return what `open_message` does of an envelope that is known to be true; ``lock`` is a sale's, completed."""
    signer, message = read_checked(envelope)
    if not isinstance(lock, str):
        return _opened(desk, envelope, signer, message, lock)
    memo = f"lock:{message.id}"
    return _opened(desk, envelope, signer, message, (memo, HouseholdTransaction(memo, lock)))


def _opened(
    desk: Desk, envelope: Envelope, signer: bytes, message: AnyMessage, lock: Lock | TransactionError | None
) -> Opened:
    # Sealed: an application holds a phone number.
    sealed = desk.phones.seal(envelope.payload)
    return Opened(str(message.id), signer, message, envelope.payload, sealed, envelope.signature, lock)


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


def answer(
    connection: Connection, desk: Desk, signer: bytes, message: AnyMessage, details: dict[str, Any]
) -> dict[str, Any]:
    """Return what became of a message that was carried out, as it stands now."""
    community_id = desk.community.id
    base: dict[str, Any] = {"id": str(message.id), "status": "accepted", **details}
    match message:
        case Application():
            household = households.by_key(connection, signer)
            if household is None:
                claimed = households.claimed_by(connection, signer)
                return base | {"status": "waits_for_recovery", "household": claimed}
            return base | {"status": household.status, "household": household.id}
        case SellOrder() | BuyOrder():
            return base | spot.order_answer(connection, community_id, str(message.id))
        case StartAuction():
            return base | auction_answer(connection, community_id, str(message.id))
        case Bid():
            row = auctions.auction_row(connection, community_id, str(message.auction))
            return base | {"leading": row is not None and row["leader_hold"] == auctions.bid_hold(str(message.id))}
        case SellAhead() | BuyAhead():
            return base | ahead.order_answer(connection, community_id, str(message.id))
        case CancelOrder():
            return base | _cancelled_answer(connection, desk.community, str(message.order))
        case _:
            return base


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


def _cancelled_answer(connection: Connection, community: CommunityConfig, order_id: str) -> dict[str, Any]:
    if ahead.order_row(connection, community.id, order_id) is not None:
        return ahead.order_answer(connection, community.id, order_id)
    if auctions.auction_row(connection, community.id, order_id) is not None:
        return auction_answer(connection, community.id, order_id)
    return spot.order_answer(connection, community.id, order_id)


def pay_out(
    connection: Connection, desk: Desk, household: Household, payout_id: str, kes: int | None, now: datetime
) -> int:
    """Set money aside, order its payout and return the KES; None means all that can be sent with its fee."""
    cents = ledger.wallet(connection, desk.community.id, household.id)["kes_cents"]
    if kes is None:
        kes = most_kes(cents, lambda kes: desk.charges.payout_cents(kes, now))
    if kes < LEAST_KES:
        text = f"M-Pesa pays out KES {LEAST_KES} or more; this would be KES {kes}"
        raise PaymentRefused(text, "payout_too_small", least_kes=LEAST_KES, kes=kes)
    fee = desk.charges.payout_cents(kes, now)
    book_pay_out(connection, desk.community.id, household.id, payout_id, kes=kes, fee_cents=fee, now=now)
    desk.mpesa.request_pay_out(
        connection,
        community_id=desk.community.id,
        household_id=household.id,
        payout_id=payout_id,
        phone=desk.phone_of(connection, desk.community.id, household.id),
        kes=kes,
        now=now,
    )
    return kes


def auction_answer(connection: Connection, community_id: str, auction_id: str) -> dict[str, Any]:
    """Return how an auction stands."""
    row = auctions.auction_row(connection, community_id, auction_id)
    assert row is not None
    return {"auction": auction_id, "status": row["status"]}


def _check(desk: Desk, message: AnyMessage, now: datetime) -> None:
    if message.community != desk.community.id:
        text = f"community: this hub serves the community {desk.community.id}, not {message.community}"
        raise MessageRefused(text, "another_community")
    _check_age(message, now)


def _check_age(message: AnyMessage, now: datetime) -> None:
    age = int(now.timestamp()) - message.sent_at
    limit = _MAX_PATIENT_AGE if isinstance(message, _PATIENT) else _MAX_AGE
    if age > limit.total_seconds():
        text = f"sent {age} s ago, which is too old to act on now; send it again"
        raise MessageRefused(text, "sent_too_long_ago", minutes=age // 60)
    if -age > _MAX_AHEAD.total_seconds():
        text = f"sent {-age} s in the future; set the clock of the sender"
        raise MessageRefused(text, "sent_in_the_future", minutes=-age // 60)
