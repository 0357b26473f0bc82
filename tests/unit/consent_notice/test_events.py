"""Every kind of log entry has one JSON form, reads back as itself, and nothing else is taken for one."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_notice.canonical import MAX_INTEGER, canonical, read_canonical
from consent_notice.decisions import Act
from consent_notice.events import KINDS, Decided, Means, PartClosed, SeatJoined, UnreadableEntry, from_body, to_body
from consent_notice.words import IdentityLevel, Purpose, SeatId, SeatKind, SegmentId, VisitId

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBERS = st.integers(-MAX_INTEGER, MAX_INTEGER)
st.register_type_strategy(str, TEXTS)
st.register_type_strategy(int, NUMBERS)
EVENTS = st.sampled_from(sorted(KINDS)).flatmap(lambda kind: st.builds(KINDS[kind]))

PART = PartClosed(
    visit=VisitId("v"),
    segment=SegmentId("s"),
    part=1,
    sha256="0" * 64,
    size_bytes=10,
    chunks=1,
    frames=2,
    from_ms=0,
    to_ms=40,
    kept_ms=40,
    recovered=False,
)
DECIDED = Decided(
    visit=VisitId("v"),
    epoch=1,
    seat=SeatId("ann"),
    acts=((Purpose.RECORDING, Act.GIVE), (Purpose.TRANSCRIPTION, Act.REFUSE)),
    means=Means.CHAT,
    identity_level=IdentityLevel.DISPLAY_NAME,
    matched_by="platform seat",
    notice="n",
    notice_version="1",
    notice_language="en",
    notice_sha256="0" * 64,
    message_id="m",
    verbatim="sound only",
    reader_version="1",
    boot_id="b",
    at_ms=5,
)


@given(EVENTS)
def test_what_is_written_reads_back_as_itself(event: Any) -> None:
    written = canonical(to_body(event))
    body = read_canonical(written)
    assert isinstance(body, dict)
    assert from_body(body) == event
    assert canonical(to_body(from_body(body))) == written


@given(EVENTS, st.data())
def test_a_body_with_another_field_or_type_is_refused(event: Any, data: st.DataObject) -> None:
    body = to_body(event)
    name = data.draw(st.sampled_from(sorted(body)))
    for broken in (
        {key: value for key, value in body.items() if key != name},
        {**body, "more": 1},
        {**body, name: 1.5},
        {**body, name: None},
        {**body, name: {"a": 1}},
    ):
        with pytest.raises(UnreadableEntry):
            from_body(broken)


def test_values_of_the_wrong_type_are_not_converted() -> None:
    body = to_body(PART)
    for name, value in (("part", "1"), ("part", True), ("recovered", 0), ("sha256", 5)):
        with pytest.raises(UnreadableEntry):
            from_body({**body, name: value})
    for acts in ([["recording"]], [["recording", "give", "x"]], [["recording", "shout"]], "recording", [5]):
        with pytest.raises(UnreadableEntry):
            from_body({**to_body(DECIDED), "acts": acts})


def test_kinds_are_spelled_as_they_are_stored() -> None:
    assert sorted(KINDS) == sorted(entry.kind for entry in KINDS.values())
    assert {field.name for entry in KINDS.values() for field in dataclasses.fields(entry)}.isdisjoint({"kind"})
    assert to_body(DECIDED)["acts"] == [["recording", "give"], ["transcription", "refuse"]]
    with pytest.raises(UnreadableEntry, match="unknown kind"):
        from_body({"kind": "rumour"})


def test_a_field_that_came_later_is_left_out_where_it_holds_its_default() -> None:
    """So a body that was written before there was such a field still is the one that its leaf commits to."""
    joined = SeatJoined(
        visit=VisitId("v"),
        epoch=1,
        seat=SeatId("s"),
        seat_kind=SeatKind.PERSON,
        name="Ann",
        identity_level=IdentityLevel.DISPLAY_NAME,
        boot_id="b",
        at_ms=1,
    )
    body = to_body(joined)
    assert "platform_id" not in body
    assert from_body(body) == joined
    known = dataclasses.replace(joined, platform_id="p")
    assert to_body(known) == {**body, "platform_id": "p"}
    assert from_body(to_body(known)) == known
    with pytest.raises(UnreadableEntry):
        from_body({**body, "platform_id": ""})  # a second form of the same entry
