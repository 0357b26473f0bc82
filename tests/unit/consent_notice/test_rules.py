"""The judgement against a naive oracle, millisecond by millisecond, and the cases that once went wrong elsewhere."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_notice.rules import Grounds, MeetingRecord, Refusal, Why, judge
from consent_notice.words import Purpose, Rule, SeatId, SeatKind, Standing
from tests.unit.consent_notice.naive import NaiveRecord, Said

A, B, C, BOT = (SeatId(name) for name in ("a", "b", "c", "bot"))
RECORDING, TRANSCRIPTION = Purpose.RECORDING, Purpose.TRANSCRIPTION

EDGES = st.sampled_from([0, 20, 40, 60, 80])
TIMES = st.builds(lambda edge, offset: edge + offset, EDGES, st.sampled_from([-1, 0, 1]))
SEATS = st.sampled_from([A, B, BOT])
FACTS = st.one_of(
    st.tuples(st.just("joined"), SEATS, TIMES),
    st.tuples(st.just("joined"), SEATS, TIMES),
    st.tuples(st.just("left"), SEATS, TIMES),
    st.tuples(st.just("yes"), SEATS, TIMES, st.sampled_from([0, 0, 1, 20, 21])),
    st.tuples(st.just("yes"), SEATS, TIMES, st.sampled_from([0, 0, 1, 20, 21])),
    st.tuples(st.just("no"), SEATS, TIMES, st.sampled_from([each for each in Standing if each is not Standing.GIVEN])),
    st.tuples(st.just("doubt"), st.sampled_from(["feed", "loop"]), TIMES, st.booleans()),
    st.tuples(st.just("voice"), SEATS, TIMES, st.sampled_from([1, 20, 40])),
)
SPANS = st.tuples(TIMES, st.sampled_from([1, 18, 19, 20, 21, 40]))
SPEAKERS = st.sampled_from([frozenset({A}), frozenset({B}), frozenset({A, B}), frozenset({BOT}), None])


def note(record: MeetingRecord, naive: NaiveRecord, fact: tuple[Any, ...], entry: int, purpose: Purpose) -> None:
    """The same fact to both."""
    match fact:
        case ("joined", seat, at_ms):
            record.joined(seat, SeatKind.BOT if seat == BOT else SeatKind.PERSON, at_ms)
            if seat != BOT:
                naive.persons.add(seat)
            naive.moves.setdefault(seat, []).append((at_ms, "join"))
        case ("left", seat, at_ms):
            record.left(seat, at_ms)
            if seat in naive.moves:
                naive.moves[seat].append((at_ms, "leave"))
        case ("yes", seat, at_ms, known_later_ms):
            record.stands(seat, purpose, Standing.GIVEN, at_ms + known_later_ms, entry, said_ms=at_ms)
            naive.said.setdefault((seat, purpose), []).append(Said("given", at_ms + known_later_ms, at_ms, entry))
        case ("no", seat, at_ms, standing):
            record.stands(seat, purpose, standing, at_ms, None)
            naive.said.setdefault((seat, purpose), []).append(Said(standing.value, at_ms, at_ms, None))
        case ("doubt", about, at_ms, begins):
            (record.doubt_from if begins else record.doubt_until)(at_ms, about)
            naive.doubts.append((about, "from" if begins else "until", at_ms))
        case ("voice", seat, at_ms, for_ms):
            record.doubt_voice(seat, at_ms, at_ms + for_ms)
            naive.voice_doubts.append((seat, at_ms, at_ms + for_ms))


def agree(
    record: MeetingRecord,
    naive: NaiveRecord,
    speakers: frozenset[SeatId] | None,
    span_ms: tuple[int, int],
    purpose: Purpose,
) -> None:
    from_ms, to_ms = span_ms
    verdict = judge(record, speakers, from_ms, to_ms, purpose)
    names = None if speakers is None else set(map(str, speakers))
    assert isinstance(verdict, Grounds) == naive.may_use(names, from_ms, to_ms, purpose.value)
    if isinstance(verdict, Grounds):
        yeses = [
            naive.yeses_at(str(seat), each.value, from_ms)
            for seat in record.present(from_ms, to_ms)
            for each in (RECORDING, purpose)
        ]
        assert verdict.entries <= set().union(*yeses)
        needed = speakers if record.rule_over(from_ms, to_ms) is Rule.EACH_VOICE else record.present(from_ms, to_ms)
        assert speakers is not None
        for seat in needed or ():
            assert verdict.entries & naive.yeses_at(str(seat), "recording", from_ms)


@given(
    st.sampled_from([Rule.EVERYONE, Rule.EACH_VOICE]),
    st.lists(st.tuples(FACTS, st.sampled_from([RECORDING, RECORDING, TRANSCRIPTION])), max_size=14),
    st.lists(
        st.tuples(SPANS, SPEAKERS, st.sampled_from([RECORDING, RECORDING, TRANSCRIPTION])), min_size=1, max_size=6
    ),
    st.booleans(),
)
@settings(max_examples=1000, deadline=None)
def test_the_record_equals_the_oracle_whatever_is_noted_in_whatever_order(
    rule: Rule, facts: list[Any], questions: list[Any], everybody_began_well: bool
) -> None:
    record, naive = MeetingRecord(rule), NaiveRecord(everyone_must_agree=rule is Rule.EVERYONE)
    if everybody_began_well:
        for seat in (A, B):
            note(record, naive, ("joined", seat, -60), 0, RECORDING)
            note(record, naive, ("yes", seat, -50, 0), 100 + (seat == B), RECORDING)
            note(record, naive, ("yes", seat, -50, 0), 200 + (seat == B), TRANSCRIPTION)
    for entry, (fact, fact_purpose) in enumerate(facts):
        # Asked in between too: nothing that is remembered may outlive a new fact.
        for (from_ms, length_ms), speakers, purpose in questions[:2]:
            agree(record, naive, speakers, (from_ms, from_ms + length_ms), purpose)
        note(record, naive, fact, entry, fact_purpose)
    for (from_ms, length_ms), speakers, purpose in questions:
        agree(record, naive, speakers, (from_ms, from_ms + length_ms), purpose)
        for seat in (A, B, BOT):
            is_there = naive.is_present(seat, from_ms)
            assert record.present_throughout(seat, from_ms, from_ms + 1) == is_there
            assert (seat in record.present(from_ms, from_ms + 1)) == (is_there and seat in naive.persons)
            is_given = record.standing_at(seat, purpose, from_ms) is Standing.GIVEN
            assert is_given == bool(naive.yeses_at(seat, purpose.value, from_ms))


def everybody_in(rule: Rule, *seats: SeatId) -> MeetingRecord:
    record = MeetingRecord(rule)
    for number, seat in enumerate(seats):
        record.joined(seat, SeatKind.PERSON, 0)
        record.stands(seat, RECORDING, Standing.GIVEN, 10, number)
    return record


def why(record: MeetingRecord, seat: SeatId, from_ms: int, to_ms: int, purpose: Purpose = RECORDING) -> Why | None:
    verdict = judge(record, frozenset({seat}), from_ms, to_ms, purpose)
    return verdict.why if isinstance(verdict, Refusal) else None


def test_one_millisecond_of_somebody_else_shuts_everyone() -> None:
    record = everybody_in(Rule.EVERYONE, A, B)
    record.joined(C, SeatKind.PERSON, 105)
    record.left(C, 106)
    assert why(record, A, 100, 120) is Why.SOMEONE_HAS_NOT_AGREED
    assert why(record, A, 85, 105) is None
    assert why(record, A, 106, 126) is None


def test_each_voice_asks_only_the_speaker() -> None:
    record = everybody_in(Rule.EACH_VOICE, A)
    record.joined(B, SeatKind.PERSON, 0)
    assert why(record, A, 100, 120) is None
    assert why(record, B, 100, 120) is Why.NO_CONSENT
    assert isinstance(judge(record, frozenset({A, B}), 100, 120, RECORDING), Refusal)


def test_a_no_that_comes_late_reaches_back_over_a_yes_noted_before_it() -> None:
    record = everybody_in(Rule.EACH_VOICE, A)
    record.stands(A, RECORDING, Standing.GIVEN, 150, 7)
    record.stands(A, RECORDING, Standing.WITHDRAWN, 100, None)
    assert why(record, A, 80, 100) is None
    assert why(record, A, 81, 101) is Why.NO_CONSENT
    assert why(record, A, 160, 180) is Why.NO_CONSENT


def test_a_yes_said_before_a_known_no_changes_nothing() -> None:
    record = everybody_in(Rule.EACH_VOICE, A)
    record.stands(A, RECORDING, Standing.WITHDRAWN, 100, None)
    record.stands(A, RECORDING, Standing.GIVEN, 90, 7)
    record.stands(A, RECORDING, Standing.GIVEN, 130, 8, said_ms=100)
    assert why(record, A, 140, 160) is Why.NO_CONSENT
    record.stands(A, RECORDING, Standing.GIVEN, 130, 9, said_ms=101)
    assert judge(record, frozenset({A}), 140, 160, RECORDING) == Grounds(entries=frozenset({9}))
    assert why(record, A, 110, 140) is Why.NO_CONSENT


def test_an_ask_after_the_yes_was_said_does_not_undo_it() -> None:
    record = MeetingRecord(Rule.EACH_VOICE)
    record.joined(A, SeatKind.PERSON, 0)
    record.stands(A, RECORDING, Standing.REQUESTED, 100, None)
    record.stands(A, RECORDING, Standing.GIVEN, 120, 1, said_ms=90)
    assert why(record, A, 120, 140) is None


def test_leaving_and_coming_back_keeps_the_answers() -> None:
    record = everybody_in(Rule.EVERYONE, A, B)
    record.left(A, 200)
    record.joined(A, SeatKind.PERSON, 300)
    assert why(record, A, 190, 210) is Why.NOT_PRESENT
    assert why(record, A, 300, 320) is None
    assert why(record, B, 190, 320) is None


def test_a_leave_that_comes_after_the_rejoin_ends_only_the_earlier_stay() -> None:
    record = everybody_in(Rule.EVERYONE, A)
    record.joined(B, SeatKind.PERSON, 100)
    record.joined(B, SeatKind.PERSON, 300)
    record.left(B, 200)
    assert why(record, A, 190, 200) is Why.SOMEONE_HAS_NOT_AGREED
    assert why(record, A, 200, 300) is None
    assert why(record, A, 300, 320) is Why.SOMEONE_HAS_NOT_AGREED


def test_a_join_that_turns_out_older_moves_the_stay_back() -> None:
    record = everybody_in(Rule.EVERYONE, A)
    record.joined(B, SeatKind.PERSON, 200)
    assert why(record, A, 180, 200) is None
    record.joined(B, SeatKind.PERSON, 190)
    assert why(record, A, 180, 200) is Why.SOMEONE_HAS_NOT_AGREED


def test_doubts_end_each_for_itself_and_an_older_one_erases_none() -> None:
    record = everybody_in(Rule.EACH_VOICE, A)
    record.doubt_from(100, "feed")
    record.doubt_from(120, "room")
    record.doubt_until(150, "feed")
    assert why(record, A, 160, 180) is Why.DOUBT
    record.doubt_until(170, "room")
    assert why(record, A, 150, 171) is Why.DOUBT
    assert why(record, A, 170, 190) is None
    record.doubt_from(50, "loop")
    record.doubt_until(60, "loop")
    assert why(record, A, 110, 115) is Why.DOUBT
    record.forget_before(165)
    assert why(record, A, 165, 170) is Why.DOUBT


def test_a_doubt_about_one_voice_is_none_about_another_and_one_in_a_mix_about_all() -> None:
    record = everybody_in(Rule.EACH_VOICE, A, B)
    record.doubt_voice(A, 100, 200)
    assert why(record, A, 80, 101) is why(record, A, 199, 220) is Why.DOUBT
    assert why(record, A, 80, 100) is why(record, A, 200, 220) is None
    assert why(record, B, 100, 120) is None
    assert judge(record, frozenset({A, B}), 150, 170, RECORDING) == Refusal(why=Why.DOUBT)
    record.forget_before(199)
    assert why(record, A, 180, 200) is Why.DOUBT


def test_a_bot_is_no_voice_and_not_asked_but_a_person_stays_a_person() -> None:
    record = everybody_in(Rule.EVERYONE, A)
    record.joined(BOT, SeatKind.BOT, 0)
    assert why(record, A, 100, 120) is None
    assert why(record, BOT, 100, 120) is Why.NOT_A_PERSON
    record.joined(BOT, SeatKind.PERSON, 500)
    record.joined(BOT, SeatKind.BOT, 600)
    assert why(record, A, 100, 120) is Why.SOMEONE_HAS_NOT_AGREED


def test_another_purpose_is_asked_of_the_speakers_and_never_works_alone() -> None:
    record = everybody_in(Rule.EVERYONE, A, B)
    assert why(record, A, 100, 120, TRANSCRIPTION) is Why.NO_CONSENT
    record.stands(A, TRANSCRIPTION, Standing.GIVEN, 10, 5)
    assert judge(record, frozenset({A}), 100, 120, TRANSCRIPTION) == Grounds(entries=frozenset({0, 1, 5}))
    assert why(record, B, 100, 120, TRANSCRIPTION) is Why.NO_CONSENT
    record.stands(A, RECORDING, Standing.WITHDRAWN, 200, None)
    assert why(record, A, 200, 220, TRANSCRIPTION) is Why.NO_CONSENT


@pytest.mark.parametrize("standing", [each for each in Standing if each is not Standing.GIVEN])
def test_nothing_but_given_opens(standing: Standing) -> None:
    record = MeetingRecord(Rule.EACH_VOICE)
    record.joined(A, SeatKind.PERSON, 0)
    record.stands(A, RECORDING, standing, 0, 1)
    assert why(record, A, 100, 120) is Why.NO_CONSENT


def test_unknown_speakers_empty_spans_and_yeses_without_an_entry_are_refused() -> None:
    record = everybody_in(Rule.EACH_VOICE, A)
    for speakers in (None, frozenset[SeatId]()):
        assert judge(record, speakers, 100, 120, RECORDING) == Refusal(why=Why.UNKNOWN_SPEAKER)
    assert why(record, A, 100, 100) is Why.DOUBT
    assert why(record, SeatId("nobody"), 100, 120) is Why.NOT_PRESENT
    with pytest.raises(ValueError, match="log index"):
        record.stands(A, RECORDING, Standing.GIVEN, 0, None)
    assert record.kind_of(A) is SeatKind.PERSON
    assert record.kind_of(SeatId("nobody")) is None
    assert record.standing_at(B, RECORDING, 0) is Standing.UNKNOWN


def test_a_long_history_does_not_slow_the_judgement() -> None:
    """The goal is 5 µs a call; the limit leaves room for a busy machine."""
    record = everybody_in(Rule.EVERYONE, *(SeatId(str(number)) for number in range(40)))
    for number in range(2_000):
        seat = SeatId(str(number % 40))
        at_ms = 1_000 + number * 1_000
        record.stands(seat, RECORDING, Standing.WITHDRAWN, at_ms, None)
        record.stands(seat, RECORDING, Standing.GIVEN, at_ms + 100, 1_000 + number)
        record.left(seat, at_ms + 200)
        record.joined(seat, SeatKind.PERSON, at_ms + 300)
        record.doubt_from(at_ms + 400)
        record.doubt_until(at_ms + 500)
    voices = [frozenset({SeatId(str(number))}) for number in range(8)]
    calls = 0
    begun = time.thread_time()
    for from_ms in range(2_010_000, 2_030_000, 20):
        for speakers in voices:
            assert isinstance(judge(record, speakers, from_ms - 35, from_ms + 20, RECORDING), Grounds)
            calls += 1
    assert (time.thread_time() - begun) / calls < 20e-6
