"""Speaks https to Google through its own client library, which blocks: each piece of work in a thread, with a
connection of its own and a time limit.

Decides what is tried again at once and what is left to the next pass, and turns every failure into an error for the
host. Google's words, addresses and tokens stay here.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import google.auth.exceptions
import httplib2
import tenacity
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from calendar_sync.accounts import AccessRevoked, ScopeMissing
from calendar_sync.errors import (
    CalendarCutOff,
    CalendarError,
    CalendarNotFound,
    CalendarRefused,
    CalendarServerFailed,
    CalendarUnreachable,
    StateExpired,
)

CALLS_AT_ONCE = 4  # a stalled Google leaves threads for the others
MAX_RETRY_AFTER_S = 86_400

_Result = TypeVar("_Result")

# at DEBUG they write whole addresses, which name the calendar
for _name in ("googleapiclient", "google_auth_httplib2", "google.auth", "httplib2"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleAddresses:
    """Google's own, from the OpenID configuration and the discovery document; another server's in tests."""

    authorize: str = "https://accounts.google.com/o/oauth2/v2/auth"
    token: str = "https://oauth2.googleapis.com/token"  # noqa: S105  an address
    revoke: str = "https://oauth2.googleapis.com/revoke"
    who: str = "https://openidconnect.googleapis.com/v1/userinfo"
    calendar: str = "https://www.googleapis.com/calendar/v3/"
    ca_file: str | None = None  # None: the usual authorities

    @classmethod
    def at(cls, origin: str, ca_file: str | None = None) -> GoogleAddresses:
        """All on one server, with Google's own paths."""
        return cls(
            authorize=f"{origin}/o/oauth2/v2/auth",
            token=f"{origin}/token",
            revoke=f"{origin}/revoke",
            who=f"{origin}/v1/userinfo",
            calendar=f"{origin}/calendar/v3/",
            ca_file=ca_file,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    answer_s: float = 20.0  # silence on the line
    total_s: float = 45.0  # one call with all its attempts
    attempts: int = 3
    first_wait_s: float = 1.0  # doubles, with jitter
    patience_s: float = 5.0  # a longer Retry-After is left to the next pass


class TokenRefused(CalendarError):
    """Google does not take the access that we have. Connect the calendar again."""


class RequestRefused(CalendarError):
    """Google can't take our request for this calendar. It is tried again by itself; what was planned stays."""


class GoogleLine:
    def __init__(self, addresses: GoogleAddresses, limits: CallLimits) -> None:
        self.addresses = addresses
        self._limits = limits
        self._slots = asyncio.Semaphore(CALLS_AT_ONCE)
        self._service: Any = None

    async def service(self) -> Any:
        """The library's calendar service. It is never given a connection: each request is executed with its own."""
        if self._service is None:
            self._service = await asyncio.to_thread(
                build,
                "calendar",
                "v3",
                http=httplib2.Http(),
                static_discovery=True,
                cache_discovery=False,
                client_options={"api_endpoint": self.addresses.calendar},
            )
        return self._service

    async def ask(self, work: Callable[[httplib2.Http], _Result], *, may_repeat: bool = True) -> _Result:
        """The result of `work`, done in a thread. Raises CalendarError, TokenRefused among them.

        `may_repeat`: doing it twice does nothing twice.
        """
        limits = self._limits
        attempts = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(lambda error: may_repeat and self._is_passing(error)),
            stop=tenacity.stop_after_attempt(limits.attempts),
            wait=self._wait_s,
            reraise=True,
        )
        async with self._slots:
            try:
                async with asyncio.timeout(limits.total_s):
                    return await attempts(self._once, work)
            except TimeoutError:
                raise CalendarServerFailed(
                    "Google takes too long to answer; we try again by ourselves, and what was planned stays"
                ) from None

    async def _once(self, work: Callable[[httplib2.Http], _Result]) -> _Result:
        # no proxy from the environment; no redirect, which could carry a token elsewhere
        line = httplib2.Http(timeout=self._limits.answer_s, ca_certs=self.addresses.ca_file, proxy_info=None)
        line.follow_redirects = False
        try:
            return await asyncio.to_thread(_translated, work, line)
        finally:
            _hang_up(line)  # ends the thread too, where we were cancelled while it waits

    def _is_passing(self, error: BaseException) -> bool:
        if not isinstance(error, CalendarServerFailed | CalendarUnreachable | CalendarCutOff):
            return False
        return (error.retry_after_s or 0.0) <= self._limits.patience_s

    def _wait_s(self, state: tenacity.RetryCallState) -> float:
        growing = tenacity.wait_random_exponential(multiplier=self._limits.first_wait_s, max=self._limits.patience_s)
        error = state.outcome.exception() if state.outcome else None
        asked_for_s = error.retry_after_s if isinstance(error, CalendarError) else None
        return growing(state) + (asked_for_s or 0.0)


def _hang_up(line: httplib2.Http) -> None:
    for connection in list(line.connections.values()):
        connection.connect = _stay_off  # the library would dial again
        with suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        line.close()


def _stay_off() -> None:
    raise ConnectionAbortedError


# ---- failures ------------------------------------------------------------------------------------------------------


def _translated(work: Callable[[httplib2.Http], _Result], line: httplib2.Http) -> _Result:
    try:
        return work(line)
    except CalendarError:
        raise
    except HttpError as error:
        raise refusal(error.status_code, error.content, error.resp.get("retry-after", "")) from None
    except google.auth.exceptions.TransportError:
        raise CalendarUnreachable(_UNREACHABLE) from None
    except google.auth.exceptions.GoogleAuthError:
        raise CalendarServerFailed from None
    except http.client.IncompleteRead:
        raise CalendarCutOff from None
    except (OSError, httplib2.HttpLib2Error, http.client.HTTPException):
        raise CalendarUnreachable(_UNREACHABLE) from None
    except ValueError:  # the answer is no JSON, or half of it
        raise CalendarCutOff from None


_UNREACHABLE = "Google does not answer; we try again by ourselves, and what was planned stays"
_RATE_LIMITS = {
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "quotaExceeded",
    "dailyLimitExceeded",
    "calendarUsageLimitsExceeded",
    "RATE_LIMIT_EXCEEDED",
}
_NOT_GRANTED = {"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}
_SWITCHED_OFF = {"accessNotConfigured", "SERVICE_DISABLED"}


def refusal(status: int, content: bytes, retry_after: str = "") -> CalendarError:
    """What an error answer of the Calendar API means for the host.

    Follows developers.google.com/workspace/calendar/api/guides/errors.
    """
    reasons = _reasons(content)
    if status == 401:
        if any(reason.startswith("push.") for reason in reasons):
            return CalendarRefused("Google sends no notices to this server's address; the calendar is read as before")
        return TokenRefused()
    if status == 429 or status >= 500 or (status == 403 and reasons & _RATE_LIMITS):
        return CalendarServerFailed(
            f"Google can't answer right now ({status}); we try again by ourselves, and what was planned stays",
            retry_after_s=_retry_after_s(retry_after),
        )
    if status == 403 and reasons & _SWITCHED_OFF:
        return CalendarRefused(
            "this server's access to Google Calendar is not switched on; "
            "ask your admin to enable the Google Calendar API in its Google Cloud project"
        )
    if status == 403 and reasons & _NOT_GRANTED:
        return ScopeMissing()
    if status == 403:
        return CalendarRefused("Google does not let you read this calendar any more; ask its owner to share it again")
    if status == 404:
        return CalendarNotFound(
            "this calendar is no longer in your Google account, or not shared with you; look at your list of calendars"
        )
    if status == 410:
        return StateExpired()
    return RequestRefused()


def _reasons(content: bytes) -> set[str]:
    try:
        error = json.loads(content)["error"]
        listed = [*error.get("errors", ()), *error.get("details", ())]
        return {str(one["reason"]) for one in listed if isinstance(one, dict) and "reason" in one}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


def _retry_after_s(text: str) -> float | None:
    return float(min(int(text), MAX_RETRY_AFTER_S)) if text.isascii() and text.isdigit() else None


def revoked() -> AccessRevoked:
    return AccessRevoked(
        "Google says that the access was taken back, or the password changed; connect the calendar again, "
        "what was planned stays"
    )
