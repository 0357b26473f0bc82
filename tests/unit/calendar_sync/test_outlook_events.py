"""One event as Graph writes it: what it becomes, and by what it is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from calendar_sync.outlook_events import BrokenEvent, occurrence_key, read_event, slim
from calendar_sync.planning import OwnAnswer

OWN = frozenset({"ann@example.org"})


def written(**fields: Any) -> dict[str, Any]:
    """As the service writes one."""
    return {
        "@odata.type": "#microsoft.graph.event",
        "@odata.etag": 'W/"x"',
        "id": "AAMkAG=",
        "type": "singleInstance",
        "seriesMasterId": None,
        "subject": "Quarterly",
        "start": {"dateTime": "2026-11-30T09:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-30T09:30:00.0000000", "timeZone": "UTC"},
        "isAllDay": False,
        "isCancelled": False,
        "isOrganizer": False,
        "responseStatus": {"response": "tentativelyAccepted", "time": "2026-11-01T00:00:00Z"},
        "organizer": {"emailAddress": {"name": "Bob B", "address": "bob@one.example"}},
        "attendees": [
            {"type": "required", "emailAddress": {"name": "Ann", "address": "Ann@example.org"}},
            {"type": "required", "emailAddress": {"name": "Eve", "address": "eve@two.example"}},
            {"type": "optional", "emailAddress": {"name": "X", "address": "/O=EXCHANGELABS/CN=X"}},
            {"type": "resource", "emailAddress": {"name": "Room", "address": "room@three.example"}},
        ],
        "onlineMeeting": {"joinUrl": "https://teams.microsoft.com/l/meetup-join/1"},
        "onlineMeetingUrl": None,
        "location": {"displayName": "Room 5", "locationUri": "https://zoom.us/j/1"},
        "body": {"contentType": "html", "content": "<a href='https://meet.google.com/abc-defg-hij'>x</a>"},
        **fields,
    }


def test_a_single_event() -> None:
    event = read_event(slim(written()), OWN)
    assert (event.title, event.organiser, event.series) == ("Quarterly", "Bob B", "")
    assert event.starts_at == datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
    assert event.ends_at == datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
    assert event.own_answer is OwnAnswer.TENTATIVE
    assert event.domains == {"one.example", "two.example", ""}
    assert event.texts.conference == ("https://teams.microsoft.com/l/meetup-join/1",)
    assert event.texts.location == "https://zoom.us/j/1\nRoom 5"
    assert "meet.google.com" in event.texts.description


def test_the_narrow_scope_shows_no_body_and_that_is_well() -> None:
    narrow = {name: value for name, value in written().items() if name not in ("body", "attendees")}
    event = read_event(slim(narrow), OWN)
    assert event.texts.description == ""
    assert event.domains == {"one.example"}


def test_a_preview_that_was_cut_gives_no_half_link() -> None:
    text = "join " + "x" * 215 + " https://teams.microsoft.com/l/meetup-join/1"
    cut = written(body=None, bodyPreview=text[:255])
    assert "teams.microsoft.com" not in read_event(slim(cut), OWN).texts.description


@pytest.mark.parametrize(
    ("said", "answer"),
    [("accepted", OwnAnswer.ACCEPTED), ("declined", OwnAnswer.DECLINED), ("notResponded", OwnAnswer.NONE)],
)
def test_own_answers(said: str, answer: OwnAnswer) -> None:
    assert read_event(slim(written(responseStatus={"response": said})), OWN).own_answer is answer


def test_an_occurrence_has_what_its_series_has_and_is_known_by_its_day_there() -> None:
    zone = {"range": {"recurrenceTimeZone": "W. Europe Standard Time"}}
    master = slim(written(id="M", type="seriesMaster", recurrence=zone))
    start = {"dateTime": "2026-11-30T23:30:00.0000000", "timeZone": "UTC"}
    end = {"dateTime": "2026-12-01T00:00:00.0000000", "timeZone": "UTC"}
    partly = slim({"id": "M.1", "type": "occurrence", "seriesMasterId": "M", "start": start, "end": end})
    told = read_event(partly, OWN, master=master)
    assert (told.title, told.texts.conference) == ("Quarterly", ("https://teams.microsoft.com/l/meetup-join/1",))
    moved = written(id="other", type="exception", seriesMasterId="M", originalStart="2026-11-30T23:30:00Z")
    assert read_event(slim(moved), OWN, master=master).occurrence_key == told.occurrence_key
    # a new hour for the whole series, still the first of December in Berlin
    later = slim(written(id="x", type="occurrence", seriesMasterId="M", originalStart="2026-12-01T14:00:00Z"))
    assert read_event(later, OWN, master=master).occurrence_key == told.occurrence_key
    assert told.series
    assert occurrence_key(slim(written(id="M"))) != told.occurrence_key


def test_two_nights_around_the_change_of_clocks_are_two_occurrences() -> None:
    zone = {"range": {"recurrenceTimeZone": "GMT Standard Time"}}
    master = slim(written(id="M", type="seriesMaster", recurrence=zone))
    keys = {
        read_event(
            slim(written(id=at, type="exception", seriesMasterId="M", originalStart=at)), OWN, master=master
        ).occurrence_key
        for at in ("2026-03-29T00:30:00Z", "2026-03-29T23:30:00Z")
    }
    assert len(keys) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"start": None},
        {"start": {"dateTime": "soon", "timeZone": "UTC"}},
        {"start": {"dateTime": "2026-11-30T09:00:00", "timeZone": "Nowhere Standard Time"}},
        {"end": {"dateTime": "2026-11-29T09:00:00", "timeZone": "UTC"}},
        {"start": "2026-11-30T09:00:00Z"},
    ],
)
def test_a_broken_event_says_so(fields: dict[str, Any]) -> None:
    with pytest.raises(BrokenEvent):
        read_event(slim(written(**fields)), OWN)


@pytest.mark.parametrize("item", [None, [], {}, {"id": 5}, {"id": ""}])
def test_what_has_no_id_is_no_event(item: Any) -> None:
    with pytest.raises(BrokenEvent):
        slim(item)


def test_all_day_and_cancelled() -> None:
    midnight = [{"dateTime": f"2026-11-{day}T00:00:00.0000000", "timeZone": "UTC"} for day in (29, 30)]
    event = read_event(slim(written(isAllDay=True, isCancelled=True, start=midnight[0], end=midnight[1])), OWN)
    assert event.is_all_day
    assert event.is_cancelled
