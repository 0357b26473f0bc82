"""The truth of a simulated meeting, on a clock that no process sees: who was where, who said what, and when.

A naive oracle over it says whether a sound may be kept. It shares no code with the judgement and asks none of it; what
the bot knew, and when, is no matter here unless a caller says which facts are to count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

FOREVER_MS = 1 << 60
HOST_NAME = "Ada"
DATED_EARLY_MS = 40  # so much earlier than it was, at most, the room says that somebody came


@dataclass(slots=True, eq=False)
class Fact:
    """Something that forbids or allows from `at_ms` on."""

    at_ms: int
    told_by: str  # "room" (told within the settling time) or "log" (from when its entry is durable)
    durable_ms: int | None = None
    index: int | None = None  # of its entry
    is_lost: bool = False  # reached nothing that outlived it, and nobody was told that it had
    is_unheard: bool = False  # for good: the room told it when nobody sat there
    is_told_again: bool = False  # by the room, to a bot that comes back
    heard_by: set[int] = field(default_factory=set)  # stays that have heard of it or are about to, by epoch
    ever_heard_by: set[int] = field(default_factory=set)
    known_to: set[int] = field(default_factory=set)  # stays that have heard of it and could tell of whom it is
    boot: int | None = None  # in which it was durable

    def is_durable(self, at_ms: int, index: int, boot: int) -> None:
        if self.durable_ms is None:
            self.durable_ms, self.index, self.boot, self.is_lost = at_ms, index, boot, False

    def is_known(self, settled_until_ms: int, epoch: int) -> bool:
        """Whether a bot that has heard all up to then has heard of it."""
        if self.durable_ms is not None and self.durable_ms < settled_until_ms:
            return True
        is_heard = self.told_by == "room" and epoch in self.ever_heard_by and not self.is_lost and not self.is_unheard
        return is_heard and self.at_ms < settled_until_ms

    def counts_in(self, boot: int) -> bool:
        """Once all has arrived; what was first heard of after the machine restarted says nothing about its past."""
        return not self.is_lost and not self.is_unheard and (self.boot is None or self.boot <= boot)


@dataclass(slots=True, eq=False)
class Pause(Fact):
    """The host's; what a resume ends."""


Counts = Callable[[Fact], bool]


@dataclass(slots=True, eq=False, kw_only=True)
class Word(Fact):
    """A person's own answer about recording."""

    is_yes: bool
    message_id: str = ""
    is_plain: bool = True  # False: a yes taken back by changing its message, which only who saw the yes can tell


@dataclass(slots=True, eq=False)
class Person:
    key: str
    name: str
    words: list[Word] = field(default_factory=list)
    eager_ms: int = -FOREVER_MS  # when they last wrote what would be a yes if they had been asked
    told: Fact | None = None  # that they sit there too, where somebody had to tell it; before it nobody could know

    def says(self, word: Word) -> Word:
        self.words.append(word)
        return word

    @property
    def wants(self) -> bool | None:
        """Their last word."""
        return self.words[-1].is_yes if self.words else None

    def agreed_over(self, from_ms: int, to_ms: int, counts: Counts) -> bool:
        """A no counts from its millisecond on, a yes from its own; nothing said is no yes."""
        agreed = False
        for word in self.words:
            if word.at_ms >= to_ms:
                break
            if not word.is_yes and not counts(word):
                continue
            if word.at_ms <= from_ms:
                agreed = word.is_yes
            elif not word.is_yes:
                return False
        return agreed


@dataclass(slots=True, eq=False)
class Sitting:
    """People at one seat over one stay of it."""

    seat: str
    people: list[Person]
    from_ms: int
    to_ms: int = FOREVER_MS
    is_bot: bool = False  # that an admin vouched for
    told: Fact | None = None  # where the room told of it later than it promises

    def overlaps(self, from_ms: int, to_ms: int) -> bool:
        return self.from_ms < to_ms and from_ms < self.to_ms and self.from_ms < self.to_ms


@dataclass(slots=True)
class Truth:
    everyone_must_agree: bool
    sittings: list[Sitting] = field(default_factory=list)
    shuttings: list[tuple[Fact, Fact | None]] = field(default_factory=list)  # a pause or bar, and what ended it
    tightened: list[Fact] = field(default_factory=list)
    loosened_ms: int | None = None  # the fallback that the notice stated

    def at(self, seat: str) -> Sitting | None:
        """Who sits there now."""
        for sitting in reversed(self.sittings):
            if sitting.seat == seat:
                return sitting if sitting.to_ms == FOREVER_MS else None
        return None

    def present(self) -> list[Sitting]:
        return [sitting for sitting in self.sittings if sitting.to_ms == FOREVER_MS]

    def may_keep(self, seats: frozenset[str] | None, from_ms: int, to_ms: int, counts: Counts) -> str:
        """Why sound of [from, to) may not be kept; empty: it may. `seats`: whose tracks are in it; None: everybody's.

        Law 1: each person whose voice can be in it, or who is there while everyone must agree, had agreed throughout.
        """
        for shut, ended in self.shuttings:
            if counts(shut) and shut.at_ms < to_ms and (ended is None or from_ms < ended.at_ms):
                return "shut for all"
        for sitting, person in self._concerned(seats, from_ms, to_ms, counts):
            if not person.agreed_over(max(from_ms, sitting.from_ms), min(to_ms, sitting.to_ms), counts):
                return f"{person.key} had not agreed"
        return ""

    def host_was_there(self, from_ms: int, to_ms: int) -> bool:
        """All the time; who reloads a page within a millisecond was."""
        for sitting in self.sittings:
            if sitting.people[0].name == HOST_NAME and sitting.from_ms <= from_ms < sitting.to_ms:
                from_ms = sitting.to_ms
        return from_ms >= to_ms

    def needs_everyone(self, from_ms: int, to_ms: int, counts: Counts) -> bool:
        if any(counts(fact) and fact.at_ms < to_ms for fact in self.tightened):
            return True
        return self.everyone_must_agree and (self.loosened_ms is None or from_ms < self.loosened_ms)

    def _concerned(
        self, seats: frozenset[str] | None, from_ms: int, to_ms: int, counts: Counts
    ) -> Iterator[tuple[Sitting, Person]]:
        takes_all = seats is None or self.needs_everyone(from_ms, to_ms, counts)
        for sitting in self.sittings:
            if sitting.is_bot or not sitting.overlaps(from_ms, to_ms):
                continue
            if sitting.told is not None and not counts(sitting.told):
                continue
            if takes_all or (seats is not None and sitting.seat in seats):
                yield from ((sitting, person) for person in sitting.people if _is_told(person, to_ms, counts))


def _is_told(person: Person, to_ms: int, counts: Counts) -> bool:
    return person.told is None or (counts(person.told) and person.told.at_ms < to_ms)
