"""PURE: the consent-log entries of one stay, with their idempotent ids.

An id is a hash of visit, source and the platform's message id, so the same message told twice is one entry; a yes in
the chat that was changed into a no while nobody looked is another one, under the same message.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from bot.commands import Append
from bot.facts import NoticeRef
from bot.ports import Joined
from consent_notice.answers import READER_VERSION
from consent_notice.decisions import Act
from consent_notice.events import (
    Decided,
    HeadcountDeclared,
    HostAct,
    HostActed,
    Means,
    NoticeDelivered,
    RuleSettled,
    SeatJoined,
    SeatLeft,
)
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, VisitId


def event_id(visit: VisitId, source: str, *parts: str) -> str:
    return hashlib.sha256("\x1f".join((visit, source, *parts)).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an answer refers to, where it is not the meeting's own notice alone."""

    notice: NoticeRef | None = None
    agreement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Fills in what is the same for every entry of a stay."""

    visit: VisitId
    epoch: int
    boot_id: str
    notice: NoticeRef
    legal_basis: str = ""

    def joined(self, event: Joined, *, is_own: bool, stay: int = 1) -> Append:
        """`stay`: which of that seat; who reloads the page may come back in the very moment in which they left."""
        return Append(
            event=SeatJoined(
                visit=self.visit,
                epoch=self.epoch,
                seat=event.seat,
                seat_kind=event.seat_kind,
                name=event.name,
                identity_level=event.identity_level,
                boot_id=self.boot_id,
                at_ms=event.at_ms,
                platform_id=event.platform_id,
                is_own=is_own,
            ),
            event_id=event_id(self.visit, "joined", str(self.epoch), event.seat, str(event.at_ms), str(stay)),
        )

    def left(self, seat: SeatId, at_ms: int, *, stay: int = 1) -> Append:
        return Append(
            event=SeatLeft(visit=self.visit, epoch=self.epoch, seat=seat, boot_id=self.boot_id, at_ms=at_ms),
            event_id=event_id(self.visit, "left", str(self.epoch), seat, str(at_ms), str(stay)),
        )

    def noticed(
        self, seat: SeatId, message_id: str, at_ms: int, *, means: Means = Means.CHAT, line: str = ""
    ) -> Append:
        return Append(
            event=NoticeDelivered(
                visit=self.visit,
                epoch=self.epoch,
                seat=seat,
                notice=self.notice.notice,
                version=self.notice.version,
                language=self.notice.language,
                text_sha256=self.notice.text_sha256,
                means=means,
                message_id=message_id,
                boot_id=self.boot_id,
                at_ms=at_ms,
                line=line,
            ),
            event_id=event_id(self.visit, "notice", seat, message_id),
        )

    def decided(
        self,
        seat: SeatId,
        acts: tuple[tuple[Purpose, Act], ...],
        means: Means,
        message_id: str,
        at_ms: int,
        *,
        identity_level: IdentityLevel,
        matched_by: str,
        verbatim: str = "",
        person: str = "",
        evidence: Evidence | None = None,
    ) -> Append:
        evidence = evidence or Evidence()
        notice = evidence.notice or self.notice
        is_no_in_chat = means is Means.CHAT and all(act is not Act.GIVE for _, act in acts)
        return Append(
            event=Decided(
                visit=self.visit,
                epoch=self.epoch,
                seat=seat,
                acts=acts,
                means=means,
                identity_level=identity_level,
                matched_by=matched_by,
                notice=notice.notice,
                notice_version=notice.version,
                notice_language=notice.language,
                notice_sha256=notice.text_sha256,
                message_id=message_id,
                verbatim=verbatim,
                reader_version=READER_VERSION,
                boot_id=self.boot_id,
                at_ms=at_ms,
                person=person,
                agreement=evidence.agreement,
                legal_basis=self.legal_basis,
            ),
            event_id=event_id(self.visit, means.value, seat, message_id, *(["no"] if is_no_in_chat else [])),
        )

    def headcount(self, seat: SeatId, people: int, page: str, at_ms: int) -> Append:
        return Append(
            event=HeadcountDeclared(
                visit=self.visit,
                epoch=self.epoch,
                seat=seat,
                people=people,
                means=Means.PAGE,
                message_id=page,
                boot_id=self.boot_id,
                at_ms=at_ms,
            ),
            event_id=event_id(self.visit, "headcount", seat, page, str(people)),
        )

    def host_acted(self, act: HostAct, means: Means, message_id: str, at_ms: int) -> Append:
        return Append(
            event=HostActed(
                visit=self.visit,
                epoch=self.epoch,
                act=act,
                means=means,
                message_id=message_id,
                boot_id=self.boot_id,
                at_ms=at_ms,
            ),
            event_id=event_id(self.visit, "host", means.value, message_id),
        )

    def rule_settled(self, rule: Rule, reason: str, at_ms: int) -> Append:
        return Append(
            event=RuleSettled(
                visit=self.visit,
                epoch=self.epoch,
                rule=rule,
                profile="",
                places=(),
                reasons=(reason,),
                boot_id=self.boot_id,
                at_ms=at_ms,
            ),
            event_id=event_id(self.visit, "rule", str(self.epoch), rule.value),
        )
