"""The table of rules on recording by place: reads it strictly, and looks a place up.

It is data that was compiled by reading, no legal advice, and each row says how far it was checked. What several places
mean together is decided in `finding`; which rule a meeting gets, in `settling`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

SCHEMA = 1
EVERYWHERE = "*"


class Checked(StrEnum):
    """What was read for a row; DERIVED: nothing but the row itself. UNKNOWN_PLACE: there is no row."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    MEMORY = "memory"
    DERIVED = "derived"
    UNKNOWN_PLACE = ""


class Parties(StrEnum):
    """Whose consent a recording needs there."""

    ONE = "one_party"
    ALL = "all_party"
    MIXED = "mixed"
    NONE = "none"


class Least(StrEnum):
    """The least that the software does there; it always asks for everyone's own yes, whatever stands here."""

    NOTICE_ALL = "notice_all"
    EXPLICIT_ALL = "explicit_all"


class Answer(StrEnum):
    YES = "yes"
    UNCLEAR = "unclear"
    NO = "no"


class BadJurisdictions(Exception):
    """The table of jurisdictions is not whole. Take the one that came with onrecord, or mend each line named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jurisdiction:
    """One row."""

    code: str  # ISO 3166-1, or 3166-2 for a part of a country; "EU"; "": the row of an unknown place
    name: str
    rule: Parties
    notice_suffices: Answer
    announce_on_tape: bool  # the announcement has to be part of the recording, or stand at its start
    disputed: bool  # the stricter reading counts
    profile: Least
    one_sided: Answer  # may separate voices be kept while another person present has not agreed (derived)
    no_buffer: bool  # not even a moment in memory before everyone agreed (derived)
    cite: str
    checked: Checked
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """Duties that come on top of rows."""

    id: str
    applies_to: tuple[str, ...]  # codes of places or groups, or EVERYWHERE
    cite: str
    checked: Checked
    duties: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Which countries belong together."""

    code: str
    name: str
    members: tuple[str, ...]
    cite: str
    checked: Checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """What the table says of one place: all of `rows` hold there at once, the strictest of each column counts."""

    code: str  # as looked up
    name: str  # "" for a place that nobody can name
    rows: tuple[Jurisdiction, ...]  # never empty; what is closest to the place comes first
    part_not_stated: bool  # only the country is known, and its parts differ
    overlays: tuple[Overlay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Jurisdictions:
    """The whole table, checked."""

    rows: Mapping[str, Jurisdiction]
    overlays: tuple[Overlay, ...]
    groups: tuple[Group, ...]
    countries: Mapping[str, str]  # names of those that have no row of their own, or whose parts differ
    unknown: Jurisdiction  # what counts for an unknown place

    def locate(self, code: str) -> Located:
        """Of a country whose parts differ and whose part is not stated or not known, every part's row counts."""
        code = code.strip().upper()
        country = code.partition("-")[0]
        parts = tuple(row for row in self.rows.values() if row.code.startswith(f"{country}-"))
        groups = tuple(group for group in self.groups if country in group.members)
        own = tuple(self.rows[one] for one in dict.fromkeys((code, country)) if one in self.rows)
        part_not_stated = bool(parts) and code not in {part.code for part in parts}
        if part_not_stated:
            own = (*parts, *own)
        elif (union := self._group(code)) is not None and code in self.rows:
            part_not_stated = True
            own = (*(self.rows.get(member, self.unknown) for member in union.members), self.rows[code])
        baseline = tuple(self.rows[group.code] for group in groups if group.code in self.rows)
        rows = (*own, *baseline, *(() if own else (self.unknown,)))
        named = {code, country, *(group.code for group in groups)} | {row.code for row in rows}
        if part_not_stated:
            named |= {group.code for group in self.groups if set(group.members) & named}
        return Located(
            code=code,
            name=self.name_of(code),
            rows=rows,
            part_not_stated=part_not_stated,
            overlays=tuple(
                overlay
                for overlay in self.overlays
                if EVERYWHERE in overlay.applies_to or named & {*overlay.applies_to}
            ),
        )

    def name_of(self, code: str) -> str:
        """Empty for a code that is not known here; a part that is not known is called by its country."""
        for one in (code, code.partition("-")[0]):
            if one in self.countries:
                return self.countries[one]
            if one in self.rows:
                return self.rows[one].name
        return ""

    def is_known(self, code: str) -> bool:
        """Whether somebody can be said to be there."""
        return code in self.rows or code in self.countries

    def choices(self) -> tuple[tuple[str, str], ...]:
        """Code and name of every place that a person can say they are in, by name; a country before its parts."""
        codes = {*self.rows, *self.countries}
        places = sorted(
            (self.name_of(code.partition("-")[0]), code.find("-"), self.name_of(code), code) for code in codes
        )
        return tuple((code, name) for _, _, name, code in places)

    def _group(self, code: str) -> Group | None:
        return next((group for group in self.groups if group.code == code), None)


_TEXT, _FLAG, _TEXTS = "a text", "true or false", "a list of texts"
_READ = tuple(checked.value for checked in (Checked.PRIMARY, Checked.SECONDARY, Checked.MEMORY))
_ANSWERS = tuple(answer.value for answer in Answer)
_Kinds = Mapping[str, str | tuple[str, ...]]
_META: _Kinds = MappingProxyType(
    {
        "default_profile": (Least.EXPLICIT_ALL.value,),
        "unknown_location": (Least.EXPLICIT_ALL.value,),
        "unknown_one_sided": (Answer.UNCLEAR.value, Answer.NO.value),
        "unknown_no_buffer": _FLAG,
        "unknown_announce_on_tape": _FLAG,
        "combine": ("strictest",),
        "derived": _TEXTS,
    }
)
_JURISDICTION: _Kinds = MappingProxyType(
    {
        "code": _TEXT,
        "name": _TEXT,
        "rule": tuple(parties.value for parties in Parties),
        "notice_suffices": _ANSWERS,
        "announce_on_tape": _FLAG,
        "disputed": _FLAG,
        "profile": tuple(least.value for least in Least),
        "one_sided": _ANSWERS,
        "no_buffer": _FLAG,
        "cite": _TEXT,
        "checked": _READ,
        "source": _TEXT,
        "note": _TEXT,
    }
)
_OVERLAY: _Kinds = MappingProxyType(
    {"id": _TEXT, "applies_to": _TEXTS, "cite": _TEXT, "checked": _READ, "source": _TEXT, "duties": _TEXTS}
)
_GROUP: _Kinds = MappingProxyType({"code": _TEXT, "name": _TEXT, "members": _TEXTS, "cite": _TEXT, "checked": _READ})
_MAY_BE_LEFT_OUT = frozenset({"announce_on_tape", "source", "note"})
_LISTS: Mapping[str, tuple[str, _Kinds]] = MappingProxyType(
    {"jurisdiction": ("code", _JURISDICTION), "overlay": ("id", _OVERLAY), "group": ("code", _GROUP)}
)


def read_jurisdictions(table: Mapping[str, Any]) -> Jurisdictions:
    """Raises BadJurisdictions with every problem at once, one a line."""
    problems = [f"{name}: not known" for name in sorted(table.keys() - {*_LISTS, "meta", "countries"})]
    problems += _meta_problems(table.get("meta"))
    for name in _LISTS:
        problems += _list_problems(name, table.get(name))
    countries = table.get("countries")
    if not isinstance(countries, Mapping):
        problems.append("[countries]: missing")
    else:
        problems += [f"countries.{code}: expected {_TEXT}" for code, name in countries.items() if _is_no_text(name)]
    if not problems:
        problems += _contradictions(table)
    if problems:
        raise BadJurisdictions("couldn't use the table of jurisdictions:\n" + "\n".join(problems))
    rows = [_row(entry) for entry in table["jurisdiction"]]
    meta = table["meta"]
    return Jurisdictions(
        rows=MappingProxyType({row.code: row for row in rows}),
        overlays=tuple(
            Overlay(
                id=entry["id"],
                applies_to=tuple(entry["applies_to"]),
                cite=entry["cite"],
                checked=Checked(entry["checked"]),
                duties=tuple(entry["duties"]),
                source=entry.get("source", ""),
            )
            for entry in table["overlay"]
        ),
        groups=tuple(
            Group(
                code=entry["code"],
                name=entry["name"],
                members=tuple(entry["members"]),
                cite=entry["cite"],
                checked=Checked(entry["checked"]),
            )
            for entry in table["group"]
        ),
        countries=MappingProxyType(dict(table["countries"])),
        unknown=Jurisdiction(
            code="",
            name="",
            rule=Parties.ALL,
            notice_suffices=Answer.NO,
            announce_on_tape=meta["unknown_announce_on_tape"],
            disputed=False,
            profile=Least(meta["unknown_location"]),
            one_sided=Answer(meta["unknown_one_sided"]),
            no_buffer=meta["unknown_no_buffer"],
            cite="",
            checked=Checked.UNKNOWN_PLACE,
        ),
    )


def _row(entry: Mapping[str, Any]) -> Jurisdiction:
    return Jurisdiction(
        code=entry["code"],
        name=entry["name"],
        rule=Parties(entry["rule"]),
        notice_suffices=Answer(entry["notice_suffices"]),
        announce_on_tape=entry.get("announce_on_tape", False),
        disputed=entry["disputed"],
        profile=Least(entry["profile"]),
        one_sided=Answer(entry["one_sided"]),
        no_buffer=entry["no_buffer"],
        cite=entry["cite"],
        checked=Checked(entry["checked"]),
        source=entry.get("source", ""),
        note=entry.get("note", ""),
    )


def _meta_problems(meta: object) -> list[str]:
    if not isinstance(meta, Mapping):
        return ["[meta]: missing"]
    schema = [] if meta.get("schema") == SCHEMA else [f"meta.schema: expected {SCHEMA}, got {meta.get('schema')!r}"]
    return schema + list(_entry_problems("meta", {key: meta[key] for key in meta if key != "schema"}, _META))


def _list_problems(name: str, entries: object) -> Iterator[str]:
    key, kinds = _LISTS[name]
    if not isinstance(entries, list) or not entries:
        yield f"[[{name}]]: missing"
        return
    seen: set[object] = set()
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, Mapping):
            yield f"{name} {number}: expected a table"
            continue
        called = entry.get(key)
        where = f"{name} {called if isinstance(called, str) and called else number}"
        if isinstance(called, str) and called in seen:
            yield f"{where}: there twice"
        seen.add(called if isinstance(called, str) else None)
        yield from _entry_problems(where, entry, kinds)


def _entry_problems(where: str, entry: Mapping[str, Any], kinds: _Kinds) -> Iterator[str]:
    yield from (f"{where}.{key}: missing" for key in sorted(kinds.keys() - entry.keys() - _MAY_BE_LEFT_OUT))
    for key, value in entry.items():
        kind = kinds.get(key)
        if kind is None:
            yield f"{where}.{key}: not known"
        elif isinstance(kind, tuple):
            if value not in kind:
                yield f"{where}.{key}: expected one of {', '.join(kind)}, got {value!r}"
        elif not _is_of(kind, value):
            yield f"{where}.{key}: expected {kind}"


def _is_of(kind: str, value: object) -> bool:
    if kind == _FLAG:
        return isinstance(value, bool)
    if kind == _TEXTS:
        return isinstance(value, list) and bool(value) and not any(map(_is_no_text, value))
    return not _is_no_text(value)


def _contradictions(table: Mapping[str, Any]) -> Iterator[str]:
    """What no single entry can know."""
    rows = {entry["code"] for entry in table["jurisdiction"]}
    known = rows | {group["code"] for group in table["group"]} | table["countries"].keys() | {EVERYWHERE}
    apart = {code.partition("-")[0] for code in rows if "-" in code} | {group["code"] for group in table["group"]}
    yield from (f"countries.{code}: has a row" for code in sorted(table["countries"].keys() & rows - apart))
    for group in table["group"]:
        yield from (f"group {group['code']}: {one} is no place" for one in group["members"] if one not in known)
    for overlay in table["overlay"]:
        yield from (f"overlay {overlay['id']}: {one} is no place" for one in overlay["applies_to"] if one not in known)
    yield from (f"meta.derived: {one} is no column" for one in table["meta"]["derived"] if one not in _JURISDICTION)


def _is_no_text(value: object) -> bool:
    return not isinstance(value, str) or not value.strip()
