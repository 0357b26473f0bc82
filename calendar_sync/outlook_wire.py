"""Https with Microsoft: which requests can be made at all, how long they may take, and what each refusal means.

The session refuses whatever is not a reading of Graph, a sign-in, or an order to be told of changes: a write to a
calendar can't be expressed (law 6). Nothing follows a redirect or an address on another host, so a token goes nowhere
else. Answers are read and taken apart in threads.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import tenacity

from calendar_sync.accounts import AccessRevoked, ScopeMissing
from calendar_sync.errors import (
    CalendarCutOff,
    CalendarError,
    CalendarNotFound,
    CalendarServerFailed,
    CalendarTooLarge,
    CalendarUnreachable,
    StateExpired,
)
from consent_notice.clock import Clock

Json = dict[str, Any]

PAGE_SIZE = 100
MAX_PAGES = 2_000
MAX_RETRY_AFTER_S = 86_400
ATTEMPTS = 4
AT_ONCE_A_MAILBOX = 4  # learn.microsoft.com/graph/throttling-limits: Outlook service limits
# https://learn.microsoft.com/graph/outlook-immutable-id and .../graph/api/event-delta: every page wants them again
PREFER = f'outlook.timezone="UTC", odata.maxpagesize={PAGE_SIZE}, IdType="ImmutableId"'
USER_AGENT = "onrecord calendar reader"

# https://learn.microsoft.com/graph/delta-query-overview, "Synchronization reset"
_STATE_IS_GONE = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired", "fullsyncrequired"})
_NO_MAILBOX = frozenset(
    {"mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi", "mailboxnothostedinexchangeonline"}
)
ELSEWHERE = "Microsoft's answer points to another server, which we don't follow; what was planned stays"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookSettings:
    """How this installation is registered at Microsoft, and in which of its clouds.

    Government: `https://login.microsoftonline.us/…` and `https://graph.microsoft.us/v1.0`.
    """

    client_id: str
    client_secret: str = ""  # secret; empty for a public client
    authority: str = "https://login.microsoftonline.com/common"  # `common` lets personal and work accounts in
    graph_root: str = "https://graph.microsoft.com/v1.0"
    ca_file: str | None = None  # None: the usual authorities
    connect_s: float = 10.0
    read_s: float = 30.0
    total_s: float = 300.0  # of one pass, sign-in or list
    max_answer_bytes: int = 32 * 1024 * 1024
    first_wait_s: float = 1.0
    longest_wait_s: float = 20.0  # a longer wish of the server's ends the pass, and the next one heeds it


class NotRead(RuntimeError):
    """A request that is neither a reading, a sign-in nor an order of notices was about to be made, and was not."""


class ReadingSession(requests.Session):
    """For msal and for Graph alike."""

    def __init__(self, settings: OutlookSettings) -> None:
        super().__init__()
        self._authority = urlsplit(settings.authority)
        self._root = settings.graph_root.rstrip("/")
        self._timeout = (settings.connect_s, settings.read_s)
        self.trust_env = False  # no proxy, credentials or authorities from the environment
        self.verify = settings.ca_file or True
        self.headers["User-Agent"] = USER_AGENT

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Raises NotRead."""
        if not self._is_allowed(str(method).upper(), str(url)):
            raise NotRead
        kwargs["allow_redirects"] = False
        kwargs["timeout"] = kwargs.get("timeout") or self._timeout
        return super().request(str(method), str(url), *args, **kwargs)

    def _is_allowed(self, method: str, url: str) -> bool:
        parts = urlsplit(url)
        if (parts.scheme, parts.netloc) == (self._authority.scheme, self._authority.netloc):
            wanted = {"GET": "/.well-known/openid-configuration", "POST": "/oauth2/v2.0/token"}.get(method)
            if wanted and parts.path.endswith(wanted):
                return True
        if not is_below(url, self._root):
            return False
        path = url.removeprefix(self._root).partition("?")[0]
        if method == "GET":
            return True
        if method == "POST":
            return path == "/subscriptions"
        return method in ("PATCH", "DELETE") and path.startswith("/subscriptions/") and path.count("/") == 2


def is_below(url: str, root: str) -> bool:
    """Whether the address is on the root's own server and under its path."""
    there, here = urlsplit(url), urlsplit(root)
    return (
        there.scheme == "https"
        and there.netloc == here.netloc
        and there.path.startswith(here.path.rstrip("/") + "/")
        and not {".", ".."} & set(there.path.split("/"))
    )


class _Answer(NamedTuple):
    status: int
    retry_after_s: float | None
    body: Json


class _Passing(CalendarServerFailed):
    """Microsoft's calendar service is busy or has a fault. We try again by ourselves; what was planned stays."""


class Conversation:
    """Requests for one account, one after another. Every method raises CalendarError."""

    def __init__(
        self,
        settings: OutlookSettings,
        clock: Clock,
        slots: asyncio.Semaphore,
        token: Callable[[str | None], Awaitable[str]],
    ) -> None:
        """`token`: takes the one that was refused, or None."""
        self._settings = settings
        self._clock = clock
        self._slots = slots
        self._token = token
        self._session = ReadingSession(settings)
        self.root = settings.graph_root.rstrip("/")

    def close(self) -> None:
        self._session.close()

    async def get(self, address: str) -> Json:
        """Raises StateExpired where a state token in the address is worth nothing any more."""
        if not is_below(address, self.root):
            raise CalendarServerFailed(ELSEWHERE)
        return await self._send("GET", address, None)

    async def pages(self, address: str) -> AsyncIterator[tuple[list[Any], str | None]]:
        """What each page holds, and the link for changes that only the last one has; there may be empty ones."""
        seen: set[str] = set()
        while address not in seen and len(seen) < MAX_PAGES:
            seen.add(address)
            answer = await self.get(address)
            value, further = answer.get("value"), answer.get("@odata.nextLink")
            if not isinstance(value, list):
                raise CalendarCutOff
            yield value, None if further else answer.get("@odata.deltaLink")
            if not further:
                return
            address = str(further)
        raise CalendarServerFailed("Microsoft's calendar service sends us in circles; we try again by ourselves")

    async def order(self, path: str, body: Json) -> Json:
        return await self._send("POST", self.root + path, body)

    async def extend(self, path: str, body: Json) -> Json:
        return await self._send("PATCH", self.root + path, body)

    async def end(self, path: str) -> None:
        await self._send("DELETE", self.root + path, None)

    # ---- one request, and its repetitions ----------------------------------------------------------------------------

    async def _send(self, method: str, address: str, body: Json | None) -> Json:
        again = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(self._may_try_again),
            wait=self._wait_s,
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            reraise=True,
        )
        return await again(self._attempt, method, address, body)

    def _may_try_again(self, error: BaseException) -> bool:
        return isinstance(error, _Passing) and (error.retry_after_s or 0) <= self._settings.longest_wait_s

    def _wait_s(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        wished_s = error.retry_after_s if isinstance(error, _Passing) else None
        growing = tenacity.wait_random_exponential(
            multiplier=self._settings.first_wait_s, max=self._settings.longest_wait_s
        )
        jitter = tenacity.wait_random(0, self._settings.first_wait_s)
        return growing(state) if wished_s is None else wished_s + jitter(state)

    async def _attempt(self, method: str, address: str, body: Json | None) -> Json:
        refused: str | None = None
        while True:
            token = await self._token(refused)
            async with self._slots:
                answer = await asyncio.to_thread(self._exchange, method, address, body, token)
            if answer.status == 401 and refused is None:
                refused = token
                continue
            if answer.status not in (200, 201, 202, 204):
                raise _refusal(answer)
            return answer.body

    def _exchange(self, method: str, address: str, body: Json | None, token: str) -> _Answer:
        """Blocks."""
        headers = {"Authorization": f"Bearer {token}", "Prefer": PREFER, "Accept": "application/json"}
        try:
            with self._session.request(method, address, headers=headers, json=body, stream=True) as response:
                text = self._read(response)
        except requests.exceptions.ChunkedEncodingError:
            raise CalendarCutOff from None
        except (requests.RequestException, OSError):
            # an order may have arrived all the same: it is not sent twice
            raise (_Passing if method == "GET" else CalendarUnreachable)(
                "Microsoft's calendar service does not answer; we try again by ourselves, and what was planned stays"
            ) from None
        try:
            parsed = json.loads(text) if text.strip() else {}
        except ValueError:
            if response.status_code == 200:
                raise CalendarCutOff from None
            parsed = {}
        return _Answer(
            response.status_code,
            _retry_after_s(response.headers.get("Retry-After", "")),
            parsed if isinstance(parsed, dict) else {},
        )

    def _read(self, response: requests.Response) -> bytes:
        ends_at_ms = self._clock.boot_ms() + self._settings.read_s * 1000
        text = bytearray()
        for chunk in response.iter_content(65_536):
            text += chunk
            if len(text) > self._settings.max_answer_bytes:
                raise CalendarTooLarge
            if self._clock.boot_ms() > ends_at_ms:
                raise CalendarUnreachable("Microsoft's calendar service answers too slowly; we try again by ourselves")
        return bytes(text)


def error_code(body: Mapping[str, Any]) -> str:
    """https://learn.microsoft.com/graph/errors: `{"error": {"code", "message", "innerError"}}`"""
    error = body.get("error")
    return str(error.get("code", "")).lower() if isinstance(error, dict) else ""


def _refusal(answer: _Answer) -> CalendarError:
    code, status = error_code(answer.body), answer.status
    if status == 410 or code in _STATE_IS_GONE:
        return StateExpired()
    if status == 401:
        return AccessRevoked()
    if code in _NO_MAILBOX:
        return CalendarNotFound("this account has no calendar at Microsoft 365; connect the one that has your meetings")
    if status == 403:
        return ScopeMissing()
    if status == 404:
        return CalendarNotFound(
            "that calendar is not in the account any more; connect the account again to see which are"
        )
    if status == 429 or status >= 500:
        return _Passing(retry_after_s=answer.retry_after_s)
    return CalendarServerFailed(
        f"Microsoft's calendar service does not take our question ({status}); we try again by ourselves"
    )


def _retry_after_s(text: str) -> float | None:
    return float(min(int(text), MAX_RETRY_AFTER_S)) if text.isascii() and text.isdigit() else None
