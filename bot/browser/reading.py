"""PURE: what every page's reader keeps, so that a reader holds its platform's own facts alone: who is here, what was
written.

A person is told again when something about them changed; a line of chat is told once, and again as an edit or a
deletion where its words changed. The bot's own lines are kept until the room asks for their ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Generic, TypeVar

from bot.browser.script import PageFact
from bot.ports import ChatDeleted, ChatEdited, ChatSaid, Hears, Joined, Left, RoomCapabilities, VoiceDoubted
from consent_notice.words import IdentityLevel, SeatId, SeatKind

UNKNOWN_LINE = "?"  # no line's id
Key = TypeVar("Key", bound=Hashable)
UNSEEN_MS = 500  # between two lists; whoever came and went, or took a source and gave it back, in less is not seen
STANDSTILL_MS = 450  # between two lists, which otherwise come five times a second or more
STALE_MS = (
    1_000  # hooks that tell a whole list do so five times a second or more; no more than any roster lag of theirs
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    name: str
    is_bot: bool = False  # the platform says so
    is_phone: bool = False
    is_shared: bool = False  # several people or an unnamed one, by what the platform shows


class Roster:
    """Keys are the platform's ids; a seat is one of them."""

    def __init__(self, can: RoomCapabilities) -> None:
        self._can = can
        self._here: dict[str, Person] = {}
        self._ever = set[str]()

    @property
    def here(self) -> Mapping[str, Person]:
        return MappingProxyType(self._here)

    def knows(self, key: str) -> bool:
        """Who has been here. Of whom the page told too early that they left, a no still counts; a yes does not."""
        return key in self._ever

    def comes(self, key: str, person: Person, since_ms: int) -> Iterator[PageFact]:
        """`since_ms`: when it was last known that it was not so."""
        if self._here.get(key) != person:
            self._here[key] = person
            self._ever.add(key)
            yield self._joined(key, since_ms - self._can.roster_lag_ms)

    def goes(self, key: str, at_ms: int) -> Iterator[PageFact]:
        if self._here.pop(key, None) is not None:
            yield Left(seat=SeatId(key), at_ms=at_ms)

    def becomes(self, people: Mapping[str, Person], *, since_ms: int, at_ms: int) -> Iterator[PageFact]:
        """Of a complete list; `since_ms`: when the one before it came."""
        for key in [key for key in self._here if key not in people]:
            yield from self.goes(key, at_ms)
        for key, person in people.items():
            yield from self.comes(key, person, since_ms)

    def _joined(self, key: str, at_ms: int) -> Joined:
        person = self._here[key]
        is_shared = person.is_shared or person.is_phone or not person.name.strip()
        return Joined(
            seat=SeatId(key),
            name=person.name,
            seat_kind=SeatKind.BOT if person.is_bot else SeatKind.PERSON,
            identity_level=IdentityLevel.SHARED_OR_ANONYMOUS if is_shared else self._can.identity_level,
            at_ms=at_ms,
            is_phone=person.is_phone,
        )


class Pulse:
    """Whether the page's lists still come: one that stopped is as good as none, however lively the page is. The first
    after a standstill may be one of before it."""

    def __init__(self) -> None:
        self._told_ms: int | None = None  # the last whole list
        self._known_ms = 0  # until when lists told all
        self._is_on = False

    def beats(self, at_ms: int) -> None:
        was_still = self.gap_ms(at_ms) > STANDSTILL_MS
        self._known_ms = self._told_ms if was_still and self._told_ms is not None else at_ms
        self._told_ms, self._is_on = at_ms, True

    def stops(self) -> None:
        self._is_on = False

    def known_until(self, now_ms: int) -> int | None:
        return self._known_ms if self._is_on and self.gap_ms(now_ms) < STALE_MS else None

    def gap_ms(self, at_ms: int) -> int:
        """Since the last whole list; none where none came yet."""
        return 0 if self._told_ms is None else at_ms - self._told_ms

    def since(self, at_ms: int) -> int:
        """The last moment of which a list told all; `at_ms` where none came yet."""
        return at_ms if self._told_ms is None else self._known_ms


class Sources(Generic[Key]):
    """Whose each source of the page's sound is, as it was told last; one that two people claim is nobody's.

    The page tells late, and packets take their time. So where one comes to somebody else, however much later, what was
    heard of whom it was before is doubtful, and what comes now is nobody's for as long as a packet may be on its way.
    """

    def __init__(self, can: RoomCapabilities) -> None:
        self._can = can
        self._now: dict[Key, str] = {}
        self._last: dict[Key, set[str]] = {}  # who claimed it last, also of one that nobody claims now
        self._from_ms: dict[Key, int] = {}

    def whose(self, key: Key, at_ms: int) -> str | None:
        """None: nobody's."""
        return self._now.get(key) or None if at_ms >= self._from_ms.get(key, at_ms) else None

    def are(self, claims: Iterable[tuple[Key, str]], at_ms: int) -> set[str]:
        """Of a complete list; as `become`."""
        self._now.clear()
        return self.become(claims, at_ms)

    def become(self, claims: Iterable[tuple[Key, str]], at_ms: int) -> set[str]:
        """Of those that changed; claimed by the empty string: nobody's. Returns whose voices are in doubt."""
        claimed: dict[Key, set[str]] = {}
        for key, whose in claims:
            claimed.setdefault(key, set()).update({whose} - {""})
        doubtful = set[str]()
        for key, owners in claimed.items():
            last = self._last.get(key, owners)
            if owners and last and owners != last:
                doubtful |= last if len(last) == 1 else set()  # of two it was nobody's
                self._from_ms[key] = at_ms + self._can.path_delay_ms
            self._now[key] = next(iter(owners)) if len(owners) == 1 else ""
            self._last[key] = owners or last
        return doubtful

    def are_free(self, owners: Iterable[str]) -> None:
        """What was theirs is nobody's until it is told anew."""
        gone = set(owners)
        self._now = {key: whose for key, whose in self._now.items() if whose not in gone}

    def forget(self) -> None:
        self._now.clear()


class Messages:
    """Known by writer and id: nobody changes the line of another by using its id, or draws the answers to it."""

    def __init__(self) -> None:
        self._words: dict[tuple[SeatId, str], bytes] = {}  # a hash of what was told last; none: it was deleted
        self._writers: dict[str, SeatId] = {}  # of an id, the first
        self._shared = set[str]()  # ids that several used
        self._own: dict[str, str] = {}  # words of an own line -> its id

    def said(self, message: ChatSaid, *, is_own: bool = False) -> Iterator[PageFact]:
        """No text: it was deleted."""
        key = message.seat, message.message_id
        if self._writers.setdefault(message.message_id, message.seat) != message.seat:
            self._shared.add(message.message_id)
        before, now = self._words.get(key), _hash(message.text)
        if now == before:
            return
        if not (is_own or now):
            yield from self.deleted(message.message_id, message.seat, message.at_ms)
        self._words[key] = now
        if is_own:
            self._own[_plain(message.text)] = message.message_id
        elif now and before is None:
            # An answer to one of two lines is an answer, and nobody knows to which.
            yield replace(message, reply_to=UNKNOWN_LINE) if message.reply_to in self._shared else message
        elif now:
            yield ChatEdited(message_id=message.message_id, seat=message.seat, text=message.text, at_ms=message.at_ms)

    def wrote(self, seat: SeatId, message_id: str) -> None:
        """Of a line whose words nobody asks for."""
        self._writers.setdefault(message_id, seat)

    def deleted(self, message_id: str, seat: SeatId, at_ms: int) -> Iterator[PageFact]:
        """By whom wrote it; of a line that was never told it is no news."""
        if self._words.get((seat, message_id)):
            self._words[seat, message_id] = b""
            yield ChatDeleted(message_id=message_id, seat=seat, at_ms=at_ms)

    def own(self, text: str) -> str | None:
        """Its id, once."""
        return self._own.pop(_plain(text), None)


def _hash(text: str) -> bytes:
    """Lines are not kept."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() if text else b""


def _plain(text: str) -> str:
    """Its letters and digits: pages draw marks and breaks their own way."""
    return "".join(letter for letter in text if letter.isalnum())


class Reader:
    """What the reader of any page keeps; that of a platform adds what the platform's own signals mean."""

    def __init__(self, can: RoomCapabilities) -> None:
        self._can = can
        self._own: SeatId | None = None
        self._roster = Roster(can)
        self._messages = Messages()
        self._pulse = Pulse()

    @property
    def own_seat(self) -> SeatId | None:
        return self._own

    def own_message(self, text: str) -> str | None:
        return self._messages.own(text)

    def known_until(self, now_ms: int) -> int | None:
        """As far as the page's lists of people reach, while they come."""
        return self._pulse.known_until(now_ms)

    def _unseen(self, *, since_ms: int, at_ms: int) -> Iterator[PageFact]:
        """Of the time between two lists: where it was long, anybody may have come and gone, and sounded as another."""
        told_ms = at_ms - self._pulse.gap_ms(at_ms)
        if max(at_ms - told_ms, told_ms - since_ms) > UNSEEN_MS:
            yield from self._doubted(set(self._roster.here), since_ms=since_ms, at_ms=at_ms)

    def _doubted(self, voices: set[str], *, since_ms: int, at_ms: int) -> Iterator[PageFact]:
        """`since_ms`: until when the page told that they were right. In a mix everybody's voice is one."""
        everybody = self._roster.here if voices and self._can.hears is Hears.MIXED else ()
        for key in sorted({*voices, *everybody}):
            yield VoiceDoubted(seat=SeatId(key), from_ms=since_ms - self._can.roster_lag_ms, to_ms=at_ms)
