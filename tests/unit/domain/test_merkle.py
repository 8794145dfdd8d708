"""The log's tree against the worked values of the RFCs' reference implementation."""

from __future__ import annotations

import hashlib

import pytest

from pdp.domain.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(bytes([number])) for number in range(7)]


def test_leaves_and_nodes_are_hashed_apart() -> None:
    # RFC 6962 section 2.1: without the prefixes a node could be shown as a leaf.
    assert leaf_hash(b"x") == hashlib.sha256(b"\x00x").digest()
    assert (
        node_hash(b"l" * 32, b"r" * 32) == hashlib.sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()
    )
    assert leaf_hash(b"\x01" + b"l" * 32 + b"r" * 32) != node_hash(b"l" * 32, b"r" * 32)


def test_a_tree_without_leaves_has_the_hash_of_nothing() -> None:
    expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Frontier().root() == root_of([]) == EMPTY_ROOT == bytes.fromhex(expected)


def test_a_tree_of_one_empty_leaf_has_the_known_root() -> None:
    expected = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root_of([leaf_hash(b"")]) == bytes.fromhex(expected)


def test_the_tree_of_seven_leaves_is_that_of_the_rfc() -> None:
    # The drawing in RFC 9162 section 2.1.5.
    a, b, c, d, e, f, j = LEAVES
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, m = node_hash(g, h), node_hash(i, j)
    root = node_hash(k, m)
    assert root_of(LEAVES) == root
    assert inclusion_proof(LEAVES, 0, 7) == (b, h, m)
    assert inclusion_proof(LEAVES, 3, 7) == (c, g, m)
    assert inclusion_proof(LEAVES, 4, 7) == (f, j, k)
    assert inclusion_proof(LEAVES, 6, 7) == (i, k)
    assert consistency_proof(LEAVES, 3, 7) == (c, d, g, m)
    assert consistency_proof(LEAVES, 4, 7) == (m,)
    assert consistency_proof(LEAVES, 6, 7) == (i, j, k)


def test_a_frontier_keeps_one_hash_for_each_full_subtree() -> None:
    frontier = Frontier().extend(LEAVES)
    assert frontier.size == 7
    assert len(frontier.nodes) == 3
    assert frontier.nodes[0] == root_of(LEAVES[:4])
    assert frontier.nodes[-1] == LEAVES[6]


def test_a_frontier_is_not_changed_by_appending() -> None:
    before = Frontier().extend(LEAVES[:3])
    root = before.root()
    before.append(LEAVES[3])
    assert (before.size, before.root()) == (3, root)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00" * 7,
        b"\x00" * 7 + b"\x01",
        b"\x00" * 8 + b"x" * 32,
        b"\x00" * 7 + b"\x01" + b"x" * 31,
        b"\x00" * 7 + b"\x01" + b"x" * 64,
    ],
)
def test_bytes_that_are_no_frontier_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"frontier|full subtrees"):
        Frontier.from_bytes(raw)


def test_a_frontier_of_other_nodes_than_its_size_needs_is_refused() -> None:
    with pytest.raises(ValueError, match="has not 1 full subtrees"):
        Frontier(3, (LEAVES[0],))
    with pytest.raises(ValueError, match="32 bytes"):
        Frontier(1, (b"short",))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (7, 7), (-1, 7), (0, 8)])
def test_there_is_no_proof_for_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match=r"leaf|leaves"):
        inclusion_proof(LEAVES, index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 7), (5, 3), (-1, 3), (1, 8)])
def test_there_is_no_consistency_proof_between_impossible_sizes(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="leaves"):
        consistency_proof(LEAVES, old, new)


def test_every_tree_begins_with_the_empty_one_and_with_itself() -> None:
    root = root_of(LEAVES)
    assert verify_consistency(0, EMPTY_ROOT, 7, root, ())
    assert verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, ())
    assert verify_consistency(7, root, 7, root, ())
    assert not verify_consistency(0, EMPTY_ROOT, 7, root, (LEAVES[0],))
    assert not verify_consistency(0, root, 7, root, ())
    assert not verify_consistency(0, EMPTY_ROOT, 0, root, ())
    assert not verify_consistency(7, root, 7, root, (LEAVES[0],))
    assert not verify_consistency(7, root, 7, LEAVES[0], ())
    assert not verify_consistency(7, root, 3, root_of(LEAVES[:3]), ())


def test_hashes_of_another_length_verify_nothing() -> None:
    proof = inclusion_proof(LEAVES, 2, 7)
    root = root_of(LEAVES)
    assert verify_inclusion(LEAVES[2], 2, 7, proof, root)
    assert not verify_inclusion(LEAVES[2][:31], 2, 7, proof, root)
    assert not verify_inclusion(LEAVES[2], 2, 7, [*proof[:-1], proof[-1] + b"x"], root)
    assert not verify_consistency(3, root_of(LEAVES[:3]), 7, root + b"x", ())


def test_a_leaf_does_not_verify_outside_the_tree() -> None:
    proof = inclusion_proof(LEAVES, 0, 1)
    assert proof == ()
    assert verify_inclusion(LEAVES[0], 0, 1, (), LEAVES[0])
    assert not verify_inclusion(LEAVES[0], 1, 1, (), LEAVES[0])
    assert not verify_inclusion(LEAVES[0], -1, 1, (), LEAVES[0])
    assert not verify_inclusion(LEAVES[0], 0, 0, (), LEAVES[0])
