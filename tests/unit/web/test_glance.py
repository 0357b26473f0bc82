"""What a host may learn of a running meeting, from its entries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from consent_notice.decisions import Act
from consent_notice.events import (
    HeadcountDeclared,
    HostAct,
    HostActed,
    Means,
    RecordingBarred,
    RuleSettled,
    SeatJoined,
    VisitClosed,
    VisitOpened,
)
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, SeatKind
from tests.unit.web.test_replay import ADA, BOT, TIMELINE, VISIT, Entry, asked, decided, joined, left
from web.glance import Glance, glance

BEN = SeatId("ben")
R = Purpose.RECORDING


def seen(*events: Any, epoch: int = 1) -> Glance:
    return glance([Entry(index, event) for index, event in enumerate(events)], TIMELINE, epoch)


def opened(epoch: int = 1, *, attested_opens: bool = False) -> VisitOpened:
    return VisitOpened(
        visit=VISIT,
        epoch=epoch,
        meeting="m",
        platform="practice",
        host="Ingrid",
        bot_name="onrecord",
        rule=Rule.EVERYONE,
        path_delay_ms=0,
        boot_id="b",
        at_ms=1_000,
        attested_opens=attested_opens,
    )


def host(act: HostAct, means: Means = Means.HOST) -> HostActed:
    return HostActed(visit=VISIT, epoch=1, act=act, means=means, message_id="m", boot_id="b", at_ms=9_000)


def several(people: int, seat: SeatId = ADA) -> HeadcountDeclared:
    return HeadcountDeclared(
        visit=VISIT, epoch=1, seat=seat, people=people, means=Means.PAGE, message_id="m", boot_id="b", at_ms=3_000
    )


def numbers(glance: Glance) -> tuple[int, int]:
    return glance.agreed, glance.people


@pytest.mark.parametrize(
    "events",
    [
        [],
        [decided(4_000, (R, Act.REFUSE))],
        [decided(4_000, (R, Act.WITHDRAW))],
        [decided(4_000, (R, Act.GIVE)), decided(4_500, (R, Act.WITHDRAW))],
        [decided(4_000, (R, Act.REFUSE)), decided(4_100, (R, Act.REFUSE))],
        [RecordingBarred(visit=VISIT, epoch=1, why="somebody under 18", boot_id="b", at_ms=4_000)],
    ],
)
def test_whoever_has_not_agreed_is_one_thing(events: list[Any]) -> None:
    silent = seen(opened(), joined(2_000), joined(2_000, BEN), asked(3_000), asked(3_000, BEN))
    assert seen(opened(), joined(2_000), joined(2_000, BEN), asked(3_000), asked(3_000, BEN), *events) == silent
    assert numbers(silent) == (0, 2)


def test_who_is_there_and_agreed_is_counted() -> None:
    yes = decided(4_000, (R, Act.GIVE))
    assert numbers(seen(opened(), joined(2_000), joined(2_000, BOT, SeatKind.BOT), yes)) == (1, 1)
    assert numbers(seen(opened(), joined(2_000), yes, left(5_000))) == (0, 0)
    assert numbers(seen(opened(), joined(2_000), yes, left(5_000), joined(6_000))) == (1, 1)
    assert numbers(seen(opened(), joined(2_000), yes, opened(2))) == (0, 0), "a bot that is back tells them anew"
    closed = VisitClosed(visit=VISIT, epoch=1, reason="everyone_left", boot_id="b", at_ms=9_000)
    assert numbers(seen(opened(), joined(2_000), yes, closed)) == (0, 0)


def of(person: str, act: Act) -> Any:
    return replace(decided(5_000, (R, act)), person=person)


def test_people_who_share_a_seat_are_counted_and_are_all_only_when_it_opens() -> None:
    room = [opened(), joined(2_000), several(3)]
    assert numbers(seen(*room)) == (0, 3)
    assert numbers(seen(*room, of("p1", Act.GIVE), of("p2", Act.GIVE))) == (2, 3)
    three = [of(person, Act.GIVE) for person in ("p1", "p2", "p3")]
    assert numbers(seen(*room, *three)) == (3, 3)
    # a no that somebody of them said from the seat itself is a no of all
    assert numbers(seen(*room, *three, decided(6_000, (R, Act.REFUSE)))) == (0, 3)
    assert numbers(seen(*room, *three[:2], of("p3", Act.REFUSE))) == (2, 3)
    assert numbers(seen(*room, *three[:2])) == (2, 3)


def test_the_first_ask_is_the_bots_and_no_page_moves_it() -> None:
    on_a_page = replace(asked(2_500), means=Means.PAGE)
    assert seen(opened(), joined(2_000), on_a_page).asked_ms is None
    for means in (Means.CHAT, Means.PHONE):
        glanced = seen(opened(), joined(2_000), on_a_page, replace(asked(3_000), means=means), asked(8_000))
        assert glanced.asked_ms == 2_000
        assert glanced.notice is not None
        assert glanced.notice.means is means


def test_what_the_host_did_is_theirs_to_see_wherever_they_did_it() -> None:
    acts = [host(HostAct.ASK, Means.CHAT), host(HostAct.PAUSE), host(HostAct.WAIT)]
    assert seen(opened(), *acts).is_paused
    assert not seen(opened(), *acts, host(HostAct.RESUME, Means.CHAT)).is_paused
    assert seen(opened(), *acts).acts == (HostAct.ASK, HostAct.PAUSE, HostAct.WAIT)


def test_the_rule_in_force_is_the_last_that_was_settled() -> None:
    settled = [
        RuleSettled(visit=VISIT, epoch=1, rule=rule, profile="", places=(), reasons=(), boot_id="b", at_ms=4_000)
        for rule in (Rule.EACH_VOICE, Rule.EVERYONE)
    ]
    assert [seen(opened(), *settled[:count]).rule for count in (0, 1, 2)] == [None, Rule.EACH_VOICE, Rule.EVERYONE]


@pytest.mark.parametrize("act", [None, Act.REFUSE, Act.WITHDRAW])
@pytest.mark.parametrize("answers_first", [True, False])
def test_a_hosts_word_shows_as_the_hosts_word_and_no_more(act: Act | None, answers_first: bool) -> None:
    word = replace(decided(6_000, (R, Act.ATTEST)), means=Means.HOST)
    answer = [decided(5_000 if answers_first else 7_000, (R, act))] if act else []
    events = [*answer, word] if answers_first else [word, *answer]
    glanced = seen(opened(attested_opens=True), joined(2_000), asked(3_000), *events)
    assert glanced == seen(opened(attested_opens=True), joined(2_000), asked(3_000), word)
    assert (glanced.spoken_for, numbers(glanced)) == (1, (0, 1))
    assert seen(opened(), joined(2_000), word, epoch=2).spoken_for == 0, "a bot that is back has to be told again"


def test_only_a_visit_that_began_with_it_takes_a_hosts_word() -> None:
    assert [seen(opened(attested_opens=first), opened(2, attested_opens=True)).attested_opens
            for first in (True, False)] == [True, False]  # fmt: skip


def test_a_level_and_a_name_are_those_of_the_last_join() -> None:
    renamed = SeatJoined(
        visit=VISIT, epoch=1, seat=ADA, seat_kind=SeatKind.PERSON, name="Ada L.",
        identity_level=IdentityLevel.PLATFORM_ACCOUNT, boot_id="b", at_ms=3_000,
    )  # fmt: skip
    (ada,) = seen(opened(), joined(2_000), renamed).present
    assert (ada.name, ada.level) == ("Ada L.", IdentityLevel.PLATFORM_ACCOUNT)
