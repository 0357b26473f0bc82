"""Which seat a tap may tie an answer to: the one of that name, and nobody where there is any doubt."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consent_notice.ahead import Covers
from consent_notice.decisions import Act
from consent_notice.notice import Notice
from consent_notice.words import IdentityLevel, MeetingId, Purpose, Rule, SeatId, SeatKind, Standing, UserId, VisitId
from storage.agreements import Agreement
from storage.invitations import Reach
from storage.visits import VisitRow
from web.here import Moment, counts_here, level_by_tap, no_entries, said_no_here, seat_by_tap, yes_entries
from web.replay import Known, MeetingStory, SeatStory

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
BOTH = (Purpose.RECORDING, Purpose.TRANSCRIPTION)
VOUCHED: list[list[str]] = [["Ada"], ["ada ", ""], ["Bob"], []]


def agreement(name: str = "Ada", **changes: Any) -> Agreement:
    fields: dict[str, Any] = {
        "id": "agreement",
        "page_id": "secret",
        "reach": Reach(host_id=UserId("host"), covers=Covers.SERIES, about="stand-up"),
        "name": name,
        "choices": dict.fromkeys(BOTH, True),
        "said_at": NOW,
        "until": date(2027, 2, 1),
        "notice_version": "1",
        "notice_sha256": "ab",
        "link": None,
        "link_is_revoked": False,
        "withdrawn_at": None,
        "log_index": 3,
        "tied": {},
    }
    return Agreement(**{**fields, **changes})


def seat(number: int, name: str, standing: Standing = Standing.UNKNOWN, **changes: Any) -> SeatStory:
    story = SeatStory(seat=SeatId(f"seat-{number}"), name=name, kind=SeatKind.PERSON, stays=[(0, None)])
    story.standings = {purpose: Known(standing=standing, index=1) for purpose in BOTH}
    story.voices = {"": dict.fromkeys(BOTH, standing)}
    for field, value in changes.items():
        setattr(story, field, value)
    return story


def told(*seats: SeatStory) -> MeetingStory:
    return MeetingStory(seats={one.seat: one for one in seats})


def moment() -> Moment:
    visit = VisitRow(
        id=VisitId("visit"), meeting_id=MeetingId("m"), host_id=UserId("host"), epoch=1, state="in_room",
        left_reason=None, detail="", rule=Rule.EVERYONE, language="en", boot_id="b", started_boot_ms=0,
        started_at=NOW, ended_at=None,
        consent_status=(), kept_ms=0, words=0, transcription_state="none", transcription_permille=0,
        transcription_tries=0, page_token="t",
    )  # fmt: skip
    notice = Notice(id="n", version="1", language="en", spoken="", post="p", page="q", text_sha256="ab")
    return Moment(visit=visit, notice=notice, boot_id="b", arrived_ms=5_000)


@st.composite
def stories(draw: st.DrawFn) -> MeetingStory:
    """Mostly people of one name who are there: where a mistake would be."""
    return told(
        *(
            seat(
                number,
                draw(st.sampled_from(["Ada", "ada ", "Ada", "Bob"])),
                draw(st.sampled_from([Standing.UNKNOWN, Standing.GIVEN, Standing.REFUSED, Standing.WITHDRAWN])),
                kind=draw(st.sampled_from([SeatKind.PERSON, SeatKind.PERSON, SeatKind.PERSON, SeatKind.BOT])),
                people=draw(st.sampled_from([1, 1, 1, 2])),
                stays=draw(st.sampled_from([[(0, None)], [(0, 5), (6, None)], [(0, None)], [(0, 5)], []])),
            )
            for number in range(draw(st.integers(0, 3)))
        )
    )


@settings(max_examples=500, deadline=None)
@given(stories(), st.sampled_from(["Ada", "ada ", "Ada", "Bob", ""]), st.sampled_from(VOUCHED), st.booleans())
def test_a_tap_ties_only_what_nobody_can_mistake(
    story: MeetingStory, name: str, vouched: list[str], is_doubtful: bool
) -> None:
    found = seat_by_tap(story, agreement(name), vouched, is_doubtful=is_doubtful)
    plain = name.strip().lower()
    same = [
        one
        for one in story.seats.values()
        if one.kind is SeatKind.PERSON and one.stays and one.stays[-1][1] is None and one.name.strip().lower() == plain
    ]
    may = bool(plain) and not is_doubtful and plain in {one.strip().lower() for one in vouched} and len(same) == 1
    if may and same[0].people == 1 and same[0].standing(Purpose.RECORDING) not in (
        Standing.REFUSED, Standing.WITHDRAWN,
    ):  # fmt: skip
        assert found is same[0]
    else:
        assert found is None


def test_a_version_of_an_answer_is_one_entry_a_seat_however_often_it_is_sent() -> None:
    ada, bob = seat(1, "Ada"), seat(2, "Bob")

    def ids(**changes: Any) -> list[str]:
        said, there = agreement(**changes.pop("said", {})), changes.pop("there", ada)
        entries = yes_entries(moment(), said, there, IdentityLevel.SIGNED_PERSONAL_LINK, changes.get("reference", "r"))
        return [event_id for _, event_id in entries]

    assert ids() == ids() == ids(reference="another page")
    assert not set(ids()) & set(ids(there=bob))
    assert not set(ids()) & set(ids(said={"log_index": 4}))
    assert not set(ids()) & set(ids(said={"id": "another"}))


def test_how_well_a_tap_knows_a_person() -> None:
    assert level_by_tap(agreement(link="ab")) is IdentityLevel.SIGNED_PERSONAL_LINK
    assert level_by_tap(agreement()) is IdentityLevel.MATCHED_TO_INVITEE


def test_a_seat_that_said_no_outweighs_one_that_never_answered_and_not_one_that_counts() -> None:
    no, yes, none = seat(1, "Ada", Standing.REFUSED), seat(2, "Ada", Standing.GIVEN), seat(3, "Ada")
    assert said_no_here([no, none])
    assert not said_no_here([no, yes])
    assert not said_no_here([none])
    assert counts_here([no, yes])
    assert not counts_here([seat(2, "Ada", Standing.GIVEN, stays=[(0, 5)])])


def test_a_no_reaches_all_of_its_name_and_an_empty_name_nobody() -> None:
    story = told(seat(1, "Ada"), seat(2, "ADA", Standing.GIVEN), seat(3, "Bob"), seat(4, ""))
    no = agreement(choices=dict.fromkeys(BOTH, False))
    acts = {event.seat: event.acts[0][1] for event, _ in no_entries(moment(), no, story, None, "n")}  # type: ignore[union-attr]
    assert acts == {"seat-1": Act.REFUSE, "seat-2": Act.WITHDRAW}
    assert no_entries(moment(), agreement("", choices=no.choices), story, None, "n") == []
    assert no_entries(moment(), agreement(choices=no.choices, withdrawn_at=NOW), story, None, "n") == []
    assert no_entries(moment(), agreement(), story, None, "n") == []
