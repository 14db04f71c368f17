"""The program of the trust mode (not audited), as the verifier knows it: its bytes, its accounts and its calls.

Written after the program's source, not after the hub's client: what checks the hub must not share its mistakes.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeIs

from energy_swap_protocol.memo import AdmissionMemo
from energy_swap_protocol.reading import SIGNED_BYTES, decode_frame
from energy_swap_protocol.transaction import TOKEN_2022
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.sysvar import INSTRUCTIONS

from .accounts import Token, TrustModeError
from .evidence import EvidenceError, runs_of
from .transactions import Operation, Other

# Of the bytes of the program; the file `on_chain.so` of the hub's package has it.
PROGRAM_SHA256: Final = "9502fa136beccdb0549e8aac663b901feefeea8574c85625c85fcb7531311b2e"

_LOADER: Final = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")
_ED25519: Final = Pubkey.from_string("Ed25519SigVerify111111111111111111111111111")
_PROGRAM_TAG: Final = struct.pack("<I", 2)
_CONTENT_TAG: Final = struct.pack("<I", 3)
_MAY_BE_CHANGED: Final = 12
_CONTENT_BEGINS: Final = 45
_OFFICE_BYTES: Final = 72
_OFFICE_TAG: Final = 3
# One signature: key, signature and message lie in the instruction itself, in this order.
_CANONICAL: Final = struct.pack("<BBHHHHHHH", 1, 0, 48, 0xFFFF, 16, 0xFFFF, 112, SIGNED_BYTES, 0xFFFF)
_REGISTER: Final = struct.Struct("<BQ32s32sQQ")
_MINT: Final = struct.Struct("<BBBQ")
_APPOINT: Final = struct.Struct("<BQ32s")


@dataclass(frozen=True, slots=True)
class Registration:
    """A meter whose readings the program takes for a household's ``account``, from reading ``first`` on."""

    mint: Pubkey
    meter: bytes
    account: Pubkey
    rated_w: int
    first: int
    payer: Pubkey
    signers: frozenset[Pubkey]

    def is_of(self, memo: AdmissionMemo, account: Pubkey) -> bool:
        """Whether it registers just the meter that an admission of ``account`` names."""
        named = (memo.meter, account, memo.rated_pv_w, memo.sequence)
        return (self.meter, self.account, self.rated_w, self.first) == named


@dataclass(frozen=True, slots=True)
class AttestedMint:
    """New tokens by the word of a meter, for the household's ``account``, into ``to``."""

    mint: Pubkey
    to: Pubkey
    account: Pubkey
    wh: int


def content_address(program: Pubkey) -> Pubkey:
    """Return where the bytes of a deployed program are."""
    return Pubkey.find_program_address([bytes(program)], _LOADER)[0]


def check_program(program: Pubkey, pointer: bytes | None, deployed: bytes | None) -> None:
    """Raise `WrongTokenError` unless these accounts hold the known program, which nobody can change any more."""
    if (
        pointer != _PROGRAM_TAG + bytes(content_address(program))
        or deployed is None
        or deployed[:4] != _CONTENT_TAG
    ):
        raise TrustModeError(f"there is no program {program} on this chain")
    if deployed[_MAY_BE_CHANGED]:
        raise TrustModeError(f"the program {program} can still be changed by whoever deployed it")
    found = hashlib.sha256(deployed[_CONTENT_BEGINS:]).hexdigest()
    if found != PROGRAM_SHA256:
        raise TrustModeError(
            f"the program {program} is not the known one: its SHA-256 is {found}, not {PROGRAM_SHA256}"
        )


def office_address(program: Pubkey, mint: Pubkey) -> Pubkey:
    """Return the program's own authority over ``mint``, where it keeps who is in office."""
    return Pubkey.find_program_address([b"authority", bytes(mint)], program)[0]


def in_office(program: Pubkey, mint: Pubkey, authority: Pubkey, office: bytes | None) -> Pubkey:
    """Return who mints with the meters; raise `TrustModeError` unless ``authority`` is the program's."""
    if authority != office_address(program, mint):
        raise TrustModeError(f"{authority} mints, not the program {program} of the trust mode")
    if office is None or len(office) != _OFFICE_BYTES or office[0] != _OFFICE_TAG:
        raise TrustModeError(f"nobody is in the office of the program {program}")
    return Pubkey(office[40:])


def attested(
    token: Token, account: Pubkey, wh: int, frames: Sequence[bytes], signers: Sequence[Pubkey], place: int
) -> list[Operation]:
    """Return how ``wh`` of an export are minted by its meter's ``frames``, from instruction ``place`` on.

    Each run of readings mints at most what it shows. Raises `EvidenceError` when they show less than ``wh``.
    """
    assert token.program is not None, "asked in the trust mode only"
    frame_of = {decode_frame(frame): frame for frame in frames}
    made: list[Operation] = []
    left = wh
    for run in runs_of(frames):
        part = min(left, max(run.net_wh, 0))
        if not part:
            continue
        left -= part
        data = _MINT.pack(1, place + len(made), place + len(made) + 1, part)
        made += [_verified(frame_of[run.start]), _verified(frame_of[run.end])]
        state = Pubkey.find_program_address([b"meter", bytes(token.mint), run.end.meter], token.program)[0]
        office = office_address(token.program, token.mint)
        accounts = (state, token.mint, token.escrow, office, INSTRUCTIONS, TOKEN_2022, account, token.authority)
        made.append(Other(token.program, data, (*accounts, *signers)))
    if left:
        raise EvidenceError(f"{account}: the readings show {wh - left} Wh of {wh} Wh")
    return made


def appointed(token: Token, payer: Pubkey, new: Pubkey, signers: Sequence[Pubkey]) -> Operation:
    """Return how those in office give it to ``new``."""
    assert token.program is not None, "asked in the trust mode only"
    office = office_address(token.program, token.mint)
    accounts = (office, payer, SYSTEM, token.mint, token.authority, *signers)
    return Other(token.program, _APPOINT.pack(5, 0, bytes(new)), accounts)


def appointment(operation: Operation, program: Pubkey, mint: Pubkey) -> tuple[Pubkey, Pubkey] | None:
    """Return by whom and to whom an operation gives the office over ``mint``; None for another one."""
    if not _is_call(operation, program, _APPOINT.size, 5) or operation.accounts[3] != mint:
        return None
    return operation.accounts[4], Pubkey(_APPOINT.unpack(operation.data)[2])


def registration(operation: Operation, program: Pubkey) -> Registration | None:
    """Return the meter that an operation registers; None for another one."""
    if not _is_call(operation, program, _REGISTER.size, 0):
        return None
    _, _, meter, account, rated_w, first = _REGISTER.unpack(operation.data)
    signers = frozenset(operation.accounts[5:])
    return Registration(
        operation.accounts[3], meter, Pubkey(account), rated_w, first, operation.accounts[1], signers
    )


def attested_mint(operation: Operation, program: Pubkey) -> AttestedMint | None:
    """Return what an operation mints by a meter's word; None for another one."""
    if not _is_call(operation, program, _MINT.size, 1):
        return None
    return AttestedMint(
        operation.accounts[1], operation.accounts[2], operation.accounts[6], _MINT.unpack(operation.data)[3]
    )


def _is_call(operation: Operation, program: Pubkey, size: int, tag: int) -> TypeIs[Other]:
    return (
        isinstance(operation, Other)
        and operation.program == program
        and len(operation.data) == size
        and operation.data[0] == tag
    )


def _verified(frame: bytes) -> Operation:
    """Return how the runtime is told to verify the signature of a reading."""
    signed, signature = frame[:SIGNED_BYTES], frame[SIGNED_BYTES:]
    return Other(_ED25519, _CANONICAL + signed[4:36] + signature + signed)
