"""What a stay needs kept and looked up: a port, and what comes back through it. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.commands import AgreementFound, PageBound
from bot.facts import NoticeRef
from consent_notice.ahead import FoundAgreement
from consent_notice.decisions import Act
from consent_notice.events import Event
from consent_notice.words import IdentityLevel, Purpose, SeatId


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundPage:
    page: str
    acts: tuple[tuple[Purpose, Act], ...]
    is_shared: bool  # several people sit behind this seat, or nobody said that there is only one
    is_known: bool  # its choices are in the log already
    person: str = ""  # which of the people who share the seat
    people: int = 1
    notice: NoticeRef | None = None  # the text that was answered; None: the meeting's own
    identity_level: IdentityLevel = IdentityLevel.PAGE_BOUND_BY_CODE
    matched_by: str = "page code"
    agreement: str = ""


class Ledger(Protocol):
    """What a stay needs kept: entries, pages, presence. Raises StorageError, which ends the stay."""

    async def append(self, event: Event, event_id: str) -> None: ...

    async def bind_page(self, code: str, seat: SeatId, at_ms: int) -> BoundPage | None:
        """`at_ms`: when the code was said."""
        ...

    async def beat(self, alive_ms: int, presence: str) -> bool:
        """Also what the host sees of the bot's presence. False once another bot owns the meeting."""
        ...

    async def find_agreement(self, seat: SeatId, platform_id: str, name: str) -> FoundAgreement | None: ...

    async def make_seat_code(self, seat: SeatId) -> str:
        """Digits that tie a page to this seat, for somebody who can only hear."""
        ...

    async def stop_meeting(self) -> None: ...

    async def host_stopped(self) -> bool: ...

    async def called_off(self) -> str | None:
        """Why the bot has to leave, in words for the host; None: it may stay."""
        ...

    async def cut_back(self, seat: SeatId | None, after_ms: int) -> None: ...


def bound(page: BoundPage, seat: SeatId, at_ms: int) -> PageBound:
    return PageBound(
        seat=seat,
        page=page.page,
        acts=page.acts,
        is_shared=page.is_shared,
        is_known=page.is_known,
        at_ms=at_ms,
        person=page.person,
        people=page.people,
        notice=page.notice,
        identity_level=page.identity_level,
        matched_by=page.matched_by,
        agreement=page.agreement,
    )


def found(answer: FoundAgreement | None, seat: SeatId) -> AgreementFound:
    return AgreementFound(
        seat=seat,
        agreement=answer.agreement if answer else "",
        acts=answer.acts if answer else (),
        identity_level=answer.identity_level if answer else IdentityLevel.SHARED_OR_ANONYMOUS,
        matched_by=answer.matched_by if answer else "",
    )
