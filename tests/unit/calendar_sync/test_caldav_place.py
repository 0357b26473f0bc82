"""What is remembered of a CalDAV calendar between two passes: it comes back as it was, and does not grow."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from calendar_sync import caldav_place
from calendar_sync.caldav_place import Owned, Place, etag_of, mark_of, name_of
from calendar_sync.sync import CalendarSource

UNTIL = datetime(2026, 11, 5, tzinfo=UTC)


def of(*keys: str, broken: int = 0) -> Owned:
    return Owned(etag="e", broken=broken, keys=keys)


def test_it_comes_back_as_it_was() -> None:
    place = Place(mark="m", planned_until=UNTIL, ctag="c", owned={"a": of("k", "l"), "b": of()}, again=["/x.ics"])
    assert Place.read(place.written()) == place
    assert place.keys_of(["a", "b", "nobody"]) == {"k", "l"}


def test_by_a_token_only_what_has_something_is_kept() -> None:
    owned = {"a": of("k"), "b": of(), "c": of(broken=1)}
    place = Place(mark="m", planned_until=UNTIL, sync_token="t", owned=owned)
    assert place.broken == 1
    kept = Place.read(place.written())
    assert kept is not None
    assert set(kept.owned or ()) == {"a", "c"}


def test_nothing_to_remember_is_not_too_much() -> None:
    kept = Place.read(Place(mark="m", planned_until=UNTIL, sync_token="t").written())
    assert kept is not None
    assert kept.owned == {}


def test_more_than_its_bounds_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caldav_place, "MAX_KEYS", 3)
    monkeypatch.setattr(caldav_place, "MAX_RESOURCES", 2)
    for owned in ({"a": of("k", "l"), "b": of("m", "n")}, {name: of("k") for name in "abc"}):
        kept = Place.read(Place(mark="m", planned_until=UNTIL, sync_token="t", owned=owned).written())
        assert kept is not None
        assert (kept.owned, kept.broken, kept.keys_of("abc")) == (None, 0, set())


@pytest.mark.parametrize("text", [None, "", "null", "[]", "{}", "7", '{"version": 1}', '{"version": 1, "owned": 3}'])
def test_what_another_version_wrote_is_nothing(text: str | None) -> None:
    assert Place.read(text) is None


def test_names_and_marks() -> None:
    assert name_of("https://dav.example/a%40b.ics") == name_of("https://dav.example/a@b.ics")
    assert name_of("https://dav.example/a.ics") != name_of("https://dav.example/b.ics")
    assert etag_of("") == ""
    assert len(etag_of('"x"' * 500)) == 20
    source = CalendarSource(address="x", own_addresses=frozenset({"a", "b"}))
    assert mark_of(source) == mark_of(CalendarSource(address="y", own_addresses=frozenset({"b", "a"})))
    assert mark_of(source) != mark_of(CalendarSource(address="x", own_addresses=frozenset({"a"})))
    assert mark_of(source) != mark_of(
        CalendarSource(address="x", own_addresses=frozenset({"a", "b"}), time_zone="Asia/Tokyo")
    )
