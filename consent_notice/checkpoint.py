"""The signed head of the log: C2SP tlog-checkpoint text inside a C2SP signed note, with Ed25519 (type 0x01).

Writes and reads the text and picks the signature to check. Signing and the check itself are passed in: the keys and
the cryptography live elsewhere.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from consent_notice.merkle import HASH_BYTES

ED25519 = 1  # C2SP signed-note, "Signature types"
MAX_NOTE_BYTES = 65_536
_PUBLIC_KEY_BYTES = 32
_SIGNATURE_START = "\N{EM DASH} "
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")  # all but the newline

Sign = Callable[[bytes], bytes]
Verify = Callable[[bytes, bytes, bytes], bool]  # public key, signature, message


class BadCheckpoint(Exception):
    """That is no checkpoint signed by this log. Compare it with another copy, and the key with the published one."""


class BadVerifierKey(Exception):
    """That is no verifier key. Copy the whole published line: name, plus, eight hex digits, plus, key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """What a checker needs of the log: its published name and public key."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(not c.isprintable() or c.isspace() for c in self.name):
            raise BadVerifierKey("couldn't use verifier key: its name is empty or holds spaces or a plus")
        if len(self.public_key) != _PUBLIC_KEY_BYTES:
            raise BadVerifierKey(f"couldn't use verifier key: expected {_PUBLIC_KEY_BYTES} bytes of public key")

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([ED25519]) + self.public_key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64encode(bytes([ED25519]) + self.public_key).decode()}"


def read_verifier_key(text: str) -> VerifierKey:
    """Raises BadVerifierKey, also when the key's own id does not fit it."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    key_bytes = _from_base64(encoded)
    if key_bytes is None or not re.fullmatch("[0-9a-f]{8}", key_id) or key_bytes[:1] != bytes([ED25519]):
        raise BadVerifierKey
    key = VerifierKey(name=name, public_key=key_bytes[1:])
    if key.key_id.hex() != key_id:
        raise BadVerifierKey("couldn't use verifier key: its id does not fit its name and public key")
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The log's size and root at one moment, under its name."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or any(not c.isprintable() for c in self.origin):
            raise BadCheckpoint("couldn't make a checkpoint: its origin is empty or holds control characters")
        if self.size < 0 or len(self.root) != HASH_BYTES:
            raise BadCheckpoint("couldn't make a checkpoint: expected a size from 0 and a root of 32 bytes")

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def sign_checkpoint(checkpoint: Checkpoint, key: VerifierKey, sign: Sign) -> str:
    """The signed note; `sign` makes the Ed25519 signature with the private half of `key`."""
    return sign_note(checkpoint.text(), key, sign)


def sign_note(text: str, key: VerifierKey, sign: Sign) -> str:
    """A C2SP signed note; `text` must end with a newline. Texts of different kinds must not look alike."""
    if not text.endswith("\n"):
        raise ValueError("couldn't sign a note: expected a text that ends with a newline")
    return f"{text}\n{_SIGNATURE_START}{key.name} {b64encode(key.key_id + sign(text.encode())).decode()}\n"


def open_checkpoint(note: str, key: VerifierKey, verify: Verify, origin: str | None = None) -> Checkpoint:
    """Raises BadCheckpoint unless the note carries a good signature by `key`, and none by `key` that is bad.

    Signatures of other keys (witnesses) are ignored, as the format asks. `origin` defaults to the key's name.
    """
    text = open_note(note, key, verify)
    checkpoint = _read_text(text)
    if checkpoint.origin != (key.name if origin is None else origin):
        raise BadCheckpoint("couldn't open checkpoint: it is of another log")
    return checkpoint


def open_note(note: str, key: VerifierKey, verify: Verify) -> str:
    """The text of a C2SP signed note, its last newline included. Raises BadCheckpoint."""
    if len(note.encode("utf-8", "replace")) > MAX_NOTE_BYTES or _CONTROL.search(note):
        raise BadCheckpoint("couldn't open checkpoint: too long, or control characters in it")
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise BadCheckpoint("couldn't open checkpoint: expected text, an empty line and signature lines")
    text += "\n"
    verified = False
    for line in signatures[:-1].split("\n"):
        name, space, encoded = line.removeprefix(_SIGNATURE_START).partition(" ")
        signature = _from_base64(encoded)
        if not line.startswith(_SIGNATURE_START) or not name or not space or signature is None or len(signature) < 5:
            raise BadCheckpoint("couldn't open checkpoint: a signature line is not of the format")
        if name == key.name and signature[:4] == key.key_id:
            if not verify(key.public_key, signature[4:], text.encode()):
                raise BadCheckpoint("couldn't open checkpoint: its signature is not of this key")
            verified = True
    if not verified:
        raise BadCheckpoint("couldn't open checkpoint: it carries no signature of this key")
    return text


def _read_text(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or any(not line for line in lines[:-1]) or not _SIZE.fullmatch(lines[1]):
        raise BadCheckpoint("couldn't open checkpoint: expected lines with origin, size and root")
    root = _from_base64(lines[2])
    if root is None:
        raise BadCheckpoint("couldn't open checkpoint: its root is no base64")
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root)


def _from_base64(text: str) -> bytes | None:
    """None unless `text` is the one standard base64 form of its bytes (RFC 4648 section 4)."""
    try:
        decoded = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if b64encode(decoded).decode() == text else None
