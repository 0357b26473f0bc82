"""Random walks through simulated meetings, each from one seed, and the shortest one that still breaks the same law."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.ports import Hears
from consent_notice.words import Rule
from tests.simulators.world import Circumstances, World
from tests.simulators.world_laws import BrokenLaw
from tests.simulators.world_log import WorldLog
from tests.simulators.world_steps import BY_NAME, WEIGHTS

SETTLE_EVERY = 130
_OPENING_STEPS = ("bot_comes", "join", "join", "a_while")


@dataclass(frozen=True, slots=True)
class Walk:
    seed: str
    circumstances: Circumstances
    steps: tuple[tuple[str, str], ...]  # its name, and the seed of its own dice


@dataclass(frozen=True, slots=True)
class Breach:
    walk: Walk
    at_step: int
    error: Exception

    def __str__(self) -> str:
        steps = "\n".join(
            f"  {name} {seed}" for name, seed in self.walk.steps[max(0, self.at_step - 25) : self.at_step + 1]
        )
        return f"seed {self.walk.seed}, step {self.at_step}: {self.error}\n{self.walk.circumstances}\n{steps}"


def walk_of(seed: str, length: int) -> Walk:
    dice = random.Random(seed)
    names = [step.__name__ for step in WEIGHTS]
    chosen = [*_OPENING_STEPS, *dice.choices(names, list(WEIGHTS.values()), k=length - len(_OPENING_STEPS))]
    steps = tuple((name, f"{seed}.{number}") for number, name in enumerate(chosen))
    return Walk(seed, _circumstances(dice), steps)


def _circumstances(dice: random.Random) -> Circumstances:
    hears = dice.choice((Hears.SEPARATE, Hears.SEPARATE, Hears.SEPARATE, Hears.MIXED))
    rule = Rule.EVERYONE if hears is Hears.MIXED else dice.choice(list(Rule))
    has_fallback = rule is Rule.EVERYONE and hears is Hears.SEPARATE and dice.random() < 0.5
    names_only = dice.random() < 0.25
    return Circumstances(
        rule=rule,
        hears=hears,
        fallback=Rule.EACH_VOICE if has_fallback else None,
        attested_opens=dice.random() < 0.3,
        needs_host=dice.random() < 0.2,
        names_only=names_only,
        withholds=dice.random() < 0.2,
        can_whisper=dice.random() < 0.7,
        hears_digits=dice.random() < 0.7,
        knows_agreements=not names_only and dice.random() < 0.5,
        replays_chat=dice.random() < 0.7,
        roster_lag_ms=dice.choice((0, 100, 250)),
        path_delay_ms=dice.choice((0, 1, 15, 100)),
    )


def run(walk: Walk, counts: Counter[str] | None = None, log: WorldLog | None = None) -> Breach | None:
    """None where no law was broken; what the walk saw is added to `counts`."""
    world = World(walk.circumstances, walk.seed, log)
    number = 0
    try:
        for number, (name, seed) in enumerate(walk.steps):
            world.dice = random.Random(seed)
            BY_NAME[name](world)
            if number % SETTLE_EVERY == SETTLE_EVERY - 1:
                world.settle()
        world.settle()
    except BrokenLaw as error:
        return Breach(walk, number, error)
    finally:
        if counts is not None:
            counts.update(world.counts)
            counts["steps"] += number + 1
    return None


def shorter(breach: Breach) -> Breach:
    """Leaves out steps as long as the same law is still broken."""
    steps: Sequence[tuple[str, str]] = breach.walk.steps[: breach.at_step + 1]
    best = breach
    size = max(1, len(steps) // 2)
    while size:
        start = 0
        while start < len(steps):
            fewer = (*steps[:start], *steps[start + size :])
            found = run(Walk(breach.walk.seed, breach.walk.circumstances, tuple(fewer)))
            if found is not None and _law(found) == _law(breach):
                best, steps = found, fewer[: found.at_step + 1]
            else:
                start += size
        size //= 2
    return best


def _law(breach: Breach) -> int:
    return breach.error.law if isinstance(breach.error, BrokenLaw) else 0
