"""What every page's reader keeps: people and lines are told once, and again where something about them changed."""

from __future__ import annotations

from bot.browser.reading import STALE_MS, Messages, Person, Pulse, Roster
from bot.platforms import JITSI, TEAMS, ZOOM
from bot.ports import ChatDeleted, ChatEdited, ChatSaid, Joined, Left
from consent_notice.words import IdentityLevel, SeatId, SeatKind

ANN, BEN = Person(name="Ann"), Person(name="Ben")
LAG = JITSI.roster_lag_ms


def said(text: str, message_id: str = "m1", at_ms: int = 5) -> ChatSaid:
    return ChatSaid(message_id=message_id, seat=SeatId("a"), text=text, reply_to=None, to_bot_only=False, at_ms=at_ms)


def test_who_comes_is_told_once_from_before_we_were_told_and_again_when_renamed() -> None:
    roster = Roster(JITSI)
    (joined,) = roster.comes("a", ANN, 10_000)
    assert isinstance(joined, Joined)
    assert (joined.seat, joined.name, joined.at_ms) == ("a", "Ann", 10_000 - LAG)
    assert list(roster.comes("a", ANN, 11_000)) == []
    (again,) = roster.comes("a", Person(name="Anna"), 12_000)
    assert isinstance(again, Joined)
    assert again.name == "Anna"
    assert [type(fact) for fact in roster.goes("a", 13_000)] == [Left]
    assert list(roster.goes("a", 14_000)) == []
    assert roster.here == {}


def test_a_complete_list_makes_the_others_leave_first() -> None:
    roster = Roster(JITSI)
    list(roster.becomes({"a": ANN, "b": BEN}, 10_000))
    facts = list(roster.becomes({"b": BEN, "c": ANN}, 20_000))
    assert [(type(fact), fact.seat) for fact in facts if isinstance(fact, Joined | Left)] == [
        (Left, "a"),
        (Joined, "c"),
    ]


def test_a_doubt_is_a_short_absence_of_who_is_there_and_of_nobody_else() -> None:
    roster = Roster(JITSI)
    list(roster.comes("a", ANN, 10_000))
    left, back = roster.doubts("a", 20_000)
    assert isinstance(left, Left)
    assert isinstance(back, Joined)
    assert (left.at_ms, back.at_ms) == (20_000 - LAG, 20_000)
    assert list(roster.doubts("b", 20_000)) == []


def test_who_may_be_several_or_nobody_in_particular_is_shared() -> None:
    roster = Roster(JITSI)
    kinds = [Person(name=" "), Person(name="+49", is_phone=True), Person(name="Room 7", is_shared=True), ANN]
    joined = [next(iter(roster.comes(str(number), person, 1))) for number, person in enumerate(kinds)]
    levels = [fact.identity_level for fact in joined if isinstance(fact, Joined)]
    assert levels == [IdentityLevel.SHARED_OR_ANONYMOUS] * 3 + [IdentityLevel.DISPLAY_NAME]
    (bot,) = roster.comes("bot", Person(name="notes", is_bot=True), 1)
    assert isinstance(bot, Joined)
    assert bot.seat_kind is SeatKind.BOT


def test_a_line_is_told_once_then_as_what_became_of_it() -> None:
    messages = Messages()
    assert list(messages.said(said("record yes"))) == [said("record yes")]
    assert list(messages.said(said("record yes"))) == []
    (edited,) = messages.said(said("record no", at_ms=9))
    assert isinstance(edited, ChatEdited)
    assert (edited.text, edited.at_ms) == ("record no", 9)
    (deleted,) = messages.said(said("", at_ms=11))
    assert isinstance(deleted, ChatDeleted)
    assert list(messages.said(said(""))) == []


def test_the_bots_own_lines_are_told_to_nobody_and_found_by_their_words_once() -> None:
    messages = Messages()
    assert list(messages.said(said("May I\n  record?", "own"), is_own=True)) == []
    assert messages.own("May I record ?") == "own"
    assert messages.own("May I record?") is None


def test_a_list_that_stopped_coming_is_none() -> None:
    pulse = Pulse()
    assert not pulse.is_on(0)
    pulse.beats(10_000)
    assert pulse.is_on(10_000 + STALE_MS - 1)
    assert not pulse.is_on(10_000 + STALE_MS)
    pulse.stops()
    assert not pulse.is_on(10_000)
    assert all(
        can.roster_lag_ms >= STALE_MS for can in (JITSI, TEAMS, ZOOM)
    )  # which is when a join is told at the latest
