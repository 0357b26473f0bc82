from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.audio import Span
from bot.ports import SpokenSegment, Word
from bot.utterances import Allowed, Turn, is_still_willing, turns, windows
from consent_notice.frames import Encoding
from consent_notice.rules import MeetingRecord
from consent_notice.words import Purpose, Rule, SeatId, SeatKind, Standing

ADA, BEN = SeatId("ada"), SeatId("ben")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    captured_ms: int
    duration_ms: int = 20
    rtp_timestamp: int = 0
    encoding: Encoding = Encoding.OPUS
    payload: bytes = b"x"


def meeting(rule: Rule = Rule.EACH_VOICE) -> MeetingRecord:
    """Ada and Ben are there from 0 on; Ada's voice may be kept from 100 on (entry 1)."""
    record = MeetingRecord(rule)
    for seat in (ADA, BEN):
        record.joined(seat, SeatKind.PERSON, 0)
    record.stands(ADA, Purpose.RECORDING, Standing.GIVEN, 100, 1)
    return record


def allowed(record: MeetingRecord, *, path_delay_ms: int = 0, encoding: Encoding = Encoding.OPUS) -> list[int]:
    frames = [Frame(captured_ms=at, encoding=encoding) for at in range(0, 1_000, 20)]
    return [frame.captured_ms for frame in Allowed(record, frozenset({ADA}), path_delay_ms).of(frames)]


# ---- who may be transcribed --------------------------------------------------------------------------------------


def test_recording_alone_is_not_transcription() -> None:
    assert allowed(meeting()) == []


def test_only_what_was_said_under_a_yes_to_transcription() -> None:
    record = meeting()
    record.stands(ADA, Purpose.TRANSCRIPTION, Standing.GIVEN, 400, 2)
    record.stands(ADA, Purpose.TRANSCRIPTION, Standing.WITHDRAWN, 600, None)
    assert allowed(record) == list(range(420, 600, 20))


def test_the_packet_before_and_the_path_count_into_the_span() -> None:
    record = meeting()
    record.stands(ADA, Purpose.TRANSCRIPTION, Standing.GIVEN, 400, 2)
    assert allowed(record)[0] == 420
    assert allowed(record, encoding=Encoding.PCM_S16LE_48K)[0] == 400
    assert allowed(record, path_delay_ms=50)[0] == 480
    short = Allowed(record, frozenset({ADA}), 0).of([Frame(captured_ms=at, duration_ms=2) for at in range(400, 420, 2)])
    assert next(frame.captured_ms for frame in short) == 408


def test_a_withdrawal_of_recording_ends_transcription_too() -> None:
    record = meeting()
    record.stands(ADA, Purpose.TRANSCRIPTION, Standing.GIVEN, 100, 2)
    record.stands(ADA, Purpose.RECORDING, Standing.WITHDRAWN, 300, None)
    assert allowed(record)[-1] == 280


def test_under_everyone_the_others_yes_to_recording_is_relied_on_too() -> None:
    record = meeting(Rule.EVERYONE)
    record.stands(ADA, Purpose.TRANSCRIPTION, Standing.GIVEN, 100, 2)
    assert allowed(record) == []
    record.stands(BEN, Purpose.RECORDING, Standing.GIVEN, 500, 3)
    assert allowed(record)[0] == 520
    taken = Allowed(record, frozenset({ADA}), 0)
    list(taken.of([Frame(captured_ms=600)]))
    assert taken.relies_on == {1, 2, 3}


def test_the_entries_relied_on_are_those_of_both_purposes() -> None:
    record = meeting()
    record.stands(ADA, Purpose.TRANSCRIPTION, Standing.GIVEN, 400, 2)
    taken = Allowed(record, frozenset({ADA}), 0)
    list(taken.of([Frame(captured_ms=200)]))
    assert taken.relies_on == set()
    list(taken.of([Frame(captured_ms=200), Frame(captured_ms=500)]))
    assert taken.relies_on == {1, 2}


@pytest.mark.parametrize(
    ("latest", "willing"),
    [
        ([Standing.GIVEN, Standing.GIVEN], True),
        ([Standing.GIVEN, Standing.REQUESTED], True),  # the bot fell out of the room and had to ask anew
        ([Standing.GIVEN, Standing.WITHDRAWN], False),
        ([Standing.WITHDRAWN, Standing.GIVEN], False),
        ([Standing.REFUSED, Standing.REFUSED], False),
        ([Standing.GIVEN, Standing.REVOKED], False),
        ([Standing.EXPIRED, Standing.GIVEN], False),
        ([Standing.GIVEN, Standing.INVALIDATED], False),
    ],
)
def test_a_later_no_counts(latest: list[Standing], willing: bool) -> None:
    assert is_still_willing(latest) is willing


# ---- pieces ------------------------------------------------------------------------------------------------------


def spans(*pairs: tuple[int, int]) -> list[Span]:
    return [Span(start_ms=start, end_ms=end) for start, end in pairs]


def test_no_activity_no_window() -> None:
    assert windows([]) == []


def test_activity_is_joined_until_it_is_worth_a_run() -> None:
    assert windows(spans((0, 10_000), (12_000, 22_000), (30_000, 40_000), (41_000, 42_000))) == spans(
        (0, 40_000), (41_000, 42_000)
    )


def test_windows_stay_short_enough_for_memory() -> None:
    sparse = spans(*((at, at + 500) for at in range(0, 3_600_000, 60_000)))
    assert all(window.end_ms - window.start_ms <= 300_000 for window in windows(sparse))
    assert windows(spans((0, 700_000))) == spans((0, 300_000), (300_000, 600_000), (600_000, 700_000))


def test_every_span_lies_in_one_window() -> None:
    activity = spans(*((at, at + 700) for at in range(0, 200_000, 1_900)))
    found = windows(activity)
    assert all(sum(w.start_ms <= s.start_ms and s.end_ms <= w.end_ms for w in found) == 1 for s in activity)


# ---- utterances --------------------------------------------------------------------------------------------------


def said(*words: tuple[int, int, str]) -> SpokenSegment:
    return SpokenSegment(
        start_ms=words[0][0],
        end_ms=words[-1][1],
        text=" ".join(text for _, _, text in words),
        words=tuple(Word(start_ms=start, end_ms=end, text=text) for start, end, text in words),
    )


def test_a_long_pause_parts_a_sentence() -> None:
    assert turns([said((0, 400, "Good"), (400, 900, "morning."), (4_000, 4_400, "Shall"), (4_400, 4_600, "we?"))]) == [
        Turn(start_ms=0, end_ms=900, text="Good morning.", words=2),
        Turn(start_ms=4_000, end_ms=4_600, text="Shall we?", words=2),
    ]


def test_without_word_times_the_segment_is_one_turn() -> None:
    segment = SpokenSegment(start_ms=100, end_ms=900, text="Good morning", words=())
    assert turns([segment]) == [Turn(start_ms=100, end_ms=900, text="Good morning", words=2)]


def test_words_that_are_nothing_make_no_turn() -> None:
    assert turns([said((0, 100, ""))]) == []
