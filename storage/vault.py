"""Seals small secrets (links, addresses, tokens, data keys) and signs the log, with keys derived from the key file.

A seal is bound to what it is for and to its row's id, so that one can't be moved to another row.
"""

from __future__ import annotations

import functools
import hmac
import os

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from consent_notice.checkpoint import VerifierKey
from storage.errors import BrokenRecord
from storage.key_file import KeyFile

_NONCE_BYTES = 12
LOG_NAME_PREFIX = "onrecord.local/log/"


class Vault:
    """Holds the keys in memory; hands out none but the one that seals sign-in cookies."""

    def __init__(self, key_file: KeyFile) -> None:
        self.name = key_file.name
        self._fields = AESGCM(_derive(key_file.master_key, b"onrecord fields v1"))
        self._keys = AESGCM(_derive(key_file.master_key, b"onrecord data keys v1"))
        self.fingerprint = _derive(key_file.master_key, b"onrecord fingerprint v1")[:16].hex()
        self._marks = _derive(key_file.master_key, b"onrecord marks v1")
        self.session_key = _derive(key_file.master_key, b"onrecord web sessions v1")
        self._signing = Ed25519PrivateKey.from_private_bytes(key_file.log_seed)
        self.verifier_key = VerifierKey(
            name=LOG_NAME_PREFIX + key_file.name, public_key=self._signing.public_key().public_bytes_raw()
        )

    def seal(self, purpose: str, row_id: str, text: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._fields.encrypt(nonce, text.encode(), _bound(purpose, row_id))

    def unseal(self, purpose: str, row_id: str, sealed: bytes) -> str:
        """Raises BrokenRecord."""
        try:
            return self._fields.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(purpose, row_id)).decode()
        except (InvalidTag, ValueError):
            raise BrokenRecord from None

    def mark(self, purpose: str, row_id: str, text: str) -> str:
        """The same for the same text, and says nothing of it to whoever has not the key file."""
        return hmac.new(self._marks, _bound(purpose, row_id) + b"\x00" + text.encode(), "sha256").hexdigest()[:40]

    def wrap(self, key_id: str, key: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._keys.encrypt(nonce, key, _bound("data key", key_id))

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """Raises BrokenRecord."""
        try:
            return self._keys.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], _bound("data key", key_id))
        except (InvalidTag, ValueError):
            raise BrokenRecord from None

    def sign(self, message: bytes) -> bytes:
        return self._signing.sign(message)


def verify_signature(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        _public_key(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@functools.lru_cache(maxsize=16)
def _public_key(public_key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public_key)


def _bound(purpose: str, row_id: str) -> bytes:
    return f"{purpose}\x00{row_id}".encode()


def _derive(master_key: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=use).derive(master_key)
