"""Random walks through simulated meetings, each from one seed, and the shortest one that still breaks the same law."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass, replace

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
    error: BrokenLaw

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
    """Leaves out steps as long as the same goes wrong, and again until none can go."""
    best = breach
    size = max(1, len(breach.walk.steps) // 2)
    while size:
        start, had = 0, len(best.walk.steps)
        while start < len(best.walk.steps):
            steps = best.walk.steps
            found = run(replace(breach.walk, steps=(*steps[:start], *steps[start + size :])))
            if found is not None and _what(found) == _what(breach):
                best = Breach(
                    replace(found.walk, steps=found.walk.steps[: found.at_step + 1]), found.at_step, found.error
                )
            else:
                start += size
        size = size // 2 if size > 1 or len(best.walk.steps) == had else 1
    return best


def _what(breach: Breach) -> str:
    """Without its times and numbers."""
    return re.sub(r"\d+", "#", str(breach.error).partition(":")[0] + str(breach.error).rpartition(":")[2])
