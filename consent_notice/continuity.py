"""Whether the log as it is now continues a checkpoint that somebody kept, and the proof in a form others can check.

A kept checkpoint is a signed note, by itself or in a receipt. What holds is a value; what does not is one line that
says which of the things that could be wrong it is.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from consent_notice.checkpoint import BadCheckpoint, Checkpoint, VerifierKey, Verify, open_checkpoint
from consent_notice.merkle import verify_consistency

MAX_KEPT_BYTES = 16_000_000
_JSON_IN_HTML = re.compile(r"(?is)<script\b[^>]*\btype=[\"']?application/json\b[^>]*>(.*?)</script>")


class Break(StrEnum):
    """What does not hold."""

    NO_CHECKPOINT = "no checkpoint"
    ANOTHER_LOG = "another log"
    BAD_SIGNATURE = "bad signature"
    LOG_BROKEN = "the log does not match its own checkpoint"
    LOG_SHORTER = "the log is shorter"
    DECLARED_LOST = "declared lost"  # shorter, and an entry of the log says so
    REWRITTEN = "rewritten"


class DoesNotContinue(Exception):
    """The log does not continue that checkpoint. Keep the checkpoint: it shows that entries were lost or rewritten."""

    def __init__(self, what: Break, message: str) -> None:
        super().__init__(message)
        self.what = what


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """That the log of `note` begins with every entry of `old`, unchanged and in the same order."""

    old: Checkpoint
    latest: Checkpoint
    note: str  # the latest checkpoint, signed
    path: tuple[bytes, ...]

    def proof(self) -> list[str]:
        return [b64encode(step).decode() for step in self.path]

    def request(self) -> str:
        """What a C2SP tlog-witness takes: the old size, the proof's hashes line by line, an empty line, the note."""
        return "".join(f"{line}\n" for line in (f"old {self.old.size}", *self.proof(), "")) + self.note


def kept_note(content: bytes) -> str:
    """The signed note in what somebody kept: the note itself, or a receipt, as JSON or as a page with its JSON in it.

    Raises DoesNotContinue. A note that a mail has given other line ends is read all the same: its signature decides.
    """
    if len(content) > MAX_KEPT_BYTES:
        raise _no_checkpoint("it is too long to hold one")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").strip("\n")
    except UnicodeDecodeError:
        raise _no_checkpoint("it is no text") from None
    if text.lstrip().startswith("{"):
        return _note_of_receipt([text])
    if text.lstrip().startswith("<"):
        return _note_of_receipt(_JSON_IN_HTML.findall(text))
    return text + "\n"


def open_kept(note: str, key: VerifierKey, verify: Verify) -> Checkpoint:
    """The checkpoint that this log once signed. Raises DoesNotContinue."""
    origin = kept_origin(note)
    if origin != key.name:
        raise DoesNotContinue(
            Break.ANOTHER_LOG, f"that checkpoint is of another log: {origin!r}; this one is {key.name}"
        )
    try:
        return open_checkpoint(note, key, verify)
    except BadCheckpoint as error:
        detail = str(error).removeprefix("couldn't open checkpoint: ")
        raise DoesNotContinue(
            Break.BAD_SIGNATURE, f"that checkpoint was not signed by this log, or was changed since: {detail}"
        ) from None


def kept_origin(note: str) -> str:
    """Of which log it says that it is. Raises DoesNotContinue."""
    origin, *rest = note.split("\n")
    if len(rest) < 3 or "\n\n" not in note:
        raise _no_checkpoint("expected a signed note with origin, size and root")
    return origin


def check_declared(old: Checkpoint, ended_at: int | None) -> None:
    """`ended_at`: the entry with which the log took another name. Raises DoesNotContinue for what was lost by then."""
    if ended_at is not None and old.size > ended_at:
        raise DoesNotContinue(
            Break.DECLARED_LOST,
            f"that checkpoint was signed over {old.size} entries; those from {ended_at} on are lost here, as entry "
            f"{ended_at} of the log declares",
        )


def open_latest(note: str, key: VerifierKey, verify: Verify) -> Checkpoint:
    """The log's own head. Raises DoesNotContinue."""
    try:
        return open_checkpoint(note, key, verify)
    except BadCheckpoint:
        raise log_broken() from None


def continuation(
    old: Checkpoint, latest: Checkpoint, *, note: str, root_now: bytes, path: Sequence[bytes]
) -> Continuation:
    """`note` is the signed form of `latest`, `root_now` that of the leaves as they are, `path` the proof (RFC 9162).

    Raises DoesNotContinue unless the proof holds. Where the log is the shorter one there is no path to look at.
    """
    if latest.root != root_now:
        raise log_broken()
    if old.size > latest.size:
        raise DoesNotContinue(
            Break.LOG_SHORTER,
            f"that checkpoint was signed over {old.size} entries, and the log here ends after {latest.size}: "
            f"an older copy of the data was put back, or entries were cut off",
        )
    if not verify_consistency(old.size, latest.size, path, old.root, latest.root):
        raise DoesNotContinue(
            Break.REWRITTEN,
            f"the log here is not the one that the checkpoint was signed over: its first {old.size} entries are "
            f"others (rewritten, or a fork of the log)",
        )
    return Continuation(old=old, latest=latest, note=note, path=tuple(path))


def log_broken() -> DoesNotContinue:
    return DoesNotContinue(
        Break.LOG_BROKEN, "the log here does not match its own last checkpoint; run `onrecord verify`"
    )


def _note_of_receipt(candidates: Sequence[str]) -> str:
    for candidate in candidates:
        try:
            note = json.loads(candidate)["proof"]["checkpoint"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(note, str):
            return note
    raise _no_checkpoint("it is no receipt with a proof in it")


def _no_checkpoint(why: str) -> DoesNotContinue:
    return DoesNotContinue(Break.NO_CHECKPOINT, f"couldn't find a checkpoint in it: {why}")
