"""What holds for trees and proofs of every size."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.domain.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    range_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(number.to_bytes(2, "big")) for number in range(301)]
FRONTIERS = [Frontier()]
for leaf in LEAVES[:300]:
    FRONTIERS.append(FRONTIERS[-1].append(leaf))
ROOTS = [frontier.root() for frontier in FRONTIERS]

sizes = st.integers(min_value=1, max_value=300)


def defined_root(leaves: list[bytes]) -> bytes:
    """The root as RFC 6962 section 2.1 defines it, by recursion."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    children = defined_root(leaves[:split]) + defined_root(leaves[split:])
    return hashlib.sha256(b"\x01" + children).digest()


def flipped(value: bytes, bit: int) -> bytes:
    bit %= 8 * len(value)
    changed = bytearray(value)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("size", range(301))
def test_the_root_of_a_growing_tree_is_the_one_the_rfc_defines(size: int) -> None:
    assert ROOTS[size] == root_of(LEAVES[:size]) == defined_root(LEAVES[:size])


@given(st.integers(min_value=0, max_value=300), st.lists(st.integers(0, 300), max_size=6))
def test_appending_one_by_one_and_in_groups_is_the_same(start: int, cuts: list[int]) -> None:
    frontier = FRONTIERS[start]
    for end in sorted({*(cut for cut in cuts if start < cut), 300}):
        frontier = frontier.extend(LEAVES[frontier.size : end])
    assert frontier == FRONTIERS[300]


@given(sizes)
def test_a_frontier_survives_being_stored(size: int) -> None:
    assert Frontier.from_bytes(FRONTIERS[size].to_bytes()) == FRONTIERS[size]


@given(sizes, st.data())
def test_the_proof_of_every_leaf_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(LEAVES, index, size)
    assert proof == inclusion_proof(range_hash(LEAVES), index, size)
    assert verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])


@given(sizes, st.integers(min_value=0), st.data())
def test_an_inclusion_proof_with_anything_changed_fails(
    size: int, bit: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaf, root = LEAVES[index], ROOTS[size]
    proof = list(inclusion_proof(LEAVES, index, size))
    assert not verify_inclusion(flipped(leaf, bit), index, size, proof, root)
    assert not verify_inclusion(leaf, index, size, proof, flipped(root, bit))
    assert not verify_inclusion(leaf, index, size, [*proof, LEAVES[300]], root)
    for position in range(len(proof)):
        changed = [*proof[:position], flipped(proof[position], bit), *proof[position + 1 :]]
        assert not verify_inclusion(leaf, index, size, changed, root)
        dropped = proof[:position] + proof[position + 1 :]
        assert not verify_inclusion(leaf, index, size, dropped, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda one: one != index)) if size > 1 else -1
    assert not verify_inclusion(leaf, other, size, proof, root)


@given(sizes, st.data())
def test_every_earlier_tree_is_shown_to_be_the_beginning(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    proof = consistency_proof(LEAVES, old, size)
    assert verify_consistency(old, ROOTS[old], size, ROOTS[size], proof)


@given(sizes, st.integers(min_value=0), st.data())
def test_a_consistency_proof_with_anything_changed_fails(
    size: int, bit: int, data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, size))
    proof = list(consistency_proof(LEAVES, old, size))
    before, after = ROOTS[old], ROOTS[size]
    assert not verify_consistency(old, flipped(before, bit), size, after, proof)
    assert not verify_consistency(old, before, size, flipped(after, bit), proof)
    assert not verify_consistency(old, before, size, after, [*proof, LEAVES[300]])
    for position in range(len(proof)):
        changed = [*proof[:position], flipped(proof[position], bit), *proof[position + 1 :]]
        assert not verify_consistency(old, before, size, after, changed)
        dropped = proof[:position] + proof[position + 1 :]
        assert not verify_consistency(old, before, size, after, dropped)


@given(st.integers(2, 300), st.data())
def test_a_log_that_was_edited_cannot_be_shown_to_continue_the_old_one(
    size: int, data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, size - 1))
    edited = data.draw(st.integers(0, old - 1))
    rewritten = LEAVES[:size]
    rewritten[edited] = leaf_hash(b"another decision")
    root = root_of(rewritten)
    assert not verify_consistency(
        old, ROOTS[old], size, root, consistency_proof(rewritten, old, size)
    )
