"""What was said in a simulated meeting, as facts: who has heard each, whether it is in the log, and whether it is lost.

A fact is known by the seat and by the message id that its entry in the log will have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consent_notice.events import Decided, Event, HeadcountDeclared, HostActed, NoticeDelivered, RuleSettled
from consent_notice.words import Rule
from tests.simulators.world_truth import HOST_NAME, Fact, Pause, Sitting, Word

if TYPE_CHECKING:
    from tests.simulators.world import World
    from tests.simulators.world_bot import Bot
    from tests.simulators.world_room import Message


class Words:
    def __init__(self, world: World) -> None:
        self.world = world
        self.facts: dict[tuple[str, str], list[Fact]] = {}
        self._resumed: Fact | None = None

    def says(self, seat: str, reference: str, fact: Fact, *, is_told_again: bool = True) -> None:
        """Into the room. `reference`: the message id that its entry will have."""
        self.facts.setdefault((seat, reference), []).append(fact)
        fact.is_told_again = is_told_again
        fact.heard_by = {bot.epoch for bot in self.world.bots_in_room()}
        fact.ever_heard_by |= fact.heard_by
        fact.is_lost = not fact.heard_by and not (self.world.circumstances.replays_chat and is_told_again)

    def said_ms(self, decided: Decided) -> tuple[int, bool]:
        """When it was truly said, and whether it answers a notice: who does has read one."""
        for message in self.world.room.history:
            if message.message_id == decided.message_id:
                return message.at_ms, message.reply_to in self.world.room.public_notices
        return self.world.now_ms, False

    def is_known_as_asked(self, seat: str) -> bool:
        """By the log, or by the bot that asked and still is there."""
        asked = (one.event for one in self.world.log.tail(0) if isinstance(one.event, NoticeDelivered))
        last_ms = self.world.room.notices[seat][-1][0]
        return any(event.seat == seat for event in asked) or any(
            one.began_ms <= last_ms for one in self.world.bots_in_room()
        )

    def host_says(self, sitting: Sitting, text: str) -> None:
        """Counts where the bot can tell that it is the host, and only the first time that it is told."""
        message = self.world.room.writes(sitting, text)
        fact = (Pause if text == "/pause" else Fact)(self.world.now_ms, "room")
        self.says("host", message.message_id, fact)
        counted: list[Fact] = []

        def told(bot: Bot) -> None:
            is_host = bot.is_host(sitting.seat)
            if self.world.circumstances.names_only:
                is_host = is_host and message.name == HOST_NAME
            if not is_host:
                fact.is_unheard = fact.is_unheard or (bool(counted) and fact.durable_ms is None)
            if counted or not is_host:
                return
            counted.append(fact)
            if text == "/pause":
                self.paused(fact)
            elif text == "/resume":
                self.resumed(fact)

        message.on_told = told

    def told_message(self, bot: Bot, message: Message, as_of_ms: int) -> None:
        """A bot hears of it now, as it was then; what it cannot tie to that person it cannot know."""
        if message.seat in bot.roster:
            facts = [fact for fact in self._facts_of(message) if fact.at_ms <= as_of_ms]
            saw_yes = any(isinstance(fact, Word) and fact.is_yes and bot.epoch in fact.known_to for fact in facts)
            # A bare yes answers whoever has just asked, and that was not this bot.
            first = next((one for one in self.world.room.history if one.message_id == message.message_id), message)
            saw_yes = saw_yes and not (first.is_bare and first.reply_to is None and first.at_ms <= bot.began_ms)
            for fact in facts:
                is_in_it = fact.is_told_again or bot.epoch in fact.ever_heard_by  # and not changed since
                if is_in_it and (saw_yes or not isinstance(fact, Word) or fact.is_plain):
                    fact.known_to.add(bot.epoch)

    def told_again(self, bot: Bot, message: Message) -> None:
        is_there = self.world.truth.at(message.seat) is not None
        for fact in [*self._facts_of(message), *self.facts.get((message.seat, message.code), ())]:
            if fact.durable_ms is not None or not fact.is_told_again:
                continue
            if is_there:
                fact.heard_by.add(bot.epoch)
                fact.ever_heard_by.add(bot.epoch)
            elif not fact.heard_by:
                fact.is_unheard = True

    def is_over(self, message: Message) -> None:
        """What it said is told no more: it was changed, or lies too far back."""
        for fact in [*self._facts_of(message), *self.facts.get((message.seat, message.code), ())]:
            fact.is_told_again = False
            fact.is_lost = fact.is_lost or (fact.durable_ms is None and not fact.heard_by)

    def bot_ended(self, bot: Bot) -> None:
        """What only it had heard, and had not written, is lost with it, unless the room tells it again."""
        for facts in self.facts.values():
            for fact in facts:
                if fact.durable_ms is None and bot.epoch in fact.heard_by:
                    fact.heard_by.discard(bot.epoch)
                    fact.is_lost = not fact.heard_by and not (
                        self.world.circumstances.replays_chat and fact.is_told_again
                    )

    def _facts_of(self, message: Message) -> list[Fact]:
        seat, reference = message.seat, message.message_id
        return [
            fact
            for key in (
                (seat, reference),
                (seat, f"{reference}:edited"),
                (seat, f"{reference}:deleted"),
                ("host", reference),
            )
            for fact in self.facts.get(key, ())
        ]

    def written(self, event: Event, index: int) -> None:
        """By a bot."""
        if isinstance(event, Decided | HeadcountDeclared | HostActed):
            seat = "host" if isinstance(event, HostActed) else str(event.seat)
            reference = ":".join(event.message_id.split(":")[:2])  # the time of an edit is left out
            for fact in self.facts.get((seat, reference), ()):
                if isinstance(fact, Word) is not isinstance(event, Decided) and not isinstance(event, HostActed):
                    continue  # how many sit there and what one of them chose are two entries of one code
                if event.epoch in fact.ever_heard_by | fact.known_to:  # else it is said anew, to that bot
                    fact.is_durable(self.world.now_ms, index, len(self.world.boots))
        elif (
            isinstance(event, RuleSettled) and event.rule is not Rule.EVERYONE and self.world.truth.loosened_ms is None
        ):
            self.world.truth.loosened_ms = self.world.now_ms
            self.world.counts["fallback"] += 1

    def paused(self, fact: Fact) -> None:
        """Told, maybe, after a resume that was said later; of one millisecond, either comes first."""
        is_over = self._resumed is not None and self._resumed.at_ms >= fact.at_ms
        self.world.truth.shuttings.append((fact, self._resumed if is_over else None))

    def resumed(self, fact: Fact) -> None:
        """The host's last word: each pause up to now is over."""
        self._resumed = fact
        self.world.truth.shuttings = [
            (shut, fact if ended is None and isinstance(shut, Pause) and shut.at_ms <= fact.at_ms else ended)
            for shut, ended in self.world.truth.shuttings
        ]
