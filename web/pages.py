"""Turns a template and values into an answer: one Jinja environment, autoescaping, strict about missing values.

Also the answers for errors, in words and without anything internal in them.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web
from aiohttp_session import get_session

from web import display
from web.access import NEW_ID, USER, Handler, csrf_token, take_told
from web.guarantees import guarantees
from web.settings import SETTINGS

STATIC_DIR = Path(__file__).parent / "static"
_TEMPLATES_DIR = Path(__file__).parent / "templates"
_LOG = logging.getLogger(__name__)

_ERROR_WORDS = {
    400: ("That was not understood", "Something in the request was not as expected. Go back and try again."),
    403: ("Not taken", "This form was not accepted, so nothing was changed."),
    404: ("There is nothing here", "The page does not exist, or it is not yours to see."),
    405: ("There is nothing here", "This address takes another kind of request."),
    409: ("That can't be shown", "What is stored can't be read. Run the check in the consent log."),
    410: ("This link no longer holds", "Ask who sent it for a new one, or answer in the meeting itself."),
    413: ("Too large", "The file is larger than 2 MB. Export a shorter span of the calendar."),
    429: ("Too many tries", "Wait a few minutes, then try again."),
    500: ("Something went wrong on our side", "It was noted. Nothing that had been acknowledged is lost. Try again."),
    503: (
        "Not possible just now",
        "The store did not accept a write, so nothing was shown or changed. Try again soon.",
    ),
}


def set_up(app: web.Application) -> None:
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(_TEMPLATES_DIR),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clock=display.clock_text,
        lasting=display.length_text,
        moment=display.moment_text,
        precise=display.precise_text,
        iso=display.iso,
        platform=display.platform,
        name=display.shown_name,
    )
    environment.globals.update(
        status_words=display.STATUS_WORDS,
        status_means=display.STATUS_MEANS,
        standing_words=display.STANDING_WORDS,
        purpose_words=display.PURPOSE_WORDS,
        rule_words=display.RULE_WORDS,
        rule_means=display.RULE_MEANS,
        fallback_words=display.FALLBACK_WORDS,
        recorded_words=display.RECORDED_WORDS,
        externals_words=display.EXTERNALS_WORDS,
        externals_short=display.EXTERNALS_SHORT,
        means_words=display.MEANS_WORDS,
        presence_words=display.PRESENCE_WORDS,
        checked_words=display.CHECKED_WORDS,
        kind_words=display.KIND_WORDS,
        left_words=display.LEFT_WORDS,
        in_words=display.in_words,
        guarantees=guarantees,
        plural=display.plural,
        percent=display.percent,
        assets=_static_version(),
    )


async def page(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    """Every page gets the signed-in person, the form token and what is to be told once."""
    session = await get_session(request)
    settings = request.app[SETTINGS]
    everything = {
        "user": request.get(USER),
        "csrf": await csrf_token(request),
        "told": take_told(session),
        "path": request.path,
        "organisation": settings.organisation,
        "passes_on": bool(settings.information.said("recipients")),
        "version": settings.version,
        **values,
    }
    return aiohttp_jinja2.render_template(template, request, everything, status=status)


@web.middleware
async def errors_in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Bugs become a 500 page with a reference that the log holds too; the log gets no names, titles or paths."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400 or request.path.startswith("/static/"):
            raise
        # aiohttp's own texts are for developers; ours say what to do.
        is_ours = error.status != 413 and error.text and not error.text.startswith(f"{error.status}:")
        said = error.text if is_ours else None
        return await _error_page(request, error.status, said)
    except Exception as error:  # noqa: BLE001  whatever it was, the person gets an answer in words
        reference = request.app[NEW_ID]()[:8]
        resource = request.match_info.route.resource
        _LOG.error("page failed", extra={"route": resource.canonical if resource else "?", "reference": reference})
        _LOG.debug("page failed: %s", type(error).__name__, exc_info=error)
        return await _error_page(
            request, 500, f"It was noted under {reference}. Nothing that had been acknowledged is lost."
        )


async def _error_page(request: web.Request, status: int, said: str | None) -> web.Response:
    title, usual = _ERROR_WORDS.get(status, _ERROR_WORDS[400 if status < 500 else 500])
    if request.headers.get("X-Fragment") is not None:
        return web.Response(status=status, text=said or usual)
    values: dict[str, Any] = {
        "user": request.get(USER),
        "csrf": await csrf_token(request),
        "told": [],
        "path": request.path,
        "organisation": request.app[SETTINGS].organisation,
        "version": request.app[SETTINGS].version,
        "title": title,
        "said": said or usual,
    }
    return aiohttp_jinja2.render_template("error.html", request, values, status=status)


def _static_version() -> str:
    """Changes with any static file, so that browsers may keep them for long."""
    digest = hashlib.sha256()
    for file in sorted(STATIC_DIR.rglob("*")):
        if file.is_file() and file.suffix in (".css", ".js", ".svg"):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
