"""Has what was kept of a page's person erased, and says how far that is.

The wish is durable with the withdrawal that it follows; what can't go at once goes as soon as it is closed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from consent_notice.events import Event
from consent_notice.words import SeatId, VisitId
from storage.erasure_wishes import Wish
from storage.errors import StorageError
from storage.store import Store
from web.access import STORE
from web.answers import event_id

ASKED_FOR = "asked for by the person, on their page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing:
    """The last wish of a page."""

    done_at: datetime | None
    had_anything: bool  # False: there was nothing to erase

    @property
    def step(self) -> str:
        return "pending" if self.done_at is None else "done" if self.had_anything else "nothing"


async def last_wish(store: Store, visit: VisitId, seat: SeatId, page: str) -> Erasing | None:
    """Of that page; empty: of any page of the seat."""
    wishes = [wish for wish in await store.erasure_wishes.of_seat(visit, seat) if page in ("", wish.page)]
    if not wishes:
        return None
    had_anything = await store.erasure_wishes.had_anything(wishes[-1].id)
    return Erasing(done_at=wishes[-1].erased_at, had_anything=had_anything)


async def erase_own(
    request: web.Request,
    visit: VisitId,
    seat: SeatId,
    page: str,
    nonce: str,
    *,
    entries: Sequence[tuple[Event, str]],
    authority: str = ASKED_FOR,
) -> None:
    """Durable on return, with the entries. Raises StorageError: then neither is."""
    wishes = request.app[STORE].erasure_wishes
    wish = event_id(visit, "erasure wish", page, nonce)
    await wishes.ask(Wish(id=wish, visit=visit, seat=seat, page=page, authority=authority), entries)
    with contextlib.suppress(StorageError, OSError):  # it is ordered: whoever keeps the promises goes on with it
        await wishes.carry_out(visit)
