"""What the program of the trust mode is asked, and what it keeps; layouts as in ``hub/program/trust.c``."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final
from uuid import UUID

from energy_swap_protocol.transaction import TOKEN_2022
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.sysvar import INSTRUCTIONS

from energy_swap_hub.chain.token2022 import LayoutError

MAX_RATED_W: Final = 10_000_000
METER_BYTES: Final = 144
ORDER_BYTES: Final = 232
OFFICE_BYTES: Final = 72

_ED25519: Final = Pubkey.from_string("Ed25519SigVerify111111111111111111111111111")
_SIGNED_BYTES: Final = 80  # of a reading's frame, the signature follows
_METER: Final = struct.Struct("<BB6x32s32s32sQQQQQ")
_ORDER: Final = struct.Struct("<BB6x16sQQ32s32s32s32s32s32s")
_METER_TAG: Final = 2
_ORDER_TAG: Final = 1
_OFFICE_TAG: Final = 3


class Refusal(IntEnum):
    """Why the program refused: the ``Custom`` number of a failed transaction."""

    TOO_MANY_ACCOUNTS = 100
    WRONG_DATA = 101
    WRONG_PROGRAM = 102
    WRONG_STATE = 103
    WRONG_ADDRESS = 104
    NOT_SIGNED = 105
    WRONG_MINT = 106
    NO_READING = 107
    WRONG_METER = 108
    DOUBTED = 109
    REPLAYED = 110
    FALLING = 111
    FROM_THE_FUTURE = 112
    IMPOSSIBLE = 113
    WRONG_DESTINATION = 114
    TOO_EARLY = 115
    WRONG_VAULT = 116
    OVER = 117
    NOTHING = 118
    TOO_MUCH = 119
    SUSPENDED = 120


@dataclass(frozen=True, slots=True)
class MeterState:
    """A registered meter: whose energy it proves (the household's token account), and how far it has been counted.

    ``measured_at`` is ``None`` until something was minted for it.
    """

    meter: bytes
    mint: Pubkey
    account: Pubkey
    rated_w: int
    sequence: int
    measured_at: datetime | None
    export_wh: int
    import_wh: int


@dataclass(frozen=True, slots=True)
class OrderState:
    """An open order: ``wh`` in ``vault`` for ``buyer``, and after ``deadline`` for ``seller`` again."""

    id: UUID
    wh: int
    deadline: datetime
    mint: Pubkey
    vault: Pubkey
    seller: Pubkey
    buyer: Pubkey
    arbiter: Pubkey
    payer: Pubkey


def authority_address(program: Pubkey, mint: Pubkey) -> Pubkey:
    """Return the address with which the program mints ``mint`` and owns its vault; its office is kept there."""
    return Pubkey.find_program_address([b"authority", bytes(mint)], program)[0]


def meter_address(program: Pubkey, mint: Pubkey, meter: bytes) -> Pubkey:
    """Return where the program keeps the state of ``meter`` (its public key)."""
    return Pubkey.find_program_address([b"meter", bytes(mint), meter], program)[0]


def order_address(program: Pubkey, mint: Pubkey, order: UUID) -> Pubkey:
    """Return where the program keeps the state of an order."""
    return Pubkey.find_program_address([b"order", bytes(mint), order.bytes], program)[0]


def register_meter(
    program: Pubkey,
    *,
    payer: Pubkey,
    mint: Pubkey,
    approvers: Pubkey,
    signers: Sequence[Pubkey],
    meter: bytes,
    account: Pubkey,
    rated_w: int,
    first_sequence: int,
    rent_lamports: int,
) -> Instruction:
    """Let ``meter`` prove the energy of ``account``, from reading ``first_sequence`` on.

    ``approvers`` is the mint's freeze authority, ``signers`` enough of its members. A site can export ``rated_w``
    (at most 10 MW) and 25 % more. Again, for a meter that is known: a ``first_sequence`` later than what was
    counted begins its registers anew; with any other only the account and the rating change. ``rent_lamports`` is
    the rent of `METER_BYTES`.
    """
    data = struct.pack("<BQ32s32sQQ", 0, rent_lamports, meter, bytes(account), rated_w, first_sequence)
    accounts = [
        _account(meter_address(program, mint, meter), "w"),
        _account(payer, "sw"),
        _account(SYSTEM),
        _account(mint),
        _account(approvers),
        *(_account(signer, "s") for signer in signers),
    ]
    return Instruction(program, data, accounts)


def appoint(
    program: Pubkey,
    *,
    payer: Pubkey,
    mint: Pubkey,
    by: Pubkey,
    signers: Sequence[Pubkey],
    minters: Pubkey,
    rent_lamports: int = 0,
) -> Instruction:
    """Let ``minters``, a key or a multisig, mint with the meters from now on, into token accounts of its own.

    ``by`` is the mint's freeze authority, or who is in office now; it signs itself, or ``signers`` of its members
    do. ``rent_lamports``, of `OFFICE_BYTES`, is needed the first time.
    """
    data = struct.pack("<BQ32s", 5, rent_lamports, bytes(minters))
    accounts = [
        _account(authority_address(program, mint), "w"),
        _account(payer, "sw"),
        _account(SYSTEM),
        _account(mint),
        _account(by, "" if signers else "s"),
        *(_account(signer, "s") for signer in signers),
    ]
    return Instruction(program, data, accounts)


def signed_reading(frame: bytes) -> Instruction:
    """Have the runtime verify the signature of ``frame``, a signed reading."""
    meter, signed, signature = frame[4:36], frame[:_SIGNED_BYTES], frame[_SIGNED_BYTES:]
    offsets = struct.pack("<BBHHHHHHH", 1, 0, 48, 0xFFFF, 16, 0xFFFF, 112, len(signed), 0xFFFF)
    return Instruction(_ED25519, offsets + meter + signature + signed, [])


def attested_mint(
    program: Pubkey,
    *,
    mint: Pubkey,
    minters: Pubkey,
    signers: Sequence[Pubkey],
    to: Pubkey,
    account: Pubkey,
    earlier: bytes,
    later: bytes,
    wh: int,
    place: int = 0,
) -> list[Instruction]:
    """Mint ``wh``, at most the net export between two signed readings of one meter, into ``to``.

    ``account`` is the one that the meter is registered for, ``to`` one of the ``minters`` in office, of whom
    ``signers`` sign. The first two instructions have the runtime verify the readings; they are the ``place``-th of
    the transaction and the next.
    """
    accounts = [
        _account(meter_address(program, mint, later[4:36]), "w"),
        _account(mint, "w"),
        _account(to, "w"),
        _account(authority_address(program, mint)),
        _account(INSTRUCTIONS),
        _account(TOKEN_2022),
        _account(account),
        _account(minters),
        *(_account(signer, "s") for signer in signers),
    ]
    call = Instruction(program, struct.pack("<BBBQ", 1, place, place + 1, wh), accounts)
    return [signed_reading(earlier), signed_reading(later), call]


def open_order(
    program: Pubkey,
    *,
    payer: Pubkey,
    mint: Pubkey,
    seller: Pubkey,
    seller_account: Pubkey,
    vault: Pubkey,
    buyer_account: Pubkey,
    arbiter: Pubkey,
    order: UUID,
    wh: int,
    deadline: datetime,
    rent_lamports: int,
) -> Instruction:
    """Lock ``wh`` of the ``seller``, who signs, for ``buyer_account`` until ``deadline``.

    ``vault`` is a token account of `authority_address`; ``arbiter`` a key or a Token-2022 multisig. ``payer`` pays
    the rent (``rent_lamports``, of `ORDER_BYTES`) and has it back when the order ends.
    """
    data = struct.pack("<BQ16sQQ", 2, rent_lamports, order.bytes, wh, int(deadline.timestamp()))
    accounts = [
        _account(order_address(program, mint, order), "w"),
        _account(payer, "sw"),
        _account(SYSTEM),
        _account(mint),
        _account(TOKEN_2022),
        _account(seller, "s"),
        _account(seller_account, "w"),
        _account(vault, "w"),
        _account(buyer_account),
        _account(arbiter),
        _account(authority_address(program, mint)),
    ]
    return Instruction(program, data, accounts)


def release(program: Pubkey, state: OrderState, signers: Sequence[Pubkey] = ()) -> Instruction:
    """Give an order's energy to its buyer, by its arbiter: who signs itself, or ``signers`` of its members."""
    arbiter = _account(state.arbiter, "" if signers else "s")
    members = [_account(signer, "s") for signer in signers]
    return Instruction(program, bytes([3]), [*_ending(program, state, state.buyer), arbiter, *members])


def refund(program: Pubkey, state: OrderState) -> Instruction:
    """Give an order's energy back to its seller after the deadline; anybody may."""
    return Instruction(program, bytes([4]), _ending(program, state, state.seller))


def _ending(program: Pubkey, state: OrderState, to: Pubkey) -> list[AccountMeta]:
    return [
        _account(order_address(program, state.mint, state.id), "w"),
        _account(state.payer, "w"),
        _account(state.mint),
        _account(TOKEN_2022),
        _account(state.vault, "w"),
        _account(to, "w"),
        _account(authority_address(program, state.mint)),
    ]


def parse_meter(data: bytes) -> MeterState:
    """Read the program's account of a meter; raise `LayoutError` for other bytes."""
    if len(data) != METER_BYTES or data[0] != _METER_TAG:
        raise LayoutError(f"{len(data)} bytes are no meter of the trust mode")
    _, _, meter, mint, account, rated_w, sequence, at, export_wh, import_wh = _METER.unpack(data)
    measured_at = datetime.fromtimestamp(at, UTC) if at else None
    return MeterState(meter, Pubkey(mint), Pubkey(account), rated_w, sequence, measured_at, export_wh, import_wh)


def parse_office(data: bytes) -> Pubkey:
    """Return who is in office, from the program's account of it; raise `LayoutError` for other bytes."""
    if len(data) != OFFICE_BYTES or data[0] != _OFFICE_TAG:
        raise LayoutError(f"{len(data)} bytes are no office of the trust mode")
    return Pubkey(data[40:])


def parse_order(data: bytes) -> OrderState:
    """Read the program's account of an open order; raise `LayoutError` for other bytes."""
    if len(data) != ORDER_BYTES or data[0] != _ORDER_TAG:
        raise LayoutError(f"{len(data)} bytes are no open order of the trust mode")
    _, _, order, wh, deadline, *keys = _ORDER.unpack(data)
    return OrderState(UUID(bytes=order), wh, datetime.fromtimestamp(deadline, UTC), *map(Pubkey, keys))


def _account(key: Pubkey, is_also: str = "") -> AccountMeta:
    return AccountMeta(key, is_signer="s" in is_also, is_writable="w" in is_also)
