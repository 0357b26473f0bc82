"""PURE: what a calendar holds and what is planned already, to what changes: Schedule | Move | Cancel.

Decides for every occurrence whether the bot will go there and says why in words for the host. What has begun, ended or
was stopped is never touched. Reads no clock and fetches nothing; who owns a meeting is `storage`'s business.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from calendar_sync.host_rules import NO_WISHES, HostWishes
from calendar_sync.links import (
    PLATFORM_NAMES,
    JoinLink,
    KnownHosts,
    LinkTexts,
    LookAlike,
    OtherService,
    WrappedLink,
    find_link,
)
from calendar_sync.reach import Reach
from storage.calendar_policy import Externals, Recorded
from storage.meeting_rows import UNSEEN

MAX_TITLE_CHARS = 300
NO_TEXTS = LinkTexts()


class OwnAnswer(StrEnum):
    """What the host answered to the invitation."""

    NONE = "none"  # not invited, or no answer yet
    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEvent:
    """One occurrence as a calendar tells it. Its texts and who else is invited are judged and then forgotten."""

    occurrence_key: str  # survives a move; unique in the calendar
    title: str
    organiser: str
    starts_at: datetime
    ends_at: datetime | None
    is_all_day: bool = False
    is_cancelled: bool = False
    own_answer: OwnAnswer = OwnAnswer.NONE
    is_organised_by_host: bool = False
    domains: frozenset[str] = frozenset()  # of the others' mail addresses; an empty one is of somebody unknown
    series: str = ""  # the same for all occurrences of one recurring event; empty: it does not recur
    texts: LinkTexts = NO_TEXTS


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOccurrence:
    occurrence_key: str
    title: str
    organiser: str
    starts_at: datetime
    ends_at: datetime | None
    link: str | None
    platform: str  # "" where there is no link
    decision: Literal["record", "skip"]
    reason: str  # for the host
    series: str = ""
    room: str = field(default="", compare=False)  # the same for every link into this meeting; follows from the link


class Progress(StrEnum):
    """How far a known meeting is, as far as planning cares."""

    WAITING = "waiting"  # not begun
    GONE = "gone"  # cancelled or missed: comes back if the calendar says so
    RUNNING = "running"  # its bot is there: only what calls it off or moves it is told
    FIXED = "fixed"  # over, called off, or stopped by the host: not planning's any more


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMeeting:
    meeting: PlannedOccurrence
    progress: Progress


_BEGUN = frozenset({Progress.RUNNING, Progress.FIXED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningPolicy:
    known_hosts: KnownHosts
    reach: Reach
    open_end: timedelta = timedelta(hours=4)  # a meeting without an end is taken to be over after this


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """New, or back after a cancellation."""

    meeting: PlannedOccurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Planned, and now held otherwise: another time, link, title or answer."""

    meeting: PlannedOccurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    occurrence_key: str


Change = Schedule | Move | Cancel

WILL_JOIN = "the bot will join, and asks everyone before it records"
DECLINED = "skipped: you declined"
ALL_DAY = "skipped: all-day event"
NO_LINK = "no join link"
TITLE_BARRED = "skipped: its title matches your rule"
OUTSIDERS = "skipped: somebody outside your organisation is invited"
NOBODY_OUTSIDE = "skipped: nobody outside your organisation is invited"
WORD_SKIPPED = "skipped: its title has one of this calendar's skip words"
NOT_ORGANISED = "skipped: somebody else organised it"
NOT_ACCEPTED = "skipped: you have not accepted it"
CHOICE_UNKNOWN = "skipped until this calendar can be read again: your choices for it have changed"
OUTSIDERS_UNKNOWN = "skipped until this calendar can be read again: somebody outside your organisation may be invited"
_JOINER = "\u200d"  # holds a composed emoji together
TWICE = "skipped: the same meeting stands twice in this calendar"


def plan(
    events: Iterable[CalendarEvent],
    known: Mapping[str, KnownMeeting],
    now: datetime,
    policy: PlanningPolicy,
    *,
    wishes: HostWishes = NO_WISHES,
    removed: frozenset[str] = frozenset(),
    is_complete: bool,
    read_until: datetime | None = None,
) -> list[Change]:
    """The changes that make the plan what the calendar says, in order of time; none where it is so already.

    `is_complete`: what is known and not among `events` is gone from the calendar; otherwise only `removed` is, and
    what was decided by older `wishes` stays. `read_until`: when the calendar was last read to its end, since it was
    switched on; what ended after that without having been planned is scheduled too, so that it is told as missed.
    """
    told = {event.occurrence_key: event for event in events}
    begun = {key for key, entry in known.items() if entry.progress is Progress.FIXED}  # whatever is told of them now
    found = {
        key: meeting
        for key, event in told.items()
        if key not in begun and (meeting := _worth_planning(event, now, policy, wishes))
    }
    judged = (decide(event, policy, wishes) for event in told.values() if read_until and not event.is_cancelled)
    unseen = _unseen(judged, known, (read_until or now, now), policy)
    left = {
        key
        for key, entry in known.items()
        if entry.progress is Progress.RUNNING and _is_left(entry.meeting, found.get(key), now)
    }
    kept = {
        key: entry.meeting
        for key, entry in known.items()
        if key not in unseen
        and key not in left
        and not _is_over(entry.meeting, now, policy)
        and (
            entry.progress in _BEGUN
            or (entry.progress is Progress.WAITING and not is_complete and key not in told and key not in removed)
        )
    }
    fixed = left | {key for key in kept if known[key].progress in _BEGUN}
    wanted = unseen | _one_bot_a_room(found | kept, fixed, policy)

    changes: list[Change] = [
        Cancel(occurrence_key=key)
        for key, entry in known.items()
        if entry.progress is Progress.WAITING and key not in wanted and not _is_over(entry.meeting, now, policy)
    ]
    changes += _of_running(known, found, {key for key, event in told.items() if event.is_cancelled} | removed)
    for key, meeting in wanted.items():
        before = known.get(key)
        if before is None or before.progress is Progress.GONE:
            changes.append(Schedule(meeting=meeting))
        elif before.progress is Progress.WAITING and before.meeting != meeting:
            changes.append(Move(meeting=meeting))
    return changes


def _unseen(
    meetings: Iterable[PlannedOccurrence],
    known: Mapping[str, KnownMeeting],
    over: tuple[datetime, datetime],
    policy: PlanningPolicy,
) -> dict[str, PlannedOccurrence]:
    """What a bot would have gone to, had the calendar been read: new, or moved ahead, and over in that time."""
    read_until, now = over
    unseen: dict[str, PlannedOccurrence] = {}
    for meeting in sorted(meetings, key=lambda meeting: (meeting.starts_at, meeting.occurrence_key)):
        before = known.get(meeting.occurrence_key)
        is_news = before is None or (before.progress is Progress.WAITING and not _is_over(before.meeting, now, policy))
        if is_news and meeting.decision == "record" and read_until < _end(meeting, policy) <= now:
            unseen[meeting.occurrence_key] = replace(meeting, reason=UNSEEN)
    return unseen


def decide(event: CalendarEvent, policy: PlanningPolicy, wishes: HostWishes = NO_WISHES) -> PlannedOccurrence:
    """The verdict on one occurrence, with its reason."""
    finding = find_link(event.texts, policy.known_hosts)
    decision: Literal["record", "skip"] = "skip"
    if event.own_answer is OwnAnswer.DECLINED:
        reason = DECLINED
    elif event.is_all_day:
        reason = ALL_DAY
    elif isinstance(finding, OtherService):
        reason = f"{finding.name} is not supported yet"
    elif isinstance(finding, LookAlike):
        reason = f"link refused: it only looks like {PLATFORM_NAMES[finding.looks_like]}"
    elif isinstance(finding, WrappedLink):
        reason = f"no join link: the link is wrapped by {finding.by}, and only they can open it"
    elif finding is None:
        reason = NO_LINK
    elif (unreachable := policy.reach.why_not(finding.platform)) is not None:
        reason = unreachable
    elif (against := _against(event, wishes)) is not None:
        reason = against
    else:
        decision, reason = "record", WILL_JOIN
    has_end = event.ends_at is not None and event.ends_at > event.starts_at
    return PlannedOccurrence(
        occurrence_key=event.occurrence_key,
        title=_one_line(event.title),
        organiser=_one_line(event.organiser),
        starts_at=event.starts_at,
        ends_at=event.ends_at if has_end else None,
        link=finding.url if isinstance(finding, JoinLink) else None,
        platform=finding.platform.value if isinstance(finding, JoinLink) else "",
        decision=decision,
        reason=reason,
        series=event.series,
        room=finding.meeting if isinstance(finding, JoinLink) else "",
    )


def overlapping(times: Mapping[str, tuple[datetime, datetime]]) -> set[str]:
    """Which of these meetings, by their begin and end, are on at the same time as another of them."""
    found: set[str] = set()
    last_key, last_end = "", None
    for key, (starts_at, ends_at) in sorted(times.items(), key=lambda item: (item[1], item[0])):
        if last_end is not None and starts_at < last_end:
            found |= {key, last_key}
        if last_end is None or ends_at > last_end:
            last_key, last_end = key, ends_at
    return found


def _against(event: CalendarEvent, wishes: HostWishes) -> str | None:
    """Which of the host's wishes keeps the bot away; None: none."""
    is_own = event.is_organised_by_host or not (event.organiser or event.domains)  # an entry with nobody else in it
    if wishes.bar_title(event.title):
        return TITLE_BARRED
    if wishes.bar_people(event.domains):
        return OUTSIDERS
    if wishes.recorded is Recorded.ORGANISED and not is_own:
        return NOT_ORGANISED
    if wishes.recorded is Recorded.ACCEPTED and not is_own and event.own_answer is not OwnAnswer.ACCEPTED:
        return NOT_ACCEPTED
    if wishes.skip_title(event.title):
        return WORD_SKIPPED
    if wishes.skip_people(event.domains):
        return OUTSIDERS if wishes.externals is Externals.WITHOUT else NOBODY_OUTSIDE
    return None


def _of_running(
    known: Mapping[str, KnownMeeting], found: Mapping[str, PlannedOccurrence], gone: Collection[str]
) -> list[Change]:
    """A bot is called back by a word of the calendar, never by its silence: some forget what has begun."""
    changes: list[Change] = []
    for key, entry in known.items():
        if entry.progress is not Progress.RUNNING:
            continue
        if key in gone:
            changes.append(Cancel(occurrence_key=key))
        elif key in found and found[key].link is not None and _differs(found[key], entry.meeting):
            changes.append(Move(meeting=found[key]))
    return changes


def _is_left(held: PlannedOccurrence, told: PlannedOccurrence | None, now: datetime) -> bool:
    """Its bot is called back, since it is elsewhere or later now: that is where it takes the room."""
    if told is None or told.link is None or told.decision != "record":
        return False
    return told.link != held.link or (told.starts_at != held.starts_at and told.starts_at > now)


def _differs(told: PlannedOccurrence, held: PlannedOccurrence) -> bool:
    return told != replace(held, reason=told.reason, series=told.series)


def _worth_planning(
    event: CalendarEvent, now: datetime, policy: PlanningPolicy, wishes: HostWishes
) -> PlannedOccurrence | None:
    if event.is_cancelled:
        return None
    meeting = decide(event, policy, wishes)
    if event.is_all_day and meeting.link is None:
        return None  # birthdays and holidays say nothing to the host; an all-day event with a link is explained
    return None if _is_over(meeting, now, policy) else meeting


def hold(
    meeting: PlannedOccurrence, wishes: HostWishes, *, people_were_judged: bool, choices_were_judged: bool = True
) -> PlannedOccurrence:
    """What new wishes may be against, while its calendar can't be asked: doubt is a no."""
    if meeting.decision != "record":
        return meeting
    if wishes.bar_title(meeting.title):
        return replace(meeting, decision="skip", reason=TITLE_BARRED)
    if wishes.skip_title(meeting.title):
        return replace(meeting, decision="skip", reason=WORD_SKIPPED)
    if not choices_were_judged:
        return replace(meeting, decision="skip", reason=CHOICE_UNKNOWN)
    if wishes.inside is not None and not people_were_judged:
        return replace(meeting, decision="skip", reason=OUTSIDERS_UNKNOWN)
    return meeting


def _one_bot_a_room(
    meetings: Mapping[str, PlannedOccurrence], fixed: Collection[str], policy: PlanningPolicy
) -> dict[str, PlannedOccurrence]:
    """All of them by key, soonest first; of two at one time behind one link only the first is visited (law 8)."""
    taken: dict[str, list[tuple[datetime, datetime]]] = {}
    for key in fixed:
        link = meetings[key].link
        if link is not None:
            taken.setdefault(link, []).append((meetings[key].starts_at, _end(meetings[key], policy)))
    wanted: dict[str, PlannedOccurrence] = {}
    busy_until: dict[str, datetime] = {}
    for meeting in sorted(meetings.values(), key=lambda meeting: (meeting.starts_at, meeting.occurrence_key)):
        verdict = replace(meeting, decision="record", reason=WILL_JOIN) if meeting.reason == TWICE else meeting
        starts_at, ends_at, link = meeting.starts_at, _end(meeting, policy), meeting.link
        if meeting.occurrence_key not in fixed and verdict.decision == "record" and link is not None:
            clashes = any(starts_at < end and start < ends_at for start, end in taken.get(link, ()))
            if clashes or starts_at < busy_until.get(link, starts_at):
                verdict = replace(verdict, decision="skip", reason=TWICE)
            else:
                busy_until[link] = ends_at
        wanted[meeting.occurrence_key] = verdict
    return wanted


def _end(meeting: PlannedOccurrence, policy: PlanningPolicy) -> datetime:
    return meeting.ends_at or meeting.starts_at + policy.open_end


def _is_over(meeting: PlannedOccurrence, now: datetime, policy: PlanningPolicy) -> bool:
    return _end(meeting, policy) <= now


def _one_line(text: str) -> str:
    """Without control and formatting characters, which could turn or hide what stands beside it on a page."""
    spaced = (" " if character.isspace() else character for character in text[: MAX_TITLE_CHARS * 4])
    visible = "".join(c for c in spaced if c == _JOINER or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return " ".join(visible.split())[:MAX_TITLE_CHARS]
