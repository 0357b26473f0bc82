"""A calendar service as the pages see it: a sign-in page elsewhere, accounts with calendars, notices, and the way out.

Implements AccountProvider, PasswordProvider and PushProvider; misbehaves on request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from calendar_sync.accounts import AccessRevoked, Credentials, Granted, RemoteCalendar, SignIn, SignInFailed, Watch
from calendar_sync.errors import CalendarError

AUTHORIZE = "https://sign-in.service.example/authorize"
OWN = RemoteCalendar(key="primary", title="Work", time_zone="Europe/Warsaw", is_primary=True)
SHARED = RemoteCalendar(key="shared@group", title="Team", is_others=True, needs_wider=True)
PASSWORD = "app-pass-word"


@dataclass(kw_only=True)
class SimulatedService:
    name: str = "ann@service.example"
    listed: list[RemoteCalendar] = field(default_factory=lambda: [OWN, SHARED])
    fails: CalendarError | None = None  # raised by the next call that is not `begin`
    confirms: bool = True
    is_wide: bool = False
    began: list[dict[str, object]] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    watching: list[str] = field(default_factory=list)  # ids
    renewed: int = 0
    unwatched: list[str] = field(default_factory=list)
    watch_life: timedelta = timedelta(days=7)

    async def begin(self, redirect_uri: str, *, wider: bool, hint: str = "") -> SignIn:
        state = f"state-{len(self.began)}"
        self.began.append({"redirect": redirect_uri, "wider": wider, "hint": hint, "state": state})
        query = urlencode({"state": state, "redirect_uri": redirect_uri})
        return SignIn(
            address=f"{AUTHORIZE}?{query}", flow=json.dumps({"state": state, "verifier": "v" * 64, "wider": wider})
        )

    async def finish(self, flow: str, answer: Mapping[str, str], redirect_uri: str) -> Granted:
        self._fail()
        began = json.loads(flow)
        if answer.get("state") != began["state"]:
            raise SignInFailed
        return self._granted(is_wider=began["wider"])

    async def connect(self, address: str, user: str, password: str) -> Granted:
        self._fail()
        if password != PASSWORD:
            raise SignInFailed("The server did not take this user name and password.")
        return replace(self._granted(is_wider=False), name=user)

    async def calendars(self, credentials: Credentials) -> list[RemoteCalendar]:
        self._fail()
        if credentials.text in self.revoked:
            raise AccessRevoked
        return list(self.listed)

    async def revoke(self, credentials: Credentials) -> bool:
        self._fail()
        self.revoked.append(credentials.text)
        return self.confirms

    async def watch(self, credentials: Credentials, calendar_key: str, *, address: str, secret: str) -> Watch:
        self._fail()
        self.watching.append(f"watch-{len(self.watching)}")
        return Watch(
            id=self.watching[-1],
            calendar_key=calendar_key,
            secret=secret,
            expires_at=datetime.now(UTC) + self.watch_life,
            extra={"address": address},
        )

    async def renew(self, credentials: Credentials, watch: Watch) -> Watch:
        self._fail()
        self.renewed += 1
        return replace(watch, expires_at=datetime.now(UTC) + self.watch_life)

    async def unwatch(self, credentials: Credentials, watch: Watch) -> None:
        self._fail()
        self.unwatched.append(watch.id)

    def _granted(self, *, is_wider: bool) -> Granted:
        return Granted(
            name=self.name,
            own_addresses=frozenset({self.name}),
            credentials=f"token {len(self.began)}",
            is_wider=is_wider,
        )

    def _fail(self) -> None:
        if self.fails is not None:
            error, self.fails = self.fails, None
            raise error
