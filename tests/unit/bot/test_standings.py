"""What a stay takes over of those before it where several people share a seat: as whoever reads the log has it."""

from __future__ import annotations

from dataclasses import replace

from bot.commands import Durable
from bot.standings import Standings
from consent_notice.decisions import Act
from consent_notice.events import Decided, Means
from consent_notice.rules import MeetingRecord
from consent_notice.standings import StandingsReplay
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, Standing, VisitId, voice_of

ROOM = SeatId("room")
FIRST, SECOND = voice_of(ROOM, "first"), voice_of(ROOM, "second")


def said(act: Act, means: Means = Means.PAGE, person: str = "", *, at_ms: int = 1) -> Decided:
    return Decided(
        visit=VisitId("v"),
        epoch=1,
        seat=ROOM,
        acts=((Purpose.RECORDING, act),),
        means=means,
        identity_level=IdentityLevel.PAGE_BOUND_BY_CODE,
        matched_by="page code",
        notice="onrecord-notice",
        notice_version="1",
        notice_language="en",
        notice_sha256="",
        message_id="m",
        verbatim="",
        reader_version="1",
        boot_id="boot",
        at_ms=at_ms,
        person=person,
    )


def recalled(*events: Decided) -> tuple[Standings, MeetingRecord, StandingsReplay]:
    record, read = MeetingRecord(Rule.EACH_VOICE), StandingsReplay()
    standings = Standings(record)
    for index, undated in enumerate(events):
        event = replace(undated, at_ms=index + 1)
        standings.recall(Durable(index=index, event_id=str(index), event=event), "boot")
        list(read.after(event))
    standings.resume(1_000)
    return standings, record, read


TWO_AGREED = (
    said(Act.GIVE, Means.CHAT),
    said(Act.GIVE, person="first"),
    said(Act.GIVE, person="second"),
)


def test_a_restart_ends_the_seats_own_yes_and_none_that_its_people_gave_on_pages() -> None:
    """The pages, the log's reader and the gate agree on it."""
    standings, record, read = recalled(*TWO_AGREED, said(Act.RESET, Means.SYSTEM))
    record.shares(ROOM, 2, 0)
    for voice, standing in ((ROOM, Standing.REQUESTED), (FIRST, Standing.GIVEN), (SECOND, Standing.GIVEN)):
        assert read.now[voice, Purpose.RECORDING] is standing
        assert standings.of(voice, Purpose.RECORDING) is standing
    assert record.yes_over(ROOM, Purpose.RECORDING, 2_000, 2_020) == frozenset({1, 2})


def test_one_of_several_who_refused_is_asked_by_no_later_stay() -> None:
    standings, _, read = recalled(
        said(Act.GIVE, Means.CHAT), said(Act.REFUSE, person="first"), said(Act.RESET, Means.SYSTEM)
    )
    assert read.now[FIRST, Purpose.RECORDING] is Standing.REFUSED
    assert standings.has_answered(ROOM)


def test_a_restart_asks_nobody_again_who_refused_at_a_shared_seat() -> None:
    standings, _, _ = recalled(said(Act.GIVE, Means.CHAT), said(Act.REFUSE, person="first"))
    standings.said(ROOM, ((Purpose.RECORDING, Act.RESET),), Means.SYSTEM, 1_000, "reset")
    assert standings.of(FIRST, Purpose.RECORDING) is Standing.REFUSED
    assert standings.has_answered(ROOM)


def test_a_no_of_the_seat_is_one_of_each_also_after_a_restart() -> None:
    standings, record, _ = recalled(*TWO_AGREED, said(Act.WITHDRAW, Means.CHAT))
    assert standings.of(SECOND, Purpose.RECORDING) is Standing.WITHDRAWN
    assert record.yes_over(ROOM, Purpose.RECORDING, 2_000, 2_020) is None
