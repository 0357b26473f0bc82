"""What was said ahead of a meeting: found by the platform's id, announced, and never over a no of this meeting."""

from __future__ import annotations

from dataclasses import replace

from bot.commands import AgreementFound, Append, FindAgreement, PostLine, PostNotice, SpeakNotice
from consent_notice.decisions import Act
from consent_notice.events import Decided, Means, NoticeDelivered
from consent_notice.notice import Say
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, Standing
from storage.replay import latest_standings
from tests.simulators.visit import NO, YES, SimulatedVisit, decided_on_a_page


def decided(visit: SimulatedVisit) -> list[Decided]:
    return [entry.event for entry in visit.log if isinstance(entry.event, Decided)]


def lines_to(visit: SimulatedVisit, seat: str | None) -> list[Say]:
    return [order.line for order in visit.ordered(PostLine) if order.to_seat == seat]


def found(visit: SimulatedVisit, seat: str, acts: tuple[tuple[Purpose, Act], ...], agreement: str = "a1") -> None:
    visit.tell(
        AgreementFound(
            seat=SeatId(seat),
            agreement=agreement,
            acts=acts,
            identity_level=IdentityLevel.PLATFORM_ACCOUNT,
            matched_by="agreed ahead, platform id",
        )
    )


def ahead(*names: str, rule: Rule = Rule.EVERYONE) -> SimulatedVisit:
    visit = SimulatedVisit(rule=rule, changes={"knows_agreements": True})
    visit.enter()
    for name in names:
        visit.join(name, name, platform_id=f"id of {name}")
    return visit


def test_nobody_is_asked_before_it_is_known_what_was_said_ahead() -> None:
    visit = ahead("Ann", "Ben")
    visit.later(500)
    assert [order.platform_id for order in visit.ordered(FindAgreement)] == ["id of Ann", "id of Ben"]
    assert visit.ordered(PostNotice) == []
    visit.later(3_000)
    assert len(visit.ordered(PostNotice)) == 1, "and not for ever"


def test_where_all_agreed_ahead_one_short_line_is_all_it_takes() -> None:
    visit = ahead("Ann", "Ben")
    found(visit, "Ann", YES)
    found(visit, "Ben", YES)
    visit.later(100)
    visit.make_durable()
    assert visit.kept() == {"Ann", "Ben"}
    assert visit.ordered(SpeakNotice) == []
    assert [order.line for order in visit.ordered(PostNotice)] == [Say.AGREED_AHEAD]
    assert lines_to(visit, None) == [Say.STARTED_AS_AGREED]
    assert {event.means for event in decided(visit)} == {Means.AHEAD}
    told = [entry.event.line for entry in visit.log if isinstance(entry.event, NoticeDelivered)]
    assert told == ["agreed_ahead", "agreed_ahead"]


def test_who_is_tied_to_a_yes_ahead_by_a_tap_elsewhere_is_told_so() -> None:
    """Whoever made a personal link could press it themselves: the person in that seat must hear of it."""
    visit = ahead("Ann", "Ben")
    visit.later(3_100)
    on_a_page = decided_on_a_page(visit, "Ann", YES, visit.now_ms).event
    assert isinstance(on_a_page, Decided)
    visit.log.pop()
    visit.log_elsewhere(replace(on_a_page, means=Means.AHEAD, agreement="a1"))
    assert lines_to(visit, "Ann") == [Say.THANKS_GIVEN]
    assert lines_to(visit, "Ben") == []


def test_a_yes_ahead_counts_only_once_it_was_announced_in_this_meeting() -> None:
    visit = ahead("Ann")
    visit.posts_notices = False
    visit.join("Ben", "Ben", platform_id="id of Ben")
    found(visit, "Ann", YES)
    found(visit, "Ben", YES)
    visit.later(100)
    visit.make_durable()
    assert visit.kept() == frozenset()
    assert decided(visit) == []


def test_a_yes_ahead_takes_back_no_no_of_this_meeting_that_was_on_its_way_when_it_was_used() -> None:
    visit = ahead("Ann", "Ben")
    found(visit, "Ann", YES)
    found(visit, "Ben", ())
    visit.now_ms += 10
    refused_ms = visit.now_ms
    visit.later(100)  # the notice is posted, and what was said ahead is used
    said = next(order.event for order in visit.ordered(Append) if isinstance(order.event, Decided))
    no = replace(said, acts=NO, means=Means.PAGE, message_id="form", at_ms=refused_ms, agreement="")
    visit.log_elsewhere(no)
    visit.make_durable()
    assert visit.kept() == frozenset()
    assert latest_standings(visit.log)[SeatId("Ann"), Purpose.RECORDING] in (Standing.REFUSED, Standing.WITHDRAWN)


def test_a_no_ahead_counts_at_once_and_nobody_asks_again() -> None:
    visit = ahead("Ann", "Ben")
    found(visit, "Ann", NO)
    found(visit, "Ben", ())
    visit.later(100)
    visit.make_durable()
    assert [(event.seat, event.means) for event in decided(visit)] == [("Ann", Means.AHEAD)]
    assert [order.seats for order in visit.ordered(PostNotice)] == [frozenset({"Ben"})]
    visit.later(200_000)
    assert Say.REMINDER not in lines_to(visit, "Ann")


def test_what_was_said_in_the_meeting_stands_over_what_was_said_ahead() -> None:
    visit = ahead("Ann", "Ben", rule=Rule.EACH_VOICE)
    found(visit, "Ben", ())
    visit.chat("Ann", "record no")
    found(visit, "Ann", YES)
    visit.later(100)
    visit.make_durable()
    assert visit.kept() == frozenset()
    assert all(event.means is Means.CHAT for event in decided(visit))


def test_after_an_unclean_end_what_was_agreed_ahead_is_asked_about_anew() -> None:
    """A stop that was said while the bot was away would be lost."""
    first = ahead("Ann", "Ben", rule=Rule.EACH_VOICE)
    found(first, "Ann", YES)
    found(first, "Ben", YES)
    first.later(100)
    first.make_durable()
    visit = SimulatedVisit(
        rule=Rule.EACH_VOICE, epoch=2, earlier=tuple(first.log), changes={"knows_agreements": True}, now_ms=9_000
    )
    visit.enter()
    visit.join("Ann", "Ann", platform_id="id of Ann")
    visit.later(100)
    visit.make_durable()
    assert visit.kept() == frozenset()
    assert visit.ordered(FindAgreement) == []
    assert any(order.seats == {"Ann"} for order in visit.ordered(PostNotice))
