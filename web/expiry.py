"""A calendar that was switched on and forgotten goes off by itself, after its host was warned by mail.

Used is what its host signed in for, or kept a recording from. `verdict` is pure. The mail names the calendar's service
and never its title (law 6). Where no mail can be sent at all, the warning stands on the host's page alone; a mail that
fails is tried again, and the calendar goes off two weeks late at the latest: doubt is a no.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from enum import Enum

from consent_notice.clock import Clock
from consent_notice.words import CalendarId
from storage.calendars import CalendarRow
from storage.errors import NotStored, StorageError
from storage.store import Store
from storage.users import User
from web.mail import AddressRefused, MailNotSent, is_address, send
from web.services import WORDS
from web.settings import MailServer

EVERY_S = 3_600
WARN_BEFORE = timedelta(days=14)
SHORTEST_NOTICE = timedelta(days=7)  # between the warning and the end
_LOG = logging.getLogger(__name__)


class Verdict(Enum):
    USED = "used"
    WARN = "warn"
    END = "end"


def verdict(now: datetime, used_at: datetime, warned_at: datetime | None, unused_days: int) -> Verdict:
    """Of a calendar that is on."""
    ends_at = used_at + timedelta(days=unused_days)
    if warned_at is not None and now >= max(ends_at, warned_at + SHORTEST_NOTICE):
        return Verdict.END
    if warned_at is None and now >= ends_at + WARN_BEFORE:
        return Verdict.END
    return Verdict.WARN if warned_at is None and now >= ends_at - WARN_BEFORE else Verdict.USED


class Expiry:
    """One of it runs in an installation; a second one would send a warning twice."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        new_id: Callable[[], str],
        *,
        unused_days: int,
        public_url: str,
        mail: MailServer | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._unused_days = unused_days
        self._public_url = public_url
        self._mail = mail

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                _LOG.error("forgotten calendars could not be looked for: %s", type(error).__name__)
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Once. Raises StorageError."""
        await self._store.accounts.forget_left_behind()
        recorded = await self._store.calendars.recorded_at()
        for row in await self._store.calendars.list():
            if row.enabled:
                try:
                    await self._judge(row, recorded)
                except NotStored:
                    continue  # deleted meanwhile

    async def _judge(self, row: CalendarRow, recorded: Mapping[CalendarId, datetime]) -> None:
        calendars, now = self._store.calendars, self._clock.now()
        if row.id in recorded:
            await calendars.note_recording(row.id, recorded[row.id])
            row = await calendars.get(row.id) or row
        if row.last_used_at is None:  # on since before uses were noted
            await calendars.note_recording(row.id, now)
            return
        match verdict(now, row.last_used_at, row.warned_at, self._unused_days):
            case Verdict.WARN:
                host = await self._store.users.get(row.host_id)
                if host is not None and await self._warn(host, row, now):
                    await calendars.note_warning(row.id)
            case Verdict.END:
                unused = f"you neither signed in nor kept a recording from it for {self._unused_days} days"
                await calendars.set_enabled(row.id, False, because=unused)
                _LOG.info("a forgotten calendar went off")
            case Verdict.USED:
                pass

    async def _warn(self, host: User, row: CalendarRow, now: datetime) -> bool:
        """Whether no more can be done to warn them: the mail was taken, or none can ever be."""
        server = self._mail
        if server is None or not is_address(host.email):
            return True
        assert row.last_used_at is not None
        ends_at = max(row.last_used_at + timedelta(days=self._unused_days), now + SHORTEST_NOTICE)
        message = EmailMessage()
        message["Subject"] = "A calendar will be switched off in onrecord"
        message["From"] = server.sender
        message["To"] = host.email
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{self._new_id()}@{server.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(
            f"You switched on a calendar ({WORDS[row.provider].label}) so that the bot joins its meetings, and have\n"
            f"neither signed in nor kept a recording from it for a long time.\n\n"
            f"It goes off by itself on {ends_at:%d %B %Y}. Sign in to keep it on:\n{self._public_url}/calendars\n\n"
            f"There is nothing to do if you do not need it any more.\n"
        )
        try:
            await send(server, message)
        except AddressRefused:
            return True
        except MailNotSent:
            return False
        return True
