"""`onrecord doctor room`: one line a step, and an exit code that tells whether the bot could work there."""
# ruff: noqa: F401, F811 - fixtures are imported, and named again where they are used

from __future__ import annotations

import asyncio
import os
import sys

from bot.ports import Admitted, RosterKnownUntil
from config.doctor_command import _Seen
from config.errors import ExitCode
from consent_notice.words import SeatId
from tests.simulators.practice_people import Enter, enter, room, tasks


async def doctor(link: str, *options: str) -> tuple[int | None, str]:
    origin = "/".join(link.split("/")[:3])
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "config.cli", "doctor", "room", link, *options),
        env={**os.environ, "ONRECORD_PRACTICE_URL": origin},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(program.communicate(), 60)
    return program.returncode, said.decode()


async def test_each_step_is_told_and_the_room_is_told_that_it_was_a_test(enter: Enter, room: str) -> None:
    heard: list[bytes] = []
    ann = await enter("Ann", on_sound=lambda _seat, packet, _at: heard.append(packet.payload))
    code, said = await doctor(room)
    assert code == ExitCode.OK, said
    lines = said.splitlines()
    assert [line[5:].partition(":")[0] for line in lines] == ["link", "admitted", "roster", "chat", "speech", "left"]
    assert "1 person besides" in said
    assert "Ann" not in said
    assert [message.text for message in ann.messages] == [
        "This is a test of onrecord. Nothing is recorded, and I leave in a moment."
    ]
    assert heard


async def test_quiet_says_nothing_in_the_room(enter: Enter, room: str) -> None:
    ann = await enter("Ann")
    code, said = await doctor(room, "--quiet")
    assert code == ExitCode.OK, said
    assert not ann.messages


async def test_a_room_that_is_not_there_and_an_address_that_is_none_fail_in_one_line(room: str) -> None:
    code, said = await doctor(room.replace("/room/", "/rooms/"))
    assert (code, len(said.splitlines())) == (ExitCode.FAILED, 1)
    code, said = await doctor("http://127.0.0.1:9/room/nobody-there")
    assert code == ExitCode.FAILED
    assert "FAIL join" in said
    assert "Traceback" not in said


def test_what_was_known_in_the_lobby_is_not_the_roster_of_the_call() -> None:
    seen = _Seen()
    seen.take(RosterKnownUntil(at_ms=1))
    seen.take(Admitted(own_seat=SeatId("own"), at_ms=2))
    assert not seen.roster_known
    seen.take(RosterKnownUntil(at_ms=3))
    assert seen.roster_known
