"""PURE: which meetings a host's rules, and their choices for one calendar, mean: titles by whole words, people by the
domain of their mail address.

Says only yes or no; planning turns that into a verdict. Where it is unknown who somebody is, they are from outside.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from storage.calendar_policy import CalendarPolicy, Externals, Recorded
from storage.host_rules import HostRules

ANY = "*"
NO_POLICY = CalendarPolicy()
# Their addresses belong to people who have nothing in common: of such a domain only the host alone is inside, unless
# the host lists it. Not complete, as no such list is.
PUBLIC_MAIL = frozenset({
    "163.com", "aol.com", "fastmail.com", "free.fr", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net",
    "googlemail.com", "hey.com", "hotmail.com", "icloud.com", "interia.pl", "laposte.net", "libero.it", "live.com",
    "mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "o2.pl", "onet.pl", "op.pl", "orange.fr", "outlook.com",
    "outlook.de", "pm.me", "posteo.de", "proton.me", "protonmail.com", "qq.com", "seznam.cz", "t-online.de",
    "tuta.com", "tutanota.com", "ukr.net", "web.de", "wp.pl", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com", "yahoo.de",
    "yahoo.fr", "yandex.com", "yandex.ru", "ymail.com", "zoho.com",
})  # fmt: skip
# Addresses of calendars, not of anybody.
_OF_NOBODY = frozenset({"group.calendar.google.com", "resource.calendar.google.com", "import.calendar.google.com"})
# What Unicode does not take apart into a letter and its accent.
_PLAIN_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HostWishes:
    """A host's rules and what they chose for this calendar, made ready to be asked many times."""

    phrases: tuple[tuple[str, ...], ...] = ()
    inside: frozenset[str] | None = None  # mail domains; None: people from outside are welcome
    mark: str = ""  # another one where the rules may say something else
    skipped: tuple[tuple[str, ...], ...] = ()  # as `phrases`, of this calendar alone
    recorded: Recorded = Recorded.ALL
    externals: Externals = Externals.ANY
    organisation: frozenset[str] = frozenset()  # mail domains of the host's own

    def bar_title(self, title: str) -> bool:
        words = words_of(title) if self.phrases else ()
        return any(_stands_in(phrase, words) for phrase in self.phrases)

    def skip_title(self, title: str) -> bool:
        words = words_of(title) if self.skipped else ()
        return any(_stands_in(phrase, words) for phrase in self.skipped)

    def skip_people(self, domains: Iterable[str]) -> bool:
        """Whether this calendar's choice about people from outside is against it; in doubt it is."""
        others = {ascii_domain(domain) for domain in domains} - self.organisation - _OF_NOBODY
        if self.externals is Externals.WITHOUT:
            return bool(others)
        return self.externals is Externals.ONLY and not others - {""}

    def bar_people(self, domains: Iterable[str]) -> bool:
        """`domains`: of everybody but the host; an empty one is of somebody unknown."""
        if self.inside is None:
            return False
        return any(ascii_domain(domain) not in self.inside | _OF_NOBODY for domain in domains)


NO_WISHES = HostWishes()


def wishes_of(rules: HostRules, host_address: str, policy: CalendarPolicy = NO_POLICY) -> HostWishes:
    said = json.dumps([rules.written(), host_address, policy.recorded, policy.skip_words, policy.externals])
    organisation = frozenset(inside_domains(rules, host_address))
    return HostWishes(
        phrases=_phrases(rules.never_titled),
        inside=organisation if rules.never_with_outsiders else None,
        mark=hashlib.sha256(said.encode()).hexdigest()[:16],
        skipped=_phrases(policy.skip_words),
        recorded=policy.recorded,
        externals=policy.externals,
        organisation=organisation,
    )


def inside_domains(rules: HostRules, host_address: str) -> list[str]:
    """Whose addresses count as the host's own organisation; none below them, as that may be somebody else's."""
    own = ascii_domain(host_address.rpartition("@")[2])
    domains = [*([own] if own and own not in PUBLIC_MAIL else []), *map(ascii_domain, rules.own_domains)]
    return list(dict.fromkeys(domains))


def ascii_domain(domain: str) -> str:
    """As it goes over the wire, so that two spellings of one name are one; empty for none."""
    domain = domain.strip().rstrip(".").lower()
    try:
        return domain.encode("idna").decode() if domain else ""
    except UnicodeError:
        return domain


def words_of(text: str, *, kept: str = "") -> tuple[str, ...]:
    """Folded and without accents; a symbol (an emoji) is a word of its own, punctuation is none."""
    folded = unicodedata.normalize("NFKD", text).casefold().translate(_PLAIN_LETTERS)
    words: list[str] = [""]
    for character in folded:
        category = unicodedata.category(character)
        if character in kept or category[0] in "LN":
            words[-1] += character
        elif category[0] == "S":
            words += [character, ""]
        elif category[0] != "M" and category != "Cf":  # an accent or an invisible mark parts no word
            words.append("")
    return tuple(word for word in words if word)


def means_everything(phrase: str) -> bool:
    """Nothing but stars: it would bar every meeting."""
    words = _phrase(phrase)
    return bool(words) and all(set(word) == {ANY} for word in words)


def says_nothing(phrase: str) -> bool:
    return not _phrase(phrase)


def _phrases(texts: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(phrase for phrase in map(_phrase, texts) if phrase)


def _phrase(text: str) -> tuple[str, ...]:
    return words_of(text, kept=ANY)


def _stands_in(phrase: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return any(
        all(_fits(pattern, word) for pattern, word in zip(phrase, words[start:], strict=False))
        for start in range(len(words) - len(phrase) + 1)
    )


def _fits(pattern: str, word: str) -> bool:
    """In one go from left to right, so that no pattern of a host takes long."""
    first, *rest = pattern.split(ANY)
    if not rest:
        return pattern == word
    *middle, last = rest
    if not word.startswith(first) or not word.endswith(last) or len(word) < len(first) + len(last):
        return False
    inner, at = word[len(first) : len(word) - len(last)], 0
    for part in middle:
        found = inner.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True
