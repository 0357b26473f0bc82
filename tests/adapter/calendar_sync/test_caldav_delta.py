"""What changed at a real CalDAV server since the last pass, whatever it can tell of that and whatever goes wrong."""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from calendar_sync import caldav_place
from calendar_sync.errors import CalendarServerFailed, StateExpired
from calendar_sync.planning import CalendarEvent
from tests.simulators.caldav_reading import Account, account_at
from tests.simulators.calendar_files import calendar_of, meeting
from tests.simulators.ics_reading import NOW, ROOM
from tests.simulators.radicale import Radicale, Seen, radicale


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    with radicale(tmp_path_factory.mktemp("radicale")) as running:
        yield running


@pytest.fixture
async def account(server: Radicale) -> AsyncIterator[Account]:
    async with account_at(server) as one:
        yield one


def at(hours: float, uid: str = "a", *more: str) -> str:
    return calendar_of(meeting(uid, NOW + timedelta(hours=hours), *more, link=ROOM))


def without(*names: str) -> Callable[[Seen, str], str]:
    """A server that does not know these properties or reports."""

    def edit(seen: Seen, text: str) -> str:
        if seen.method == "PROPFIND":
            for name in names:
                text = re.sub(rf"<(\w+:)?{name}>[^<]*</(\w+:)?{name}>|<(\w+:)?{name} ?/>", "", text)
        return text

    return edit


SERVERS = {
    "sync-token": None,
    "ctag": without("sync-token"),
    "a token of no use": without("sync-collection"),
    "ETags alone": without("sync-token", "getctag"),
    "nothing at all": lambda seen, text: re.sub(
        "<getetag>[^<]*</getetag>", "", without("sync-token", "getctag")(seen, text)
    ),
}


@pytest.mark.parametrize("kind", SERVERS)
async def test_changes_are_told_whatever_the_server_can(account: Account, kind: str) -> None:
    account.front.edit = SERVERS[kind]
    await account.put("a", at(1, "a"))
    await account.put("b", at(2, "b", "RRULE:FREQ=DAILY;COUNT=3"))
    await account.put("long ago", at(-24 * 90, "c"))
    assert (await account.read()).is_complete
    assert account.starts() == ["10-21 10:00", "10-21 11:00", "10-22 11:00", "10-23 11:00"]

    account.front.seen.clear()
    idle = await account.read()
    assert (idle.removed, idle.is_complete) == (frozenset(), False)
    if kind in ("sync-token", "ctag", "a token of no use"):
        asked = [seen.method for seen in account.front.seen]
        assert (idle.events, asked) == ((), ["REPORT" if kind == "sync-token" else "PROPFIND"])

    await account.put("a", at(5, "a"))
    await account.put("b", at(2, "b", "RRULE:FREQ=DAILY;COUNT=2"))
    await account.put("d", at(6, "d"))
    told = await account.read()
    assert not told.is_complete
    assert len(told.removed) == 1
    assert account.starts() == ["10-21 11:00", "10-21 14:00", "10-21 15:00", "10-22 11:00"]
    await account.delete("b")
    await account.delete("a")
    await account.read()
    assert account.starts() == ["10-21 15:00"]


async def test_a_token_that_is_never_taken_back_is_not_used(account: Account) -> None:
    account.front.fault, account.front.only_for = "403", "sync-collection"
    await account.put("a", at(1))
    assert (await account.read()).is_complete
    account.front.seen.clear()
    assert (await account.read()).events == ()
    assert [seen.method for seen in account.front.seen] == ["PROPFIND"]
    await account.put("a", at(2))
    assert not (await account.read()).is_complete
    assert account.starts() == ["10-21 11:00"]


async def test_a_forgotten_token_means_from_the_beginning(account: Account) -> None:
    await account.put("a", at(1))
    await account.read()
    account.server.forget_tokens()
    await account.put("a", at(2))
    with pytest.raises(StateExpired):
        await account.read()
    account.state = None
    assert (await account.read()).is_complete
    assert account.starts() == ["10-21 11:00"]


async def test_a_pass_may_be_told_again(account: Account) -> None:
    await account.put("a", at(1))
    await account.put("b", at(2, "b"))
    await account.read()
    await account.put("a", at(3))
    await account.delete("b")
    first = await account.read(again=True)
    assert (await account.read()) == first
    assert account.starts() == ["10-21 12:00"]


async def test_what_changes_while_it_is_read_is_told_by_the_next_pass(account: Account) -> None:
    await account.put("a", at(1))

    async def change(seen: Seen) -> None:
        if "multiget" in seen.body:
            account.front.after = None
            await account.put("a", at(2))
            await account.put("b", at(3, "b"))

    account.front.after = change
    await account.read()
    assert account.starts() == ["10-21 10:00"]
    await account.read()
    assert account.starts() == ["10-21 11:00", "10-21 12:00"]


async def test_the_window_rolls_on_without_gap_or_duplicate(account: Account) -> None:
    await account.put("s", at(0, "s", "RRULE:FREQ=DAILY"))
    await account.put("x", at(24 * 16, "x"))
    seen: list[tuple[bool, bool]] = []
    for hours in (0, 12, 13, 12, 36):
        account.later(hours=hours)
        told = await account.read()
        seen.append((told.is_complete, bool(told.events)))
        until = account.window.ends_at
        expected = {key for key, event in (await account.from_scratch()).items() if event.starts_at < until}
        assert {key for key, event in account.events.items() if event.starts_at < until} >= expected
    assert seen == [(True, True), (False, False), (True, True), (False, False), (True, True)]
    assert NOW + timedelta(days=16) in {event.starts_at for event in account.events.values()}


async def test_a_long_answer_comes_in_pieces(account: Account) -> None:
    """RFC 6578 section 3.6: part of the changes, a 507 for the calendar itself, and a token to go on with."""
    await account.read()
    for number in range(4):
        await account.put(f"m{number}", at(number, f"m{number}"))
    rest: list[str] = []

    def cut(seen: Seen, text: str) -> str:
        if "sync-collection" not in seen.body:
            return text
        responses = re.findall("<response>.*?</response>", text)
        assert len(responses) == 4
        rest.append(text.replace("".join(responses[:2]), ""))
        own = f"<response><href>{seen.path}</href><status>HTTP/1.1 507 Insufficient Storage</status></response>"
        text = text.replace("".join(responses[2:]), own)
        return re.sub("<sync-token>.*?</sync-token>", "<sync-token>urn:half</sync-token>", text)

    account.front.edit = cut
    account.front.instead = lambda seen: rest.pop() if "urn:half" in seen.body else None
    await account.read()
    assert len(account.events) == 4
    account.front.edit = account.front.instead = None
    assert (await account.read()).events == ()

    account.front.edit = lambda seen, text: re.sub(
        "(<sync-token>)", f"<response><href>{seen.path}</href><status>HTTP/1.1 507 No</status></response>\\1", text
    )
    with pytest.raises(CalendarServerFailed, match="short"):
        await account.read()


async def test_an_event_under_a_new_address_is_not_lost_with_the_old_one(account: Account) -> None:
    await account.put("old", at(1))
    await account.read()
    await account.delete("old")
    await account.put("new", at(2))
    told = await account.read()
    assert (account.starts(), told.removed) == (["10-21 11:00"], frozenset())
    await account.delete("new")
    await account.read()
    assert account.starts() == []


async def test_more_than_is_kept_is_read_whole_when_it_changes(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caldav_place, "MAX_KEYS", 3)
    await account.put("s", at(1, "s", "RRULE:FREQ=DAILY"))
    await account.read()
    assert len(account.state or "") < 400
    assert (await account.read()).events == ()
    await account.put("s", at(1, "s", "RRULE:FREQ=DAILY;COUNT=2"))
    with pytest.raises(StateExpired):
        await account.read()
    account.state = None
    await account.read()
    assert len(account.events) == 2


async def test_the_state_of_another_version_means_a_whole_pass(account: Account) -> None:
    await account.put("a", at(1))
    for stored in ("not json", "[]", '{"version": 0}', '{"version": 1}'):
        account.state = stored
        assert (await account.read()).is_complete


async def test_new_own_addresses_or_another_zone_change_what_was_told(account: Account) -> None:
    """Whose answer counts, and what a time without a zone means, is no part of what the server says has changed."""
    await account.put("a", at(1, "a", "ATTENDEE;PARTSTAT=DECLINED:mailto:ann@work.example"))
    await account.read()
    account.granted = replace(account.granted, own_addresses=frozenset({"ann@work.example"}))
    assert [event.own_answer for event in (await account.read()).events] == ["declined"]
    account.time_zone = "Europe/Berlin"
    assert (await account.read()).is_complete
    assert not (await account.read()).is_complete


@pytest.mark.parametrize("kind", ["sync-token", "ctag"])
async def test_a_walk_of_edits_faults_and_restarts_ends_where_the_calendar_is(account: Account, kind: str) -> None:
    account.front.edit = SERVERS[kind]
    chance = random.Random(7)
    there: set[str] = set()
    for _ in range(8):
        for _ in range(chance.randrange(4)):
            name = chance.choice("abcdef")
            if name in there and chance.random() < 0.3:
                there.discard(name)
                await account.delete(name)
                continue
            rule = chance.choice(["", "RRULE:FREQ=DAILY;COUNT=4", "RRULE:FREQ=WEEKLY"])
            hours = chance.randrange(-20, 300)
            exception = f"EXDATE:{(NOW + timedelta(hours=hours)).strftime('%Y%m%dT%H%M%SZ')}"
            await account.put(name, at(hours, name, *([rule, exception] if rule else [])))
            there.add(name)
        happens = chance.choice(["nothing", "replay", "forgets", "fails", "rolls"])
        if happens == "replay":
            await account.read(again=True)
        elif happens == "forgets":
            account.server.forget_tokens()
        elif happens == "fails":
            account.front.fault, account.front.only_for = "503", "multiget"
            with contextlib.suppress(CalendarServerFailed):
                await account.read()
            account.front.fault = None
        elif happens == "rolls":
            account.later(hours=7)
        try:
            await account.read()
        except StateExpired:
            account.state = None
            await account.read()
        assert _near(account, account.events) == _near(account, await account.from_scratch())


def _near(account: Account, events: dict[str, CalendarEvent]) -> dict[str, CalendarEvent]:
    """In the window proper: what lies past it is planned when it comes nearer; what is over may be known still."""
    window = account.window
    return {
        key: event
        for key, event in events.items()
        if event.starts_at < window.ends_at and (event.ends_at or event.starts_at) >= window.starts_at
    }
