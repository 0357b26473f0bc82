"""Roots and proofs against pymerkle (an independent implementation), and that no changed proof passes."""

from __future__ import annotations

import json

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

SIZE = 70
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
