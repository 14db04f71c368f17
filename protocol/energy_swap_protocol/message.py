"""Signed messages: every wish of a household, as JSON whose exact bytes are signed with the household's key."""

import base64
import binascii
from typing import Annotated, Final, Literal, get_args
from uuid import UUID

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from energy_swap_protocol.accepted import explain

# The prefix keeps a message's signature from ever being one of a Solana transaction or of a reading.
_DOMAIN: Final = b"energy-swap/message/1\n"

# Less than a tenth of a kWh is not worth what moving it on the chain costs.
LEAST_ORDER_WH: Final = 100
OrderWh = Annotated[int, msgspec.Meta(ge=LEAST_ORDER_WH, le=10_000_000)]
Wh = Annotated[int, msgspec.Meta(gt=0, le=10_000_000)]
CentsPerKwh = Annotated[int, msgspec.Meta(gt=0, le=100_000)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Kes = Annotated[int, msgspec.Meta(gt=0, le=250_000)]
# Control characters have no place in a name, and PostgreSQL cannot store all of them.
Name = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=80,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="text of 1 to 80 characters, none of them a control character",
    ),
]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
MeterKey = Annotated[
    str, msgspec.Meta(pattern="^[0-9a-f]{64}$", description="a public key as 64 hexadecimal digits")
]
PeriodId = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}Z$",
        description="the period's start in UTC, such as 2026-11-20T12:30Z",
    ),
]
Partners = Annotated[tuple[Name, ...], msgspec.Meta(max_length=20)]


class MessageError(ValueError):
    """A signed message cannot be accepted; the text says why and what to do."""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """What all messages carry: a unique id (also the idempotency key), community, and the sender's clock."""

    id: UUID
    community: Name
    sent_at: int  # Unix seconds


class Application(Message, frozen=True, kw_only=True, tag="apply"):
    """A household asks to be admitted.

    ``meter`` is the public key of its meter in hex, ``frame`` a reading which that meter signed.
    """

    name: Name
    phone: Annotated[
        str, msgspec.Meta(pattern="^254[17][0-9]{8}$", description="a phone's number such as 254712345678")
    ]
    meter: MeterKey
    frame: Annotated[str, msgspec.Meta(min_length=192, max_length=192)]
    rated_pv_w: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    main_breaker_w: Annotated[int, msgspec.Meta(gt=0, le=1_000_000)]


class StandingOrder(Message, frozen=True, kw_only=True, tag="standing_order"):
    """The limit prices of every period until changed; ``None`` keeps out of that side of the market."""

    sell_at_least: CentsPerKwh | None = None
    buy_at_most: CentsPerKwh | None = None


class ChoosePartners(Message, frozen=True, kw_only=True, tag="choose_partners"):
    """The households to trade with before all others, in every period until changed; an empty list chooses none.

    Two households are partners when each has chosen the other.
    """

    partners: Partners


class SellOrder(Message, frozen=True, kw_only=True, tag="sell"):
    """Sell eKWh that is in the wallet on the spot market; the message's ``id`` becomes the order's.

    A ``post_only`` order is refused rather than trade at once with one that rests. It trades only with households
    whose reputation was at least ``minimum_reputation`` percent when they placed their order.
    """

    wh: OrderWh
    at_least: CentsPerKwh
    valid_until: int | None = None
    post_only: bool = False
    minimum_reputation: Percent = 0
    lock: str  # signed Solana transaction (base64) that moves ``wh`` into the community's escrow


class BuyOrder(Message, frozen=True, kw_only=True, tag="buy"):
    """Buy eKWh on the spot market; from one ``seller`` (a household) only, if named.

    Paid from the wallet, or straight by a prompt on the phone (``mpesa``): then it buys what is offered now, up to
    ``wh``, and nothing of it rests. ``post_only`` and ``minimum_reputation`` as in `SellOrder`.
    """

    wh: OrderWh
    at_most: CentsPerKwh
    valid_until: int | None = None
    seller: Name | None = None
    post_only: bool = False
    minimum_reputation: Percent = 0
    pay: Literal["wallet", "mpesa"] = "wallet"


class CancelOrder(Message, frozen=True, kw_only=True, tag="cancel"):
    """Take back what is left of an order: spot, ahead while its gate is open, or an auction without a bid."""

    order: UUID


class SellAhead(Message, frozen=True, kw_only=True, tag="sell_ahead"):
    """Promise ``wh`` of a future period, named by its start; the message's ``id`` becomes the order's."""

    period: PeriodId
    wh: OrderWh
    at_least: CentsPerKwh


class BuyAhead(Message, frozen=True, kw_only=True, tag="buy_ahead"):
    """Buy ``wh`` of a future period ahead, paid from the wallet; as in `SellAhead`."""

    period: PeriodId
    wh: OrderWh
    at_most: CentsPerKwh


class StartAuction(Message, frozen=True, kw_only=True, tag="start_auction"):
    """Offer eKWh in an English auction that ends at ``ends_at``; the message's ``id`` becomes the auction's.

    Below ``reserve_price``, which nobody else learns, nothing is sold. A bid is at least ``minimum_step`` above
    the best one.
    """

    wh: OrderWh
    start_price: CentsPerKwh
    ends_at: int
    reserve_price: CentsPerKwh | None = None
    minimum_step: CentsPerKwh | None = None
    lock: str  # as in `SellOrder`


class Bid(Message, frozen=True, kw_only=True, tag="bid"):
    """Bid for the whole quantity of an auction."""

    auction: UUID
    price: CentsPerKwh


class TopUp(Message, frozen=True, kw_only=True, tag="top_up"):
    """Ask for an M-Pesa prompt on the household's phone."""

    kes: Kes


class PayOut(Message, frozen=True, kw_only=True, tag="pay_out"):
    """Ask to be paid out to the household's phone; ``None`` pays all that can be paid."""

    kes: Kes | None = None


class GrantAllowance(Message, frozen=True, kw_only=True, tag="allow"):
    """Let the hub burn up to ``wh`` eKWh for this household's consumption; it replaces what was allowed before."""

    wh: Wh
    approval: str  # signed Solana transaction (base64): approve the hub for the allowed amount


class SwitchConnection(Message, frozen=True, kw_only=True, tag="switch_connection"):
    """Have the household's own connection switched off by its meter's relay, or take that wish back.

    It is only a wish: on again means that the household no longer asks to be off, and the community may still do.
    """

    on: bool


class Leave(Message, frozen=True, kw_only=True, tag="leave"):
    """Leave the community: nothing is traded any more, and what the wallet holds is paid out."""

    reason: Reason


type AnyMessage = (
    Application | StandingOrder | SellOrder | BuyOrder | CancelOrder | StartAuction | Bid | TopUp | PayOut
    | GrantAllowance | ChoosePartners | SellAhead | BuyAhead | SwitchConnection | Leave
)  # fmt: skip


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message as it travels: the signer's public key, the exact JSON bytes, the signature; base64url each."""

    signer: str
    payload: str
    signature: str


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyMessage] = msgspec.json.Decoder(AnyMessage)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error, ValueError:
        raise MessageError(f"{what} is not base64url") from None


def sign_message(message: AnyMessage, key: SigningKey) -> Envelope:
    """Return ``message`` in an envelope signed with the household's ``key``."""
    payload = _encoder.encode(message)
    signature = key.sign(_DOMAIN + payload).signature
    return Envelope(_text(bytes(key.verify_key)), _text(payload), _text(signature))


def open_envelope(envelope: Envelope) -> tuple[bytes, AnyMessage]:
    """Return the signer's 32-byte public key and the message; raise `MessageError` for a false or odd one."""
    signer, payload = _bytes(envelope.signer, "signer"), _bytes(envelope.payload, "payload")
    signature = _bytes(envelope.signature, "signature")
    if len(signer) != 32 or len(signature) != 64:
        raise MessageError("signer has 32 bytes and signature 64 bytes")
    try:
        VerifyKey(signer).verify(_DOMAIN + payload, signature)
    except BadSignatureError:
        raise MessageError("the signature does not belong to this message") from None
    return signer, _message(payload)


def read_checked(envelope: Envelope) -> tuple[bytes, AnyMessage]:
    """Return what `open_envelope` did of an envelope before; the signature is not looked at again."""
    return _bytes(envelope.signer, "signer"), _message(_bytes(envelope.payload, "payload"))


def _message(payload: bytes) -> AnyMessage:
    try:
        return _decoder.decode(payload)
    except msgspec.DecodeError as error:
        text = explain(error, payload, get_args(AnyMessage.__value__))
        raise MessageError(f"message not understood: {text}") from None
