"""An Outlook calendar over a long life of edits, faults and restarts; and each end of a sign-in in words of its own."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from calendar_sync.accounts import (
    AccessRevoked,
    AdminMustConsent,
    SignInDenied,
    SignInFailed,
    WrongTenant,
)
from calendar_sync.errors import CalendarError, CalendarServerFailed
from calendar_sync.outlook import OutlookCalendars
from calendar_sync.outlook_wire import ELSEWHERE
from calendar_sync.sync import CalendarSync
from tests.adapter.calendar_sync.conftest import POLICY, ROOM, Installation, WallClock
from tests.adapter.calendar_sync.test_outlook import BACK, all_planned, connected, only_reads, soon
from tests.simulators.graph import GraphService, graph_service
from tests.simulators.graph_mailbox import event

FAULTS = ("410", "400", "429 0", "503", "truncated", "elsewhere", "403")
KEYS = "abcdefgh"


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[GraphService]:
    async with graph_service(tmp_path) as service:
        yield service


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_happens_the_plan_is_what_the_mailbox_holds(
    graph: GraphService, here: Installation, seed: int
) -> None:
    dice = random.Random(seed)
    graph.page_size, graph.empty_pages = dice.randint(1, 4), dice.random() < 0.5
    kept = await connected(graph)
    row = await here.connect("cal-1", provider="outlook")
    sync = CalendarSync(here.store, {"outlook": kept}, here.clock, POLICY)
    truth: dict[str, str] = {}  # what is in the mailbox: title and when
    for _ in range(30):
        key = dice.choice(KEYS)
        match dice.choice(("put", "put", "put", "remove", "restart", "fault", "expire", "twice")):
            case "put":
                starts_at = soon(60 * dice.randint(1, 300))
                graph.mailbox.put(event(key, starts_at, f"{ROOM}-{key}"))
                truth[f"Title {key}"] = starts_at.isoformat()
            case "remove":
                if truth.pop(f"Title {key}", None):
                    graph.mailbox.remove(key)
            case "restart":
                kept.provider = OutlookCalendars(graph.settings(), WallClock())
                sync = CalendarSync(here.store, {"outlook": kept}, here.clock, POLICY)
            case "fault":
                graph.faults = [""] * dice.randint(0, 3) + [dice.choice(FAULTS)]
                await sync.read(row.id)
                graph.faults = []
            case "expire":
                graph.expire_access()
            case "twice":
                await sync.read(row.id, from_scratch=dice.random() < 0.5)
        if dice.random() < 0.6:
            assert (await sync.read(row.id)).error is None
            rows = await all_planned(here, row)
            assert {one.title: one.starts_at.isoformat() for one in rows} == truth
            assert len(rows) == len(truth)
    assert only_reads(graph)


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        ("access_denied", "65004", SignInDenied),
        ("access_denied", "", SignInDenied),
        ("consent_required", "", AdminMustConsent),
        ("access_denied", "90094", AdminMustConsent),
        ("invalid_client", "65001", CalendarError),
        ("invalid_grant", "65001", AdminMustConsent),
        ("invalid_request", "90008", AdminMustConsent),
        ("invalid_request", "50020", WrongTenant),
        ("invalid_request", "50194", WrongTenant),
        ("unauthorized", "700016", WrongTenant),
        ("server_error", "90033", CalendarServerFailed),
        ("temporarily_unavailable", "", CalendarServerFailed),
        ("invalid_request", "900144", SignInFailed),
    ],
)
async def test_a_sign_in_that_ends_otherwise_says_what_to_do(
    graph: GraphService, error: str, code: str, expected: type[CalendarError]
) -> None:
    provider = OutlookCalendars(graph.settings(), WallClock())
    begun = await provider.begin(BACK, wider=False)
    state = dict(parse_qsl(urlsplit(begun.address).query))["state"]
    said = f"AADSTS{code}: ann@example.org in tenant Contoso, trace 0815" if code else "no code"
    with pytest.raises(CalendarError) as ended:
        await provider.finish(begun.flow, {"state": state, "error": error, "error_description": said}, BACK)
    assert type(ended.value) is expected
    assert "Contoso" not in str(ended.value)
    assert "ann@" not in str(ended.value)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("50173", AccessRevoked),
        ("700082", AccessRevoked),
        ("70000", AccessRevoked),
        ("50076", AccessRevoked),
        ("7000222", CalendarError),
        ("90033", CalendarServerFailed),
    ],
)
async def test_a_token_that_is_not_renewed_says_why(
    graph: GraphService, code: str, expected: type[CalendarError]
) -> None:
    kept = await connected(graph)
    kept.provider = OutlookCalendars(graph.settings(), WallClock())  # restarted: no token is at hand
    graph.refresh_error = f"AADSTS{code}: about ann@example.org"
    graph.expire_access()
    with pytest.raises(CalendarError) as ended:
        await kept.provider.calendars(kept.credentials)
    assert type(ended.value) is expected
    assert "ann@" not in str(ended.value)


async def test_a_page_on_another_server_is_not_followed(graph: GraphService, here: Installation) -> None:
    kept = await connected(graph)
    row = await here.connect("cal-1", provider="outlook")
    graph.faults = ["elsewhere"]
    result = await CalendarSync(here.store, {"outlook": kept}, here.clock, POLICY).read(row.id)
    assert result.error == ELSEWHERE
