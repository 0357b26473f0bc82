"""One meeting told from its entries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from consent_notice.decisions import Act
from consent_notice.events import (
    Decided,
    Erased,
    Means,
    NoticeDelivered,
    PartClosed,
    SeatJoined,
    SeatLeft,
    SegmentOpened,
    VisitClosed,
)
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, SeatKind, SegmentId, Standing, VisitId
from web.replay import MeetingStory, Timeline, tell

VISIT, ADA, BOT = VisitId("v"), SeatId("ada"), SeatId("bot")
STARTED = datetime(2026, 11, 20, 13, tzinfo=UTC)
TIMELINE = Timeline(boot_id="b", started_ms=1_000, started_at=STARTED)


@dataclass(frozen=True)
class Entry:
    index: int
    event: Any
    at: datetime = STARTED


def told(*events: Any) -> MeetingStory:
    return tell([Entry(index, event) for index, event in enumerate(events)], TIMELINE)


def joined(at_ms: int, seat: SeatId = ADA, kind: SeatKind = SeatKind.PERSON, boot_id: str = "b") -> SeatJoined:
    return SeatJoined(
        visit=VISIT,
        epoch=1,
        seat=seat,
        seat_kind=kind,
        name=str(seat),
        identity_level=IdentityLevel.DISPLAY_NAME,
        boot_id=boot_id,
        at_ms=at_ms,
    )


def left(at_ms: int, seat: SeatId = ADA) -> SeatLeft:
    return SeatLeft(visit=VISIT, epoch=1, seat=seat, boot_id="b", at_ms=at_ms)


def asked(at_ms: int, seat: SeatId = ADA) -> NoticeDelivered:
    return NoticeDelivered(
        visit=VISIT,
        epoch=1,
        seat=seat,
        notice="n",
        version="1",
        language="en",
        text_sha256="00",
        means=Means.CHAT,
        message_id="m",
        boot_id="b",
        at_ms=at_ms,
    )


def decided(at_ms: int, *acts: tuple[Purpose, Act], seat: SeatId = ADA) -> Decided:
    return Decided(
        visit=VISIT,
        epoch=1,
        seat=seat,
        acts=acts,
        means=Means.CHAT,
        identity_level=IdentityLevel.DISPLAY_NAME,
        matched_by="platform seat",
        notice="n",
        notice_version="1",
        notice_language="en",
        notice_sha256="00",
        message_id="m",
        verbatim="record yes",
        reader_version="1",
        boot_id="b",
        at_ms=at_ms,
    )


def opened(at_ms: int, segment: str = "s", relies_on: tuple[int, ...] = (2,)) -> SegmentOpened:
    return SegmentOpened(
        visit=VISIT,
        epoch=1,
        segment=SegmentId(segment),
        track="t",
        seats=(ADA,),
        rule=Rule.EACH_VOICE,
        relies_on=relies_on,
        header_sha256="00",
        boot_id="b",
        at_ms=at_ms,
    )


def closed(from_ms: int, to_ms: int, segment: str = "s", kept_ms: int | None = None) -> PartClosed:
    return PartClosed(
        visit=VISIT,
        segment=SegmentId(segment),
        part=0,
        sha256="00",
        size_bytes=1,
        chunks=1,
        frames=1,
        from_ms=from_ms,
        to_ms=to_ms,
        kept_ms=to_ms - from_ms if kept_ms is None else kept_ms,
        recovered=False,
    )


YES = ((Purpose.RECORDING, Act.GIVE), (Purpose.TRANSCRIPTION, Act.GIVE))


def test_a_plain_meeting() -> None:
    story = told(joined(2_000), asked(3_000), decided(4_000, *YES), opened(4_050), closed(4_100, 9_000), left(10_000))
    ada = story.seats[ADA]
    assert ada.stays == [(1_000, 9_000)]
    assert not ada.is_present
    assert ada.asked_ms == [2_000]
    assert ada.standing(Purpose.RECORDING) is Standing.GIVEN
    assert ada.voice("").last_decision == 2
    assert (ada.kept, ada.kept_ms) == ([(3_100, 8_000)], 4_900)
    assert story.last_ms == 9_000


def test_who_was_never_asked_is_unknown_and_who_was_is_requested() -> None:
    assert told(joined(2_000)).seats[ADA].standing(Purpose.RECORDING) is Standing.UNKNOWN
    assert told(joined(2_000), asked(2_500)).seats[ADA].standing(Purpose.TRANSCRIPTION) is Standing.REQUESTED


def test_being_asked_again_takes_nothing_back() -> None:
    story = told(joined(2_000), asked(2_500), decided(3_000, *YES), asked(4_000))
    assert story.seats[ADA].standing(Purpose.RECORDING) is Standing.GIVEN
    story = told(joined(2_000), asked(2_500), decided(3_000, (Purpose.RECORDING, Act.REFUSE)), asked(4_000))
    assert story.seats[ADA].standing(Purpose.RECORDING) is Standing.REFUSED


def test_a_yes_that_was_said_before_a_no_is_none() -> None:
    story = told(joined(2_000), decided(5_000, (Purpose.RECORDING, Act.REFUSE)), decided(4_000, *YES))
    assert story.seats[ADA].standing(Purpose.RECORDING) is Standing.REFUSED


def test_coming_back_is_a_second_stay() -> None:
    assert told(joined(2_000), left(3_000), joined(5_000)).seats[ADA].stays == [(1_000, 2_000), (4_000, None)]


def test_the_end_of_the_visit_ends_every_stay() -> None:
    end = VisitClosed(visit=VISIT, epoch=1, reason="everyone_left", boot_id="b", at_ms=6_000)
    assert told(joined(2_000), joined(1_500, BOT, SeatKind.BOT), end).seats[BOT].stays == [(500, 5_000)]


def test_bots_are_no_people() -> None:
    assert [seat.seat for seat in told(joined(2_000), joined(1_500, BOT, SeatKind.BOT)).people] == [ADA]


def test_another_boot_is_placed_by_wall_time() -> None:
    entry = Entry(0, joined(77, boot_id="other"), STARTED + timedelta(seconds=30))
    assert tell([entry], TIMELINE).seats[ADA].stays == [(30_000, None)]


def test_what_was_erased_is_kept_no_more() -> None:
    erased = Erased(visit=VISIT, bodies=(), segments=(SegmentId("s"),), transcripts=(), authority="request")
    story = told(
        joined(2_000), decided(3_000, *YES), opened(3_050), closed(3_100, 4_000), opened(4_050, "s2"),
        closed(5_000, 6_000, "s2"), erased,
    )  # fmt: skip
    assert (story.seats[ADA].kept, story.seats[ADA].kept_ms) == ([(4_000, 5_000)], 1_000)
    assert story.segments.keys() == {"s2"}


def test_an_entry_whose_body_is_gone_only_counts() -> None:
    story = tell([Entry(0, joined(2_000)), Entry(1, None), Entry(2, replace(left(2_500), seat=SeatId("x")))], TIMELINE)
    assert story.entries == 3
    assert story.seats[ADA].is_present
