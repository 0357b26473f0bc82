from __future__ import annotations

import io
import itertools
import math
import random
import struct
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import pytest

from bot.audio import (
    CALL_RATE_HZ,
    SPEECH_RATE_HZ,
    AudioError,
    KeptFrame,
    Placed,
    Sound,
    Span,
    at_level,
    cut,
    decode,
    from_wav,
    level_dbfs,
    mix,
    resample,
    silence,
    to_ogg,
    to_wav,
    voice_activity,
)
from consent_notice.frames import Encoding
from tests.simulators.speech import PACKET_MS, human_prompt, opus_packets, tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    captured_ms: int
    rtp_timestamp: int
    payload: bytes
    encoding: Encoding = Encoding.OPUS


def kept(sound: Sound, *, from_ms: int = 0, lost: Sequence[int] = (), rtp_from: int = 0) -> list[KeptFrame]:
    """Packet by packet as a room would give them, without those whose index is lost."""
    return [
        Frame(
            captured_ms=from_ms + index * PACKET_MS,
            rtp_timestamp=rtp_from + index * PACKET_MS * 48,
            payload=packet,
        )
        for index, packet in enumerate(opus_packets(sound))
        if index not in lost
    ]


def samples_of(sound: Sound) -> tuple[int, ...]:
    return struct.unpack(f"<{len(sound.pcm) // 2}h", sound.pcm)


def onset_ms(sound: Sound, after_ms: int = 0, threshold: int = 1500) -> float:
    values = samples_of(sound)
    first = after_ms * sound.rate_hz // 1000
    return next(index for index in range(first, len(values)) if abs(values[index]) > threshold) * 1000 / sound.rate_hz


def loudness_dbfs(sound: Sound, from_ms: int, to_ms: int) -> float:
    return level_dbfs(cut(sound, Span(start_ms=from_ms, end_ms=to_ms)))


# ---- decoding ----------------------------------------------------------------------------------------------------


def test_kept_packets_keep_their_times_over_a_gap() -> None:
    beeps = mix([Placed(start_ms=200, sound=tone(440, 300)), Placed(start_ms=1700, sound=tone(440, 300))])
    lost = range(30, 75)  # 600 ms to 1500 ms was not kept
    (stretch,) = decode(kept(beeps, from_ms=5_000, lost=lost))
    assert abs(onset_ms(stretch.sound) - 200) <= 20
    assert abs(onset_ms(stretch.sound, after_ms=1_000) - 1_700) <= 20
    assert stretch.sound.duration_ms == 2_000
    assert set(cut(stretch.sound, Span(start_ms=600, end_ms=1_500)).pcm) == {0}
    assert [anchor.offset_ms for anchor in stretch.anchors] == [0, 1_500]
    assert stretch.captured_at(1_700) == 6_700


def test_a_gap_that_the_capture_clock_saw_longer_is_told_by_the_anchors() -> None:
    frames = kept(tone(440, 400), from_ms=1_000)
    late = [
        Frame(captured_ms=f.captured_ms + 40, rtp_timestamp=f.rtp_timestamp, payload=f.payload) for f in frames[15:]
    ]
    (stretch,) = decode([*frames[:10], *late])
    assert stretch.captured_at(100) == 1_100
    assert stretch.captured_at(350) == 1_390


def test_the_decoder_begins_anew_after_a_gap() -> None:
    whole = kept(tone(440, 2_000))
    (with_gap,) = decode(whole[:40] + whole[60:])
    (alone,) = decode(whole[60:])
    after_gap = cut(with_gap.sound, Span(start_ms=1_200, end_ms=2_000))
    assert after_gap.pcm == alone.sound.pcm


def test_a_long_gap_ends_the_stretch() -> None:
    early = kept(tone(440, 400), from_ms=1_000)
    later = kept(tone(440, 400), from_ms=61_000, rtp_from=60_000 * 48)
    first, second = decode(early + later)
    assert (first.captured_at(0), second.captured_at(0)) == (1_000, 61_000)
    assert (first.sound.duration_ms, second.sound.duration_ms) == (400, 400)


@pytest.mark.parametrize("rtp_from", [(1_400 + 1_500) * 48, 1 << 40, 0])
def test_timestamps_that_jump_against_the_capture_clock_are_not_believed(rtp_from: int) -> None:
    early = kept(tone(440, 400), from_ms=1_000, rtp_from=1_000 * 48)
    jumped = kept(tone(440, 400), from_ms=1_400, rtp_from=rtp_from)
    stretches = list(decode(early + jumped))
    assert [stretch.sound.duration_ms for stretch in stretches] == [400, 400]
    assert stretches[1].captured_at(0) == 1_400


def test_a_repeated_packet_and_a_broken_one_change_no_time() -> None:
    frames = kept(tone(440, 600))
    broken = Frame(captured_ms=200, rtp_timestamp=frames[10].rtp_timestamp, payload=b"\xff" * 3)
    (stretch,) = decode([*frames[:6], frames[5], *frames[6:10], broken, *frames[11:]])
    assert stretch.sound.duration_ms == 600
    assert loudness_dbfs(stretch.sound, 205, 215) == -math.inf
    assert loudness_dbfs(stretch.sound, 300, 500) > -20


def test_nothing_kept_gives_nothing() -> None:
    assert list(decode([])) == []
    (stretch,) = decode([Frame(captured_ms=0, rtp_timestamp=0, payload=b"")])
    assert stretch.sound.duration_ms == 0


def test_pcm_frames_decode_like_packets() -> None:
    sound = tone(1_000, 200)
    frames = [
        Frame(
            captured_ms=index * 20,
            rtp_timestamp=index * 960,
            payload=sound.pcm[index * 1920 : (index + 1) * 1920],
            encoding=Encoding.PCM_S16LE_48K,
        )
        for index in range(10)
    ]
    (stretch,) = decode(frames)
    assert stretch.sound.pcm == resample(sound, SPEECH_RATE_HZ).pcm


# ---- voice activity ----------------------------------------------------------------------------------------------


def test_silence_holds_no_voice() -> None:
    assert voice_activity(silence(3_000)) == ()
    assert voice_activity(silence(0)) == ()


def test_faint_noise_holds_no_voice() -> None:
    chance = random.Random(1)
    pcm = struct.pack("<144000h", *(round(chance.gauss(0, 30)) for _ in range(144_000)))
    assert voice_activity(Sound(pcm=pcm, rate_hz=CALL_RATE_HZ)) == ()


def test_speech_is_found_where_it_lies_beside_a_tone() -> None:
    speech = human_prompt("demo-abouttotry")
    sound = mix([Placed(start_ms=0, sound=tone(200, 4_000, amplitude=0.05)), Placed(start_ms=6_000, sound=speech)])
    spans = voice_activity(sound)
    # a tone may pass for a voice (the recogniser's own detector then finds no words); the pause after it may not
    assert all(span.end_ms <= 4_500 or span.start_ms >= 5_700 for span in spans)
    spans = tuple(span for span in spans if span.start_ms >= 5_700)
    spoken_ms = sum(span.end_ms - span.start_ms for span in spans)
    assert spoken_ms > 0.8 * speech.duration_ms
    assert all(before.end_ms < after.start_ms for before, after in itertools.pairwise(spans))


def test_quiet_speech_is_still_found() -> None:
    speech = human_prompt("demo-abouttotry")
    spans = voice_activity(at_level(speech, -45))
    assert sum(span.end_ms - span.start_ms for span in spans) > 0.7 * speech.duration_ms


# ---- shaping and export ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 24_000, 44_100])
def test_resampling_keeps_length_and_pitch(rate_hz: int) -> None:
    sound = resample(resample(tone(440, 1_000), rate_hz), CALL_RATE_HZ)
    assert abs(sound.duration_ms - 1_000) <= 1
    values = samples_of(sound)[4_800:-4_800]
    crossings = sum(1 for before, after in itertools.pairwise(values) if before < 0 <= after)
    assert abs(crossings - 440 * 0.8) <= 1


def test_wav_and_ogg_have_the_right_length() -> None:
    sound = mix([Placed(start_ms=0, sound=tone(440, 1_000)), Placed(start_ms=2_500, sound=tone(660, 1_250))])
    assert sound.duration_ms == 3_750
    with wave.open(io.BytesIO(to_wav(sound))) as written:
        assert written.getnframes() / written.getframerate() == pytest.approx(3.75, abs=0.001)
    with av.open(io.BytesIO(to_ogg(sound)), mode="r") as container:
        samples = sum(frame.samples for frame in container.decode(container.streams.audio[0]))
    assert samples / CALL_RATE_HZ == pytest.approx(3.75, abs=0.02)


def test_export_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("PATH", str(tmp_path))  # no ffmpeg program to be found
    tmp_path.chmod(0o500)
    sound = from_wav(to_wav(tone(440, 200)))
    assert to_ogg(sound)
    assert list(tmp_path.iterdir()) == []


def test_mixing_adds_and_clips() -> None:
    loud = tone(440, 100, amplitude=0.9)
    mixed = samples_of(mix([Placed(start_ms=0, sound=loud), Placed(start_ms=0, sound=loud)]))
    assert max(mixed) == 32_767
    assert mixed[10] == min(32_767, 2 * samples_of(loud)[10])
    assert mix([]).pcm == b""


def test_cut_takes_the_span() -> None:
    sound = mix([Placed(start_ms=1_000, sound=tone(440, 500))])
    part = cut(sound, Span(start_ms=900, end_ms=1_100))
    assert part.duration_ms == 200
    assert 99 <= onset_ms(part) <= 102


def test_level_is_set_but_peaks_are_spared() -> None:
    assert level_dbfs(at_level(tone(440, 500), -30)) == pytest.approx(-30, abs=0.1)
    assert max(samples_of(at_level(tone(440, 500), 0))) < 32_767
    assert at_level(silence(100), -20) == silence(100)


def test_wav_of_any_shape_is_read() -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as written:
        written.setnchannels(2)
        written.setsampwidth(2)
        written.setframerate(44_100)
        written.writeframes(b"\x00\x10" * 2 * 44_100)
    sound = from_wav(out.getvalue())
    assert (sound.duration_ms, sound.rate_hz) == (1_000, CALL_RATE_HZ)


@pytest.mark.parametrize("wav", [b"", b"RIFF", b"ID3 this is no wav", to_wav(tone(440, 10))[:30]])
def test_what_is_no_wav_is_refused(wav: bytes) -> None:
    with pytest.raises(AudioError, match="WAV"):
        from_wav(wav)
