"""The notice texts as they are installed."""

from __future__ import annotations

from config.wording import languages, wordings


def test_english_comes_first_and_every_language_has_its_texts() -> None:
    assert languages()[0] == "en"
    assert "pl" in languages()
    assert set(wordings()) == set(languages())
    english = set(wordings()["en"])
    assert english
    assert all(set(wording) == english for wording in wordings().values())
