"""The notice as a participant's page shows it, and the page's own words around it, in the person's language.

The notice's text, version and fingerprint come from `consent_notice.notice`; this module chooses the language and
puts the meeting's facts in.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from consent_notice.notice import Notice, NoticeFacts, read_wording, render
from consent_notice.words import Purpose, Rule
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


def page_notice(settings: WebSettings, visit: VisitRow, host: str, language: str) -> Notice:
    """Nothing is spoken on a page, so the text has a fingerprint of its own."""
    link = link_of(settings, visit)
    return written_notice(settings, language, rule=visit.rule, page_link=link, host=host, purposes=settings.purposes)


def written_notice(
    settings: WebSettings, language: str, *, rule: Rule, page_link: str, host: str, purposes: tuple[Purpose, ...]
) -> Notice:
    facts = NoticeFacts(
        host=host,
        organisation=settings.organisation,
        contact=settings.organisation_contact,
        purposes=purposes,
        rule=rule,
        page_link=page_link,
        retention_days=settings.retention_days,
        bot_name=settings.bot_name,
        speakable=False,
    )
    return render(read_wording(settings.wording[language]), facts)


def link_of(settings: WebSettings, visit: VisitRow) -> str:
    return f"{settings.public_url.rstrip('/')}/c/{visit.page_token}"
