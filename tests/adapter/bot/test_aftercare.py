from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.aftercare import Aftercare
from bot.audio import Placed, Sound, Span, cut, level_dbfs, mix, silence
from bot.ports import SpokenSegment, Transcriber, TranscriptionFailed, Word
from bot.transcribe import WhisperTranscriber
from consent_notice.decisions import Act
from consent_notice.events import Decided, Event, Means, SeatJoined, VisitOpened
from consent_notice.frames import Encoding, HeardFrame
from consent_notice.gate import AdmittedFrame, Gate, GateTimes
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, SeatKind
from storage.replay import replay
from storage.store import Store
from storage.track_writer import TrackFault
from storage.transcripts import Utterance
from storage.visits import VisitRow
from tests.simulators.speech import PACKET_MS, human_prompt, human_words, opus_packets, tone, word_error_rate

ADA, BEN = SeatId("ada"), SeatId("ben")
SOUND, TEXT = Purpose.RECORDING, Purpose.TRANSCRIPTION
PROMPT = "cannot-complete-as-dialed"
STARTED_MS = 1_000_000


class HandClock:
    boot_id = "boot-1"

    def __init__(self) -> None:
        self.at_ms = STARTED_MS

    def boot_ms(self) -> int:
        return self.at_ms

    def now(self) -> datetime:
        return datetime(2026, 11, 2, 9, 0, tzinfo=UTC) + timedelta(milliseconds=self.at_ms - STARTED_MS)


@dataclass
class Recogniser:
    """Hears one word in whatever it is given, and keeps what that was. `before` may misbehave first."""

    model: str = "simulated sha256:0"
    heard: list[Sound] = field(default_factory=list)
    before: Callable[[int], Awaitable[None]] | None = None

    async def transcribe(self, pcm_16k: bytes, language: str) -> tuple[SpokenSegment, ...]:
        assert language == "en"
        self.heard.append(Sound(pcm=pcm_16k, rate_hz=16_000))
        if self.before:
            await self.before(len(self.heard))
        end_ms = self.heard[-1].duration_ms
        word = Word(start_ms=0, end_ms=end_ms, text="spoken")
        return (SpokenSegment(start_ms=0, end_ms=end_ms, text="spoken", words=(word,)),)


class Meeting:
    """A meeting under `each_voice` with Ada and Ben in it, whose bot keeps what the gate admits."""

    def __init__(self, store: Store, clock: HandClock, visit: VisitRow) -> None:
        self.store = store
        self.clock = clock
        self.visit = visit
        self.faults: list[TrackFault] = []
        self._numbers = itertools.count()

    async def log(self, event: Event) -> int:
        return (await self.store.log.append(event, event_id=f"event-{next(self._numbers)}")).index

    async def opened(self, rule: Rule = Rule.EACH_VOICE) -> None:
        await self.log(
            VisitOpened(
                visit=self.visit.id,
                epoch=self.visit.epoch,
                meeting=self.visit.meeting_id,
                platform="practice",
                host="Host",
                bot_name="onrecord",
                rule=rule,
                path_delay_ms=0,
                boot_id=self.clock.boot_id,
                at_ms=STARTED_MS,
            )
        )
        for seat in (ADA, BEN):
            await self.log(
                SeatJoined(
                    visit=self.visit.id,
                    epoch=self.visit.epoch,
                    seat=seat,
                    seat_kind=SeatKind.PERSON,
                    name=seat,
                    identity_level=IdentityLevel.DISPLAY_NAME,
                    boot_id=self.clock.boot_id,
                    at_ms=STARTED_MS,
                )
            )

    async def decides(self, seat: SeatId, act: Act, at_ms: int, *purposes: Purpose) -> int:
        """`at_ms` from the beginning of the meeting."""
        return await self.log(
            Decided(
                visit=self.visit.id,
                epoch=self.visit.epoch,
                seat=seat,
                acts=tuple((purpose, act) for purpose in purposes),
                means=Means.CHAT,
                identity_level=IdentityLevel.DISPLAY_NAME,
                matched_by="platform seat",
                notice="onrecord-notice",
                notice_version="1",
                notice_language="en",
                notice_sha256="",
                message_id=f"message-{next(self._numbers)}",
                verbatim="",
                reader_version="1",
                boot_id=self.clock.boot_id,
                at_ms=STARTED_MS + at_ms,
            )
        )

    async def keeps(self, sounds: dict[SeatId, Sound]) -> None:
        """Their sound from the beginning of the meeting on, as far as the gate admits it; then the bot leaves."""
        gate = Gate(
            replay(self.store.log.entries_of(self.visit.id), self.clock.boot_id),
            GateTimes(path_delay_ms=0, settle_ms=0),
        )
        writer = self.store.tracks.writer(
            self.visit.id, self.visit.epoch, loop=asyncio.get_running_loop(), on_fault=self.faults.append
        )
        for seat, sound in sounds.items():
            for index, packet in enumerate(opus_packets(sound)):
                frame = HeardFrame(
                    track=f"track-{seat}",
                    speakers=frozenset({seat}),
                    captured_ms=STARTED_MS + index * PACKET_MS,
                    duration_ms=PACKET_MS,
                    rtp_timestamp=index * PACKET_MS * 48,
                    encoding=Encoding.OPUS,
                    payload=packet,
                )
                admitted = gate.admit(frame)
                if isinstance(admitted, AdmittedFrame):
                    writer.keep(admitted)
        await writer.settle_and_close()
        assert self.faults == []
        await self.store.visits.set_transcription(self.visit.id, "waiting")

    async def transcribed(self, transcriber: Transcriber) -> str:
        """The state after everything that waits was worked on."""
        aftercare = Aftercare(self.store, transcriber, self.clock)
        while await aftercare.take_next():
            pass
        visit = await self.store.visits.get(self.visit.id)
        assert visit is not None
        return visit.transcription_state

    async def said(self) -> dict[SeatId, list[Utterance]]:
        rows = await self.store.transcripts.of_visit(self.visit.id)
        return {row.seat: self.store.transcripts.read(row.id) for row in rows}


@pytest.fixture
async def meeting(tmp_path: Path) -> AsyncIterator[Meeting]:
    clock, numbers = HandClock(), itertools.count(1)
    store = await asyncio.to_thread(Store.open, tmp_path / "data", clock, lambda: f"id{next(numbers):024d}")
    host = await store.users.create(email="host@example.org", name="Host", role="host", password_hash="-")
    planned = await store.meetings.add_by_hand(host.id, "http://127.0.0.1/room/abc", "Weekly", rule=Rule.EACH_VOICE)
    epoch = await store.meetings.claim(planned.id, "bots", 10_000)
    assert epoch is not None
    yield Meeting(store, clock, await store.visits.open_visit(planned.id, epoch, Rule.EACH_VOICE, "en"))
    await asyncio.to_thread(store.close)


@pytest.fixture
async def both_agreed(meeting: Meeting) -> Meeting:
    await meeting.opened()
    for seat in (ADA, BEN):
        await meeting.decides(seat, Act.GIVE, 0, SOUND, TEXT)
    return meeting


def speech(*starts_ms: int) -> Sound:
    return mix([Placed(start_ms=at, sound=human_prompt(PROMPT)) for at in starts_ms])


# ---- the words ---------------------------------------------------------------------------------------------------


async def test_what_was_said_is_written_with_its_times_and_consents(meeting: Meeting) -> None:
    await meeting.opened()
    recording = await meeting.decides(ADA, Act.GIVE, 1_000, SOUND)
    text = await meeting.decides(ADA, Act.GIVE, 1_000, TEXT)
    await meeting.keeps({ADA: speech(2_000, 8_000)})
    assert await meeting.transcribed(WhisperTranscriber("tiny.en")) == "done"
    utterances = (await meeting.said())[ADA]
    heard = " ".join(utterance.text for utterance in utterances)
    assert word_error_rate(f"{human_words(PROMPT)} {human_words(PROMPT)}", heard) <= 0.10
    assert abs(utterances[0].start_ms - 2_000) <= 400
    second = next(utterance for utterance in utterances if utterance.start_ms > 6_000)
    assert abs(second.start_ms - 8_000) <= 400
    (row,) = await meeting.store.transcripts.of_visit(meeting.visit.id)
    assert set(row.relies_on) == {recording, text}
    assert row.words == sum(len(utterance.text.split()) for utterance in utterances)
    assert {utterance.segment for utterance in utterances} == set(row.segments)
    assert row.model.startswith("whisper-tiny.en sha256:")


async def test_each_person_gets_a_transcript_of_their_own(both_agreed: Meeting) -> None:
    await both_agreed.keeps({ADA: speech(500), BEN: speech(6_000)})
    assert await both_agreed.transcribed(Recogniser()) == "done"
    said = await both_agreed.said()
    assert [utterance.seat for seat in said for utterance in said[seat]] == [ADA, BEN]
    assert abs(said[ADA][0].start_ms - 500) <= 300
    assert abs(said[BEN][0].start_ms - 6_000) <= 300


# ---- no yes, no text ---------------------------------------------------------------------------------------------


async def test_who_agreed_to_sound_only_is_not_transcribed(meeting: Meeting) -> None:
    await meeting.opened()
    await meeting.decides(ADA, Act.GIVE, 0, SOUND)
    await meeting.keeps({ADA: speech(500)})
    recogniser = Recogniser()
    assert await meeting.transcribed(recogniser) == "done"
    assert recogniser.heard == []
    assert await meeting.said() == {}


async def test_what_was_said_without_a_yes_to_text_is_not_even_decoded(meeting: Meeting) -> None:
    await meeting.opened()
    await meeting.decides(ADA, Act.GIVE, 0, SOUND, TEXT)
    await meeting.decides(ADA, Act.WITHDRAW, 6_000, TEXT)
    await meeting.decides(ADA, Act.GIVE, 7_000, TEXT)
    without_pause = mix(
        [Placed(start_ms=0, sound=speech(0, 5_000, 10_000)), Placed(start_ms=0, sound=tone(440, 15_000))]
    )
    await meeting.keeps({ADA: without_pause})
    recogniser = Recogniser()
    assert await meeting.transcribed(recogniser) == "done"
    (heard,) = recogniser.heard
    first_ms = (await meeting.said())[ADA][0].start_ms
    withdrawn = cut(heard, Span(start_ms=6_000 - first_ms, end_ms=7_000 - first_ms))
    assert level_dbfs(withdrawn) == -math.inf
    assert level_dbfs(cut(heard, Span(start_ms=5_800 - first_ms, end_ms=5_950 - first_ms))) > -30
    assert level_dbfs(cut(heard, Span(start_ms=7_050 - first_ms, end_ms=7_200 - first_ms))) > -30


@pytest.mark.parametrize("purpose", [SOUND, TEXT])
@pytest.mark.parametrize("act", [Act.WITHDRAW, Act.REFUSE, Act.REVOKE])
async def test_a_no_after_the_meeting_still_counts(both_agreed: Meeting, act: Act, purpose: Purpose) -> None:
    await both_agreed.keeps({ADA: speech(500), BEN: speech(500)})
    await both_agreed.decides(ADA, act, 60_000, purpose)
    recogniser = Recogniser()
    assert await both_agreed.transcribed(recogniser) == "done"
    assert list(await both_agreed.said()) == [BEN]
    assert len(recogniser.heard) == 1


async def test_a_no_while_it_is_being_recognised_still_counts(both_agreed: Meeting) -> None:
    await both_agreed.keeps({ADA: speech(500)})

    async def withdraws(_: int) -> None:
        await both_agreed.decides(ADA, Act.WITHDRAW, 60_000, TEXT)

    assert await both_agreed.transcribed(Recogniser(before=withdraws)) == "done"
    assert await both_agreed.said() == {}


async def test_where_nobody_spoke_nothing_is_recognised(both_agreed: Meeting) -> None:
    await both_agreed.keeps({ADA: silence(5_000)})
    recogniser = Recogniser()
    assert await both_agreed.transcribed(recogniser) == "done"
    assert recogniser.heard == []


# ---- trouble -----------------------------------------------------------------------------------------------------


async def test_one_persons_trouble_does_not_stop_the_others(both_agreed: Meeting) -> None:
    await both_agreed.keeps({ADA: speech(500), BEN: speech(500)})

    async def first_fails(number: int) -> None:
        if number == 1:
            raise TranscriptionFailed("couldn't transcribe: no memory; free some")

    state = await both_agreed.transcribed(Recogniser(before=first_fails))
    assert state == "failed: couldn't transcribe: no memory; free some"
    assert list(await both_agreed.said()) == [BEN]


async def test_after_a_crash_only_what_is_missing_is_done(both_agreed: Meeting) -> None:
    await both_agreed.keeps({ADA: speech(500), BEN: speech(500)})

    async def dies_at_the_second(number: int) -> None:
        if number == 2:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await both_agreed.transcribed(Recogniser(before=dies_at_the_second))
    (first,) = await both_agreed.store.transcripts.of_visit(both_agreed.visit.id)

    again = Recogniser()
    await run_until_done(both_agreed, again)
    assert len(again.heard) == 1
    assert sorted(await both_agreed.said()) == [ADA, BEN]
    assert first in await both_agreed.store.transcripts.of_visit(both_agreed.visit.id)
    await both_agreed.store.visits.set_transcription(both_agreed.visit.id, "waiting")
    assert await both_agreed.transcribed(again) == "done"
    assert len(again.heard) == 1


async def test_what_the_disk_does_not_take_is_tried_again(
    both_agreed: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.aftercare.RETRY_S", 0)
    await both_agreed.keeps({ADA: speech(500)})
    in_the_way = both_agreed.store.transcripts.path_of("any").parent
    in_the_way.write_bytes(b"")
    assert await both_agreed.transcribed(Recogniser()) == "waiting"
    in_the_way.unlink()
    assert await both_agreed.transcribed(Recogniser()) == "done"
    assert list(await both_agreed.said()) == [ADA]


async def test_a_damaged_recording_is_named(both_agreed: Meeting) -> None:
    await both_agreed.keeps({ADA: speech(500), BEN: speech(500)})
    (first, *_) = await both_agreed.store.tracks.segments(both_agreed.visit.id)
    (part,) = both_agreed.store.data_dir.glob(f"tracks/*/{first.id}/*.part")
    part.write_bytes(part.read_bytes()[:-100])
    state = await both_agreed.transcribed(Recogniser())
    assert state.startswith("failed: ")
    assert "onrecord verify" in state
    assert list(await both_agreed.said()) == [BEN if first.seats == (ADA,) else ADA]


async def test_what_always_kills_the_process_is_given_up(both_agreed: Meeting) -> None:
    await both_agreed.keeps({ADA: speech(500)})

    async def dies(_: int) -> None:
        raise asyncio.CancelledError

    recogniser = Recogniser(before=dies)
    for _ in range(10):
        with pytest.raises(asyncio.CancelledError):
            await both_agreed.transcribed(recogniser)
        await both_agreed.store.visits.requeue_transcription()
    assert (await both_agreed.transcribed(recogniser)).startswith("failed: it was tried 10 times")
    assert len(recogniser.heard) == 10


async def test_progress_is_told_meanwhile(both_agreed: Meeting) -> None:
    await both_agreed.keeps({ADA: speech(500), BEN: speech(500)})
    told: list[int] = []

    async def looks(_: int) -> None:
        visit = await both_agreed.store.visits.get(both_agreed.visit.id)
        assert visit is not None
        assert visit.transcription_state == "running"
        told.append(visit.transcription_permille)
        both_agreed.clock.at_ms += 5_000

    assert await both_agreed.transcribed(Recogniser(before=looks)) == "done"
    assert told[0] == 0
    assert 300 <= told[1] <= 700


async def run_until_done(meeting: Meeting, transcriber: Transcriber) -> None:
    async def watch(running: Sequence[asyncio.Task[None]]) -> None:
        while True:
            visit = await meeting.store.visits.get(meeting.visit.id)
            if visit is not None and visit.transcription_state == "done":
                break
            await asyncio.sleep(0.02)
        for task in running:
            task.cancel()

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        running = group.create_task(Aftercare(meeting.store, transcriber, meeting.clock).run())
        group.create_task(watch([running]))
