"""Session, gate, log and feed together, on random walks through a simulated meeting: the laws hold at each step.

A walk is drawn by its seed alone, so what went wrong once goes wrong again.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.simulators.world_walk import run, walk_of

WALKS, NIGHTLY_WALKS, STEPS = 60, 2_500, 400
REACHED = (
    "drops",
    "kills",
    "restarts",
    "second bots",
    "fallback",
    "cut back",
    "refused afterwards",
    "kept as attested",
    "kept of a shared seat",
)


def breaches_of(seeds: range, counts: Counter[str]) -> str:
    breaches = (run(walk_of(str(seed), STEPS), counts) for seed in seeds)
    return "\n\n".join(str(breach) for breach in breaches if breach is not None)


def test_the_laws_hold_whatever_happens_in_a_meeting() -> None:
    counts: Counter[str] = Counter()
    assert breaches_of(range(WALKS), counts) == ""
    assert [what for what in REACHED if not counts[what]] == []
    assert counts["kept"] > 10_000


@pytest.mark.nightly
def test_the_laws_hold_over_a_million_steps() -> None:
    counts: Counter[str] = Counter()
    assert breaches_of(range(WALKS, WALKS + NIGHTLY_WALKS), counts) == ""
    assert counts["steps"] == NIGHTLY_WALKS * STEPS
