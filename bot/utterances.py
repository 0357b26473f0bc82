"""PURE: which kept frames may become text, in which pieces their sound is recognised, and how recognised words are
parted into utterances.

Frames are judged again, one by one, for `transcription`; nothing here asks about recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.audio import KeptFrame, Span
from bot.ports import SpokenSegment, Word
from consent_notice.frames import judged_from_ms
from consent_notice.rules import Grounds, MeetingRecord, judge
from consent_notice.words import Purpose, SeatId, Standing

WINDOW_SPEECH_MS = 25_000  # the recogniser works in pieces of 30 s of speech
WINDOW_MS = 300_000  # bounds memory; only 5 minutes without any pause are cut inside a word
PAUSE_MS = 1_200  # a longer one within a recognised sentence makes two utterances of it

# These end what may still be done with what was kept. A yes that only has to be given anew, after the bot lost its
# connection, does not.
_NO_LONGER = frozenset({Standing.REFUSED, Standing.WITHDRAWN, Standing.REVOKED, Standing.EXPIRED, Standing.INVALIDATED})


class StoredSound(KeptFrame, Protocol):
    """A kept frame with its length."""

    @property
    def duration_ms(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Words without a long pause, in milliseconds from the beginning of the sound given."""

    start_ms: int
    end_ms: int
    text: str
    words: int


class Allowed:
    """The frames of one segment that may become text, and the log entries that they rely on as they are taken."""

    def __init__(self, record: MeetingRecord, speakers: frozenset[SeatId], path_delay_ms: int) -> None:
        self._record = record
        self._speakers = speakers
        self._path_delay_ms = path_delay_ms
        self.relies_on: set[int] = set()

    def of(self, frames: Iterable[StoredSound]) -> Iterator[StoredSound]:
        """Judged over the span that the gate judges."""
        for frame in frames:
            from_ms = judged_from_ms(frame.captured_ms, frame.duration_ms, frame.encoding, self._path_delay_ms)
            to_ms = frame.captured_ms + frame.duration_ms
            verdict = judge(self._record, self._speakers, from_ms, to_ms, Purpose.TRANSCRIPTION)
            if isinstance(verdict, Grounds):
                self.relies_on |= verdict.entries
                yield frame


def is_still_willing(latest: Iterable[Standing]) -> bool:
    """From a person's latest standings for recording and transcription: a no said after the meeting counts as well."""
    return not _NO_LONGER.intersection(latest)


def windows(spans: Sequence[Span]) -> list[Span]:
    """Spans of activity joined into pieces worth one run of the recogniser each, cut where nobody speaks."""
    found: list[Span] = []
    spoken_ms = 0
    for span in _cut_to_length(spans):
        if found and spoken_ms < WINDOW_SPEECH_MS and span.end_ms - found[-1].start_ms <= WINDOW_MS:
            found[-1] = Span(start_ms=found[-1].start_ms, end_ms=span.end_ms)
            spoken_ms += span.end_ms - span.start_ms
        else:
            found.append(span)
            spoken_ms = span.end_ms - span.start_ms
    return found


def _cut_to_length(spans: Iterable[Span]) -> Iterator[Span]:
    for span in spans:
        for start_ms in range(span.start_ms, span.end_ms, WINDOW_MS):
            yield Span(start_ms=start_ms, end_ms=min(start_ms + WINDOW_MS, span.end_ms))


def turns(recognised: Iterable[SpokenSegment]) -> list[Turn]:
    """In the recogniser's order. Without word times a recognised segment is one turn."""
    found: list[Turn] = []
    for segment in recognised:
        if not segment.words:
            count = len(segment.text.split())
            found.append(Turn(start_ms=segment.start_ms, end_ms=segment.end_ms, text=segment.text, words=count))
            continue
        for group in _parted(segment.words):
            text = " ".join(word.text for word in group)
            count = len(text.split())
            found.append(Turn(start_ms=group[0].start_ms, end_ms=group[-1].end_ms, text=text, words=count))
    return [turn for turn in found if turn.words]


def _parted(words: Sequence[Word]) -> Iterator[list[Word]]:
    group: list[Word] = []
    for word in words:
        if group and word.start_ms - group[-1].end_ms > PAUSE_MS:
            yield group
            group = []
        group.append(word)
    yield group
