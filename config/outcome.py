"""What came of the demo's meeting, and where it differs from what the people really said and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.recordings import recording_status
from config.screen import ResultRow
from config.story import JONAS, LENA, MARIA, RAFAEL
from consent_notice.words import ConsentStatus, Standing, VisitId
from storage.store import Store
from storage.verify import verify

KEPT_AT_LEAST = 0.9  # of what was said after the yes; a packet may get lost, and the first one is never kept
FEWEST_WORDS = 8
EXPECTED = {
    MARIA.name: Standing.GIVEN,
    JONAS.name: Standing.GIVEN,
    RAFAEL.name: Standing.REFUSED,
    LENA.name: Standing.WITHDRAWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    rows: tuple[ResultRow, ...]
    consent_status: str
    entries: int
    is_verified: bool
    faults: tuple[str, ...]  # in the demo's own terms; empty where all of it held

    def report(self, seconds: int) -> dict[str, Any]:
        return {
            "recording": {"consent_status": self.consent_status},
            "participants": [
                {
                    "name": row.name,
                    "consent_status": row.consent_status,
                    "spoken_s": round(row.spoken_s, 2),
                    "kept_s": round(row.kept_s, 2),
                    "words": row.words,
                }
                for row in self.rows
            ],
            "log": {"entries": self.entries, "verified": self.is_verified},
            "seconds": seconds,
        }


async def read_outcome(store: Store, data_dir: Path, visit: VisitId, spoken_s: Mapping[str, float]) -> Outcome:
    recording = await recording_status(store, visit)
    checked = await asyncio.to_thread(verify, data_dir)
    rows = tuple(
        ResultRow(
            name=person["name"],
            consent_status=person["consent_status"],
            spoken_s=spoken_s.get(person["name"], 0.0),
            kept_s=person["kept_s"],
            words=person["words"],
        )
        for person in recording["participants"]
    )
    status = ",".join(recording["consent_status"])
    faults = [*checked.faults, *differences(rows)]
    if ConsentStatus.VOICES_MISSING.value not in recording["consent_status"]:
        faults.append(f"recording: expected voices_missing, got {status or 'no consent status'}")
    return Outcome(
        rows=rows,
        consent_status=status,
        entries=checked.entries,
        is_verified=not checked.faults,
        faults=tuple(faults),
    )


def differences(rows: tuple[ResultRow, ...]) -> list[str]:
    """From the story; empty where all of it held."""
    found = {row.name: row for row in rows}
    faults = [f"{name}: not in the recording's record" for name in EXPECTED if name not in found]
    for name, row in found.items():
        expected = EXPECTED.get(name)
        if row.consent_status != expected:
            faults.append(f"{name}: expected {expected}, got {row.consent_status}")
        if expected is Standing.REFUSED and (row.kept_s or row.words):
            faults.append(f"{name}: refused, and {row.kept_s} s and {row.words} words were kept")
        if expected is Standing.GIVEN and row.kept_s < KEPT_AT_LEAST * row.spoken_s:
            faults.append(f"{name}: said {row.spoken_s:.1f} s, and only {row.kept_s:.1f} s were kept")
        if expected is Standing.GIVEN and row.words < FEWEST_WORDS:
            faults.append(f"{name}: only {row.words} words in the transcript")
        if expected is Standing.WITHDRAWN and not 0 < row.kept_s < row.spoken_s - 1:
            faults.append(f"{name}: withdrew half-way, and {row.kept_s:.1f} of {row.spoken_s:.1f} s were kept")
    return faults
