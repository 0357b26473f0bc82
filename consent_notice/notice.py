"""Every sentence of the bot: the notice in its three lengths, and what it says during a meeting.

Wording is data (one table a language, read elsewhere and passed in); this module checks that a table is whole, puts
the facts in, and fixes the exact text that an agreement refers to. It does not decide when anything is said.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from consent_notice.information import NOTHING_STATED, Information, facts_of
from consent_notice.notice_page import PAGE_KEYS, page_text
from consent_notice.words import Purpose, Rule

# Eight seconds at the pace measured of the packaged English voice (12.8 characters a second).
SPOKEN_LIMIT_CHARS = 102
# The other voices are slower (10.2 to 12.4 characters a second).
_SLOWER_LIMIT_CHARS: Mapping[str, int] = MappingProxyType({"de": 88, "es": 80, "fr": 98, "it": 86})
NAME_LIMIT_CHARS = 60
STATEMENT_LIMIT_CHARS = 600


class Say(StrEnum):
    """What the bot says besides the notice; `Wording.say` picks the variant for the rule where there is one."""

    ASK_LATE = "ask_late"
    REMINDER = "reminder"
    RECORDING_STARTED = "recording_started"
    RECORDING_PAUSED = "recording_paused"
    RECORDING_RESUMED = "recording_resumed"
    RECORDING_STOPPED = "recording_stopped"
    THANKS_GIVEN = "thanks_given"
    THANKS_GIVEN_NO_TRANSCRIPT = "thanks_given_no_transcript"
    THANKS_SOUND_ONLY = "thanks_sound_only"
    THANKS_REFUSED = "thanks_refused"
    THANKS_WITHDRAWN = "thanks_withdrawn"
    UNCLEAR = "unclear"
    EXPLANATION = "explanation"
    SAME_NAME = "same_name"
    TYPE_CODE = "type_code"
    CODE_ACCEPTED = "code_accepted"
    CODE_UNKNOWN = "code_unknown"
    ONLY_BY_OWN_SEAT = "only_by_own_seat"
    ANSWER_CHANGED = "answer_changed"
    AGREED_AHEAD = "agreed_ahead"
    STARTED_AS_AGREED = "started_as_agreed"
    OTHER_BOTS = "other_bots"
    ATTESTED = "attested"
    RULE_EVERYONE = "rule_everyone"
    FALLBACK_EACH_VOICE = "fallback_each_voice"
    PHONE_KEYS = "phone_keys"
    PHONE_CODE = "phone_code"
    HOST_UNANSWERED = "host_unanswered"
    HOST_UNANSWERED_FALLBACK = "host_unanswered_fallback"
    CANNOT_RECORD_SEAT = "cannot_record_seat"
    STORAGE_FAILED = "storage_failed"
    DISK_FULL = "disk_full"
    AWAY = "away"
    GOODBYE_NOT_EVERYONE_AGREED = "goodbye_not_everyone_agreed"
    GOODBYE_HOST_STOPPED = "goodbye_host_stopped"
    GOODBYE = "goodbye"
    TILE_NOT_RECORDING = "tile_not_recording"
    TILE_RECORDING = "tile_recording"
    TILE_PAUSED = "tile_paused"


# Sentences whose truth depends on the rule: "I now keep your voice" would be false under `everyone`.
_BY_RULE = frozenset(
    {Say.RECORDING_STARTED, Say.THANKS_GIVEN, Say.THANKS_GIVEN_NO_TRANSCRIPT, Say.THANKS_SOUND_ONLY},
)
_SPOKEN_KEYS = frozenset(f"{rule}{end}" for rule in Rule for end in ("", "_without_host"))
_POST_KEYS = frozenset(
    [
        "greeting",
        "greeting_organisation",
        "ask_sound",
        "ask_sound_transcript",
        "answer_yes_sound",
        "answer_yes_sound_transcript",
        "answer_sound_only",
        "answer_no",
        "silence",
        "rule_everyone",
        "rule_each_voice",
        "rule_presenters",
        "fallback_each_voice",
        "kept",
        "kept_recipients",
        "others",
        "withdraw",
        "page",
    ]
)
_SAY_KEYS = frozenset(
    [say.value for say in Say if say not in _BY_RULE]
    + [f"{say.value}_{rule}" for say in _BY_RULE for rule in (Rule.EVERYONE, Rule.EACH_VOICE)]
    + ["reminder_everyone"]
)
_SECTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "spoken": _SPOKEN_KEYS,
        "post": _POST_KEYS,
        "page": PAGE_KEYS,
        "purposes": frozenset(Purpose),
        "say": _SAY_KEYS,
    }
)
_PHRASES_SHOWN = {"say_yes": "given", "say_sound_only": "sound_only", "say_no": "refused", "say_stop": "stop"}
_FACTS = frozenset(
    {"host", "organisation", "contact", "bot_name", "page_link", "retention_days", "count", "names", "code"}
    | facts_of(NOTHING_STATED).keys()
)


class BadWording(Exception):
    """That wording table is not whole. Compare it with wording/en.toml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFacts:
    """What a notice must tell; all of it comes from the meeting and the settings."""

    host: str
    organisation: str  # may be empty
    contact: str = ""  # where questions and requests go; may be empty
    purposes: tuple[Purpose, ...]
    rule: Rule
    fallback: Rule | None = None  # under `everyone`, what the host may go on with when not all agree; None: nothing
    page_link: str
    retention_days: int
    bot_name: str
    speakable: bool  # a voice that people understand exists for this language; else nothing is spoken
    information: Information = NOTHING_STATED  # the rest of what GDPR articles 13 and 14 want
    publication: int = 0  # which text of this installation it is; counts up with each change
    is_for_invitees: bool = False  # people who are known from a calendar before they are there

    @property
    def states_fallback(self) -> bool:
        """Only then may a host go on with it: nobody is to learn of it after their answer."""
        return self.rule is Rule.EVERYONE and self.fallback is Rule.EACH_VOICE


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice as delivered. `text_sha256` is over `exact_text`, which is retained."""

    id: str
    version: str
    language: str
    spoken: str  # empty: text only
    post: str
    page: str  # paragraphs with an empty line between; a line that starts with "# " is a heading, "- " a list item
    text_sha256: str

    @property
    def exact_text(self) -> str:
        return exact_text(self.spoken, self.post, self.page)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One language's checked table."""

    language: str
    name: str  # of the language, in the language
    notice: str
    version: str
    sections: Mapping[str, Mapping[str, str]]
    shown_phrases: Mapping[str, str]  # what stands for {say_yes} and the like

    def say(self, what: Say, facts: NoticeFacts, *, count: int = 0, names: str = "", code: str = "") -> str:
        """`names`: of other bots; `code`: as it is to be spoken."""
        key = what.value
        if what in _BY_RULE:
            key = f"{key}_{Rule.EVERYONE if facts.rule is Rule.EVERYONE else Rule.EACH_VOICE}"
        elif what is Say.REMINDER and facts.rule is Rule.EVERYONE:
            key = "reminder_everyone"
        return self.sections["say"][key].format_map(
            {**self.values(facts, count), "names": plain(names, 200), "code": code}
        )

    def purpose(self, purpose: Purpose) -> str:
        """What the person is asked for that purpose, as on the page."""
        return self.sections["purposes"][purpose]

    def values(self, facts: NoticeFacts, count: int = 0) -> dict[str, str]:
        return {
            "host": plain(facts.host),
            "organisation": plain(facts.organisation),
            "contact": plain(facts.contact, 200),
            "bot_name": plain(facts.bot_name),
            "page_link": plain(facts.page_link, 2000),
            "retention_days": str(facts.retention_days),
            "count": str(count),
            **{
                name: plain(text, STATEMENT_LIMIT_CHARS).rstrip(".")
                for name, text in facts_of(facts.information).items()
            },
            "names": "",
            "code": "",
            **self.shown_phrases,
        }


def read_wording(table: Mapping[str, Any]) -> Wording:
    """Raises BadWording with every problem at once, one a line."""
    problems = [
        f"{name}: expected a text"
        for name in ("language", "name", "notice", "version")
        if not isinstance(table.get(name), str) or not table[name]
    ]
    sections: dict[str, Mapping[str, str]] = {}
    for section, keys in _SECTIONS.items():
        sentences = table.get(section)
        if not isinstance(sentences, Mapping):
            problems.append(f"[{section}]: missing")
            continue
        problems += [f"{section}.{key}: missing" for key in sorted(keys - sentences.keys())]
        problems += [f"{section}.{key}: not known" for key in sorted(sentences.keys() - keys)]
        problems += [f"{section}.{key}: {fault}" for key, text in sentences.items() for fault in _faults(text)]
        sections[section] = MappingProxyType(dict(sentences))
    shown: dict[str, str] = {}
    own = table.get("answers", {}).get("own", {}) if isinstance(table.get("answers"), Mapping) else {}
    for placeholder, group in _PHRASES_SHOWN.items():
        phrases = own.get(group) if isinstance(own, Mapping) else None
        if not isinstance(phrases, list) or not phrases or not isinstance(phrases[0], str):
            problems.append(f"answers.own.{group}: expected at least one phrase")
            continue
        shown[placeholder] = phrases[0]
    if problems:
        raise BadWording("couldn't use wording:\n" + "\n".join(problems))
    return Wording(
        language=table["language"],
        name=table["name"],
        notice=table["notice"],
        version=table["version"],
        sections=MappingProxyType(sections),
        shown_phrases=MappingProxyType(shown),
    )


def render(wording: Wording, facts: NoticeFacts) -> Notice:
    values = wording.values(facts)
    spoken, post, page = _spoken(wording, facts, values), _post(wording, facts, values), _page(wording, facts, values)
    return Notice(
        id=wording.notice,
        version=f"{wording.version}.{facts.publication}",
        language=wording.language,
        spoken=spoken,
        post=post,
        page=page,
        text_sha256=sha256(exact_text(spoken, post, page).encode()).hexdigest(),
    )


def exact_text(spoken: str, post: str, page: str) -> str:
    """What the hash in each evidence record covers: all three lengths of one notice, links and names included."""
    return f"{spoken}\n\n{post}\n\n{page}\n"


def plain(text: str, limit_chars: int = NAME_LIMIT_CHARS) -> str:
    """One line without control, direction or invisible characters, cut to length; for names that strangers choose."""
    shown = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    line = " ".join(shown.split())
    return line if len(line) <= limit_chars else line[: limit_chars - 1].rstrip() + "…"


def _faults(text: object) -> list[str]:
    if not isinstance(text, str) or not text.strip():
        return ["expected a text"]
    try:
        names = [field for _, field, _, _ in string.Formatter().parse(text) if field is not None]
    except ValueError:
        return ["a brace is not closed"]
    return [f"{{{name}}} is not known" for name in names if name not in _FACTS | _PHRASES_SHOWN.keys()]


def _spoken(wording: Wording, facts: NoticeFacts, values: Mapping[str, str]) -> str:
    if not facts.speakable:
        return ""
    lines = wording.sections["spoken"]
    with_host = lines[facts.rule].format_map(values)
    if values["host"] and len(with_host) <= _SLOWER_LIMIT_CHARS.get(wording.language, SPOKEN_LIMIT_CHARS):
        return with_host
    return lines[f"{facts.rule}_without_host"].format_map(values)


def _post(wording: Wording, facts: NoticeFacts, values: Mapping[str, str]) -> str:
    transcript = Purpose.TRANSCRIPTION in facts.purposes
    keys = ["greeting_organisation" if values["organisation"] else "greeting"]
    keys += ["ask_sound_transcript", "answer_yes_sound_transcript", "answer_sound_only"] if transcript else []
    keys += [] if transcript else ["ask_sound", "answer_yes_sound"]
    keys += ["answer_no"]
    lines = [wording.sections["post"][key].format_map(values) for key in keys]
    kept = "kept_recipients" if facts.information.said("recipients") else "kept"
    fallback = ["fallback_each_voice"] if facts.states_fallback else []
    terms = ("silence", f"rule_{facts.rule}", *fallback, kept, "others", "withdraw")
    lines.append(" ".join(wording.sections["post"][key].format_map(values) for key in terms))
    lines.append(wording.sections["post"]["page"].format_map(values))
    return "\n".join(lines)


def _page(wording: Wording, facts: NoticeFacts, values: Mapping[str, str]) -> str:
    return page_text(
        {key: text.format_map(values) for key, text in wording.sections["page"].items()},
        [wording.purpose(purpose) for purpose in facts.purposes],
        facts.information,
        rule=facts.rule,
        states_fallback=facts.states_fallback,
        names_organisation=bool(values["organisation"]),
        has_contact=bool(values["contact"]),
        is_transcribed=Purpose.TRANSCRIPTION in facts.purposes,
        is_for_invitees=facts.is_for_invitees,
    )
