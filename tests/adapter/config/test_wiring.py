"""The builder: from settings to what each role is made of, on a real data directory."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from pydantic import ValidationError

from config.settings import Settings
from config.supervisor import ROLES as SUPERVISED
from config.wiring import (
    FIRST_ADMIN_EMAIL,
    ROLES,
    asked_purposes,
    first_admin,
    open_store,
    run_role,
    status,
    text_in_use,
    web_settings,
)
from consent_notice.events import RecordRead
from consent_notice.words import Purpose
from tests.simulators.server import server_settings
from tests.simulators.web_site import Meeting, open_site
from web.accounts import Passwords


def test_every_role_that_is_supervised_can_be_built() -> None:
    assert set(ROLES) == set(SUPERVISED)


async def test_a_role_that_there_is_not_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        await run_role("nobody", Settings(data_dir=tmp_path))


def test_transcription_is_asked_for_only_where_it_is_made(tmp_path: Path) -> None:
    settings = server_settings(tmp_path, transcription={"enabled": True})
    assert asked_purposes(settings) == (Purpose.RECORDING, Purpose.TRANSCRIPTION)
    silent = server_settings(tmp_path, transcription={"enabled": False})
    assert asked_purposes(silent) == (Purpose.RECORDING,)
    assert web_settings(silent).purposes == (Purpose.RECORDING,)


def test_more_purposes_are_asked_about_where_they_are_set(tmp_path: Path) -> None:
    wanted = ["insights", "recording", "ai_notes", "transcription"]
    settings = server_settings(tmp_path, purposes=wanted, transcription={"enabled": True})
    everything = (Purpose.RECORDING, Purpose.TRANSCRIPTION, Purpose.AI_NOTES, Purpose.INSIGHTS)
    assert web_settings(settings).purposes == everything
    silent = server_settings(tmp_path, purposes=wanted, transcription={"enabled": False})
    assert Purpose.TRANSCRIPTION not in asked_purposes(silent)
    only_sound = server_settings(tmp_path, purposes=["recording"], transcription={"enabled": True})
    assert asked_purposes(only_sound) == (Purpose.RECORDING,)
    by_variable = server_settings(tmp_path, purposes="recording, ai_notes")
    assert asked_purposes(by_variable) == (Purpose.RECORDING, Purpose.AI_NOTES)


@pytest.mark.parametrize("purposes", [[], ["transcription"], ["recording", "music"], "", "transcription"])
def test_without_the_recording_nothing_can_be_asked_for(tmp_path: Path, purposes: object) -> None:
    with pytest.raises(ValidationError):
        server_settings(tmp_path, purposes=purposes)


def test_the_pages_get_what_was_set(tmp_path: Path) -> None:
    settings = server_settings(tmp_path, retention_days=7, default_language="pl", public_url="https://rec.example.org")
    made = web_settings(settings)
    assert (made.retention_days, made.default_language, made.public_url) == (7, "pl", "https://rec.example.org")
    assert made.organisation == settings.organisation
    assert {"en", "pl"} <= set(made.wording)


def test_places_and_statements_reach_the_pages(tmp_path: Path) -> None:
    settings = server_settings(
        tmp_path, host_location="PL", bot_location="DE", late_roster_accepted=True, notice={"authority": "UODO"}
    )
    made = web_settings(settings)
    assert (made.host_location, made.bot_location, made.information.authority) == ("PL", "DE", "UODO")
    assert made.rule_policy.late_roster_accepted
    assert made.jurisdictions.is_known("US-CA")


def test_a_version_of_the_notice_is_what_the_settings_make_of_it(tmp_path: Path) -> None:
    text = text_in_use(server_settings(tmp_path))
    assert text == text_in_use(server_settings(tmp_path, grace_s=5, host_location="PL"))
    for change in ({"retention_days": 7}, {"notice": {"authority": "UODO"}}, {"transcription": {"enabled": True}}):
        assert text != text_in_use(server_settings(tmp_path, **change))


async def test_the_first_admin_is_made_once_and_can_sign_in(tmp_path: Path) -> None:
    settings = server_settings(tmp_path / "data")
    made = await first_admin(settings)
    assert made is not None
    email, password = made
    assert email == FIRST_ADMIN_EMAIL
    assert await first_admin(settings) is None
    async with open_store(settings) as store:
        user = await store.users.by_email(email)
        assert user is not None
        assert user.role == "admin"
        assert await Passwords().is_right(user.password_hash, password)
        assert password not in user.password_hash
    assert await status(settings, shows_people=False) == {"recordings": []}


@pytest.mark.parametrize(("role", "port", "path"), [("web", "web_port", "/"), ("practice", "practice_port", "/")])
async def test_a_role_serves_until_it_is_cancelled(tmp_path: Path, role: str, port: str, path: str) -> None:
    settings = server_settings(tmp_path / "data")
    url = f"http://127.0.0.1:{getattr(settings, port)}{path}"
    async with asyncio.TaskGroup() as tasks, aiohttp.ClientSession() as session:
        running = tasks.create_task(run_role(role, settings))
        async with asyncio.timeout(20):
            while True:
                try:
                    async with session.get(url) as answer:
                        assert answer.status == 200
                    break
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)
        running.cancel()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(url)


def test_a_role_imports_no_other_roles_libraries() -> None:
    """A bot that was killed is back the sooner."""
    heavy = ("aiohttp", "aiortc", "faster_whisper", "icalendar", "hibari")
    code = f"import sys, config.wiring; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


async def test_showing_who_answered_what_is_a_look_at_the_evidence(tmp_path: Path) -> None:
    async with open_site(tmp_path / "data") as site:
        meeting = await Meeting.begin(site, await site.person("host", "Ingrid", "i@example.org"))
        await meeting.join("Ada")
        settings = server_settings(tmp_path / "data")
        for shows_people, noted in ((False, []), (True, ["evidence"]), (True, ["evidence"])):
            found = await status(settings, shows_people=shows_people)
            assert found["recordings"][0]["participants"][0]["name"] == "Ada"
            events = [entry.event for entry in site.store.log.entries_of(meeting.visit.id)]
            assert [event.what for event in events if isinstance(event, RecordRead)] == noted
