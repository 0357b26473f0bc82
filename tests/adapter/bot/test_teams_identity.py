"""A registered bot says to Teams which it is: by msal itself, over https, to a stand-in of Microsoft's endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.browser.room import BrowserRoom
from bot.ports import LeftReason, RoomRefused
from bot.teams_identity import SCOPE, IdentityUnreachable, TeamsIdentity
from config.clock import SystemClock
from config.rooms import room_maker
from config.settings import Settings
from tests.simulators.graph_ca import localhost_tls

MEETING = "https://teams.microsoft.com/meet/1?p=x"


class TokenService:
    """https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow"""

    def __init__(self) -> None:
        self.url = ""
        self.ca_file = ""
        self.asked: list[dict[str, Any]] = []
        self.error = ""

    async def metadata(self, request: web.Request) -> web.Response:
        here = f"{self.url}/{request.match_info['tenant']}"
        return web.json_response(
            {
                "issuer": f"{here}/v2.0",
                "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
                "token_endpoint": f"{here}/oauth2/v2.0/token",
            }
        )

    async def token(self, request: web.Request) -> web.Response:
        self.asked.append({**await request.post(), "tenant": request.match_info["tenant"]})
        if self.error:
            return web.json_response({"error": "invalid_client", "error_description": self.error}, status=401)
        return web.json_response({"token_type": "Bearer", "expires_in": 3599, "access_token": f"t{len(self.asked)}"})


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[TokenService]:
    service, app = TokenService(), web.Application()
    app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", service.metadata)
    app.router.add_post("/{tenant}/oauth2/v2.0/token", service.token)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    context, service.ca_file = localhost_tls(tmp_path)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    service.url = f"https://localhost:{runner.addresses[0][1]}"
    yield service
    await runner.cleanup()


def identity(service: TokenService) -> TeamsIdentity:
    return TeamsIdentity(
        tenant="tenant-1", client_id="bot-1", client_secret="s3cret", sign_in=service.url, ca_file=service.ca_file
    )


async def test_a_token_of_the_organisation_goes_with_the_address_anew_each_time(service: TokenService) -> None:
    who = identity(service)
    assert await who.sign(MEETING) == f"{MEETING}#token=t1"
    assert await who.sign(MEETING) == f"{MEETING}#token=t2"
    (asked, _) = service.asked
    assert (asked["tenant"], asked["grant_type"], asked["client_id"]) == ("tenant-1", "client_credentials", "bot-1")
    assert (asked["client_secret"], asked["scope"].split()[0]) == ("s3cret", SCOPE)


async def test_a_personal_meeting_is_told_nothing(service: TokenService) -> None:
    assert await identity(service).sign("https://teams.live.com/meet/1?p=x") == "https://teams.live.com/meet/1?p=x"
    assert service.asked == []


async def test_credentials_that_are_not_taken_are_an_end_that_names_the_code_and_no_secret(
    service: TokenService,
) -> None:
    service.error = "AADSTS7000215: Invalid client secret provided: s3cret. Trace ID: x"
    with pytest.raises(RoomRefused, match="AADSTS7000215") as refused:
        await identity(service).sign(MEETING)
    assert refused.value.reason is LeftReason.SIGN_IN_REQUIRED
    assert "s3cret" not in str(refused.value)


async def test_a_service_that_does_not_answer_is_tried_again_later(service: TokenService) -> None:
    away = TeamsIdentity(tenant="t", client_id="b", client_secret="s", sign_in="https://localhost:9")
    with pytest.raises(IdentityUnreachable):
        await away.sign(MEETING)
    with pytest.raises(IdentityUnreachable):  # another's certificate
        await TeamsIdentity(tenant="t", client_id="b", client_secret="s", sign_in=service.url).sign(MEETING)


async def test_rooms_of_teams_come_with_it_where_a_bot_is_registered_and_others_never(service: TokenService) -> None:
    registered = Settings(
        teams_bot_tenant="tenant-1",
        teams_bot_client_id="bot-1",
        teams_bot_client_secret="s3cret",
        microsoft_endpoint=service.url,
        calendar_ca_file=service.ca_file,
    )
    async with asyncio.TaskGroup() as tasks:
        room = room_maker(registered, SystemClock())("teams")(tasks)
        assert isinstance(room, BrowserRoom)
        assert room._sign is not None
        assert await room._sign(MEETING) == f"{MEETING}#token=t1"
        for settings, platform in ((registered, "zoom"), (registered, "google_meet"), (Settings(), "teams")):
            other = room_maker(settings, SystemClock())(platform)(tasks)
            assert isinstance(other, BrowserRoom)
            assert other._sign is None
