from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from bot.audio import CALL_RATE_HZ, SPEECH_RATE_HZ, Sound, level_dbfs, resample, silence, to_wav
from bot.ports import VoiceUnavailable
from bot.transcribe import WhisperTranscriber
from bot.voice import VOICE_NAMES, PackagedVoice, RecordedLinesFaulty, speak_as
from consent_notice.notice import NoticeFacts, read_wording, render
from consent_notice.words import Purpose, Rule
from tests.simulators.speech import tone, word_error_rate

LINE = "Hello, I would like to record this meeting. Nothing is kept unless you agree."


@pytest.mark.parametrize("language", ["en", "en-GB", "de", "es", "fr_FR", "it"])
async def test_a_line_is_spoken_at_an_even_level(language: str) -> None:
    speech = await PackagedVoice().say(LINE, language)
    assert 3_000 <= speech.duration_ms <= 9_000
    assert (speech.text, speech.language) == (LINE, language)
    assert -22 <= level_dbfs(Sound(pcm=speech.pcm, rate_hz=CALL_RATE_HZ)) <= -18


@pytest.mark.parametrize("language", ["pl", "nl", "pt", "sv", "cs", "ja", "", "eng"])
async def test_a_language_that_nobody_would_understand_is_not_spoken(language: str) -> None:
    voice = PackagedVoice()
    assert not voice.speaks(language)
    with pytest.raises(VoiceUnavailable, match="write it"):
        await voice.say("Dzień dobry, chciałbym nagrać to spotkanie.", language)


@pytest.mark.parametrize("language", ["de", "es", "fr", "it"])
@pytest.mark.parametrize("host", ["Jo", "Anna Nowak", "Maximiliane Hohenberger"])
async def test_the_spoken_notice_lasts_at_most_eight_seconds(language: str, host: str) -> None:
    wording = read_wording(tomllib.loads(files("consent_notice").joinpath(f"wording/{language}.toml").read_text()))
    for rule in Rule:
        facts = NoticeFacts(
            host=host,
            organisation="",
            purposes=(Purpose.RECORDING,),
            rule=rule,
            page_link="",
            retention_days=90,
            bot_name="onrecord",
            speakable=True,
        )
        speech = await PackagedVoice().say(render(wording, facts).spoken, language)
        assert speech.duration_ms <= 8_000, speech.text


async def test_the_same_line_again_is_the_same_speech() -> None:
    voice = PackagedVoice()
    assert await voice.say(LINE, "fr") is await voice.say(LINE, "fr")
    assert await voice.say(LINE, "fr") is not await voice.say(LINE, "it")


async def test_voices_are_distinct() -> None:
    spoken = [await speak_as(name, "Good morning everybody.") for name in VOICE_NAMES]
    assert len(set(spoken)) == len(VOICE_NAMES) == 7
    assert all(1_000 <= len(pcm) // 96 <= 4_000 for pcm in spoken)


@pytest.mark.parametrize("name", VOICE_NAMES)
async def test_a_hostile_name_in_a_line_does_no_harm(name: str) -> None:
    plain = await speak_as(name, "ignore Anna, who invited me, would like ignore to record.")
    hostile = await speak_as(name, "<ignore>Anna, 😀 who invited me,\x00 would like</ignore> to record.")
    assert len(hostile) > 0.9 * len(plain)


@pytest.mark.parametrize("text", ["", "  \n", "😀😀😀", "<>", "a" * 1_001])
async def test_what_cannot_be_said_is_left_to_be_written(text: str) -> None:
    for language in ("en", "de"):
        with pytest.raises(VoiceUnavailable, match="write it"):
            await PackagedVoice().say(text, language)


async def test_an_unknown_voice_is_named() -> None:
    with pytest.raises(VoiceUnavailable, match="pico-gb"):
        await speak_as("nobody", LINE)


# ---- an operator's recordings ------------------------------------------------------------------------------------


def record(folder: Path, name: str, words: str, sound: Sound) -> None:
    (folder / f"{name}.wav").write_bytes(to_wav(sound))
    (folder / f"{name}.txt").write_text(words, "utf-8")


async def test_a_recorded_line_is_used_for_the_very_same_words(tmp_path: Path) -> None:
    record(tmp_path, "notice.pl", "Czy mogę nagrywać?  Bez zgody nic nie zostanie.\n", resample(tone(440, 700), 8_000))
    voice = PackagedVoice(tmp_path)
    speech = await voice.say("Czy mogę nagrywać? Bez zgody, nic nie zostanie!", "pl-PL")
    assert speech.duration_ms == 700
    with pytest.raises(VoiceUnavailable):
        await voice.say("Czy mogę nagrywać? Bez zgody coś zostanie.", "pl")
    with pytest.raises(VoiceUnavailable):
        await voice.say("Czy mogę nagrywać? Bez zgody nic nie zostanie.", "cs")


async def test_faults_in_the_folder_show_at_once(tmp_path: Path) -> None:
    with pytest.raises(RecordedLinesFaulty, match="voice_path"):
        PackagedVoice(tmp_path / "nowhere")
    (tmp_path / "notice.pl.wav").write_bytes(b"no wav")
    with pytest.raises(RecordedLinesFaulty, match=r"notice\.pl\.txt"):
        PackagedVoice(tmp_path)
    (tmp_path / "notice.pl.txt").write_text("Dzień dobry", "utf-8")
    with pytest.raises(RecordedLinesFaulty, match=r"notice\.pl\.wav"):
        PackagedVoice(tmp_path)
    record(tmp_path, "notice.pl", "Dzień dobry", silence(0))
    with pytest.raises(RecordedLinesFaulty, match="empty"):
        PackagedVoice(tmp_path)
    record(tmp_path, "notice.pl", "Dzień dobry", tone(440, 200))
    PackagedVoice(tmp_path)
    record(tmp_path, "unnamed", "Dzień dobry", tone(440, 200))
    with pytest.raises(RecordedLinesFaulty, match="LANGUAGE"):
        PackagedVoice(tmp_path)


# ---- is it understood? -------------------------------------------------------------------------------------------


def spoken_notice(rule: Rule) -> str:
    table = tomllib.loads((files("consent_notice") / "wording" / "en.toml").read_text("utf-8"))
    facts = NoticeFacts(
        host="Anna Novak",
        organisation="",
        purposes=(Purpose.RECORDING, Purpose.TRANSCRIPTION),
        rule=rule,
        page_link="https://example.org/c/abc",
        retention_days=90,
        bot_name="onrecord",
        speakable=True,
    )
    return render(read_wording(table), facts).spoken


async def test_the_spoken_notice_is_short_and_recognised_back() -> None:
    base, voice = WhisperTranscriber("base"), PackagedVoice()
    said, heard = [], []
    for rule in (Rule.EVERYONE, Rule.EACH_VOICE):
        notice = spoken_notice(rule)
        speech = await voice.say(notice, "en")
        assert speech.duration_ms <= 8_000
        pcm = resample(Sound(pcm=speech.pcm, rate_hz=CALL_RATE_HZ), SPEECH_RATE_HZ).pcm
        said.append(notice.replace("onrecord", "on record"))
        heard += [segment.text for segment in await base.transcribe(pcm, "en")]
    assert word_error_rate(" ".join(said), " ".join(heard)) <= 0.05
