"""Why a calendar could not be read, one class a cause; each message is for the host and says what to do next.

None carries an address, a title or any other word of the calendar.
"""

from __future__ import annotations


class CalendarError(Exception):
    """The calendar could not be read. It is tried again by itself; nothing that was planned is lost."""

    retry_after_s: float | None = None  # the server's own wish

    def __init__(self, message: str | None = None, *, retry_after_s: float | None = None) -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))
        self.retry_after_s = retry_after_s


class StateExpired(CalendarError):
    """The calendar server has forgotten where we were. The whole calendar is read again."""


class AccountReplaced(CalendarError):
    """The account was connected anew or disconnected meanwhile. What it holds is read with the new access."""


class AddressNotUsable(CalendarError):
    """That is no calendar address. Paste one that begins with https:// or webcal://."""


class AddressNotAllowed(CalendarError):
    """That address points into a private network. Ask your admin to allow private calendar addresses."""


class LeadsElsewhere(AddressNotAllowed):
    """That address leads to another server, which your password is not for. Give that server's own address."""


class CalendarNotFound(CalendarError):
    """There is no calendar at this address any more. Copy its address again from your calendar program."""


class CalendarRefused(CalendarError):
    """The calendar server asks for a sign-in. Use the secret address of the calendar (in iCal format) instead."""


class CalendarServerFailed(CalendarError):
    """The calendar server has a fault of its own. We try again by ourselves; what was planned stays."""


class CalendarUnreachable(CalendarError):
    """The calendar server does not answer. Check the address; we try again by ourselves, and what was planned stays."""


class AnswersWebPage(CalendarError):
    """A web page answers at this address, not a calendar. Copy the calendar's secret address in iCal format (.ics)."""


class NotACalendar(CalendarError):
    """What answers at this address is not a calendar. Copy the calendar's address in iCal format (.ics) again."""


class EmptyAnswer(CalendarError):
    """Nothing but an empty answer comes from this address. Copy the calendar's address in iCal format (.ics) again."""


class CalendarCutOff(CalendarError):
    """The calendar ended in the middle. We try again by ourselves; what was planned stays."""


class CalendarTooLarge(CalendarError):
    """The calendar is larger than we read. Make a calendar of its own for meetings, or remove old entries."""


class CalendarTooCostly(CalendarError):
    """The calendar holds repetitions beyond what we can follow. Remove entries that repeat many times a day."""


class CalendarFileMissing(CalendarError):
    """There is no calendar file at that path, or it can't be read. Check the path and its rights."""
