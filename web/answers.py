"""What a participant's form means for the log: which acts a yes or a no is, and the entries that record it.

A yes names each purpose, a purpose that is not ticked is a no to it; a no to what was given is a withdrawal. A yes that
needs to know the person better than this page does is none, and is not written as one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consent_notice.answers import READER_VERSION
from consent_notice.decisions import Act, meets_floor
from consent_notice.events import Decided, Event, HeadcountDeclared, Means, NoticeDelivered
from consent_notice.notice import Notice
from consent_notice.words import IdentityLevel, Purpose, SeatId, Standing, VisitId
from storage.pages import BoundBy
from web.replay import Voice

Acts = tuple[tuple[Purpose, Act], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One form, as it arrived."""

    visit: VisitId
    epoch: int
    page: str  # its reference; never its secret
    code: str
    nonce: str
    notice: Notice  # as the page showed it
    boot_id: str
    arrived_ms: int
    legal_basis: str = ""  # as the admin declared it


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """How the person behind a page is tied to a seat, and how well that makes them known."""

    level: IdentityLevel
    matched_by: str


BY_CODE = Known(level=IdentityLevel.PAGE_BOUND_BY_CODE, matched_by=BoundBy.CODE.value)
# Everybody in the meeting may have heard it.
BY_TELEPHONE = Known(level=IdentityLevel.DISPLAY_NAME, matched_by=BoundBy.TELEPHONE.value)
BY_NAME = Known(level=IdentityLevel.DISPLAY_NAME, matched_by="name typed on the page")


def acts_of_yes(voice: Voice, choices: Mapping[Purpose, bool], level: IdentityLevel) -> Acts:
    return tuple(
        (purpose, Act.GIVE if chosen else _no_to(voice, purpose))
        for purpose, chosen in choices.items()
        if not chosen or meets_floor(purpose, level)
    )


def acts_of_no(voice: Voice, purposes: Sequence[Purpose]) -> Acts:
    return tuple((purpose, _no_to(voice, purpose)) for purpose in purposes)


def entries_for(sent: Sent, voice: Voice, acts: Acts, known: Known) -> list[tuple[Event, str]]:
    """The text that was shown, once a page, then the answer; the ids make sending a form twice harmless."""
    notice = sent.notice
    shown = NoticeDelivered(
        visit=sent.visit,
        epoch=sent.epoch,
        seat=voice.seat,
        notice=notice.id,
        version=notice.version,
        language=notice.language,
        text_sha256=notice.text_sha256,
        means=Means.PAGE,
        message_id=sent.page,
        boot_id=sent.boot_id,
        at_ms=sent.arrived_ms,
    )
    decided = Decided(
        visit=sent.visit,
        epoch=sent.epoch,
        seat=voice.seat,
        acts=acts,
        means=Means.PAGE,
        identity_level=known.level,
        matched_by=known.matched_by,
        notice=notice.id,
        notice_version=notice.version,
        notice_language=notice.language,
        notice_sha256=notice.text_sha256,
        message_id=f"{sent.page}:{sent.nonce}",
        verbatim="",
        reader_version=READER_VERSION,
        boot_id=sent.boot_id,
        at_ms=sent.arrived_ms,
        person=voice.person,
        legal_basis=sent.legal_basis,
    )
    # What is said for the seat itself and for one of its people in one form are two answers.
    of_person = (voice.person,) if voice.person else ()
    return [
        (shown, event_id(sent.visit, "page notice", sent.page, voice.seat, notice.text_sha256)),
        (decided, event_id(sent.visit, "page", sent.page, voice.seat, sent.nonce, which(acts), *of_person)),
    ]


def headcount_for(sent: Sent, seat: SeatId, people: int) -> tuple[Event, str]:
    """Under the id that the bot gives it where it binds the page: one entry, whoever is first."""
    declared = HeadcountDeclared(
        visit=sent.visit,
        epoch=sent.epoch,
        seat=seat,
        people=people,
        means=Means.PAGE,
        message_id=sent.code,
        boot_id=sent.boot_id,
        at_ms=sent.arrived_ms,
    )
    return declared, event_id(sent.visit, "headcount", seat, sent.code, str(people))


def which(acts: Acts) -> str:
    """Of the answers that one form may send: a click on each of two buttons, or a step back, sends two."""
    return ",".join(f"{purpose.value}{'+' if act is Act.GIVE else '-'}" for purpose, act in acts)


def event_id(visit: str, source: str, *parts: str) -> str:
    return hashlib.sha256("\x1f".join((visit, source, *parts)).encode()).hexdigest()[:32]


def _no_to(voice: Voice, purpose: Purpose) -> Act:
    return Act.WITHDRAW if voice.standing(purpose) is Standing.GIVEN else Act.REFUSE
