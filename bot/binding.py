"""A page whose code was typed in the chat: whose answers they are, and to which text.

Logs that the page's text was delivered; the answers themselves are the session's to log. Opens nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.books import BoundPage
from bot.entries import event_id
from bot.facts import NoticeRef
from consent_notice.decisions import Act, meets_floor
from consent_notice.events import Event, HeadcountDeclared, Means, NoticeDelivered
from consent_notice.words import IdentityLevel, SeatId, VisitId
from storage.pages import PageRow
from storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class PageBinding:
    """Of one stay."""

    store: Store
    visit: VisitId
    epoch: int
    boot_id: str

    async def bind(self, code: str, seat: SeatId, at_ms: int) -> BoundPage | None:
        """`at_ms`: when the code was said. None for an unknown code or one used from another seat."""
        page = await self.store.pages.bind(self.visit, code, seat)
        if page is None:
            return None
        people = max(page.people, await asyncio.to_thread(self._declared, seat))
        # Whoever says "only me" of a seat that others share is one of them: doubt is a no.
        person = page.reference if people > 1 else ""
        is_shared = people > 1 or page.alone_on_device is not True
        # A yes counts where it is clear whose it is: of the only one there, or of one of so many.
        is_clear = bool(person) or not is_shared
        acts = tuple(
            (purpose, Act.GIVE if chosen else Act.REFUSE)
            for purpose, chosen in sorted((page.choices or {}).items())
            if not chosen or (is_clear and meets_floor(purpose, IdentityLevel.PAGE_BOUND_BY_CODE))
        )
        notice = await self._answered(page)
        if notice is not None:
            await self.store.log.append_all([self._delivered(page, seat, notice, at_ms)])
        decision = event_id(self.visit, Means.PAGE.value, seat, page.code)
        is_known = await asyncio.to_thread(self.store.log.has, decision)
        return BoundPage(
            page=page.code,
            acts=acts,
            is_shared=is_shared,
            is_known=is_known,
            person=person,
            people=page.people,
            notice=notice,
            agreement=page.agreement,
        )

    def _declared(self, seat: SeatId) -> int:
        """How many were told of at that seat so far."""
        events = [entry.event for entry in self.store.log.entries_of(self.visit)]
        return max((one.people for one in events if isinstance(one, HeadcountDeclared) and one.seat == seat), default=1)

    async def _answered(self, page: PageRow) -> NoticeRef | None:
        """The text that this page showed, by the name under which it is retained."""
        kept = await self.store.notices.get(page.notice_sha256) if page.notice_sha256 else None
        if kept is None:
            return None
        notice = kept.notice
        return NoticeRef(
            notice=notice.id, version=notice.version, language=notice.language, text_sha256=notice.text_sha256
        )

    def _delivered(self, page: PageRow, seat: SeatId, notice: NoticeRef, at_ms: int) -> tuple[Event, str]:
        """Under the id that the page itself gives it: one entry, whoever is first."""
        shown = NoticeDelivered(
            visit=self.visit,
            epoch=self.epoch,
            seat=seat,
            notice=notice.notice,
            version=notice.version,
            language=notice.language,
            text_sha256=notice.text_sha256,
            means=Means.PAGE,
            message_id=page.reference,
            boot_id=self.boot_id,
            at_ms=at_ms,
        )
        return shown, event_id(self.visit, "page notice", page.reference, seat, notice.text_sha256)
