"""The calendar services that hosts can connect: what each is called, and in plain words what is read and what never.

`config` says which of them this installation has; one that it has not is shown as not set up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from aiohttp import web

from calendar_sync.accounts import AccountProvider, PasswordProvider, PushProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarServices:
    """By name of the provider, as calendars and accounts hold it."""

    sign_in: Mapping[str, AccountProvider] = field(default_factory=dict)  # with a sign-in page of their own
    by_password: Mapping[str, PasswordProvider] = field(default_factory=dict)
    push: Mapping[str, PushProvider] = field(default_factory=dict)
    consent_links: Mapping[str, str] = field(default_factory=dict)  # where an admin allows it for everybody
    new_secret: Callable[[], str] = str  # 43 or more characters that nobody can guess

    def of(self, provider: str) -> AccountProvider | None:
        return self.sign_in.get(provider) or self.by_password.get(provider)


SERVICES: web.AppKey[CalendarServices] = web.AppKey("calendar services", CalendarServices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    label: str
    short: str
    link: str  # where the join link is looked for
    no_write: str  # why nothing is written
    asks: str  # the permissions, in the service's own names
    wider_asks: str
    wider_reads: str  # what the wider permission adds
    wider_why: str
    undo: str  # where the host takes the access back by themselves
    revoking: str  # where the service did not confirm that its tokens are worth nothing


READ = (
    "The times of your meetings, their titles and who organised them.",
    "Your own answer to each invitation, and at which organisations the others are.",
    "The names of your calendars, so that you can switch each on or off.",
)
NEVER = (
    "No mail, contacts, files or free-busy times of others.",
    "No calendar before you switch it on; each begins switched off.",
    "Titles, links and places go to nobody else, no AI service included; the join link goes to its own platform.",
)

WORDS: Mapping[str, Words] = MappingProxyType({
    "google": Words(
        label="Google Calendar",
        short="Google",
        no_write="Nothing is written, moved, answered or deleted: the permission is for reading alone.",
        link="The join link: from the conference details, the place, or the text, which is searched and forgotten.",
        asks="calendar.events.owned.readonly, calendar.calendarlist.readonly",
        wider_asks="calendar.events.readonly",
        wider_reads="Also the calendars that others share with you, not only your own.",
        wider_why="The narrow permission reaches only the calendars that you own. One of yours is shared by somebody "
        "else, so its meetings can't be read with it.",
        undo="myaccount.google.com/connections",
        revoking="Google did not confirm that the access is void. Remove onrecord at myaccount.google.com/connections "
        "to be sure.",
    ),
    "outlook": Words(
        label="Outlook / Microsoft 365",
        short="Outlook",
        no_write="Nothing is written, moved, answered or deleted: the permission is for reading alone.",
        link="The join link: from the details of the online meeting and the place. The text of an invitation is not "
        "asked for.",
        asks="Calendars.ReadBasic, User.Read",
        wider_asks="Calendars.Read",
        wider_reads="Also the text of your invitations, which is searched for a join link and then forgotten.",
        wider_why="The narrow permission leaves out the text of invitations. Some of your meetings have no link "
        "elsewhere, so onrecord can't tell where they are (Zoom and Meet links often stand only in the text).",
        undo="myaccount.microsoft.com, under “Apps and services”",
        revoking="Microsoft has no way for onrecord to give an access back. Ours is deleted; to end it on their side "
        "too, remove onrecord at myaccount.microsoft.com.",
    ),
    "caldav": Words(
        label="CalDAV",
        short="CalDAV",
        no_write="Nothing is written, moved, answered or deleted. An app password may allow that, as there is no "
        "narrower one; onrecord only ever sends requests that read.",
        link="The join link: from the conference details, the place, or the text, which is searched and forgotten.",
        asks="",
        wider_asks="",
        wider_reads="",
        wider_why="",
        undo="the account's settings, under app passwords",
        revoking="The app password is deleted here. Delete it in your account too: nobody else can do that.",
    ),
    "ics": Words(
        label="ICS address or file",
        short="ICS",
        no_write="",
        link="",
        asks="",
        wider_asks="",
        wider_reads="",
        wider_why="",
        undo="",
        revoking="",
    ),
})  # fmt: skip
