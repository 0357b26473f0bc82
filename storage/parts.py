"""The sealed form of sound on disk: segment headers, chunks, and the part files that hold them.

A chunk is `length(4) | index(8) | AES-256-GCM seal`, bound to the segment's header, its part, its index and whether it
is the part's last one; its plaintext is frames of `captured ms(8) | rtp(8) | duration ms(2) | length(2) | payload`. A
part that was cut off reads to its last whole chunk and says so. Knows no database and no log.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from consent_notice.canonical import NotCanonical, canonical, read_canonical
from consent_notice.frames import Encoding
from consent_notice.words import Rule, SeatId, SegmentId, VisitId
from storage.errors import BrokenRecord

HEADER_NAME = "header.json"
HEADER_VERSION = 1
LONGEST_CHUNK_MS = 250
LONGEST_PART_MS = 30_000

_NEVER_MS = 1 << 62
_FRAME = struct.Struct(">qqHH")
_PREFIX = struct.Struct(">IQ")
_NONCE = struct.Struct(">IQ")
_BOUND = struct.Struct(">IQB")
_INDEX_BYTES = 8
_TAG_BYTES = 16


class _Kind(IntEnum):
    """Part of each chunk's nonce and seal: no two chunks are ever sealed under one nonce.

    A recovered end has a kind of its own, since the chunk that the crash cut off had the same index.
    """

    INNER = 0
    LAST = 1
    LAST_RECOVERED = 2


class Frame(Protocol):
    """As much of a frame as is stored."""

    @property
    def captured_ms(self) -> int: ...
    @property
    def duration_ms(self) -> int: ...
    @property
    def rtp_timestamp(self) -> int: ...
    @property
    def payload(self) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFrame:
    captured_ms: int
    duration_ms: int
    rtp_timestamp: int
    payload: bytes
    encoding: Encoding

    @property
    def ends_ms(self) -> int:
        return self.captured_ms + self.duration_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentHeader:
    """What a segment is and which consents it relies on; every chunk of it is bound to these bytes."""

    visit: VisitId
    epoch: int
    segment: SegmentId
    track: str
    seats: tuple[SeatId, ...]
    rule: Rule
    relies_on: tuple[int, ...]
    encoding: Encoding
    key_id: str
    boot_id: str
    opened_ms: int

    def to_bytes(self) -> bytes:
        return canonical(
            {
                "boot_id": self.boot_id,
                "encoding": self.encoding.value,
                "epoch": self.epoch,
                "key_id": self.key_id,
                "opened_ms": self.opened_ms,
                "relies_on": list(self.relies_on),
                "rule": self.rule.value,
                "seats": [str(seat) for seat in self.seats],
                "segment": str(self.segment),
                "track": self.track,
                "v": HEADER_VERSION,
                "visit": str(self.visit),
            }
        )


def read_header(text: bytes) -> SegmentHeader:
    """Raises BrokenRecord."""
    try:
        fields = read_canonical(text)
        assert isinstance(fields, dict)
        assert fields.pop("v") == HEADER_VERSION
        seats, relies_on = fields.pop("seats"), fields.pop("relies_on")
        assert isinstance(seats, list)
        assert isinstance(relies_on, list)
        numbers = (fields["epoch"], fields["opened_ms"], *relies_on)
        assert all(type(number) is int for number in numbers)
        header = SegmentHeader(
            seats=tuple(SeatId(str(seat)) for seat in seats),
            relies_on=tuple(relies_on),  # type: ignore[arg-type]  # whole numbers, by the line above
            rule=Rule(str(fields.pop("rule"))),
            encoding=Encoding(str(fields.pop("encoding"))),
            **fields,  # type: ignore[arg-type]  # equality with the text, below, checks every type
        )
        assert header.to_bytes() == text
    except (AssertionError, NotCanonical, KeyError, TypeError, ValueError):
        raise BrokenRecord("a segment's header was changed; run `onrecord verify`") from None
    return header


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPart:
    """What the log holds of a closed part."""

    number: int
    sha256: str
    size_bytes: int
    chunks: int
    frames: int
    from_ms: int
    to_ms: int
    kept_ms: int


class PartSeal:
    """Seals and opens the chunks of one segment."""

    def __init__(self, key: bytes, header: bytes) -> None:
        self._aead = AESGCM(key)
        self._header_hash = sha256(header).digest()

    def seal(self, part: int, index: int, plaintext: bytes, kind: int) -> bytes:
        bound = self._header_hash + _BOUND.pack(part, index, kind)
        sealed = self._aead.encrypt(_nonce(part, index, kind), plaintext, bound)
        return _PREFIX.pack(_INDEX_BYTES + len(sealed), index) + sealed

    def open(self, part: int, index: int, sealed: bytes, kind: int) -> bytes | None:
        try:
            return self._aead.decrypt(
                _nonce(part, index, kind), sealed, self._header_hash + _BOUND.pack(part, index, kind)
            )
        except InvalidTag:
            return None


def _nonce(part: int, index: int, kind: int) -> bytes:
    return _NONCE.pack(kind << 24 | part, index)


def encode_frames(frames: Iterable[Frame]) -> tuple[bytes, int, int]:
    """A chunk's plaintext, and the span [from, to) of its frames (0, 0 for none). One pass: this is the hot path."""
    pack = _FRAME.pack
    pieces: list[bytes] = []
    append = pieces.append
    earliest_ms, latest_ms = _NEVER_MS, 0
    for frame in frames:
        payload, from_ms, duration_ms = frame.payload, frame.captured_ms, frame.duration_ms
        append(pack(from_ms, frame.rtp_timestamp, duration_ms, len(payload)))
        append(payload)
        if from_ms < earliest_ms:  # noqa: PLR1730  calling min costs twice as much
            earliest_ms = from_ms
        if from_ms + duration_ms > latest_ms:  # noqa: PLR1730
            latest_ms = from_ms + duration_ms
    return b"".join(pieces), min(earliest_ms, latest_ms), latest_ms


def decode_frames(plaintext: bytes, encoding: Encoding) -> Iterator[StoredFrame]:
    """Raises BrokenRecord; a sealed chunk that does not decode was written wrongly."""
    at, end = 0, len(plaintext)
    while at < end:
        try:
            captured_ms, rtp_timestamp, duration_ms, length = _FRAME.unpack_from(plaintext, at)
        except struct.error:
            raise BrokenRecord from None
        at += _FRAME.size + length
        if at > end:
            raise BrokenRecord
        yield StoredFrame(
            captured_ms=captured_ms,
            duration_ms=duration_ms,
            rtp_timestamp=rtp_timestamp,
            payload=plaintext[at - length : at],
            encoding=encoding,
        )


class _Span(NamedTuple):
    """One written chunk: where it begins in the file, and what it holds."""

    offset: int
    frames: int
    from_ms: int
    to_ms: int
    kept_ms: int


class OpenPart:
    """A part being written, by one thread. Methods raise OSError; the file then ends with a whole chunk still."""

    def __init__(self, path: Path, number: int, seal: PartSeal, encoding: Encoding) -> None:
        self.path = path
        self.number = number
        self._seal = seal
        self._encoding = encoding
        self._size = 0
        self._spans: list[_Span] = []
        self.kept_ms = 0
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)

    def write(self, frames: Sequence[Frame], kept_ms: int) -> None:
        """One chunk, in the file when it returns; on the disk after `sync`."""
        self._write(frames, kept_ms, _Kind.INNER)

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def close(self, frames: Sequence[Frame], kept_ms: int) -> ClosedPart | None:
        """Writes what is left as the last chunk and makes all of it durable; None where nothing at all was kept."""
        if not self._spans and not frames:
            self.abandon()
            self.path.unlink()
            return None
        self._write(frames, kept_ms, _Kind.LAST)
        os.fsync(self._descriptor)
        content = os.pread(self._descriptor, self._size, 0)
        closed = _closed(self.number, content, len(self._spans), [span for span in self._spans if span.frames])
        self.abandon()
        return closed

    def cut(self, after_ms: int) -> list[StoredFrame]:
        """Takes every chunk with a frame that ends later out of the file, and gives back what of the first may stay.

        What it gives back is in no file until it is written again, as the last chunk (`close`): an inner one would be
        sealed under the nonce of the one that was cut.
        """
        first = next((n for n, span in enumerate(self._spans) if span.to_ms > after_ms), None)
        if first is None:
            return []
        content = os.pread(self._descriptor, self._size, 0)
        read = read_part(content, self._seal, self.number, self._encoding)
        staying = [frame for frame in read.chunks[first] if frame.ends_ms <= after_ms]
        self._size = self._spans[first].offset
        del self._spans[first:]
        self.kept_ms = sum(span.kept_ms for span in self._spans)
        os.ftruncate(self._descriptor, self._size)
        os.fsync(self._descriptor)
        return staying

    def abandon(self) -> None:
        """Leaves the file as it is, for `recover_part`."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, frames: Sequence[Frame], kept_ms: int, kind: int) -> None:
        plaintext, from_ms, to_ms = encode_frames(frames)
        record = self._seal.seal(self.number, len(self._spans), plaintext, kind)
        try:
            written = os.write(self._descriptor, record)
            while written < len(record):
                written += os.write(self._descriptor, record[written:])
        except OSError:
            os.ftruncate(self._descriptor, self._size)  # frees space, so it works on a full disk
            raise
        self._spans.append(_Span(self._size, len(frames), from_ms, to_ms, kept_ms))
        self._size += len(record)
        self.kept_ms += kept_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class PartContent:
    """What could be read of a part, from its beginning."""

    chunks: tuple[tuple[StoredFrame, ...], ...]
    whole_bytes: int  # up to the end of the last whole chunk
    has_end: bool  # its last chunk is marked as the last one
    problem: str | None  # None: a closed part, byte for byte as it was written


def read_part(content: bytes, seal: PartSeal, number: int, encoding: Encoding) -> PartContent:
    """Never raises: what is wrong is in `problem`."""
    chunks: list[tuple[StoredFrame, ...]] = []
    at, problem, has_end = 0, "it is cut off", False
    while at < len(content):
        if has_end:
            problem = "something follows its end"
            break
        if len(content) - at < _PREFIX.size:
            break
        length, index = _PREFIX.unpack_from(content, at)
        end = at + _PREFIX.size - _INDEX_BYTES + length
        if length < _INDEX_BYTES + _TAG_BYTES or index != len(chunks):
            problem = f"chunk {len(chunks)} was changed"
            break
        if end > len(content):
            break
        sealed = content[at + _PREFIX.size : end]
        plaintext, has_end = _open_chunk(seal, number, index, sealed, is_at_end=end == len(content))
        if plaintext is None:
            problem = f"chunk {index} was changed"
            break
        try:
            chunks.append(tuple(decode_frames(plaintext, encoding)))
        except BrokenRecord:
            problem = f"chunk {index} can't be read"
            break
        at = end
    is_fine = has_end and at == len(content)
    return PartContent(chunks=tuple(chunks), whole_bytes=at, has_end=has_end, problem=None if is_fine else problem)


def recover_part(path: Path, number: int, seal: PartSeal, encoding: Encoding) -> ClosedPart | None:
    """Ends a part that a crash left open, at its last whole chunk; None, and the file gone, where there is none.

    May itself be cut off at any line and run again.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        read = read_part(path.read_bytes(), seal, number, encoding)
        if not any(read.chunks):
            path.unlink()
            return None
        chunks = list(read.chunks)
        os.ftruncate(descriptor, read.whole_bytes)
        if not read.has_end:
            record = seal.seal(number, len(chunks), b"", _Kind.LAST_RECOVERED)
            if os.pwrite(descriptor, record, read.whole_bytes) != len(record):
                raise OSError("couldn't write the end of a part: the disk is full")
            chunks.append(())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    spans = [_span_of(frames) for frames in chunks if frames]
    return _closed(number, path.read_bytes(), len(chunks), spans)


def summary_of(number: int, content: bytes, read: PartContent) -> ClosedPart:
    """What the log must hold of a part that reads like that."""
    return _closed(number, content, len(read.chunks), [_span_of(frames) for frames in read.chunks if frames])


def _open_chunk(
    seal: PartSeal, number: int, index: int, sealed: bytes, *, is_at_end: bool
) -> tuple[bytes | None, bool]:
    kinds = (_Kind.LAST, _Kind.LAST_RECOVERED, _Kind.INNER) if is_at_end else (_Kind.INNER, _Kind.LAST)
    for kind in kinds:
        plaintext = seal.open(number, index, sealed, kind)
        if plaintext is not None:
            return plaintext, kind is not _Kind.INNER
    return None, False


def _span_of(frames: Sequence[Frame]) -> _Span:
    _, from_ms, to_ms = encode_frames(frames)
    return _Span(0, len(frames), from_ms, to_ms, sum(frame.duration_ms for frame in frames))


def _closed(number: int, content: bytes, chunks: int, spans: Sequence[_Span]) -> ClosedPart:
    return ClosedPart(
        number=number,
        sha256=sha256(content).hexdigest(),
        size_bytes=len(content),
        chunks=chunks,
        frames=sum(span.frames for span in spans),
        from_ms=min((span.from_ms for span in spans), default=0),
        to_ms=max((span.to_ms for span in spans), default=0),
        kept_ms=sum(span.kept_ms for span in spans),
    )
