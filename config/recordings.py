"""What was recorded, told from the log: for `onrecord status` and the demo's table. Holds names: for admins only."""

from __future__ import annotations

import asyncio
from typing import Any

from consent_notice.words import Purpose, VisitId
from storage.store import Store
from storage.visits import RecordingFilter, RecordingRow
from web.replay import Timeline, tell

MOST = 200


async def recordings(store: Store) -> list[dict[str, Any]]:
    """The newest first."""
    return [await _told(store, row) for row in await store.visits.recordings(RecordingFilter(), limit=MOST)]


async def recording_status(store: Store, visit: VisitId) -> dict[str, Any]:
    """Raises LookupError for an unknown visit."""
    for row in await store.visits.recordings(RecordingFilter(), limit=MOST):
        if row.visit.id == visit:
            return await _told(store, row)
    raise LookupError("couldn't find the recording: no such visit among the newest")


async def _told(store: Store, row: RecordingRow) -> dict[str, Any]:
    visit = row.visit
    timeline = Timeline(boot_id=visit.boot_id, started_ms=visit.started_boot_ms, started_at=visit.started_at)
    story = tell(await asyncio.to_thread(store.log.entries_of, visit.id), timeline)
    return {
        "meeting": visit.meeting_id,
        "visit": visit.id,
        "title": row.title,
        "platform": row.platform,
        "rule": visit.rule.value,
        "state": visit.state,
        "left_reason": visit.left_reason,
        "started_at": visit.started_at.isoformat().replace("+00:00", "Z"),
        "ended_at": visit.ended_at.isoformat().replace("+00:00", "Z") if visit.ended_at else None,
        "consent_status": [status.value for status in visit.consent_status],
        "transcription": visit.transcription_state,
        "participants": [
            {
                "name": seat.name,
                "consent_status": seat.standing(Purpose.RECORDING).value,
                "kept_s": round(seat.kept_ms / 1000, 2),
                "words": story.words.get(seat.seat, 0),
            }
            for seat in story.people
        ],
    }
