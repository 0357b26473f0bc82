"""Holds the log at rest against a checkpoint that was kept elsewhere.

Reads only; what holds and what does not is decided in `consent_notice.continuity`.
"""

from __future__ import annotations

from consent_notice.continuity import (
    Break,
    Continuation,
    check_declared,
    continuation,
    kept_origin,
    log_broken,
    open_kept,
    open_latest,
)
from storage.errors import BrokenRecord
from storage.log_reader import LogReader
from storage.vault import verify_signature

# Only what this log's own key vouches for says that entries are lost; anybody can put a file into a folder.
LOST = frozenset({Break.LOG_SHORTER, Break.REWRITTEN})


def continues(log: LogReader, kept: str) -> Continuation:
    """Blocking. `kept` is a signed note. Raises DoesNotContinue saying what does not hold, StorageError.

    One that was signed under a name that the log had before is held against it as well.
    """
    key = log.chain.key_named(kept_origin(kept)) or log.key
    old = open_kept(kept, key, verify_signature)
    note = log.latest_checkpoint()
    latest = open_latest(note, log.key, verify_signature)
    check_declared(old, log.chain.ended_at(key))
    try:
        root_now = log.root(latest.size)
        path = log.consistency(old.size, latest.size)[1] if 0 < old.size <= latest.size else []
    except BrokenRecord:
        raise log_broken() from None
    return continuation(old, latest, note=note, root_now=root_now, path=path)
