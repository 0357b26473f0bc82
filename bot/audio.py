"""Sound as PCM in memory: reading WAV, decoding kept packets by their timestamps, resampling, voice activity, cutting,
mixing and export. Hides pydub, webrtcvad and PyAV's codecs; the only importer of the first two.

No sound touches a file here, clear or not, and no ffmpeg program is needed: pydub sees PCM and WAV in memory only.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import av
import av.audio
import webrtcvad
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import FFmpegError
from av.packet import Packet

from consent_notice.frames import Encoding

with warnings.catch_warnings():  # pydub warns of a missing ffmpeg program, of audioop and of its own string escapes
    warnings.simplefilter("ignore")
    from pydub import AudioSegment
    from pydub.exceptions import PydubException

CALL_RATE_HZ = 48_000  # what rooms carry, and the RTP clock of Opus (RFC 7587 section 4.1)
SPEECH_RATE_HZ = 16_000  # what voice activity and recognition take
BYTES_A_SAMPLE = 2

ACTIVITY_FRAME_MS = 20
ACTIVITY_ONSET_FRAMES = 3  # 60 ms of voice within 100 ms begin a span
ACTIVITY_WINDOW_FRAMES = 5
ACTIVITY_HANGOVER_FRAMES = 20  # 400 ms without voice end it
ACTIVITY_PAD_MS = 200  # soft beginnings and ends of words lie outside what webrtcvad marks

MAX_FILLED_GAP_MS = 2_000  # a longer gap ends the stretch instead of being filled
CLOCK_DISAGREEMENT_MS = 500  # a sender's timestamps that jump further than the capture clock are not believed


class AudioError(Exception):
    """That sound cannot be read. Give 16-bit PCM, mono or stereo, as a WAV file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Mono 16-bit little-endian PCM."""

    pcm: bytes
    rate_hz: int

    @property
    def duration_ms(self) -> int:
        return len(self.pcm) * 1000 // (BYTES_A_SAMPLE * self.rate_hz)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Half-open, in milliseconds from the beginning of the sound."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A sound and where it begins in the mix."""

    start_ms: int
    sound: Sound


class KeptFrame(Protocol):
    """What decoding needs of a frame; stored frames and heard ones both are of this shape."""

    @property
    def captured_ms(self) -> int: ...
    @property
    def rtp_timestamp(self) -> int: ...
    @property
    def encoding(self) -> Encoding: ...
    @property
    def payload(self) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """At this offset of a stretch lies the sound that was captured then."""

    offset_ms: int
    captured_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Decoded frames in their places; gaps between them are silence. One anchor for each unbroken run of frames."""

    sound: Sound
    anchors: tuple[Anchor, ...]

    def captured_at(self, offset_ms: int) -> int:
        """Boot clock time of the sound at that offset; inside a gap, counted on from the frame before it."""
        anchor = next((a for a in reversed(self.anchors) if a.offset_ms <= offset_ms), self.anchors[0])
        return anchor.captured_ms + offset_ms - anchor.offset_ms


# ---- decoding what was kept --------------------------------------------------------------------------------------


def decode(frames: Iterable[KeptFrame], *, max_filled_gap_ms: int = MAX_FILLED_GAP_MS) -> Iterator[Stretch]:
    """Mono sound at SPEECH_RATE_HZ, placed by RTP time; frames of one track in the order of that time.

    The decoder begins anew after every gap, so that nothing of what lies between two kept packets can colour the
    second. A packet that does not decode is a gap; one that repeats a time already filled is dropped.
    """
    building: _StretchBuilder | None = None
    for frame in frames:
        if building is not None and not building.takes(frame, max_filled_gap_ms):
            yield building.finished()
            building = None
        if building is None:
            building = _StretchBuilder(frame)
        building.add(frame)
    if building is not None:
        yield building.finished()


class _StretchBuilder:
    def __init__(self, first: KeptFrame) -> None:
        self._pcm = bytearray()
        self._anchors: list[Anchor] = []
        self._run = _Run()
        self._next_rtp = first.rtp_timestamp
        self._next_captured_ms = first.captured_ms

    def takes(self, frame: KeptFrame, max_filled_gap_ms: int) -> bool:
        gap_ms = (frame.rtp_timestamp - self._next_rtp) * 1000 // CALL_RATE_HZ
        captured_gap_ms = frame.captured_ms - self._next_captured_ms
        return gap_ms <= max_filled_gap_ms and abs(gap_ms - captured_gap_ms) <= CLOCK_DISAGREEMENT_MS

    def add(self, frame: KeptFrame) -> None:
        if frame.rtp_timestamp < self._next_rtp:
            return
        if frame.rtp_timestamp > self._next_rtp:
            self._end_run()
            filled = (frame.rtp_timestamp - self._next_rtp) * SPEECH_RATE_HZ // CALL_RATE_HZ
            self._pcm.extend(bytes(filled * BYTES_A_SAMPLE))
            self._next_rtp = frame.rtp_timestamp
        starts_run = self._run.is_empty
        samples = self._run.add(frame)
        if samples and starts_run:
            offset_ms = len(self._pcm) * 1000 // (BYTES_A_SAMPLE * SPEECH_RATE_HZ)
            self._anchors.append(Anchor(offset_ms=offset_ms, captured_ms=frame.captured_ms))
        self._next_rtp += samples
        if samples:
            self._next_captured_ms = frame.captured_ms + samples * 1000 // CALL_RATE_HZ

    def finished(self) -> Stretch:
        self._end_run()
        anchors = tuple(self._anchors) or (Anchor(offset_ms=0, captured_ms=self._next_captured_ms),)
        return Stretch(sound=Sound(pcm=bytes(self._pcm), rate_hz=SPEECH_RATE_HZ), anchors=anchors)

    def _end_run(self) -> None:
        self._pcm.extend(self._run.ended())
        self._run = _Run()


class _Run:
    """Frames without a gap: one decoder, one resampler."""

    def __init__(self) -> None:
        self._decoder: AudioCodecContext | None = None
        self._resampler = AudioResampler(format="s16", layout="mono", rate=SPEECH_RATE_HZ)
        self._pcm = bytearray()
        self._samples = 0

    @property
    def is_empty(self) -> bool:
        return self._samples == 0

    def add(self, frame: KeptFrame) -> int:
        """Samples at CALL_RATE_HZ that the frame held; 0 where it holds nothing that decodes."""
        if frame.encoding is Encoding.PCM_S16LE_48K:
            whole = len(frame.payload) // BYTES_A_SAMPLE * BYTES_A_SAMPLE
            decoded = [_frame(frame.payload[:whole], CALL_RATE_HZ)] if whole else []
        else:
            decoded = self._opus(frame.payload)
        samples = sum(item.samples for item in decoded)
        for item in decoded:
            self._pcm.extend(_resampled(self._resampler, item))
        self._samples += samples
        return samples

    def ended(self) -> bytes:
        if self._samples:
            self._pcm.extend(_resampled(self._resampler, None))
        return bytes(self._pcm)

    def _opus(self, payload: bytes) -> list[AudioFrame]:
        if not payload:
            return []
        if self._decoder is None:
            # libopus and not FFmpeg's own decoder: it gives every packet its full length, which keeps times exact
            self._decoder = av.CodecContext.create("libopus", "r")
            self._decoder.sample_rate = CALL_RATE_HZ
            self._decoder.layout = "mono"
        try:
            return list(self._decoder.decode(Packet(payload)))
        except FFmpegError:
            self._decoder = None
            return []


# ---- voice activity ----------------------------------------------------------------------------------------------


def voice_activity(sound: Sound, *, aggressiveness: int = 3) -> tuple[Span, ...]:
    """Where somebody may be speaking, padded, in order, without overlaps; empty where nobody is."""
    pcm = resample(sound, SPEECH_RATE_HZ).pcm
    detector = webrtcvad.Vad(aggressiveness)
    frame_bytes = SPEECH_RATE_HZ * ACTIVITY_FRAME_MS // 1000 * BYTES_A_SAMPLE
    voiced = [
        detector.is_speech(pcm[at : at + frame_bytes], SPEECH_RATE_HZ)
        for at in range(0, len(pcm) - frame_bytes + 1, frame_bytes)
    ]
    spans: list[Span] = []
    for first, last in _voiced_runs(voiced):
        start_ms = max(0, first * ACTIVITY_FRAME_MS - ACTIVITY_PAD_MS)
        end_ms = min(sound.duration_ms, (last + 1) * ACTIVITY_FRAME_MS + ACTIVITY_PAD_MS)
        if spans and start_ms <= spans[-1].end_ms:
            start_ms = spans.pop().start_ms
        spans.append(Span(start_ms=start_ms, end_ms=end_ms))
    return tuple(spans)


def _voiced_runs(voiced: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """First and last voiced frame of each run."""
    first: int | None = None
    last = 0
    for index, is_voiced in enumerate(voiced):
        if is_voiced:
            last = index
            window_start = max(0, index - ACTIVITY_WINDOW_FRAMES + 1)
            if first is None and sum(voiced[window_start : index + 1]) >= ACTIVITY_ONSET_FRAMES:
                first = voiced.index(True, window_start)
        elif first is not None and index - last > ACTIVITY_HANGOVER_FRAMES:
            yield first, last
            first = None
    if first is not None:
        yield first, last


# ---- reading, shaping, export ------------------------------------------------------------------------------------


def from_wav(wav: bytes, rate_hz: int = CALL_RATE_HZ) -> Sound:
    """Any rate and number of channels in, mono at `rate_hz` out. Raises AudioError."""
    try:
        segment = AudioSegment(data=wav)
    except (PydubException, struct.error, ValueError, EOFError) as error:
        raise AudioError("couldn't read WAV: expected 16-bit PCM in a WAV file") from error
    if segment.sample_width != BYTES_A_SAMPLE:
        segment = segment.set_sample_width(BYTES_A_SAMPLE)
    return resample(Sound(pcm=segment.set_channels(1).raw_data, rate_hz=segment.frame_rate), rate_hz)


def from_floats(samples: bytes, rate_hz: int) -> Sound:
    """Little-endian 32-bit floats in [-1, 1], as speech engines give them."""
    frame = AudioFrame(format="flt", layout="mono", samples=len(samples) // 4)
    frame.planes[0].update(_padded(samples, frame))
    frame.sample_rate = rate_hz
    resampler = AudioResampler(format="s16", layout="mono", rate=rate_hz)
    return Sound(pcm=_resampled(resampler, frame) + _resampled(resampler, None), rate_hz=rate_hz)


def resample(sound: Sound, rate_hz: int) -> Sound:
    """The same sound at another rate, band-limited, its length kept."""
    if sound.rate_hz == rate_hz or not sound.pcm:
        return Sound(pcm=sound.pcm, rate_hz=rate_hz)
    resampler = AudioResampler(format="s16", layout="mono", rate=rate_hz)
    pcm = _resampled(resampler, _frame(sound.pcm, sound.rate_hz)) + _resampled(resampler, None)
    return Sound(pcm=pcm, rate_hz=rate_hz)


def silence(duration_ms: int, rate_hz: int = CALL_RATE_HZ) -> Sound:
    return Sound(pcm=bytes(duration_ms * rate_hz // 1000 * BYTES_A_SAMPLE), rate_hz=rate_hz)


def level_dbfs(sound: Sound) -> float:
    """Mean loudness against full scale; minus infinity for silence."""
    return float(_segment(sound).dBFS)


def at_level(sound: Sound, dbfs: float, *, peak_dbfs: float = -1.0) -> Sound:
    """The same sound at that mean loudness, or quieter where its peaks would pass `peak_dbfs`."""
    segment = _segment(sound)
    if segment.max == 0:
        return sound
    gain_db = min(dbfs - segment.dBFS, peak_dbfs - segment.max_dBFS)
    return Sound(pcm=segment.apply_gain(gain_db).raw_data, rate_hz=sound.rate_hz)


def cut(sound: Sound, span: Span) -> Sound:
    """The part of the sound in the span; what lies beyond its end is left out."""
    return Sound(pcm=_segment(sound)[span.start_ms : span.end_ms].raw_data, rate_hz=sound.rate_hz)


def mix(placed: Sequence[Placed], rate_hz: int = CALL_RATE_HZ) -> Sound:
    """All of them at once, from 0 to the end of the last; loud sums are clipped, not wrapped."""
    end_ms = max((item.start_ms + item.sound.duration_ms for item in placed), default=0)
    canvas = _segment(silence(end_ms, rate_hz))
    for item in placed:
        canvas = canvas.overlay(_segment(resample(item.sound, rate_hz)), position=item.start_ms)
    return Sound(pcm=canvas.raw_data, rate_hz=rate_hz)


def to_wav(sound: Sound) -> bytes:
    out = io.BytesIO()
    _segment(sound).export(out, format="wav")
    return out.getvalue()


def to_ogg(sound: Sound, *, bit_rate: int = 32_000) -> bytes:
    """Opus in Ogg (RFC 7845)."""
    out = io.BytesIO()
    frame = _frame(resample(sound, CALL_RATE_HZ).pcm, CALL_RATE_HZ)
    frame.pts = 0
    with av.open(out, mode="w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=CALL_RATE_HZ)
        stream.layout = "mono"
        stream.bit_rate = bit_rate
        if frame.samples:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def _segment(sound: Sound) -> AudioSegment:
    return AudioSegment(data=sound.pcm, sample_width=BYTES_A_SAMPLE, frame_rate=sound.rate_hz, channels=1)


def _frame(pcm: bytes, rate_hz: int) -> AudioFrame:
    frame = AudioFrame(format="s16", layout="mono", samples=len(pcm) // BYTES_A_SAMPLE)
    if frame.samples:
        frame.planes[0].update(_padded(pcm, frame))
    frame.sample_rate = rate_hz
    return frame


def _padded(payload: bytes, frame: AudioFrame) -> bytes:
    """FFmpeg's buffers are longer than the sound in them, and are filled whole or not at all."""
    return payload.ljust(frame.planes[0].buffer_size, b"\0")


def _resampled(resampler: AudioResampler, frame: AudioFrame | None) -> bytes:
    return b"".join(
        bytes(item.planes[0])[: item.samples * BYTES_A_SAMPLE] for item in resampler.resample(frame) if item.samples
    )
