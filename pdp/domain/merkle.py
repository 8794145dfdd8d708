"""The Merkle tree of the append-only log: hashing, its growth by one leaf, and proofs.

Hashing follows RFC 6962 section 2.1, proofs and their verification RFC 9162 sections 2.1.3 and
2.1.4 (the same trees). Every hash is 32 bytes of SHA-256.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeAlias

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()

RangeHash: TypeAlias = Callable[[int, int], bytes]
"""The root over the leaves from `start` up to and without `end`, of which there is at least one."""


def leaf_hash(body: bytes) -> bytes:
    """The hash of a leaf's content."""
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node over its two children."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that appending to a tree of `size` leaves needs: the roots of its full subtrees.

    `nodes` has one hash for each bit set in `size`, the largest subtree first: a logarithm of the
    log, not the log. Raises ValueError where `nodes` cannot belong to `size`.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.nodes) != self.size.bit_count():
            raise ValueError(
                f"a tree of {self.size} leaves has not {len(self.nodes)} full subtrees"
            )
        if any(len(node) != HASH_BYTES for node in self.nodes):
            raise ValueError(f"every node of a frontier is {HASH_BYTES} bytes")

    def append(self, leaf: bytes) -> Frontier:
        """The frontier with one more leaf, given by its hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """The frontier with more leaves, given by their hashes in order."""
        size, nodes = self.size, list(self.nodes)
        for leaf in leaves:
            node = leaf
            carry = size
            while carry & 1:
                node = node_hash(nodes.pop(), node)
                carry >>= 1
            nodes.append(node)
            size += 1
        return Frontier(size, tuple(nodes))

    def root(self) -> bytes:
        """The root of the tree; the hash of nothing for a tree without leaves."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = node_hash(node, root)
        return root

    def to_bytes(self) -> bytes:
        """The size as 8 bytes, big-endian, then the nodes."""
        return self.size.to_bytes(8, "big") + b"".join(self.nodes)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Frontier:
        """What to_bytes wrote. Raises ValueError for anything else."""
        if len(raw) < 8 or (len(raw) - 8) % HASH_BYTES:
            raise ValueError("a frontier is 8 bytes and then whole hashes")
        starts = range(8, len(raw), HASH_BYTES)
        nodes = tuple(raw[start : start + HASH_BYTES] for start in starts)
        return cls(int.from_bytes(raw[:8], "big"), nodes)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes in order (RFC 6962 section 2.1)."""
    return Frontier().extend(leaves).root()


def range_hash(leaves: Sequence[bytes]) -> RangeHash:
    """Hashes of ranges of `leaves`; a store may do the same from subtrees it keeps."""
    return lambda start, end: root_of(leaves[start:end])


def inclusion_proof(
    leaves: Sequence[bytes] | RangeHash, index: int, size: int
) -> tuple[bytes, ...]:
    """The path from leaf `index` to the root over the first `size` leaves, nearest sibling first.

    `leaves` are the leaf hashes, or the hash of any range of them. RFC 9162 section 2.1.3.1.
    Raises ValueError where there is no such leaf in a tree of that size.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    hashed = _ranges(leaves, size)
    start, end = 0, size
    path: list[bytes] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(hashed(middle, end))
            end = middle
        else:
            path.append(hashed(start, middle))
            start = middle
    return tuple(reversed(path))


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether the leaf with that hash is number `index` in the tree of that size and root.

    RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size or not _all_hashes((leaf, root, *proof)):
        return False
    position, last = index, size - 1
    found = leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            while position and not position & 1:
                position >>= 1
                last >>= 1
        else:
            found = node_hash(found, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and found == root


def consistency_proof(
    leaves: Sequence[bytes] | RangeHash, old_size: int, new_size: int
) -> tuple[bytes, ...]:
    """What shows that the tree of `old_size` leaves is the beginning of that of `new_size`.

    RFC 9162 section 2.1.4.1. Empty for equal sizes. Raises ValueError unless
    0 < old_size <= new_size: nothing can be shown about a tree without leaves, and nothing needs
    to be.
    """
    if not 0 < old_size <= new_size:
        raise ValueError(f"no consistency proof leads from {old_size} to {new_size} leaves")
    hashed = _ranges(leaves, new_size)
    start, end = 0, new_size
    proof: list[bytes] = []
    while old_size < end:
        middle = start + _split(end - start)
        if old_size <= middle:
            proof.append(hashed(middle, end))
            end = middle
        else:
            proof.append(hashed(start, middle))
            start = middle
    if start > 0:
        # The verifier knows the old root itself, but not the old tree's last subtree.
        proof.append(hashed(start, end))
    return tuple(reversed(proof))


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the tree of the new size and root begins with the tree of the old ones.

    RFC 9162 section 2.1.4.2; there the sizes differ and are positive. Here equal sizes need equal
    roots and an empty proof, and an empty tree begins every tree.
    """
    if not 0 <= old_size <= new_size or not _all_hashes((old_root, new_root, *proof)):
        return False
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT and (new_size > 0 or new_root == EMPTY_ROOT)
    if old_size == new_size:
        return not proof and old_root == new_root
    if not proof:
        return False
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old = node_hash(sibling, old)
            new = node_hash(sibling, new)
            while position and not position & 1:
                position >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and old == old_root and new == new_root


def _split(count: int) -> int:
    """The largest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _ranges(leaves: Sequence[bytes] | RangeHash, size: int) -> RangeHash:
    if not isinstance(leaves, Sequence):
        return leaves
    if len(leaves) < size:
        raise ValueError(f"{len(leaves)} leaves are too few for a tree of {size}")
    return range_hash(leaves)


def _all_hashes(values: Iterable[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
