"""PURE: what every page's reader keeps, so that a reader holds its platform's own facts alone: who is here, what was
written.

A person is told again when something about them changed; a line of chat is told once, and again as an edit or a
deletion where its words changed. The bot's own lines are kept until the room asks for their ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.browser.script import PageFact
from bot.ports import ChatDeleted, ChatEdited, ChatSaid, Joined, Left, RoomCapabilities
from consent_notice.words import IdentityLevel, SeatId, SeatKind

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

    @property
    def here(self) -> Mapping[str, Person]:
        return MappingProxyType(self._here)

    def comes(self, key: str, person: Person, at_ms: int) -> Iterator[PageFact]:
        if self._here.get(key) != person:
            self._here[key] = person
            yield self._joined(key, at_ms - self._can.roster_lag_ms)

    def goes(self, key: str, at_ms: int) -> Iterator[PageFact]:
        if self._here.pop(key, None) is not None:
            yield Left(seat=SeatId(key), at_ms=at_ms)

    def becomes(self, people: Mapping[str, Person], at_ms: int) -> Iterator[PageFact]:
        """Of a complete list."""
        for key in [key for key in self._here if key not in people]:
            yield from self.goes(key, at_ms)
        for key, person in people.items():
            yield from self.comes(key, person, at_ms)

    def doubts(self, key: str, at_ms: int) -> Iterator[PageFact]:
        """Sound of the last moments may have been another's: as if they had only just come."""
        if key in self._here:
            yield Left(seat=SeatId(key), at_ms=at_ms - self._can.roster_lag_ms)
            yield self._joined(key, at_ms)

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
    """Whether the page's lists still come: one that stopped is as good as none, however lively the page is."""

    def __init__(self) -> None:
        self._told_ms: int | None = None

    def beats(self, at_ms: int) -> None:
        self._told_ms = at_ms

    def stops(self) -> None:
        self._told_ms = None

    def is_on(self, now_ms: int) -> bool:
        return self._told_ms is not None and now_ms - self._told_ms < STALE_MS


class Messages:
    def __init__(self) -> None:
        self._texts: dict[str, str] = {}  # id -> words as they were told last
        self._own: dict[str, str] = {}  # words of an own line -> its id

    def said(self, message: ChatSaid, *, is_own: bool = False) -> Iterator[PageFact]:
        """No text: it was deleted."""
        before = self._texts.get(message.message_id)
        if message.text == before:
            return
        self._texts[message.message_id] = message.text
        if is_own:
            self._own[_plain(message.text)] = message.message_id
        elif not message.text:
            yield from self.deleted(message.message_id, message.seat, message.at_ms)
        elif before is None:
            yield message
        else:
            yield ChatEdited(message_id=message.message_id, seat=message.seat, text=message.text, at_ms=message.at_ms)

    def deleted(self, message_id: str, seat: SeatId, at_ms: int) -> Iterator[PageFact]:
        self._texts[message_id] = ""
        yield ChatDeleted(message_id=message_id, seat=seat, at_ms=at_ms)

    def own(self, text: str) -> str | None:
        """Its id, once."""
        return self._own.pop(_plain(text), None)


def _plain(text: str) -> str:
    """Its letters and digits: pages draw marks and breaks their own way."""
    return "".join(letter for letter in text if letter.isalnum())


class Reader:
    """What the reader of any page keeps; that of a platform adds what the platform's own signals mean."""

    def __init__(self, can: RoomCapabilities) -> None:
        self._own: SeatId | None = None
        self._roster = Roster(can)
        self._messages = Messages()
        self._pulse = Pulse()

    @property
    def own_seat(self) -> SeatId | None:
        return self._own

    def own_message(self, text: str) -> str | None:
        return self._messages.own(text)

    def is_alive(self, now_ms: int) -> bool:
        """While the page's list of people comes."""
        return self._pulse.is_on(now_ms)
