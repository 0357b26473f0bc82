"""What a host may learn of a running meeting: numbers of people, and what they themselves and the bot did.

Pure. A refusal, a withdrawal and no answer are one thing here by construction: of each person nothing but "agreed"
leaves `_agreed`, and the one moment that is told is the bot's own first ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from consent_notice.events import (
    Decided,
    HeadcountDeclared,
    HostAct,
    HostActed,
    Means,
    NoticeDelivered,
    RuleSettled,
    SeatJoined,
    SeatLeft,
    VisitClosed,
    VisitOpened,
)
from consent_notice.standings import StandingsReplay
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, SeatKind, Standing, seat_of_voice
from web.replay import Entry, Timeline

_NOT_BY_THE_BOT = frozenset({Means.PAGE, Means.AHEAD})  # a notice that came with somebody's answer
_PAUSING = frozenset({HostAct.PAUSE, HostAct.RESUME})


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """One seat of people who are there."""

    seat: SeatId
    name: str
    people: int
    agreed: int
    level: IdentityLevel
    was_spoken_for: bool  # this host said so, whatever the person did before or after


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """All that a host may learn of a running meeting."""

    present: tuple[Present, ...] = ()
    rule: Rule | None = None  # the last one that was settled; None: as it began
    settled: RuleSettled | None = None  # the last time that places were looked at
    notice: NoticeDelivered | None = None  # the bot's first
    asked_ms: int | None = None  # when that was, from the visit's beginning
    acts: tuple[HostAct, ...] = ()
    attested_opens: bool = False

    @property
    def people(self) -> int:
        return sum(seat.people for seat in self.present)

    @property
    def agreed(self) -> int:
        return sum(seat.agreed for seat in self.present)

    @property
    def spoken_for(self) -> int:
        return sum(seat.was_spoken_for for seat in self.present)

    @property
    def is_paused(self) -> bool:
        return next((act for act in reversed(self.acts) if act in _PAUSING), None) is HostAct.PAUSE


def glance(entries: Iterable[Entry], timeline: Timeline, epoch: int) -> Glance:
    """From the entries of one visit in the log's order. When a bot comes back, whoever is there is told anew."""
    standings, here = StandingsReplay(), dict[SeatId, SeatJoined]()
    people: dict[SeatId, int] = {}
    spoken_for: set[SeatId] = set()
    acts: list[HostAct] = []
    rule: Rule | None = None
    settled: RuleSettled | None = None
    notice: NoticeDelivered | None = None
    asked_ms: int | None = None
    opened: VisitOpened | None = None
    for entry in entries:
        match entry.event:
            case VisitOpened() as event:
                opened = opened or event
                here.clear()
            case VisitClosed():
                here.clear()
            case SeatJoined() as event:
                here[event.seat] = event
            case SeatLeft(seat=seat):
                here.pop(seat, None)
            case HeadcountDeclared(seat=seat, people=count) as event:
                standings.declared(event)
                people[seat] = max(count, people.get(seat, 1))
            case RuleSettled() as event:
                rule = event.rule
                settled = event if event.profile else settled
            case HostActed(act=done):
                acts.append(done)
            case NoticeDelivered() as event:
                list(standings.after(event))
                if notice is None and event.means not in _NOT_BY_THE_BOT:
                    notice, asked_ms = event, timeline.position(event.boot_id, event.at_ms, entry.at)
            case Decided() as event:
                list(standings.after(event))
                if event.means is Means.HOST and event.epoch == epoch:
                    spoken_for.add(event.seat)
            case _:
                pass
    return Glance(
        present=tuple(
            Present(
                seat=seat,
                name=joined.name,
                people=people.get(seat, 1),
                agreed=_agreed(standings, seat, people.get(seat, 1)),
                level=joined.identity_level,
                was_spoken_for=seat in spoken_for,
            )
            for seat, joined in here.items()
            if joined.seat_kind is SeatKind.PERSON
        ),
        rule=rule,
        settled=settled,
        notice=notice,
        asked_ms=asked_ms,
        acts=tuple(acts),
        attested_opens=opened is not None and opened.attested_opens,
    )


def _agreed(standings: StandingsReplay, seat: SeatId, people: int) -> int:
    """How many on that seat. All of them only where the seat itself opens."""
    if standings.of_seat(seat, Purpose.RECORDING) is Standing.GIVEN:
        return people
    given = sum(
        standing is Standing.GIVEN and purpose is Purpose.RECORDING and seat_of_voice(voice) == seat != voice
        for (voice, purpose), standing in standings.now.items()
    )
    return min(people - 1, given)
