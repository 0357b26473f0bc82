"""A host signs in with Google over https: what is asked for, what was granted, and every way it can go wrong."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from calendar_sync.accounts import (
    AccessRevoked,
    AdminMustConsent,
    Credentials,
    ScopeMissing,
    SignInDenied,
    SignInFailed,
    WrongTenant,
)
from calendar_sync.errors import CalendarError, CalendarServerFailed
from calendar_sync.google_sign_in import LIST_SCOPE, OWNED_SCOPE, READING_SCOPES, WIDER_SCOPE
from tests.adapter.calendar_sync.conftest import WallClock
from tests.simulators.google_calendar import GoogleCalendarServer, google_calendar_server
from tests.simulators.google_events import GoogleEvents
from tests.simulators.google_host import BACK, GoogleHost, google_calendars

ME = "Ann@example.org"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[GoogleCalendarServer]:
    async with google_calendar_server(tmp_path / "ca") as running:
        running.identity.person.email = ME
        running.add(GoogleEvents(id=ME, summary=ME, is_primary=True))
        yield running


@pytest.fixture
def ann(server: GoogleCalendarServer) -> GoogleHost:
    return GoogleHost(server=server, google=google_calendars(server, WallClock()))


async def test_the_narrowest_reading_is_asked_for_with_proof_of_who_asked(ann: GoogleHost) -> None:
    begun = await ann.google.begin(BACK, wider=False)
    asked = dict(parse_qsl(urlsplit(begun.address).query))
    assert set(asked["scope"].split()) == {"openid", "email", LIST_SCOPE, OWNED_SCOPE}
    assert (asked["access_type"], asked["response_type"], asked["code_challenge_method"]) == ("offline", "code", "S256")
    assert asked["include_granted_scopes"] == "true"
    assert "consent" in asked["prompt"]
    flow = json.loads(begun.flow)
    assert len({*flow.values()}) == 2
    assert 43 <= len(flow["verifier"]) <= 128
    digest = hashlib.sha256(flow["verifier"].encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert flow["verifier"] not in begun.address

    wider = dict(parse_qsl(urlsplit((await ann.google.begin(BACK, wider=True, hint=ME)).address).query))
    assert set(wider["scope"].split()) == {"openid", "email", LIST_SCOPE, WIDER_SCOPE}
    assert (wider["login_hint"], wider["prompt"]) == (ME, "consent")


def test_no_scope_that_could_write_is_known_at_all() -> None:
    assert all(scope.endswith(".readonly") for scope in READING_SCOPES if "calendar" in scope)


async def test_what_was_granted(ann: GoogleHost, server: GoogleCalendarServer) -> None:
    granted = await ann.connect()
    assert (granted.name, granted.own_addresses, granted.is_wider) == (ME, frozenset({"ann@example.org"}), False)
    assert [one.key for one in await ann.google.calendars(ann.credentials)] == [ME]
    assert (await ann.connect(wider=True, hint=ME)).is_wider
    assert all(asked.method == "GET" or asked.path == "/token" for asked in server.asked)


async def test_the_list_of_calendars_comes_in_pages(ann: GoogleHost, server: GoogleCalendarServer) -> None:
    for number in range(7):
        role = ("owner", "writer", "reader", "freeBusyReader")[number % 4]
        server.add(GoogleEvents(id=f"c{number}@group", summary=f"Calendar {number}", access_role=role))
    await ann.connect()
    listed = await ann.google.calendars(ann.credentials)
    assert [one.key for one in listed] == [ME, *(f"c{number}@group" for number in (0, 1, 2, 4, 5, 6))]
    assert {one.key for one in listed if one.needs_wider} == {f"c{number}@group" for number in (1, 2, 5, 6)}
    assert listed[1].title == "Calendar 0"
    assert listed[1].time_zone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("refuses", "error", "words"),
    [
        ("access_denied", SignInDenied, "nothing was connected"),
        ("admin_policy_enforced", AdminMustConsent, "Google Admin console"),
        ("org_internal", WrongTenant, "its own organisation"),
        ("something_new <b>", SignInFailed, "Connect the calendar again"),
    ],
)
async def test_a_refusal_is_told_with_the_next_step(
    ann: GoogleHost, server: GoogleCalendarServer, refuses: str, error: type[CalendarError], words: str
) -> None:
    server.identity.person.refuses = refuses
    with pytest.raises(error) as caught:
        await ann.connect()
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert "<b>" not in str(caught.value)


@pytest.mark.parametrize(
    ("unticked", "error", "words"),
    [
        ({OWNED_SCOPE, LIST_SCOPE}, SignInDenied, "nothing was connected"),
        ({OWNED_SCOPE}, ScopeMissing, "seeing the events"),
        ({LIST_SCOPE}, ScopeMissing, "the list of your calendars"),
    ],
)
async def test_an_unticked_box_is_told_by_its_name(
    ann: GoogleHost, server: GoogleCalendarServer, unticked: set[str], error: type[CalendarError], words: str
) -> None:
    server.identity.person.unticked = unticked
    with pytest.raises(error, match=words):
        await ann.connect()
    server.identity.person.unticked = set()
    await ann.connect()


async def test_the_wider_box_unticked_leaves_what_was_there(ann: GoogleHost, server: GoogleCalendarServer) -> None:
    await ann.connect()
    server.identity.person.unticked = {WIDER_SCOPE}
    assert not (await ann.connect(wider=True, hint=ME)).is_wider


@pytest.mark.parametrize("scope", ["calendar", "calendar.events", "calendar.events.owned", "gmail.send"])
async def test_more_than_reading_is_never_taken(ann: GoogleHost, server: GoogleCalendarServer, scope: str) -> None:
    server.identity.extra_scopes = {f"https://www.googleapis.com/auth/{scope}"}
    with pytest.raises(SignInFailed, match="more than reading"):
        await ann.connect()
    assert ann.saved == []


async def test_an_answer_counts_once_and_only_for_its_own_sign_in(ann: GoogleHost) -> None:
    begun, other = await ann.google.begin(BACK, wider=False), await ann.google.begin(BACK, wider=False)
    answer = await ann.consent(begun.address)
    for flow, given in (
        (other.flow, answer),
        (begun.flow, answer | {"state": ""}),
        (begun.flow, {"code": answer["code"]}),
        ("{}", answer),
        ("no json", answer),
    ):
        with pytest.raises(SignInFailed):
            await ann.google.finish(flow, given, BACK)
    with pytest.raises(SignInFailed):
        await ann.google.finish(begun.flow, {"state": answer["state"]}, BACK)
    await ann.google.finish(begun.flow, answer, BACK)
    with pytest.raises(SignInFailed):
        await ann.google.finish(begun.flow, answer, BACK)


async def test_a_stolen_code_is_worth_nothing_without_the_verifier(ann: GoogleHost) -> None:
    begun = await ann.google.begin(BACK, wider=False)
    answer = await ann.consent(begun.address)
    flow = json.dumps(json.loads(begun.flow) | {"verifier": "x" * 64})
    with pytest.raises(SignInFailed):
        await ann.google.finish(flow, answer, BACK)


@pytest.mark.parametrize("fault", ["no address", "no refresh token"])
async def test_an_answer_that_lacks_what_is_needed_is_not_taken(
    ann: GoogleHost, server: GoogleCalendarServer, fault: str
) -> None:
    server.identity.fault = fault
    with pytest.raises(SignInFailed):
        await ann.connect()


@pytest.mark.parametrize("fault", ["503", "who 503"])
async def test_google_down_in_the_middle_of_it(ann: GoogleHost, server: GoogleCalendarServer, fault: str) -> None:
    begun = await ann.google.begin(BACK, wider=False)
    answer = await ann.consent(begun.address)
    server.identity.fault = fault
    with pytest.raises(CalendarServerFailed, match="in a minute"):
        await ann.google.finish(begun.flow, answer, BACK)


async def test_access_taken_back_and_tokens_that_are_none(ann: GoogleHost, server: GoogleCalendarServer) -> None:
    await ann.connect()
    server.identity.take_back(ME)
    with pytest.raises(AccessRevoked):
        await ann.google.calendars(ann.credentials)
    with pytest.raises(AccessRevoked):
        await ann.google.calendars(Credentials(text='{"token": 1}', save=ann.credentials.save))


async def test_a_secret_that_the_admin_changed_is_told_as_such(ann: GoogleHost, server: GoogleCalendarServer) -> None:
    await ann.connect()
    server.identity.expire_access_tokens()
    server.identity.client_secret = "another"
    with pytest.raises(CalendarError, match="ask your admin"):
        await ann.google.calendars(ann.credentials)


async def test_no_secret_is_in_any_message(ann: GoogleHost, server: GoogleCalendarServer) -> None:
    await ann.connect()
    tokens = json.loads(ann.saved[-1])
    server.identity.take_back(ME)
    with pytest.raises(AccessRevoked) as caught:
        await ann.google.calendars(ann.credentials)
    for secret in (tokens["refresh_token"], tokens["access_token"], ME, server.origin):
        assert secret not in f"{caught.value!r} {caught.value.__cause__!r}"
