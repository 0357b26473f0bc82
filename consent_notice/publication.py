"""What makes a version of the notice: the sentences of every language and what the installation states in them.

The facts of one meeting (host, rule, link) are no part of it. Says what changed between two versions; whether a change
makes older agreements void is for an admin to say, and is kept in `storage.publications`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from consent_notice.canonical import canonical, read_canonical
from consent_notice.events import JsonValue
from consent_notice.information import facts_of
from consent_notice.notice import NoticeFacts, Wording

_SECTIONS = ("spoken", "post", "page", "purposes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """`content` is canonical JSON: {"facts": {name: text}, "languages": {language: {"section.key": sentence}}}."""

    content: bytes

    @property
    def fingerprint(self) -> str:
        return sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One sentence or fact; an empty side: it was not, or is no longer, there."""

    where: str  # a language, or empty for what the installation states
    what: str
    before: str
    after: str


def text_of(wordings: Mapping[str, Wording], facts: NoticeFacts) -> Text:
    """Of `facts` only what holds for every meeting of the installation."""
    stated: dict[str, JsonValue] = {
        "organisation": facts.organisation,
        "contact": facts.contact,
        "bot_name": facts.bot_name,
        "retention_days": str(facts.retention_days),
        "purposes": ", ".join(facts.purposes),
        **facts_of(facts.information),
    }
    languages: dict[str, JsonValue] = {}
    for language, wording in wordings.items():
        sentences: dict[str, JsonValue] = {"version": wording.version, **wording.shown_phrases}
        for section in _SECTIONS:
            sentences |= {f"{section}.{key}": sentence for key, sentence in wording.sections[section].items()}
        languages[language] = sentences
    return Text(content=canonical({"facts": stated, "languages": languages}))


def changes(before: Text, after: Text) -> tuple[Change, ...]:
    """What the installation states first, then by language."""
    old, new = _sentences(before), _sentences(after)
    return tuple(
        Change(where=where, what=what, before=old.get((where, what), ""), after=new.get((where, what), ""))
        for where, what in sorted(old.keys() | new.keys())
        if old.get((where, what)) != new.get((where, what))
    )


def number_of(version: str) -> int | None:
    """Which publication a notice's version names; None for one that names none."""
    _, dot, number = version.rpartition(".")
    return int(number) if dot and number.isascii() and number.isdigit() and len(number) < 10 else None


def _sentences(text: Text) -> dict[tuple[str, str], str]:
    content = _table(read_canonical(text.content))
    found = {("", name): str(fact) for name, fact in _table(content["facts"]).items()}
    for language, sentences in _table(content["languages"]).items():
        found |= {(language, key): str(sentence) for key, sentence in _table(sentences).items()}
    return found


def _table(value: JsonValue) -> dict[str, JsonValue]:
    assert isinstance(value, dict)
    return value
