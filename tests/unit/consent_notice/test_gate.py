"""The gate's single cases; `test_gate_machine` drives it through a world."""

from __future__ import annotations

import pytest

from consent_notice.frames import Encoding, GateTimes, HeardFrame
from consent_notice.gate import AdmittedFrame, Gate
from consent_notice.rules import Grounds, MeetingRecord, Refusal, Why
from consent_notice.words import Purpose, Rule, SeatId, SeatKind, Standing

ANN = SeatId("ann")


def frame(
    captured_ms: int, encoding: Encoding = Encoding.OPUS, speakers: frozenset[SeatId] | None = None
) -> HeardFrame:
    return HeardFrame(
        track="ann",
        speakers=frozenset({ANN}) if speakers is None else speakers,
        captured_ms=captured_ms,
        duration_ms=20,
        rtp_timestamp=0,
        encoding=encoding,
        payload=b"x",
    )


def gate(path_delay_ms: int = 0) -> tuple[MeetingRecord, Gate]:
    record = MeetingRecord(Rule.EACH_VOICE)
    record.joined(ANN, SeatKind.PERSON, 0)
    record.stands(ANN, Purpose.RECORDING, Standing.GIVEN, 100, 3)
    return record, Gate(record, GateTimes(path_delay_ms=path_delay_ms, settle_ms=100))


def kept(the_gate: Gate, heard: HeardFrame) -> bool:
    return isinstance(the_gate.admit(heard), AdmittedFrame)


def test_the_first_packet_after_an_opening_is_dropped_for_it_may_repeat_the_one_before() -> None:
    _, the_gate = gate()
    assert not kept(the_gate, frame(100))
    assert not kept(the_gate, frame(119))
    assert kept(the_gate, frame(120))
    assert kept(the_gate, frame(100, Encoding.PCM_S16LE_48K))


def test_the_path_delay_moves_the_opening_but_not_the_shutting() -> None:
    record, the_gate = gate(path_delay_ms=40)
    assert not kept(the_gate, frame(159))
    assert kept(the_gate, frame(160))
    record.stands(ANN, Purpose.RECORDING, Standing.WITHDRAWN, 300, None)
    assert kept(the_gate, frame(280))
    assert not kept(the_gate, frame(281))


def test_a_short_packet_looks_back_over_the_encoders_look_ahead() -> None:
    _, the_gate = gate()
    short = {"track": "a", "speakers": frozenset({ANN}), "duration_ms": 5, "rtp_timestamp": 0, "payload": b"x"}
    assert not kept(the_gate, HeardFrame(captured_ms=106, encoding=Encoding.OPUS, **short))  # type: ignore[arg-type]
    assert kept(the_gate, HeardFrame(captured_ms=107, encoding=Encoding.OPUS, **short))  # type: ignore[arg-type]


def test_a_frame_settles_only_when_all_that_could_forbid_it_is_known() -> None:
    _, the_gate = gate()
    assert not the_gate.is_settled(frame(200), 319)
    assert the_gate.is_settled(frame(200), 320)


def test_what_is_admitted_names_the_yes_and_the_rule() -> None:
    _, the_gate = gate()
    admitted = the_gate.admit(frame(200))
    assert isinstance(admitted, AdmittedFrame)
    assert (admitted.relies_on, admitted.rule, admitted.track) == (frozenset({3}), Rule.EACH_VOICE, "ann")


def test_nobody_else_can_make_an_admitted_frame() -> None:
    with pytest.raises(TypeError, match="only the gate"):
        AdmittedFrame(object(), frame(0), frozenset({ANN}), Grounds(entries=frozenset()), Rule.EVERYONE)


def test_an_unknown_speaker_is_refused() -> None:
    record, the_gate = gate()
    assert the_gate.admit(frame(200, speakers=frozenset())) == Refusal(why=Why.UNKNOWN_SPEAKER)
    record.doubt_from(200)
    assert the_gate.admit(frame(200)) == Refusal(why=Why.DOUBT)
