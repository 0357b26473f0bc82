"""Drives a session as a room and a log would, on a clock that only the test moves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bot.commands import Append, AskPhone, Command, Durable, NoticePosted, OwnEvent, PostNotice, Started, Tick
from bot.facts import NoticeRef, SessionFacts
from bot.ports import Admitted, ChatSaid, Hears, Joined, Left, RoomCapabilities, RoomEvent
from bot.session import Session
from config.wording import wordings
from consent_notice.decisions import Act
from consent_notice.events import Decided, Event, Means
from consent_notice.notice import Say
from consent_notice.phrases import read_phrases
from consent_notice.words import IdentityLevel, Purpose, Rule, SeatId, SeatKind, VisitId

BOT = SeatId("b" * 12)
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
PHRASES = read_phrases(wordings().values())
CAPABILITIES = RoomCapabilities(
    platform="practice",
    hears=Hears.SEPARATE,
    withholds=True,
    can_speak=True,
    can_chat=True,
    can_whisper=True,
    can_show_tile=True,
    chat_limit_chars=2000,
    identity_level=IdentityLevel.DISPLAY_NAME,
    roster_lag_ms=100,
    path_delay_ms=0,
)

YES = ((Purpose.RECORDING, Act.GIVE), (Purpose.TRANSCRIPTION, Act.GIVE))
NO = tuple((purpose, Act.WITHDRAW) for purpose in Purpose)

_Ordered = TypeVar("_Ordered", bound=Command)


def session_facts(rule: Rule, *, epoch: int = 1, host_name: str = "Ada", **changes: Any) -> SessionFacts:
    """`changes`: fields of SessionFacts, or of its capabilities."""
    of_room = {key: changes.pop(key) for key in list(changes) if hasattr(CAPABILITIES, key)}
    facts = _session_facts(rule, epoch=epoch, host_name=host_name)
    return replace(facts, capabilities=replace(facts.capabilities, **of_room), **changes)


def _session_facts(rule: Rule, *, epoch: int, host_name: str) -> SessionFacts:
    return SessionFacts(
        visit=VisitId("visit"),
        epoch=epoch,
        boot_id="boot",
        rule=rule,
        language="en",
        host_name=host_name,
        bot_name="onrecord",
        page_link="http://127.0.0.1/c/token",
        notice=NoticeRef(notice="n", version="1", language="en", text_sha256="00"),
        phrases=PHRASES,
        code_alphabet=ALPHABET,
        capabilities=CAPABILITIES,
        asked=(Purpose.RECORDING, Purpose.TRANSCRIPTION),
        offer_after_ms=90_000,
        grace_ms=120_000,
        lobby_limit_ms=600_000,
        empty_after_ms=10_000,
        ends_ms=3_600_000,
    )


@dataclass(slots=True)
class SimulatedVisit:
    """A session with a room that accepts everything and a log that is durable when the test says so."""

    rule: Rule = Rule.EACH_VOICE
    epoch: int = 1
    earlier: tuple[Durable, ...] = ()
    posts_notices: bool = True
    changes: dict[str, Any] = field(default_factory=dict)  # of the session's facts
    now_ms: int = 1_000
    orders: list[Command] = field(default_factory=list)
    log: list[Durable] = field(default_factory=list)
    _messages: int = 0
    session: Session = field(init=False)

    def __post_init__(self) -> None:
        self.session = Session(session_facts(self.rule, epoch=self.epoch, **self.changes), self.earlier)
        self.log = list(self.earlier)

    def enter(self) -> None:
        self.tell(Started())
        self.tell(Admitted(own_seat=BOT, at_ms=self.now_ms))
        self.join(BOT, "onrecord", SeatKind.BOT)

    def tell(self, event: RoomEvent | OwnEvent) -> list[Command]:
        """The commands that it gave; a notice that was ordered is posted at once."""
        orders = self.session.apply(event, self.now_ms)
        self.orders += orders
        for order in orders:
            if isinstance(order, PostNotice | AskPhone) and self.posts_notices:
                self._messages += 1
                orders = orders + self.tell(
                    NoticePosted(
                        message_id=f"n{self._messages}" if self.epoch == 1 else f"n{self.epoch}.{self._messages}",
                        seats=order.seats if isinstance(order, PostNotice) else frozenset({order.seat}),
                        line=order.line if isinstance(order, PostNotice) else Say.PHONE_KEYS,
                        stays=order.stays,
                    )
                )
        return orders

    def later(self, ms: int) -> list[Command]:
        self.now_ms += ms
        return self.tell(Tick())

    def join(
        self,
        seat: str,
        name: str,
        kind: SeatKind = SeatKind.PERSON,
        *,
        platform_id: str = "",
        is_phone: bool = False,
        level: IdentityLevel = IdentityLevel.DISPLAY_NAME,
    ) -> list[Command]:
        return self.tell(
            Joined(
                seat=SeatId(seat),
                name=name,
                seat_kind=kind,
                identity_level=level,
                at_ms=self.now_ms,
                platform_id=platform_id,
                is_phone=is_phone,
            )
        )

    def leave(self, seat: str) -> list[Command]:
        return self.tell(Left(seat=SeatId(seat), at_ms=self.now_ms))

    def chat(self, seat: str, text: str, *, reply_to: str | None = None, whisper: bool = False) -> list[Command]:
        self._messages += 1
        return self.tell(
            ChatSaid(
                message_id=f"m{self.epoch}.{self._messages}",
                seat=SeatId(seat),
                text=text,
                reply_to=reply_to,
                to_bot_only=whisper,
                at_ms=self.now_ms,
            )
        )

    def make_durable(self) -> list[Command]:
        """Everything ordered into the log so far becomes durable, and the feed tells."""
        known = {entry.event_id for entry in self.log}
        told: list[Command] = []
        for order in [order for order in self.orders if isinstance(order, Append)]:
            if order.event_id not in known:
                known.add(order.event_id)
                told += self.append(order)
        return told

    def append(self, order: Append) -> list[Command]:
        entry = Durable(index=len(self.log), event_id=order.event_id, event=order.event)
        self.log.append(entry)
        return self.tell(entry)

    def log_elsewhere(self, event: Event) -> list[Command]:
        """Another process wrote it; the feed tells."""
        entry = Durable(index=len(self.log), event_id=f"elsewhere-{len(self.log)}", event=event)
        self.log.append(entry)
        return self.tell(entry)

    def say_yes(self, seat: str) -> list[Command]:
        self.chat(seat, "record yes")
        return self.make_durable()

    def kept(self) -> frozenset[str]:
        return frozenset(str(seat) for seat in self.session.kept_seats(self.now_ms))

    def ordered(self, kind: type[_Ordered]) -> list[_Ordered]:
        return [order for order in self.orders if isinstance(order, kind)]


def decided_on_a_page(visit: SimulatedVisit, seat: str, acts: tuple[tuple[Purpose, Act], ...], at_ms: int) -> Durable:
    event = Decided(
        visit=VisitId("visit"),
        epoch=1,
        seat=SeatId(seat),
        acts=acts,
        means=Means.PAGE,
        identity_level=IdentityLevel.PAGE_BOUND_BY_CODE,
        matched_by="page code",
        notice="n",
        notice_version="1",
        notice_language="en",
        notice_sha256="00",
        message_id="form",
        verbatim="",
        reader_version="1",
        boot_id="boot",
        at_ms=at_ms,
    )
    entry = Durable(index=len(visit.log), event_id=f"page-{len(visit.log)}", event=event)
    visit.log.append(entry)
    return entry


def in_a_room(rule: Rule = Rule.EACH_VOICE, *names: str) -> SimulatedVisit:
    visit = SimulatedVisit(rule=rule)
    visit.enter()
    for name in names:
        visit.join(name, name)
    visit.make_durable()
    return visit
