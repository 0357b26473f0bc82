"""Meetings at the limits: no link, no bot for the platform, no room at the link, stopped for good, cut short.

The host or the people in the room are told each time, in words.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession, CookieJar

from config.clock import new_id
from consent_notice.words import Rule, SeatId
from storage.meetings import MeetingRow, MeetingState, PlannedMeeting
from storage.users import User
from storage.verify import verify
from tests.simulators.calendar_files import calendar_of
from tests.simulators.calendar_files import meeting as calendar_event
from tests.simulators.calendar_server import calendar_server
from tests.simulators.people import agrees, is_told, keeps_packets, kept_of, onrecord, talks
from tests.simulators.practice_room import practice_room
from tests.simulators.server import RunningServer, free_port, running_server
from tests.simulators.waiting import eventually
from tests.simulators.web_site import PASSWORD, Browser
from web.accounts import Passwords
from web.practice.participant import ScriptedParticipant

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]
WEBEX = "https://acme.webex.com/meet/jane.doe"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningServer]:
    """One for the stories that do not end it."""
    async with running_server(tmp_path_factory.mktemp("limits") / "data", join_early_s=0) as running:
        yield running


async def a_host(server: RunningServer) -> User:
    return await server.store.users.create(
        email=f"{new_id()[:8]}@example.org", name="Ada", role="host", password_hash=await Passwords().hash(PASSWORD)
    )


@asynccontextmanager
async def pages_of(server: RunningServer, host: User) -> AsyncIterator[Browser]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        browser = Browser(session, server.settings.public_url)
        await browser.sign_in(host.email)
        yield browser


async def found(server: RunningServer, host: User, title: str) -> MeetingRow:
    rows: list[MeetingRow] = []

    async def is_planned() -> bool:
        rows[:] = [
            row for row in await server.store.meetings.upcoming(host.id, server.clock.now()) if row.title == title
        ]
        return bool(rows)

    await eventually(is_planned, "the calendar's meeting is found")
    return rows[0]


async def is_over(server: RunningServer, meeting: MeetingRow, state: MeetingState) -> MeetingRow:
    now = meeting

    async def reached() -> bool:
        nonlocal now
        row = await server.store.meetings.get(meeting.id)
        assert row is not None
        now = row
        return row.state is state

    await eventually(reached, f"the meeting is {state}")
    return now


async def test_without_a_link_or_a_bot_for_the_platform_the_host_reads_why(server: RunningServer) -> None:
    host, starts_at = await a_host(server), server.clock.now() + timedelta(seconds=7)
    async with calendar_server() as calendar:
        calendar.text = calendar_of(
            calendar_event("a@example.org", starts_at, title="Nowhere"),
            calendar_event("b@example.org", starts_at, title="Elsewhere", link=WEBEX),
        )
        row = await server.store.calendars.add(
            host_id=host.id, provider="ics", title="Ada's", address=calendar.url, rule=Rule.EVERYONE, language="en"
        )
        await server.store.calendars.set_enabled(row.id, True)
        nowhere, elsewhere = [await found(server, host, title) for title in ("Nowhere", "Elsewhere")]
        async with pages_of(server, host) as browser:
            for meeting in (nowhere, elsewhere):
                text = await browser.open("/meetings")
                assert html.escape(meeting.reason[1:]).replace("&#x27;", "&#39;") in text
                await browser.send(
                    f"/meetings/{meeting.id}/override",
                    {**browser.hidden("/meetings"), "override": "record"},
                    headers={"Origin": server.settings.public_url},
                )
                assert (browser.status, "no link to a supported platform" in browser.text) == (400, True)
                # The page's own rule is not what holds it: also one that got past it ends in words.
                await server.store.meetings.override(meeting.id, "record")
            over = await is_over(server, elsewhere, MeetingState.DONE)
            assert (over.outcome, over.epoch) == ("Webex is not supported yet: the bot can't join there", 1)
            assert "Webex is not supported yet: the bot can&#39;t join there" in await browser.open("/meetings")
        await server.store.calendars.delete(row.id)


async def test_a_meeting_that_ends_without_a_link_was_missed_for_that_reason(server: RunningServer) -> None:
    host = await a_host(server)
    row = await server.store.calendars.add(
        host_id=host.id, provider="ics", title="Ada's", address="data:,", rule=Rule.EVERYONE, language="en"
    )
    now = server.clock.now()
    await server.store.meetings.apply_plan(
        row.id,
        [
            PlannedMeeting(
                occurrence_key="a",
                title="Nowhere",
                organiser="",
                starts_at=now,
                ends_at=now + timedelta(seconds=1),
                link=None,
                platform="",
                decision="undecided",
                reason="no meeting link was found in it",
                rule=Rule.EVERYONE,
                language="en",
            )
        ],
    )
    (meeting,) = await server.store.meetings.of_calendar(row.id)
    await server.store.meetings.override(meeting.id, "record")
    over = await is_over(server, meeting, MeetingState.MISSED)
    assert over.outcome == "there was no link to join it by"
    async with pages_of(server, host) as browser:
        assert "There was no link to join it by" in await browser.open("/meetings")


async def test_a_room_that_is_not_there_ends_the_visit_in_words_without_spinning(server: RunningServer) -> None:
    host = await a_host(server)
    link = f"http://127.0.0.1:{free_port()}/room/nobody-there"
    lasts_s = 4
    meeting = await server.store.meetings.add_by_hand(
        host.id, link, "Not there", ends_at=server.clock.now() + timedelta(seconds=lasts_s)
    )
    visit = await server.ended(meeting.id)
    assert visit.left_reason == "connection_lost"
    assert "Check that it runs and that the link is right" in visit.detail
    assert visit.epoch <= 2 + lasts_s / 0.7, "it waits between its tries"
    over = await is_over(server, meeting, MeetingState.DONE)
    assert over.outcome == visit.detail
    async with pages_of(server, host) as browser:
        assert "connection to the meeting was lost" in await browser.open(f"/recordings/{visit.id}")


async def test_a_hosts_stop_is_final_whatever_the_calendar_says_next(server: RunningServer) -> None:
    host = await a_host(server)
    link = f"{server.settings.practice_url}/room/stopped-{new_id()[:6]}"
    async with calendar_server() as calendar:
        calendar.honours_etag = False  # every reading is a whole one
        starts_at = server.clock.now() - timedelta(seconds=1)
        calendar.text = calendar_of(calendar_event("a@example.org", starts_at, title="Stopped", link=link))
        row = await server.store.calendars.add(
            host_id=host.id, provider="ics", title="Ada's", address=calendar.url, rule=Rule.EACH_VOICE, language="en"
        )
        await server.store.calendars.set_enabled(row.id, True)
        meeting = await found(server, host, "Stopped")
        person = server.person(meeting, "Maria")
        await person.join()
        await agrees(person)
        async with pages_of(server, host) as browser:
            await browser.open("/meetings")
            stop = f"/meetings/{meeting.id}/stop"
            await browser.send(stop, browser.hidden(stop), headers={"Origin": server.settings.public_url})
            stopped_ms = server.clock.boot_ms()
            await is_told(person, "goodbye_host_stopped", alone=False)
            await person.wait_until(lambda: person.bot_seat is None)
            assert server.clock.boot_ms() - stopped_ms < 5_000
        visit = await server.ended(meeting.id)
        assert visit.left_reason == "host_stopped"
        read_before = len(calendar.asked)
        calendar.text = calendar.text.replace("DTSTAMP:", "SEQUENCE:1\r\nDTSTAMP:")
        await eventually(lambda: len(calendar.asked) >= read_before + 2, "the calendar is read twice more")
        now = await server.store.meetings.get(meeting.id)
        assert now is not None
        assert (now.state, now.epoch) == (MeetingState.STOPPED, visit.epoch)
        assert person.bot_seat is None
        await person.leave()
        await server.store.calendars.delete(row.id)


async def test_the_data_of_all_these_verifies_from_a_shell(server: RunningServer) -> None:
    code, printed = await onrecord(server.settings.data_dir, "verify")
    assert (code, printed.startswith("no fault in")) == (0, True), printed


async def test_a_stopped_server_says_goodbye_and_goes_on_with_the_visit_after_its_restart(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    async with practice_room() as link, asyncio.TaskGroup() as tasks:
        async with running_server(data_dir, roles=("web", "bots")) as first:
            host = await a_host(first)
            meeting = await first.store.meetings.add_by_hand(
                host.id, link, "Cut short", ends_at=first.clock.now() + timedelta(minutes=10), rule=Rule.EACH_VOICE
            )
            person = ScriptedParticipant(room_link=link, name="Maria", token=new_id(), clock=first.clock, tasks=tasks)
            await person.join()
            await agrees(person)
            talking = tasks.create_task(talks(person))
            visit = await first.visit(meeting.id, lambda visit: visit.state == "in_room")
            await keeps_packets(first, visit.id, person.seat)
            stopped_ms = first.clock.boot_ms()
        await is_told(person, "goodbye", alone=False)
        await person.wait_until(lambda: person.bot_seat is None)
        report = await asyncio.to_thread(verify, data_dir)
        assert (report.faults, report.parts > 0) == ([], True)
        async with running_server(data_dir, roles=("web", "bots")) as second:
            await is_told(person, "away")
            resumed_ms = second.clock.boot_ms()
            again = await person.wait_for_chat(lambda read: read.is_notice and read.at_ms > stopped_ms)
            await person.chat("record yes", reply_to=again.message_id, to=person.bot_seat)
            await person.wait_until(lambda: person.kept is True)

            async def is_kept_again() -> bool:
                segments = await second.store.tracks.segments(visit.id)
                return any(segment.from_ms > resumed_ms for segment in segments)

            await eventually(is_kept_again, "their voice is kept again")
            talking.cancel()
            await person.leave()
            await second.store.meetings.stop(meeting.id)
            ended = await second.ended(meeting.id)
            assert (ended.id, ended.left_reason) == (visit.id, "host_stopped")
            frames = (await kept_of(second, visit.id))[SeatId(person.seat)]
            assert not [frame for frame in frames if stopped_ms + 1_000 < frame.captured_ms < resumed_ms]
    report = await asyncio.to_thread(verify, data_dir)
    assert report.faults == []
