"""The real client against another's reading of Google's documentation: sign-in, both lists, renewal, revocation."""

from __future__ import annotations

import json
import re
import secrets
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from yarl import URL

from calendar_sync.accounts import AccessRevoked, Credentials
from calendar_sync.google import GoogleCalendars
from calendar_sync.google_line import GoogleAddresses
from calendar_sync.google_sign_in import GoogleApp
from calendar_sync.sync import CalendarSource, Window
from tests.adapter.calendar_sync.conftest import WallClock
from tests.simulators.google_emulator_process import google_emulator
from tests.simulators.google_host import BACK, MEET, QUICK
from tests.simulators.node import node_is_missing

pytestmark = [  # Node and its packages are much to install for one test
    pytest.mark.nightly,
    pytest.mark.skipif(bool(node_is_missing()), reason=node_is_missing() or "runs"),
]

ME = "ann@example.org"
NOW = datetime.now(UTC).replace(microsecond=0)
SEED = {
    "users": [{"email": ME, "name": "Ann"}],
    "oauth_clients": [
        {"client_id": "onrecord", "client_secret": "secret", "name": "onrecord", "redirect_uris": [BACK]}
    ],
    "calendars": [
        {"id": ME, "user_email": ME, "summary": "Ann", "primary": True, "time_zone": "UTC"},
        {"id": "team", "user_email": ME, "summary": "Team", "time_zone": "Europe/Berlin"},
    ],
    "calendar_events": [
        {
            "id": f"e{number}",
            "user_email": ME,
            "calendar_id": ME,
            "summary": f"Meeting {number}",
            "start_date_time": (NOW + timedelta(hours=number)).isoformat(),
            "end_date_time": (NOW + timedelta(hours=number, minutes=30)).isoformat(),
            "attendees": [{"email": "cy@agency.example"}],
            "conference_entry_points": [{"entry_point_type": "video", "uri": MEET}],
        }
        for number in range(1, 301)
    ],
}


async def click(address: str) -> dict[str, str]:
    """A browser on the emulator's page: the form of the account that is chosen."""
    async with aiohttp.ClientSession() as browser:
        async with browser.get(URL(address, encoded=True)) as page:
            form = dict(re.findall(r'name="([^"]+)"\s+value="([^"]*)"', await page.text()))
        assert form["email"] == ME
        target = URL(address).origin() / "o/oauth2/v2/auth/callback"
        async with browser.post(target, data=form, allow_redirects=False) as answer:
            assert answer.status == 302
            return dict(URL(answer.headers["Location"]).query)


async def test_a_host_signs_in_and_their_calendars_are_read() -> None:
    async with google_emulator(SEED) as origin:
        google = GoogleCalendars(
            GoogleApp(client_id="onrecord", client_secret="secret"),
            WallClock(),
            lambda: secrets.token_urlsafe(48),
            addresses=GoogleAddresses(
                authorize=f"{origin}/o/oauth2/v2/auth",
                token=f"{origin}/oauth2/token",
                revoke=f"{origin}/oauth2/revoke",
                who=f"{origin}/oauth2/v2/userinfo",
                calendar=f"{origin}/calendar/v3/",
            ),
            limits=QUICK,
        )
        begun = await google.begin(BACK, wider=False)
        granted = await google.finish(begun.flow, await click(begun.address), BACK)
        assert (granted.name, granted.is_wider) == (ME, False)

        saved = [granted.credentials]

        async def save(text: str) -> None:
            saved.append(text)

        listed = await google.calendars(Credentials(text=saved[-1], save=save))
        assert {(one.key, one.title, one.is_primary, one.needs_wider) for one in listed} == {
            (ME, "Ann", True, False),
            ("team", "Team", False, False),
        }

        saved.append(json.dumps(json.loads(saved[-1]) | {"access_token": "", "expires_at": NOW.isoformat()}))
        source = CalendarSource(
            address=ME, own_addresses=granted.own_addresses, credentials=Credentials(text=saved[-1], save=save)
        )
        window = Window(starts_at=NOW - timedelta(days=1), ends_at=NOW + timedelta(days=12))
        pages = [page async for page in google.pages(source, None, window)]
        assert len(saved) == 3, "renewed, and saved"
        assert pages[-1].is_last
        assert pages[-1].is_complete
        events = [event for page in pages for event in page.events]
        assert len(events) == 300, "more than one page"
        first = min(events, key=lambda event: event.starts_at)
        assert (first.title, first.starts_at) == ("Meeting 1", NOW + timedelta(hours=1))
        assert first.texts.conference == (MEET,)
        assert first.domains == {"agency.example"}

        held = Credentials(text=json.dumps(json.loads(saved[-1]) | {"expires_at": NOW.isoformat()}), save=save)
        assert await google.revoke(held)
        with pytest.raises(AccessRevoked):
            await google.calendars(held)
