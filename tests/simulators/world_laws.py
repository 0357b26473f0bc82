"""The laws of the design as invariants over a simulated meeting, each named; a breach raises with what was seen.

Three moments: what a bot orders, what it hands to storage, and what is kept once everything has arrived. The last two
ask the truth, which no part of the program can see, and the last one asks the replay of the log too, as verify does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from bot.capture import FEED_SILENT_MS, ROOM_SILENT_MS, STALL_MS
from bot.commands import Append, AskPhone, Command, Hear, HostStopped, PostLine, PostNotice
from bot.presence import Presence
from consent_notice.decisions import Act
from consent_notice.events import Decided, Means
from consent_notice.frames import judged_from_ms
from consent_notice.notice import Say
from consent_notice.rules import MeetingRecord, Refusal, judge, whose_consent
from consent_notice.words import Purpose, SeatId, seat_of_voice
from storage.replay import replay
from tests.simulators.visit import BOT
from tests.simulators.world_truth import DATED_EARLY_MS, FOREVER_MS, Fact

if TYPE_CHECKING:
    from tests.simulators.world import Kept, World
    from tests.simulators.world_bot import Bot
    from tests.simulators.world_truth import Person, Sitting, Word

NO_ANSWER = "zq"  # stands in each text that is no answer, and in no other
_THANKS_FOR_YES = frozenset({Say.THANKS_GIVEN, Say.THANKS_GIVEN_NO_TRANSCRIPT, Say.THANKS_SOUND_ONLY})
_THANKS_FOR_NO = frozenset({Say.THANKS_REFUSED, Say.THANKS_WITHDRAWN})
_OPENING = {(Purpose.RECORDING, Act.GIVE), (Purpose.RECORDING, Act.ATTEST)}


class BrokenLaw(AssertionError):
    """The number of the law, and what broke it."""

    def __init__(self, law: int, what: str) -> None:
        super().__init__(f"law {law}: {what}")
        self.law = law


def _is_yes_of(event: object, seat: str) -> bool:
    return isinstance(event, Decided) and event.seat == seat and (Purpose.RECORDING, Act.GIVE) in event.acts


class Laws:
    def __init__(self, world: World) -> None:
        self.world = world
        self._thanked: Counter[tuple[str, bool]] = Counter()
        self._read = 0  # how much of the log was read for answers
        self._answers: Counter[tuple[str, bool]] = Counter()  # durable ones, by seat and whether they say yes

    # ---- what a bot lives through ------------------------------------------------------------------------------------

    def ticked(self, bot: Bot) -> None:
        """Law 2's doubts, by what truly happened to that process."""
        now_ms = self.world.now_ms
        for since_ms, limit_ms, why in (
            (bot.last_tick_ms, STALL_MS, "stalled loop"),
            (bot.last_fed_ms, FEED_SILENT_MS, "silent feed"),
            (bot.last_room_ms, ROOM_SILENT_MS, "silent room"),
        ):
            if now_ms - since_ms > limit_ms:
                bot.doubts.append((since_ms, now_ms, why))
                self.world.counts[why] += 1

    # ---- what a bot orders -------------------------------------------------------------------------------------------

    def ordered(self, bot: Bot, event: object, commands: Iterable[Command]) -> None:
        for command in commands:
            match command:
                case PostNotice(seats=seats):
                    self._asks_nobody_who_refused(bot, seats)
                case AskPhone(seat=seat) | PostLine(line=Say.REMINDER | Say.AWAY | Say.ASK_LATE, to_seat=str() as seat):
                    self._asks_nobody_who_refused(bot, {SeatId(seat)})
                case Append(event=Decided() as decided, event_id=event_id) if self.world.log.find(event_id) is None:
                    self._logs_only_answers(bot, decided)
                case Hear(seats=seats) if seats and bot.session.presence is not Presence.IN_ROOM:
                    raise BrokenLaw(8, f"hears {sorted(seats)} while {bot.session.presence}")
            self._holds_no_chat(command)
        if isinstance(event, HostStopped) and bot.session.presence is Presence.IN_ROOM:
            raise BrokenLaw(8, "the bot stays after the host's stop")

    def _asks_nobody_who_refused(self, bot: Bot, seats: Iterable[SeatId]) -> None:
        for seat in seats:
            sitting = self.world.truth.at(seat)
            if sitting is None:
                continue
            for person in sitting.people:
                last = person.words[-1] if person.words else None
                if last is None or last.is_yes or not bot.knows(last):
                    continue
                if self._eager_ms(bot, sitting, person) >= last.at_ms:
                    continue
                if self._can_be_tied_to(last, sitting):
                    raise BrokenLaw(8, f"{person.key} said no, and is asked again at {seat}")

    def _eager_ms(self, bot: Bot, sitting: Sitting, person: Person) -> int:
        """Where only names are known, by whoever may bear it by now; where the bot was not told yet that several sit
        there, by any of them."""
        if self.world.circumstances.names_only:
            return max(each.eager_ms for each in self.world.people.values())
        is_shared = bot.session.record.people_on(SeatId(sitting.seat), FOREVER_MS) > 1
        return person.eager_ms if is_shared else max(each.eager_ms for each in sitting.people)

    def _can_be_tied_to(self, word: Word, sitting: Sitting) -> bool:
        """Where only names are known, what was said before they came back is nobody's any more."""
        if not self.world.circumstances.names_only:
            return True
        if word.index is None and not word.is_plain:
            return False  # what was taken back was nobody's yes
        if word.index is not None:
            said, *later = (entry.event for entry in self.world.log.tail(word.index))
            if getattr(said, "seat", "") != sitting.seat or any(_is_yes_of(event, sitting.seat) for event in later):
                return False
        return word.at_ms >= sitting.from_ms

    def _logs_only_answers(self, bot: Bot, decided: Decided) -> None:
        if NO_ANSWER in decided.verbatim:
            raise BrokenLaw(11, f"logs what is no answer: {decided.verbatim!r}")
        gives = (Purpose.RECORDING, Act.GIVE) in decided.acts
        if not gives or decided.means not in (Means.CHAT, Means.AHEAD, Means.PHONE):
            return
        if not self._had_a_notice(decided):
            raise BrokenLaw(1, f"a yes by {decided.means} without a notice after the join of {decided.seat}")

    def _had_a_notice(self, decided: Decided) -> bool:
        """In that stay, before the yes; who answers one of an earlier stay has read it, and may get theirs after it."""
        said_ms, is_reply = self.world.words.said_ms(decided)
        sittings = [each for each in self.world.truth.sittings if each.seat == decided.seat]
        then = [each for each in sittings if each.from_ms - DATED_EARLY_MS <= said_ms <= each.to_ms]
        notices = [at_ms for at_ms, _ in self.world.room.notices.get(str(decided.seat), ())]
        readable = [at_ms for at_ms in notices if at_ms <= said_ms or is_reply]
        return not then or any(each.from_ms <= at_ms <= each.to_ms for each in then for at_ms in readable)

    def _holds_no_chat(self, command: Command) -> None:
        seen = command.event if isinstance(command, Append) else command
        for name in getattr(type(seen), "__slots__", ()):
            value = getattr(seen, name)
            if isinstance(value, str) and NO_ANSWER in value:
                raise BrokenLaw(11, f"chat text in {type(seen).__name__}.{name}")

    def posted(self, bot: Bot, line: PostLine) -> None:
        """Law 10: as many thanks as answers that are durable, at most; not counting what was attested or said ahead."""
        if line.to_seat is None or line.line not in _THANKS_FOR_YES | _THANKS_FOR_NO:
            return
        entries = self.world.log.tail(self._read)
        self._read += len(entries)
        for entry in entries:
            if isinstance(entry.event, Decided):
                for says_yes in {act is Act.GIVE for purpose, act in entry.event.acts if purpose is Purpose.RECORDING}:
                    self._answers[str(entry.event.seat), says_yes] += 1
        key = (str(line.to_seat), line.line in _THANKS_FOR_YES)
        self._thanked[key] += 1
        if self._thanked[key] > self._answers[key] * max(1, self.world.counts["stays"]):
            raise BrokenLaw(10, f"{line.to_seat} is thanked for an answer that is not durable")

    # ---- what it hands to storage ------------------------------------------------------------------------------------

    def kept(self, bot: Bot, kept: Kept) -> None:
        frame, world = kept.frame, self.world
        base_ms, delay_ms = world.boots[kept.boot], world.circumstances.path_delay_ms
        ends_ms = frame.captured_ms + frame.duration_ms + base_ms
        from_ms = judged_from_ms(frame.captured_ms, frame.duration_ms, frame.encoding, delay_ms) + base_ms
        settled_ms = ends_ms + world.settle_ms

        def is_known(fact: Fact) -> bool:
            return fact.is_known(settled_ms, kept.epoch)

        why = world.truth.may_keep(kept.seats, kept.from_ms, kept.to_ms, is_known)
        if why:
            raise BrokenLaw(1, f"kept [{kept.from_ms}, {kept.to_ms}) of {frame.track}: {why}")
        for begin_ms, end_ms, doubt in bot.doubts:
            if begin_ms < kept.to_ms and kept.from_ms < end_ms:
                raise BrokenLaw(2, f"kept [{kept.from_ms}, {kept.to_ms}) of {frame.track}: {doubt}")
        if world.circumstances.needs_host and not world.truth.host_was_there(kept.from_ms, kept.to_ms):
            raise BrokenLaw(2, f"kept [{kept.from_ms}, {kept.to_ms}): the host is away")
        for index in frame.relies_on:
            if bot.told_ms.get(index, from_ms + 1) > from_ms:
                raise BrokenLaw(3, f"kept from {from_ms} on entry {index}, told at {bot.told_ms.get(index)}")
        self._names_its_consents(kept)
        if bot.session.presence is not Presence.IN_ROOM:
            raise BrokenLaw(8, f"kept while {bot.session.presence}")
        world.counts["kept"] += 1

    def _names_its_consents(self, kept: Kept) -> None:
        """Law 4."""
        seats = set()
        for index in kept.frame.relies_on:
            entry = self.world.log.tail(index)[0]
            if not isinstance(entry.event, Decided) or not _OPENING & set(entry.event.acts):
                raise BrokenLaw(4, f"relies on entry {index}, which is no yes")
            seats.add(str(entry.event.seat))
            self.world.counts[f"kept by {entry.event.means}"] += 1
            if (Purpose.RECORDING, Act.ATTEST) in entry.event.acts:
                self.world.counts["kept as attested"] += 1
            if entry.event.person:
                self.world.counts["kept of a shared seat"] += 1
        if not seats or not ({str(seat) for seat in kept.frame.speakers} - {BOT}) <= seats:
            raise BrokenLaw(4, f"names {sorted(seats)} for {sorted(kept.frame.speakers)}")

    # ---- what is kept once all has arrived ---------------------------------------------------------------------------

    def settled(self) -> None:
        world = self.world
        records: dict[str, MeetingRecord] = {
            boot: replay(world.log.tail(0), boot) for boot in {one.boot for one in world.kept}
        }
        for kept in world.kept:
            counts = partial(Fact.counts_in, boot=int(kept.boot))
            why = world.truth.may_keep(kept.seats, kept.from_ms, kept.to_ms, counts)
            if why:
                raise BrokenLaw(1, f"still kept [{kept.from_ms}, {kept.to_ms}) of {kept.frame.track}: {why}")
            if not world.bots or kept.epoch == world.log.epoch:  # of a bot that was replaced, when the visit is over
                self._is_judged_kept_again(kept, records[kept.boot])
        world.counts["settled"] += 1

    def _is_judged_kept_again(self, kept: Kept, record: MeetingRecord) -> None:
        """Law 4, as verify does it: from the log alone, and each consent that was needed is named."""
        frame, delay_ms = kept.frame, self.world.circumstances.path_delay_ms
        from_ms = judged_from_ms(frame.captured_ms, frame.duration_ms, frame.encoding, delay_ms)
        to_ms = frame.captured_ms + frame.duration_ms
        verdict = judge(record, frame.speakers, from_ms, to_ms, Purpose.RECORDING)
        if isinstance(verdict, Refusal):
            raise BrokenLaw(4, f"the log refuses [{kept.from_ms}, {kept.to_ms}) of {frame.track}: {verdict.why}")
        needed = whose_consent(record, frame.speakers, frame.rule, from_ms, to_ms)
        entries = [self.world.log.tail(index)[0].event for index in frame.relies_on]
        named = {seat_of_voice(event.seat) for event in entries if isinstance(event, Decided)}
        if needed - named:
            raise BrokenLaw(4, f"[{kept.from_ms}, {kept.to_ms}) does not name the consent of {sorted(needed - named)}")
