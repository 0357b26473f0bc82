"""A host's Outlook calendar, from sign-in to goodbye: msal and https against the stand-in, through the real store."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from aiohttp import web

from calendar_sync.accounts import AccessRevoked, AdminMustConsent, Credentials, Granted, ScopeMissing, SignInDenied
from calendar_sync.errors import CalendarUnreachable
from calendar_sync.outlook import OutlookCalendars
from calendar_sync.outlook_notices import Kind, Notice, belongs_to, read_notice, validation_answer
from calendar_sync.sync import CalendarSource, CalendarSync, Page, Window
from storage.calendars import CalendarRow
from storage.meetings import MeetingRow
from tests.adapter.calendar_sync.conftest import POLICY, ROOM, Installation, WallClock
from tests.simulators.graph import TENANT, GraphService, graph_service
from tests.simulators.graph_mailbox import event

BACK = "https://onrecord.test/back"


@dataclass
class Kept:
    """The account as it is stored, and a provider that is handed it."""

    provider: OutlookCalendars
    text: str = ""
    saved: list[str] = field(default_factory=list)

    async def save(self, text: str) -> None:
        self.text = text
        self.saved.append(text)

    @property
    def credentials(self) -> Credentials:
        return Credentials(text=self.text, save=self.save)

    async def pages(self, source: CalendarSource, state: str | None, window: Window) -> AsyncIterator[Page]:
        async for page in self.provider.pages(replace(source, credentials=self.credentials), state, window):
            yield page


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[GraphService]:
    async with graph_service(tmp_path) as service:
        yield service


async def sign_in(graph: GraphService, provider: OutlookCalendars, *, wider: bool = False) -> Granted:
    begun = await provider.begin(BACK, wider=wider)
    assert "code_challenge_method=S256" in begun.address
    trusted = ssl.create_default_context(cafile=graph.ca_file)
    async with (
        aiohttp.ClientSession() as browser,
        browser.get(begun.address, allow_redirects=False, ssl=trusted) as answer,
    ):
        back = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    return await provider.finish(begun.flow, back, BACK)


async def connected(graph: GraphService, *, wider: bool = False) -> Kept:
    provider = OutlookCalendars(graph.settings(), WallClock())
    granted = await sign_in(graph, provider, wider=wider)
    return Kept(provider=provider, text=granted.credentials)


def soon(minutes: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes)


async def planned(here: Installation, calendar: CalendarRow) -> dict[str, MeetingRow]:
    rows = await here.store.meetings.of_calendar(calendar.id)
    return {row.title: row for row in rows if row.state.value == "planned"}


async def all_planned(here: Installation, calendar: CalendarRow) -> list[MeetingRow]:
    rows = await here.store.meetings.of_calendar(calendar.id)
    return sorted((row for row in rows if row.state.value == "planned"), key=lambda row: row.starts_at)


def only_reads(graph: GraphService) -> bool:
    """Law 6, over every request that Microsoft saw."""
    return all(
        (method == "GET")
        or (method == "POST" and path == "/common/oauth2/v2.0/token")
        or (method in ("POST", "PATCH", "DELETE") and path.startswith("/v1.0/subscriptions"))
        for method, path in graph.seen
    )


async def test_from_sign_in_to_goodbye(graph: GraphService, here: Installation) -> None:
    kept = await connected(graph)
    calendars = await kept.provider.calendars(kept.credentials)
    assert [(one.title, one.is_primary, one.is_others) for one in calendars] == [
        ("Calendar", True, False),
        ("Team", False, True),
    ]
    row = await here.connect(calendars[0].key, provider="outlook")
    sync = CalendarSync(here.store, {"outlook": kept}, here.clock, POLICY)

    graph.mailbox.put(*(event(key, soon(60 + 60 * number), f"{ROOM}-{key}") for number, key in enumerate("abc")))
    assert (await sync.read(row.id)).changes == 3
    first = await planned(here, row)
    assert (await sync.read(row.id)).changes == 0

    graph.mailbox.put(event("a", soon(90), f"{ROOM}-a"))
    graph.mailbox.put(event("b", soon(120), f"{ROOM}-b", isCancelled=True))
    graph.mailbox.remove("c")
    assert (await sync.read(row.id)).changes == 3
    after = await planned(here, row)
    assert set(after) == {"Title a"}
    assert after["Title a"].id == first["Title a"].id
    assert after["Title a"].starts_at > first["Title a"].starts_at

    graph.revoke()
    result = await sync.read(row.id)
    assert result.error == str(AccessRevoked())
    assert set(await planned(here, row)) == {"Title a"}
    assert await kept.provider.revoke(kept.credentials) is False
    await here.store.calendars.delete(row.id)
    assert only_reads(graph)


async def test_a_series_keeps_its_occurrences_apart_and_each_through_its_moves(
    graph: GraphService, here: Installation
) -> None:
    kept = await connected(graph)
    row = await here.connect("cal-1", provider="outlook")
    sync = CalendarSync(here.store, {"outlook": kept}, here.clock, POLICY)
    starts = [soon(60) + timedelta(days=day) for day in range(4)]
    graph.mailbox.put_series("weekly", starts, f"{ROOM}-weekly")
    assert (await sync.read(row.id)).changes == 4
    before = await all_planned(here, row)
    assert len({one.series for one in before}) == 1

    graph.mailbox.move("weekly", 1, starts[1] + timedelta(hours=30))
    graph.mailbox.remove_occurrence("weekly", 2)
    assert (await sync.read(row.id)).changes == 2
    after = await all_planned(here, row)
    assert {one.id for one in after} == {before[0].id, before[1].id, before[3].id}
    assert {one.id: one.starts_at for one in after}[before[1].id] == starts[1] + timedelta(hours=30)
    assert (await sync.read(row.id, from_scratch=True)).changes == 0

    # "this and following": the old series ends, a new one begins
    graph.mailbox.starts["weekly"] = starts[:2]
    graph.mailbox.put(graph.mailbox.events["weekly"])
    graph.mailbox.put_series("weekly-2", [starts[3] + timedelta(hours=1)], f"{ROOM}-weekly")
    await sync.read(row.id)
    assert [one.starts_at for one in await all_planned(here, row)][-1] == starts[3] + timedelta(hours=1)
    assert len(await all_planned(here, row)) == 3
    graph.mailbox.remove("weekly")
    await sync.read(row.id)
    assert len(await all_planned(here, row)) == 1


async def test_tokens_are_renewed_and_saved_before_they_are_used(graph: GraphService, here: Installation) -> None:
    graph.token_lasts_s = 60
    kept = await connected(graph)
    row = await here.connect("cal-1", provider="outlook")
    sync = CalendarSync(here.store, {"outlook": kept}, here.clock, POLICY)
    graph.mailbox.put(event("a", soon(60), ROOM))
    assert (await sync.read(row.id)).changes == 1
    assert kept.saved
    assert kept.saved[-1] != kept.saved[0] or len(kept.saved) == 1
    graph.token_lasts_s = 3600
    graph.expire_access()
    assert (await sync.read(row.id)).error is None
    graph.expire_access()  # a token that Graph does not take any more is renewed once
    assert (await sync.read(row.id)).error is None


@pytest.mark.parametrize("fault", ["410", "400", "429 0", "503", "truncated", "elsewhere", "429 3600", "403", "slow"])
async def test_faults_leave_neither_gap_nor_duplicate(graph: GraphService, here: Installation, fault: str) -> None:
    kept = await connected(graph)
    row = await here.connect("cal-1", provider="outlook")
    sync = CalendarSync(here.store, {"outlook": kept}, here.clock, POLICY)
    graph.mailbox.put(*(event(key, soon(60 + 60 * number), f"{ROOM}-{key}") for number, key in enumerate("abcd")))
    graph.faults = ["", "", fault]  # in the middle of the first round
    result = await sync.read(row.id)
    ends_the_pass = fault in ("truncated", "elsewhere", "429 3600", "403")
    assert (result.error is not None) == ends_the_pass
    assert result.retry_after_s == (3600 if fault == "429 3600" else None)
    await sync.read(row.id)
    assert len(await planned(here, row)) == 4

    graph.mailbox.remove("a")
    graph.mailbox.put(event("e", soon(500), f"{ROOM}-e"))
    graph.faults = [fault]
    again = CalendarSync(here.store, {"outlook": kept}, here.clock, POLICY)  # restarted
    await again.read(row.id)
    await again.read(row.id)
    assert set(await planned(here, row)) == {f"Title {key}" for key in "bcde"}
    assert only_reads(graph)


async def test_one_broken_event_does_not_stop_the_others(graph: GraphService, here: Installation) -> None:
    kept = await connected(graph)
    row = await here.connect("cal-1", provider="outlook")
    sync = CalendarSync(here.store, {"outlook": kept}, here.clock, POLICY)
    graph.mailbox.put(event("a", soon(60), ROOM), event("x", soon(60), start={"dateTime": "soon", "timeZone": "UTC"}))
    graph.mailbox.events["x"]["end"] = graph.mailbox.events["a"]["end"]
    assert (await sync.read(row.id)).broken == 1
    assert set(await planned(here, row)) == {"Title a"}
    assert (await sync.read(row.id)).broken == 1


async def test_the_window_moves_on_by_a_new_round(graph: GraphService) -> None:
    kept = await connected(graph)
    source = CalendarSource(address="cal-1", own_addresses=frozenset(), credentials=kept.credentials)
    graph.mailbox.put(event("far", soon(60 * 24 * 16), ROOM))
    window = Window(starts_at=soon(0), ends_at=soon(60 * 24 * 14))
    [first] = [page async for page in kept.pages(source, None, window)]
    assert (first.events, first.is_complete) == ((), True)
    later = Window(starts_at=soon(60 * 24 * 3), ends_at=soon(60 * 24 * 17))
    [second] = [page async for page in kept.pages(source, first.next_state, later)]
    assert ([one.title for one in second.events], second.is_complete) == (["Title far"], True)
    [third] = [page async for page in kept.pages(source, second.next_state, later)]
    assert (third.events, third.is_complete) == ((), False)


async def test_sign_ins_that_end_otherwise_are_told_apart(graph: GraphService) -> None:
    provider = OutlookCalendars(graph.settings(), WallClock())
    granted = await sign_in(graph, provider)
    assert (granted.name, granted.is_wider, granted.tenant) == ("Ann@example.org", False, TENANT)
    assert granted.own_addresses == {"ann@example.org", "ann@corp.example.org"}
    assert (await sign_in(graph, provider, wider=True)).is_wider
    graph.consent = "denied"
    with pytest.raises(SignInDenied):
        await sign_in(graph, provider)
    graph.consent = "admin"
    with pytest.raises(AdminMustConsent) as refused:
        await sign_in(graph, provider)
    assert refused.value.link.startswith(f"{graph.url}/organizations/adminconsent?client_id=")
    assert graph.url not in str(refused.value)


async def test_a_sign_in_service_that_does_not_answer_is_unreachable_and_no_refusal(graph: GraphService) -> None:
    away = replace(graph.settings(), authority="https://localhost:9/common")
    with pytest.raises(CalendarUnreachable):
        await OutlookCalendars(away, WallClock()).begin(BACK, wider=False)
    provider = OutlookCalendars(graph.settings(), WallClock())
    begun = await provider.begin(BACK, wider=False)
    kept = await connected(graph)
    for broken in (away, replace(graph.settings(), ca_file=None)):  # nobody there; somebody else's certificate
        late = OutlookCalendars(broken, WallClock())
        with pytest.raises(CalendarUnreachable):
            await late.finish(begun.flow, {"state": "x"}, BACK)
        with pytest.raises(CalendarUnreachable):
            await late.calendars(kept.credentials)


async def test_orders_of_notices_are_made_renewed_and_ended(graph: GraphService) -> None:
    heard: list[Notice] = []

    async def endpoint(request: web.Request) -> web.Response:
        if (token := validation_answer(request.query)) is not None:
            return web.Response(text=token)
        heard.extend(read_notice(await request.read()))
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/notices", endpoint)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        address = f"http://127.0.0.1:{runner.addresses[0][1]}/notices"
        narrow = await connected(graph)
        with pytest.raises(ScopeMissing):
            await narrow.provider.watch(narrow.credentials, "cal-1", address=address, secret="s")
        kept = await connected(graph, wider=True)
        watch = await kept.provider.watch(kept.credentials, "cal-1", address=address, secret="a secret")
        assert timedelta(hours=47) < watch.expires_at - datetime.now(UTC) <= timedelta(days=2)
        await graph.notify(watch.id)
        await graph.notify(watch.id, "missed")
        assert [notice.kind for notice in heard] == [Kind.CHANGED, Kind.MISSED]
        assert all(belongs_to(notice, watch.id, watch.secret) for notice in heard)
        assert (await kept.provider.renew(kept.credentials, watch)).id == watch.id
        graph.subscriptions.clear()
        renewed = await kept.provider.renew(kept.credentials, watch)
        assert renewed.id != watch.id
        await kept.provider.unwatch(kept.credentials, renewed)
        await kept.provider.unwatch(kept.credentials, renewed)
        assert graph.subscriptions == {}
        assert only_reads(graph)
    finally:
        await runner.cleanup()
