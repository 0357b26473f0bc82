"""One calendar's history, from numbers: edits, time, bots, hosts, faults and deaths; after each good pass the plan is
held against the truth, read naively.

Two worlds share it: a service that tells changes since a token, and a file that is written anew.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from calendar_sync.links import KnownHosts, Platform
from calendar_sync.planning import TWICE, PlanningPolicy
from calendar_sync.reach import Reach
from calendar_sync.sync import FURTHEST_BACK, LOOK_AHEAD, CalendarProvider, CalendarSync
from consent_notice.words import CalendarId, MeetingId, Rule
from storage.host_rules import HostRules
from storage.meeting_rows import UNSEEN
from storage.meetings import MeetingRow, MeetingState
from storage.store import Store
from storage.users import User
from tests.simulators.calendar_truth import BARRED_WORD, ROOMS, Identity, Occurrence, Truth
from tests.simulators.delta_service import DeltaService, Killed
from tests.simulators.mortal_installation import BEGINNING, Installation
from tests.simulators.truth_as_ics import HOST, written

POLICY = PlanningPolicy(
    known_hosts=KnownHosts(practice_url="http://rooms.test"), reach=Reach(joinable=frozenset({Platform.PRACTICE}))
)
Step = tuple[str, int, int, int]

EDITS = ("add", "add_series", "add_series", "add_day", "edit", "edit", "move", "move", "move", "move_one", "move_one",
         "cancel_one", "drop_one", "add_one", "hold_later", "hold_later", "split", "delete")  # fmt: skip
LIFE = ("down", "down", "pass_time", "pass_time", "late", "late", "begin", "end", "stop", "override", "mark_missed",
        "rule", "off_and_on")  # fmt: skip
TROUBLE = (
    "fault",
    "fault",
    "fault",
    "killed",
    "killed",
    "edit_meanwhile",
    "edit_meanwhile",
    "forget_tokens",
    "restart",
)
FAULTS = ("fails", "expires", "cut off", "replay", "twice", "empty pages")


class History:
    def __init__(self, here: Installation, *, as_file: bool, style: int) -> None:
        self.here, self.as_file = here, as_file
        self.truth = Truth()
        self.service = DeltaService(
            self.truth,
            tells_whole_window=bool(style & 1),
            marks_cancelled=bool(style & 2),
            has_live_cursor=bool(style & 4),
            page_size=1 + style % 5,
        )
        self.path = here.folder.parent / "calendar.ics"
        self.calendar_id = CalendarId("")
        self.rules = HostRules()
        self.fixed: dict[Identity, MeetingId] = {}  # begun, ended or stopped: no pass may touch them
        self.row_of: dict[Identity, MeetingId] = {}
        self.overrides: dict[Identity, str] = {}  # of a meeting that is planned anew, too
        self.is_edited_meanwhile = False
        self.read_until: datetime | None = None  # when a pass last ended well, since it was switched on
        self.ever_planned: set[Identity] = set()
        self.planned_until: dict[Identity, datetime] = {}  # what is planned since the last pass that ended well

    async def run(self, provider: CalendarProvider | None, host: User, steps: Sequence[Step]) -> None:
        self.here.clock.at = BEGINNING
        self.provider = provider or self.service
        self.host = host
        store = self.here.store
        await store.users.set_host_rules(host.id, self.rules)
        row = await store.calendars.add(
            host_id=host.id, provider="any", title="Work", address=str(self.path), rule=Rule.EVERYONE, language="en"
        )
        self.calendar_id = row.id
        await store.calendars.set_enabled(row.id, True)
        self._start_process()
        for name, a, b, c in steps:
            if name in EDITS:
                self._edit(name, a, b, c)
                if c % 4:
                    await self.read_and_judge()
            else:
                await getattr(self, f"_{name}")(a, b, c)
        await self.read_and_judge()
        await self.here.store.calendars.delete(self.calendar_id)

    def _start_process(self) -> None:
        self.sync = CalendarSync(self.here.store, {"any": self.provider}, self.here.clock, POLICY)

    # ---- the truth -------------------------------------------------------------------------------------------------

    def _edit(self, name: str, a: int, b: int, c: int) -> None:
        if name.startswith("add") and name != "add_one":
            getattr(self.truth, name)(a, b, c, first=self.here.clock.now().date())
        else:
            getattr(self.truth, name)(a, b, c)
        self._publish()

    def _publish(self) -> None:
        if self.as_file:
            self.path.write_text(written(self.truth), encoding="utf-8", newline="")
        else:
            self.service.commit()

    async def _edit_meanwhile(self, a: int, b: int, c: int) -> None:
        """Somebody edits, and edits on or takes it back while the calendar is read: told then, or by the next pass."""
        first = EDITS[c % len(EDITS)] if c % 3 else ("cancel_one", "drop_one")[a % 2]
        self._edit(first, a, b, c)
        if not self.as_file:
            second = first if b % 3 else EDITS[b % len(EDITS)]
            self.service.fault, self.service.fault_page = ("twice" if b % 2 else ""), 1 + b % 3
            self.service.between_pages = lambda: self._edit(second, a, b, c + 1)
            assert (await self.sync.read(self.calendar_id)).error is None
            if self.service.has_live_cursor:
                await self._judge()
        await self.read_and_judge()

    # ---- time, bots and hosts --------------------------------------------------------------------------------------

    async def _pass_time(self, a: int, b: int, c: int) -> None:
        self.here.clock.at += timedelta(minutes=(15, 60, 180, 24 * 60, 50 * 60, 9 * 24 * 60)[a % 6])
        if b % 3:
            await self.read_and_judge()

    async def _late(self, a: int, b: int, c: int) -> None:
        """Somebody puts off what is long over: what was visited or stopped stays so, what was missed comes back."""
        if a % 2:
            await self._stop(b, a, c)
        self.here.clock.at += timedelta(days=(1, 3, 6)[b % 3])
        if b % 2:
            await self._mark_missed(a, b, c)
        self.truth.put_off(a, b, c, now=self.here.clock.now())
        self._publish()
        await self.read_and_judge()

    async def _down(self, a: int, b: int, c: int) -> None:
        """Nothing reads the calendar for a while, in which something is put in that may be over when it is read."""
        for n in range(1 + a % 2):
            self.truth.add(a + n, 0, b + n, first=self.here.clock.now().date() + timedelta(days=c % 3))
        self._publish()
        self.here.clock.at += timedelta(hours=(1, 12, 30, 80)[b % 4])
        await self.read_and_judge(from_scratch=bool(c % 2))

    async def _begin(self, a: int, b: int, c: int) -> None:
        await self.read_and_judge()  # what moved since is planned anew once its bot is there
        if (found := await self._any_planned(a, recorded=True)) is not None:
            identity, row = found
            assert await self.here.store.meetings.claim(row.id, "bot", 60_000) is not None
            self.fixed[identity] = row.id
        await self.read_and_judge()

    async def _end(self, a: int, b: int, c: int) -> None:
        visiting = [row for row in await self._rows() if row.state is MeetingState.VISITING]
        if visiting:
            row = visiting[a % len(visiting)]
            assert await self.here.store.meetings.finish(row.id, row.epoch, "the meeting ended")
        await self.read_and_judge()

    async def _stop(self, a: int, b: int, c: int) -> None:
        if (found := await self._any_planned(a, recorded=False)) is not None:
            identity, row = found
            await self.here.store.meetings.stop(row.id)
            self.fixed[identity] = row.id
        await self.read_and_judge()

    async def _override(self, a: int, b: int, c: int) -> None:
        if (found := await self._any_planned(a, recorded=False)) is not None:
            identity, row = found
            await self.here.store.meetings.override(row.id, "skip" if b % 2 else "record")
            self.overrides[identity] = "skip" if b % 2 else "record"

    async def _mark_missed(self, a: int, b: int, c: int) -> None:
        await self.here.store.meetings.mark_missed(self.here.clock.now())

    async def _rule(self, a: int, b: int, c: int) -> None:
        self.rules = HostRules(never_titled=(BARRED_WORD,) if not self.rules.never_titled else ())
        await self.here.store.users.set_host_rules(self.host.id, self.rules)
        if a % 3 == 0:
            self.service.fault = "fails"
            await self.sync.read(self.calendar_id)
            self.service.fault = ""
        await self.read_and_judge()

    async def _off_and_on(self, a: int, b: int, c: int) -> None:
        store = self.here.store
        await store.calendars.set_enabled(self.calendar_id, False)
        await self.sync.withdraw(self.calendar_id)
        assert not (await self.sync.read(self.calendar_id)).was_read
        assert all(row.override == "record" for row in await self._planned())
        if a % 2:
            self._edit(EDITS[b % len(EDITS)], c, a, b)
        await store.calendars.set_enabled(self.calendar_id, True)
        self.read_until = None
        await self.read_and_judge(from_scratch=True)

    # ---- faults and deaths -----------------------------------------------------------------------------------------

    async def _restart(self, a: int, b: int, c: int) -> None:
        self.here.reopen()
        self._start_process()
        await self.read_and_judge(from_scratch=bool(a % 2))

    async def _forget_tokens(self, a: int, b: int, c: int) -> None:
        if a % 2:
            self._edit(EDITS[b % len(EDITS)], c, a, b)
        self.service.forget_tokens()
        await self.read_and_judge()

    async def _fault(self, a: int, b: int, c: int) -> None:
        self._edit(EDITS[b % len(EDITS)], c, a, b)
        before = [(row.id, row.starts_at, row.state, row.decision) for row in await self._rows()]
        if self.as_file:
            self._spoil_file(a)
        else:
            self.service.fault, self.service.fault_page = FAULTS[a % len(FAULTS)], c % 3
        result = await self.sync.read(self.calendar_id)
        self.service.fault = ""
        if result.error is not None:
            assert before == [(row.id, row.starts_at, row.state, row.decision) for row in await self._rows()]
        else:
            await self._judge()
        self._publish()
        await self.read_and_judge()

    def _spoil_file(self, a: int) -> None:
        """Half of it, none of it, or something else; `_publish` writes it anew."""
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        if a % 3:
            self.path.write_text(text[: len(text) // 2] if a % 3 == 1 else "<html>", encoding="utf-8", newline="")
        else:
            self.path.unlink(missing_ok=True)

    async def _killed(self, a: int, b: int, c: int) -> None:
        self._edit(EDITS[b % len(EDITS)], c, a, b)
        points = ("before plan", "after plan", "before place", "after place", "reading")
        self.here.dies_at = points[a % len(points)]
        self.service.fault, self.service.fault_page = ("killed" if a % len(points) == 4 else ""), c % 4
        with contextlib.suppress(Killed):
            await self.sync.read(self.calendar_id, from_scratch=bool(b % 2))
        self.here.dies_at = self.service.fault = ""
        if c % 2:
            self.here.reopen()
        self._start_process()
        await self.read_and_judge(from_scratch=bool(c % 3))

    # ---- the judgement ---------------------------------------------------------------------------------------------

    async def read_and_judge(self, *, from_scratch: bool = False) -> None:
        result = await self.sync.read(self.calendar_id, from_scratch=from_scratch)
        assert (result.error, result.broken) == (None, 0)
        await self._judge()

    async def _judge(self) -> None:
        now = self.here.clock.now()
        horizon = now + LOOK_AHEAD
        await self._let_go_of_the_moved()
        planned = await self._planned()
        expected = [one for one in self._expected() if one.ends_at > now]
        near = Counter(_seen(row) for row in planned if row.starts_at < horizon)
        truly = Counter(_plain(one) for one in expected if one.starts_at < horizon)
        assert near == truly, f"missed: {truly - near}; planned and not there, or twice: {near - truly}"
        beyond = Counter(_seen(row) for row in planned if row.starts_at >= horizon)
        assert not beyond - Counter(_plain(one) for one in expected), "planned beyond what was read, and not there"
        fixed = [row for row in await self._rows() if row.id in set(self.fixed.values())]
        assert all(row.state in (MeetingState.VISITING, MeetingState.DONE, MeetingState.STOPPED) for row in fixed)
        self._judge_decisions(planned, expected, [row for row in fixed if _ends(row) > now])
        self._judge_identity(planned, expected)
        await self._judge_unseen()

    async def _let_go_of_the_moved(self) -> None:
        """A meeting that is put off while its bot is there is planned anew; what was begun stays as it was."""
        moved_on = {row.id for row in await self._rows() if row.occurrence_key.endswith(f"#{row.id}")}
        for identity in [one for one, row_id in self.fixed.items() if row_id in moved_on]:
            del self.fixed[identity]
            self.row_of.pop(identity, None)

    async def _judge_unseen(self) -> None:
        """What came and went between two passes, or was moved there, is told as missed, once; nothing else is."""
        now, rows = self.here.clock.now(), await self._rows_since(self.read_until)
        told = Counter(_seen(row) for row in rows if row.reason == UNSEEN and _ends(row) > (self.read_until or now))
        gone = [
            one
            for one in self._expected()
            if self.read_until is not None
            and self.read_until < one.ends_at <= now
            and (one.identity not in self.ever_planned or self.planned_until.get(one.identity, now) > now)
            and self._is_wanted(one)
        ]
        due = Counter(_plain(one) for one in gone if one.ends_at > now - FURTHEST_BACK)  # older ones may be told
        assert due <= told <= Counter(map(_plain, gone)), f"{told} and {gone}"
        self.read_until = now
        planned = {_seen(row) for row in await self._planned()}
        self.planned_until = {one.identity: one.ends_at for one in self._expected() if _plain(one) in planned}
        self.ever_planned |= self.planned_until.keys()

    async def _rows_since(self, since: datetime | None) -> list[MeetingRow]:
        return await self.here.store.meetings.of_calendar(self.calendar_id, over_since=since)

    def _expected(self) -> list[Occurrence]:
        return [
            one
            for one in self.truth.occurrences()
            if not one.is_cancelled
            and one.identity not in self.fixed
            and not (one.is_all_day and not one.link.startswith("http"))
        ]

    def _judge_decisions(self, planned: list[MeetingRow], expected: list[Occurrence], fixed: list[MeetingRow]) -> None:
        wanted = {_plain(one): self._is_wanted(one) for one in expected}
        recorded = [row for row in planned if row.decision == "record"]
        for row in planned:
            if not wanted[_seen(row)]:
                assert row.decision == "skip"
                assert row.reason != TWICE
                continue
            clashes = [one for one in [*recorded, *fixed] if one.id != row.id and _clash(one, row)]
            if row.decision == "record":
                assert not clashes, "two bots for one room"
            else:
                assert row.reason == TWICE, row.reason
                assert clashes, "no bot at all"

    def _is_wanted(self, one: Occurrence) -> bool:
        is_barred = bool(self.rules.never_titled) and BARRED_WORD in one.title
        return one.link in ROOMS and not (one.is_all_day or one.is_declined or is_barred)

    def _judge_identity(self, planned: list[MeetingRow], expected: list[Occurrence]) -> None:
        """One occurrence is one meeting for all its life, and what its host said of it stays."""
        for identity, row in self._matched(planned, expected):
            assert self.row_of.setdefault(identity, row.id) == row.id, "planned anew"
            assert row.override == self.overrides.get(identity)

    def _matched(self, planned: list[MeetingRow], expected: list[Occurrence]) -> list[tuple[Identity, MeetingRow]]:
        """Where it can't be mistaken for another."""
        often = Counter(_plain(one) for one in expected)
        rows = {_seen(row): row for row in planned}
        return [
            (one.identity, rows[_plain(one)]) for one in expected if often[_plain(one)] == 1 and _plain(one) in rows
        ]

    async def _rows(self) -> list[MeetingRow]:
        return await self.here.store.meetings.of_calendar(self.calendar_id)

    async def _planned(self) -> list[MeetingRow]:
        now = self.here.clock.now()
        waiting = (MeetingState.PLANNED, MeetingState.DUE)
        return [row for row in await self._rows() if row.state in waiting and _ends(row) > now]

    async def _any_planned(self, a: int, *, recorded: bool) -> tuple[Identity, MeetingRow] | None:
        """Of which it is known which occurrence it is; the plan may be older than the last edit."""
        known = {meeting_id: identity for identity, meeting_id in self.row_of.items()}
        planned = [row for row in await self._planned() if row.id in known and (row.will_record or not recorded)]
        if not planned:
            return None
        row = planned[a % len(planned)]
        return known[row.id], row


def _plain(one: Occurrence) -> tuple[str, datetime, datetime, str]:
    """As a page shows it: without a link that leads to no platform."""
    return replace(one, link=one.link or "").seen


def _seen(row: MeetingRow) -> tuple[str, datetime, datetime, str]:
    return (row.title, row.starts_at, _ends(row), row.link or "")


def _ends(row: MeetingRow) -> datetime:
    assert row.ends_at is not None
    return row.ends_at


def _clash(one: MeetingRow, other: MeetingRow) -> bool:
    return one.link == other.link and one.starts_at < _ends(other) and other.starts_at < _ends(one)


async def host_of(store: Store) -> User:
    return await store.users.create(email=HOST, name="Ann", role="host", password_hash="x")
