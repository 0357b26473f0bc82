"""A forgotten calendar goes off after a warning by mail; one that is used stays on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, Update, update

from consent_notice.words import Rule
from storage.calendars import CalendarRow
from storage.meetings import PlannedMeeting
from storage.schema import visits
from storage.users import User
from tests.simulators.mail_server import SimulatedMailServer, mail_server
from tests.simulators.web_site import Site, open_site
from web.expiry import Expiry, Verdict, verdict
from web.settings import MailServer

DAY_S = 86_400
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("unused_days", "warned_days_ago", "expected"),
    [
        (0, None, Verdict.USED),
        (75, None, Verdict.USED),
        (76, None, Verdict.WARN),
        (89, 13, Verdict.USED),
        (90, 14, Verdict.END),
        (90, 3, Verdict.USED),  # warned late: a week from then
        (94, 7, Verdict.END),
        (103, None, Verdict.WARN),
        (104, None, Verdict.END),
    ],
)
def test_when_a_calendar_is_forgotten(unused_days: int, warned_days_ago: int | None, expected: Verdict) -> None:
    used_at = NOW - timedelta(days=unused_days)
    warned_at = None if warned_days_ago is None else NOW - timedelta(days=warned_days_ago)
    assert verdict(NOW, used_at, warned_at, 90) is expected


@dataclass(kw_only=True)
class Scene:
    site: Site
    host: User
    calendar: CalendarRow
    server: SimulatedMailServer
    expiry: Expiry

    async def after_days(self, days: int) -> CalendarRow:
        self.site.clock.pass_s(days * DAY_S)
        await self.expiry.look()
        row = await self.site.store.calendars.get(self.calendar.id)
        assert row is not None
        return row


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with mail_server() as server, open_site(tmp_path / "data") as site:
        host = await site.person("host", "Ingrid", "ingrid@example.org")
        calendar = await site.store.calendars.add(
            host_id=host.id, provider="google", title="Secret merger", address="x", rule=Rule.EVERYONE, language="en"
        )
        await site.store.calendars.set_enabled(calendar.id, True)
        mail = MailServer(host="localhost", port=server.port, security="none", sender="onrecord@example.org")
        yield Scene(site=site, host=host, calendar=calendar, server=server, expiry=expiry_of(site, mail))


def expiry_of(site: Site, mail: MailServer | None) -> Expiry:
    return Expiry(site.store, site.clock, site.new_id, unused_days=90, public_url="https://onrecord.example", mail=mail)


async def test_its_host_is_warned_once_without_its_title_and_then_it_goes_off(scene: Scene) -> None:
    assert (await scene.after_days(75)).warned_at is None
    assert scene.server.mails == []
    for _ in range(2):
        assert (await scene.after_days(1)).warned_at is not None
    (mail,) = scene.server.mails
    assert scene.server.recipients == ["ingrid@example.org"]
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "Google Calendar" in text
    assert "18 February 2027" in text
    assert "https://onrecord.example/calendars" in text
    assert b"merger" not in b"".join(scene.server.raw)
    assert (await scene.after_days(12)).enabled
    row = await scene.after_days(1)
    assert (row.enabled, "90 days" in row.off_because) == (False, True)
    async with scene.site.browser(scene.host) as browser:
        assert "It went off by itself" in await browser.open("/calendars")


async def test_signing_in_keeps_it_on(scene: Scene) -> None:
    await scene.after_days(80)
    async with scene.site.browser(scene.host):
        pass
    assert (await scene.after_days(20)).enabled
    assert (await scene.after_days(56)).warned_at is not None
    assert len(scene.server.mails) == 2


async def test_a_recording_from_it_keeps_it_on(scene: Scene) -> None:
    store, clock = scene.site.store, scene.site.clock
    await scene.after_days(80)
    planned = PlannedMeeting(
        occurrence_key="a",
        title="a",
        organiser="",
        starts_at=clock.now(),
        ends_at=clock.now() + timedelta(hours=1),
        link="http://127.0.0.1:8481/room/demo",
        platform="practice",
        decision="record",
        reason="",
        rule=Rule.EVERYONE,
        language="en",
    )
    await store.meetings.apply_plan(scene.calendar.id, [planned])
    (meeting,) = await store.meetings.of_calendar(scene.calendar.id)
    epoch = await store.meetings.claim(meeting.id, "bot", 3_000)
    assert epoch is not None
    visit = await store.visits.open_visit(meeting.id, epoch, Rule.EVERYONE, "en")
    assert (await scene.after_days(0)).warned_at is not None  # a visit that kept nothing is no use
    keep = update(visits).where(visits.c.id == visit.id).values(kept_ms=5)
    await store._database.write(partial(_run, keep))
    assert (await scene.after_days(70)).enabled
    assert len(scene.server.mails) == 1


async def test_where_no_mail_can_be_sent_it_is_told_on_the_page(scene: Scene) -> None:
    scene.expiry = expiry_of(scene.site, None)
    assert (await scene.after_days(80)).warned_at is not None
    assert not (await scene.after_days(10)).enabled


async def test_a_mail_that_fails_is_tried_again_and_nothing_stays_on_for_ever(scene: Scene) -> None:
    scene.server.rejects = "451 try later"
    assert (await scene.after_days(80)).warned_at is None
    assert (await scene.after_days(20)).enabled
    scene.server.rejects = ""
    assert (await scene.after_days(1)).warned_at is not None
    assert (await scene.after_days(6)).enabled
    assert not (await scene.after_days(1)).enabled


def _run(statement: Update, connection: Connection) -> None:
    connection.execute(statement)
