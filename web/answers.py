"""What a participant's form means for the log: which acts a yes or a no is, and the entries that record it.

A yes names each purpose, a purpose that is not ticked is a no to it; a no to what was given is a withdrawal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consent_notice.answers import READER_VERSION
from consent_notice.decisions import Act
from consent_notice.events import Decided, Event, Means, NoticeDelivered
from consent_notice.notice import Notice
from consent_notice.words import IdentityLevel, Purpose, Standing, VisitId
from web.replay import SeatStory

Acts = tuple[tuple[Purpose, Act], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One form, as it arrived."""

    visit: VisitId
    epoch: int
    page_id: str
    nonce: str
    notice: Notice  # as the page showed it
    boot_id: str
    arrived_ms: int


def acts_of_yes(seat: SeatStory, choices: Mapping[Purpose, bool]) -> Acts:
    return tuple((purpose, Act.GIVE if chosen else _no_to(seat, purpose)) for purpose, chosen in choices.items())


def acts_of_no(seat: SeatStory, purposes: Sequence[Purpose]) -> Acts:
    return tuple((purpose, _no_to(seat, purpose)) for purpose in purposes)


def entries_for(sent: Sent, seat: SeatStory, acts: Acts, *, by_name: bool) -> list[tuple[Event, str]]:
    """The text that was shown, once a page, then the answer; the ids make sending a form twice harmless."""
    reference, notice = page_reference(sent.page_id), sent.notice
    shown = NoticeDelivered(
        visit=sent.visit,
        epoch=sent.epoch,
        seat=seat.seat,
        notice=notice.id,
        version=notice.version,
        language=notice.language,
        text_sha256=notice.text_sha256,
        means=Means.PAGE,
        message_id=reference,
        boot_id=sent.boot_id,
        at_ms=sent.arrived_ms,
    )
    decided = Decided(
        visit=sent.visit,
        epoch=sent.epoch,
        seat=seat.seat,
        acts=acts,
        means=Means.PAGE,
        identity_level=IdentityLevel.DISPLAY_NAME if by_name else IdentityLevel.PAGE_BOUND_BY_CODE,
        matched_by="name typed on the page" if by_name else "page code",
        notice=notice.id,
        notice_version=notice.version,
        notice_language=notice.language,
        notice_sha256=notice.text_sha256,
        message_id=f"{reference}:{sent.nonce}",
        verbatim="",
        reader_version=READER_VERSION,
        boot_id=sent.boot_id,
        at_ms=sent.arrived_ms,
    )
    return [
        (shown, event_id(sent.visit, "page notice", reference, seat.seat, notice.text_sha256)),
        (decided, event_id(sent.visit, "page", reference, seat.seat, sent.nonce)),
    ]


def page_reference(page_id: str) -> str:
    """Names a page in the log without the secret that opens it."""
    return hashlib.sha256(page_id.encode()).hexdigest()[:16]


def event_id(visit: str, source: str, *parts: str) -> str:
    return hashlib.sha256("\x1f".join((visit, source, *parts)).encode()).hexdigest()[:32]


def _no_to(seat: SeatStory, purpose: Purpose) -> Act:
    return Act.WITHDRAW if seat.standing(purpose) is Standing.GIVEN else Act.REFUSE
