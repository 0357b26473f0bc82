"""The host in the meeting: commands in the chat, the offer to them alone, the fallback that the notice stated."""

from __future__ import annotations

from typing import Any

import pytest

from bot.commands import Append, PostLine, PostNotice, SpeakNotice, StopMeeting
from bot.ports import LeftReason
from bot.presence import Presence
from consent_notice.events import HostAct, HostActed, RuleSettled
from consent_notice.notice import Say
from consent_notice.words import Rule, VisitId
from tests.simulators.visit import SimulatedVisit

OFFER_MS, GRACE_MS = 90_000, 120_000


def meeting(*names: str, rule: Rule = Rule.EVERYONE, **changes: Any) -> SimulatedVisit:
    visit = SimulatedVisit(rule=rule, changes=changes)
    visit.enter()
    for name in names:
        visit.join(name, name)
    visit.later(10)
    visit.make_durable()
    return visit


def acts(visit: SimulatedVisit) -> list[HostAct]:
    return [order.event.act for order in visit.ordered(Append) if isinstance(order.event, HostActed)]


def to_host(visit: SimulatedVisit) -> list[PostLine]:
    return [order for order in visit.ordered(PostLine) if order.to_seat == "Ada"]


@pytest.mark.parametrize("text", ["/pause", " /PAUSE ", "/Pause"])
def test_a_pause_in_the_chat_shuts_before_it_is_logged(text: str) -> None:
    visit = meeting("Ada", "Ben")
    visit.say_yes("Ada")
    visit.say_yes("Ben")
    assert visit.kept() == {"Ada", "Ben"}
    visit.chat("Ada", text)
    assert visit.kept() == frozenset()
    visit.make_durable()
    assert acts(visit) == [HostAct.PAUSE]
    visit.chat("Ada", "/resume")
    assert visit.kept() == frozenset(), "opening waits for the log"
    visit.make_durable()
    assert visit.kept() == {"Ada", "Ben"}


def test_a_stop_in_the_chat_is_final() -> None:
    visit = meeting("Ada", "Ben")
    visit.chat("Ada", "/stop")
    assert len(visit.ordered(StopMeeting)) == 1


@pytest.mark.parametrize("who", ["Ben", "Ada2"])
def test_nobody_else_commands_the_bot(who: str) -> None:
    visit = meeting("Ada", "Ben", "Ada2")
    visit.chat(who, "/pause")
    visit.chat(who, "/stop")
    assert acts(visit) == []
    assert visit.ordered(StopMeeting) == []


def test_a_name_that_two_people_bear_is_no_hosts() -> None:
    visit = meeting("Ada", "Ben")
    visit.join("other", "ADA")
    visit.chat("other", "/stop")
    visit.chat("Ada", "/stop")
    assert visit.ordered(StopMeeting) == []


def test_a_lone_host_is_asked_only_when_they_want_it() -> None:
    visit = meeting("Ada")
    visit.later(60_000)
    assert visit.ordered(PostNotice) == []
    visit.chat("Ada", "/ask")
    visit.make_durable()
    assert len(visit.ordered(PostNotice)) == len(visit.ordered(SpeakNotice)) == 1
    visit.chat("Ada", "/ask")
    visit.make_durable()
    assert len(visit.ordered(PostNotice)) == 1, "nobody is asked twice"


def test_the_offer_goes_to_the_host_alone_once_and_counts_silence_like_a_no() -> None:
    told = []
    for ben_says in ("record no", "good morning"):
        visit = meeting("Ada", "Ben", "Cia")
        visit.say_yes("Ada")
        visit.chat("Ben", ben_says)
        visit.make_durable()
        visit.later(OFFER_MS)
        visit.later(1_000)
        offers = [order for order in to_host(visit) if order.line is Say.HOST_UNANSWERED]
        assert len(offers) == 1
        told.append(offers)
    assert told[0] == told[1]
    assert told[0][0].count == 2


def test_no_offer_where_all_agreed() -> None:
    visit = meeting("Ada", "Ben")
    visit.say_yes("Ada")
    visit.say_yes("Ben")
    visit.later(OFFER_MS)
    assert Say.HOST_UNANSWERED not in [order.line for order in to_host(visit)]


def test_a_host_who_waits_keeps_the_bot_there() -> None:
    visit = meeting("Ada", "Ben")
    visit.chat("Ada", "/wait")
    visit.make_durable()
    visit.later(GRACE_MS * 3)
    assert visit.session.presence is Presence.IN_ROOM


def test_the_stated_fallback_comes_after_the_grace_time_and_only_once_it_is_durable() -> None:
    visit = meeting("Ada", "Ben", fallback=Rule.EACH_VOICE)
    visit.say_yes("Ada")
    visit.later(GRACE_MS)
    settled = [order.event for order in visit.ordered(Append) if isinstance(order.event, RuleSettled)]
    assert [event.rule for event in settled] == [Rule.EACH_VOICE]
    assert visit.kept() == frozenset()
    visit.make_durable()
    assert visit.kept() == {"Ada"}
    assert Say.FALLBACK_EACH_VOICE in [order.line for order in visit.ordered(PostLine)]
    visit.later(GRACE_MS * 2)
    assert visit.session.presence is Presence.IN_ROOM


def test_a_fallback_under_which_nobody_agrees_ends_like_any_other() -> None:
    visit = meeting("Ada", "Ben", fallback=Rule.EACH_VOICE)
    visit.later(GRACE_MS)
    visit.make_durable()
    visit.later(GRACE_MS)
    visit.make_durable()
    visit.later(GRACE_MS)
    assert visit.session.left_reason is LeftReason.NOT_EVERYONE_AGREED


def test_the_host_can_choose_the_stated_fallback_and_no_other() -> None:
    for fallback, expected in ((Rule.EACH_VOICE, {"Ben"}), (None, set())):
        visit = meeting("Ada", "Ben", fallback=fallback)
        visit.say_yes("Ben")
        visit.chat("Ada", "/fallback")
        visit.make_durable()
        visit.make_durable()
        assert visit.kept() == expected


def place_declared(visit: SimulatedVisit, rule: Rule = Rule.EVERYONE, fallback: str = "") -> None:
    event = RuleSettled(
        visit=VisitId("visit"),
        epoch=1,
        rule=rule,
        profile="explicit_all",
        places=(("DE", "participant (declared)"),),
        reasons=("why",),
        boot_id="boot",
        at_ms=visit.now_ms,
        fallback=fallback,
    )
    visit.log_elsewhere(event)


@pytest.mark.parametrize("chosen", [True, False])
def test_a_place_that_becomes_known_takes_the_fallback_away(chosen: bool) -> None:
    visit = meeting("Ada", "Ben", fallback=Rule.EACH_VOICE)
    visit.say_yes("Ben")
    place_declared(visit)
    if chosen:
        visit.chat("Ada", "/fallback")
        visit.make_durable()
    visit.later(OFFER_MS)
    assert Say.HOST_UNANSWERED in [order.line for order in to_host(visit)]
    visit.later(GRACE_MS)
    visit.make_durable()
    assert visit.kept() == frozenset()
    assert visit.session.left_reason is LeftReason.NOT_EVERYONE_AGREED


def test_a_fallback_that_was_on_its_way_to_the_log_when_a_place_forbade_it_changes_nothing() -> None:
    visit = meeting("Ada", "Ben", fallback=Rule.EACH_VOICE)
    visit.say_yes("Ben")
    visit.later(GRACE_MS)
    place_declared(visit)
    visit.make_durable()
    assert visit.kept() == frozenset()
    back = SimulatedVisit(rule=Rule.EVERYONE, epoch=2, earlier=tuple(visit.log), now_ms=visit.now_ms + 1_000)
    back.enter()
    for name in ("Ada", "Ben"):
        back.join(name, name)
    back.later(10)
    back.say_yes("Ben")
    assert back.kept() == frozenset()


def test_a_place_that_allows_the_fallback_leaves_it() -> None:
    visit = meeting("Ada", "Ben", fallback=Rule.EACH_VOICE)
    visit.say_yes("Ben")
    place_declared(visit, fallback=Rule.EACH_VOICE.value)
    visit.later(GRACE_MS)
    visit.make_durable()
    assert visit.kept() == {"Ben"}
