"""The meter's relay: signed commands to it, its signed reports, and the claim that names who may command.

All frames are little-endian and travel as base64url without padding. A signature covers a domain and the frame's
body, so it is never one of a reading, a message or a transaction.

===== ==== =========================================== ===== ==== ===========================================
command, 136 bytes                                     report, 128 bytes
------------------------------------------------------ ------------------------------------------------------
at    size field                                       at    size field
===== ==== =========================================== ===== ==== ===========================================
0     4    magic ``ESC1``                              0     4    magic ``ESS1``
4     32   meter public key                            4     32   meter public key
36    8    sequence, u64, strictly increasing          36    8    time of the report (0: no clock)
44    8    issued_at                                   44    8    sequence of the last command considered
52    8    expires_at: never executed then or later    52    8    open_until (0: closed)
60    8    open_until (0 unless it opens)              60    1    1: the connection is open
68    1    action                                      61    1    1: the household is protected
69    1    reason                                      62    1    outcome of the last command
70    2    zero                                        63    1    reason of the last switching
72    64   signature by the authority                  64    64   signature by the meter
===== ==== =========================================== ===== ==== ===========================================
"""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

COMMAND_BYTES: Final = 136
REPORT_BYTES: Final = 128
CLAIM_BYTES: Final = 64
# A connection is open for no longer without a new command: a hub that is gone leaves nobody in the dark.
LONGEST_OPEN_SECONDS: Final = 2 * 86_400
# How far a command's time may be ahead of the meter's clock.
CLOCK_TOLERANCE_SECONDS: Final = 60

_SIGNATURE_BYTES: Final = 64
_COMMAND: Final = struct.Struct("<4s32sQQQQBBxx")
_REPORT: Final = struct.Struct("<4s32sQQQBBBB")
_COMMAND_MAGIC: Final = b"ESC1"
_REPORT_MAGIC: Final = b"ESS1"
_COMMAND_DOMAIN: Final = b"energy-swap/relay-command/1\n"
_REPORT_DOMAIN: Final = b"energy-swap/relay-report/1\n"
_CLAIM_DOMAIN: Final = b"energy-swap/claim/1\n"


class RelayError(ValueError):
    """These bytes are no relay command or report; the message says why."""


class Action(IntEnum):
    """What a command asks for. A closed relay carries power, an open one does not."""

    CLOSE = 1
    OPEN = 2
    PROTECT = 3  # closes, and opens for nobody until `UNPROTECT`
    UNPROTECT = 4


class Reason(IntEnum):
    """Why the connection was switched; the display says it."""

    NONE = 0
    PREPAID_USED_UP = 1
    CONNECTION_ENDED = 2
    ASKED_BY_HOUSEHOLD = 3


class Outcome(IntEnum):
    """What became of the last signed command with a new sequence. A forged one is not answered."""

    NONE = 0
    DONE = 1
    REPLAYED = 2
    EXPIRED = 3
    FROM_FUTURE = 4
    PROTECTED = 5
    CLOCK_UNKNOWN = 6
    NOT_POSSIBLE = 7


@dataclass(frozen=True, slots=True)
class RelayCommand:
    """What the authority of a meter tells it. Times are Unix seconds; ``open_until`` is 0 unless it opens."""

    meter: bytes
    sequence: int
    issued_at: int
    expires_at: int
    action: Action
    reason: Reason = Reason.NONE
    open_until: int = 0


@dataclass(frozen=True, slots=True)
class RelayReport:
    """What a meter says about its relay at the time ``at`` (0: it has no clock)."""

    meter: bytes
    at: int
    sequence: int
    open_until: int
    is_open: bool
    is_protected: bool
    outcome: Outcome
    reason: Reason


def sign_command(command: RelayCommand, authority: SigningKey) -> bytes:
    """Return the frame of ``command`` under the key that the meter was claimed for."""
    body = _COMMAND.pack(
        _COMMAND_MAGIC, command.meter, command.sequence, command.issued_at, command.expires_at,
        command.open_until, command.action, command.reason,
    )  # fmt: skip
    return body + authority.sign(_COMMAND_DOMAIN + body).signature


def decode_command(frame: bytes, authority: bytes) -> RelayCommand:
    """Return the command in ``frame`` after checking form and signature; raise `RelayError` else."""
    body = _opened(frame, COMMAND_BYTES, _COMMAND_MAGIC, _COMMAND_DOMAIN, authority)
    _, meter, sequence, issued_at, expires_at, open_until, action, reason = _COMMAND.unpack(body)
    try:
        return RelayCommand(meter, sequence, issued_at, expires_at, Action(action), Reason(reason), open_until)
    except ValueError as error:
        raise RelayError(str(error)) from None


def sign_report(report: RelayReport, key: SigningKey) -> bytes:
    """Return the frame of ``report``; its ``meter`` must be the public half of ``key``."""
    if bytes(key.verify_key) != report.meter:
        raise ValueError("a report is signed with the key of its own meter")
    body = _REPORT.pack(
        _REPORT_MAGIC, report.meter, report.at, report.sequence, report.open_until,
        report.is_open, report.is_protected, report.outcome, report.reason,
    )  # fmt: skip
    return body + key.sign(_REPORT_DOMAIN + body).signature


def decode_report(frame: bytes) -> RelayReport:
    """Return the report in ``frame`` after checking form and signature; raise `RelayError` else."""
    body = _opened(frame, REPORT_BYTES, _REPORT_MAGIC, _REPORT_DOMAIN, frame[4:36])
    _, meter, at, sequence, open_until, is_open, is_protected, outcome, reason = _REPORT.unpack(body)
    try:
        return RelayReport(
            meter, at, sequence, open_until, bool(is_open), bool(is_protected), Outcome(outcome), Reason(reason)
        )
    except ValueError as error:
        raise RelayError(str(error)) from None


def claim_meter(meter: bytes, authority: bytes, code: str) -> bytes:
    """Return the claim that makes ``authority`` the key whose commands ``meter`` obeys.

    ``code`` is the eight digits that the meter shows while it is unclaimed. Who reads the claim can find the code
    out by trying, so it is used once only.
    """
    digits = code.replace(" ", "")
    if len(digits) != 8 or not digits.isascii() or not digits.isdecimal():
        raise ValueError("code: the eight digits that the meter shows")
    proof = hmac.new(digits.encode(), _CLAIM_DOMAIN + meter + authority, hashlib.sha256).digest()
    return authority + proof


def to_text(frame: bytes) -> str:
    """Return a frame as MQTT and JSON carry it: base64url without padding."""
    return base64.urlsafe_b64encode(frame).decode().rstrip("=")


def from_text(text: str) -> bytes:
    """Return the bytes of a frame written by `to_text`; raise `RelayError` when it is not base64url."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error, ValueError:
        raise RelayError("a relay frame is base64url text") from None


def _opened(frame: bytes, size: int, magic: bytes, domain: bytes, key: bytes) -> bytes:
    if len(frame) != size or not frame.startswith(magic):
        raise RelayError(f"this frame has {size} bytes and begins with {magic!r}")
    body, signature = frame[:-_SIGNATURE_BYTES], frame[-_SIGNATURE_BYTES:]
    try:
        VerifyKey(key).verify(domain + body, signature)
    except BadSignatureError, ValueError:
        raise RelayError("the signature does not belong to this frame") from None
    return body
