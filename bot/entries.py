"""PURE: the consent-log entries of one stay, with their idempotent ids.

An id is a hash of visit, source and the platform's message id, so the same message told twice is one entry.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from bot.commands import Append
from bot.facts import NoticeRef
from bot.ports import Joined
from consent_notice.answers import READER_VERSION
from consent_notice.decisions import Act
from consent_notice.events import Decided, Means, NoticeDelivered, SeatJoined, SeatLeft
from consent_notice.words import IdentityLevel, Purpose, SeatId, VisitId


def event_id(visit: VisitId, source: str, *parts: str) -> str:
    return hashlib.sha256("\x1f".join((visit, source, *parts)).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Fills in what is the same for every entry of a stay."""

    visit: VisitId
    epoch: int
    boot_id: str
    notice: NoticeRef

    def joined(self, event: Joined) -> Append:
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
            ),
            event_id=event_id(self.visit, "joined", str(self.epoch), event.seat, str(event.at_ms)),
        )

    def left(self, seat: SeatId, at_ms: int) -> Append:
        return Append(
            event=SeatLeft(visit=self.visit, epoch=self.epoch, seat=seat, boot_id=self.boot_id, at_ms=at_ms),
            event_id=event_id(self.visit, "left", str(self.epoch), seat, str(at_ms)),
        )

    def noticed(self, seat: SeatId, message_id: str, at_ms: int) -> Append:
        return Append(
            event=NoticeDelivered(
                visit=self.visit,
                epoch=self.epoch,
                seat=seat,
                notice=self.notice.notice,
                version=self.notice.version,
                language=self.notice.language,
                text_sha256=self.notice.text_sha256,
                means=Means.CHAT,
                message_id=message_id,
                boot_id=self.boot_id,
                at_ms=at_ms,
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
    ) -> Append:
        return Append(
            event=Decided(
                visit=self.visit,
                epoch=self.epoch,
                seat=seat,
                acts=acts,
                means=means,
                identity_level=identity_level,
                matched_by=matched_by,
                notice=self.notice.notice,
                notice_version=self.notice.version,
                notice_language=self.notice.language,
                notice_sha256=self.notice.text_sha256,
                message_id=message_id,
                verbatim=verbatim,
                reader_version=READER_VERSION,
                boot_id=self.boot_id,
                at_ms=at_ms,
            ),
            event_id=event_id(self.visit, means.value, seat, message_id),
        )
