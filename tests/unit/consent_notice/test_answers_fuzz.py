"""Texts whose meaning is known by how they were made: none that is spoiled opens; each yes and no in dress is read.

20,000 spoiled ones here, 1,000,000 at night; the same seeds make the same texts.
"""

from __future__ import annotations

from random import Random

import pytest

from consent_notice.answers import OPENING, SHUTTING, Reading, read_answer
from tests.unit.consent_notice.answer_grammar import ANSWERS, NO, OWN_NO, disguised_no, harmless_yes, spoiled_yes
from tests.unit.consent_notice.answer_table import LANGUAGES, PHRASES, PLACES, placed

SHARD = 20_000
CONTEXTS = {language: [placed(language, place) for place in PLACES] for language in LANGUAGES}
WIDEST = {language: (placed(language, "reply"), placed(language, "window")) for language in LANGUAGES}


def check_spoiled(seed: int, count: int) -> None:
    random = Random(seed)
    for _ in range(count):
        language = random.choice(LANGUAGES)
        text = spoiled_yes(random, language)
        # where a yes counts soonest, and anywhere
        for where in (*WIDEST[language], random.choice(CONTEXTS[language])):
            reading = read_answer(text, where, PHRASES).reading
            assert reading not in OPENING, (text, where, reading)


def check_harmless(seed: int, count: int) -> None:
    random = Random(seed)
    for _ in range(count):
        language = random.choice(LANGUAGES)
        own, bare = ANSWERS[language]["own"], ANSWERS[language]["bare"]
        kind = random.choice(["given", "sound_only"])
        text = harmless_yes(random, random.choice(own[kind]))
        where = random.choice([where for where in CONTEXTS[language] if not where.follows_question])
        assert read_answer(text, where, PHRASES).reading == kind, (text, where)
        text = harmless_yes(random, random.choice(bare["given"]))
        for where in WIDEST[language]:
            assert read_answer(text, where, PHRASES).reading is Reading.GIVEN, (text, where)


def check_noes(seed: int, count: int) -> None:
    """Each one is read as a no: own phrases wherever they are said, bare ones where those count."""
    random = Random(seed)
    for _ in range(count):
        language, meeting = random.choice(LANGUAGES), random.choice(LANGUAGES)
        text = disguised_no(random, random.choice(OWN_NO[language]))
        where = random.choice(CONTEXTS[meeting])
        assert read_answer(text, where, PHRASES).reading in SHUTTING, (text, where)
        text = disguised_no(random, random.choice(NO[language]))
        for where in WIDEST[language]:
            assert read_answer(text, where, PHRASES).reading in SHUTTING, (text, where)


@pytest.mark.parametrize("seed", range(4))
def test_no_yes_that_is_spoiled_opens(seed: int) -> None:
    check_spoiled(seed, SHARD // 4)


def test_a_yes_in_harmless_dress_is_read_as_one() -> None:
    check_harmless(0, 4_000)


def test_a_no_in_any_dress_is_read_as_one() -> None:
    check_noes(0, 4_000)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1_000, 1_050))
def test_at_night_none_of_a_million_that_are_spoiled_opens(seed: int) -> None:
    check_spoiled(seed, SHARD)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2_000, 2_010))
def test_at_night_every_yes_and_no_in_dress_is_read(seed: int) -> None:
    check_harmless(seed, SHARD)
    check_noes(seed, SHARD)
