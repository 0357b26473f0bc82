"""What can go wrong at rest, one class a cause; each message says what to do next and carries no name, token or text.

`Scope` says how far the harm goes: one meeting ends, or the process stops.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Scope(StrEnum):
    REQUEST = "request"  # that call failed; everything else goes on
    MEETING = "meeting"  # this meeting's capture ends; others go on
    PROCESS = "process"  # nothing can be stored; stop and repair


class StorageError(Exception):
    """Storage could not do that. Look at the data directory and its disk."""

    scope: ClassVar[Scope] = Scope.REQUEST

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))


class DataDirUnusable(StorageError):
    """The data directory can't be used. Give its owner the right to write there, or set another `data_dir`."""

    scope = Scope.PROCESS


class DataDirInUse(StorageError):
    """Another onrecord server runs on this data directory. Stop it first, or set another `data_dir`."""

    scope = Scope.PROCESS


class NewerVersion(StorageError):
    """A newer onrecord wrote this data directory. Install that version or a later one; nothing was changed."""

    scope = Scope.PROCESS


class KeyFileMissing(StorageError):
    """The data directory holds data but `onrecord.key` is gone. Put back the key file from your backup."""

    scope = Scope.PROCESS


class KeyFileUnreadable(StorageError):
    """`onrecord.key` is damaged or is no key file. Put back the key file from your backup."""

    scope = Scope.PROCESS


class KeyFileExposed(StorageError):
    """Others than its owner may read `onrecord.key`. Run `chmod 600 onrecord.key`, and think about who saw it."""

    scope = Scope.PROCESS


class KeyStoreMissing(StorageError):
    """The data directory holds data but `keys.db` is gone. Put back `keys.db` from your backup."""

    scope = Scope.PROCESS


class WrongKeyFile(StorageError):
    """`onrecord.key` belongs to another data directory. Put back the key file that was made with this one."""

    scope = Scope.PROCESS


class DatabaseFailed(StorageError):
    """The database refused to read or write. Free disk space and check the disk, then try again."""


class NotStored(StorageError):
    """There is nothing under that id. It may have been erased; go back to the list."""


class AlreadyStored(StorageError):
    """There is one already. Open the one that exists, or choose another name."""


class LogWriteFailed(StorageError):
    """The log could not be written; nothing of the entry is in it. Free disk space; nothing opens until then."""

    scope = Scope.MEETING


class TranscriptNotStored(StorageError):
    """The transcript could not be written; nothing of it is there. Free disk space, then it is tried again."""


class StaleEpoch(StorageError):
    """Another bot has taken this meeting over. This one must leave; nothing was written."""

    scope = Scope.MEETING


class KeyDestroyed(StorageError):
    """The key of this piece is destroyed: it was erased and can't be read again."""


class StillRecording(StorageError):
    """The meeting still runs. End it or wait until it is over, then erase; nothing was erased."""


class StillNeeded(StorageError):
    """Kept sound or text relies on that entry. Erase what was kept of the person first; nothing was erased."""


class ErasureUnfinished(StorageError):
    """Erased, and a copy waits to be overwritten: something reads the database. It is finished within the hour."""


class BrokenRecord(StorageError):
    """What is stored does not match its seal. Run `onrecord verify` to see what was changed."""


class NothingLost(StorageError):
    """The log continues that checkpoint: nothing is lost, and there is nothing to declare."""


class NotPlayable(StorageError):
    """This sound is kept in a form that can't be played as Ogg/Opus. Export it as PCM instead."""


class AnsweredMeanwhile(StorageError):
    """Another answer of that person came in meanwhile. Look at the page again; nothing was changed."""


class LinkForged(StorageError):
    """That is no personal link of this server, or a part of it is missing. Open it again from where it was sent."""


class LinkOver(StorageError):
    """That personal link has run out. Ask who sent it for a new one, or answer in the meeting itself."""
