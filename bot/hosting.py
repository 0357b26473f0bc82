"""PURE: what the host can do while the bot is there: commands in the chat, the offer when somebody has not agreed.

The host is a person like all others for the gate. They are known by the name in their own settings, and only while
nobody else bears it, so whoever takes that name when the host has gone is taken for them: they can shut, end and ask,
end a pause, and take the fallback that the notice stated. Nobody's voice is kept by it without their own yes. Counts
are told, never who.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType

from bot.commands import Command, Durable, PostLine, StopMeeting
from bot.entries import Entries
from bot.facts import SessionFacts
from bot.ports import ChatSaid
from bot.seats import Seat
from consent_notice.events import HostAct, HostActed, Means, RuleSettled
from consent_notice.notice import Say
from consent_notice.rules import MeetingRecord
from consent_notice.words import Rule
from storage.replay import PAUSED

STOP = "/stop"
COMMANDS = MappingProxyType(
    {
        "/ask": HostAct.ASK,
        "/pause": HostAct.PAUSE,
        "/resume": HostAct.RESUME,
        "/wait": HostAct.WAIT,
        "/fallback": HostAct.FALL_BACK,
    }
)


class Hosting:
    """Of one stay."""

    def __init__(
        self, facts: SessionFacts, entries: Entries, record: MeetingRecord, order: Callable[[Command], None]
    ) -> None:
        self._facts = facts
        self._entries = entries
        self._record = record
        self._order = order
        self._logged: set[str] = set()  # what is in the log already; told once more it is no news
        self._is_offered = False
        self._has_fallen_back = False
        self._is_held = False  # a place that became known asks for everyone's yes
        self.wants_to_ask = False
        self.waits = False

    def host_of(self, people: Iterable[Seat]) -> Seat | None:
        """None where nobody, or more than one, bears the host's name."""
        name = self._facts.host_name.casefold()
        found = [seat for seat in people if seat.name.casefold() == name]
        return found[0] if len(found) == 1 else None

    def command(self, said: ChatSaid, people: Iterable[Seat]) -> bool:
        """True where the message was one, so that it is read as nothing else."""
        word = said.text.strip().casefold()
        host = self.host_of(people)
        if host is None or said.seat != host.seat or (word != STOP and word not in COMMANDS):
            return False
        if word == STOP:
            self._order(StopMeeting())
            return True
        append = self._entries.host_acted(COMMANDS[word], Means.CHAT, said.message_id, said.at_ms)
        if append.event_id not in self._logged:
            if COMMANDS[word] is HostAct.PAUSE:
                self._record.doubt_from(said.at_ms, PAUSED)  # shuts first, is logged after
            self._order(append)
        return True

    def recall(self, entry: Durable) -> None:
        """Of an earlier stay."""
        if isinstance(entry.event, HostActed):
            self._logged.add(entry.event_id)

    def durable(self, entry: Durable, now_ms: int) -> None:
        self.recall(entry)
        match entry.event:
            case HostActed(act=HostAct.ASK):
                self.wants_to_ask = True
            case HostActed(act=HostAct.WAIT):
                self.waits = True
            case HostActed(act=HostAct.FALL_BACK):
                self.fall_back("the host chose what the notice stated for this case", now_ms)
            case RuleSettled(rule=Rule.EVERYONE, fallback="", places=places) if places:
                self._is_held = True
            case _:
                pass

    def offer(self, people: list[Seat], agreed: int, first_asked_ms: int | None, now_ms: int) -> None:
        """Once, to the host alone, when some have not agreed a while after the first ask: refused counts as silent."""
        if self._is_offered or first_asked_ms is None or now_ms - first_asked_ms < self._facts.offer_after_ms:
            return
        host, missing = self.host_of(people), len(people) - agreed
        if host is None:
            return
        self._is_offered = True
        if missing:
            has_fallback = self._facts.fallback is not None and not self._is_held
            line = Say.HOST_UNANSWERED_FALLBACK if has_fallback else Say.HOST_UNANSWERED
            self._order(PostLine(line=line, to_seat=host.seat, count=missing))

    def fall_back(self, reason: str, now_ms: int) -> bool:
        """To the rule that the notice stated for when not everyone agrees; False where it stated none, or no longer."""
        fallback = self._facts.fallback
        if fallback is None or self._is_held or self._facts.rule is not Rule.EVERYONE or self._has_fallen_back:
            return False
        self._has_fallen_back = True
        self._order(self._entries.rule_settled(fallback, reason, now_ms))
        return True
