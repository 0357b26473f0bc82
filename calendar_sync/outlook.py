"""Outlook and Microsoft 365 calendars, through Microsoft Graph: reads, and orders to be told of changes.

Ties the parts together: `outlook_sign_in` for tokens, `outlook_wire` for https, `outlook_delta` for what changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from calendar_sync.accounts import AccessRevoked, Credentials, Granted, RemoteCalendar, SignIn, Watch
from calendar_sync.errors import CalendarNotFound, CalendarServerFailed, CalendarUnreachable
from calendar_sync.outlook_delta import read_round
from calendar_sync.outlook_sign_in import Account, MicrosoftIdentity
from calendar_sync.outlook_wire import Conversation, Json, OutlookSettings
from calendar_sync.sync import CalendarSource, Page, Window
from consent_notice.clock import Clock

WATCH_LASTS = timedelta(days=2)  # learn.microsoft.com/graph/api/resources/subscription: events may be watched longer
MAX_SECRET_CHARS = 128  # the same page, clientState
MAX_CALENDARS = 1_000


class OutlookCalendars:
    """A CalendarProvider, an AccountProvider and a PushProvider.

    `CalendarSource.address` is the calendar's key. Orders of notices need the wider scope: with the narrow one `watch`
    raises ScopeMissing, and the calendar is only polled.
    """

    def __init__(self, settings: OutlookSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._identity = MicrosoftIdentity(settings, clock)

    # ---- CalendarProvider --------------------------------------------------------------------------------------------

    async def pages(self, source: CalendarSource, state: str | None, window: Window) -> AsyncIterator[Page]:
        if source.credentials is None:
            raise AccessRevoked
        async with self._conversation(source.credentials) as conversation:
            own = source.own_addresses | set(Account.read(source.credentials.text).own_addresses)
            page = await read_round(conversation, source.address, state, window, own)
        yield page

    # ---- AccountProvider ---------------------------------------------------------------------------------------------

    async def begin(self, redirect_uri: str, *, wider: bool, hint: str = "") -> SignIn:
        async with self._deadline():
            return await self._identity.begin(redirect_uri, wider=wider, hint=hint)

    async def finish(self, flow: str, answer: Mapping[str, str], redirect_uri: str) -> Granted:
        async with self._deadline():
            granted = await self._identity.finish(flow, answer, redirect_uri)
        newest = granted.credentials

        async def keep(text: str) -> None:
            nonlocal newest
            newest = text

        async with self._conversation(Credentials(text=granted.credentials, save=keep)) as conversation:
            # https://learn.microsoft.com/graph/api/user-get
            me = await conversation.get(f"{conversation.root}/me?$select=displayName,mail,userPrincipalName")
        own = set(granted.own_addresses)
        for name in ("mail", "userPrincipalName"):
            address = str(me.get(name) or "").lower()
            if "@" in address and "#ext#" not in address:
                own.add(address)
        account = replace(Account.read(newest), own_addresses=tuple(sorted(own)))
        return replace(
            granted,
            name=str(me.get("mail") or granted.name or me.get("displayName") or "Outlook"),
            own_addresses=frozenset(own),
            credentials=account.written(),
        )

    async def calendars(self, credentials: Credentials) -> list[RemoteCalendar]:
        """The host's first calendar first."""
        own = set(Account.read(credentials.text).own_addresses)
        found: dict[str, RemoteCalendar] = {}
        async with self._conversation(credentials) as conversation:
            # https://learn.microsoft.com/graph/api/user-list-calendars
            async for items, _ in conversation.pages(f"{conversation.root}/me/calendars?$top=100"):
                for item in items:
                    if isinstance(item, dict) and isinstance(item.get("id"), str) and len(found) < MAX_CALENDARS:
                        found[item["id"]] = _remote(item, own)
        return sorted(found.values(), key=lambda calendar: (not calendar.is_primary, calendar.is_others))

    async def revoke(self, credentials: Credentials) -> bool:
        """False: Microsoft has no call by which an app gives its own tokens back without a right to write."""
        self._identity.forget(credentials)
        return False

    # ---- PushProvider ------------------------------------------------------------------------------------------------

    async def watch(self, credentials: Credentials, calendar_key: str, *, address: str, secret: str) -> Watch:
        """Microsoft asks the address once before this returns. Raises ScopeMissing where only polling is left."""
        if not 0 < len(secret) <= MAX_SECRET_CHARS:
            raise ValueError(f"couldn't watch: expected a secret of 1 to {MAX_SECRET_CHARS} characters")
        async with self._conversation(credentials) as conversation:
            # https://learn.microsoft.com/graph/api/subscription-post-subscriptions
            order = {
                "changeType": "created,updated,deleted",
                "notificationUrl": address,
                "lifecycleNotificationUrl": address,
                "resource": f"/me/calendars/{quote(calendar_key, safe='=')}/events",
                "expirationDateTime": self._expiry(),
                "clientState": secret,
            }
            told = await conversation.order("/subscriptions", order)
        return _watch(told, calendar_key=calendar_key, secret=secret, address=address)

    async def renew(self, credentials: Credentials, watch: Watch) -> Watch:
        async with self._conversation(credentials) as conversation:
            try:
                # https://learn.microsoft.com/graph/api/subscription-update
                path = f"/subscriptions/{quote(watch.id, safe='')}"
                told = await conversation.extend(path, {"expirationDateTime": self._expiry()})
            except CalendarNotFound:
                told = {}
        address = watch.extra.get("address", "")
        if not told:
            return await self.watch(credentials, watch.calendar_key, address=address, secret=watch.secret)
        return _watch(told, calendar_key=watch.calendar_key, secret=watch.secret, address=address)

    async def unwatch(self, credentials: Credentials, watch: Watch) -> None:
        async with self._conversation(credentials) as conversation:
            try:
                # https://learn.microsoft.com/graph/api/subscription-delete
                await conversation.end(f"/subscriptions/{quote(watch.id, safe='')}")
            except CalendarNotFound:
                return

    # ---- inside ------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _conversation(self, credentials: Credentials) -> AsyncIterator[Conversation]:
        async def token(refused: str | None) -> str:
            return await self._identity.access_token(credentials, refused)

        conversation = Conversation(self._settings, self._clock, self._identity.held(credentials).slots, token)
        try:
            async with self._deadline():
                yield conversation
        finally:
            conversation.close()

    @asynccontextmanager
    async def _deadline(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._settings.total_s):
                yield
        except TimeoutError:
            raise CalendarUnreachable(
                "Microsoft's calendar service takes too long to answer; we try again by ourselves"
            ) from None

    def _expiry(self) -> str:
        return (self._clock.now() + WATCH_LASTS).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")


def _remote(item: Mapping[str, Any], own: set[str]) -> RemoteCalendar:
    """https://learn.microsoft.com/graph/api/resources/calendar"""
    owner = item.get("owner")
    address = str(owner.get("address") or "").lower() if isinstance(owner, dict) else ""
    is_primary = item.get("isDefaultCalendar") is True
    return RemoteCalendar(
        key=item["id"],
        title=str(item.get("name") or ""),
        is_primary=is_primary,
        is_others=bool(address) and address not in own and not is_primary,
    )


def _watch(told: Json, *, calendar_key: str, secret: str, address: str) -> Watch:
    try:
        expires_at = datetime.fromisoformat(str(told["expirationDateTime"])).astimezone(UTC)
        return Watch(
            id=str(told["id"]),
            calendar_key=calendar_key,
            secret=secret,
            expires_at=expires_at,
            extra={"address": address},
        )
    except (KeyError, ValueError):
        raise CalendarServerFailed from None
