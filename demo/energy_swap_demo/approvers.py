"""The approvers' devices: each reads what an admission would do, and signs it only if it does just that."""

import base64
import binascii
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import aiohttp
import msgspec
from energy_swap_protocol.memo import AdmissionMemo, MemoError
from energy_swap_protocol.request import HEADER, sign_request
from energy_swap_protocol.transaction import MEMO, TOKEN_2022, token_account
from nacl.signing import SigningKey
from solders.instruction import CompiledInstruction
from solders.message import from_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import ID as SYSTEM
from yarl import URL

from energy_swap_demo.households import APPROVERS
from energy_swap_demo.keys import keep_key

_THAW_ACCOUNT: Final = bytes([11])  # Token-2022; accounts: account, mint, authority, then the authority's signers
_ADVANCE_NONCE: Final = struct.pack("<I", 4)  # the system program's; it lets the approvers take their time


class DoubtError(ValueError):
    """An admission is not what its household asked for; the device does not sign. The text says why."""


class HubRefusedError(RuntimeError):
    """The hub did not take the device's request; the text is the hub's."""


class Admission(msgspec.Struct, frozen=True):
    """A pending admission as the hub tells it to one approver.

    ``messages`` are base64 of the Solana messages to sign, one for each panel of approvers that can still
    complete; ``application`` holds at least the household's public ``key`` in base58; ``signatures`` names who
    has signed.
    """

    household: str
    name: str
    account: str
    application: dict[str, Any]
    messages: tuple[str, ...]
    memo: str
    signatures: tuple[str, ...]
    needed: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What the device did with an admission, and its explanation for the person who holds it."""

    household: str
    is_signed: bool
    explanation: str


@dataclass(frozen=True, slots=True)
class ApproverDevice:
    """One approver's device with its key."""

    name: str
    role: str
    key: SigningKey

    @property
    def public_key(self) -> Pubkey:
        """The key as the community's multisig knows it."""
        return Pubkey(bytes(self.key.verify_key))


def keep_approvers(folder: Path) -> tuple[ApproverDevice, ...]:
    """Return the three approvers' devices; their keys are made once and kept in ``folder``."""
    return tuple(
        ApproverDevice(person.name, person.role, keep_key(folder / person.device)) for person in APPROVERS
    )


def check_admission(admission: Admission, approver: Pubkey, mint: Pubkey) -> list[bytes]:
    """Return the messages that ``approver`` may sign.

    Raises `DoubtError` unless each thaws the account that the applicant's key has for the community's ``mint``,
    says so in its memo and does nothing else, and no two of them can both happen.
    """
    if not admission.messages:
        raise DoubtError("there is nothing to sign")
    account = _account_of_applicant(admission, mint)
    raws: list[bytes] = []
    nonces: set[str] = set()
    for text in admission.messages:
        try:
            raw = base64.b64decode(text, validate=True)
            message = from_bytes_versioned(raw)
        except binascii.Error, ValueError:
            raise DoubtError("a message is no Solana message") from None
        if getattr(message, "address_table_lookups", None):
            raise DoubtError("a message hides accounts in a lookup table")
        keys = message.account_keys
        if approver not in keys[1 : message.header.num_required_signatures]:
            raise DoubtError("a message does not ask for this approver's signature, or makes the approver pay")
        _check_instructions(message.instructions, keys, admission, approver, account, mint)
        raws.append(raw)
        nonces.add(str(message.recent_blockhash))
    if len(nonces) != 1:
        raise DoubtError("the messages do not exclude each other")
    return raws


def _account_of_applicant(admission: Admission, mint: Pubkey) -> Pubkey:
    try:
        account = token_account(Pubkey.from_string(admission.application["key"]), mint)
    except KeyError, ValueError, TypeError:
        raise DoubtError("the hub does not tell the applicant's key") from None
    if str(account) != admission.account:
        raise DoubtError(f"{admission.account} is not the account of the applicant's key, which is {account}")
    return account


def _check_instructions(
    instructions: list[CompiledInstruction],
    keys: list[Pubkey],
    admission: Admission,
    approver: Pubkey,
    account: Pubkey,
    mint: Pubkey,
) -> None:
    thaws: list[list[Pubkey]] = []
    memos: list[bytes] = []
    for instruction in instructions:
        program, data = keys[instruction.program_id_index], bytes(instruction.data)
        accounts = [keys[index] for index in bytes(instruction.accounts)]
        if program == TOKEN_2022 and data == _THAW_ACCOUNT:
            thaws.append(accounts)
        elif program == MEMO:
            memos.append(data)
        elif not (program == SYSTEM and data == _ADVANCE_NONCE and approver not in accounts):
            raise DoubtError(f"a message also does something with program {program}")
    if memos != [admission.memo.encode()]:
        raise DoubtError(f"the memo is not that of the admission of {admission.household}")
    _check_memo(admission)
    if len(thaws) != 1:
        raise DoubtError(f"a message thaws {len(thaws)} accounts, not one")
    thawed, of_mint, _authority, *by = thaws[0]
    if thawed != account or of_mint != mint:
        raise DoubtError(f"a message thaws {thawed} of the token {of_mint}, not {account} of {mint}")
    if approver not in by:
        raise DoubtError("this approver's signature would be for something other than the thaw")


def _check_memo(admission: Admission) -> None:
    """Raise `DoubtError` unless the memo names the meter and the site that the household applied with."""
    try:
        memo = AdmissionMemo.parse(admission.memo)
    except MemoError as error:
        raise DoubtError(f"the memo names no meter: {error}") from None
    applied = admission.application
    site = (applied.get("meter"), applied.get("rated_pv_w"), applied.get("main_breaker_w"))
    if memo.household != admission.household:
        raise DoubtError(f"the memo is not that of the admission of {admission.household}")
    if (memo.meter.hex(), memo.rated_pv_w, memo.main_breaker_w) != site:
        raise DoubtError("the memo names another meter or site than the household applied with")


async def sign_pending(
    session: aiohttp.ClientSession,
    hub_url: str,
    community: str,
    approver: ApproverDevice,
    clock: Callable[[], datetime],
    mint: Pubkey,
) -> list[Decision]:
    """Ask the hub for pending admissions, sign those that hold, and return what was decided for each new one.

    ``mint`` is the community's token as the device was told at the community's founding. Raises `HubRefusedError`
    when the hub refuses a request, `aiohttp.ClientError` when it cannot be reached.
    """
    base = f"/api/v1/communities/{community}/admissions"
    answer = await _request(session, hub_url, "GET", base, b"", approver, clock)
    decisions: list[Decision] = []
    for admission in msgspec.json.decode(answer, type=list[Admission]):
        if str(approver.public_key) in admission.signatures:
            continue
        try:
            messages = check_admission(admission, approver.public_key, mint)
        except DoubtError as doubt:
            decisions.append(Decision(admission.household, is_signed=False, explanation=str(doubt)))
            continue
        signatures = [str(Signature(approver.key.sign(message).signature)) for message in messages]
        body = msgspec.json.encode({"signatures": signatures})
        await _request(session, hub_url, "POST", f"{base}/{admission.household}/signatures", body, approver, clock)
        told = (
            f"admits {admission.name} ({admission.household}): thaws its account {admission.account}, nothing else"
        )
        decisions.append(Decision(admission.household, is_signed=True, explanation=told))
    return decisions


async def _request(
    session: aiohttp.ClientSession,
    hub_url: str,
    method: str,
    path: str,
    body: bytes,
    approver: ApproverDevice,
    clock: Callable[[], datetime],
) -> bytes:
    url = URL(hub_url.rstrip("/") + path)
    header = sign_request(
        method, url.raw_path_qs, body, key=approver.key, nonce=uuid4().hex, at=int(clock().timestamp())
    )
    headers = {HEADER: header, "Content-Type": "application/json"}
    async with session.request(method, url, data=body or None, headers=headers) as response:
        answer = await response.read()
        if response.status >= 400:
            told = answer.decode(errors="replace")
            raise HubRefusedError(f"{method} {path}: {response.status} {told}")
        return answer
