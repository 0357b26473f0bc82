"""Keeps the promise of the notice: what is due is erased, once an hour, without anybody having to remember it; and
what people asked to have erased, within seconds.

`due` is pure. Recordings go `retention_days` after their meeting began, and what is known of people who never agreed
after 30 days (law 11); of them only the salted leaves remain. What was agreed ahead goes 30 days after it ended, or
with the last of what was kept because of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from consent_notice.clock import Clock
from consent_notice.words import VisitId
from storage.agreement_uses import KEPT_DAYS
from storage.data_dir import TRACKS_NAME
from storage.errors import StorageError
from storage.store import Store

REFUSALS_DAYS = 30
EVERY_S = 3_600
WISHES_EVERY_S = 2
RECORDING_AUTHORITY = "retention"
AGREEMENTS_AUTHORITY = f"retention: {KEPT_DAYS} days after it ended"
REFUSALS_AUTHORITY = f"retention: {REFUSALS_DAYS} days without a yes"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldVisit:
    """What of a visit is still there."""

    visit: VisitId
    started_at: datetime
    holds_recording: bool
    holds_refusals: bool  # rows of people who never agreed


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    recordings: tuple[VisitId, ...] = ()
    refusals: tuple[VisitId, ...] = ()


@dataclass(slots=True, kw_only=True)
class Tidied:
    """Counts only."""

    resumed: int = 0
    recordings: int = 0
    people: int = 0
    agreements: int = 0
    failed: int = 0


def due(now: datetime, visits: Iterable[HeldVisit], retention_days: int) -> Due:
    """From the beginning of the meeting on, so that no sound is older than was promised."""
    held = sorted(visits, key=lambda one: (one.started_at, one.visit))
    recordings_before = now - timedelta(days=retention_days)
    refusals_before = now - timedelta(days=REFUSALS_DAYS)
    return Due(
        recordings=tuple(one.visit for one in held if one.holds_recording and one.started_at <= recordings_before),
        refusals=tuple(one.visit for one in held if one.holds_refusals and one.started_at <= refusals_before),
    )


class Retention:
    """One of it runs in an installation; a second one would do no harm."""

    def __init__(self, store: Store, clock: Clock, retention_days: int) -> None:
        self._store = store
        self._clock = clock
        self._retention_days = retention_days

    async def run(self) -> None:
        """Until cancelled."""
        tidy_at_ms = self._clock.boot_ms()
        while True:
            if self._clock.boot_ms() >= tidy_at_ms:
                tidy_at_ms += EVERY_S * 1000
                await self._tidy_and_tell()
            try:
                await self._store.erasure_wishes.carry_out()
            except (StorageError, OSError) as error:
                _LOG.error("an erasure that was asked for failed: %s", type(error).__name__)
            await asyncio.sleep(WISHES_EVERY_S)

    async def _tidy_and_tell(self) -> None:
        try:
            tidied = await self.tidy()
        except (StorageError, OSError) as error:
            _LOG.error("retention failed: %s", type(error).__name__)
        else:
            if tidied != Tidied():
                _LOG.info("retention", extra=asdict(tidied))

    async def tidy(self) -> Tidied:
        """Once. One visit's trouble does not keep the others; it is tried again the next time."""
        tidied, erasure = Tidied(), self._store.erasure
        try:
            tidied.resumed = await erasure.resume()
        except (StorageError, OSError):
            tidied.failed += 1
        now_due = due(self._clock.now(), await self._held(), self._retention_days)
        for visit in now_due.recordings:
            try:
                erased = await erasure.erase_recording(visit, RECORDING_AUTHORITY)
                tidied.recordings += bool(erased)
            except (StorageError, OSError):
                tidied.failed += 1
        for visit in now_due.refusals:
            try:
                tidied.people += await erasure.erase_never_agreed(visit, REFUSALS_AUTHORITY)
            except (StorageError, OSError):
                tidied.failed += 1
        try:
            await self._store.host_notes.forget(self._clock.now() - timedelta(days=self._retention_days))
            agreements = await self._store.agreement_uses.due()
            if agreements:
                tidied.agreements = await erasure.erase_agreements(agreements, AGREEMENTS_AUTHORITY)
            await self._store.personal_links.forget(self._clock.now() - timedelta(days=KEPT_DAYS))
            await self._store.snapshots.forget_old()
        except (StorageError, OSError):
            tidied.failed += 1
        return tidied

    async def _held(self) -> list[HeldVisit]:
        """Of every visit that is old enough for anything to be due."""
        before = self._clock.now() - timedelta(days=min(REFUSALS_DAYS, self._retention_days))
        tracks = self._store.data_dir / TRACKS_NAME
        return [
            HeldVisit(
                visit=old.visit,
                started_at=old.started_at,
                holds_recording=old.is_kept or _has_files(tracks / old.visit),
                holds_refusals=not old.is_reduced,
            )
            for old in await self._store.visits.begun_before(before)
        ]


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
