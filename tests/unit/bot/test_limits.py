"""What shuts the gate without being anybody's answer: the host's pause and absence, a bar, a rule that changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.commands import Command, CutBack, Durable, PostLine, PostNotice, SpeakLine
from bot.limits import Limits
from bot.ports import LeftReason
from bot.presence import Presence
from consent_notice.events import HostAct, HostActed, Means, RecordingBarred, RuleSettled, VisitOpened
from consent_notice.notice import Say
from consent_notice.rules import MeetingRecord
from consent_notice.words import Purpose, Rule, SeatId, VisitId
from storage.replay import replay
from tests.simulators.visit import SimulatedVisit, in_a_room

HOST_RULES = {"needs_host": True}


def acted(visit: SimulatedVisit, act: HostAct, at_ms: int | None = None) -> None:
    event = HostActed(
        visit=VisitId("visit"),
        epoch=1,
        act=act,
        means=Means.HOST,
        message_id=f"{act}{visit.now_ms}",
        boot_id="boot",
        at_ms=visit.now_ms if at_ms is None else at_ms,
    )
    visit.log_elsewhere(event)


def settled(visit: SimulatedVisit, rule: Rule) -> None:
    event = RuleSettled(
        visit=VisitId("visit"),
        epoch=1,
        rule=rule,
        profile="explicit_all",
        places=(("DE", "participant (declared)"),),
        reasons=("why",),
        boot_id="boot",
        at_ms=visit.now_ms,
    )
    visit.log_elsewhere(event)


def barred(visit: SimulatedVisit) -> None:
    event = RecordingBarred(visit=VisitId("visit"), epoch=1, why="under 18", boot_id="boot", at_ms=visit.now_ms)
    visit.log_elsewhere(event)


def agreed(rule: Rule = Rule.EACH_VOICE) -> SimulatedVisit:
    visit = in_a_room(rule, "Ann", "Ben")
    visit.say_yes("Ann")
    visit.say_yes("Ben")
    visit.now_ms += 1_000
    assert visit.kept() == {"Ann", "Ben"}
    return visit


def test_a_pause_shuts_from_when_it_was_said_and_takes_back_what_is_on_disk_since() -> None:
    visit = agreed()
    acted(visit, HostAct.PAUSE, visit.now_ms - 40)
    assert visit.kept() == frozenset()
    assert visit.ordered(CutBack)[-1] == CutBack(seat=None, after_ms=visit.now_ms - 40, of_earlier_stays=True)
    assert visit.ordered(SpeakLine)[-1].line is Say.RECORDING_PAUSED
    visit.later(400_000)
    assert visit.session.presence is Presence.IN_ROOM, "a pause is no reason to leave"
    acted(visit, HostAct.RESUME)
    assert visit.kept() == {"Ann", "Ben"}
    assert visit.ordered(SpeakLine)[-1].line is Say.RECORDING_RESUMED


def test_a_bar_shuts_for_good_and_looks_like_a_refusal() -> None:
    visit = agreed()
    barred(visit)
    assert visit.kept() == frozenset()
    for seat in ("Ann", "Ben"):
        visit.now_ms += 10
        visit.say_yes(seat)
    acted(visit, HostAct.RESUME)
    assert visit.kept() == frozenset()
    visit.join("Cia", "Cia")
    visit.later(10)
    assert len(visit.ordered(PostNotice)) == 1, "nobody is asked for what cannot be"
    visit.later(120_000)
    assert visit.session.left_reason is LeftReason.NOT_EVERYONE_AGREED
    assert visit.session.left_detail == "not everyone agreed"


def test_a_resume_from_before_the_machines_restart_ends_no_pause() -> None:
    """The room tells it again; which of the two came first nobody can tell any more."""
    first = agreed()
    acted(first, HostAct.PAUSE)
    orders: list[Command] = []
    for said_ms, is_paused in ((-5, True), (5, False)):
        resume = HostActed(
            visit=VisitId("visit"),
            epoch=2,
            act=HostAct.RESUME,
            means=Means.CHAT,
            message_id="m",
            boot_id="later boot",
            at_ms=said_ms,
        )
        entries = [*first.log, Durable(index=len(first.log), event_id="resume", event=resume)]
        limits = Limits(
            replace(first.session.facts, boot_id="later boot"), MeetingRecord(Rule.EACH_VOICE), orders.append
        )
        for entry in entries:
            limits.recall(entry)
        assert limits.is_paused is is_paused


@pytest.mark.parametrize("limit", ["pause", "bar", "rule"])
def test_what_was_limited_before_an_unclean_end_is_so_after_it(limit: str) -> None:
    first = agreed()
    if limit == "pause":
        acted(first, HostAct.PAUSE)
    elif limit == "bar":
        barred(first)
    else:
        settled(first, Rule.EVERYONE)
    visit = SimulatedVisit(rule=Rule.EACH_VOICE, epoch=2, earlier=tuple(first.log), now_ms=first.now_ms + 1_000)
    visit.enter()
    visit.join("Ann", "Ann")
    visit.join("Cia", "Cia")
    visit.later(10)
    visit.say_yes("Ann")
    assert visit.kept() == frozenset()


def test_a_stricter_rule_shuts_from_when_it_was_settled_and_is_told() -> None:
    visit = agreed()
    visit.join("Cia", "Cia")
    visit.later(10)
    assert visit.kept() == {"Ann", "Ben"}
    settled(visit, Rule.EVERYONE)
    assert visit.kept() == frozenset()
    assert Say.RULE_EVERYONE in [order.line for order in visit.ordered(PostLine)]
    assert visit.ordered(CutBack)[-1].seat is None


def test_a_rule_that_holds_already_is_no_news() -> None:
    visit = agreed(Rule.EVERYONE)
    before = len(visit.ordered(PostLine)), len(visit.ordered(CutBack))
    settled(visit, Rule.EVERYONE)
    assert (len(visit.ordered(PostLine)), len(visit.ordered(CutBack))) == before
    assert visit.kept() == {"Ann", "Ben"}


def test_nothing_is_kept_while_a_host_is_away_who_wants_that() -> None:
    visit = SimulatedVisit(rule=Rule.EACH_VOICE, changes=HOST_RULES)
    visit.enter()
    for name in ("Ann", "Ben"):
        visit.join(name, name)
    visit.later(10)
    visit.say_yes("Ann")
    assert visit.kept() == frozenset()
    visit.join("h", "ada")
    visit.later(10)
    assert visit.kept() == {"Ann"}
    visit.leave("h")
    assert visit.kept() == frozenset()
    visit.join("h2", "Ada")
    visit.join("h3", "Ada")
    visit.later(10)
    assert visit.kept() == frozenset(), "which of the two is the host?"


def test_the_replay_of_the_log_knows_the_same_limits() -> None:
    visit = agreed()
    opened = VisitOpened(
        visit=VisitId("visit"),
        epoch=1,
        meeting="m",
        platform="practice",
        host="Ada",
        bot_name="bot",
        rule=Rule.EACH_VOICE,
        path_delay_ms=0,
        boot_id="boot",
        at_ms=0,
    )
    paused_ms = visit.now_ms
    acted(visit, HostAct.PAUSE)
    visit.now_ms += 500
    acted(visit, HostAct.RESUME)
    visit.now_ms += 500
    entries = [Durable(index=-1, event_id="opened", event=opened), *visit.log]
    record = replay(entries, "boot")
    assert record.yes_over(SeatId("Ann"), Purpose.RECORDING, paused_ms, paused_ms + 1) is not None
    assert record.is_in_doubt(paused_ms, paused_ms + 500)
    assert not record.is_in_doubt(paused_ms + 500, paused_ms + 900)
