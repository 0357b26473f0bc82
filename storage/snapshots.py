"""What a meeting's page looked like when the bot was out of it unexpectedly: for the admin's support, for seven days.

Each is one sealed file. It holds no name and no word of the chat: the room scrubs it before it is handed over here.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from consent_notice.clock import Clock
from consent_notice.words import VisitId
from storage.vault import Vault

KEPT_DAYS = 7
MOST_A_VISIT = 3  # the first ones: what comes again and again says nothing new
LARGEST_BYTES = 2_000_000
_PAGE = "snapshot of a page"
_FILE = re.compile(r"(?P<visit>[A-Za-z0-9_-]{1,80})\.(?P<second>\d{1,12})\.(?P<number>\d{1,3})\.sealed")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSnapshot:
    taken_at: datetime
    number: int  # within the visit, from 0
    state: str  # where the page was, in the words of its script
    outline: str  # the page's elements without any text
    picture_png: bytes  # empty where none could be taken


class Snapshots:
    def __init__(self, folder: Path, vault: Vault, clock: Clock) -> None:
        self._folder = folder
        self._vault = vault
        self._clock = clock

    async def keep(self, visit: VisitId, *, state: str, outline: str, picture_png: bytes) -> bool:
        """False where the visit has enough of them, or it is too large. Raises OSError."""
        return await asyncio.to_thread(self._keep, visit, state, outline, picture_png)

    async def of_visit(self, visit: VisitId) -> list[KeptSnapshot]:
        """In the order in which they were taken. Raises OSError, BrokenRecord."""
        return await asyncio.to_thread(self._read, visit)

    async def forget(self, visit: VisitId) -> int:
        """How many there were. Raises OSError."""
        return await asyncio.to_thread(self._drop, visit, None)

    async def forget_old(self) -> int:
        """Those older than seven days; how many. Raises OSError."""
        return await asyncio.to_thread(self._drop, None, self._clock.now() - timedelta(days=KEPT_DAYS))

    def _keep(self, visit: VisitId, state: str, outline: str, picture_png: bytes) -> bool:
        number = len(self._files(visit))
        if number >= MOST_A_VISIT or len(outline) + len(picture_png) > LARGEST_BYTES:
            return False
        self._folder.mkdir(mode=0o700, exist_ok=True)
        second = int(self._clock.now().timestamp())
        content = {"state": state, "outline": outline, "picture": base64.b64encode(picture_png).decode()}
        path = self._folder / f"{visit}.{second}.{number}.sealed"
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(self._vault.seal(_PAGE, path.name, json.dumps(content)))
        unfinished.replace(path)  # a crash before this line leaves no half file under its name
        return True

    def _read(self, visit: VisitId) -> list[KeptSnapshot]:
        found = []
        for path, second, number in self._files(visit):
            content = json.loads(self._vault.unseal(_PAGE, path.name, path.read_bytes()))
            found.append(
                KeptSnapshot(
                    taken_at=datetime.fromtimestamp(second, UTC),
                    number=number,
                    state=str(content["state"]),
                    outline=str(content["outline"]),
                    picture_png=base64.b64decode(content["picture"]),
                )
            )
        return found

    def _drop(self, visit: VisitId | None, before: datetime | None) -> int:
        dropped = 0
        for path, second, _ in self._files(visit):
            if before is None or second <= before.timestamp():
                path.unlink(missing_ok=True)
                dropped += 1
        for unfinished in self._folder.glob("*.part"):
            if unfinished.stat().st_mtime < self._clock.now().timestamp() - 3_600:
                unfinished.unlink(missing_ok=True)
        return dropped

    def _files(self, visit: VisitId | None) -> list[tuple[Path, int, int]]:
        if not self._folder.is_dir():
            return []
        found = [(entry.name, _FILE.fullmatch(entry.name)) for entry in os.scandir(self._folder)]
        return sorted(
            (
                (self._folder / name, int(match["second"]), int(match["number"]))
                for name, match in found
                if match and visit in (None, match["visit"])
            ),
            key=lambda file: (file[1], file[2]),
        )
