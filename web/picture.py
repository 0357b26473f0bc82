"""The picture of one meeting: its story laid out as lanes, with positions in percent of the picture's width.

Pure; templates only place what stands here. What the story means is told in `replay`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consent_notice.words import Purpose, Standing
from web import display
from web.replay import MeetingStory, SeatStory

_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MOST_TICKS = 7
_LAST_TICK = 97.0  # percent; further right its text would be cut
_JOIN_GAP_MS = 400  # parts closer than this are one stretch to the eye

_BAND = {
    Standing.GIVEN: "consented",
    Standing.REFUSED: "objected",
    Standing.WITHDRAWN: "ended",
    Standing.REVOKED: "ended",
}
_MARK = {
    Standing.GIVEN: "given",
    Standing.REFUSED: "refused",
    Standing.WITHDRAWN: "withdrawn",
    Standing.REVOKED: "withdrawn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    from_ms: int
    to_ms: int
    x: float  # percent
    width: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    at_ms: int
    x: float
    kind: str  # asked, given, refused, withdrawn
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    seat: str
    name: str
    is_bot: bool
    standing: str  # for recording, at the end
    transcript: str  # for transcription, at the end
    present: tuple[Stretch, ...]  # each stay, cut where the standing changes
    kept: tuple[Stretch, ...]  # from first to last sound of each sealed part, pauses included
    marks: tuple[Mark, ...]
    present_ms: int
    kept_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    x: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    length_ms: int
    lanes: tuple[Lane, ...]  # people first, then bots
    whole: tuple[Stretch, ...]  # where anything at all was kept
    kept_ms: int  # length of `whole`, pauses included; a lane's own `kept_ms` is sound alone
    ticks: tuple[Tick, ...]


def draw(story: MeetingStory, now_ms: int | None) -> Picture:
    """`now_ms`: the visit's age while it is running; None once it is over."""
    length_ms = max(story.last_ms, now_ms or 0, 1000)
    lanes = [_lane(seat, length_ms) for seat in story.seats.values()]
    whole = merged((span for seat in story.seats.values() for span in seat.kept), 0)
    return Picture(
        length_ms=length_ms,
        lanes=tuple(sorted(lanes, key=lambda lane: lane.is_bot)),
        whole=tuple(_stretch(start, end, length_ms, "kept", "Recorded") for start, end in whole),
        kept_ms=sum(end - start for start, end in whole),
        ticks=_ticks(length_ms),
    )


def place(at_ms: int, length_ms: int) -> float:
    return round(min(100.0, max(0.0, at_ms * 100 / max(1, length_ms))), 3)


def merged(spans: Iterable[tuple[int, int]], gap_ms: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1] + gap_ms:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _lane(seat: SeatStory, length_ms: int) -> Lane:
    stays = [(start, length_ms if end is None else end) for start, end in seat.stays]
    marks = [Mark(at_ms=at, x=place(at, length_ms), kind="asked", text=_at("Asked", at)) for at in seat.asked_ms]
    for told in seat.told:
        kind = _MARK.get(told.recording)
        if kind is not None:
            words = display.acts_text(tuple((purpose.value, act.value) for purpose, act in told.decided.acts))
            marks.append(Mark(at_ms=told.at_ms, x=place(told.at_ms, length_ms), kind=kind, text=_at(words, told.at_ms)))
    kept = merged(seat.kept, _JOIN_GAP_MS)
    return Lane(
        seat=seat.seat,
        name=seat.name,
        is_bot=not seat.is_person,
        standing=seat.standing(Purpose.RECORDING).value,
        transcript=seat.standing(Purpose.TRANSCRIPTION).value,
        present=tuple(_bands(stays, seat, length_ms)),
        kept=tuple(_stretch(start, end, length_ms, "kept", "Recorded") for start, end in kept),
        marks=tuple(sorted(marks, key=lambda mark: mark.at_ms)),
        present_ms=sum(end - start for start, end in stays),
        kept_ms=seat.kept_ms,
    )


def _bands(stays: Sequence[tuple[int, int]], seat: SeatStory, length_ms: int) -> Iterable[Stretch]:
    changes = [(0, Standing.UNKNOWN), *((told.at_ms, told.recording) for told in seat.told)]
    for start, end in stays:
        for number, (at, standing) in enumerate(changes):
            until = changes[number + 1][0] if number + 1 < len(changes) else length_ms
            from_ms, to_ms = max(start, at), min(end, max(until, at))
            if from_ms < to_ms:
                words = display.in_words(display.STANDING_WORDS, standing.value)
                text = "Present" if standing is Standing.UNKNOWN else f"Present: {words.lower()}"
                yield _stretch(from_ms, to_ms, length_ms, _BAND.get(standing, "present"), text)


def _stretch(from_ms: int, to_ms: int, length_ms: int, kind: str, text: str) -> Stretch:
    x = place(from_ms, length_ms)
    return Stretch(
        from_ms=from_ms,
        to_ms=to_ms,
        x=x,
        width=max(0.15, round(place(to_ms, length_ms) - x, 3)),
        kind=kind,
        text=f"{text}, {display.clock_text(from_ms)} to {display.clock_text(to_ms)}",
    )


def _ticks(length_ms: int) -> tuple[Tick, ...]:
    step_s = next((step for step in _STEPS_S if length_ms / 1000 / step <= _MOST_TICKS), _STEPS_S[-1])
    return tuple(
        Tick(x=place(at, length_ms), text=display.clock_text(at))
        for at in range(0, length_ms + 1, step_s * 1000)
        if place(at, length_ms) <= _LAST_TICK
    )


def _at(text: str, at_ms: int) -> str:
    return f"{text}, at {display.clock_text(at_ms)}"
