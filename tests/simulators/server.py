"""A whole onrecord server for story tests: every role a real process, on free ports, in a directory of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from config.clock import SystemClock, new_id
from config.settings import Settings
from config.supervisor import Supervisor
from config.wiring import open_store
from consent_notice.words import MeetingId, Rule, VisitId
from storage.meetings import MeetingRow
from storage.store import Store
from storage.visits import VisitRow
from web.practice.participant import ScriptedParticipant

ROLES = ("web", "bots", "practice", "transcribe", "calendar")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_settings(data_dir: Path, **changes: Any) -> Settings:
    given: dict[str, Any] = {
        "data_dir": data_dir,
        "web_port": free_port(),
        "practice_port": free_port(),
        "organisation": "Example Ltd",
        "organisation_contact": "privacy@example.org",
        "each_voice_allowed": True,
        "one_sided_accepted": True,
        "private_calendars_allowed": True,
        "calendar_interval_s": 2,
        "transcription": {"enabled": False},
    }
    return Settings(**(given | changes))


@dataclass(slots=True, kw_only=True)
class RunningServer:
    settings: Settings
    supervisor: Supervisor
    store: Store
    clock: SystemClock
    tasks: asyncio.TaskGroup

    async def meeting(
        self, rule: Rule, *, code: str | None = None, title: str = "Story", link: str = "", platform: str = "practice"
    ) -> MeetingRow:
        """A meeting of a host of its own, due now and open for ten minutes; in the practice room unless `link` leads
        elsewhere.
        """
        code = code or f"test-{new_id()[:8]}"
        host = await self.store.users.create(
            email=f"{new_id()[:8]}@example.org", name="Ada", role="host", password_hash="none"
        )
        return await self.store.meetings.add_by_hand(
            host.id,
            link or f"{self.settings.practice_url}/room/{code}",
            title,
            platform=platform,
            ends_at=self.clock.now() + timedelta(minutes=10),
            rule=rule,
        )

    def person(self, meeting: MeetingRow, name: str, **options: Any) -> ScriptedParticipant:
        assert meeting.link is not None
        return ScriptedParticipant(
            room_link=meeting.link, name=name, token=new_id(), clock=self.clock, tasks=self.tasks, **options
        )

    async def visit(self, meeting: MeetingId, holds: Callable[[VisitRow], bool], timeout_s: float = 30.0) -> VisitRow:
        """The meeting's visit once `holds` is true of it. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while True:
                visit = await self.store.visits.visit_of_meeting(meeting)
                if visit is not None and holds(visit):
                    return visit
                await asyncio.sleep(0.1)

    async def ended(self, meeting: MeetingId, timeout_s: float = 40.0) -> VisitRow:
        return await self.visit(meeting, lambda visit: visit.ended_at is not None, timeout_s)

    def kill(self, role: str) -> None:
        """By SIGKILL; the supervisor starts the role again."""
        pid = self.supervisor.pid_of(role)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    async def entries(self, visit: VisitId) -> list[Any]:
        return await asyncio.to_thread(self.store.log.entries_of, visit)


@asynccontextmanager
async def running_server(
    data_dir: Path, *, roles: tuple[str, ...] = ROLES, **changes: Any
) -> AsyncIterator[RunningServer]:
    settings, clock = server_settings(data_dir, **changes), SystemClock()
    supervisor = Supervisor(settings, clock=clock, roles=roles, terminal_level="warning")
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(supervisor.run())
        try:
            async with asyncio.timeout(60):
                await supervisor.wait_until_up()
            async with open_store(settings) as store:
                yield RunningServer(settings=settings, supervisor=supervisor, store=store, clock=clock, tasks=tasks)
        finally:
            supervisor.stop()
            await server
            for left_over in list(tasks._tasks):  # of people whom a failed test left in a room
                left_over.cancel()
