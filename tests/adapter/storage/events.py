"""Events to log, with everything filled in."""

from __future__ import annotations

from hashlib import sha256

from consent_notice.decisions import Act
from consent_notice.events import Decided, Means, RecordRead, SeatJoined, VisitOpened
from consent_notice.notice import Notice, exact_text
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, SeatKind, VisitId

_TEXT = {"spoken": "May I record?", "post": "May I record? Write: record yes.", "page": "# May I record?"}
NOTICE = Notice(
    id="notice", version="1", language="en", **_TEXT, text_sha256=sha256(exact_text(**_TEXT).encode()).hexdigest()
)


def read_by(number: int, visit: str = "visit") -> RecordRead:
    return RecordRead(visit=VisitId(visit), reader=f"reader {number}", what="recording")


def opened(
    visit: str,
    *,
    epoch: int = 1,
    at_ms: int = 0,
    rule: Rule = Rule.EACH_VOICE,
    boot_id: str = "boot-1",
    attested_opens: bool = False,
) -> VisitOpened:
    return VisitOpened(
        visit=VisitId(visit),
        epoch=epoch,
        meeting="meeting",
        platform="practice",
        host="Host",
        bot_name="onrecord",
        rule=rule,
        path_delay_ms=0,
        boot_id=boot_id,
        at_ms=at_ms,
        attested_opens=attested_opens,
    )


def joined(visit: str, seat: str, at_ms: int, *, epoch: int = 1, boot_id: str = "boot-1") -> SeatJoined:
    return SeatJoined(
        visit=VisitId(visit),
        epoch=epoch,
        seat=SeatId(seat),
        seat_kind=SeatKind.PERSON,
        name=f"Name of {seat}",
        identity_level=IdentityLevel.DISPLAY_NAME,
        boot_id=boot_id,
        at_ms=at_ms,
    )


def decided(
    visit: str,
    seat: str,
    at_ms: int,
    *acts: tuple[Purpose, Act],
    epoch: int = 1,
    boot_id: str = "boot-1",
) -> Decided:
    return Decided(
        visit=VisitId(visit),
        epoch=epoch,
        seat=SeatId(seat),
        acts=acts,
        means=Means.CHAT,
        identity_level=IdentityLevel.DISPLAY_NAME,
        matched_by="platform seat",
        notice="notice",
        notice_version="1",
        notice_language="en",
        notice_sha256=NOTICE.text_sha256,
        message_id=f"{seat}-{at_ms}",
        verbatim="record yes",
        reader_version="1",
        boot_id=boot_id,
        at_ms=at_ms,
    )
