"""The choke point: what is turned away, what settles, and every doubt that shuts it."""

from __future__ import annotations

from bot.capture import FEED_SILENT_MS, HELD_FRAMES, STALL_MS, Capture
from consent_notice.frames import Encoding, HeardFrame
from consent_notice.gate import AdmittedFrame, GateTimes
from consent_notice.rules import MeetingRecord
from consent_notice.words import Purpose, Rule, SeatId, SeatKind, Standing

BEN = SeatId("b")
CAT = SeatId("c")
TIMES = GateTimes(path_delay_ms=0, settle_ms=100)


class Stream:
    """Ben speaks in 20 ms frames from time 0 on; the feed and the room tell all that they know, at once."""

    def __init__(self, rule: Rule = Rule.EACH_VOICE) -> None:
        self.record = MeetingRecord(rule)
        self.kept: list[AdmittedFrame] = []
        self.capture = Capture(self.record, TIMES, self.kept.append, 0)
        self.now_ms = 0
        self.feed_is_silent = False
        self.room_is_silent = False

    def run(self, until_ms: int, *, speakers: frozenset[SeatId] | None = frozenset({BEN})) -> None:
        while self.now_ms < until_ms:
            frame = HeardFrame(
                track="b:1",
                speakers=speakers,
                captured_ms=self.now_ms,
                duration_ms=20,
                rtp_timestamp=self.now_ms * 48,
                encoding=Encoding.OPUS,
                payload=b"sound",
            )
            self.now_ms += 20
            self.capture.heard(frame)
            if not self.feed_is_silent:
                self.capture.feed_known(self.now_ms)
            if not self.room_is_silent:
                self.capture.room_known(self.now_ms)
            self.capture.tick(self.now_ms)

    def agree(self, seat: SeatId = BEN, entry: int = 7) -> None:
        self.record.joined(seat, SeatKind.PERSON, self.now_ms - 1_000)
        self.record.stands(seat, Purpose.RECORDING, Standing.GIVEN, self.now_ms, entry)

    def times(self) -> list[int]:
        return [frame.captured_ms for frame in self.kept]


def test_nothing_is_held_before_a_yes() -> None:
    stream = Stream()
    stream.record.joined(BEN, SeatKind.PERSON, 0)
    stream.run(1_000)
    assert stream.capture.counts.turned_away == 50
    stream.agree()
    stream.run(2_000)
    # The first frame after the yes may repeat the one before it, so it is not kept either.
    assert stream.times()[0] == 1_020
    assert {7} == set().union(*(frame.relies_on for frame in stream.kept))


def test_a_no_drops_what_is_held_and_was_captured_after_it() -> None:
    stream = Stream()
    stream.agree()
    stream.run(1_000)
    stream.record.stands(BEN, Purpose.RECORDING, Standing.WITHDRAWN, 940, None)
    stream.run(2_000)
    assert stream.times()[-1] == 920


def test_sound_waits_for_the_feed_and_the_room() -> None:
    stream = Stream()
    stream.agree()
    stream.feed_is_silent = True
    stream.run(400)
    assert not stream.kept
    stream.feed_is_silent = False
    stream.room_is_silent = True
    stream.run(420)
    assert stream.times()[-1:] != [400]
    stream.room_is_silent = False
    stream.run(800)
    assert stream.times() == list(range(20, 700, 20))


def test_a_feed_silent_for_half_a_second_shuts_until_it_is_back() -> None:
    stream = Stream()
    stream.agree()
    stream.run(1_000)
    stream.feed_is_silent = True
    stream.run(1_000 + FEED_SILENT_MS + 200)
    stream.feed_is_silent = False
    stream.run(3_000)
    kept = stream.times()
    assert not [at for at in kept if 1_000 <= at < 1_000 + FEED_SILENT_MS + 200]
    assert [at for at in kept if at >= 1_000 + FEED_SILENT_MS + 260]


def test_a_silent_room_shuts_too() -> None:
    stream = Stream()
    stream.agree()
    stream.run(1_000)
    stream.room_is_silent = True
    stream.run(2_000)
    stream.room_is_silent = False
    stream.run(3_000)
    assert not [at for at in stream.times() if 1_000 <= at < 2_000]


def test_a_stalled_loop_shuts_for_as_long_as_it_stalled() -> None:
    stream = Stream()
    stream.agree()
    stream.run(1_000)
    before_ms = stream.now_ms
    stream.now_ms += STALL_MS + 100  # frames of this time come late, all at once
    for at_ms in range(before_ms, stream.now_ms, 20):
        stream.capture.heard(
            HeardFrame(
                track="b:1",
                speakers=frozenset({BEN}),
                captured_ms=at_ms,
                duration_ms=20,
                rtp_timestamp=at_ms * 48,
                encoding=Encoding.OPUS,
                payload=b"sound",
            )
        )
    stream.run(2_000)
    assert not [at for at in stream.times() if before_ms <= at < before_ms + STALL_MS + 100]
    assert [at for at in stream.times() if at > before_ms + STALL_MS + 150]


def test_an_unknown_speaker_is_never_kept() -> None:
    stream = Stream(Rule.EVERYONE)
    stream.agree()
    stream.run(1_000, speakers=None)
    assert not stream.kept


def test_a_join_told_late_takes_back_what_is_held_under_everyone() -> None:
    stream = Stream(Rule.EVERYONE)
    stream.agree()
    stream.run(1_000)
    stream.record.joined(CAT, SeatKind.PERSON, 930)
    stream.run(1_500)
    assert stream.times()[-1] == 900


def test_it_says_whether_something_after_a_moment_was_already_kept() -> None:
    stream = Stream()
    stream.agree()
    stream.run(1_000)
    assert stream.capture.kept_after(BEN, 500)
    assert stream.capture.kept_after(None, 500)
    assert not stream.capture.kept_after(CAT, 500)
    assert not stream.capture.kept_after(BEN, stream.now_ms)


def test_shut_is_for_good_and_drops_what_is_held() -> None:
    stream = Stream()
    stream.agree()
    stream.run(1_000)
    kept = len(stream.kept)
    stream.capture.shut()
    stream.run(2_000)
    assert len(stream.kept) == kept


def test_memory_is_bounded_when_nothing_settles() -> None:
    stream = Stream()
    stream.agree()
    stream.feed_is_silent = True
    for at_ms in range(0, (HELD_FRAMES + 50) * 20, 20):
        stream.capture.heard(
            HeardFrame(
                track="b:1",
                speakers=frozenset({BEN}),
                captured_ms=at_ms,
                duration_ms=20,
                rtp_timestamp=at_ms * 48,
                encoding=Encoding.OPUS,
                payload=b"sound",
            )
        )
    assert stream.capture.counts.overflowed == 50
