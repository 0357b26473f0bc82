"""An account with a calendar service: how a host connects one, what was granted, and which calendars it holds.

What every service has to offer beyond `sync.CalendarProvider` is told here; each adapter (`google`, `outlook`,
`caldav`) does both. Tokens go through as text of the adapter's own making, which `storage.accounts` seals. Nothing here
can express a write to a calendar: the only things that are made at a service are sign-ins and the notices of change
that it sends us.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from calendar_sync.errors import CalendarError


class SignInFailed(CalendarError):
    """The sign-in did not end well. Connect the calendar again."""


class SignInDenied(SignInFailed):
    """You did not allow it, so nothing was connected. Connect again whenever you want to."""


class AdminMustConsent(SignInFailed):
    """Your organisation lets only its admin allow this. Send your admin the link on this page, then connect again."""

    def __init__(self, message: str | None = None, *, link: str = "") -> None:
        """`link`: where the admin allows it; for the page, never for a log."""
        super().__init__(message)
        self.link = link


class WrongTenant(SignInFailed):
    """That account belongs to another organisation than this server is set up for. Use your work account."""


class PasswordRefused(SignInFailed):
    """The calendar server did not take this user name and password. Where your account has app passwords (iCloud,
    Fastmail, Nextcloud), make one for onrecord and connect with that.
    """


class NoSignInPage(SignInFailed):
    """This kind of calendar has no sign-in page. Connect it by its address, your user name and an app password."""


class AccessRevoked(CalendarError):
    """The calendar's access was taken back, or its password changed. Connect it again; what was planned stays."""


class ScopeMissing(CalendarError):
    """The access that was given does not reach this calendar. Connect it again and allow what the page asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What an adapter needs to speak for an account, as it was saved last."""

    text: str  # secret
    save: Callable[[str], Awaitable[None]]  # durable on return; whoever gets new tokens calls it before they are used


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A host's way to the service and back."""

    address: str  # where the browser is sent
    flow: str  # secret: what `finish` needs (state, PKCE verifier, nonce); kept sealed in the host's session


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    name: str  # of the account, for its host: usually a mail address
    own_addresses: frozenset[str]  # by which the host's own answers are found
    credentials: str  # secret
    is_wider: bool  # whether the wider scope was granted too
    tenant: str = ""  # the organisation's id, or the server: two accounts of one name in different ones are two


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCalendar:
    """One calendar of an account, as the service lists it."""

    key: str  # the service's own id or address of it: `CalendarSource.address`
    title: str
    time_zone: str = "UTC"
    is_primary: bool = False
    is_others: bool = False  # somebody else's, shared with the host
    needs_wider: bool = False  # the narrow scope does not reach it


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """An order to be told of changes; what comes says only that something changed, and never what."""

    id: str  # the service's
    calendar_key: str
    secret: str  # stands in each notice; another one is not ours
    expires_at: datetime
    extra: Mapping[str, str]  # what ending or renewing it needs besides


class AccountProvider(Protocol):
    """One calendar service. Methods raise CalendarError, and nothing else escapes; no message of one carries a token,
    an address or a word of a calendar.
    """

    async def begin(self, redirect_uri: str, *, wider: bool, hint: str = "") -> SignIn:
        """`hint`: the account that is to be connected again."""
        ...

    async def finish(self, flow: str, answer: Mapping[str, str], redirect_uri: str) -> Granted:
        """`answer`: the query that the browser came back with. Raises SignInFailed and what is below it."""
        ...

    async def calendars(self, credentials: Credentials) -> list[RemoteCalendar]:
        """Raises AccessRevoked."""
        ...

    async def revoke(self, credentials: Credentials) -> bool:
        """Whether the service says that the tokens are worth nothing now; False where it has no such call."""
        ...


class PasswordProvider(AccountProvider, Protocol):
    """A service without a sign-in page: its accounts are connected by an address and an app password."""

    async def connect(self, address: str, user: str, password: str) -> Granted:
        """Raises CalendarError, SignInFailed where the password is not taken."""


class PushProvider(Protocol):
    """A service that tells of changes by itself."""

    async def watch(self, credentials: Credentials, calendar_key: str, *, address: str, secret: str) -> Watch: ...

    async def renew(self, credentials: Credentials, watch: Watch) -> Watch:
        """The same or a new one."""
        ...

    async def unwatch(self, credentials: Credentials, watch: Watch) -> None:
        """No error where the service has forgotten it."""
        ...
