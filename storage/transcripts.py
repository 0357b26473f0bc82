"""Sealed transcripts: one file a person and visit, under a key of its own, with the tags beside it in a row.

The row and its log entry are written in one transaction, after the file is durable; a file without a row is what a
crash left and is swept away. Text is in the clear only in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import sqlite3
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ColumnElement, Row, select

from consent_notice.canonical import canonical, read_canonical
from consent_notice.events import Erased, TranscriptSealed
from consent_notice.words import SeatId, SegmentId, VisitId
from storage.consent_log import ConsentLog
from storage.database import Database
from storage.errors import BrokenRecord, KeyDestroyed, TranscriptNotStored
from storage.keys import DataKey, KeyStore
from storage.schema import transcripts

COLUMNS = "id, visit_id, seat, language, model, utterances, words, segments, relies_on, key_id, sha256"
MAGIC = b"onrecord-text-1\n"
_LENGTH = struct.Struct(">I")
_NONCE_BYTES = 12
LONGEST_HEADER_BYTES = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """Words of one person without a long pause; times are milliseconds from the visit's start."""

    seat: SeatId
    start_ms: int
    end_ms: int
    text: str
    segment: SegmentId  # whose consents it carries
    words: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptRow:
    id: str
    visit: VisitId
    seat: SeatId
    language: str
    model: str
    utterances: int
    words: int
    segments: tuple[SegmentId, ...]
    relies_on: tuple[int, ...]
    key_id: str
    sha256: str  # of the sealed file

    def tags_sha256(self) -> str:
        """What the log entry holds the row to."""
        tags = {
            "key_id": self.key_id,
            "language": self.language,
            "model": self.model,
            "relies_on": list(self.relies_on),
            "seat": str(self.seat),
            "segments": [str(segment) for segment in self.segments],
            "transcript": self.id,
            "utterances": self.utterances,
            "visit": str(self.visit),
            "words": self.words,
        }
        return sha256(canonical(tags)).hexdigest()  # type: ignore[arg-type]  # lists of str and int are JSON values


class Transcripts:
    def __init__(
        self, folder: Path, database: Database, keys: KeyStore, log: ConsentLog, new_id: Callable[[], str]
    ) -> None:
        self._folder = folder
        self._database = database
        self._keys = keys
        self._log = log
        self._new_id = new_id

    async def put(
        self,
        visit: VisitId,
        seat: SeatId,
        utterances: Sequence[Utterance],
        *,
        language: str,
        model: str,
        segments: Sequence[SegmentId],
        relies_on: Sequence[int],
    ) -> TranscriptRow:
        """Durable, tagged and logged on return. One a person and visit: put again, it returns the first.

        Raises TranscriptNotStored where the disk does not take it, KeyDestroyed where its sound was erased meanwhile;
        nothing of it is then to be seen.
        """
        known = [row for row in await self.of_visit(visit) if row.seat == seat]
        if known:
            return known[0]
        key = await asyncio.to_thread(self._keys.make)
        transcript = self._new_id()
        sealed = seal(transcript, visit, utterances, key)
        row = TranscriptRow(
            id=transcript,
            visit=visit,
            seat=seat,
            language=language,
            model=model,
            utterances=len(utterances),
            words=sum(utterance.words for utterance in utterances),
            segments=tuple(segments),
            relies_on=tuple(relies_on),
            key_id=key.id,
            sha256=sha256(sealed).hexdigest(),
        )
        await asyncio.to_thread(self._put, row, sealed)
        return row

    async def of_visit(self, visit: VisitId) -> list[TranscriptRow]:
        return await self._select(transcripts.c.visit_id == visit)

    def read(self, transcript: str) -> list[Utterance]:
        """Blocking. Raises KeyDestroyed after an erasure, BrokenRecord where the file or row was changed."""
        query = select(transcripts).where(transcripts.c.id == transcript)
        found = self._database.read_now(lambda connection: connection.execute(query).first())
        if found is None:
            raise BrokenRecord("couldn't read the transcript: it is not in the database; run `onrecord verify`")
        row = row_of(found)
        return unseal(self.path_of(row.id), row, self._keys.get(row.key_id).key)

    def path_of(self, transcript: str) -> Path:
        return self._folder / f"{transcript}.sealed"

    async def sweep(self) -> int:
        """Removes files that a crash left without a row; how many. For the one process that writes transcripts."""
        rows = await self._select(transcripts.c.id.is_not(None))
        return await asyncio.to_thread(self._sweep, {self.path_of(row.id).name for row in rows})

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _put(self, row: TranscriptRow, sealed: bytes) -> None:
        path = self.path_of(row.id)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            _write_durably(path, sealed)
        except OSError as error:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            raise TranscriptNotStored(
                f"couldn't store the transcript: {error.strerror}; free disk space, then it is tried again"
            ) from error
        # If we die before the next line, the file has no row and is swept away; after it, everything is there.
        try:
            self._log.submit(
                [(_sealed_event(row), f"transcript:{row.id}")], companion=functools.partial(_insert, row)
            ).result()
        except KeyDestroyed:  # our own refusal, so nothing of it was written
            self._keys.destroy([row.key_id])
            path.unlink(missing_ok=True)
            raise

    def _sweep(self, known: set[str]) -> int:
        if not self._folder.is_dir():
            return 0
        strays = [path for path in self._folder.iterdir() if path.name not in known]
        for path in strays:
            path.unlink()
        return len(strays)

    async def _select(self, which: ColumnElement[bool]) -> list[TranscriptRow]:
        query = select(transcripts).where(which).order_by(transcripts.c.seat, transcripts.c.id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [row_of(row) for row in rows]


def seal(transcript: str, visit: VisitId, utterances: Sequence[Utterance], key: DataKey) -> bytes:
    header = canonical({"key_id": key.id, "transcript": transcript, "visit": str(visit)})
    text = json.dumps(
        [[u.seat, u.start_ms, u.end_ms, u.text, u.segment, u.words] for u in utterances], ensure_ascii=False
    )
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key.key).encrypt(nonce, text.encode(), sha256(header).digest())
    return MAGIC + _LENGTH.pack(len(header)) + header + nonce + sealed


def unseal(path: Path, row: TranscriptRow, key: bytes) -> list[Utterance]:
    """Raises BrokenRecord unless the file is byte for byte the one that was logged."""
    try:
        content = path.read_bytes()
        if sha256(content).hexdigest() != row.sha256 or not content.startswith(MAGIC):
            raise BrokenRecord("the transcript's file was changed; run `onrecord verify`")
        at = len(MAGIC)
        (length,) = _LENGTH.unpack_from(content, at)
        if length > LONGEST_HEADER_BYTES:
            raise BrokenRecord("the transcript's header is too long; run `onrecord verify`")
        header = content[at + _LENGTH.size : at + _LENGTH.size + length]
        if read_canonical(header) != {"key_id": row.key_id, "transcript": row.id, "visit": str(row.visit)}:
            raise BrokenRecord("the transcript belongs to something else; run `onrecord verify`")
        rest = content[at + _LENGTH.size + length :]
        text = AESGCM(key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], sha256(header).digest())
        return [
            Utterance(seat=SeatId(seat), start_ms=start, end_ms=end, text=said, segment=SegmentId(segment), words=words)
            for seat, start, end, said, segment, words in json.loads(text)
        ]
    except FileNotFoundError:
        raise BrokenRecord("the transcript's file is missing; restore it from your backup") from None
    except (OSError, InvalidTag, ValueError, struct.error) as error:
        raise BrokenRecord("the transcript can't be read; run `onrecord verify`") from error


def row_of(row: Row[Any]) -> TranscriptRow:
    """Raises BrokenRecord."""
    return row_of_columns(tuple(getattr(row, name) for name in COLUMNS.split(", ")))


def row_of_columns(columns: Sequence[Any]) -> TranscriptRow:
    """From COLUMNS. Raises BrokenRecord."""
    try:
        name, visit, seat, language, model, utterances, words, segments, relies_on, key_id, file_sha256 = columns
        return TranscriptRow(
            id=name,
            visit=visit,
            seat=seat,
            language=language,
            model=model,
            utterances=utterances,
            words=words,
            segments=tuple(SegmentId(segment) for segment in json.loads(segments)),
            relies_on=tuple(int(index) for index in json.loads(relies_on)),
            key_id=key_id,
            sha256=file_sha256,
        )
    except (TypeError, ValueError):
        raise BrokenRecord("a transcript's tags can't be read; run `onrecord verify`") from None


def _sealed_event(row: TranscriptRow) -> TranscriptSealed:
    return TranscriptSealed(
        visit=row.visit,
        transcript=row.id,
        seat=row.seat,
        sha256=row.sha256,
        utterances=row.utterances,
        words=row.words,
        language=row.language,
        model=row.model,
        segments=row.segments,
        relies_on=row.relies_on,
        tags_sha256=row.tags_sha256(),
    )


def _insert(row: TranscriptRow, connection: sqlite3.Connection, _indices: Sequence[int]) -> None:
    if _erased_segments(connection, row.visit) & set(row.segments):
        raise KeyDestroyed("couldn't store the transcript: its sound was erased while it was being made")
    connection.execute(
        f"INSERT INTO transcripts ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  constants only
        (
            row.id,
            row.visit,
            row.seat,
            row.language,
            row.model,
            row.utterances,
            row.words,
            json.dumps(row.segments),
            json.dumps(row.relies_on),
            row.key_id,
            row.sha256,
        ),
    )
    connection.execute("UPDATE visits SET words = words + ? WHERE id = ?", (row.words, row.visit))


def _erased_segments(connection: sqlite3.Connection, visit: VisitId) -> set[str]:
    """Erased, or ordered to be: no transcript may come after."""
    orders = connection.execute("SELECT targets FROM erasures WHERE visit_id = ?", (visit,)).fetchall()
    logged = connection.execute(
        "SELECT b.body FROM log_leaves l JOIN log_bodies b ON b.idx = l.idx WHERE l.visit = ? AND l.kind = ?",
        (visit, Erased.kind),
    ).fetchall()
    return {segment for (text,) in [*orders, *logged] for segment in json.loads(text)["segments"]}


def _write_durably(path: Path, content: bytes) -> None:
    """Under its final name only once it is whole."""
    unfinished = path.with_suffix(".unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unfinished.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
