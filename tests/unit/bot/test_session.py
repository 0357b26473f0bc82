"""Stories of one stay: events in, commands out, and whose sound would be kept."""

from __future__ import annotations

from dataclasses import replace

from bot.commands import Append, BindPage, CutBack, Hear, PageBound, PostLine, PostNotice, Show, SpeakLine, SpeakNotice
from bot.ports import Left, StopPressed, TileState, VoiceDoubted
from consent_notice.events import Decided, Means, NoticeDelivered, SeatJoined
from consent_notice.notice import Say
from consent_notice.words import IdentityLevel, Rule, SeatId, SeatKind
from tests.simulators.visit import NO, YES, SimulatedVisit, decided_on_a_page, in_a_room


def test_nobody_is_asked_before_a_guest_is_there_and_the_host_alone_is_not_asked() -> None:
    visit = in_a_room()
    assert not visit.ordered(PostNotice)
    visit.join("a", "Ada")  # the host
    assert not visit.ordered(PostNotice)
    visit.join("b", "Ben")
    visit.join("c", "Cia")
    assert not visit.ordered(PostNotice)  # the room may be telling who is there, one by one
    visit.later(250)
    assert [order.seats for order in visit.ordered(PostNotice)] == [{"a", "b", "c"}]
    assert visit.ordered(PostNotice)[0].to_seat is None
    assert len(visit.ordered(SpeakNotice)) == 1


def test_a_yes_counts_only_once_its_entry_is_durable() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b", "c")
    orders = visit.chat("b", "record yes")
    assert any(isinstance(order, Append) for order in orders)
    assert visit.kept() == frozenset()
    visit.later(5_000)
    assert visit.kept() == frozenset()
    visit.make_durable()
    assert visit.kept() == {"b"}
    assert visit.ordered(Hear)[-1].seats == {"b"}
    assert visit.ordered(Show)[-1].tile.state is TileState.RECORDING
    assert visit.ordered(Show)[-1].tile.kept == {"b": True, "c": False}


def test_a_no_shuts_before_it_is_logged() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.say_yes("b")
    visit.later(1_000)
    orders = visit.chat("b", "stop")
    assert visit.kept() == frozenset()
    kinds = [type(order) for order in orders]
    assert Append in kinds
    assert Hear in kinds
    assert visit.ordered(Hear)[-1].seats == frozenset()


def test_a_no_overtakes_a_yes_that_is_on_its_way_to_the_log() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.chat("b", "record yes")
    visit.now_ms += 10
    visit.chat("b", "stop")
    visit.make_durable()
    assert visit.kept() == frozenset()


def test_a_yes_on_a_page_does_not_undo_a_no_in_the_chat_that_is_not_yet_logged() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    page_yes = decided_on_a_page(visit, "b", YES, visit.now_ms)
    visit.now_ms += 20
    visit.chat("b", "record no")
    visit.tell(page_yes)
    assert visit.kept() == frozenset()


def test_a_replayed_yes_never_opens() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.say_yes("b")
    yes = visit.log[-1]
    visit.now_ms += 100
    visit.chat("b", "stop")
    visit.make_durable()
    visit.tell(yes)
    assert visit.kept() == frozenset()


def test_a_no_on_a_page_shuts_from_when_it_was_said_and_cuts_back_what_came_after() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b", "c")
    visit.say_yes("b")
    visit.say_yes("c")
    said_ms = visit.now_ms + 50
    visit.now_ms += 500
    orders = visit.tell(decided_on_a_page(visit, "b", NO, said_ms))
    assert visit.kept() == {"c"}
    assert [(order.seat, order.after_ms) for order in orders if isinstance(order, CutBack)] == [("b", said_ms)]


def test_everyone_means_everyone_and_a_late_joiner_shuts_from_their_join() -> None:
    visit = in_a_room(Rule.EVERYONE, "b", "c")
    visit.say_yes("b")
    assert visit.kept() == frozenset()
    visit.say_yes("c")
    assert visit.kept() == {"b", "c"}
    visit.later(10_000)
    orders = visit.join("d", "Dan")
    assert visit.kept() == frozenset()
    assert [order.line for order in orders if isinstance(order, SpeakLine)] == [Say.RECORDING_PAUSED]
    assert any(isinstance(order, PostNotice) and order.to_seat == "d" for order in orders)
    assert any(isinstance(order, CutBack) and order.seat is None for order in orders)
    visit.say_yes("d")
    assert visit.kept() == {"b", "c", "d"}
    assert visit.ordered(SpeakLine)[-1].line is Say.RECORDING_RESUMED


def test_under_everyone_the_late_joiner_leaving_resumes() -> None:
    visit = in_a_room(Rule.EVERYONE, "b")
    visit.say_yes("b")
    visit.join("d", "Dan")
    assert visit.kept() == frozenset()
    visit.now_ms += 1_000
    visit.leave("d")
    assert visit.kept() == {"b"}


def test_under_everyone_a_leave_that_is_dated_too_early_opens_nothing_before_it_was_told() -> None:
    visit = in_a_room(Rule.EVERYONE, "b", "d")
    visit.say_yes("b")
    visit.now_ms += 1_000
    visit.tell(Left(seat=SeatId("d"), at_ms=visit.now_ms - 60))
    assert visit.session.kept_seats(visit.now_ms - 1) == frozenset()
    assert visit.kept() == {"b"}


def test_what_may_have_been_somebody_elses_voice_is_not_kept_and_nobody_is_asked_anew() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b", "c")
    visit.say_yes("b")
    visit.say_yes("c")
    visit.later(10_000)
    told_ms = visit.now_ms
    orders = visit.tell(VoiceDoubted(seat=SeatId("b"), from_ms=told_ms - 2_000, to_ms=told_ms))
    assert not orders
    kept = {at_ms: visit.session.kept_seats(told_ms - at_ms) for at_ms in (2_001, 2_000, 1)}
    assert kept == {2_001: {"b", "c"}, 2_000: {"c"}, 1: {"c"}}
    assert visit.kept() == {"b", "c"}


def test_who_leaves_comes_back_and_leaves_within_one_moment_is_gone() -> None:
    visit = in_a_room(Rule.EVERYONE, "b", "d")
    visit.say_yes("b")
    visit.now_ms += 1_000
    visit.leave("d")
    visit.join("d", "Dan")
    visit.leave("d")
    visit.now_ms += 1_000
    assert visit.kept() == {"b"}


def test_a_bare_yes_after_another_notetakers_question_is_no_answer_to_ours() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.join("other", "Otter", SeatKind.BOT)
    visit.now_ms += 1_000
    visit.chat("other", "Reply yes if you would like my notes")
    visit.chat("b", "yes")
    visit.make_durable()
    assert visit.kept() == frozenset()


def test_a_yes_needs_a_notice_after_that_persons_join() -> None:
    visit = SimulatedVisit(posts_notices=False)
    visit.enter()
    visit.join("b", "Ben")
    visit.chat("b", "record yes")
    visit.make_durable()
    assert visit.kept() == frozenset()
    assert not [order for order in visit.ordered(Append) if isinstance(order.event, Decided)]


def test_who_rejoins_keeps_a_no_and_is_not_asked_again() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b", "c")
    visit.chat("b", "record no")
    visit.make_durable()
    asked = len(visit.ordered(PostNotice))
    visit.leave("b")
    visit.now_ms += 5_000
    visit.join("b", "Ben")
    assert len(visit.ordered(PostNotice)) == asked
    assert visit.kept() == frozenset()


def test_who_rejoins_keeps_a_yes() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.say_yes("b")
    visit.leave("b")
    assert visit.kept() == frozenset()
    visit.now_ms += 5_000
    visit.join("b", "Ben")
    assert visit.kept() == {"b"}


def test_who_refused_may_agree_but_only_by_their_own_act() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b", "c")
    visit.say_yes("c")
    visit.chat("b", "record no")
    visit.make_durable()
    visit.later(200_000)
    assert not [line for line in visit.ordered(PostLine) if line.line is Say.REMINDER]
    assert visit.kept() == {"c"}
    visit.say_yes("b")
    assert visit.kept() == {"b", "c"}


def test_a_bare_yes_counts_as_a_reply_to_the_notice_and_not_between_other_peoples_words() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b", "c")
    visit.chat("c", "shall we order pizza?")
    visit.chat("b", "yes")
    visit.make_durable()
    assert visit.kept() == frozenset()
    visit.chat("b", "yes", reply_to="n1")
    visit.make_durable()
    assert visit.kept() == {"b"}


def test_sound_only_gives_no_transcription() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.chat("b", "sound only")
    visit.make_durable()
    assert visit.kept() == {"b"}
    assert Say.THANKS_SOUND_ONLY in [line.line for line in visit.ordered(PostLine)]


def test_no_line_to_all_names_a_person() -> None:
    visit = in_a_room(Rule.EVERYONE, "b", "c")
    visit.say_yes("b")
    visit.say_yes("c")
    visit.chat("b", "stop")
    for line in visit.ordered(PostLine):
        if line.line in (Say.THANKS_GIVEN, Say.THANKS_WITHDRAWN, Say.THANKS_REFUSED):
            assert line.to_seat is not None


def test_a_page_code_is_bound_and_its_choices_open_when_durable() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.chat("b", "7KQX2")
    bind = visit.ordered(BindPage)[-1]
    assert (bind.code, bind.seat) == ("7KQX2", "b")
    visit.tell(PageBound(seat=SeatId("b"), page="7KQX2", acts=YES, is_shared=False, is_known=False, at_ms=bind.at_ms))
    assert visit.kept() == frozenset()
    visit.make_durable()
    assert visit.kept() == {"b"}
    decided = [entry.event for entry in visit.log if isinstance(entry.event, Decided)]
    assert decided[-1].identity_level is IdentityLevel.PAGE_BOUND_BY_CODE


def test_a_code_typed_again_takes_back_nothing_that_was_said_since() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    bound = PageBound(seat=SeatId("b"), page="7KQX2", acts=YES, is_shared=False, is_known=False, at_ms=visit.now_ms)
    visit.tell(bound)
    visit.make_durable()
    visit.now_ms += 100
    visit.chat("b", "stop")
    visit.make_durable()
    visit.now_ms += 100
    visit.tell(replace(bound, is_known=True, at_ms=visit.now_ms))
    visit.make_durable()
    assert visit.kept() == frozenset()


def test_a_shared_seat_does_not_open() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    orders = visit.tell(
        PageBound(seat=SeatId("b"), page="7KQX2", acts=(), is_shared=True, is_known=False, at_ms=visit.now_ms)
    )
    assert [order.line for order in orders if isinstance(order, PostLine)] == [Say.CANNOT_RECORD_SEAT]
    assert visit.kept() == frozenset()


def test_the_rooms_stop_button_is_a_withdrawal() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    visit.say_yes("b")
    visit.now_ms += 10
    visit.tell(StopPressed(message_id="s1", seat=SeatId("b"), at_ms=visit.now_ms))
    assert visit.kept() == frozenset()
    visit.make_durable()
    last = [entry.event for entry in visit.log if isinstance(entry.event, Decided)][-1]
    assert last.means is Means.ROOM_BUTTON


def test_after_a_stop_the_room_is_told_not_to_pass_that_voice_on_even_if_it_never_did() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b", "c")
    visit.say_yes("c")
    orders = visit.tell(StopPressed(message_id="s1", seat=SeatId("b"), at_ms=visit.now_ms))
    assert [order.seats for order in orders if isinstance(order, Hear)] == [{"c"}]


def test_a_yes_of_somebody_who_is_not_known_well_enough_opens_nothing() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b")
    yes = decided_on_a_page(visit, "b", YES, visit.now_ms)
    assert isinstance(yes.event, Decided)
    low = replace(yes.event, identity_level=IdentityLevel.SHARED_OR_ANONYMOUS)
    visit.tell(replace(yes, event=low))
    assert visit.kept() == frozenset()


def test_other_bots_are_neither_asked_nor_voices() -> None:
    visit = in_a_room(Rule.EVERYONE, "b")
    visit.join("x" * 12, "Notetaker", SeatKind.BOT)
    visit.say_yes("b")
    assert visit.kept() == {"b"}
    visit.chat("x" * 12, "record yes")
    visit.make_durable()
    assert visit.kept() == {"b"}


def test_after_a_crash_page_answers_hold_chat_yeses_are_asked_again_and_noes_stay() -> None:
    first = in_a_room(Rule.EACH_VOICE, "b", "c", "d")
    first.say_yes("b")
    first.tell(decided_on_a_page(first, "c", YES, first.now_ms))
    first.chat("d", "record no")
    first.make_durable()
    assert first.kept() == {"b", "c"}

    second = SimulatedVisit(rule=Rule.EACH_VOICE, epoch=2, earlier=tuple(first.log), now_ms=first.now_ms + 4_000)
    second.enter()
    for seat in ("b", "c", "d"):
        second.join(seat, seat)
    second.make_durable()
    assert second.kept() == {"c"}
    asked = {seat for order in second.ordered(PostNotice) for seat in order.seats}
    assert asked == {"b"}
    assert Say.AWAY in [line.line for line in second.ordered(PostLine)]
    second.now_ms += 10
    second.say_yes("b")
    assert second.kept() == {"b", "c"}


def test_every_notice_that_was_delivered_is_logged_for_each_person() -> None:
    visit = in_a_room(Rule.EACH_VOICE, "b", "c")
    visit.make_durable()
    delivered = [entry.event.seat for entry in visit.log if isinstance(entry.event, NoticeDelivered)]
    assert sorted(delivered) == ["b", "c"]


def test_of_the_time_before_the_bot_was_let_in_nothing_is_kept() -> None:
    """A packet holds the one before it again, and who was there then nobody tells the bot."""
    visit = in_a_room(Rule.EVERYONE, "b")
    visit.say_yes("b")
    let_in_ms = next(e.event.at_ms for e in visit.log if isinstance(e.event, SeatJoined) and e.event.is_own)
    record = visit.session.record
    assert not record.is_in_doubt(let_in_ms, let_in_ms + 20)
    assert record.is_in_doubt(let_in_ms - 20, let_in_ms + 20)
