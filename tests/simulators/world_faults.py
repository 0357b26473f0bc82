"""The steps by which something goes wrong: a write, the room, the machine, a bot that dies or comes twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulators.world import World


def write_fails(world: World) -> None:
    world.log.failing.append(world.dice.choice(("before", "after")))
    world.counts[f"write fails {world.log.failing[-1]}"] += 1


def feed_silent(world: World) -> None:
    world.feed_silent_until_ms = world.now_ms + world.dice.choice((300, 499, 500, 501, 900, 2_000))


def room_silent(world: World) -> None:
    world.room.silent_until_ms = world.now_ms + world.dice.choice((300, 499, 500, 501, 900, 2_000))


def stall(world: World) -> None:
    for bot in world.bots:
        bot.stall(world.now_ms + world.dice.choice((150, 199, 200, 201, 260, 700)))


def sleep(world: World) -> None:
    world.suspend(world.dice.choice((150, 200, 250, 1_000, 30_000)))


def room_drops(world: World) -> None:
    for bot in world.bots_in_room():
        world.room.drops(bot)
        world.counts["drops"] += 1


def killed(world: World) -> None:
    if world.bots:
        world.dice.choice(world.bots).end()
        world.counts["kills"] += 1


def server_stops(world: World) -> None:
    for bot in world.bots_in_room():
        bot.stop_server()


def machine_restarts(world: World) -> None:
    world.machine_restarts()
    world.counts["restarts"] += 1


def second_bot(world: World) -> None:
    if world.bots_in_room():
        world.begin_stay()
        world.counts["second bots"] += 1


def bot_comes(world: World) -> None:
    if not world.bots:
        world.begin_stay()


FAULTS: dict[Callable[[World], None], int] = {
    write_fails: 1, feed_silent: 1, room_silent: 1, stall: 1, sleep: 1, room_drops: 1, killed: 2, server_stops: 1,
    machine_restarts: 1, second_bot: 1, bot_comes: 12,
}  # fmt: skip
