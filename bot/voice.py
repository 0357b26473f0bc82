"""The bot's spoken lines: which voice speaks which language, and that a language without an intelligible voice is not
spoken at all. Hides the speech engines, their sample rates, their habits and their locks.

A voice counts as intelligible when speech recognition reads its notice back with at most 15 % wrong words: hibari does
for English, SVOX Pico for the rest of VOICE_OF. espeak-ng was measured for Polish, Dutch, Portuguese, Swedish and Czech
(41 % and worse) and so is not used; those languages are written only, or spoken by an operator's own recordings.
"""

from __future__ import annotations

import asyncio
import re
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bot.audio import CALL_RATE_HZ, AudioError, Sound, at_level, from_floats, from_wav, resample
from bot.ports import Speech, VoiceUnavailable

LEVEL_DBFS = -20.0  # engines differ by 10 dB; a meeting's voices lie around this
REMEMBERED_LINES = 64  # an 8 s line is 0.75 MB
MAX_LINE_CHARS = 1_000  # a minute and a half; Pico takes seconds for more

HEART = "heart"  # hibari, American English; the one voice of it that lies in the package
PICO_VOICES: Mapping[str, str] = MappingProxyType(
    {
        "pico-gb": "en-GB",
        "pico-us": "en-US",
        "pico-de": "de-DE",
        "pico-es": "es-ES",
        "pico-fr": "fr-FR",
        "pico-it": "it-IT",
    }
)
# Words that the voices would say wrongly, and how they are spelled for them.
SAID_AS: Mapping[str, str] = MappingProxyType({"onrecord": "on record"})
VOICE_NAMES = (HEART, *PICO_VOICES)
VOICE_OF: Mapping[str, str] = MappingProxyType(
    {"en": HEART, "de": "pico-de", "es": "pico-es", "fr": "pico-fr", "it": "pico-it"}
)


class RecordedLinesFaulty(Exception):
    """The folder of recorded lines cannot be used. Put a WAV and a text file of the same name into it for each line."""


class PackagedVoice:
    """Speaks by the voices that come with the program, or by an operator's recordings of the very same words.

    `recorded_lines`: a folder with `NAME.LANGUAGE.wav` and `NAME.LANGUAGE.txt` for each line; the text file holds the
    words. A line is taken from it when its words are the same, whatever the case, punctuation and spacing. Raises
    RecordedLinesFaulty at once, so that a fault shows at start and not in a meeting.
    """

    def __init__(self, recorded_lines: Path | None = None) -> None:
        self._recorded = _read_recorded(recorded_lines) if recorded_lines else {}
        self._remembered: OrderedDict[tuple[str, str], Speech] = OrderedDict()

    def speaks(self, language: str) -> bool:
        """Whether any line can be spoken in it; a recorded line may be spoken also where this is False."""
        return _main_part(language) in VOICE_OF

    async def say(self, text: str, language: str) -> Speech:
        """Renders once a line; the same line again costs nothing. Raises VoiceUnavailable."""
        key = (_main_part(language), text)
        if key in self._remembered:
            self._remembered.move_to_end(key)
            return self._remembered[key]
        sound = self._recorded.get((key[0], _words(text)))
        if sound is None:
            voice = VOICE_OF.get(key[0])
            if voice is None:
                raise VoiceUnavailable(f"couldn't speak: no voice here is understood in language {key[0]!r}; write it")
            sound = await asyncio.to_thread(_render, voice, text)
        speech = Speech(text=text, language=language, pcm=sound.pcm)
        self._remembered[key] = speech
        if len(self._remembered) > REMEMBERED_LINES:
            self._remembered.popitem(last=False)
        return speech


async def speak_as(voice_name: str, text: str) -> bytes:
    """One line by one of VOICE_NAMES as 48 kHz mono PCM, for simulated participants. Raises VoiceUnavailable."""
    return (await asyncio.to_thread(_render, voice_name, text)).pcm


# ---- engines, called from worker threads -------------------------------------------------------------------------

_ENGINE_LOCK = threading.Lock()  # Pico keeps its state in globals; hibari loads once
_LOADED: dict[str, Any] = {}


def _render(voice_name: str, text: str) -> Sound:
    speakable = _speakable(text)
    if len(speakable) > MAX_LINE_CHARS:
        raise VoiceUnavailable(f"couldn't speak: a line has at most {MAX_LINE_CHARS} characters; write it")
    if voice_name == HEART:
        render: Callable[[str], Sound] = _by_hibari
    elif voice_name in PICO_VOICES:

        def render(line: str) -> Sound:
            return _by_pico(PICO_VOICES[voice_name], line)
    else:
        raise VoiceUnavailable(f"couldn't speak: no voice is called {voice_name!r}; there are {', '.join(VOICE_NAMES)}")
    with _ENGINE_LOCK:
        sound = render(speakable) if speakable else Sound(pcm=b"", rate_hz=CALL_RATE_HZ)
    if not sound.pcm:
        raise VoiceUnavailable("couldn't speak: nothing in that line can be said aloud; write it")
    return at_level(resample(sound, CALL_RATE_HZ), LEVEL_DBFS)


def _by_hibari(text: str) -> Sound:
    if HEART not in _LOADED:
        try:
            from hibari import Hibari
        except ImportError as error:
            raise VoiceUnavailable("couldn't speak English: package hibari-tts is missing; install it") from error
        _LOADED[HEART] = Hibari(voice=HEART, threads=1)
    engine = _LOADED[HEART]
    samples = engine(text, seed=1)  # with a fixed seed the same line is the same bytes
    return from_floats(samples.astype("<f4").tobytes(), engine.sample_rate)


def _by_pico(pico_voice: str, text: str) -> Sound:
    try:
        import py_nanotts
    except ImportError as error:
        raise VoiceUnavailable("couldn't speak: package py-nanotts is missing; install it") from error
    return Sound(pcm=py_nanotts.NanoTTS().speak(text, voice=pico_voice), rate_hz=16_000)


def _speakable(text: str) -> str:
    """Pico reads <…> as commands and stops at a NUL: a name in the line must not do either."""
    kept = (" " if c in "<>" or unicodedata.category(c).startswith(("C", "So")) else c for c in text)
    words = "".join(kept).split()
    return re.sub(r"\w+", lambda word: SAID_AS.get(word[0].lower(), word[0]), " ".join(words))


def _main_part(language: str) -> str:
    return re.split(r"[-_]", language.strip().lower(), maxsplit=1)[0]


# ---- an operator's recordings ------------------------------------------------------------------------------------


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def _read_recorded(folder: Path) -> dict[tuple[str, str], Sound]:
    if not folder.is_dir():
        raise RecordedLinesFaulty("couldn't read recorded lines: voice_path is no folder; give the folder of the WAVs")
    lines: dict[tuple[str, str], Sound] = {}
    for wav_path in sorted(folder.glob("*.wav")):
        language = wav_path.stem.rpartition(".")[2] if "." in wav_path.stem else ""
        if not language:
            raise RecordedLinesFaulty(f"couldn't read {wav_path.name}: name it NAME.LANGUAGE.wav, as in notice.pl.wav")
        text_path = wav_path.with_suffix(".txt")
        try:
            words = _words(text_path.read_text("utf-8"))
            sound = at_level(from_wav(wav_path.read_bytes(), CALL_RATE_HZ), LEVEL_DBFS)
        except AudioError as error:
            raise RecordedLinesFaulty(f"couldn't read {wav_path.name}: save it as a WAV of 16-bit PCM") from error
        except (OSError, UnicodeDecodeError) as error:
            raise RecordedLinesFaulty(
                f"couldn't read {text_path.name}: put the spoken words there, in UTF-8"
            ) from error
        if not words or not sound.pcm:
            raise RecordedLinesFaulty(f"couldn't use {wav_path.name}: its sound or its words are empty")
        lines[_main_part(language), words] = sound
    return lines
