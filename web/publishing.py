"""The admin's page of the notice: as people see it, what of it nobody stated, and what a changed text does to older
agreements.

A text is a version from the moment that it is in use; an admin says here, once, whether agreements to older ones hold.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from aiohttp import web

from consent_notice.information import missing
from consent_notice.notice import Notice, NoticeFacts, read_wording, render
from consent_notice.publication import Change, changes
from consent_notice.words import Rule
from storage.errors import AlreadyStored, NotStored
from storage.publications import Publication
from web.access import STORE, Access, Route, back_to, get, post, tell, text_of, user_of
from web.pages import page
from web.settings import SETTINGS, WebSettings

SAMPLE_HOST = "(the host)"
_RENEWS = {"renew": True, "valid": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From one version to the next."""

    number: int
    changes: tuple[Change, ...]


def routes() -> list[Route]:
    return [get("/notice", show, Access.ADMIN), post("/notice", publish, Access.ADMIN)]


async def show(request: web.Request) -> web.Response:
    return await _notice_page(request)


async def publish(request: web.Request) -> web.Response:
    """No answer is chosen beforehand: whoever publishes says which."""
    said, number = await text_of(request, "older"), await text_of(request, "number", 9)
    if said not in _RENEWS or not (number.isascii() and number.isdigit()):
        return await _notice_page(request, problem="Say what becomes of older agreements.", status=422)
    try:
        await request.app[STORE].publications.publish(int(number), renews=_RENEWS[said], by=user_of(request).id)
    except (AlreadyStored, NotStored):
        problem = "Meanwhile the text has changed, or somebody has said it. Look at it again."
        return await _notice_page(request, problem=problem, status=409)
    kept = "Older agreements stay valid." if said == "valid" else "Older agreements must be renewed."
    await tell(request, f"Version {number} is published. {kept}")
    raise back_to("/notice")


def steps_since_decided(newest_first: list[Publication]) -> tuple[Step, ...]:
    """Of every version that nobody spoke of yet, the newest last; all of them are published together."""
    steps: list[Step] = []
    for later, earlier in itertools.pairwise(newest_first):
        if later.is_decided:
            break
        steps.append(Step(number=later.number, changes=changes(earlier.text, later.text)))
    return tuple(reversed(steps))


def sample(settings: WebSettings, language: str, rule: Rule) -> Notice:
    """As people see it, with a host and a link that there are not."""
    facts = NoticeFacts(
        host=SAMPLE_HOST,
        organisation=settings.organisation,
        contact=settings.organisation_contact,
        purposes=settings.purposes,
        rule=rule,
        page_link=f"{settings.origin}/c/…",
        retention_days=settings.retention_days,
        bot_name=settings.bot_name,
        speakable=True,
        information=settings.information,
        publication=settings.publication,
    )
    return render(read_wording(settings.wording[language]), facts)


async def _notice_page(request: web.Request, *, problem: str = "", status: int = 200) -> web.Response:
    settings = request.app[SETTINGS]
    language = request.query.get("lang", settings.default_language)
    language = language if language in settings.wording else "en"
    asked = request.query.get("rule", settings.default_rule.value)
    rule = Rule(asked) if asked in {one.value for one in Rule} else settings.default_rule
    versions = await request.app[STORE].publications.list()
    people = {user.id: user.name for user in await request.app[STORE].users.list()}
    return await page(
        request,
        "notice.html",
        status=status,
        problem=problem,
        notice=sample(settings, language, rule),
        lang_shown=language,
        languages=[(code, str(table.get("name", code))) for code, table in sorted(settings.wording.items())],
        rule=rule.value,
        rules=[one.value for one in Rule],
        versions=versions,
        steps=steps_since_decided(versions),
        people=people,
        missing=missing(settings.information),
        settings=settings,
    )
