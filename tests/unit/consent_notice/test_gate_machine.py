"""A small world in which people join, speak, agree and change their minds, and everything is learnt of late.

Two questions of every frame that the gate judges: does its verdict equal the naive oracle's over the facts noted so
far (both ways), and was what it kept allowed by what truly happened, known or not? Times lie at frame edges, give or
take a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from consent_notice.frames import Encoding, HeardFrame
from consent_notice.gate import AdmittedFrame, Gate, GateTimes
from consent_notice.rules import MeetingRecord
from consent_notice.words import Purpose, Rule, SeatId, SeatKind, Standing
from tests.unit.consent_notice.naive import NaiveRecord, Said

SEATS = [SeatId(name) for name in ("ann", "ben", "cat")]
STRANGER = SeatId("stranger")  # looks in, never answers
OTHER_BOT = SeatId("otherbot")
LATEST_MS = 60  # how much later than it happened anything is told
OFFSETS = st.sampled_from([-1, 0, 1])
NOES = [each for each in Standing if each is not Standing.GIVEN]
UNANSWERED = ("unknown", "requested", "deferred", "attested")


@dataclass
class Happening:
    """Something true since `at_ms`, told at the latest LATEST_MS afterwards."""

    at_ms: int
    what: str  # "join", "leave", or a standing
    seat: SeatId
    entry: int = 0
    noted_ms: int | None = None


@dataclass
class Heard:
    frame: HeardFrame
    true_from_ms: int  # when the sound in it truly was, the repeated frame included
    true_to_ms: int


Packet = tuple[int, Encoding, int]  # duration, encoding, how much older than captured it truly is
PACKETS = st.tuples(
    st.sampled_from([5, 20, 20, 60]),
    st.sampled_from([Encoding.OPUS, Encoding.OPUS, Encoding.PCM_S16LE_48K]),
    st.sampled_from([0, 1, 100]),
)


def _look_back_ms(duration_ms: int, encoding: Encoding) -> int:
    """A packet may repeat the one before it; a short one still holds the encoder's look-ahead."""
    return max(duration_ms, 7) if encoding is Encoding.OPUS else 0


def judged_from(frame: HeardFrame, path_delay_ms: int) -> int:
    return frame.captured_ms - path_delay_ms - _look_back_ms(frame.duration_ms, frame.encoding)


class Meeting(RuleBasedStateMachine):
    @initialize(
        everyone=st.booleans(),
        path_delay_ms=st.sampled_from([0, 1, 15, 40]),
        agreed=st.sampled_from([True, True, True, False]),
    )
    def begin(self, everyone: bool, path_delay_ms: int, agreed: bool) -> None:
        self.now_ms = 1_000
        self.path_delay_ms = path_delay_ms
        self.record = MeetingRecord(Rule.EVERYONE if everyone else Rule.EACH_VOICE)
        self.naive = NaiveRecord(everyone_must_agree=everyone)
        self.gate = Gate(self.record, GateTimes(path_delay_ms=path_delay_ms, settle_ms=LATEST_MS))
        self.truth: list[Happening] = []
        self.held: list[Heard] = []
        self.admitted = self.judged = 0
        self.edges: list[int] = [1_000]
        for seat in SEATS[:2] if agreed else []:
            for what in ("join", "given"):
                self._happen(what, seat, 900)
                self._note(self.truth[-1])
        if agreed:
            self.now_ms = 1_100

    # ---- the world -------------------------------------------------------------------------------------------------

    @rule(step_ms=st.sampled_from([1, 20, 21, 60, 100, 150]))
    def time_passes(self, step_ms: int) -> None:
        self.now_ms += step_ms
        for happening in self.truth:
            if happening.noted_ms is None and happening.at_ms + LATEST_MS <= self.now_ms:
                self._note(happening)

    @rule(seat=st.sampled_from([*SEATS, OTHER_BOT]), edge=st.integers(0, 7), offset=OFFSETS, at_once=st.booleans())
    def somebody_comes_or_goes(self, seat: SeatId, edge: int, offset: int, at_once: bool) -> None:
        moves = [each for each in self.truth if each.seat == seat and each.what in ("join", "leave")]
        is_there = bool(moves) and moves[-1].what == "join"
        earliest_ms = moves[-1].at_ms + 1 if moves else 0
        self._happen_near("leave" if is_there else "join", seat, (edge, offset, earliest_ms), at_once)

    @rule(seat=st.sampled_from([SEATS[0], SEATS[2], SEATS[2]]), edge=st.integers(0, 7), offset=OFFSETS)
    def somebody_looks_in(self, seat: SeatId, edge: int, offset: int) -> None:
        """There for a millisecond, or away for one."""
        for later_ms in (0, 1):
            self.somebody_comes_or_goes(seat, edge, offset + later_ms, False)

    @precondition(lambda self: self.naive.everyone_must_agree and bool(self.held))
    @rule(which=st.integers(0, 9), at_end=st.booleans(), offset=OFFSETS)
    def a_stranger_looks_in_at_the_edge_of_a_packet(self, which: int, at_end: bool, offset: int) -> None:
        frame = self.held[which % len(self.held)].frame
        earliest_ms = judged_from(frame, self.path_delay_ms)
        at_ms = frame.ends_ms + offset if at_end else earliest_ms - 1 + offset
        self._remember_edge(at_ms)
        self.somebody_looks_in(STRANGER, 0, 0)

    @rule(seat=st.sampled_from(SEATS), edge=st.integers(0, 7), offset=OFFSETS, at_once=st.booleans())
    def somebody_agrees(self, seat: SeatId, edge: int, offset: int, at_once: bool) -> None:
        self._happen_near("given", seat, (edge, offset, self._last_said_ms(seat) + 1), at_once)

    @rule(
        seat=st.sampled_from(SEATS[:2]),
        edge=st.integers(0, 7),
        offset=OFFSETS,
        at_once=st.booleans(),
        standing=st.sampled_from([Standing.WITHDRAWN, Standing.REFUSED, *NOES]),
    )
    def somebody_does_not(self, seat: SeatId, edge: int, offset: int, at_once: bool, standing: Standing) -> None:
        self._happen_near(standing.value, seat, (edge, offset, self._last_said_ms(seat) + 1), at_once)

    @rule(stranger_stays=st.booleans())
    def all_is_well_again(self, stranger_stays: bool) -> None:
        self.time_passes(LATEST_MS)
        for seat in SEATS:
            if self._was_there(seat, self.now_ms) != (seat is not SEATS[2] or stranger_stays):
                self.somebody_comes_or_goes(seat, 0, self.now_ms - self.edges[-1], True)
            if not self._had_agreed(seat, self.now_ms) or not self.naive.yeses_at(seat, "recording", self.now_ms):
                self.somebody_agrees(seat, 0, self.now_ms - self.edges[-1], True)
        for about in ("feed", "loop"):
            self.record.doubt_until(self.now_ms, about)
            self.naive.doubts.append((about, "until", self.now_ms))
        self.time_passes(100)

    @precondition(lambda self: any(each.noted_ms is None for each in self.truth))
    @rule(which=st.integers(0, 9))
    def something_late_is_told(self, which: int) -> None:
        waiting = [each for each in self.truth if each.noted_ms is None]
        self._note(waiting[which % len(waiting)])

    @rule(
        about=st.sampled_from(["feed", "loop"]),
        ends_after_ms=st.sampled_from([0, 1, 20, 21, None]),
        edge=st.integers(0, 7),
        offset=OFFSETS,
    )
    def doubt(self, about: str, ends_after_ms: int | None, edge: int, offset: int) -> None:
        """For a while, or until the next doubt of the kind ends."""
        at_ms = self.edges[-1 - edge % len(self.edges)] + offset
        self.record.doubt_from(at_ms, about)
        self.naive.doubts.append((about, "from", at_ms))
        if ends_after_ms is not None:
            self.record.doubt_until(at_ms + ends_after_ms, about)
            self.naive.doubts.append((about, "until", at_ms + ends_after_ms))
        self._remember_edge(at_ms)

    @rule(
        speakers=st.sampled_from([{SEATS[0]}, {SEATS[1]}, {SEATS[0], SEATS[1]}, set(SEATS), {OTHER_BOT}, None]),
        edge=st.integers(0, 7),
        offset=OFFSETS,
        aligned_on=st.sampled_from(["captured", "ends", "earliest"]),
        packet=PACKETS,
    )
    def sound_is_heard(
        self, speakers: set[SeatId] | None, edge: int, offset: int, aligned_on: str, packet: Packet
    ) -> None:
        """A packet that begins, ends, or looks back to just where something happened."""
        duration_ms, encoding, _ = packet
        at_ms = self.edges[-1 - edge % len(self.edges)] + offset
        captured_ms = {
            "captured": at_ms,
            "ends": at_ms - duration_ms,
            "earliest": at_ms + self.path_delay_ms + _look_back_ms(duration_ms, encoding),
        }[aligned_on]
        self._hear(None if speakers is None else frozenset(speakers), captured_ms, packet)

    @rule(
        seats=st.sampled_from([{SEATS[0]}, {SEATS[1]}, {SEATS[0], SEATS[1]}]), packet=PACKETS, count=st.integers(1, 6)
    )
    def somebody_speaks(self, seats: set[SeatId], packet: Packet, count: int) -> None:
        """Packets in a row until now."""
        for number in range(count, 0, -1):
            self._hear(frozenset(seats), self.now_ms - number * packet[0], packet)

    def _hear(self, speakers: frozenset[SeatId] | None, captured_ms: int, packet: Packet) -> None:
        duration_ms, encoding, delayed_ms = packet
        frame = HeardFrame(
            track="mix",
            speakers=speakers,
            captured_ms=captured_ms,
            duration_ms=duration_ms,
            rtp_timestamp=captured_ms * 48,
            encoding=encoding,
            payload=b"\x78",
        )
        earliest_ms = captured_ms - min(delayed_ms, self.path_delay_ms) - _look_back_ms(duration_ms, encoding)
        true_to_ms = captured_ms - min(delayed_ms, self.path_delay_ms) + duration_ms
        self.held.append(Heard(frame, true_from_ms=earliest_ms, true_to_ms=true_to_ms))
        for each in (
            captured_ms,
            frame.ends_ms,
            captured_ms - self.path_delay_ms - _look_back_ms(duration_ms, encoding),
        ):
            self._remember_edge(each)

    # ---- the gate ----------------------------------------------------------------------------------------------------

    @invariant()
    def what_has_settled_is_judged_as_the_laws_say(self) -> None:
        """`known_until_ms` is what a room that lags claims: it may not have told what happened LATEST_MS ago."""
        for heard in [each for each in self.held if self.gate.is_settled(each.frame, self.now_ms)]:
            self.held.remove(heard)
            self._judge(heard)

    def _judge(self, heard: Heard) -> None:
        frame = heard.frame
        from_ms = judged_from(frame, self.path_delay_ms)
        verdict = self.gate.admit(frame)
        self.judged += 1
        names = None if frame.speakers is None else set(map(str, frame.speakers))
        expected = self.naive.may_use(names, from_ms, frame.captured_ms + frame.duration_ms, "recording")
        assert isinstance(verdict, AdmittedFrame) == expected
        if not isinstance(verdict, AdmittedFrame):
            return
        self.admitted += 1
        assert (verdict.speakers, verdict.captured_ms, verdict.payload) == (frame.speakers, frame.captured_ms, b"\x78")
        assert (verdict.duration_ms, verdict.rtp_timestamp) == (frame.duration_ms, frame.rtp_timestamp)
        for at_ms in range(heard.true_from_ms, heard.true_to_ms):
            heard_or_needed = set(verdict.speakers)
            if self.naive.everyone_must_agree:
                heard_or_needed |= {seat for seat in (*SEATS, STRANGER) if self._was_there(seat, at_ms)}
            for seat in heard_or_needed:
                assert self._had_agreed(seat, at_ms), f"kept {seat} at {at_ms} against their will"

    # ---- inside ------------------------------------------------------------------------------------------------------

    def _had_agreed(self, seat: SeatId, at_ms: int) -> bool:
        """Their last word by then was a yes."""
        words = [
            each
            for each in self.truth
            if each.seat == seat and each.at_ms <= at_ms and each.what not in ("join", "leave", *UNANSWERED)
        ]
        return bool(words) and words[-1].what == "given"

    def _was_there(self, seat: SeatId, at_ms: int) -> bool:
        moves = [
            each for each in self.truth if each.seat == seat and each.what in ("join", "leave") and each.at_ms <= at_ms
        ]
        return bool(moves) and moves[-1].what == "join"

    def _last_said_ms(self, seat: SeatId) -> int:
        return max(
            (each.at_ms for each in self.truth if each.seat == seat and each.what not in ("join", "leave")), default=0
        )

    def _happen_near(self, what: str, seat: SeatId, when: tuple[int, int, int], at_once: bool) -> None:
        edge, offset, earliest_ms = when
        at_ms = self.edges[-1 - edge % len(self.edges)] + offset
        at_ms = max(at_ms, earliest_ms, self.now_ms - LATEST_MS + 1)
        if at_ms <= self.now_ms:
            self._happen(what, seat, at_ms)
            if at_once:
                self._note(self.truth[-1])

    def _happen(self, what: str, seat: SeatId, at_ms: int) -> None:
        self.truth.append(Happening(at_ms, what, seat, entry=len(self.truth)))
        self._remember_edge(at_ms)

    def _note(self, happening: Happening) -> None:
        """Everything is told to the record as the bot would: a yes counts from now, all else from when it happened."""
        happening.noted_ms = self.now_ms
        seat, at_ms = happening.seat, happening.at_ms
        match happening.what:
            case "join":
                self.record.joined(seat, SeatKind.BOT if seat == OTHER_BOT else SeatKind.PERSON, at_ms)
                self.naive.moves.setdefault(seat, []).append((at_ms, "join"))
                self.naive.persons |= {seat} - {OTHER_BOT}
            case "leave":
                self.record.left(seat, at_ms)
                if seat in self.naive.moves:
                    self.naive.moves[seat].append((at_ms, "leave"))
            case "given":
                from_ms = self.now_ms
                self.record.stands(seat, Purpose.RECORDING, Standing.GIVEN, from_ms, happening.entry, said_ms=at_ms)
                self._naive_said(seat, Said("given", from_ms, at_ms, happening.entry))
                self._remember_edge(from_ms)
            case standing:
                self.record.stands(seat, Purpose.RECORDING, Standing(standing), at_ms, None)
                self._naive_said(seat, Said(standing, at_ms, at_ms, None))

    def _naive_said(self, seat: SeatId, said: Said) -> None:
        self.naive.said.setdefault((seat, "recording"), []).append(said)

    def _remember_edge(self, at_ms: int) -> None:
        self.edges = [*self.edges[-7:], at_ms]


def test_meetings() -> None:
    run_state_machine_as_test(Meeting, settings=settings(max_examples=300, stateful_step_count=40, deadline=None))


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
def test_many_long_meetings() -> None:
    run_state_machine_as_test(Meeting, settings=settings(max_examples=10_000, stateful_step_count=60, deadline=None))
