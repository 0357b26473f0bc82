"""Fixtures: a practice room of this process, and people to put into it. Test modules import those that they use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from config.clock import SystemClock
from tests.simulators.practice_room import practice_room
from web.practice.participant import ScriptedParticipant

Enter = Callable[..., Awaitable[ScriptedParticipant]]


@pytest.fixture
async def room() -> AsyncIterator[str]:
    async with practice_room() as link:
        yield link


@pytest.fixture
async def tasks() -> AsyncIterator[asyncio.TaskGroup]:
    async with asyncio.TaskGroup() as group:
        yield group
        for left_over in list(group._tasks):  # of a test that failed before it could leave
            left_over.cancel()


@pytest.fixture
async def enter(room: str, tasks: asyncio.TaskGroup) -> AsyncIterator[Enter]:
    """Lets somebody in by name; all leave at the end."""
    inside: list[ScriptedParticipant] = []

    async def enter(name: str, **options: Any) -> ScriptedParticipant:
        options.setdefault("token", f"token-of-{name}".ljust(16, "."))
        options.setdefault("room_link", room)
        person = ScriptedParticipant(name=name, clock=SystemClock(), tasks=tasks, **options)
        inside.append(person)
        await person.join()
        return person

    yield enter
    for person in inside:
        await person.leave()
