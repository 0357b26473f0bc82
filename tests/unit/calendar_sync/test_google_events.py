"""Events as Google's service writes them, to what planning needs of them."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calendar_sync.google_events import EVENT_FIELDS, BrokenEvent, Frame, Identity, read_event
from calendar_sync.planning import CalendarEvent, OwnAnswer

FRAME = Frame(
    starts_at=datetime(2026, 11, 25, tzinfo=UTC),
    ends_at=datetime(2026, 12, 12, tzinfo=UTC),
    zone="Europe/Berlin",
    own_addresses=frozenset({"ann@example.org"}),
    is_owned=True,
)

# an invitation with a room, guests from two organisations and a video call, whole as the service tells it
INVITATION: dict[str, Any] = {
    "kind": "calendar#event",
    "etag": '"3529370438318000"',
    "id": "3qkvbc1n6a0d3r9o4gkq1m2l7p",
    "status": "confirmed",
    "htmlLink": "https://www.google.com/calendar/event?eid=M3FrdmJj",
    "created": "2026-11-20T08:13:39.000Z",
    "updated": "2026-11-20T08:13:39.159Z",
    "summary": "Planning",
    "description": "<b>Agenda</b><br>Dial in: https://zoom.us/j/5551234567",
    "location": "Fernsehturm-2-Alex (12)",
    "creator": {"email": "bob@example.com"},
    "organizer": {"email": "bob@example.com", "displayName": "Bob Builder"},
    "start": {"dateTime": "2026-12-01T14:00:00+01:00", "timeZone": "Europe/Berlin"},
    "end": {"dateTime": "2026-12-01T14:45:00+01:00", "timeZone": "Europe/Berlin"},
    "iCalUID": "3qkvbc1n6a0d3r9o4gkq1m2l7p@google.com",
    "sequence": 0,
    "attendees": [
        {"email": "bob@example.com", "displayName": "Bob Builder", "organizer": True, "responseStatus": "accepted"},
        {"email": "ann@example.org", "self": True, "responseStatus": "tentative"},
        {"email": "Cy@Agency.example", "optional": True, "responseStatus": "needsAction"},
        {
            "email": "example.com_18@resource.calendar.google.com",
            "displayName": "Fernsehturm",
            "resource": True,
            "responseStatus": "accepted",
        },
    ],
    "hangoutLink": "https://meet.google.com/abc-defg-hij",
    "conferenceData": {
        "entryPoints": [
            {
                "entryPointType": "video",
                "uri": "https://meet.google.com/abc-defg-hij",
                "label": "meet.google.com/abc-defg-hij",
            },
            {"entryPointType": "more", "uri": "https://tel.meet/abc-defg-hij?pin=123", "pin": "123"},
            {"entryPointType": "phone", "uri": "tel:+49-30-300195060", "label": "+49 30 300195060", "pin": "123"},
        ],
        "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
        "conferenceId": "abc-defg-hij",
    },
    "reminders": {"useDefault": True},
    "eventType": "default",
}


def item(**changes: Any) -> dict[str, Any]:
    changed = copy.deepcopy(INVITATION) | changes
    return {name: value for name, value in changed.items() if value is not None}


def event(frame: Frame = FRAME, **changes: Any) -> CalendarEvent:
    reading = read_event(item(**changes), frame)
    assert reading is not None
    assert reading.event is not None
    return reading.event


def test_an_invitation_as_the_service_writes_it() -> None:
    found = event()
    assert (found.title, found.organiser) == ("Planning", "Bob Builder")
    assert found.starts_at == datetime(2026, 12, 1, 13, tzinfo=UTC)
    assert found.ends_at == datetime(2026, 12, 1, 13, 45, tzinfo=UTC)
    assert (found.own_answer, found.is_organised_by_host, found.is_all_day) == (OwnAnswer.TENTATIVE, False, False)
    assert found.domains == {"example.com", "agency.example"}
    assert found.texts.conference == ("https://meet.google.com/abc-defg-hij",)
    assert found.texts.location == "Fernsehturm-2-Alex (12)"
    assert "zoom.us" in found.texts.description


def test_only_what_is_read_is_asked_for() -> None:
    for name in ("summary", "attendees", "hangoutLink", "conferenceData/entryPoints"):
        assert name in EVENT_FIELDS
    for name in ("attachments", "creator", "htmlLink", "iCalUID", "comment", "extendedProperties", "reminders"):
        assert name not in EVENT_FIELDS


@pytest.mark.parametrize(
    ("point", "link"),
    [
        ({"uri": "https://zoom.us/j/123456789?pwd=abc", "passcode": "77"}, "https://zoom.us/j/123456789?pwd=abc"),
        ({"uri": "https://zoom.us/j/123456789", "password": "7 7&8"}, "https://zoom.us/j/123456789?pwd=7%207%268"),
        ({"uri": "https://x.zoom.us/j/123456789?a=1", "passcode": "7"}, "https://x.zoom.us/j/123456789?a=1&pwd=7"),
        ({"uri": "https://zoom.us.evil.example/j/1", "passcode": "77"}, "https://zoom.us.evil.example/j/1"),
        ({"uri": "https://acme.webex.com/meet/ann", "passcode": "77"}, "https://acme.webex.com/meet/ann"),
    ],
)
def test_a_passcode_is_kept_where_the_address_lost_it(point: dict[str, str], link: str) -> None:
    points = [{"entryPointType": "video", **point}]
    assert event(conferenceData={"entryPoints": points}, hangoutLink=None).texts.conference == (link,)


@pytest.mark.parametrize("status", ["pending", "failure"])
def test_a_conference_that_is_still_being_made_holds_no_link(status: str) -> None:
    found = event(conferenceData={"createRequest": {"status": {"statusCode": status}}}, hangoutLink=None)
    assert found.texts.conference == ()


@pytest.mark.parametrize(
    ("attendees", "answer"),
    [
        (None, OwnAnswer.NONE),
        ([{"email": "ann@example.org", "self": True, "responseStatus": "needsAction"}], OwnAnswer.NONE),
        ([{"email": "ann@example.org", "self": True, "responseStatus": "declined"}], OwnAnswer.DECLINED),
        ([{"email": "alias@example.org", "self": True, "responseStatus": "accepted"}], OwnAnswer.ACCEPTED),
        (  # the copy in another calendar of the host's: their own answer counts before that calendar's
            [
                {"email": "team@group.calendar.google.com", "self": True, "responseStatus": "accepted"},
                {"email": "Ann@example.org", "responseStatus": "declined"},
            ],
            OwnAnswer.DECLINED,
        ),
        ([{"email": "ann@example.org", "self": True}], OwnAnswer.NONE),
    ],
)
def test_the_hosts_own_answer(attendees: list[dict[str, Any]] | None, answer: OwnAnswer) -> None:
    assert event(attendees=attendees).own_answer is answer


def test_self_means_the_host_only_in_a_calendar_of_theirs() -> None:
    organizer = {"email": "boss@example.com", "self": True}
    assert event(organizer=organizer).is_organised_by_host
    shared = Frame(
        starts_at=FRAME.starts_at,
        ends_at=FRAME.ends_at,
        zone="UTC",
        own_addresses=FRAME.own_addresses,
        is_owned=False,
    )
    assert not event(shared, organizer=organizer).is_organised_by_host
    assert event(shared, organizer={"email": "Ann@example.org"}).is_organised_by_host
    assert event(shared, organizer=organizer, attendees=None).domains == {"example.com"}


def test_who_cannot_be_seen_is_somebody_unknown() -> None:
    mine = [{"email": "ann@example.org", "self": True, "responseStatus": "accepted"}]
    assert event(attendees=mine, guestsCanSeeOtherGuests=False).domains == {"example.com", ""}
    assert event(attendees=mine, attendeesOmitted=True).domains == {"example.com", ""}
    assert event(attendees=[*mine, {"displayName": "Somebody"}]).domains == {"example.com", ""}
    own = {"email": "ann@example.org", "self": True}
    assert event(attendees=None, organizer=own, guestsCanSeeOtherGuests=False).domains == frozenset()


def test_days_without_a_time_lie_in_the_calendars_own_zone() -> None:
    found = event(start={"date": "2026-12-01"}, end={"date": "2026-12-03"})
    assert found.is_all_day
    assert found.starts_at == datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert found.ends_at == datetime(2026, 12, 2, 23, tzinfo=UTC)


def test_an_end_that_nobody_set_is_none() -> None:
    assert event(endTimeUnspecified=True).ends_at is None
    assert event(end=INVITATION["start"]).ends_at is None
    assert event(end=None).ends_at is None


def test_a_time_by_its_zone_alone() -> None:
    found = event(start={"dateTime": "2026-12-01T14:00:00", "timeZone": "America/New_York"}, end=None)
    assert found.starts_at == datetime(2026, 12, 1, 19, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["workingLocation", "outOfOffice", "focusTime", "birthday", "somethingNew"])
def test_what_is_no_meeting_is_left_out(kind: str) -> None:
    assert read_event(item(eventType=kind), FRAME) is None


def test_an_event_from_a_mail_is_a_meeting_like_others() -> None:
    assert event(eventType="fromGmail").title == "Planning"


@pytest.mark.parametrize(
    "changes",
    [
        {"start": None},
        {"start": {"dateTime": "tomorrow"}},
        {"start": {"dateTime": "2026-12-01T14:00:00"}},
        {"start": {"dateTime": "2026-12-01T14:00:00", "timeZone": "Custom/Nowhere"}},
        {"start": {"dateTime": None}},
        {"start": {"date": "2026-13-01"}},
        {"start": {}},
        {"start": "2026-12-01"},
        {"end": {"dateTime": "2026-12-01T13:00:00+01:00"}},
        {"id": ""},
        {"id": 7},
        {"summary": {"text": "x"}},
        {"attendees": ["ann"]},
        {"attendees": {"email": "x"}},
        {"organizer": "Bob"},
        {"conferenceData": {"entryPoints": [{"entryPointType": "video", "uri": 5}]}},
        {"recurringEventId": "series", "originalStartTime": {"dateTime": "?"}},
        {"recurringEventId": "series"},
    ],
)
def test_a_broken_event_is_broken_and_nothing_else(changes: dict[str, Any]) -> None:
    with pytest.raises(BrokenEvent) as caught:
        read_event(item(**changes), FRAME)
    assert str(caught.value) == ""
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("nonsense", [None, 5, "event", [], ["id"]])
def test_what_is_no_event_at_all_is_broken(nonsense: Any) -> None:
    with pytest.raises(BrokenEvent):
        read_event(nonsense, FRAME)


def test_which_occurrence_it_is() -> None:
    assert identity() == Identity("3qkvbc1n6a0d3r9o4gkq1m2l7p")
    original = {"dateTime": "2026-12-01T23:30:00Z", "timeZone": "Asia/Tokyo"}
    found = identity(id="abc_20261201T233000Z", recurringEventId="abc", originalStartTime=original)
    assert found == Identity("abc_20261201T233000Z", "abc", "20261201T233000Z", "20261202")
    whole = identity(id="abc_20261201", recurringEventId="abc", originalStartTime={"date": "2026-12-01"})
    assert whole == Identity("abc_20261201", "abc", "20261201", "20261201")


def test_a_cancellation_may_tell_no_more_than_an_id() -> None:
    for told, known in (
        ({"id": "abc", "status": "cancelled"}, Identity("abc")),
        ({"id": "abc_R20261201T130000", "status": "cancelled"}, Identity("abc_R20261201T130000")),
        (
            {"id": "abc_20261201T130000Z", "status": "cancelled"},
            Identity("abc_20261201T130000Z", "abc", "20261201T130000Z"),
        ),
        ({"id": "a_b_20261201", "status": "cancelled"}, Identity("a_b_20261201", "a_b", "20261201")),
    ):
        reading = read_event(told, FRAME)
        assert reading is not None
        assert (reading.identity, reading.event) == (known, None)


def test_outside_the_window_it_is_not_there() -> None:
    def is_there(starts_at: datetime, ends_at: datetime) -> bool:
        reading = read_event(
            item(start={"dateTime": starts_at.isoformat()}, end={"dateTime": ends_at.isoformat()}), FRAME
        )
        assert reading is not None
        return reading.event is not None

    minute = timedelta(minutes=1)
    assert not is_there(FRAME.ends_at, FRAME.ends_at + minute)
    assert is_there(FRAME.ends_at - minute, FRAME.ends_at + minute)
    assert is_there(FRAME.starts_at - minute, FRAME.starts_at + minute)
    assert not is_there(FRAME.starts_at - 2 * minute, FRAME.starts_at - minute)


def identity(**changes: Any) -> Identity:
    reading = read_event(item(**changes), FRAME)
    assert reading is not None
    return reading.identity
