"""Several people at one microphone: how many they said they are, how far they are, and the picture that leads the
others to a page of their own. Counts only: who refused and who has not answered look alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from storage.store import Store
from web.access import STORE, Access, Route, get
from web.notices import link_of
from web.practice.qr import link_as_svg
from web.settings import SETTINGS

MOST_PEOPLE = 50
_DOTS = 12  # more would be no picture any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Those who share a microphone, as the page shows them."""

    people: int
    agreed: int
    is_complete: bool  # each of them agreed, and nobody said no for the microphone as a whole

    @property
    def dots(self) -> tuple[bool, ...]:
        """One a person, those who agreed first; empty where they are too many for a picture."""
        return tuple(number < self.agreed for number in range(self.people)) if self.people <= _DOTS else ()


def routes() -> list[Route]:
    return [get("/c/{token}/qr.svg", draw_link, Access.ANYONE)]


async def draw_link(request: web.Request) -> web.Response:
    """For the others' phones: the same public link, with the number that was said already."""
    store: Store = request.app[STORE]
    visit = await store.visits.by_page_token(request.match_info["token"])
    if visit is None:
        raise web.HTTPNotFound
    people = read_people(request.query.get("people", ""))
    link = link_of(request.app[SETTINGS], visit) + (f"?people={people}" if people else "")
    return web.Response(body=link_as_svg(link), content_type="image/svg+xml")


def read_people(text: str) -> int:
    """0 where it is no number of people who can share a microphone."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 and 2 <= int(text) <= MOST_PEOPLE else 0
