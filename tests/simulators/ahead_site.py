"""A running site with a host's daily stand-up, its invitation and personal links, and guests who answer ahead of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from consent_notice.ahead import Covers
from consent_notice.events import NO_VISIT, AgreedAhead, Decided, VisitOpened
from consent_notice.words import MeetingId, Purpose, Rule, SeatId, Standing
from storage.invitations import Reach
from storage.meetings import MeetingRow, PlannedMeeting
from storage.personal_links import PersonalLink
from storage.replay import latest_standings
from storage.users import User
from storage.verify import verify
from tests.simulators.web_site import Browser, Meeting, Site

TITLE = "Secret merger with Fabrikam"
YES = {"purpose_recording": "on", "purpose_transcription": "on", "scope": "series", "decision": "yes"}
NO = {"scope": "series", "decision": "no"}
ALONE = {"alone": "yes"}


async def always(_version: str) -> bool:
    """No text was published since."""
    return True


@dataclass
class Series:
    """One a day, from an hour ahead on."""

    site: Site
    host: User
    name: str
    rows: list[MeetingRow]
    begun: list[Meeting] = field(default_factory=list)

    @classmethod
    async def plan(cls, site: Site, host: User, name: str = "stand-up", *, rule: Rule = Rule.EVERYONE) -> Series:
        site.store.agreements.is_still_valid = always
        calendar = await site.store.calendars.add(
            host_id=host.id, provider="ics", title="Work", address="https://c.example/x.ics", rule=rule, language="en"
        )
        start = site.clock.now() + timedelta(hours=1)
        planned = [
            PlannedMeeting(
                occurrence_key=f"{name}/{day}",
                title=TITLE,
                organiser="",
                starts_at=start + timedelta(days=day),
                ends_at=start + timedelta(days=day, minutes=15),
                link="http://127.0.0.1:8481/room/demo",
                platform="practice",
                decision="record",
                reason="enabled calendar",
                rule=rule,
                language="en",
                series=name,
            )
            for day in range(3)
        ]
        await site.store.meetings.apply_plan(calendar.id, planned)
        return cls(site, host, name, await site.store.meetings.of_calendar(calendar.id))

    def reach(self, covers: Covers = Covers.SERIES, day: int = 0) -> Reach:
        return Reach(
            host_id=self.host.id, covers=covers, about=self.name if covers is Covers.SERIES else self.rows[day].id
        )

    async def invitation(self, covers: Covers = Covers.SERIES, day: int = 0) -> str:
        return f"/a/{await self.site.store.invitations.token_of(self.reach(covers, day))}"

    async def link_for(self, name: str, *, days: int = 90, covers: Covers = Covers.SERIES) -> PersonalLink:
        expires_at = self.site.clock.now() + timedelta(days=days)
        return await self.site.store.personal_links.make(self.reach(covers), name=name, email="", expires_at=expires_at)

    async def begin(self, day: int = 0) -> Meeting:
        """The bot is in the room, at the time of the meeting."""
        row = self.rows[day]
        wait = row.starts_at - self.site.clock.now()
        self.site.clock.pass_s(max(0.0, wait.total_seconds()))
        epoch = await self.site.store.meetings.claim(row.id, "bot-1", 10_000)
        assert epoch is not None
        visit = await self.site.store.visits.open_visit(MeetingId(row.id), epoch, row.rule, "en")
        await self.site.store.visits.set_visit_state(visit.id, epoch, "in_room")
        meeting = Meeting(self.site, self.host, row, visit)
        self.begun.append(meeting)
        await self.site.store.notices.keep(meeting.notice)
        await meeting.log(
            VisitOpened(
                visit=visit.id,
                epoch=epoch,
                meeting=row.id,
                platform="practice",
                host=self.host.name,
                bot_name=self.site.settings.bot_name,
                rule=row.rule,
                path_delay_ms=0,
                **meeting.now,
            )
        )
        return meeting

    @property
    def said(self) -> list[AgreedAhead]:
        entries = self.site.store.log.entries_of(NO_VISIT)
        return [entry.event for entry in entries if isinstance(entry.event, AgreedAhead)]

    def check(self) -> None:
        faults = verify(self.site.store.data_dir).faults
        assert not faults, faults


def decisions(meeting: Meeting) -> list[Decided]:
    entries = meeting.site.store.log.entries_of(meeting.visit.id)
    return [entry.event for entry in entries if isinstance(entry.event, Decided)]


def standing(meeting: Meeting, seat: SeatId, purpose: Purpose = Purpose.RECORDING) -> Standing:
    entries = meeting.site.store.log.entries_of(meeting.visit.id)
    return latest_standings(entries).get((seat, purpose), Standing.UNKNOWN)


async def say(browser: Browser, path: str, answer: dict[str, str], name: str = "Ada", **changes: Any) -> str:
    """Opens the page, or changes what was said on it."""
    await browser.open(f"{path}?change")
    return await browser.submit(path, **{**answer, "name": name, **changes})


def code_on(browser: Browser) -> str:
    return browser.text.split('class="page-code"')[1].split(">")[1].split("<")[0]


def state_on(browser: Browser) -> str:
    return browser.text.split('data-state="')[1].split('"')[0]
