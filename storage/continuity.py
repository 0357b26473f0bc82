"""Holds the log at rest against a checkpoint that was kept elsewhere.

Reads only; what holds and what does not is decided in `consent_notice.continuity`.
"""

from __future__ import annotations

from consent_notice.checkpoint import Checkpoint
from consent_notice.continuity import Continuation, continuation, log_broken, open_kept, open_latest
from storage.errors import BrokenRecord
from storage.log_reader import LogReader
from storage.vault import verify_signature


def continues(log: LogReader, kept: str) -> Continuation:
    """Blocking. `kept` is a signed note. Raises DoesNotContinue saying what does not hold, StorageError."""
    return continues_checkpoint(log, open_kept(kept, log.key, verify_signature))


def continues_checkpoint(log: LogReader, old: Checkpoint) -> Continuation:
    """`old` was opened with the log's key. Raises as `continues` does."""
    note = log.latest_checkpoint()
    latest = open_latest(note, log.key, verify_signature)
    try:
        root_now = log.root(latest.size)
        path = log.consistency(old.size, latest.size)[1] if 0 < old.size <= latest.size else []
    except BrokenRecord:
        raise log_broken() from None
    return continuation(old, latest, note=note, root_now=root_now, path=path)
