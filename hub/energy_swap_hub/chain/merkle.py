"""The Merkle tree that commits a period's mints to the signed readings they come from.

Leaf = SHA-256(0x00 || content), node = SHA-256(0x01 || left || right); a node without a partner moves up as it is.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One neighbour on the way from a leaf to the root, and whether it stands right of us."""

    hash: bytes
    is_right: bool


def mint_leaf(frames: Sequence[bytes], account: bytes, wh: int) -> bytes:
    """Return the leaf of one mint: the signed reading frames it follows from, the token account credited, Wh.

    Frames have a fixed size and what follows them too, so no two mints share a content.
    """
    return leaf(b"".join(frames) + account + struct.pack("<Q", wh))


def leaf(content: bytes) -> bytes:
    """Return the hash of one leaf."""
    return hashlib.sha256(b"\x00" + content).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the 32-byte root over ``leaves`` (at least one) in their order."""
    if not leaves:
        raise ValueError("a Merkle tree has at least one leaf")
    level = list(leaves)
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def proof(leaves: Sequence[bytes], index: int) -> tuple[Step, ...]:
    """Return the steps that prove that the leaf at ``index`` is under the root."""
    if not 0 <= index < len(leaves):
        raise ValueError(f"there is no leaf {index} among {len(leaves)}")
    steps: list[Step] = []
    level = list(leaves)
    while len(level) > 1:
        partner = index ^ 1
        if partner < len(level):
            steps.append(Step(level[partner], is_right=partner > index))
        level = _parents(level)
        index //= 2
    return tuple(steps)


def is_proven(leaf_hash: bytes, steps: Sequence[Step], root_hash: bytes) -> bool:
    """Whether ``steps`` lead from ``leaf_hash`` to ``root_hash``."""
    current = leaf_hash
    for step in steps:
        current = _node(current, step.hash) if step.is_right else _node(step.hash, current)
    return current == root_hash


def _parents(level: Sequence[bytes]) -> list[bytes]:
    pairs = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return [*pairs, level[-1]] if len(level) % 2 else pairs


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
