"""The settings file as it lies on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.reading import SettingsWrong, load
from config.settings import Settings


def read(file: Path | None, **environment: str) -> Settings:
    return load(file=file, environment=environment, overrides={})


def test_the_environment_wins_over_the_file_setting_by_setting(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'organisation = "Example Ltd"\nweb_port = 9000\n[transcription]\nmodel = "tiny.en"\nenabled = false\n'
    )
    settings = read(file, ONRECORD_WEB_PORT="9001", ONRECORD_TRANSCRIPTION__ENABLED="true")
    assert (settings.organisation, settings.web_port) == ("Example Ltd", 9001)
    assert (settings.transcription.model, settings.transcription.enabled) == ("tiny.en", True)


def test_the_file_of_the_working_directory_is_read_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read(None).organisation == ""
    (tmp_path / "onrecord.toml").write_text('organisation = "Example Ltd"')
    assert read(None).organisation == "Example Ltd"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such file"),
        (b"organisation = Example", "is not TOML"),
        (b"\xff\xfe\x00", "it is not UTF-8"),
    ],
)
def test_a_file_that_can_not_be_read_is_one_problem_beside_the_others(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "mine.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsWrong) as caught:
        read(file, ONRECORD_GRACE_S="0")
    first, second = caught.value.problems
    assert words in first.wrong
    assert str(file) == first.setting
    assert second.setting == "grace_s"


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong, match="can't be read"):
        read(tmp_path)


def test_a_model_folder_of_ones_own_is_kept_as_a_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    assert read(None, ONRECORD_TRANSCRIPTION__MODEL_PATH="model").transcription.model_path == tmp_path / "model"
