"""The log's hash tree (RFC 9162 section 2.1, SHA-256): roots, proofs, and their checks.

`Frontier` is all that an appender has to remember; `Tree` holds every complete subtree, for making proofs. Both are
values in memory: who stores leaves, and who signs roots, is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


class BrokenFrontier(Exception):
    """That is not a saved frontier. Rebuild it from the leaves."""


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """Of any number of leaf hashes, read once, in memory of the tree's height."""
    frontier = Frontier()
    frontier.extend(leaf_hashes)
    return frontier.root()


class Frontier:
    """The right edge of a growing tree: its complete subtrees, largest first (one for each bit set in `size`)."""

    __slots__ = ("_size", "_subtrees")

    def __init__(self) -> None:
        self._size = 0
        self._subtrees: list[bytes] = []

    @property
    def size(self) -> int:
        return self._size

    def append(self, leaf: bytes) -> None:
        """Takes a leaf *hash*."""
        if len(leaf) != HASH_BYTES:
            raise ValueError(f"couldn't append to the tree: expected a hash of {HASH_BYTES} bytes, got {len(leaf)}")
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Takes leaf *hashes*, as long as hashes are: for many at once."""
        subtrees, size = self._subtrees, self._size
        for leaf in leaves:
            merged, odd = leaf, size
            while odd & 1:
                merged = sha256(b"\x01" + subtrees.pop() + merged).digest()
                odd >>= 1
            subtrees.append(merged)
            size += 1
        self._size = size

    def root(self) -> bytes:
        if not self._subtrees:
            return EMPTY_ROOT
        merged = self._subtrees[-1]
        for left in reversed(self._subtrees[:-1]):
            merged = node_hash(left, merged)
        return merged

    def copy(self) -> Frontier:
        other = Frontier()
        other._size, other._subtrees = self._size, list(self._subtrees)
        return other

    def to_json(self) -> dict[str, int | list[str]]:
        return {"size": self._size, "subtrees": [subtree.hex() for subtree in self._subtrees]}

    @classmethod
    def from_json(cls, saved: object) -> Frontier:
        """Raises BrokenFrontier; whether it belongs to the log is seen by comparing its root with the checkpoint."""
        frontier = cls()
        if not isinstance(saved, dict) or saved.keys() != {"size", "subtrees"}:
            raise BrokenFrontier
        size, texts = saved["size"], saved["subtrees"]
        if type(size) is not int or size < 0 or not isinstance(texts, list) or len(texts) != size.bit_count():
            raise BrokenFrontier
        try:
            subtrees = [bytes.fromhex(text) for text in texts]
        except (TypeError, ValueError):
            raise BrokenFrontier from None
        if any(len(subtree) != HASH_BYTES for subtree in subtrees):
            raise BrokenFrontier
        frontier._size, frontier._subtrees = size, subtrees
        return frontier


class Tree:
    """Every complete subtree of a log, by level, so that a proof for any size so far costs only its height.

    A level is one string of bytes: 64 bytes of memory a leaf, all levels together.
    """

    __slots__ = ("_levels",)

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._levels = [bytearray()]
        for leaf in leaf_hashes:
            self.append(leaf)

    @property
    def size(self) -> int:
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf: bytes) -> None:
        """Takes a leaf *hash*."""
        if len(leaf) != HASH_BYTES:
            raise ValueError(f"couldn't append to the tree: expected a hash of {HASH_BYTES} bytes, got {len(leaf)}")
        level, size = 0, self.size + 1
        self._levels[0] += leaf
        while size % 2 == 0:
            if level + 1 == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level + 1] += sha256(b"\x01" + self._levels[level][-2 * HASH_BYTES :]).digest()
            level, size = level + 1, size // 2

    def root(self, size: int | None = None) -> bytes:
        """Of the first `size` leaves; of all of them if not given."""
        size = self._checked(size)
        return self._subtree(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """The audit path of leaf `index` in the tree of `size` leaves, from the leaf's sibling up."""
        size = self._checked(size)
        if not 0 <= index < size:
            raise ValueError(f"couldn't prove inclusion: expected an index below {size}, got {index}")
        path: list[bytes] = []
        begin, end = 0, size
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                path.append(self._subtree(middle, end))
                end = middle
            else:
                path.append(self._subtree(begin, middle))
                begin = middle
        path.reverse()
        return path

    def consistency(self, old_size: int, size: int | None = None) -> list[bytes]:
        """Proof that the first `old_size` leaves of the tree of `size` leaves are the tree of that size."""
        size = self._checked(size)
        if not 0 < old_size <= size:
            raise ValueError(f"couldn't prove consistency: expected an old size from 1 to {size}, got {old_size}")
        path: list[bytes] = []
        begin, end, is_whole_old_tree = 0, size, True
        while old_size != end:
            middle = begin + _split(end - begin)
            if old_size <= middle:
                path.append(self._subtree(middle, end))
                end = middle
            else:
                path.append(self._subtree(begin, middle))
                begin, is_whole_old_tree = middle, False
        if not is_whole_old_tree:
            path.append(self._subtree(begin, end))
        path.reverse()
        return path

    def _checked(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise ValueError(f"couldn't read the tree: expected a size up to {self.size}, got {size}")
        return size

    def _subtree(self, begin: int, end: int) -> bytes:
        """Hash over leaves [begin, end), where begin is a multiple of a power of two that covers the span."""
        width = end - begin
        if width & (width - 1) == 0:
            at = begin // width * HASH_BYTES
            return bytes(self._levels[width.bit_length() - 1][at : at + HASH_BYTES])
        middle = begin + _split(width)
        return node_hash(self._subtree(begin, middle), self._subtree(middle, end))


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes) -> bool:
    """RFC 9162 section 2.1.3.2; takes the leaf *hash*."""
    if not 0 <= index < size:
        return False
    position, last, merged = index, size - 1, leaf
    for sibling in path:
        if last == 0 or len(sibling) != HASH_BYTES:
            return False
        if position & 1 or position == last:
            merged = node_hash(sibling, merged)
            while position and not position & 1:
                position >>= 1
                last >>= 1
        else:
            merged = node_hash(merged, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and merged == expected_root


def verify_consistency(old_size: int, size: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """RFC 9162 section 2.1.4.2. Nothing is consistent with an empty tree but by its root being the empty one."""
    if old_size == 0:
        return not path and old_root == EMPTY_ROOT
    if old_size == size:
        return not path and old_root == new_root
    if not 0 < old_size < size or not path or any(len(step) != HASH_BYTES for step in path):
        return False
    steps = list(path) if old_size & (old_size - 1) else [old_root, *path]
    position, last = old_size - 1, size - 1
    while position & 1:
        position >>= 1
        last >>= 1
    merged_old = merged_new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            merged_old, merged_new = node_hash(step, merged_old), node_hash(step, merged_new)
            while position and not position & 1:
                position >>= 1
                last >>= 1
        else:
            merged_new = node_hash(merged_new, step)
        position >>= 1
        last >>= 1
    return last == 0 and merged_old == old_root and merged_new == new_root


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)
