"""An answer given ahead, and the seat of whoever gave it: when one tap may tie the two, and what the log is told.

A tap ties a yes only to the one person present who has the name that the page's own link was made for, or that a code
typed in the chat vouched for before. In any doubt the code is asked for again. A no counts for everybody of its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consent_notice.ahead import BY_NAME, BY_TAP, Acts, acts_of_yes, same_name
from consent_notice.answers import READER_VERSION
from consent_notice.decisions import Act
from consent_notice.events import Decided, Event, Means, NoticeDelivered, SeatJoined
from consent_notice.notice import Notice
from consent_notice.words import IdentityLevel, Purpose, SeatId, Standing
from storage.agreements import Agreement
from storage.pages import PageRow
from storage.visits import VisitRow
from web.answers import acts_of_no, event_id, which
from web.replay import MeetingStory, SeatStory

REVOKED = "personal link revoked"
OWN_NOES = (Standing.REFUSED, Standing.WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One form, as it arrived at a meeting that is on."""

    visit: VisitRow
    notice: Notice  # as the page showed it
    boot_id: str
    arrived_ms: int


def tied_seats(story: MeetingStory, agreement: Agreement, page: PageRow | None) -> list[SeatStory]:
    """Where it was counted in this meeting, by whatever way, and where its page was tied to by a code."""
    seats = [seat for seat in story.people if any(told.decided.agreement == agreement.id for told in seat.told)]
    by_code = story.seats.get(page.seat) if page is not None and page.seat is not None else None
    return seats if by_code is None or by_code in seats else [*seats, by_code]


def counts_here(seats: Iterable[SeatStory]) -> bool:
    return any(seat.is_present and seat.standing(Purpose.RECORDING) is Standing.GIVEN for seat in seats)


def said_no_here(seats: Sequence[SeatStory]) -> bool:
    return any(seat.standing(Purpose.RECORDING) in OWN_NOES for seat in seats) and not counts_here(seats)


def seat_by_tap(
    story: MeetingStory, agreement: Agreement, vouched: Iterable[str], *, is_doubtful: bool
) -> SeatStory | None:
    """The seat that a tap ties a yes to; None where only a code typed from it can tell."""
    if is_doubtful or not any(same_name(agreement.name, name) for name in vouched):
        return None
    named = [seat for seat in story.people if seat.is_present and same_name(agreement.name, seat.name)]
    if len(named) != 1 or named[0].people > 1 or named[0].standing(Purpose.RECORDING) in OWN_NOES:
        return None
    return named[0]


def level_by_tap(agreement: Agreement) -> IdentityLevel:
    return IdentityLevel.SIGNED_PERSONAL_LINK if agreement.link else IdentityLevel.MATCHED_TO_INVITEE


def names_of_seat(events: Iterable[object], seat: SeatId) -> set[str]:
    """All that the seat was ever called in a meeting: under more than one, nobody knows which one typed the code."""
    return {event.name for event in events if isinstance(event, SeatJoined) and event.seat == seat}


def platform_id_of(events: Iterable[object], seat: SeatId) -> str:
    """What the platform called whoever sat there last; empty where it said none."""
    known = [event.platform_id for event in events if isinstance(event, SeatJoined) and event.seat == seat]
    return known[-1] if known else ""


def yes_entries(
    moment: Moment, agreement: Agreement, seat: SeatStory, level: IdentityLevel, reference: str
) -> list[tuple[Event, str]]:
    """The text, and the yes that repeats the agreement; once for each version of it and seat, however often sent."""
    acts = acts_of_yes(agreement.choices, level)
    decided = _decided(moment, agreement, seat, acts, level=level, matched_by=BY_TAP, reference=reference)
    key = (agreement.id, str(agreement.log_index), seat.seat)
    return [
        (_shown(moment, seat, reference), event_id(moment.visit.id, "ahead notice", *key)),
        (decided, event_id(moment.visit.id, "ahead", *key)),
    ]


def no_entries(
    moment: Moment, agreement: Agreement, story: MeetingStory, page: PageRow | None, nonce: str
) -> list[tuple[Event, str]]:
    """A no, or a smaller yes, said while the meeting is on: for where it was counted, and for all of its name."""
    tied = tied_seats(story, agreement, page)
    entries: list[tuple[Event, str]] = []
    for seat in story.people:
        is_tied = seat in tied
        is_named = agreement.says_no and seat.is_present and same_name(agreement.name, seat.name)
        acts = _noes(agreement, seat) if is_tied or is_named else ()
        if acts:
            level = agreement.level if is_tied else IdentityLevel.DISPLAY_NAME
            matched_by = "agreed ahead" if is_tied else BY_NAME
            decided = _decided(moment, agreement, seat, acts, level=level, matched_by=matched_by, reference=nonce)
            key = (agreement.id, seat.seat, nonce, which(acts))
            entries.append((decided, event_id(moment.visit.id, "ahead no", *key)))
    return entries


def revoked_entries(moment: Moment, agreement: Agreement, seats: Iterable[SeatStory]) -> list[tuple[Event, str]]:
    """The host took back the link under which it was given."""
    entries: list[tuple[Event, str]] = []
    for seat in seats:
        given = [purpose for purpose, known in seat.standings.items() if known.standing is Standing.GIVEN]
        if given:
            acts = tuple((purpose, Act.REVOKE) for purpose in given)
            decided = _decided(
                moment, agreement, seat, acts, level=agreement.level, matched_by=REVOKED, means=Means.HOST
            )
            key = (agreement.id, str(agreement.log_index), seat.seat)
            entries.append((decided, event_id(moment.visit.id, "ahead revoked", *key)))
    return entries


def _noes(agreement: Agreement, seat: SeatStory) -> Acts:
    """For a yes that got smaller: only what was given and is ticked no more."""
    if agreement.says_no or agreement.withdrawn_at is not None:
        stands = seat.standing(Purpose.RECORDING)
        if agreement.withdrawn_at is not None and stands is not Standing.GIVEN:
            return ()
        return acts_of_no(seat.voice(""), tuple(agreement.choices))
    unticked = [purpose for purpose, chosen in agreement.choices.items() if not chosen]
    return tuple((purpose, Act.WITHDRAW) for purpose in unticked if seat.standing(purpose) is Standing.GIVEN)


def _shown(moment: Moment, seat: SeatStory, reference: str) -> NoticeDelivered:
    notice = moment.notice
    return NoticeDelivered(
        visit=moment.visit.id,
        epoch=moment.visit.epoch,
        seat=seat.seat,
        notice=notice.id,
        version=notice.version,
        language=notice.language,
        text_sha256=notice.text_sha256,
        means=Means.PAGE,
        message_id=reference,
        boot_id=moment.boot_id,
        at_ms=moment.arrived_ms,
    )


def _decided(
    moment: Moment,
    agreement: Agreement,
    seat: SeatStory,
    acts: Acts,
    *,
    level: IdentityLevel,
    matched_by: str,
    reference: str = "",
    means: Means = Means.AHEAD,
) -> Decided:
    notice = moment.notice
    return Decided(
        visit=moment.visit.id,
        epoch=moment.visit.epoch,
        seat=seat.seat,
        acts=acts,
        means=means,
        identity_level=level,
        matched_by=matched_by,
        notice=notice.id,
        notice_version=notice.version,
        notice_language=notice.language,
        notice_sha256=notice.text_sha256,
        message_id=f"{agreement.id}:{reference}",
        verbatim="",
        reader_version=READER_VERSION,
        boot_id=moment.boot_id,
        at_ms=moment.arrived_ms,
        agreement=agreement.id,
    )
