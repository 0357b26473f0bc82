"""Roots and proofs against pymerkle (an independent implementation), and that no changed proof passes."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_notice.merkle import (
    EMPTY_ROOT,
    BrokenFrontier,
    Frontier,
    Tree,
    leaf_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

SIZE = 130
ENTRIES = [b"entry %d" % number for number in range(SIZE)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
TREE = Tree(LEAVES)


def _oracle() -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in ENTRIES:
        tree.append_entry(entry)
    return tree


def test_roots_equal_the_oracles_at_every_size() -> None:
    oracle, frontier = _oracle(), Frontier()
    assert frontier.root() == root([]) == EMPTY_ROOT
    for size in range(1, SIZE + 1):
        frontier.append(LEAVES[size - 1])
        assert frontier.root() == TREE.root(size) == root(LEAVES[:size]) == oracle.get_root(size)


def test_every_inclusion_proof_holds_and_the_oracle_accepts_it() -> None:
    oracle = _oracle()
    for size in range(1, SIZE + 1):
        for index in range(size):
            path = TREE.inclusion(index, size)
            assert verify_inclusion(LEAVES[index], index, size, path, TREE.root(size))
            # pymerkle counts from one, and puts the leaf itself first
            assert path == oracle.prove_inclusion(index + 1, size).path[1:]


def test_every_consistency_proof_holds_and_only_between_the_right_roots() -> None:
    for size in range(1, SIZE + 1):
        for old_size in range(1, size + 1):
            path = TREE.consistency(old_size, size)
            assert verify_consistency(old_size, size, path, TREE.root(old_size), TREE.root(size))
            if old_size < size:
                assert not verify_consistency(old_size, size, path, TREE.root(size), TREE.root(size))
                assert not verify_consistency(old_size, size, path, TREE.root(old_size), TREE.root(old_size))


def test_the_oracle_agrees_on_every_pair_of_sizes() -> None:
    """Its consistency paths are of another form, so each side proves by its own path, between the other's roots."""
    oracle = _oracle()
    roots = [EMPTY_ROOT, *(oracle.get_root(size) for size in range(1, SIZE + 1))]
    for size in range(1, SIZE + 1):
        for old_size in range(1, size + 1):
            path = TREE.consistency(old_size, size)
            assert verify_consistency(old_size, size, path, roots[old_size], roots[size])
            oracle.prove_consistency(old_size, size).verify(
                TREE.root(old_size), TREE.root(size), prior_size=old_size, later_size=size
            )


# ---- RFC 9162 word for word: its recursive definitions, which nobody would run over a log ---------------------------


def _mth(leaves: Sequence[bytes]) -> bytes:
    """Section 2.1.1, over leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + _mth(leaves[:k]) + _mth(leaves[k:])).digest()


def _path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*_path(m, leaves[:k]), _mth(leaves[k:])]
    return [*_path(m - k, leaves[k:]), _mth(leaves[:k])]


def _subproof(m: int, leaves: Sequence[bytes], b: bool) -> list[bytes]:
    """Section 2.1.4.1."""
    if m == len(leaves):
        return [] if b else [_mth(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*_subproof(m, leaves[:k], b), _mth(leaves[k:])]
    return [*_subproof(m - k, leaves[k:], False), _mth(leaves[:k])]


def test_proofs_are_those_of_the_rfcs_own_definitions_at_every_size() -> None:
    for size in range(1, SIZE + 1):
        assert TREE.root(size) == _mth(LEAVES[:size])
        for position in range(size):
            assert TREE.inclusion(position, size) == _path(position, LEAVES[:size])
            assert TREE.consistency(position + 1, size) == _subproof(position + 1, LEAVES[:size], True)


@pytest.mark.parametrize("size", [1_023, 1_024, 1_025, 4_097, pytest.param(100_003, marks=pytest.mark.nightly)])
def test_large_trees_agree_with_the_oracle_and_the_rfc(size: int) -> None:
    draw = random.Random(size)
    entries = [draw.randbytes(draw.randrange(200)) for _ in range(size)]
    leaves = [leaf_hash(entry) for entry in entries]
    tree, oracle = Tree(leaves), pymerkle.InmemoryTree(algorithm="sha256")
    oracle.append_entries(entries)
    sizes = sorted({1, 2, size // 2, size - 1, size, *(draw.randrange(1, size + 1) for _ in range(12))})
    for end in sizes:
        assert tree.root(end) == oracle.get_root(end)
        index = draw.randrange(end)
        path = tree.inclusion(index, end)
        assert path == oracle.prove_inclusion(index + 1, end).path[1:] == _path(index, leaves[:end])
        assert verify_inclusion(leaves[index], index, end, path, oracle.get_root(end))
        old_size = draw.randrange(1, end + 1)
        proof = tree.consistency(old_size, end)
        assert proof == _subproof(old_size, leaves[:end], True)
        assert verify_consistency(old_size, end, proof, oracle.get_root(old_size), oracle.get_root(end))
        oracle.prove_consistency(old_size, end).verify(tree.root(old_size), tree.root(end))


def test_rfc_6962_published_roots() -> None:
    # The test vectors of the reference implementation (certificate-transparency merkle tests), sizes 1, 2, 3 and 8.
    data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [leaf_hash(bytes.fromhex(text)) for text in data]
    assert root(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root(leaves[:2]).hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert root(leaves[:3]).hex() == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
    assert root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(st.data())
def test_a_changed_inclusion_proof_fails(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, SIZE))
    index = data.draw(st.integers(0, size - 1))
    path = TREE.inclusion(index, size)
    at, byte = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 31))
    flipped = bytearray(path[at])
    flipped[byte] ^= 1 << data.draw(st.integers(0, 7))
    changed = [*path[:at], bytes(flipped), *path[at + 1 :]]
    expected = TREE.root(size)
    assert not verify_inclusion(LEAVES[index], index, size, changed, expected)
    assert not verify_inclusion(LEAVES[index], index, size, path[:-1], expected)
    assert not verify_inclusion(LEAVES[index], index, size, [*path, path[0]], expected)
    assert not verify_inclusion(LEAVES[index], (index + 1) % size, size, path, expected)
    assert not verify_inclusion(LEAVES[index], size, size, path, expected)
    assert not verify_inclusion(LEAVES[index], -1, size, path, expected)


@given(st.data())
def test_a_changed_consistency_proof_fails(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, SIZE))
    old_size = data.draw(st.integers(1, size - 1))
    path = TREE.consistency(old_size, size)
    at, byte = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 31))
    flipped = bytearray(path[at])
    flipped[byte] ^= 1 << data.draw(st.integers(0, 7))
    changed = [*path[:at], bytes(flipped), *path[at + 1 :]]
    old_root, new_root = TREE.root(old_size), TREE.root(size)
    assert not verify_consistency(old_size, size, changed, old_root, new_root)
    assert not verify_consistency(old_size, size, path[:-1], old_root, new_root)
    assert not verify_consistency(old_size, size, [*path, path[0]], old_root, new_root)
    assert not verify_consistency(size, old_size, path, old_root, new_root)


def test_an_empty_log_is_consistent_with_any() -> None:
    assert verify_consistency(0, 9, [], EMPTY_ROOT, TREE.root(9))
    assert not verify_consistency(0, 9, [], TREE.root(9), TREE.root(9))
    assert not verify_consistency(-1, 9, [], EMPTY_ROOT, TREE.root(9))


@given(st.integers(0, SIZE), st.integers(0, SIZE))
def test_a_frontier_goes_on_where_it_was_saved(saved_at: int, more: int) -> None:
    frontier = Frontier()
    for leaf in LEAVES[:saved_at]:
        frontier.append(leaf)
    restored = Frontier.from_json(json.loads(json.dumps(frontier.to_json())))
    copied = frontier.copy()
    for leaf in LEAVES[saved_at : saved_at + more]:
        restored.append(leaf)
    size = min(saved_at + more, SIZE)
    assert (restored.size, restored.root()) == (size, TREE.root(size))
    assert (copied.size, copied.root()) == (saved_at, TREE.root(saved_at))


@pytest.mark.parametrize(
    "saved",
    [None, {}, {"size": 1, "subtrees": []}, {"size": True, "subtrees": ["00" * 32]}, {"size": 1, "subtrees": ["00"]}],
)
def test_a_broken_frontier_is_refused(saved: object) -> None:
    with pytest.raises(BrokenFrontier):
        Frontier.from_json(saved)


def test_what_is_no_hash_or_out_of_range_is_refused() -> None:
    for refused in (
        lambda: Frontier().append(b"short"),
        lambda: Tree().append(b"short"),
        lambda: TREE.inclusion(SIZE),
        lambda: TREE.consistency(0),
        lambda: TREE.root(SIZE + 1),
    ):
        with pytest.raises(ValueError, match="couldn't"):
            refused()
