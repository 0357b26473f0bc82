"""Session, gate, log and feed together, on random walks through a simulated meeting: the laws hold at each step.

A walk is drawn by its seed alone, so what went wrong once goes wrong again.
"""

from __future__ import annotations

from collections import Counter

from tests.simulators.world_walk import run, walk_of

WALKS, STEPS = 60, 400
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


def test_the_laws_hold_whatever_happens_in_a_meeting() -> None:
    counts: Counter[str] = Counter()
    breaches = [run(walk_of(str(seed), STEPS), counts) for seed in range(WALKS)]
    assert "\n\n".join(str(breach) for breach in breaches if breach is not None) == ""
    assert [what for what in REACHED if not counts[what]] == []
    assert counts["kept"] > 10_000
