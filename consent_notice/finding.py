"""What the places of all who are concerned mean together: the strictest of host, each participant and bot.

Only ever adds: the bot asks everyone it records for their own yes, whatever this says. Names nobody; what follows for
one meeting's rule is decided in `settling`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from consent_notice.jurisdictions import Answer, Checked, Jurisdiction, Jurisdictions, Least, Located


class Whose(StrEnum):
    """Whose place it is."""

    HOST = "host"
    PARTICIPANT = "participant"
    BOT = "bot"


class Source(StrEnum):
    """How the place is known."""

    DECLARED = "declared"
    PROFILE = "profile"
    SETTING = "setting"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    whose: Whose
    source: Source
    code: str  # as in the table; empty where it is not known

    def as_told(self) -> tuple[str, str]:
        """As an entry of the log holds it."""
        return self.code, f"{self.whose.value} ({self.source.value})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One plain sentence, with the row that it comes from."""

    text: str
    about: str = ""  # what the sentence begins with: the row's name; empty where it says where somebody is
    cite: str = ""
    checked: Checked = Checked.UNKNOWN_PLACE  # how far the row was checked
    is_derived: bool = False  # of that row's own words, not looked up anywhere

    def line(self) -> str:
        """With its source, as an entry of the log holds it."""
        if self.checked is Checked.UNKNOWN_PLACE:
            return self.text
        derived = "; derived from the row's own words" if self.is_derived else ""
        return f"{self.text} ({self.cite}; {CHECKED_WORDS[self.checked]}{derived})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    text: str
    overlay: str
    cite: str
    checked: Checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The strictest of every place; the same whatever their order."""

    profile: Least
    one_sided: Answer  # may separate voices be kept while another person present has not agreed
    one_sided_because: tuple[str, ...]  # names of rows; empty: of places that are not known
    no_buffer: bool  # nothing may be held in memory, not even for a moment, before everyone agreed
    no_buffer_because: tuple[str, ...]
    announce_on_tape: bool
    disputed: bool
    duties: tuple[Duty, ...]
    reasons: tuple[Reason, ...]

    def is_at_least_as_strict_as(self, other: Finding) -> bool:
        mine, theirs = _strictness(self), _strictness(other)
        return all(one >= two for one, two in zip(mine, theirs, strict=True)) and {*other.duties} <= {*self.duties}


CHECKED_WORDS: Mapping[Checked, str] = MappingProxyType(
    {
        Checked.PRIMARY: "the statute was read",
        Checked.SECONDARY: "a summary was read",
        Checked.MEMORY: "from memory, nothing was read",
    }
)
NOBODY_KNOWS = Place(whose=Whose.HOST, source=Source.UNKNOWN, code="")

_LEAST = (Least.NOTICE_ALL, Least.EXPLICIT_ALL)  # from the laxest to the strictest
_ONE_SIDED = (Answer.YES, Answer.UNCLEAR, Answer.NO)
_ORDER = (Whose.HOST, Whose.PARTICIPANT, Whose.BOT)
_PEOPLE: Mapping[Whose, str] = MappingProxyType(
    {Whose.HOST: "the host", Whose.PARTICIPANT: "a participant", Whose.BOT: "the bot"}
)
_NOBODY = "Where somebody's place is not known"
_SAYS_PROFILE: Mapping[Least, str] = MappingProxyType(
    {
        Least.EXPLICIT_ALL: "everyone's own explicit yes is the least.",
        Least.NOTICE_ALL: "it may be enough that everyone is told. The bot asks everyone all the same.",
    }
)
_SAYS_ONE_SIDED: Mapping[Answer, str] = MappingProxyType(
    {
        Answer.NO: "the voices of those who agreed may not be kept while another person has not agreed.",
        Answer.UNCLEAR: "it is unclear whether the voices of those who agreed may be kept while another has not.",
        Answer.YES: "the voices of those who agreed may be kept while another person has not agreed.",
    }
)
_SAYS_NO_BUFFER = "nothing may be held in memory, not even for a moment, before it is known that everyone agreed."
_SAYS_ANNOUNCE = "the announcement has to be part of the recording."
_SAYS_DISPUTED = "courts or statutes conflict, so the stricter reading counts."


def places_of(*, host: str, usual_host: str, bot: str, declared: Iterable[str]) -> tuple[Place, ...]:
    """Of one meeting. `host`: by their account; `usual_host`, `bot`: by the settings; empty: not known.

    There is always a participant more whose place is not known: whoever joins next.
    """
    host_source = Source.PROFILE if host else Source.SETTING
    told = [(Whose.HOST, host_source, host or usual_host), (Whose.BOT, Source.SETTING, bot)]
    told += [(Whose.PARTICIPANT, Source.DECLARED, code) for code in ("", *sorted({*declared}))]
    return tuple(
        Place(whose=whose, source=source if code else Source.UNKNOWN, code=code)
        for whose, source, code in dict.fromkeys(told)
    )


def place_told(code: str, whose: str) -> Place | None:
    """From an entry of the log; None for what this version does not know."""
    who, _, how = whose.partition(" (")
    try:
        return Place(whose=Whose(who), source=Source(how.removesuffix(")")), code=code)
    except ValueError:
        return None


def combine(table: Jurisdictions, places: Iterable[Place]) -> Finding:
    """Of no place at all nothing is known, and that counts as unknown."""
    there = sorted({*places} or {NOBODY_KNOWS}, key=lambda place: (_ORDER.index(place.whose), place.source, place.code))
    located = {place: table.locate(place.code) for place in there}
    found = list(located.values())
    rows = [row for place in found for row in place.rows]
    profile = _LEAST[max(_LEAST.index(row.profile) for row in rows)]
    one_sided = _ONE_SIDED[max(_ONE_SIDED.index(row.one_sided) for row in rows)]
    for_profile = _first_of_each(found, lambda row: row.profile is profile)
    for_one_sided = _first_of_each(found, lambda row: row.one_sided is one_sided)
    for_no_buffer = _first_of_each(found, lambda row: row.no_buffer)
    for_tape = _first_of_each(found, lambda row: row.announce_on_tape)
    for_disputed = _first_of_each(found, lambda row: row.disputed)
    return Finding(
        profile=profile,
        one_sided=one_sided,
        one_sided_because=tuple(row.name for row in for_one_sided),
        no_buffer=bool(for_no_buffer),
        no_buffer_because=tuple(row.name for row in for_no_buffer),
        announce_on_tape=bool(for_tape),
        disputed=bool(for_disputed),
        duties=tuple(_duties(table, found)),
        reasons=tuple(
            dict.fromkeys(
                (
                    *(_where(place, at) for place, at in located.items()),
                    *_said(for_profile, _SAYS_PROFILE[profile]),
                    *_said(for_one_sided, _SAYS_ONE_SIDED[one_sided], is_derived=True),
                    *_said(for_no_buffer, _SAYS_NO_BUFFER, is_derived=True),
                    *_said(for_tape, _SAYS_ANNOUNCE),
                    *_said(for_disputed, _SAYS_DISPUTED),
                )
            )
        ),
    )


def _first_of_each(found: Sequence[Located], holds: Callable[[Jurisdiction], bool]) -> list[Jurisdiction]:
    """One row a place is reason enough, and one place a row."""
    first = (next((row for row in place.rows if holds(row)), None) for place in found)
    return list(dict.fromkeys(row for row in first if row is not None))


def _duties(table: Jurisdictions, found: Sequence[Located]) -> Iterator[Duty]:
    """In the table's order, each once."""
    apply = {overlay.id for place in found for overlay in place.overlays}
    for overlay in table.overlays:
        if overlay.id in apply:
            for text in dict.fromkeys(overlay.duties):
                yield Duty(text=text, overlay=overlay.id, cite=overlay.cite, checked=overlay.checked)


def _where(place: Place, at: Located) -> Reason:
    who = _PEOPLE[place.whose]
    if not at.name:
        return Reason(text=f"It is not known where {who} is, so the strictest counts.")
    sentence = f"{who[:1].upper()}{who[1:]} ({place.source.value}): {at.name}"
    if at.part_not_stated:
        return Reason(text=f"{sentence}; which part is not stated, so the strictest of its parts counts.")
    if any(not row.code for row in at.rows):
        return Reason(text=f"{sentence}, which the table has no rules of, so the strictest counts.")
    return Reason(text=f"{sentence}.")


def _said(rows: Iterable[Jurisdiction], what: str, *, is_derived: bool = False) -> Iterator[Reason]:
    for row in rows:
        if row.code:
            about, cite, checked = row.name, row.cite, row.checked
            yield Reason(text=f"{about}: {what}", about=about, cite=cite, checked=checked, is_derived=is_derived)
        else:
            yield Reason(text=f"{_NOBODY}: {what}", about=_NOBODY)


def _strictness(finding: Finding) -> tuple[int, ...]:
    return (
        _LEAST.index(finding.profile),
        _ONE_SIDED.index(finding.one_sided),
        int(finding.no_buffer),
        int(finding.announce_on_tape),
        int(finding.disputed),
    )
