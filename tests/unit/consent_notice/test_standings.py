"""One reading of the decisions for bot, pages, verify and receipts: what changes a standing, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consent_notice.decisions import Act
from consent_notice.events import Decided, Means, NoticeDelivered
from consent_notice.standings import StandingsReplay
from consent_notice.words import IdentityLevel, Purpose, SeatId, Standing, VisitId, voice_of

ADA = SeatId("ada")
ASKED = NoticeDelivered(
    visit=VisitId("v"),
    epoch=1,
    seat=ADA,
    notice="onrecord-notice",
    version="1",
    language="en",
    text_sha256="",
    means=Means.CHAT,
    message_id="m",
    boot_id="boot",
    at_ms=1,
)


def said(act: Act, at_ms: int, purpose: Purpose = Purpose.RECORDING) -> Decided:
    return Decided(
        visit=VisitId("v"),
        epoch=1,
        seat=ADA,
        acts=((purpose, act),),
        means=Means.CHAT,
        identity_level=IdentityLevel.DISPLAY_NAME,
        matched_by="platform seat",
        notice="onrecord-notice",
        notice_version="1",
        notice_language="en",
        notice_sha256="",
        message_id="m",
        verbatim="",
        reader_version="1",
        boot_id="boot",
        at_ms=at_ms,
    )


def stands(*events: Decided | NoticeDelivered, purpose: Purpose = Purpose.RECORDING) -> Standing:
    standings = StandingsReplay()
    for event in events:
        list(standings.after(event))
    return standings.now.get((ADA, purpose), Standing.UNKNOWN)


@pytest.mark.parametrize(
    ("events", "standing"),
    [
        ([ASKED], Standing.REQUESTED),
        ([ASKED, said(Act.GIVE, 2)], Standing.GIVEN),
        ([ASKED, said(Act.GIVE, 2), said(Act.WITHDRAW, 3)], Standing.WITHDRAWN),
        ([said(Act.REFUSE, 2), ASKED], Standing.REFUSED),
        ([said(Act.REFUSE, 5), said(Act.GIVE, 4)], Standing.REFUSED),
        ([said(Act.REFUSE, 5), said(Act.GIVE, 5)], Standing.REFUSED),
        ([said(Act.REFUSE, 5), replace(said(Act.GIVE, 4), boot_id="later")], Standing.GIVEN),
        ([ASKED, replace(said(Act.GIVE, 2), means=Means.HOST)], Standing.REQUESTED),
        ([replace(said(Act.GIVE, 2), identity_level=IdentityLevel.SHARED_OR_ANONYMOUS)], Standing.UNKNOWN),
    ],
)
def test_where_a_person_stands(events: list[Decided | NoticeDelivered], standing: Standing) -> None:
    assert stands(*events) is standing


def test_only_changes_are_told() -> None:
    standings = StandingsReplay()
    assert list(standings.after(said(Act.GIVE, 2))) == [(Purpose.RECORDING, Standing.GIVEN)]
    assert list(standings.after(said(Act.GIVE, 3))) == []


def test_a_purpose_has_its_own_floor() -> None:
    assert stands(said(Act.GIVE, 2, Purpose.INSIGHTS), purpose=Purpose.INSIGHTS) is Standing.UNKNOWN


@pytest.mark.parametrize("act", [Act.RESET, Act.REVOKE, Act.INVALIDATE])
def test_what_ends_a_seats_yes_leaves_the_no_of_who_shares_it(act: Act) -> None:
    standings = StandingsReplay()
    for number, (person, one) in enumerate([("", Act.GIVE), ("p1", Act.GIVE), ("p2", Act.REFUSE)]):
        list(standings.after(replace(said(one, 2 + number), person=person)))
    list(standings.after(replace(said(act, 9), means=Means.SYSTEM)))
    of_one, of_other = (standings.now[voice_of(ADA, person), Purpose.RECORDING] for person in ("p1", "p2"))
    assert of_other is Standing.REFUSED
    assert (of_one is Standing.GIVEN) == (act is Act.RESET), "only the seat's own answer must be said again"


@pytest.mark.parametrize(
    ("of_seat", "alone"),
    [
        (Act.RESET, Standing.REFUSED),
        (Act.REVOKE, Standing.REFUSED),
        (Act.WITHDRAW, Standing.WITHDRAWN),
    ],
)
def test_what_one_of_several_people_refused_is_ended_by_no_loss_of_the_seat_s_own_yes(
    of_seat: Act, alone: Standing
) -> None:
    """They would be asked again, and their receipt would say so."""
    standings = StandingsReplay()
    means = Means.CHAT if of_seat is Act.WITHDRAW else Means.SYSTEM
    for event in (
        ASKED,
        said(Act.GIVE, 2),
        replace(said(Act.REFUSE, 3), means=Means.PAGE, person="p1"),
        replace(said(of_seat, 4), means=means),
    ):
        list(standings.after(event))
    assert standings.now[voice_of(ADA, "p1"), Purpose.RECORDING] is alone
