"""Asks an RFC 3161 service to say when it saw a checkpoint; the only importer of rfc3161-client.

Only the hash of the checkpoint leaves. What the service answers is kept as it came, so that `openssl ts` reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256, sha384, sha512
from urllib.parse import urlsplit

import aiohttp
from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from storage.copies import CopyFailed

MAX_STAMP_BYTES = 200_000
_TIMEOUT = aiohttp.ClientTimeout(total=20, connect=5)
_HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
_HASHES = {  # NIST's object identifiers
    "2.16.840.1.101.3.4.2.1": sha256,
    "2.16.840.1.101.3.4.2.2": sha384,
    "2.16.840.1.101.3.4.2.3": sha512,
}


class BadStamp(Exception):
    """That is no timestamp of this checkpoint by that service. Ask again; look at the service and its certificates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """What a timestamp says."""

    at: datetime
    is_trusted: bool  # its signature leads to one of the roots that were given; else it is as it came


class TimestampService:
    """Implements `storage.copies.Stamper`."""

    kind = "timestamps"

    def __init__(self, url: str, roots: bytes = b"") -> None:
        """`roots`: PEM certificates that an answer must lead to; without them it is only held to what was asked."""
        parts = urlsplit(url)
        self.where = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
        self._url = url
        self._roots = read_roots(roots)

    async def stamp(self, note: str) -> bytes:
        asked = TimestampRequestBuilder().data(note.encode()).hash_algorithm(HashAlgorithm.SHA256).build()
        answer = await self._ask(asked.as_bytes())
        try:
            check_stamp(answer, note, self._roots, asked=asked)
        except BadStamp as error:
            raise CopyFailed(f"couldn't get a timestamp: {error}", is_lasting=True) from error
        return answer

    async def _ask(self, request: bytes) -> bytes:
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT, headers=_HEADERS) as session,
                session.post(self._url, data=request, allow_redirects=False) as answer,
            ):
                content = b""
                async for chunk in answer.content.iter_chunked(65_536):
                    content += chunk
                    if len(content) > MAX_STAMP_BYTES:
                        break
                if answer.status != 200:
                    is_lasting = 400 <= answer.status < 500 and answer.status != 429
                    raise CopyFailed(
                        f"couldn't get a timestamp: the service answered {answer.status}; check its address",
                        is_lasting=is_lasting,
                    )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CopyFailed(
                "couldn't get a timestamp: the service can't be reached; check its address and the network"
            ) from error
        if len(content) > MAX_STAMP_BYTES:
            raise CopyFailed("couldn't get a timestamp: the answer is too long to be one", is_lasting=True)
        return content


def check_stamp(
    answer: bytes, note: str, roots: Sequence[Certificate], *, asked: TimeStampRequest | None = None
) -> Stamped:
    """Raises BadStamp unless it is granted, over this very note, to this request, and leads to a root (if any)."""
    response = _decoded(answer)
    builder = VerifierBuilder() if asked is None else VerifierBuilder.from_request(asked)
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        if roots:
            builder.build().verify_message(response, note.encode())
        else:
            _check_unsigned(response, note, asked)
    except (VerificationError, ValueError) as error:
        raise BadStamp(f"its answer does not hold ({error})") from error
    return Stamped(at=response.tst_info.gen_time, is_trusted=bool(roots))


def read_roots(pem: bytes) -> list[Certificate]:
    """Raises ValueError where it is no PEM text with certificates."""
    return load_pem_x509_certificates(pem) if pem.strip() else []


def _decoded(answer: bytes) -> TimeStampResponse:
    try:
        response = decode_timestamp_response(answer)
        if response.status != PKIStatus.GRANTED:
            said = "; ".join(response.status_string)
            raise BadStamp(
                f"the service refused ({PKIStatus(response.status).name.lower()}{': ' if said else ''}{said})"
            )
        if response.tst_info is None:
            raise BadStamp("the answer holds no timestamp")
    except ValueError as error:
        raise BadStamp("the answer can't be read as a timestamp") from error
    return response


def _check_unsigned(response: TimeStampResponse, note: str, asked: TimeStampRequest | None) -> None:
    """Raises ValueError. Whether the service is who it says is left to whoever has its certificate."""
    imprint = response.tst_info.message_imprint
    hashed = _HASHES.get(imprint.hash_algorithm.dotted_string)
    if hashed is None or imprint.message != hashed(note.encode()).digest():
        raise ValueError("it is of something else")
    if asked is not None and response.tst_info.nonce != asked.nonce:
        raise ValueError("it is to another request")
