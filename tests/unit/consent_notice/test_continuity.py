"""Which kept checkpoint a log continues, and which line says what does not hold."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from consent_notice.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from consent_notice.continuity import (
    MAX_KEPT_BYTES,
    Break,
    Continuation,
    DoesNotContinue,
    continuation,
    kept_note,
    open_kept,
    open_latest,
)
from consent_notice.merkle import Tree, leaf_hash, verify_consistency

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = VerifierKey(name="onrecord.example/log", public_key=PRIVATE.public_key().public_bytes_raw())
TREE = Tree(leaf_hash(b"entry %d" % number) for number in range(40))
OTHER = Tree(leaf_hash(b"entry %d" % (number + (number == 3))) for number in range(40))


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def note(size: int, tree: Tree = TREE, key: VerifierKey = KEY, private: Ed25519PrivateKey = PRIVATE) -> str:
    return sign_checkpoint(Checkpoint(origin=key.name, size=size, root=tree.root(size)), key, private.sign)


def held(old_note: str, size: int, tree: Tree = TREE) -> Continuation:
    """As `storage.continuity` asks it."""
    old = open_kept(old_note, KEY, verify)
    latest = open_latest(note(size, tree), KEY, verify)
    path = tree.consistency(old.size, size) if 0 < old.size <= size else []
    return continuation(old, latest, note=note(size, tree), root_now=tree.root(size), path=path)


def broken(old_note: str, size: int, tree: Tree = TREE) -> DoesNotContinue:
    with pytest.raises(DoesNotContinue) as caught:
        held(old_note, size, tree)
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_log_continues_every_checkpoint_that_it_signed() -> None:
    for size in range(41):
        for old_size in range(size + 1):
            found = held(note(old_size), size)
            assert (found.old.size, found.latest.size) == (old_size, size)


def test_the_request_is_of_the_published_form_and_proves_by_itself() -> None:
    found = held(note(11), 40)
    lines = found.request().split("\n")
    assert lines[0] == "old 11"
    blank = lines.index("")
    path = [b64decode(line, validate=True) for line in lines[1:blank]]
    assert verify_consistency(11, 40, path, TREE.root(11), TREE.root(40))
    assert "\n".join(lines[blank + 1 :]) == note(40)
    assert found.proof() == lines[1:blank]


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_rewritten_log_continues_nothing_that_was_signed_over_what_it_changed(old_size: int, size: int) -> None:
    if old_size > size:
        assert broken(note(old_size), size, OTHER).what is Break.LOG_SHORTER
    elif old_size > 3:
        assert broken(note(old_size), size, OTHER).what is Break.REWRITTEN
    else:
        assert held(note(old_size), size, OTHER).old.size == old_size


def test_a_log_that_was_put_back_is_named_with_both_sizes() -> None:
    error = broken(note(30), 20)
    assert error.what is Break.LOG_SHORTER
    assert "30 entries" in str(error)
    assert "after 20" in str(error)


def test_another_log_and_another_key_are_told_apart() -> None:
    other = VerifierKey(name="onrecord.example/other", public_key=KEY.public_key)
    assert broken(note(5, key=other), 9).what is Break.ANOTHER_LOG
    thief = Ed25519PrivateKey.from_private_bytes(bytes(32))
    assert broken(note(5, private=thief), 9).what is Break.BAD_SIGNATURE
    theirs = VerifierKey(name=KEY.name, public_key=thief.public_key().public_bytes_raw())
    assert broken(note(5, key=theirs, private=thief), 9).what is Break.BAD_SIGNATURE


def test_no_changed_byte_of_a_kept_checkpoint_is_continued() -> None:
    raw = note(12).encode()
    for position in range(len(raw)):
        changed = raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
        with pytest.raises(DoesNotContinue):
            held(changed.decode("utf-8", "replace"), 40)


def test_a_head_that_is_not_of_its_own_leaves_proves_nothing() -> None:
    old, latest = open_kept(note(3), KEY, verify), open_latest(note(40), KEY, verify)
    with pytest.raises(DoesNotContinue) as caught:
        continuation(old, latest, note=note(40), root_now=OTHER.root(40), path=TREE.consistency(3, 40))
    assert caught.value.what is Break.LOG_BROKEN
    with pytest.raises(DoesNotContinue) as caught:
        open_latest(note(40).replace("40", "39"), KEY, verify)
    assert caught.value.what is Break.LOG_BROKEN


def test_an_empty_checkpoint_is_continued_only_where_it_is_one() -> None:
    assert held(note(0), 40).path == ()
    wrong = sign_checkpoint(Checkpoint(origin=KEY.name, size=0, root=TREE.root(1)), KEY, PRIVATE.sign)
    assert broken(wrong, 40).what is Break.REWRITTEN


RECEIPT = {"format": "onrecord-receipt/1", "proof": {"checkpoint": note(7), "entries": []}}


@pytest.mark.parametrize(
    "content",
    [
        note(7),
        note(7).rstrip("\n"),
        "\n" + note(7) + "\n\n",
        note(7).replace("\n", "\r\n"),
        "\ufeff" + note(7),
        json.dumps(RECEIPT),
        json.dumps(RECEIPT, indent=1, ensure_ascii=False),
        f'<!doctype html><script>1</script><script id="r" type="application/json">{json.dumps(RECEIPT)}</script>',
    ],
)
def test_a_checkpoint_is_found_in_a_note_and_in_a_receipt(content: str) -> None:
    assert kept_note(content.encode()) == note(7)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b"{",
        b"[" * 100_000,
        b'{"proof": {"checkpoint": 7}}',
        b'{"proof": []}',
        b"<html></html>",
        b"nothing",
        bytes(MAX_KEPT_BYTES + 1),
    ],
)
def test_what_holds_no_checkpoint_is_said_to_hold_none(content: bytes) -> None:
    with pytest.raises(DoesNotContinue) as caught:
        open_kept(kept_note(content), KEY, verify)
    assert caught.value.what is Break.NO_CHECKPOINT
