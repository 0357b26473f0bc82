"""The notice as a participant's page shows it, and the page's own words around it, in the person's language.

The notice's text, version and fingerprint come from `consent_notice.notice`; this module chooses the language and
puts the meeting's facts in.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from consent_notice.events import RuleSettled
from consent_notice.notice import Notice, NoticeFacts, read_wording, render
from consent_notice.words import Purpose, Rule
from storage.meetings import MeetingRow
from storage.visits import VisitRow
from web.settings import WebSettings

_LOCALES_DIR = Path(__file__).parent / "locales"


@cache
def page_words(language: str) -> dict[str, str]:
    """English where this language has no words of its own yet."""
    file = _LOCALES_DIR / f"{language}.toml"
    known = {path.stem for path in _LOCALES_DIR.glob("*.toml")}
    english: dict[str, str] = tomllib.loads((_LOCALES_DIR / "en.toml").read_text())
    return {**english, **tomllib.loads(file.read_text())} if language in known else english


@cache
def ahead_words(language: str) -> dict[str, str]:
    """Of the pages for answers ahead; English where this language has none of its own yet."""
    files = [_LOCALES_DIR / "ahead" / f"{one}.toml" for one in ("en", language)]
    tables = [tomllib.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    return {**page_words(language), **{key: text for table in tables for key, text in table.items()}}


def choose_language(asked: str, accepted: str, meeting: str, settings: WebSettings) -> str:
    """The one asked for, else the browser's first that we have, else the meeting's."""
    wishes = [asked, *(part.partition(";")[0].strip().partition("-")[0].lower() for part in accepted.split(","))]
    for wish in [*wishes, meeting, settings.default_language]:
        if wish in settings.wording:
            return wish
    return "en"


def stated_fallback(
    settings: WebSettings, visit: VisitRow | None, meeting: MeetingRow | None, settled: RuleSettled | None = None
) -> Rule | None:
    """What the notice says that the host may go on with when not everyone agrees, as far as places allow it.

    `visit` None: it is yet to come. `settled`: the last time that the bot looked at places; None: it has not yet.
    """
    if meeting is None or not settings.each_voice_allowed or (visit or meeting).rule is not Rule.EVERYONE:
        return None
    if settled is None:
        return meeting.fallback
    return Rule(settled.fallback) if settled.fallback else None


def page_notice(
    settings: WebSettings,
    visit: VisitRow,
    host: str,
    language: str,
    fallback: Rule | None = None,
    *,
    is_for_invitees: bool = False,
) -> Notice:
    """Nothing is spoken on a page, so the text has a fingerprint of its own."""
    return written_notice(
        settings,
        language,
        host=host,
        rule=visit.rule,
        fallback=fallback,
        page_link=link_of(settings, visit),
        purposes=settings.purposes,
        is_for_invitees=is_for_invitees,
    )


def written_notice(
    settings: WebSettings,
    language: str,
    *,
    host: str,
    rule: Rule,
    fallback: Rule | None,
    page_link: str,
    purposes: tuple[Purpose, ...],
    is_for_invitees: bool,
) -> Notice:
    facts = NoticeFacts(
        host=host,
        organisation=settings.organisation,
        contact=settings.organisation_contact,
        purposes=purposes,
        rule=rule,
        fallback=fallback,
        page_link=page_link,
        retention_days=settings.retention_days,
        bot_name=settings.bot_name,
        speakable=False,
        information=settings.information,
        publication=settings.publication,
        is_for_invitees=is_for_invitees,
    )
    return render(read_wording(settings.wording[language]), facts)


def link_of(settings: WebSettings, visit: VisitRow) -> str:
    return f"{settings.public_url.rstrip('/')}/c/{visit.page_token}"
