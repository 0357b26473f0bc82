"""PURE: what bears on keeping sound and is nobody's answer: the rule, a headcount, the host's pause, a bar, an absence.

Notes each in the record, as the replay of the log will, and says what of it must go from disk. What shuts holds from
when it happened, what opens from when it is durable.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.commands import Command, CutBack, Durable, PostLine, SpeakLine
from bot.facts import SessionFacts
from bot.seats import Seat
from consent_notice.events import HeadcountDeclared, HostAct, HostActed, RecordingBarred, RuleSettled
from consent_notice.notice import Say
from consent_notice.rules import MeetingRecord
from consent_notice.words import Rule
from storage.replay import PAUSED, Limit, Pauses, note_limit

HOST_AWAY = "the host is away"


class Limits:
    """Of one stay."""

    def __init__(self, facts: SessionFacts, record: MeetingRecord, order: Callable[[Command], None]) -> None:
        self._facts = facts
        self._record = record
        self._order = order
        self._host_is_here: bool | None = None
        self._host: Seat | None = None  # as they were when that was last asked
        self._pauses = Pauses()
        self.is_barred = False
        self.is_held = False  # a place asks for everyone's yes: no fallback may follow any more

    @property
    def is_paused(self) -> bool:
        return self._record.in_doubt_since(PAUSED) is not None

    def recall(self, entry: Durable) -> None:
        """Of an earlier stay, in the log's order."""
        event = entry.event
        if isinstance(event, Limit) and self._pauses.takes(event) and not self._is_too_late(event):
            note_limit(self._record, event, event.at_ms if event.boot_id == self._facts.boot_id else 0)
            self._remember(event)

    def durable(self, entry: Durable, now_ms: int) -> None:
        event = entry.event
        if not isinstance(event, Limit) or not self._pauses.takes(event) or self._is_too_late(event):
            return
        said_ms = event.at_ms if event.boot_id == self._facts.boot_id else now_ms
        before = self._record.rule_over(now_ms, now_ms + 1)
        match event:
            case RuleSettled(rule=Rule.EVERYONE) if before is Rule.EVERYONE:
                pass
            case RuleSettled(rule=Rule.EVERYONE) | RecordingBarred() | HostActed(act=HostAct.PAUSE):
                note_limit(self._record, event, said_ms)
                self._order(CutBack(seat=None, after_ms=said_ms, of_earlier_stays=True))
            case HeadcountDeclared(seat=seat):
                note_limit(self._record, event, said_ms)
                whom = None if before is Rule.EVERYONE else seat
                self._order(CutBack(seat=whom, after_ms=said_ms, of_earlier_stays=True))
            case HostActed(act=HostAct.RESUME) if said_ms < (self._record.in_doubt_since(PAUSED) or 0):
                pass  # they paused since, and that is yet to be logged
            case _:
                note_limit(self._record, event, now_ms)
        self._remember(event)
        if isinstance(event, RuleSettled) and event.rule is not before:
            line = Say.RULE_EVERYONE if event.rule is Rule.EVERYONE else Say.FALLBACK_EACH_VOICE
            self._order(SpeakLine(line=line))
            self._order(PostLine(line=line))

    def host_is_here(self, host: Seat | None, now_ms: int) -> None:
        """Where the host wants nothing kept without them."""
        if not self._facts.needs_host or (host is not None) == self._host_is_here:
            self._host = host
            return
        self._host_is_here = host is not None
        if host is not None:
            self._record.doubt_until(now_ms, HOST_AWAY)
        elif self._host is None or self._host.left_ms is None:
            self._record.doubt_from(now_ms, HOST_AWAY)
        else:
            self._record.doubt_from(self._host.left_ms, HOST_AWAY)  # not only since it was told
        self._host = host

    def _is_too_late(self, event: Limit) -> bool:
        """A looser rule that was on its way when a place forbade it."""
        return self.is_held and isinstance(event, RuleSettled) and event.rule is not Rule.EVERYONE

    def _remember(self, event: Limit) -> None:
        if isinstance(event, RecordingBarred):
            self.is_barred = True
        elif isinstance(event, RuleSettled) and event.places:
            self.is_held = self.is_held or (event.rule is Rule.EVERYONE and not event.fallback)
