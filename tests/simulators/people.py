"""People of the limit stories: they come, answer the notice they can read, and see what they are told."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from config.wording import wordings
from consent_notice.decisions import Act
from consent_notice.events import Decided
from consent_notice.words import Purpose, SeatId, SeatKind, VisitId
from storage.meetings import MeetingRow
from storage.parts import StoredFrame
from tests.simulators.server import RunningServer
from tests.simulators.waiting import eventually
from web.practice.participant import Read, ScriptedParticipant

SAY: dict[str, str] = wordings()["en"]["say"]


def line(key: str) -> str:
    """The longest piece of that sentence of the bot without a placeholder in it."""
    return max(re.split(r"\{\w+\}", SAY[key]), key=len)


async def comes(server: RunningServer, meeting: MeetingRow, name: str, **options: Any) -> ScriptedParticipant:
    person = server.person(meeting, name, **options)
    await person.join()
    return person


async def answers(person: ScriptedParticipant, text: str) -> str | None:
    """A reply to the notice that they can read, for the bot's eyes only."""
    notice = await person.wait_for_chat(lambda read: read.is_notice)
    return await person.chat(text, reply_to=notice.message_id, to=person.bot_seat)


async def agrees(person: ScriptedParticipant, text: str = "record yes") -> None:
    """And sees that their voice is kept."""
    await answers(person, text)
    await person.wait_until(lambda: person.kept is True)


async def is_told(person: ScriptedParticipant, key: str, *, alone: bool = True, timeout_s: float = 15.0) -> Read:
    """By the bot; `alone`: in a message that nobody else sees."""
    return await person.wait_for_chat(
        lambda read: line(key) in read.text and (read.to == person.seat) is alone, timeout_s
    )


async def ends(server: RunningServer, meeting: MeetingRow) -> VisitId:
    """By the host's stop, which needs no waiting."""
    await server.store.meetings.stop(meeting.id)
    return (await server.ended(meeting.id)).id


async def kept_of(server: RunningServer, visit: VisitId) -> dict[SeatId, list[StoredFrame]]:
    """Of people; what the bot said itself is not among it."""
    kept: dict[SeatId, list[StoredFrame]] = {}
    bots = {seat.seat for seat in await server.store.visits.seats(visit) if seat.kind is SeatKind.BOT}
    for row in await server.store.tracks.segments(visit):
        for seat in set(row.seats) - bots:
            kept.setdefault(seat, []).extend(await asyncio.to_thread(_frames, server, row.id))
    return kept


def _frames(server: RunningServer, segment: Any) -> list[StoredFrame]:
    return list(server.store.tracks.read(segment)[1])


async def decisions(server: RunningServer, visit: VisitId) -> list[tuple[str, Act | None]]:
    """Seat and act about recording, in the log's order."""
    decided = [entry.event for entry in await server.entries(visit) if isinstance(entry.event, Decided)]
    return [(event.seat, dict(event.acts).get(Purpose.RECORDING)) for event in decided]


async def talks(person: ScriptedParticipant, hz: float = 440.0) -> None:
    """Until cancelled or out of the room."""
    while person.ended is None:
        await person.tone(hz, 0.5)


async def keeps_packets(server: RunningServer, visit: VisitId, seat: str) -> None:
    """Waits until something of that seat is on the disk."""

    async def any_segment() -> bool:
        return any(seat in row.seats for row in await server.store.tracks.segments(visit))

    await eventually(any_segment, "the first sound is on disk")


async def onrecord(data_dir: Path, *arguments: str) -> tuple[int, str]:
    """The command as a person types it: exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "config.cli", *arguments, "--data-dir", str(data_dir)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed, _ = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    return await process.wait(), printed.decode()


async def recording_status(data_dir: Path, visit: VisitId) -> dict[str, Any]:
    """What `onrecord status --json` says of that visit."""
    code, printed = await onrecord(data_dir, "status", "--json")
    assert code == 0, printed
    return next(one for one in json.loads(printed)["recordings"] if one["visit"] == visit)
