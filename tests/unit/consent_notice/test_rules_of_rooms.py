"""What the judgement makes of shared seats, changing rules, somebody's word for others, and the bot's own voice."""

from __future__ import annotations

import pytest

from consent_notice.rules import Grounds, MeetingRecord, Refusal, Why, judge
from consent_notice.words import Purpose, Rule, SeatId, SeatKind, Standing, seat_of_voice, voice_of

ROOM, ANN, BOT = SeatId("room"), SeatId("ann"), SeatId("bot")
ONE, TWO, THREE = (voice_of(ROOM, person) for person in ("p1", "p2", "p3"))
RECORDING = Purpose.RECORDING


def record_of(rule: Rule = Rule.EACH_VOICE, *, attested_opens: bool = False) -> MeetingRecord:
    record = MeetingRecord(rule, attested_opens=attested_opens, own_voice=BOT)
    record.joined(BOT, SeatKind.BOT, 0)
    for seat in (ROOM, ANN):
        record.joined(seat, SeatKind.PERSON, 0)
    return record


def verdict(record: MeetingRecord, seat: SeatId, from_ms: int = 1_000, to_ms: int = 1_020) -> Grounds | Refusal:
    return judge(record, frozenset({seat}), from_ms, to_ms, RECORDING)


def test_a_voice_names_its_seat() -> None:
    assert voice_of(ROOM, "") == ROOM
    assert seat_of_voice(ONE) == seat_of_voice(ROOM) == ROOM
    assert len({ROOM, ONE, TWO}) == 3


def test_a_shared_seat_opens_only_once_each_of_its_people_agreed() -> None:
    record = record_of()
    record.stands(ROOM, RECORDING, Standing.GIVEN, 100, 1)
    assert isinstance(verdict(record, ROOM), Grounds)
    record.shares(ROOM, 3, 500)
    assert verdict(record, ROOM) == Refusal(why=Why.NO_CONSENT), "the seat's own yes was for one person"
    assert isinstance(verdict(record, ROOM, 300, 320), Grounds), "before anybody said so"
    record.stands(ONE, RECORDING, Standing.GIVEN, 600, 2)
    record.stands(TWO, RECORDING, Standing.GIVEN, 700, 3)
    assert isinstance(verdict(record, ROOM), Refusal)
    record.stands(THREE, RECORDING, Standing.GIVEN, 800, 4)
    assert verdict(record, ROOM) == Grounds(entries=frozenset({2, 3, 4}))
    assert isinstance(verdict(record, ROOM, 790, 810), Refusal), "over the last one's yes"


@pytest.mark.parametrize("who", [ROOM, ONE, TWO])
def test_one_no_on_a_shared_seat_shuts_it_for_all(who: SeatId) -> None:
    record = record_of()
    record.shares(ROOM, 2, 0)
    record.stands(ONE, RECORDING, Standing.GIVEN, 100, 1)
    record.stands(TWO, RECORDING, Standing.GIVEN, 100, 2)
    assert isinstance(verdict(record, ROOM), Grounds)
    record.stands(who, RECORDING, Standing.WITHDRAWN, 1_010, None)
    assert isinstance(verdict(record, ROOM), Refusal)
    assert isinstance(verdict(record, ROOM, 900, 920), Grounds)


def test_more_answers_than_people_leave_no_room_for_a_no() -> None:
    record = record_of()
    record.shares(ROOM, 2, 0)
    for number, voice in enumerate((ONE, TWO, THREE)):
        record.stands(voice, RECORDING, Standing.REFUSED if voice is TWO else Standing.GIVEN, 100, number)
    assert isinstance(verdict(record, ROOM), Refusal)


def test_how_many_share_a_seat_only_grows() -> None:
    record = record_of()
    record.shares(ROOM, 3, 0)
    record.shares(ROOM, 1, 100)
    record.shares(ROOM, 2, 100)
    assert record.people_on(ROOM, 1_000) == 3
    record.shares(ROOM, 4, 500)
    assert (record.people_on(ROOM, 500), record.people_on(ROOM, 501)) == (3, 4)


def test_under_everyone_a_shared_seat_holds_up_the_others_too() -> None:
    record = record_of(Rule.EVERYONE)
    record.stands(ANN, RECORDING, Standing.GIVEN, 100, 1)
    record.stands(ROOM, RECORDING, Standing.GIVEN, 100, 2)
    assert isinstance(verdict(record, ANN), Grounds)
    record.shares(ROOM, 2, 1_010)
    assert verdict(record, ANN) == Refusal(why=Why.SOMEONE_HAS_NOT_AGREED)


def test_a_stricter_rule_holds_from_its_own_time_and_a_looser_one_never_reaches_back() -> None:
    record = record_of(Rule.EACH_VOICE)
    record.stands(ANN, RECORDING, Standing.GIVEN, 100, 1)
    assert isinstance(verdict(record, ANN), Grounds)
    record.rule_from(Rule.EVERYONE, 1_010)
    assert isinstance(verdict(record, ANN), Refusal), "the stricter rule of a span counts"
    assert isinstance(verdict(record, ANN, 980, 1_000), Grounds)
    record.rule_from(Rule.EACH_VOICE, 2_000)
    assert isinstance(verdict(record, ANN, 1_990, 2_010), Refusal)
    assert isinstance(verdict(record, ANN, 2_000, 2_020), Grounds)
    assert record.rule_over(1_500, 1_501) is Rule.EVERYONE


def test_a_stricter_rule_that_is_learnt_of_late_ends_the_looser_one_noted_before() -> None:
    record = record_of(Rule.EVERYONE)
    record.stands(ANN, RECORDING, Standing.GIVEN, 100, 1)
    record.rule_from(Rule.EACH_VOICE, 500)
    assert isinstance(verdict(record, ANN), Grounds)
    record.rule_from(Rule.EVERYONE, 400)
    assert isinstance(verdict(record, ANN), Refusal)


def test_an_attestation_opens_only_where_an_admin_allowed_it_and_never_over_a_no() -> None:
    for allowed in (False, True):
        record = record_of(attested_opens=allowed)
        record.stands(ANN, RECORDING, Standing.ATTESTED, 100, 7)
        assert isinstance(verdict(record, ANN), Grounds) == allowed
        record.stands(ANN, RECORDING, Standing.REFUSED, 200, None)
        record.stands(ANN, RECORDING, Standing.ATTESTED, 300, 8, said_ms=150)
        assert isinstance(verdict(record, ANN), Refusal)


def test_an_attestation_takes_back_no_answer_of_the_persons_own() -> None:
    for allowed in (False, True):
        record = record_of(attested_opens=allowed)
        record.stands(ANN, RECORDING, Standing.GIVEN, 200, 7)
        record.stands(ANN, RECORDING, Standing.ATTESTED, 150, 8)
        record.stands(ANN, RECORDING, Standing.ATTESTED, 300, 9)
        assert verdict(record, ANN) == Grounds(entries=frozenset({7}))
        record.stands(ANN, RECORDING, Standing.REQUESTED, 2_000, None)
        record.stands(ANN, RECORDING, Standing.ATTESTED, 2_100, 10)
        assert isinstance(verdict(record, ANN, 2_200, 2_220), Grounds) == allowed


def test_the_bots_own_words_are_kept_only_where_somebodys_would_be() -> None:
    each, everyone = record_of(), record_of(Rule.EVERYONE)
    for record in (each, everyone):
        assert verdict(record, BOT) == Refusal(why=Why.SOMEONE_HAS_NOT_AGREED)
        record.stands(ANN, RECORDING, Standing.GIVEN, 100, 1)
    assert verdict(each, BOT) == Grounds(entries=frozenset({1}))
    assert isinstance(verdict(everyone, BOT), Refusal)
    everyone.stands(ROOM, RECORDING, Standing.GIVEN, 1_000, 2)
    assert verdict(everyone, BOT) == Grounds(entries=frozenset({1, 2}))
    assert isinstance(verdict(everyone, BOT, 990, 1_010), Refusal)
    written_down = judge(each, frozenset({BOT}), 1_000, 1_020, Purpose.TRANSCRIPTION)
    assert written_down == Refusal(why=Why.NOT_A_PERSON), "nobody's words, so nobody's consent to write them down"
    for seat in (ROOM, ANN):
        each.left(seat, 900)
    assert verdict(each, BOT) == Refusal(why=Why.NOBODY_PRESENT)
    other = SeatId("another bot")
    each.joined(other, SeatKind.BOT, 0)
    assert verdict(each, other) == Refusal(why=Why.NOT_A_PERSON)
