"""The Merkle root over a transaction's mints, written a second time: a check is not done with what it checks.

Leaf = SHA-256(0x00 || frames || account || Wh as u64), node = SHA-256(0x01 || left || right); a node without a
partner moves up as it is.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence


def leaf(frames: Iterable[bytes], account: bytes, wh: int) -> bytes:
    """Return the leaf of one mint: its signed frames, the 32 bytes of the token account, and the Wh."""
    return hashlib.sha256(b"\x00" + b"".join(frames) + account + wh.to_bytes(8, "little")).digest()


def root_text(leaves: Sequence[bytes]) -> str:
    """Return the root as a memo shows it: base64url without padding; nothing when there is no leaf."""
    if not leaves:
        return ""
    level = list(leaves)
    while len(level) > 1:
        paired = zip(level[0::2], level[1::2], strict=False)
        last = level[-1:] if len(level) % 2 else []
        level = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in paired] + last
    return base64.urlsafe_b64encode(level[0]).decode().rstrip("=")
