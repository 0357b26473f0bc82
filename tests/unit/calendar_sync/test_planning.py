"""Planning: every decision with its reason, and the plan that follows a calendar through any history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calendar_sync.host_rules import NO_WISHES, HostWishes, wishes_of
from calendar_sync.links import KnownHosts, LinkTexts, Platform
from calendar_sync.planning import (
    ALL_DAY,
    DECLINED,
    NO_LINK,
    OUTSIDERS,
    OUTSIDERS_UNKNOWN,
    TITLE_BARRED,
    TWICE,
    WILL_JOIN,
    CalendarEvent,
    Cancel,
    Change,
    KnownMeeting,
    Move,
    OwnAnswer,
    PlannedOccurrence,
    PlanningPolicy,
    Progress,
    Schedule,
    decide,
    hold,
    plan,
)
from calendar_sync.reach import Reach
from storage.host_rules import HostRules

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
POLICY = PlanningPolicy(
    known_hosts=KnownHosts(practice_url="http://rooms.test"), reach=Reach(joinable=frozenset({Platform.PRACTICE}))
)
ROOM = "http://rooms.test/room/team-sync"


def event(key: str = "k", minutes: int = 60, lasts: int = 30, **changes: object) -> CalendarEvent:
    starts_at = NOW + timedelta(minutes=minutes)
    made = CalendarEvent(
        occurrence_key=key,
        title="Weekly",
        organiser="ann@example.org",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=lasts),
        texts=LinkTexts(location=f"{ROOM}-{key.lower()}"),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "decision", "reason"),
    [
        ({}, "record", WILL_JOIN),
        ({"own_answer": OwnAnswer.ACCEPTED}, "record", WILL_JOIN),
        ({"own_answer": OwnAnswer.TENTATIVE}, "record", WILL_JOIN),
        ({"own_answer": OwnAnswer.DECLINED}, "skip", DECLINED),
        ({"is_all_day": True}, "skip", ALL_DAY),
        ({"texts": LinkTexts()}, "skip", NO_LINK),
        ({"texts": LinkTexts(location="Room 5")}, "skip", NO_LINK),
        (
            {"texts": LinkTexts(location="https://zoom.us/j/81234567890")},
            "skip",
            "Zoom is not supported yet: the bot can't join there",
        ),
        (
            {"texts": LinkTexts(location="https://meet.google.com/abc-defg-hij")},
            "skip",
            "Google Meet is not supported yet: the bot can't join there",
        ),
        ({"texts": LinkTexts(location="https://whereby.com/acme")}, "skip", "Whereby is not supported yet"),
        (
            {"texts": LinkTexts(location="https://protect-eu.mimecast.com/s/AbCd?domain=zoom.us")},
            "skip",
            "no join link: the link is wrapped by Mimecast, and only they can open it",
        ),
        (
            {"texts": LinkTexts(location="https://meet.google.com.evil.example/abc-defg-hij")},
            "skip",
            "link refused: it only looks like Google Meet",
        ),
    ],
)
def test_each_decision_has_its_reason(changes: dict[str, object], decision: str, reason: str) -> None:
    meeting = decide(event(**changes), POLICY)  # type: ignore[arg-type]
    assert (meeting.decision, meeting.reason) == (decision, reason)


STRICT = wishes_of(HostRules(never_titled=("HR",), never_with_outsiders=True), "ann@example.org")


@pytest.mark.parametrize(
    ("changes", "decision", "reason"),
    [
        ({"title": "HR: salaries"}, "skip", TITLE_BARRED),
        ({"title": "HR", "domains": frozenset({"other.example"})}, "skip", TITLE_BARRED),
        ({"title": "Three", "domains": frozenset({"example.org"})}, "record", WILL_JOIN),
        ({"domains": frozenset({"example.org", "other.example"})}, "skip", OUTSIDERS),
        ({"domains": frozenset({""})}, "skip", OUTSIDERS),
        ({"domains": frozenset()}, "record", WILL_JOIN),
        # what keeps the bot away anyhow is what the host has to know first
        ({"title": "HR", "own_answer": OwnAnswer.DECLINED}, "skip", DECLINED),
        ({"title": "HR", "texts": LinkTexts()}, "skip", NO_LINK),
    ],
)
def test_a_hosts_rules_keep_the_bot_away(changes: dict[str, object], decision: str, reason: str) -> None:
    meeting = decide(event(**changes), POLICY, STRICT)  # type: ignore[arg-type]
    assert (meeting.decision, meeting.reason) == (decision, reason)
    assert decide(event(**changes), POLICY).reason not in (TITLE_BARRED, OUTSIDERS)  # type: ignore[arg-type]


def test_nothing_of_the_invited_is_in_the_plan() -> None:
    for domains in (frozenset({"other.example"}), frozenset({"example.org"})):
        assert "example" not in repr(decide(event(organiser="", domains=domains), POLICY, STRICT)).replace(ROOM, "")


def test_other_wishes_decide_anew_what_is_told_again() -> None:
    events = [event("a", title="HR"), event("b", domains=frozenset({"other.example"})), event("c")]
    known = known_after(full(events, {}))
    changes = plan(events, known, NOW, POLICY, wishes=STRICT, is_complete=True)
    assert {change.meeting.occurrence_key: change.meeting.reason for change in changes if isinstance(change, Move)} == {
        "a": TITLE_BARRED,
        "b": OUTSIDERS,
    }
    back = plan(events, known_after(changes, known), NOW, POLICY, wishes=NO_WISHES, is_complete=True)
    assert [change.meeting.reason for change in back if isinstance(change, Move)] == [WILL_JOIN, WILL_JOIN]


def test_a_barred_meeting_leaves_its_room_to_another_at_that_time() -> None:
    same = LinkTexts(location=ROOM)
    twins = [event("a", title="HR", texts=same), event("b", minutes=70, texts=same)]
    known = known_after(plan(twins, {}, NOW, POLICY, wishes=STRICT, is_complete=True))
    assert [known[key].meeting.reason for key in "ab"] == [TITLE_BARRED, WILL_JOIN]


@pytest.mark.parametrize(
    ("title", "wishes", "people_were_judged", "reason"),
    [
        ("HR", STRICT, True, TITLE_BARRED),
        ("HR", STRICT, False, TITLE_BARRED),
        ("Weekly", STRICT, True, WILL_JOIN),
        ("Weekly", STRICT, False, OUTSIDERS_UNKNOWN),
        ("HR", NO_WISHES, False, WILL_JOIN),
    ],
)
def test_while_a_calendar_can_not_be_asked_new_rules_hold_in_doubt(
    title: str, wishes: HostWishes, people_were_judged: bool, reason: str
) -> None:
    planned = decide(event(title=title), POLICY)
    held = hold(planned, wishes, people_were_judged=people_were_judged)
    assert (held.reason, held.decision) == (reason, "record" if reason == WILL_JOIN else "skip")
    declined = decide(event(title=title, own_answer=OwnAnswer.DECLINED), POLICY)
    assert hold(declined, wishes, people_were_judged=people_were_judged) == declined


def known_after(changes: list[Change], known: dict[str, KnownMeeting] | None = None) -> dict[str, KnownMeeting]:
    """What `storage` does with the changes."""
    result = dict(known or {})
    for change in changes:
        if isinstance(change, Cancel):
            result[change.occurrence_key] = replace(result[change.occurrence_key], progress=Progress.GONE)
        else:
            result[change.meeting.occurrence_key] = KnownMeeting(meeting=change.meeting, progress=Progress.WAITING)
    return result


def waiting(known: dict[str, KnownMeeting], now: datetime) -> dict[str, PlannedOccurrence]:
    return {
        key: entry.meeting
        for key, entry in known.items()
        if entry.progress is Progress.WAITING
        and (entry.meeting.ends_at or entry.meeting.starts_at + POLICY.open_end) > now
    }


def full(events: list[CalendarEvent], known: dict[str, KnownMeeting], now: datetime = NOW) -> list[Change]:
    return plan(events, known, now, POLICY, is_complete=True)


def test_a_moved_occurrence_is_one_move() -> None:
    known = known_after(full([event()], {}))
    changes = full([event(minutes=180)], known)
    assert changes == [Move(meeting=decide(event(minutes=180), POLICY))]
    assert full([event(minutes=180)], known_after(changes, known)) == []


def test_a_vanished_occurrence_is_cancelled_and_can_come_back() -> None:
    known = known_after(full([event()], {}))
    changes = full([], known)
    assert changes == [Cancel(occurrence_key="k")]
    known = known_after(changes, known)
    assert full([], known) == []
    assert full([event()], known) == [Schedule(meeting=decide(event(), POLICY))]


def test_a_cancelled_event_is_cancelled_also_when_only_that_is_told() -> None:
    known = known_after(full([event("a"), event("b")], {}))
    changes = plan([event("a", is_cancelled=True)], known, NOW, POLICY, is_complete=False)
    assert changes == [Cancel(occurrence_key="a")]
    assert plan([], known, NOW, POLICY, removed=frozenset({"b"}), is_complete=False) == [Cancel(occurrence_key="b")]


def test_an_occurrence_moved_into_the_past_is_not_visited_at_its_old_time() -> None:
    known = known_after(full([event()], {}))
    assert full([event(minutes=-120)], known) == [Cancel(occurrence_key="k")]


def test_what_is_over_is_not_planned() -> None:
    assert full([event(minutes=-30)], {}) == []
    assert len(full([event(minutes=-29)], {})) == 1  # runs for one more minute: joined late


def test_a_meeting_without_an_end_stays_open_for_hours() -> None:
    changes = full([event(minutes=-239, lasts=0)], {})
    assert isinstance(changes[0], Schedule)
    assert changes[0].meeting.ends_at is None
    assert full([event(minutes=-240, lasts=0)], {}) == []


@pytest.mark.parametrize("events", [[], [event(minutes=180)], [event(is_cancelled=True)], [event(texts=LinkTexts())]])
def test_what_has_begun_or_was_stopped_is_never_touched(events: list[CalendarEvent]) -> None:
    known = {"k": KnownMeeting(meeting=decide(event(), POLICY), progress=Progress.FIXED)}
    assert full(events, known) == []


def test_birthdays_are_not_planned_at_all() -> None:
    assert full([event(is_all_day=True, texts=LinkTexts())], {}) == []


def test_one_room_at_one_time_gets_one_bot() -> None:
    same = LinkTexts(location=ROOM)
    twins = [event("a", texts=same), event("b", minutes=70, texts=same), event("c", minutes=90, texts=same)]
    known = known_after(full(twins, {}))
    assert [known[key].meeting.reason for key in "abc"] == [WILL_JOIN, TWICE, WILL_JOIN]
    # when the first goes, the second takes its place, also when the calendar tells only of the first
    changes = plan([], known, NOW, POLICY, removed=frozenset("a"), is_complete=False)
    known = known_after(changes, known)
    assert [known[key].meeting.reason for key in "bc"] == [WILL_JOIN, TWICE]


def test_a_second_entry_for_a_meeting_that_the_host_stopped_is_not_visited_either() -> None:
    same = LinkTexts(location=ROOM)
    stopped = {"b": KnownMeeting(meeting=decide(event("b", texts=same), POLICY), progress=Progress.FIXED)}
    for events in ([event("a", texts=same)], [event("a", minutes=50, texts=same), event("b", texts=same)]):
        changes = full(events, stopped)
        assert [change.meeting.reason for change in changes if isinstance(change, Schedule)] == [TWICE]


def test_what_is_over_for_good_takes_no_room_when_it_is_put_off() -> None:
    """Nobody goes there again, so another meeting in that room must not wait for it."""
    done = {"a": KnownMeeting(meeting=decide(event("a", minutes=-60), POLICY), progress=Progress.FIXED)}
    same = LinkTexts(location=f"{ROOM}-a")
    changes = full([event("a", minutes=120), event("b", minutes=120, texts=same)], done)
    assert [
        (change.meeting.occurrence_key, change.meeting.decision) for change in changes if isinstance(change, Schedule)
    ] == [("b", "record")]


def test_titles_are_one_visible_line() -> None:
    meeting = decide(event(title="Plan\r\n\u202eevil\u0000 \t x" + "y" * 1000), POLICY)
    assert meeting.title.startswith("Plan evil x")
    assert len(meeting.title) == 300
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert decide(event(title=family), POLICY).title == family


# ---- any history ---------------------------------------------------------------------------------------------------

LINKS = st.sampled_from([ROOM, f"{ROOM}-two", "https://zoom.us/j/81234567890", "Room 5"])


@st.composite
def occurrences(draw: st.DrawFn, key: str) -> CalendarEvent:
    return event(
        key,
        # the edges of now, of each other and of the window, more often than not
        minutes=draw(st.sampled_from([-60, -31, -30, -29, 0, 1, 30, 31, 60, 90, 240, 1440])),
        lasts=draw(st.sampled_from([0, 29, 30, 31, 60])),
        title=draw(st.sampled_from(["Weekly", "Monthly"])),
        is_cancelled=draw(st.booleans()),
        is_all_day=draw(st.sampled_from([False, False, True])),
        own_answer=draw(st.sampled_from([OwnAnswer.NONE, OwnAnswer.DECLINED])),
        texts=LinkTexts(location=draw(LINKS)),
    )


@st.composite
def edits(draw: st.DrawFn) -> dict[str, CalendarEvent | None]:
    keys = draw(st.sets(st.sampled_from("abcde"), max_size=4))
    return {key: draw(st.none() | occurrences(key)) for key in sorted(keys)}


@given(st.lists(st.tuples(edits(), st.booleans(), st.sampled_from([0, 1, 29, 30, 120])), max_size=8))
@settings(max_examples=500, deadline=None)
def test_following_a_calendar_step_by_step_ends_where_planning_from_scratch_does(
    history: list[tuple[dict[str, CalendarEvent | None], bool, int]],
) -> None:
    now = NOW
    calendar: dict[str, CalendarEvent] = {}
    known: dict[str, KnownMeeting] = {}
    for edit, is_complete, minutes in history:
        now += timedelta(minutes=minutes)
        removed = frozenset(key for key, change in edit.items() if change is None)
        told = [change for change in edit.values() if change is not None]
        calendar = {key: old for key, old in calendar.items() if key not in removed}
        calendar |= {change.occurrence_key: change for change in told}
        changes = plan(
            list(calendar.values()) if is_complete else told,
            known,
            now,
            POLICY,
            removed=removed,
            is_complete=is_complete,
        )
        keys = [c.occurrence_key if isinstance(c, Cancel) else c.meeting.occurrence_key for c in changes]
        assert len(keys) == len(set(keys)), "one change an occurrence"
        for change in changes:
            if isinstance(change, Schedule):
                key = change.meeting.occurrence_key
                assert key not in known or known[key].progress is Progress.GONE, "planned twice"
        known = known_after(changes, known)
    # a last full look settles what only time has changed; nothing else may be left to do
    last = plan(list(calendar.values()), known, now, POLICY, is_complete=True)
    scratch = known_after(plan(list(calendar.values()), {}, now, POLICY, is_complete=True))
    assert waiting(known_after(last, known), now) == waiting(scratch, now)
    again = plan(list(calendar.values()), known_after(last, known), now, POLICY, is_complete=True)
    assert again == []
    if history and history[-1][1]:
        assert last == []


@given(st.dictionaries(st.sampled_from("abcde"), st.booleans()), st.data())
@settings(max_examples=200, deadline=None)
def test_no_room_is_visited_by_two_bots_at_once(keys: dict[str, bool], data: st.DataObject) -> None:
    known = {
        key: KnownMeeting(meeting=decide(data.draw(occurrences(key)), POLICY), progress=Progress.FIXED)
        for key, is_fixed in keys.items()
        if is_fixed
    }
    changes = full([data.draw(occurrences(key)) for key in "abcdefg"], known)
    visits = [c.meeting for c in changes if not isinstance(c, Cancel) and c.meeting.decision == "record"]
    visits += [entry.meeting for entry in known.values() if entry.meeting.link]
    for first in visits:
        for second in visits:
            if first.occurrence_key < second.occurrence_key and first.link == second.link:
                if {first.occurrence_key, second.occurrence_key} <= set(known):
                    continue
                first_end = first.ends_at or first.starts_at + POLICY.open_end
                second_end = second.ends_at or second.starts_at + POLICY.open_end
                assert (
                    first_end <= second.starts_at or second_end <= first.starts_at or min(first_end, second_end) <= NOW
                )


def test_a_platform_that_the_admin_switched_off_is_said_to_be() -> None:
    zooms = frozenset({Platform.ZOOM})
    open_to, policy = (replace(POLICY, reach=Reach(joinable=zooms, switched_off=off)) for off in (frozenset(), zooms))
    zoom = event(texts=LinkTexts(location="https://zoom.us/j/81234567890"))
    verdict = decide(zoom, policy)
    assert (verdict.decision, verdict.reason) == ("skip", "Zoom is switched off here by your admin")
    known = {zoom.occurrence_key: KnownMeeting(meeting=decide(zoom, open_to), progress=Progress.WAITING)}
    (change,) = plan([zoom], known, NOW, policy, is_complete=True)
    assert isinstance(change, Move)
    assert change.meeting.decision == "skip"
