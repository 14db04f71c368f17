"""The Merkle tree over a period's mints: every leaf proves itself, and nothing else does."""

import hashlib

import pytest
from energy_swap_hub.chain import merkle
from hypothesis import given
from hypothesis import strategies as st

leaves = st.lists(st.binary(max_size=20), min_size=1, max_size=40).map(
    lambda contents: [merkle.leaf(content) for content in contents]
)


@given(leaves, st.data())
def test_every_leaf_proves_itself(hashes: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(hashes) - 1))
    assert merkle.is_proven(hashes[index], merkle.proof(hashes, index), merkle.root(hashes))


@given(leaves, st.data(), st.binary(max_size=20))
def test_no_other_content_is_proven(hashes: list[bytes], data: st.DataObject, other: bytes) -> None:
    index = data.draw(st.integers(0, len(hashes) - 1))
    if merkle.leaf(other) != hashes[index]:
        assert not merkle.is_proven(merkle.leaf(other), merkle.proof(hashes, index), merkle.root(hashes))


def test_root_of_three_by_hand() -> None:
    a, b, c = (hashlib.sha256(b"\x00" + content).digest() for content in (b"a", b"b", b"c"))
    ab = hashlib.sha256(b"\x01" + a + b).digest()
    assert merkle.root([merkle.leaf(x) for x in (b"a", b"b", b"c")]) == hashlib.sha256(b"\x01" + ab + c).digest()


def test_a_node_is_never_a_leaf() -> None:
    pair = [merkle.leaf(b"a"), merkle.leaf(b"b")]
    assert merkle.leaf(pair[0] + pair[1]) != merkle.root(pair)


def test_mint_leaf_commits_to_readings_account_and_amount() -> None:
    frames, account = [bytes(144), bytes([1]) * 144], bytes(32)
    known = merkle.mint_leaf(frames, account, 5)
    others = [
        merkle.mint_leaf(frames[::-1], account, 5),
        merkle.mint_leaf(frames, bytes([1]) + bytes(31), 5),
        merkle.mint_leaf(frames, account, 6),
        merkle.mint_leaf(frames[:1], account, 5),
    ]
    assert known not in others


def test_an_empty_tree_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one leaf"):
        merkle.root([])
    with pytest.raises(ValueError, match="no leaf 1"):
        merkle.proof([bytes(32)], 1)
