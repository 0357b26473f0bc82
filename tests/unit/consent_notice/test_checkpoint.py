"""Checkpoints against C2SP's and Go's published examples, and that no changed byte opens."""

from __future__ import annotations

from base64 import b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from consent_notice.checkpoint import (
    BadCheckpoint,
    BadVerifierKey,
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    open_note,
    read_verifier_key,
    sign_checkpoint,
)
from consent_notice.merkle import leaf_hash, root

# golang.org/x/mod/sumdb/note, the reference implementation's example
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
C2SP_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# C2SP tlog-checkpoint's own example (c2sp.org/tlog-checkpoint); its public key was never published
C2SP_CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = VerifierKey(name="onrecord.example/log", public_key=PRIVATE.public_key().public_bytes_raw())
CHECKPOINT = Checkpoint(origin=KEY.name, size=3, root=root([leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")]))
NOTE = sign_checkpoint(CHECKPOINT, KEY, PRIVATE.sign)


@pytest.mark.parametrize(("published", "note"), [(GO_KEY, GO_NOTE), (C2SP_KEY, C2SP_NOTE)])
def test_published_keys_and_notes_open(published: str, note: str) -> None:
    key = read_verifier_key(published)
    assert str(key) == published
    assert key.key_id.hex() == published.split("+")[1]
    assert open_note(note, key, verify) == note.partition("\n\n")[0] + "\n"


def test_our_signature_line_equals_the_reference_implementations() -> None:
    key = read_verifier_key(GO_KEY)
    private = Ed25519PrivateKey.from_private_bytes(GO_SEED)
    checkpoint = Checkpoint(origin=key.name, size=0, root=bytes(32))
    note = sign_checkpoint(checkpoint, key, private.sign)
    assert note.split("\n")[-2].startswith("— PeterNeumann x08go")
    assert open_checkpoint(note, key, verify) == checkpoint


def test_the_published_checkpoint_is_read_and_written_as_it_is() -> None:
    """With a signature of ours beside its own, as a witness would add one."""
    witness = VerifierKey(name="witness.example", public_key=KEY.public_key)
    published = Checkpoint(
        origin="example.com/behind-the-sofa",
        size=20_852_163,
        root=b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="),
    )
    assert published.text() == C2SP_CHECKPOINT.partition("\n\n")[0] + "\n"
    own_line = sign_checkpoint(published, witness, PRIVATE.sign).partition("\n\n")[2]
    note = C2SP_CHECKPOINT + own_line
    assert open_checkpoint(note, witness, verify, origin="example.com/behind-the-sofa") == published
    with pytest.raises(BadCheckpoint):
        open_checkpoint(note.replace("20852163", "20852164"), witness, verify, origin="example.com/behind-the-sofa")


def test_a_checkpoint_has_the_published_form() -> None:
    # the root was made by pymerkle 7
    root_base64 = "NmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE="
    assert NOTE.split("\n")[:4] == ["onrecord.example/log", "3", root_base64, ""]
    assert open_checkpoint(NOTE, KEY, verify) == CHECKPOINT


def test_no_changed_byte_opens() -> None:
    raw = NOTE.encode()
    for position in range(len(raw)):
        for bit in (0x01, 0x20):
            changed = raw[:position] + bytes([raw[position] ^ bit]) + raw[position + 1 :]
            with pytest.raises(BadCheckpoint):
                open_checkpoint(changed.decode("utf-8", "replace"), KEY, verify)


def test_signatures_of_others_are_ignored_but_a_bad_one_of_ours_is_not() -> None:
    witness = Ed25519PrivateKey.from_private_bytes(bytes(32))
    witness_key = VerifierKey(name="witness.example", public_key=witness.public_key().public_bytes_raw())
    line = sign_checkpoint(CHECKPOINT, witness_key, witness.sign).split("\n\n")[1]
    assert open_checkpoint(NOTE + line, KEY, verify) == CHECKPOINT
    assert open_checkpoint(NOTE + line, witness_key, verify, origin=KEY.name) == CHECKPOINT
    with pytest.raises(BadCheckpoint):
        open_checkpoint(NOTE + line, witness_key, verify)  # another log's name
    wrong = sign_checkpoint(CHECKPOINT, KEY, lambda message: bytes(64)).split("\n\n")[1]
    with pytest.raises(BadCheckpoint):
        open_checkpoint(NOTE + wrong, KEY, verify)
    with pytest.raises(BadCheckpoint):
        open_checkpoint(CHECKPOINT.text() + "\n" + line, KEY, verify)


@pytest.mark.parametrize(
    "text", ["", "log\n3\n", "log\n03\nAAAA\n", "log\n-1\nAAAA\n", "log\n3\nAAAA\n", "\n3\n\n", "log\nthree\nAAAA\n"]
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    line = f"— {KEY.name} " + sign_checkpoint(CHECKPOINT, KEY, lambda _: PRIVATE.sign(text.encode())).split(" ")[-1]
    with pytest.raises(BadCheckpoint):
        open_checkpoint(f"{text}\n{line}", KEY, verify, origin="log")


def test_changed_verifier_keys_are_refused() -> None:
    for position in range(len(C2SP_KEY)):
        changed = C2SP_KEY[:position] + chr(ord(C2SP_KEY[position]) + 1) + C2SP_KEY[position + 1 :]
        with pytest.raises(BadVerifierKey):
            read_verifier_key(changed)
    for text in ("", "a", "a+b", "a+12345678+", C2SP_KEY[:-4]):
        with pytest.raises(BadVerifierKey):
            read_verifier_key(text)


def test_impossible_checkpoints_are_refused() -> None:
    for origin, size, tree_root in (("", 1, bytes(32)), ("a\nb", 1, bytes(32)), ("a", -1, bytes(32)), ("a", 1, b"")):
        with pytest.raises(BadCheckpoint):
            Checkpoint(origin=origin, size=size, root=tree_root)
