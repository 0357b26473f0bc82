"""Law 6, shown on the run itself: what the calendar services were asked, and what the code could ask at all.

Comes last. The log of the run stays as build/requests.jsonl.
"""

from __future__ import annotations

import ast
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.request_log import VARIABLE, Noted, against_law_six, note, noted, ran, shape_of

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "web", "bot", "calendar_sync", "storage", "consent_notice")
# Each service, and the tests in which its stand-in must have been asked something.
ASKED_BY = {
    "ics": "adapter/calendar_sync/test_ics.py",
    "google": "adapter/calendar_sync/test_google",
    "outlook": "adapter/calendar_sync/test_outlook",
    "caldav": "adapter/calendar_sync/test_caldav",
}


def test_no_request_of_this_run_could_change_a_calendar() -> None:
    requests = noted(Path(os.environ[VARIABLE]))
    assert Counter(against_law_six(requests)) == Counter()
    expected = {name for name, tests in ASKED_BY.items() if any(path.startswith(tests) for path in ran())}
    assert expected <= {one.provider for one in requests}, "a stand-in that notes nothing proves nothing"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/ann/work/a.ics"), ("DELETE", "/ann/work/a.ics"), ("MKCALENDAR", "/ann/new/"), ("POST", "/ann/work/"),
        ("PROPPATCH", "/ann/work/"), ("MOVE", "/ann/work/a.ics"),
    ],
)  # fmt: skip
def test_writes_to_caldav_would_be_seen(method: str, path: str) -> None:
    assert list(against_law_six([Noted("caldav", method, path)]))


@pytest.mark.parametrize(
    ("provider", "method", "path"),
    [
        ("google", "POST", "/calendar/v3/calendars/primary/events"),
        ("google", "POST", "/calendar/v3/calendars/primary/events/quickAdd"),
        ("google", "PATCH", "/calendar/v3/calendars/primary/events/x"),
        ("google", "DELETE", "/calendar/v3/calendars/primary/events/x"),
        ("google", "POST", "/calendar/v3/users/me/calendarList"),
        ("google", "POST", "/calendar/v3/calendars/primary/acl/watch"),
        ("outlook", "POST", "/v1.0/me/events"),
        ("outlook", "POST", "/v1.0/$batch"),
        ("outlook", "PATCH", "/v1.0/me/events/x"),
        ("outlook", "POST", "/v1.0/me/events/x/accept"),
        ("outlook", "POST", "/v1.0/me/sendMail"),
        ("ics", "POST", "/calendar.ics"),
        ("ics", "PUT", "/calendar.ics"),
        ("somebody else", "GET", "/"),
    ],
)
def test_other_writes_would_be_seen(provider: str, method: str, path: str) -> None:
    assert list(against_law_six([Noted(provider, method, path)]))


@pytest.mark.parametrize(
    ("provider", "method", "path"),
    [
        ("ics", "GET", "/calendar.ics"),
        ("caldav", "REPORT", "/ann/work/"),
        ("google", "GET", "/calendar/v3/calendars/*/events"),
        ("google", "POST", "/token"),
        ("google", "POST", "/calendar/v3/calendars/*/events/watch"),
        ("outlook", "GET", "/v1.0/me/calendars/*/calendarView/delta"),
        ("outlook", "POST", "/organizations/oauth2/v2.0/token"),
        ("outlook", "PATCH", "/v1.0/subscriptions/*"),
    ],
)
def test_reading_signing_in_and_watching_are_allowed(provider: str, method: str, path: str) -> None:
    assert list(against_law_six([Noted(provider, method, path)])) == []


def test_a_line_names_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "requests.jsonl"
    file.touch()
    monkeypatch.setenv(VARIABLE, str(file))
    note("google", "get", "/calendar/v3/calendars/ann%40example.org/events?syncToken=secret")
    note("ics", "GET", "/calendar/ical/ann@example.org/private-0123456789abcdef/basic.ics#x")
    note("outlook", "GET", "/v1.0/me/calendars/AAMkAGI2TGuLAAA=/calendarView/delta?$deltatoken=secret")
    assert [(one.method, one.path) for one in noted(file)] == [
        ("GET", "/calendar/v3/calendars/*/events"),
        ("GET", "/calendar/ical/*/*/basic.ics"),
        ("GET", "/v1.0/me/calendars/*/calendarView/delta"),
    ]
    assert shape_of("/0123/" + "a" * 40 + "/") == "/*/*/"


# ---- what the code could ask -------------------------------------------------------------------------------------

GOOGLE_SCOPES = {
    "calendar.events.owned.readonly", "calendar.events.readonly", "calendar.calendarlist.readonly",
    "userinfo.email", "userinfo.profile",
}  # fmt: skip
GRAPH_SCOPES = {"Calendars.ReadBasic", "Calendars.Read", "Calendars.Read.Shared", "User.Read"}
_GOOGLE_SCOPE = re.compile(r"googleapis\.com/auth/([a-z_.]+)")
_GRAPH_SCOPE = re.compile(
    r"\b(?:Calendars|User|Users|Mail|MailboxSettings|Files|Contacts|Directory|Group|People|OnlineMeetings|Sites|Tasks)"
    r"\.(?:Read|ReadWrite|ReadBasic|Send|Manage|FullControl)(?:\.\w+|\b)(?:\.\w+)?"
)
# What the vendors' libraries call the ways to write.
_GOOGLE_RESOURCES = {"events", "calendars", "calendarList", "acl", "settings"}
_GOOGLE_READS = {"list", "get", "instances", "list_next", "instances_next", "watch"}
_CALDAV_WRITES = {
    "add_event", "add_todo", "add_journal", "add_object", "save_event", "save_todo", "save_journal",
    "save_object", "save", "put", "post", "delete", "make_calendar", "mkcalendar", "mkcol", "proppatch",
    "set_properties", "accept_invite", "decline_invite", "tentatively_accept_invite",
    "change_attendee_status", "save_with_invites", "complete",
}  # fmt: skip


def _sources(pattern: str = "*.*") -> Iterator[tuple[Path, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob(pattern)):
            if path.suffix in (".py", ".toml", ".html", ".js", ".json", ".txt", ".jinja2"):
                yield path, path.read_text(encoding="utf-8")


def _strange_scopes(text: str) -> set[str]:
    google = set(_GOOGLE_SCOPE.findall(text)) - GOOGLE_SCOPES
    return google | ({found[0] for found in _GRAPH_SCOPE.finditer(text)} - GRAPH_SCOPES)


def test_no_scope_that_writes_stands_anywhere_in_the_code() -> None:
    for path, text in _sources():
        assert not _strange_scopes(text), path


@pytest.mark.parametrize(
    "text",
    [
        "https://www.googleapis.com/auth/calendar", "https://www.googleapis.com/auth/calendar.events",
        "https://www.googleapis.com/auth/calendar.events.owned", "Calendars.ReadWrite", "Calendars.ReadWrite.Shared",
        "https://graph.microsoft.com/Calendars.ReadWrite", "Mail.Send", "User.ReadWrite.All",
    ],
)  # fmt: skip
def test_a_scope_that_writes_would_be_found(text: str) -> None:
    assert _strange_scopes(f'SCOPES = ["{text}"]')


def _writes(module: str, text: str) -> list[str]:
    """Calls by which the vendors' libraries write to a calendar."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name, of = node.func.attr, node.func.value
        resource = of.func.attr if isinstance(of, ast.Call) and isinstance(of.func, ast.Attribute) else ""
        is_google_write = resource in _GOOGLE_RESOURCES and name not in _GOOGLE_READS
        if is_google_write or (module.startswith("caldav") and name in _CALDAV_WRITES):
            found.append(name)
    return found


def test_no_adapter_calls_what_writes() -> None:
    for path, text in _sources("*.py"):
        if path.parent.name == "calendar_sync":
            assert _writes(path.stem, text) == [], path


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("google", "service.events().insert(calendarId='primary', body={}).execute()"),
        ("google", "self._service().events().patch(calendarId=key)"),
        ("google_events", "service.acl().insert(calendarId=key)"),
        ("caldav", "calendar.add_event('BEGIN:VCALENDAR')"),
        ("caldav_sync", "event.save()"),
        ("caldav", "client.put(url, body)"),
    ],
)
def test_a_call_that_writes_would_be_found(module: str, line: str) -> None:
    assert _writes(module, line)


def test_reading_calls_are_none() -> None:
    assert _writes("google", "service.events().list(calendarId='x').execute(); settings.update(a)") == []
    assert _writes("caldav", "calendar.search(event=True); client.propfind(url)") == []
