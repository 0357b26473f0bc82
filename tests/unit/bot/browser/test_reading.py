"""What every page's reader keeps: people and lines are told once, and again where something about them changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.browser.reading import STALE_MS, UNKNOWN_LINE, Messages, Person, Pulse, Roster, Sources
from bot.platforms import JITSI
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
    list(roster.becomes({"a": ANN, "b": BEN}, since_ms=10_000, at_ms=10_000))
    facts = list(roster.becomes({"b": BEN, "c": ANN}, since_ms=15_000, at_ms=20_000))
    assert [(type(fact), fact.seat, fact.at_ms) for fact in facts if isinstance(fact, Joined | Left)] == [
        (Left, "a", 20_000),
        (Joined, "c", 15_000 - LAG),  # the list before may have missed them
    ]


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


def test_nobody_changes_the_line_of_another_by_its_id() -> None:
    messages = Messages()
    list(messages.said(said("record yes")))
    of_ben = replace(said("record no"), seat=SeatId("b"))
    assert list(messages.said(of_ben)) == [of_ben]
    assert list(messages.deleted("m1", SeatId("c"), 5)) == []
    assert [type(fact) for fact in messages.deleted("m1", SeatId("a"), 5)] == [ChatDeleted]
    assert list(messages.deleted("m1", SeatId("a"), 5)) == []


def test_an_answer_to_a_line_whose_id_two_used_is_one_to_nobody_knows_which() -> None:
    def answers(messages: Messages, message_id: str) -> str | None:
        (line,) = messages.said(replace(said("yes", message_id), reply_to="notice"))
        assert isinstance(line, ChatSaid)
        return line.reply_to

    messages = Messages()
    list(messages.said(replace(said("May I record?", "notice"), seat=SeatId("own")), is_own=True))
    assert answers(messages, "m1") == "notice"
    list(messages.said(replace(said("Who wants pizza?", "notice"), seat=SeatId("b"))))
    assert answers(messages, "m2") == UNKNOWN_LINE
    messages = Messages()
    messages.wrote(SeatId("own"), "notice")  # whispered to somebody
    list(messages.said(replace(said("Who wants pizza?", "notice"), seat=SeatId("b"))))
    assert answers(messages, "m1") == UNKNOWN_LINE


def test_the_first_list_after_a_standstill_may_be_one_of_before_it() -> None:
    pulse = Pulse()
    for at_ms, known_ms in ((1_000, 1_000), (1_400, 1_400), (1_900, 1_400), (2_400, 1_900), (2_600, 2_600)):
        pulse.beats(at_ms)
        assert pulse.known_until(at_ms) == pulse.since(at_ms) == known_ms  # never further back than one list


def test_who_has_been_here_is_known_afterwards() -> None:
    roster = Roster(JITSI)
    list(roster.comes("a", ANN, 1_000))
    list(roster.goes("a", 2_000))
    assert (roster.knows("a"), roster.knows("b")) == (True, False)


def test_a_list_that_stopped_coming_is_none() -> None:
    pulse = Pulse()
    assert pulse.known_until(0) is None
    assert pulse.since(10_000) == 10_000
    pulse.beats(10_000)
    assert pulse.known_until(10_000 + STALE_MS - 1) == 10_000  # and not a moment more
    assert pulse.known_until(10_000 + STALE_MS) is None
    pulse.stops()
    assert pulse.known_until(10_000) is None
    assert pulse.since(70_000) == 10_000


def test_a_source_is_whose_it_was_told_to_be_last() -> None:
    sources = Sources[int](JITSI)
    assert sources.whose(1, 0) is None
    assert sources.become([(1, "a"), (2, "b")], 1_000) == set()
    assert (sources.whose(1, 1_000), sources.whose(2, 1_000)) == ("a", "b")
    assert sources.are([(2, "b")], 2_000) == set()
    assert (sources.whose(1, 2_000), sources.whose(2, 2_000)) == (None, "b")
    assert sources.become([(1, "a"), (2, "")], 3_000) == set()
    assert (sources.whose(1, 3_000), sources.whose(2, 3_000)) == ("a", None)
    sources.are_free(["a"])
    assert sources.whose(1, 3_000) is None
    sources.become([(1, "a")], 4_000)
    sources.forget()
    assert sources.whose(1, 4_000) is None


@pytest.mark.parametrize("between", ["nothing", "freed", "gone", "free", "forgotten"])
def test_a_source_that_comes_to_another_makes_the_one_before_doubtful_whatever_was_between(between: str) -> None:
    sources = Sources[int](JITSI)
    sources.become([(1, "a")], 1_000)
    match between:
        case "freed":
            sources.become([(1, "")], 2_000)
        case "gone":
            sources.are([], 2_000)
        case "free":
            sources.are_free(["a"])
        case "forgotten":
            sources.forget()
    assert sources.become([(1, "b")], 3_000) == {"a"}
    # packets of before may still be on their way
    assert sources.whose(1, 3_000 + JITSI.path_delay_ms - 1) is None
    assert sources.whose(1, 3_000 + JITSI.path_delay_ms) == "b"
    assert sources.become([(1, "b")], 4_000) == set()


def test_a_source_that_two_claim_is_nobodys_and_in_doubt() -> None:
    sources = Sources[int](JITSI)
    assert sources.become([(1, "a"), (1, "b")], 1_000) == set()
    assert sources.whose(1, 1_000) is None
    sources.become([(1, "a")], 2_000)
    assert (sources.whose(1, 2_001), sources.whose(1, 2_000 + JITSI.path_delay_ms)) == (None, "a")
    assert sources.become([(1, "b"), (1, "a")], 3_000) == {"a"}
    assert sources.become([(1, "a"), (1, "b")], 3_200) == set()  # once is enough
    assert sources.whose(1, 9_000) is None
    assert sources.become([(1, "b")], 10_000) == set()
    assert (sources.whose(1, 10_001), sources.whose(1, 10_000 + JITSI.path_delay_ms)) == (None, "b")
