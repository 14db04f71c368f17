"""What an intent asks of the chain: one struct per kind, stored as JSON and shown to the verifier."""

from typing import Annotated, Final

import msgspec

Wh = Annotated[int, msgspec.Meta(gt=0, le=2**63 - 1)]


class Mint(msgspec.Struct, frozen=True):
    """One household's export of a period: ``frames`` are the signed readings (text) it follows from.

    ``account`` is the household's token account; the tokens themselves are minted into the escrow.
    """

    household: str
    account: str
    wh: Wh
    frames: tuple[str, ...]


class Transfer(msgspec.Struct, frozen=True):
    """Move ``wh`` from the escrow to the token account ``account``."""

    account: str
    wh: Wh


class Burn(msgspec.Struct, frozen=True):
    """Burn ``wh`` that a household consumed from its token account."""

    household: str
    account: str
    wh: Wh


class OpenAccount(msgspec.Struct, frozen=True, tag="open_account", omit_defaults=True):
    """Create a household's frozen token account and the nonce account of decisions about it.

    A household that gets another account in place of its first one says so in ``memo``.
    """

    household: str
    owner: str
    memo: str = ""


class OpenNonce(msgspec.Struct, frozen=True, tag="open_nonce", omit_defaults=True):
    """Create a nonce account: of what the approvers decide about the community itself, or about a ``household``.

    One that takes the place of an earlier one says so in ``memo``; ``owner`` is the household's key.
    """

    account: str
    memo: str = ""
    household: str = ""
    owner: str = ""


class Approved(msgspec.Struct, frozen=True, tag="approved"):
    """What a panel of approvers has signed: ``message`` (base64) with ``signatures`` of ``panel``, in its order.

    ``account`` is the nonce account that it is bound to, ``nonce`` the nonce there.
    """

    proposal: str
    memo: str
    account: str
    nonce: str
    message: str
    panel: tuple[str, ...]
    signatures: tuple[str, ...]


class HandOver(msgspec.Struct, frozen=True, tag="hand_over", omit_defaults=True):
    """Give minting, and all that lies in escrow, to the new 2-of-3 that the approvers have let in.

    With a new ``hub`` its old key gives it burning, pausing and the money for fees, too; when that ``is_lost``,
    both verifiers act without it.
    """

    memo: str
    authority: str
    escrow: str
    verifiers: tuple[str, ...]
    hub: str = ""
    is_lost: bool = False


class Pause(msgspec.Struct, frozen=True, tag="pause"):
    """Stop every movement of the token, or let it go on."""

    memo: str
    is_paused: bool


class Admit(msgspec.Struct, frozen=True, tag="admit"):
    """An admission as it was asked for before there were proposals: read only, from what was stored then."""

    household: str
    nonce: str
    panel: tuple[str, ...]
    signatures: tuple[str, ...]
    memo: str = ""


class MintPeriod(msgspec.Struct, frozen=True, tag="mint_period", omit_defaults=True):
    """Mint what a period's exports were and give it to whom it belongs.

    ``leaves`` and ``root`` are those of this part's own mints, so that each transaction can be checked by itself.
    ``minutes`` is the period's length; None: the community's first, as in what was stored before it could change.
    """

    period: str
    part: int
    parts: int
    leaves: int
    root: str
    mints: tuple[Mint, ...]
    releases: tuple[Transfer, ...]
    minutes: int | None = None


BURN_PERIOD: Final = "burn_period"


class BurnPeriod(msgspec.Struct, frozen=True, tag=BURN_PERIOD):
    """Burn what households consumed in a period, as the delegate they allowed."""

    period: str
    part: int
    parts: int
    burns: tuple[Burn, ...]


class Release(msgspec.Struct, frozen=True, tag="release"):
    """Give locked energy to whoever bought it, or back; ``memo`` names the order."""

    memo: str
    transfer: Transfer


class HouseholdTransaction(msgspec.Struct, frozen=True, tag="household_transaction"):
    """A transaction that the household signed and the hub completed, as base64; ``memo`` is what it says."""

    memo: str
    transaction: str


type Payload = (
    OpenAccount
    | OpenNonce
    | Admit
    | Approved
    | HandOver
    | Pause
    | MintPeriod
    | BurnPeriod
    | Release
    | HouseholdTransaction
)

_decoder: msgspec.json.Decoder[Payload] = msgspec.json.Decoder(
    OpenAccount
    | OpenNonce
    | Admit
    | Approved
    | HandOver
    | Pause
    | MintPeriod
    | BurnPeriod
    | Release
    | HouseholdTransaction
)


def encode(payload: Payload) -> str:
    """Return the JSON text of ``payload``, always the same for the same content."""
    return msgspec.json.encode(payload, order="deterministic").decode()


def decode(text: str) -> Payload:
    """Return the payload in ``text``, as written by `encode`."""
    return _decoder.decode(text)


def kind_of(payload: Payload) -> str:
    """Return the name of the payload's kind."""
    return str(payload.__struct_config__.tag)


def memo_of(payload: Payload, community: str) -> str:
    """Return the memo of the payload's transaction: what makes it findable, and its own.

    A period split over several transactions says which part each one is.
    """
    match payload:
        case OpenAccount():
            return payload.memo or f"open:{payload.household}"
        case OpenNonce():
            return payload.memo or "open:nonce"
        case Admit():
            return payload.memo or f"admit:{payload.household}"
        case MintPeriod():
            return f"es1|{community}|{payload.period}|{payload.leaves}|{payload.root}" + _part(payload)
        case BurnPeriod():
            return f"burn|{community}|{payload.period}" + _part(payload)
        case Approved() | HandOver() | Pause() | Release() | HouseholdTransaction():
            return payload.memo


def _part(payload: MintPeriod | BurnPeriod) -> str:
    return f"|{payload.part}/{payload.parts}" if payload.parts > 1 else ""
