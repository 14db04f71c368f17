"""What the hub asks a verifier to sign, as it travels: the intent, and the exact message that carries it out."""

import hashlib
from typing import Annotated, Final, Literal

import msgspec
from solders.pubkey import Pubkey

from . import merkle
from .evidence import read_frames

PATH: Final = "/co-sign"
MAX_BODY: Final = 1024 * 1024  # 240 mints take about 120 KiB, four times that with several frames each

Wh = Annotated[int, msgspec.Meta(gt=0, le=2**63 - 1)]


class Mint(msgspec.Struct, frozen=True):
    """One household's net export: its token account (base58), the Wh, and the frames that prove it."""

    account: str
    wh: Wh
    frames: tuple[str, ...]


class Move(msgspec.Struct, frozen=True):
    """Wh out of the escrow to a token account (base58)."""

    account: str
    wh: Wh


class MintPeriod(msgspec.Struct, frozen=True, tag="mint_period", omit_defaults=True):
    """One transaction of a period: what is minted into the escrow, as one sum, then what leaves it.

    ``minutes`` is the period's length; a hub that does not tell it means the one configured here.
    """

    period: str
    part: int
    parts: int
    leaves: int
    root: str
    mints: tuple[Mint, ...]
    releases: tuple[Move, ...]
    minutes: Literal[15, 30, 60] | None = None


class Release(msgspec.Struct, frozen=True, tag="release"):
    """Locked Wh of an order to its buyer (``release:<order>…``) or back to its seller (``refund:<order>…``)."""

    memo: str
    transfer: Move


class HandOver(msgspec.Struct, frozen=True, tag="hand_over", omit_defaults=True):
    """Minting and all in escrow go to the 2-of-3 at ``authority``, whose escrow account the approvers thawed.

    With ``hub``, that key takes the hub's place; when the old one ``is_lost``, both verifiers act without it.
    """

    memo: str
    authority: str
    escrow: str
    verifiers: tuple[str, ...]
    hub: str = ""
    is_lost: bool = False


type Wish = MintPeriod | Release | HandOver


class Request(msgspec.Struct, frozen=True):
    """A request: ``message`` is base64 of the Solana message, ``signature`` the hub's own over it (base58)."""

    community: str
    intent: str
    payload: Wish
    message: str
    signature: str


class Signed(msgspec.Struct, frozen=True):
    """The verifier's signature (base58), over ``message`` (base64).

    That is the message of the request, or an earlier one for the same intent that may still land.
    """

    signature: str
    message: str


class NotSigned(msgspec.Struct, frozen=True):
    """Why the verifier has not signed."""

    reason: str


def memo_of(community: str, wish: Wish) -> str:
    """Return the memo that the transaction of ``wish`` must carry, worked out from its mints."""
    if isinstance(wish, Release | HandOver):
        return wish.memo
    root = merkle.root_text(leaves_of(wish.mints))
    part = f"|{wish.part}/{wish.parts}" if wish.parts > 1 else ""
    return f"es1|{community}|{wish.period}|{len(wish.mints)}|{root}{part}"


def leaves_of(mints: tuple[Mint, ...]) -> list[bytes]:
    """Return the Merkle leaf of each mint; raises `EvidenceError` for a frame that is none."""
    return [merkle.leaf(read_frames(m.frames), bytes(Pubkey.from_string(m.account)), m.wh) for m in mints]


def digest_of(wish: Wish) -> bytes:
    """Return a hash of all that ``wish`` asks for."""
    return hashlib.sha256(msgspec.json.encode(wish, order="deterministic")).digest()
