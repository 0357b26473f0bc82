"""A host with a stand-up every day, and what people say about it beforehand."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from consent_notice.ahead import SERIES_DAYS, Covers
from consent_notice.decisions import Act
from consent_notice.events import Decided, Means
from consent_notice.words import MeetingId, Purpose, Rule, UserId, VisitId
from storage.agreements import Agreement, Said
from storage.invitations import Reach
from storage.meetings import PlannedMeeting
from storage.store import Store
from tests.adapter.storage.events import NOTICE, decided, joined, opened
from tests.adapter.storage.hand_clock import HandClock

YES = {Purpose.RECORDING: True, Purpose.TRANSCRIPTION: True}
NO = dict.fromkeys(YES, False)
SERIES = "stand-up"


async def always(_version: str) -> bool:
    """No text was published since."""
    return True


@dataclass(slots=True, kw_only=True)
class StandUp:
    """`meetings` are one a day, from an hour ahead on."""

    store: Store
    clock: HandClock
    host: UserId
    series: str
    meetings: list[MeetingId]
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    @classmethod
    async def plan(
        cls, store: Store, clock: HandClock, *, email: str = "host@example.org", series: str = SERIES
    ) -> StandUp:
        host = await store.users.by_email(email) or await store.users.create(
            email=email, name="Host", role="host", password_hash="-"
        )
        calendar = await store.calendars.add(
            host_id=host.id, provider="ics", title="Work", address="file:///w.ics", rule=Rule.EVERYONE, language="en"
        )
        start = clock.now() + timedelta(hours=1)
        await store.meetings.apply_plan(
            calendar.id,
            [
                PlannedMeeting(
                    occurrence_key=f"{series}/{day}",
                    title="Stand-up",
                    organiser="Ann",
                    starts_at=start + timedelta(days=day),
                    ends_at=start + timedelta(days=day, minutes=15),
                    link="https://meet.example/secret-link",
                    platform="practice",
                    decision="record",
                    reason="enabled calendar",
                    rule=Rule.EVERYONE,
                    language="en",
                    series=series,
                )
                for day in range(3)
            ],
        )
        await store.notices.keep(NOTICE)
        store.agreements.is_still_valid = always
        rows = await store.meetings.of_calendar(calendar.id)
        return cls(store=store, clock=clock, host=host.id, series=series, meetings=[row.id for row in rows])

    def reach(self, covers: Covers = Covers.SERIES, day: int = 0) -> Reach:
        about = self.series if covers is Covers.SERIES else self.meetings[day]
        return Reach(host_id=self.host, covers=covers, about=about)

    async def say(
        self,
        choices: Mapping[Purpose, bool],
        page: str = "page of ada",
        *,
        name: str = "Ada",
        reach: Reach | None = None,
        until: date | None = None,
        nonce: str = "",
        seen: int | None = None,
        **changes: Any,
    ) -> Agreement:
        said = Said(
            reach=reach or self.reach(),
            name=name,
            choices=choices,
            until=until or self.clock.now().date() + timedelta(days=SERIES_DAYS),
            notice=NOTICE,
            link=None,
        )
        return await self.store.agreements.say(
            page, replace(said, **changes), nonce or f"nonce {next(self.numbers)}", seen=seen
        )

    async def finds(self, platform_id: str = "id-1", name: str = "Ada", *, day: int = 0) -> str:
        """yes, no or nothing."""
        counted = await self.store.agreements.find(self.meetings[day], self.series, platform_id, name)
        if counted is None:
            return "nothing"
        return "yes" if (Purpose.RECORDING, Act.GIVE) in counted.acts else "no"

    async def begin(self, day: int = 0) -> VisitId:
        """The bot is there, and so is Ada."""
        epoch = await self.store.meetings.claim(self.meetings[day], "bot", 5_000)
        assert epoch is not None
        visit = await self.store.visits.open_visit(self.meetings[day], epoch, Rule.EVERYONE, "en")
        at_ms, boot_id = self.clock.boot_ms(), self.clock.boot_id
        start = replace(opened(visit.id, at_ms=at_ms, boot_id=boot_id, rule=Rule.EVERYONE), meeting=self.meetings[day])
        for event in (start, joined(visit.id, "ada", at_ms, boot_id=boot_id)):
            await self.store.log.append(event, event_id=f"{visit.id}/{next(self.numbers)}")
        return visit.id

    def repeats(self, visit: VisitId, agreement: str, act: Act = Act.GIVE) -> Decided:
        acts = tuple((purpose, act) for purpose in YES)
        at_ms = self.clock.boot_ms()
        entry = decided(visit, "ada", at_ms, *acts, boot_id=self.clock.boot_id)
        return replace(entry, means=Means.AHEAD, agreement=agreement, verbatim="")

    async def counts(self, visit: VisitId, agreement: str, act: Act = Act.GIVE) -> int:
        event = self.repeats(visit, agreement, act)
        return (await self.store.log.append(event, event_id=f"{visit}/{next(self.numbers)}")).index
