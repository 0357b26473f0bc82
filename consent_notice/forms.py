"""The forms in which texts are compared: a strict one for a yes, loose ones for a no. Decides nothing.

Every form is made in time that grows with the length of the text and no faster, whatever the text holds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from consent_notice.lookalikes import CYRILLIC_FOR, LATIN_FOR

LONGEST_YES_CHARS = 120  # no listed phrase is longer; read_phrases sees to it
LONGEST_NGRAM_WORDS = 9

_LONGEST_LIGATURE = 4
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"  # what copying from a page leaves behind
_APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ‛´′", "'"))
_SEPARATORS = "-_/,.;:–—+=|"
_TO_LATIN = str.maketrans(dict(LATIN_FOR))
_TO_CYRILLIC = str.maketrans(dict(CYRILLIC_FOR))
_THUMB = re.compile("(?:\\s*(?:\N{THUMBS UP SIGN}[\U0001f3fb-\U0001f3ff]?|\N{WHITE HEAVY CHECK MARK})\ufe0f?)+$")
_HARMLESS_DECOMPOSITIONS = ("<wide>", "<noBreak>", "<narrow>")
_QUESTION_MARKS = "?？؟‽⁇⁈⁉"
_QUOTING = (">", "＞", "❯", "&gt;")
_NO_SIGNS = frozenset("\U0001f44e\u274c\U0001f6ab\u26d4\U0001f6d1\U0001f645")  # thumb down, cross, forbidden, stop sign
_SIGN_DRESS = frozenset(f"\ufe0f\u200d\u2640\u2642!{''.join(map(chr, range(0x1F3FB, 0x1F400)))}")


def strict_form(text: str) -> str | None:
    """For a yes: case, spaces, a comma between words, one full stop, a thumb up and wide letters make no difference.

    None where letters are styled or text direction is tampered with, or where the message has several lines: doubt.
    """
    trimmed = "".join(c for c in text.strip() if c not in _INVISIBLE).translate(_APOSTROPHES)
    if any(_is_odd(character) for character in trimmed):
        return None
    trimmed = " ".join(trimmed.split())
    if len(trimmed) > LONGEST_YES_CHARS:
        return None  # also what keeps the steps below, some of them slow on odd texts, short
    folded = unicodedata.normalize("NFKC", _THUMB.sub("", trimmed)).casefold()
    folded = re.sub(r"(?<=\w)\s*,\s*(?=\w)", " ", folded)  # one between words; "yes," has more to come
    folded = re.sub(r"\s*(?:\.|!{1,3})$", "", folded)
    folded = re.sub(r"^¡{1,3}\s*", "", folded)
    return " ".join(folded.split())


def loose_form(text: str) -> str:
    """For a no: Latin letters by their looks, without accents, marks, punctuation and repetition."""
    return _loose(text, _TO_LATIN)


def loose_forms(text: str) -> tuple[str, ...]:
    """Each way in which a no may be meant: a text with Cyrillic letters is one in Cyrillic, or Latin in disguise.

    A text without any is never read as Cyrillic: "hi" looks like the Ukrainian "ні".
    """
    return (loose_form(text), _loose(text, _TO_CYRILLIC)) if _has_cyrillic(text) else (loose_form(text),)


def loose_phrase(phrase: str) -> str:
    """Of a listed phrase: in its own letters."""
    return _loose(phrase, _TO_CYRILLIC if _has_cyrillic(phrase) else _TO_LATIN)


def is_sign_for_no(text: str) -> bool:
    """Nothing but a thumb down, a cross, a stop sign and their like."""
    signs = [character for character in text if character not in _SIGN_DRESS and not character.isspace()]
    return bool(signs) and all(sign in _NO_SIGNS for sign in signs)


def is_asking(text: str) -> bool:
    """A question mark stands after the last letter, or the Spanish one before the first."""
    if text.lstrip()[:1] == "¿":
        return True
    for character in reversed(text):
        if character in _QUESTION_MARKS:
            return True
        if character.isalnum():
            return False
    return False


def without_question(text: str) -> str:
    return text.strip().strip(_QUESTION_MARKS + "¿¡! ")


def without_quotes(text: str) -> tuple[str, bool]:
    """Drops quoted lines ("> yes"): those are somebody else's words, or their own of another moment.

    A line in »such quotation marks« is the person's own.
    """
    lines = text.splitlines()
    own = [line for line in lines if not _is_quoted(line.lstrip(_INVISIBLE + " \t"))]
    return "\n".join(own), len(own) < len(lines)


def ngrams(loose: str) -> Iterator[str]:
    """Every run of neighbouring words, to look phrases up in."""
    words = loose.split()
    for start in range(len(words)):
        for end in range(start + 1, min(start + LONGEST_NGRAM_WORDS, len(words)) + 1):
            yield " ".join(words[start:end])


def without_phrases(loose: str, phrases: frozenset[str]) -> str:
    """The words that belong to none of the phrases; the longest phrase goes first."""
    words, left, at = loose.split(), [], 0
    while at < len(words):
        for length in range(min(LONGEST_NGRAM_WORDS, len(words) - at), 0, -1):
            if " ".join(words[at : at + length]) in phrases:
                at += length
                break
        else:
            left.append(words[at])
            at += 1
    return " ".join(left)


def _is_odd(character: str) -> bool:
    decomposition = unicodedata.decomposition(character)
    if decomposition.startswith("<") and not (
        decomposition.startswith(_HARMLESS_DECOMPOSITIONS) or character.isspace()
    ):
        return True
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") and character != "\t"


def _is_quoted(line: str) -> bool:
    return line.startswith(_QUOTING) or (line.startswith("»") and "«" not in line)


def _has_cyrillic(text: str) -> bool:
    return any("\u0400" <= character <= "\u052f" for character in text)


def _loose(text: str, looks: Mapping[int, str]) -> str:
    # Marks go first: a long run of them takes quadratic time to bring in order.
    unmarked = "".join(_short(c) for c in text if not unicodedata.category(c).startswith("M"))
    folded = unicodedata.normalize("NFKD", unmarked.translate(looks)).translate(looks).casefold()
    folded = unicodedata.normalize("NFKD", folded).translate(looks)
    spaced = "".join(" " if c.isspace() or c in _SEPARATORS else c for c in folded)
    words = _unstretched("".join(c for c in spaced if c.isalnum() or c == " ")).split()
    if len(words) > 1 and all(len(word) == 1 for word in words):
        words = [_unstretched("".join(words))]  # "s t o p"
    words = _once(words)
    return " ".join(_once([word for at, word in enumerate(words) if at == 0 or word != words[at - 1]]))


def _short(character: str) -> str:
    """Of a sign that stands for a whole phrase (U+FDFA is 18 letters) the first letter: else a short text is long."""
    if character.isascii():
        return character
    letters = unicodedata.normalize("NFKD", character)
    return character if len(letters) <= _LONGEST_LIGATURE else letters[0]


def _once(words: list[str]) -> list[str]:
    """What is said over and over, said once."""
    for length in range(1, LONGEST_NGRAM_WORDS + 1):
        times, rest = divmod(len(words), length)
        if rest == 0 and times > 1 and words[:length] * times == words:
            return words[:length]
    return words


def _unstretched(letters: str) -> str:
    return re.sub(r"([^\W\d_])\1+", r"\1", letters)
