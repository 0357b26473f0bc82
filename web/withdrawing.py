"""Takes back what was given on a participant's page: everything, or one purpose, with one click."""

from __future__ import annotations

from aiohttp import web

from consent_notice.words import Purpose
from web.access import Access, Route, post, text_of
from web.answering import keep, log, no_entries, say_no
from web.participants import done, opened_page
from web.settings import SETTINGS


def routes() -> list[Route]:
    return [post("/c/{token}/withdraw", withdraw, Access.ANYONE)]


async def withdraw(request: web.Request) -> web.StreamResponse:
    """One click. Without a purpose: everything."""
    opened = await opened_page(request)
    if opened.seat is None or opened.row is None:
        return await say_no(request, opened)
    only = await text_of(request, "purpose", 40)
    purposes = request.app[SETTINGS].purposes
    if only and only != Purpose.RECORDING.value:
        purposes = tuple(purpose for purpose in purposes if purpose.value == only)
    await log(request, opened, await no_entries(request, opened, purposes))
    left = {**(opened.row.choices or {}), **dict.fromkeys(purposes, False)}
    await keep(request, opened, left, alone=opened.row.alone_on_device, people=opened.row.people)
    return await done(request, opened, noted=False)
