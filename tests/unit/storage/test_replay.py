from __future__ import annotations

from dataclasses import dataclass

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Decided, Event, Means, NoticeDelivered, SeatJoined, SeatLeft, VisitClosed, VisitOpened
from consent_notice.rules import Grounds, judge
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, SeatKind, Standing, VisitId
from storage.replay import NeverOpened, latest_standings, replay

VISIT, ADA, BEN = VisitId("visit"), SeatId("ada"), SeatId("ben")
BOTH = (Purpose.RECORDING, Purpose.TRANSCRIPTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    index: int
    event: Event | object


def log(*events: Event | object) -> list[Entry]:
    """Entry n of the log holds event n; other visits' entries lie before."""
    return [Entry(index=100 + number, event=event) for number, event in enumerate(events)]


def opened(at_ms: int = 0, *, epoch: int = 1, boot_id: str = "boot", rule: Rule = Rule.EACH_VOICE) -> VisitOpened:
    return VisitOpened(
        visit=VISIT,
        epoch=epoch,
        meeting="meeting",
        platform="practice",
        host="Host",
        bot_name="onrecord",
        rule=rule,
        path_delay_ms=0,
        boot_id=boot_id,
        at_ms=at_ms,
    )


def closed(at_ms: int) -> VisitClosed:
    return VisitClosed(visit=VISIT, epoch=1, reason="meeting_ended", boot_id="boot", at_ms=at_ms)


def joined(seat: SeatId, at_ms: int, *, boot_id: str = "boot", kind: SeatKind = SeatKind.PERSON) -> SeatJoined:
    return SeatJoined(
        visit=VISIT,
        epoch=1,
        seat=seat,
        seat_kind=kind,
        name="Name",
        identity_level=IdentityLevel.DISPLAY_NAME,
        boot_id=boot_id,
        at_ms=at_ms,
    )


def left(seat: SeatId, at_ms: int) -> SeatLeft:
    return SeatLeft(visit=VISIT, epoch=1, seat=seat, boot_id="boot", at_ms=at_ms)


def noticed(seat: SeatId, at_ms: int) -> NoticeDelivered:
    return NoticeDelivered(
        visit=VISIT,
        epoch=1,
        seat=seat,
        notice="onrecord-notice",
        version="1",
        language="en",
        text_sha256="",
        means=Means.CHAT,
        message_id="",
        boot_id="boot",
        at_ms=at_ms,
    )


def decided(seat: SeatId, act: Act, at_ms: int, *, boot_id: str = "boot", means: Means = Means.CHAT) -> Decided:
    return Decided(
        visit=VISIT,
        epoch=1,
        seat=seat,
        acts=tuple((purpose, act) for purpose in BOTH),
        means=means,
        identity_level=IdentityLevel.DISPLAY_NAME,
        matched_by="platform seat",
        notice="onrecord-notice",
        notice_version="1",
        notice_language="en",
        notice_sha256="",
        message_id="",
        verbatim="",
        reader_version="1",
        boot_id=boot_id,
        at_ms=at_ms,
    )


def kept(entries: list[Entry], seat: SeatId, from_ms: int, to_ms: int, boot_id: str = "boot") -> set[int] | None:
    """The entries relied on, or None where it may not be kept."""
    verdict = judge(replay(entries, boot_id), frozenset({seat}), from_ms, to_ms, Purpose.RECORDING)
    return set(verdict.entries) if isinstance(verdict, Grounds) else None


def test_a_yes_holds_from_when_it_was_said_until_it_is_taken_back() -> None:
    entries = log(
        opened(), joined(ADA, 10), noticed(ADA, 50), decided(ADA, Act.GIVE, 100), decided(ADA, Act.WITHDRAW, 500)
    )
    assert kept(entries, ADA, 80, 120) is None
    assert kept(entries, ADA, 100, 500) == {103}
    assert kept(entries, ADA, 480, 501) is None


def test_presence_is_replayed() -> None:
    entries = log(opened(), joined(ADA, 10), decided(ADA, Act.GIVE, 20), left(ADA, 300), joined(ADA, 600))
    assert kept(entries, ADA, 20, 300) == {102}
    assert kept(entries, ADA, 280, 320) is None
    assert kept(entries, ADA, 600, 700) == {102}


def test_under_everyone_a_newcomer_shuts() -> None:
    entries = log(
        opened(rule=Rule.EVERYONE), joined(ADA, 10), decided(ADA, Act.GIVE, 20), joined(BEN, 200), left(BEN, 400)
    )
    assert kept(entries, ADA, 20, 200) == {102}
    assert kept(entries, ADA, 190, 210) is None
    assert kept(entries, ADA, 400, 420) == {102}


def test_a_no_that_was_logged_late_reaches_back() -> None:
    entries = log(opened(), joined(ADA, 0), decided(ADA, Act.GIVE, 300), decided(ADA, Act.REFUSE, 200))
    assert kept(entries, ADA, 300, 400) is None


def test_a_yes_said_before_a_no_but_logged_after_it_is_none() -> None:
    entries = log(opened(), joined(ADA, 0), decided(ADA, Act.WITHDRAW, 300), decided(ADA, Act.GIVE, 299))
    assert kept(entries, ADA, 400, 500) is None
    assert latest_standings(entries)[ADA, Purpose.RECORDING] is Standing.WITHDRAWN
    again = [*entries, *[Entry(index=200, event=decided(ADA, Act.GIVE, 301))]]
    assert kept(again, ADA, 400, 500) == {200}


def test_a_second_yes_relies_on_the_first() -> None:
    entries = log(opened(), joined(ADA, 0), decided(ADA, Act.GIVE, 100), decided(ADA, Act.GIVE, 200))
    assert kept(entries, ADA, 250, 400) == {102}


def test_an_impossible_act_changes_nothing() -> None:
    entries = log(opened(), joined(ADA, 0), decided(ADA, Act.REFUSE, 100), decided(ADA, Act.ATTEST, 200))
    assert latest_standings(entries)[ADA, Purpose.RECORDING] is Standing.REFUSED


@pytest.mark.parametrize("means", [Means.HOST, Means.SYSTEM])
def test_nobody_says_yes_for_somebody_else(means: Means) -> None:
    entries = log(opened(), joined(ADA, 0), decided(ADA, Act.GIVE, 100, means=means))
    assert kept(entries, ADA, 200, 300) is None
    reset = log(opened(), joined(ADA, 0), decided(ADA, Act.GIVE, 100), decided(ADA, Act.RESET, 200, means=means))
    assert latest_standings(reset)[ADA, Purpose.RECORDING] is Standing.REQUESTED


def test_a_notice_asks_and_takes_nothing_back() -> None:
    entries = log(opened(), joined(ADA, 0), decided(ADA, Act.GIVE, 100), noticed(ADA, 150), noticed(BEN, 150))
    assert kept(entries, ADA, 100, 400) == {102}
    assert latest_standings(entries)[BEN, Purpose.TRANSCRIPTION] is Standing.REQUESTED
    assert (BEN, Purpose.AI_NOTES) not in latest_standings(entries)


def test_who_was_there_is_gone_when_a_bot_takes_over_or_leaves() -> None:
    entries = log(
        opened(rule=Rule.EVERYONE),
        joined(ADA, 0),
        joined(BEN, 0),
        decided(ADA, Act.GIVE, 10),
        decided(BEN, Act.GIVE, 10),
        opened(500, epoch=2, rule=Rule.EVERYONE),
        joined(ADA, 520),
        closed(900),
    )
    assert kept(entries, ADA, 20, 500) == {103, 104}
    assert kept(entries, ADA, 490, 530) is None
    assert kept(entries, ADA, 520, 900) == {103}
    assert kept(entries, ADA, 880, 920) is None


def test_who_was_there_all_along_when_a_bot_came_back_is_there() -> None:
    record = replay(
        log(opened(), joined(BEN, 50), decided(BEN, Act.GIVE, 100), opened(5_000, epoch=2), joined(BEN, 52)), "boot"
    )
    assert isinstance(judge(record, frozenset({BEN}), 6_000, 6_020, Purpose.RECORDING), Grounds)


def test_a_rejoin_that_the_room_dates_before_the_leave_is_one_all_the_same() -> None:
    events = (opened(rule=Rule.EVERYONE), joined(ADA, 10), joined(BEN, 20), decided(ADA, Act.GIVE, 100))
    record = replay(log(*events, left(BEN, 500), joined(BEN, 460)), "boot")
    assert not isinstance(judge(record, frozenset({ADA}), 600, 620, Purpose.RECORDING), Grounds)


def test_a_bots_voice_is_nobodys() -> None:
    entries = log(opened(), joined(ADA, 0, kind=SeatKind.BOT), decided(ADA, Act.GIVE, 10))
    assert kept(entries, ADA, 20, 40) is None


def test_clocks_of_two_boots_are_kept_apart() -> None:
    entries = log(
        opened(9_000, boot_id="first"),
        joined(ADA, 9_000, boot_id="first"),
        decided(ADA, Act.GIVE, 9_100, boot_id="first"),
        opened(50, epoch=2, boot_id="second"),
        joined(ADA, 60, boot_id="second"),
        decided(ADA, Act.WITHDRAW, 400, boot_id="second"),
        decided(ADA, Act.GIVE, 20, boot_id="third"),
    )
    assert kept(entries, ADA, 9_100, 9_500, "first") == {102}
    assert kept(entries, ADA, 60, 400, "second") == {102}
    assert kept(entries, ADA, 390, 410, "second") is None
    assert kept(entries, ADA, 9_100, 9_500, "second") is None
    assert latest_standings(entries)[ADA, Purpose.RECORDING] is Standing.GIVEN


def test_an_erased_body_opens_nothing() -> None:
    entries = log(opened(), joined(ADA, 0), object())
    assert kept(entries, ADA, 100, 200) is None


def test_a_visit_that_the_log_does_not_open_is_not_judged() -> None:
    with pytest.raises(NeverOpened):
        replay(log(joined(ADA, 0)), "boot")
