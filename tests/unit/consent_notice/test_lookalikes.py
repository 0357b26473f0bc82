"""The rows of look-alike letters are what they say: other letters, each to one plain Latin letter."""

from __future__ import annotations

import unicodedata

from consent_notice.lookalikes import CYRILLIC_FOR, LATIN_FOR


def test_each_row_leads_from_another_letter_to_a_plain_latin_one() -> None:
    for other, latin in LATIN_FOR.items():
        assert len(other) == 1
        assert "a" <= latin <= "z"
        assert not "a" <= other <= "z"


def test_each_cyrillic_row_leads_from_another_letter_to_a_ukrainian_one() -> None:
    for other, letter in CYRILLIC_FOR.items():
        assert len(other) == 1
        assert letter in "абвгдеєжзиіклмнопрстуфхцчшщьюя"
        assert other == "ґ" or not "а" <= other <= "я"


def test_no_letter_of_the_notices_languages_reads_as_another() -> None:
    """Accents go by decomposition; only what has none needs a row, and it leads to its own base letter."""
    for letter in "ąćęńóśźżäöüßéèñ":
        base = unicodedata.normalize("NFKD", letter)[0]
        assert LATIN_FOR.get(letter, base) == base
    assert LATIN_FOR["ł"] == "l"
